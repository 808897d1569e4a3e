"""Faults on the way from the meter to the reading device, deterministic by seed.

A fault is written ``name``, ``name=value`` and optionally ``@when``: ``@3`` the third readout only, ``@3-5``, ``@3-``
from the third on, ``@%4`` every fourth. Rates are per character.

======================  ================================================================================
``flip=RATE``           one bit of a character is flipped
``flip-pairs=RATE``     two bits of a character are flipped: its parity stays right
``lose=RATE``           a character is lost
``swap=RATE``           a character changes places with the next
``insert=RATE``         a random character comes between two
``non-ascii=RATE``      a character becomes one above 127
``noise-before=N``      N random characters before each message
``noise-between=N``     N random characters in the middle of each data message
``noise-after=N``       N random characters behind each data message
``nul-flood=N``         N NULs before each message
``bad-check``           the last character of the data message (its block check) is another one
``lose-first``          the first character of each message is lost
``silence``             nothing is sent at all
``no-data``             the data message is not sent
``late=SECONDS``        each message comes later by so much
``pause=SECONDS``       the data message stops in its middle for so long
``cut=SHARE``           the data message ends after this share of its characters
``endless``             the data message is repeated a hundred times without an end
``long-identification=N``  the identification is N characters longer
``deaf``                acknowledgements are not heard
``second-meter``        another meter talks over the data message
``unplug=AT/FOR``       the adapter is unplugged AT seconds after the start, FOR seconds long
======================  ================================================================================
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from obisgw.errors import ConfigurationError
from obisgw.iec62056_21.characters import add_parity
from obisgw.iec62056_21.meter_settings import Part

Piece = tuple[float, bytes]
"""Characters and how many seconds later than in the whole message their first one starts."""

_Damage = Callable[[list[Piece], float, float, random.Random], list[Piece]]


@dataclass(frozen=True, slots=True)
class When:
    """Which readouts, counted from 1, a fault hits."""

    first: int = 1
    last: int | None = None
    every: int = 1

    def holds(self, readout: int) -> bool:
        """Whether this readout is hit."""
        return self.first <= readout and (self.last is None or readout <= self.last) and readout % self.every == 0


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault as written."""

    name: str
    value: float
    extra: float
    when: When


def _each(change: Callable[[int, random.Random], bytes]) -> _Damage:
    def damage(pieces: list[Piece], rate: float, _period: float, chance: random.Random) -> list[Piece]:
        return [
            (at, b"".join(change(c, chance) if chance.random() < rate else bytes((c,)) for c in data))
            for at, data in pieces
        ]

    return damage


def _lose(pieces: list[Piece], rate: float, period: float, chance: random.Random) -> list[Piece]:
    kept: list[Piece] = []
    for at, data in pieces:
        start = 0
        for position in range(len(data)):
            if chance.random() < rate:
                kept.append((at + start * period, data[start:position]))
                start = position + 1
        kept.append((at + start * period, data[start:]))
    return [piece for piece in kept if piece[1]]


def _swap(pieces: list[Piece], rate: float, _period: float, chance: random.Random) -> list[Piece]:
    swapped = []
    for at, data in pieces:
        text, position = bytearray(data), 0
        while position < len(text) - 1:
            if chance.random() < rate:
                text[position], text[position + 1] = text[position + 1], text[position]
                position += 1
            position += 1
        swapped.append((at, bytes(text)))
    return swapped


def _random(count: float, chance: random.Random) -> bytes:
    return bytes(chance.randrange(256) for _ in range(int(count)))


def _whole(pieces: list[Piece]) -> tuple[float, bytes]:
    return (pieces[0][0], b"".join(data for _, data in pieces)) if pieces else (0.0, b"")


def _before(noise: bytes, pieces: list[Piece], period: float) -> list[Piece]:
    return [(0.0, noise), *((at + len(noise) * period, data) for at, data in pieces)]


def _between(pieces: list[Piece], count: float, _period: float, chance: random.Random) -> list[Piece]:
    at, data = _whole(pieces)
    middle = len(data) // 2
    return [(at, data[:middle] + _random(count, chance) + data[middle:])]


def _after(pieces: list[Piece], count: float, _period: float, chance: random.Random) -> list[Piece]:
    at, data = _whole(pieces)
    return [(at, data + _random(count, chance))]


def _bad_check(pieces: list[Piece], _value: float, _period: float, chance: random.Random) -> list[Piece]:
    at, data = _whole(pieces)
    wrong = add_parity(bytes((data[-1] ^ 1 << chance.randrange(7),))) if data else b""
    return [(at, data[:-1] + wrong)]


def _pause(pieces: list[Piece], seconds: float, period: float, _chance: random.Random) -> list[Piece]:
    at, data = _whole(pieces)
    middle = len(data) // 2
    return [(at, data[:middle]), (at + middle * period + seconds, data[middle:])]


def _cut(pieces: list[Piece], share: float, _period: float, _chance: random.Random) -> list[Piece]:
    at, data = _whole(pieces)
    return [(at, data[: int(len(data) * share)])]


def _endless(pieces: list[Piece], _value: float, _period: float, _chance: random.Random) -> list[Piece]:
    at, data = _whole(pieces)
    # What ends a message is taken out: ``!``, ETX and the block check, with and without parity.
    body = bytes(c for c in data[:-3] if c & 0x7F not in (0x21, 0x03))
    return [(at, body * 100)]


def _longer(pieces: list[Piece], count: float, _period: float, _chance: random.Random) -> list[Piece]:
    at, data = _whole(pieces)
    return [(at, data[:-2] + add_parity(b"X" * int(count)) + data[-2:])]


_TEXT = frozenset({Part.DATA, Part.ANSWER, Part.PUSH})
_ALL = frozenset(Part)
_DAMAGES: dict[str, tuple[float | None, frozenset[Part], _Damage]] = {
    # name: default of the value (None: must be given), the messages it hits, what it does
    "flip": (None, _TEXT, _each(lambda c, chance: bytes((c ^ 1 << chance.randrange(8),)))),
    "flip-pairs": (None, _TEXT, _each(lambda c, chance: bytes((c ^ sum(1 << b for b in chance.sample(range(8), 2)),)))),
    "lose": (None, _TEXT, _lose),
    "swap": (None, _TEXT, _swap),
    "insert": (None, _TEXT, _each(lambda c, chance: bytes((chance.randrange(256), c)))),
    "non-ascii": (None, _TEXT, _each(lambda _c, chance: bytes((chance.randrange(128, 256),)))),
    "noise-before": (8, _ALL, lambda p, n, t, chance: _before(_random(n, chance), p, t)),
    "noise-between": (3, _TEXT, _between),
    "noise-after": (8, _TEXT, _after),
    "nul-flood": (1000, _ALL, lambda p, n, t, _chance: _before(bytes(int(n)), p, t)),
    "bad-check": (0, _TEXT, _bad_check),
    "lose-first": (0, _ALL, lambda p, _n, t, _chance: [(p[0][0] + t, p[0][1][1:]), *p[1:]] if p else p),
    "silence": (0, _ALL, lambda _p, _n, _t, _chance: []),
    "no-data": (0, _TEXT, lambda _p, _n, _t, _chance: []),
    "late": (None, _ALL, lambda p, seconds, _t, _chance: [(at + seconds, data) for at, data in p]),
    "pause": (None, _TEXT, _pause),
    "cut": (0.5, _TEXT, _cut),
    "endless": (0, _TEXT, _endless),
    "long-identification": (1000, frozenset({Part.IDENTIFICATION}), _longer),
}
_OTHERS: dict[str, float | None] = {"deaf": 0, "second-meter": 0, "unplug": None}
NAMES = (*_DAMAGES, *_OTHERS)
_SHARES = frozenset({"flip", "flip-pairs", "lose", "swap", "insert", "non-ascii", "cut"})
_MOST = 1_000_000.0
_OUTAGE = 5.0
_WHEN = re.compile(r"%(?P<every>[1-9]\d{0,8})|(?P<first>[1-9]\d{0,8})(?P<on>-(?P<last>[1-9]\d{0,8})?)?")


def parse_fault(spec: str) -> Fault:
    """Return the fault written as ``name[=value][@when]``; ConfigurationError says which part is wrong and how it goes."""

    def wrong(problem: str, hint: str) -> ConfigurationError:
        return ConfigurationError(problem, where=f"--fault {spec}", hint=hint)

    text, at, readouts = spec.strip().partition("@")
    name, given, amount = text.partition("=")
    if name not in NAMES:
        near = get_close_matches(name, NAMES, 1)
        raise wrong("no such fault", f"did you mean {near[0]}?" if near else f"known faults: {', '.join(NAMES)}")
    value = _DAMAGES[name][0] if name in _DAMAGES else _OTHERS[name]
    extra = _OUTAGE
    example = f"{name}=10/5" if name == "unplug" else f"{name}=0.01" if name in _SHARES else f"{name}=3"
    if given:
        first, slash, second = amount.partition("/")
        value = _amount(first, 1.0 if name in _SHARES else _MOST)
        duration = _amount(second, _MOST) if slash and name == "unplug" else None
        if value is None or (slash and duration is None):
            kind = "a share from 0 to 1" if name in _SHARES else "a number"
            raise wrong(f"'{amount}' is not {kind}", f"write it as in {example}")
        extra = _OUTAGE if duration is None else duration
    if value is None:
        raise wrong(f"{name} needs a value", f"write it as in {example}")
    if (when := _when(readouts) if at else When()) is None:
        hint = "@3 is the third readout, @3-5 three of them, @3- all from the third on, @%4 every fourth"
        raise wrong(f"'@{readouts}' does not say which readouts are hit", hint)
    return Fault(name, value, extra, when)


def _amount(text: str, most: float) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value <= most else None


def _when(text: str) -> When | None:
    if (match := _WHEN.fullmatch(text)) is None:
        return None
    if match["every"]:
        return When(every=int(match["every"]))
    first = int(match["first"])
    last = int(match["last"]) if match["last"] else None if match["on"] else first
    return When(first, last) if last is None or last >= first else None


class Faults:
    """Faults in the order in which they happen to a message; the same seed does the same damage."""

    def __init__(self, specs: Iterable[str] = (), seed: int = 0) -> None:
        self.faults = tuple(parse_fault(spec) for spec in specs)
        self._chance = random.Random(seed)  # noqa: S311 - faults, no secrets

    @property
    def outages(self) -> tuple[tuple[float, float], ...]:
        """When the adapter is unplugged, and for how long, seconds."""
        return tuple((fault.value, fault.extra) for fault in self.faults if fault.name == "unplug")

    def deaf(self, readout: int) -> bool:
        """Whether acknowledgements of this readout are not heard."""
        return any(fault.name == "deaf" and fault.when.holds(readout) for fault in self.faults)

    def damage(self, message: bytes, part: Part, readout: int, period: float) -> list[Piece]:
        """Return the message as it really goes out; ``period`` is the seconds a character takes."""
        pieces: list[Piece] = [(0.0, message)]
        for fault in self.faults:
            if fault.name in _DAMAGES and fault.when.holds(readout):
                _, parts, damage = _DAMAGES[fault.name]
                if part in parts:
                    pieces = damage(pieces, fault.value, period, self._chance)
        return [piece for piece in pieces if piece[1]]

    def intruder(self, message: bytes, part: Part, readout: int) -> bytes:
        """Return what another meter sends at the same time as this message."""
        hit = any(fault.name == "second-meter" and fault.when.holds(readout) for fault in self.faults)
        if not hit or part not in _TEXT:
            return b""
        return message[7:] + message[:7]
