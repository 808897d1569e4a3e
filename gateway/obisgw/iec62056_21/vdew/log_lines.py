"""The lines of a log book: ``P.98(ZST)(S)()(k)(KZ1)(E1)…(v1)…``, one an event (VDEW's specification 2.1).

When the clock was set, the stamp is the time before, and 0.9.1 and 0.9.2 among the values are the time after. P.99 has
one changed parameter, ``(old;new)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from obisgw.obis import ObisCode

from .form import ProfileForm
from .lines import CodeOf, Lines, groups_in, is_nothing, same_address
from .meter_time import MeterTime
from .records import Damaged, NoEntries
from .status import Status, parse_status
from .time_stamps import TimeStamp, parse_clock_set, parse_time_stamp

_CLOCK, _DATE = (0, 9, 1), (0, 9, 2)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value that an entry names. ``value`` is as printed; ``old`` is the one before, where the meter says it."""

    address: str
    code: ObisCode | None
    unit: str
    value: str
    old: str | None = None


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One event. ``at`` is in UTC; ``stamp`` and ``word`` are the time and the status as printed.

    ``meaning``: what the whole status word stands for, where the maker numbers its events. ``clock_after``: what the
    clock was set to, in UTC.
    """

    at: datetime
    stamp: str
    status: Status
    word: str
    meaning: str | None
    parameters: tuple[Parameter, ...]
    clock_after: datetime | None
    raw: str


LogRecord = LogEntry | Damaged | NoEntries


class LogBookParser:
    """Takes one answer's blocks in order; ``finish`` after the last."""

    def __init__(self, form: ProfileForm, time: MeterTime, code_of: CodeOf) -> None:
        self._form = form
        self._time = time
        self._code_of = code_of
        self._lines = Lines()

    def feed(self, block: bytes) -> list[LogRecord]:
        """Take the text of one proved block; return what is whole."""
        return [self._entry(line) for line in self._lines.feed(block)]

    def finish(self, *, cut: bool = False) -> list[LogRecord]:
        """Return what the last line holds; ``cut``: the answer was broken off."""
        lines = self._lines.finish()
        return [] if cut else [self._entry(line) for line in lines]

    def _entry(self, line: str) -> LogRecord:
        groups = groups_in(line)
        if groups is None:
            return Damaged(line, "brackets do not pair")
        address, texts = groups[0][0], [text for _, text in groups]
        if is_nothing(texts):
            return NoEntries(line)
        if any(further for further, _ in groups[1:]):
            return Damaged(line, "not one entry")
        if address and not same_address(address, self._form.log_book, self._code_of):
            return Damaged(line, f"{address[:32]!r} was not asked for")
        stamp = parse_time_stamp(texts[0])
        if stamp is None or len(texts) < 2:
            return Damaged(line, f"{texts[0]!r} is no time" if stamp is None else "an entry has time and status")
        problem, parameters = self._parameters(texts[4:], texts[3] if len(texts) > 3 else "0")
        if problem:
            return Damaged(line, problem)
        return LogEntry(
            at=self._time.utc(stamp),
            stamp=texts[0],
            status=parse_status(texts[1], self._form.status_bits),
            word=texts[1],
            meaning=self._meaning(texts[1], parameters),
            parameters=parameters,
            clock_after=self._clock_after(stamp, parameters),
            raw=line,
        )

    def _parameters(self, texts: list[str], count: str) -> tuple[str, tuple[Parameter, ...]]:
        count = count.strip(" ") or "0"
        if not (count.isascii() and count.isdigit()):
            return f"{count!r} is no number of values", ()
        size = int(count[:4])
        if size == 0:
            # P.99 without a value names what was changed all the same.
            return "", tuple(self._parameter(text, "", "") for text in texts if text.strip(" "))
        if len(texts) == 3 * size:
            names, values = texts[: 2 * size], texts[2 * size :]
            pairs = zip(names[::2], names[1::2], values, strict=True)
            return "", tuple(self._parameter(*one) for one in pairs)
        return f"{len(texts)} brackets where {3 * size} belong to {size} values", ()

    def _parameter(self, address: str, unit: str, value: str) -> Parameter:
        old, separator, new = value.partition(";")
        code = self._code_of(address.strip(" "))
        if separator:
            return Parameter(address.strip(" "), code, unit, new, old)
        return Parameter(address.strip(" "), code, unit, value)

    def _meaning(self, word: str, parameters: tuple[Parameter, ...]) -> str | None:
        """Return what a maker's number of an event means: the status word, or the value of an event register."""
        events = self._form.events
        for text in (word, *(f"{one.code.short}={one.value}" for one in parameters if one.code is not None)):
            plain = text.strip(" ").upper().lstrip("0")
            if plain and (meaning := events.get(plain)) is not None:
                return meaning
        return None

    def _clock_after(self, before: TimeStamp, parameters: tuple[Parameter, ...]) -> datetime | None:
        printed = {(one.code.c, one.code.d, one.code.e): one.value for one in parameters if one.code is not None}
        if _CLOCK not in printed or _DATE not in printed:
            return None
        after = parse_clock_set(printed[_DATE], printed[_CLOCK])
        if after is None:
            return None
        return self._time.utc(TimeStamp(after.local, after.season or before.season))
