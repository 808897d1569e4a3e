"""Profiles (class 7): load profiles and log books out of their buffers, and asking for parts of them.

A row's time is the end of its period. Rows without a time of their own (null-data) lie one capture period behind the row
before; a row whose time cannot be told is kept and named, and its values belong to no moment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from . import axdr
from .axdr import Data, Tag
from .classes import ClassId
from .clock import ClockTime, decode_time
from .errors import DecodeError
from .services import Attribute
from .values import ScalerUnit, Shown, shown

BUFFER, CAPTURE_OBJECTS, CAPTURE_PERIOD, SORT_METHOD, SORT_OBJECT, IN_USE, ENTRIES = range(2, 9)

_CLOCK_NAME: Final = bytes((0, 0, 1, 0, 0, 255))
_STATUS_GROUPS: Final = ((96, 10), (96, 5))
_MOST_COLUMNS: Final = 256


@dataclass(frozen=True, slots=True)
class Column:
    """One captured attribute. ``index``: of an element of the attribute, 0 for the whole."""

    class_id: int
    name: bytes
    attribute: int
    index: int = 0

    @property
    def is_clock(self) -> bool:
        """Whether it is the time of the row."""
        return self.class_id == ClassId.CLOCK and self.attribute == 2

    @property
    def is_status(self) -> bool:
        """Whether it says how the row came about."""
        return self.class_id == ClassId.DATA and (self.name[2], self.name[3]) in _STATUS_GROUPS

    @property
    def obis(self) -> str:
        """The logical name as an OBIS code."""
        a, b, c, d, e, f = self.name
        return f"{a}-{b}:{c}.{d}.{e}*{f}"

    def data(self) -> Data:
        """Return it as selections name it."""
        return axdr.structure(
            axdr.unsigned(self.class_id, 2),
            axdr.octet_string(self.name),
            axdr.integer(self.attribute),
            axdr.unsigned(self.index, 2),
        )


def columns_of(data: Data) -> tuple[Column, ...]:
    """Return what an attribute ``capture_objects`` says. Raises DecodeError."""
    if len(data.items) > _MOST_COLUMNS:
        raise DecodeError(f"{len(data.items)} columns")
    return tuple(_column(item) for item in data.items)


def _column(item: Data) -> Column:
    parts = item.items
    if len(parts) < 3 or len(parts[1].octets) != 6:
        raise DecodeError("a column has no logical name")
    index = parts[3].number if len(parts) > 3 else 0
    if not (0 <= parts[0].number <= 0xFFFF and -128 <= parts[2].number <= 127 and 0 <= index <= 0xFFFF):
        raise DecodeError("a column's class, attribute or index is none")
    return Column(parts[0].number, parts[1].octets, parts[2].number, index)


@dataclass(frozen=True, slots=True)
class Row:
    """One row. ``end``: the end of its period in UTC, None where nobody can tell; ``time`` as the meter wrote it.

    ``values`` go with the profile's value columns; None where the meter gave none. ``problem`` names what is wrong.
    """

    end: datetime | None
    time: ClockTime | None
    status: int | None
    values: tuple[Shown | None, ...]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile's form: its columns, its period (seconds; 0: as events come), and the scalers of what it captures.

    ``zone`` holds for times that leave their deviation open.
    """

    columns: tuple[Column, ...]
    period: int = 0
    units: Mapping[bytes, ScalerUnit] | None = None
    zone: tzinfo = UTC

    @property
    def value_columns(self) -> tuple[Column, ...]:
        """The columns besides time and status."""
        status = self._status
        return tuple(one for place, one in enumerate(self.columns) if not one.is_clock and place != status)

    @property
    def _status(self) -> int | None:
        return next((place for place, one in enumerate(self.columns) if one.is_status), None)

    def rows(self, buffer: Data) -> Iterator[Row]:
        """Yield the rows of a buffer, in its order. Raises DecodeError where it is none."""
        before: datetime | None = None
        for item in buffer.items:
            row = self._row(item, before)
            if row.end is not None:
                before = row.end
            yield row

    def _row(self, item: Data, before: datetime | None) -> Row:
        if not isinstance(item.value, tuple) or len(item.value) != len(self.columns):
            count = len(item.value) if isinstance(item.value, tuple) else 1
            # It takes its period's place all the same.
            end = self._next(before)
            return Row(end, None, None, (), f"a row of {count} columns in place of {len(self.columns)}")
        time, end, problem = self._time(item.value, before)
        status, status_place = None, self._status
        if status_place is not None:
            status = _status(item.value[status_place])
        values = tuple(
            self._value(column, data)
            for place, (column, data) in enumerate(zip(self.columns, item.value, strict=True))
            if not column.is_clock and place != status_place
        )
        return Row(end, time, status, values, problem)

    def _next(self, before: datetime | None) -> datetime | None:
        if before is None or not self.period:
            return None
        try:
            return before + timedelta(seconds=self.period)
        except OverflowError:
            # A period that nobody lives to see.
            return None

    def _time(self, row: Sequence[Data], before: datetime | None) -> tuple[ClockTime | None, datetime | None, str]:
        data = next((one for column, one in zip(self.columns, row, strict=True) if column.is_clock), axdr.NULL)
        if data.tag is Tag.NULL:
            end = self._next(before)
            return None, end, "" if end is not None else "the row has no time"
        try:
            time = _unix(data) if isinstance(data.value, int) else decode_time(data.octets)
        except DecodeError as error:
            return None, None, str(error)
        if time is None:
            return None, None, "the row's time is not specified"
        return time, self._utc(time), ""

    def _utc(self, time: ClockTime) -> datetime:
        if (utc := time.utc) is not None:
            return utc
        # Of the two hours with one name in autumn, the clock says in which it is.
        fold = 0 if time.status is None or time.summer else 1
        return time.local.replace(tzinfo=self.zone, fold=fold).astimezone(UTC)

    def _value(self, column: Column, data: Data) -> Shown | None:
        if data.tag is Tag.NULL:
            return None
        units = self.units or {}
        scaled = column.class_id in {ClassId.REGISTER, ClassId.EXTENDED_REGISTER, ClassId.DEMAND_REGISTER}
        if scaled and column.name not in units:
            return None  # Without its scaler it means nothing.
        return shown(data, units.get(column.name) if scaled else None)


def _unix(data: Data) -> ClockTime:
    """Return a time that a few meters write as seconds since 1970."""
    if isinstance(data.value, int) and data.tag is Tag.DOUBLE_LONG_UNSIGNED:
        return ClockTime(datetime.fromtimestamp(data.value, UTC).replace(tzinfo=None), 0, None)
    raise DecodeError(f"a row's time is of type {data.tag.name}")


def _status(data: Data) -> int | None:
    match data.value:
        case bool():
            return int(data.value)
        case int():
            return data.value
        case bytes() if data.tag is Tag.BIT_STRING:
            return int.from_bytes(data.value, "big") >> (8 * len(data.value) - data.bits) if data.value else None
        case bytes() if len(data.value) <= 8:
            return int.from_bytes(data.value, "big")
        case _:
            return None


def by_range(profile: bytes, start: datetime, end: datetime, columns: Sequence[Column] = ()) -> Attribute:
    """Return what asks for the rows from ``start`` to ``end`` (with a zone), both included; all columns if none is named."""
    clock = Column(ClassId.CLOCK, _CLOCK_NAME, 2)
    return Attribute(
        ClassId.PROFILE_GENERIC,
        profile,
        BUFFER,
        (
            1,
            axdr.structure(
                clock.data(),
                axdr.octet_string(_encoded(start)),
                axdr.octet_string(_encoded(end)),
                axdr.array(*(one.data() for one in columns)),
            ),
        ),
    )


def _encoded(moment: datetime) -> bytes:
    offset = moment.utcoffset() or timedelta(0)
    return ClockTime(moment.replace(tzinfo=None), -int(offset.total_seconds() // 60), None).encode()


def by_entry(profile: bytes, first: int, last: int = 0, columns: tuple[int, int] = (1, 0)) -> Attribute:
    """Return what asks for rows by their numbers, from 1 on; 0 stands for the last row or column."""
    return Attribute(
        ClassId.PROFILE_GENERIC,
        profile,
        BUFFER,
        (
            2,
            axdr.structure(
                axdr.unsigned(first, 4),
                axdr.unsigned(last, 4),
                axdr.unsigned(columns[0], 2),
                axdr.unsigned(columns[1], 2),
            ),
        ),
    )


def read_range(selector: Data) -> tuple[datetime | None, datetime | None]:
    """Return from when to when a selection by range goes, for the meter's end. Raises DecodeError."""
    parts = selector.items
    if len(parts) < 3:
        raise DecodeError("a selection by range has four parts")
    times = [decode_time(part.octets) for part in parts[1:3]]
    first, last = (None if time is None else (time.utc or time.local.replace(tzinfo=UTC)) for time in times)
    return first, last
