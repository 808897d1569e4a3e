"""Household telegrams of a given size whose values move from one readout to the next as a real meter's do."""

from __future__ import annotations

import random
from collections.abc import Iterator

from obisgw.iec62056_21.block_check import xor_check

SMALL = 1200
"""Characters from STX to the block check; what most household meters send."""
LARGE = 2000

_COUNTERS = ("1.8.0", "1.8.1", "1.8.2", "2.8.0", "2.8.1", "2.8.2", "3.8.0", "4.8.0", "5.8.0", "6.8.0", "7.8.0", "8.8.0")
_MOMENTARY = (
    ("16.7.0", "kW", 4000, 3),
    ("36.7.0", "kW", 1500, 3),
    ("56.7.0", "kW", 1500, 3),
    ("76.7.0", "kW", 1500, 3),
    ("32.7.0", "V", 2310, 1),
    ("52.7.0", "V", 2290, 1),
    ("72.7.0", "V", 2320, 1),
    ("31.7.0", "A", 600, 2),
    ("51.7.0", "A", 600, 2),
    ("71.7.0", "A", 600, 2),
    ("13.7.0", "", 97, 2),
    ("14.7.0", "Hz", 5000, 2),
)
"""Code, unit, level in steps of the last digit, decimals. A value moves by some steps: no telegram is read twice."""
_MOVES = 4


class Household:
    """A meter's telegrams in their order: the same seed gives the same ones.

    ``size``: characters of the whole data message; billing periods and a padded last line make it exact. Closed billing
    periods stay as they are from one telegram to the next, as they do in a meter; ``all_new`` changes them too.
    """

    def __init__(self, size: int = SMALL, number: str = "40123456", *, seed: int = 1, all_new: bool = False) -> None:
        self.size = size
        self.number = number
        self._all_new = all_new
        self._chance = random.Random(seed)
        self._wh = [self._chance.randrange(10_000_000, 90_000_000) for _ in _COUNTERS]
        self._closed = [[value - month * 400_000 for value in self._wh] for month in range(1, 16)]
        self._seconds = 0

    def __iter__(self) -> Iterator[bytes]:
        while True:
            yield self.message()

    def message(self) -> bytes:
        """Return the next data message, STX to block check, without parity."""
        lines = self._current()
        fixed = sum(len(line) + 2 for line in lines) + len("\x02!\r\n\x03.")
        for line in self._history():
            # What is left must hold the line that fills up: "C.90.2(" ")" CR LF and at least one digit.
            if fixed + len(line) + 2 > self.size - 12:
                break
            lines.append(line)
            fixed += len(line) + 2
        lines.append(f"C.90.2({'0' * (self.size - fixed - 10)})")
        body = "".join(f"{line}\r\n" for line in lines).encode() + b"!\r\n\x03"
        self._step()
        return b"\x02" + body + bytes((xor_check(body),))

    def values(self) -> dict[str, str]:
        """Return every address of the next message with its bracket's text."""
        state, seconds, wh = self._chance.getstate(), self._seconds, list(self._wh)
        closed = [list(month) for month in self._closed]
        text = self.message()[1:-5].decode()
        self._chance.setstate(state)
        self._seconds, self._wh, self._closed = seconds, wh, closed
        return dict(line.rstrip(")").split("(", 1) for line in text.split("\r\n") if line)

    def _step(self) -> None:
        self._seconds += 3
        self._wh = [value + self._chance.randrange(1, 9) for value in self._wh]
        if self._all_new:
            self._closed = [[value + self._chance.randrange(1, 9) for value in month] for month in self._closed]

    def _current(self) -> list[str]:
        hours, rest = divmod(self._seconds % 86400, 3600)
        lines = [
            "F.F(00000000)",
            f"0.0.0({self.number})",
            f"C.1.0({self.number})",
            "0.2.0(V2.14)",
            "C.1.6(FDF5)",
            f"0.9.1({hours:02}:{rest // 60:02}:{rest % 60:02})",
            "0.9.2(24-11-22)",
            "0.1.0(14)",
            "C.7.0(0007)",
        ]
        lines += [f"{code}({_kilo(wh)}*{_unit(code)})" for code, wh in zip(_COUNTERS, self._wh, strict=True)]
        for code, unit, level, places in _MOMENTARY:
            value = level + self._chance.randrange(-_MOVES, _MOVES + 1)
            text = f"{value / 10**places:0{places + 4}.{places}f}"
            lines.append(f"{code}({text}*{unit})" if unit else f"{code}({text})")
        return lines

    def _history(self) -> Iterator[str]:
        for month, values in enumerate(self._closed, 1):
            for code, wh in zip(_COUNTERS[:6], values, strict=False):
                yield f"{code}*{month:02}({_kilo(wh)}*{_unit(code)})"
            yield f"1.6.1*{month:02}({_kilo(values[0] % 9000)}*kW)"


def _kilo(wh: int) -> str:
    return f"{wh // 1000:06}.{wh % 1000:03}"


def _unit(code: str) -> str:
    return "kWh" if code[0] in "12" else "kvarh"
