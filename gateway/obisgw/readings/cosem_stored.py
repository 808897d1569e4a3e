"""Rows of COSEM profiles as periods and entries of log books, in the forms that meters of the ASCII modes have."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from obisgw.iec62056_21.vdew.log_lines import LogEntry, Parameter
from obisgw.iec62056_21.vdew.periods import Note, Period
from obisgw.iec62056_21.vdew.records import Channel
from obisgw.iec62056_21.vdew.status import Status
from obisgw.obis import ObisCode, column_kind, home_assistant_unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from obisgw.dlms.profile import Profile, Row
    from obisgw.dlms.values import Shown
    from obisgw.iec62056_21.vdew.records import Value

_BITS: Final = {
    0x01: Status.DEVICE_ERROR,
    0x02: Status.CLOCK_INVALID,
    0x04: Status.DISTURBED,
    0x08: Status.SUMMER_TIME,
    0x20: Status.CLOCK_SET,
    0x80: Status.POWER_FAILURE,
}
"""The profile status of the companion specifications; other bits are the maker's."""

_EVENT_GROUPS: Final = (96, 11)
_EVENTS: Final = {
    1: "power down",
    2: "power up",
    3: "summer time began or ended",
    4: "clock adjusted, old time",
    5: "clock adjusted, new time",
    6: "clock invalid",
    7: "battery to be replaced",
    8: "battery voltage low",
    9: "tariff activated",
    10: "error register cleared",
    11: "alarm register cleared",
    12: "error of the program memory",
    13: "error of the working memory",
    14: "error of the non-volatile memory",
    15: "watchdog error",
    16: "error of the measurement system",
    17: "firmware ready for activation",
    18: "firmware activated",
    255: "log book cleared",
}
"""The standard event log of the companion specifications."""

_STANDARD_LOG: Final = bytes((0, 0, 99, 98, 0, 255))
_WORD: Final = 0xFFFFFFFF
_MOST_NOTES: Final = 200
_USUAL: Final = 900
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class CosemPeriods:
    """Makes periods of rows: each once, in order, as far as they lie between two moments."""

    def __init__(self, profile: Profile, since: datetime, until: datetime) -> None:
        self.notes: list[Note] = []
        self.dropped_notes = 0
        self._profile = profile
        self._since, self._until = since, until
        self._last: datetime | None = None
        self.channels = tuple(self._channels())

    def _channels(self) -> Iterator[Channel]:
        units = self._profile.units or {}
        for column in self._profile.value_columns:
            code = ObisCode(*column.name)
            scale = units.get(column.name)
            unit = None if scale is None else home_assistant_unit(scale.unit, code)
            yield Channel(column.obis, code, unit, column_kind(code, unit))

    def of(self, rows: Iterable[Row]) -> Iterator[Period]:
        """Yield the periods of rows. A row that ends where one has ended is of answers that overlap."""
        for row in rows:
            if row.problem or row.end is None:
                self._note(row)
            if row.end is None or (row.problem and not row.values):
                continue
            before, end = self._last, row.end
            if (before is not None and end <= before) or not self._since < end <= self._until:
                continue
            self._last = end
            start = self._start(end, before)
            status = _status(row.status)
            values = tuple(_value(one) for one in row.values)
            yield Period(start, end, status, values, self.channels, end - start, end - start)

    def _start(self, end: datetime, before: datetime | None) -> datetime:
        """Return where a period began: at its clock's last full period, or at the end of the part before."""
        length = timedelta(seconds=self._profile.period or _USUAL)
        into = (end - _EPOCH) % length
        start = end - (into or length)
        return before if before is not None and start < before < end else start

    def _note(self, row: Row) -> None:
        if len(self.notes) >= _MOST_NOTES:
            self.dropped_notes += 1
            return
        raw = ", ".join("" if one is None else one.text for one in row.values)
        self.notes.append(Note(self._last, raw, row.problem or "the row has no time"))


def _value(shown: Shown | None) -> Value:
    if shown is None:
        return None
    return shown.text if shown.number is None else shown.number


def _status(word: int | None) -> Status:
    # A word with a sign has as many bits as are looked at.
    status, rest = Status(0), (word or 0) & _WORD
    while rest:
        bit = rest & -rest
        status |= _BITS.get(bit, Status.MANUFACTURER)
        rest ^= bit
    return status


def log_entries(profile: Profile, log: bytes, rows: Iterable[Row]) -> tuple[tuple[LogEntry, ...], tuple[Note, ...]]:
    """Return the events of a log book, each once, oldest first, and the rows that have no time."""
    entries: dict[tuple[object, ...], LogEntry] = {}
    notes: list[Note] = []
    for row in rows:
        entry = _entry(profile, log, row)
        if entry is None:
            raw = ", ".join("" if one is None else one.text for one in row.values)
            notes.append(Note(None, raw, row.problem or "the row has no time"))
        else:
            entries.setdefault((entry.at, entry.raw), entry)
    return tuple(sorted(entries.values(), key=lambda one: one.at)), tuple(notes)


def _entry(profile: Profile, log: bytes, row: Row) -> LogEntry | None:
    if row.end is None:
        return None
    meaning, word = None, "" if row.status is None else f"{row.status:X}"
    parameters = []
    for column, shown in zip(profile.value_columns, row.values, strict=False):
        if shown is None:
            continue
        if (column.name[2], column.name[3]) == _EVENT_GROUPS and shown.number is not None:
            word = f"{shown.number:f}"
            meaning = _EVENTS.get(int(shown.number)) if log == _STANDARD_LOG else None
            continue
        parameters.append(Parameter(column.obis, ObisCode(*column.name), shown.unit or "", shown.text))
    stamp = "" if row.time is None else f"{row.time.local:%Y-%m-%d %H:%M:%S}"
    raw = ", ".join("" if one is None else one.text for one in row.values)
    return LogEntry(row.end, stamp, _status(row.status), word, meaning, tuple(parameters), None, raw)
