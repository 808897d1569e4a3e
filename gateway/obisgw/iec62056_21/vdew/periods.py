"""Rows of a load profile as periods in UTC, each once, in order.

A header's stamp is the **end** of its first row's period; each further row ends one period later. Periods lie on the
grid of the meter's clock. A stamp off the grid is of a period that a power failure or a change of the clock has cut: it
belongs to the grid's next line, and the parts of one period are put together: increments add up, averages weigh by the
time that was measured. Answers may overlap, repeat themselves and come in any order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from .meter_time import Convention, MeterTime, TimeBase
from .parts import Part, joined_values, measured_time
from .records import Channel, Damaged, Header, Record, Row, Value
from .status import NONE, Status
from .time_stamps import TimeStamp

_DAY: Final = 1440
_SECOND: Final = timedelta(seconds=1)
_USUAL: Final = timedelta(minutes=15)
MOST_NOTES: Final = 200
"""An answer that is all noise would else be kept as a whole."""


@dataclass(frozen=True, slots=True)
class Period:
    """One period of a load profile, in UTC. ``values`` go with ``channels``, digits as on the line.

    ``measured`` is the time in it for which the meter measured, as far as time stamps tell; ``averaged`` is the time
    that an average is of: times its value it gives what was used.
    """

    start: datetime
    end: datetime
    status: Status
    values: tuple[Value, ...]
    channels: tuple[Channel, ...]
    measured: timedelta
    averaged: timedelta


@dataclass(frozen=True, slots=True)
class Note:
    """A line that gave no value, and why. ``after`` is the end of the period in front of it, None where none was."""

    after: datetime | None
    raw: str
    reason: str


class PeriodAssembler:
    """Collects the rows of answers and delivers the periods that lie between ``since`` and ``until``.

    ``delivered_to`` is the end of the newest period delivered; no period that ends before it is delivered any more.
    ``convention`` is what the meter's stamps have shown.
    """

    def __init__(self, time: MeterTime, since: datetime, until: datetime, *, mean_of_part: bool = True) -> None:
        self.delivered_to: datetime | None = None
        self.convention = Convention.UNKNOWN
        self.notes: list[Note] = []
        self.dropped_notes = 0
        self._time = time
        self._since = since
        self._until = until
        self._mean_of_part = mean_of_part
        self._cells: dict[datetime, list[Part]] = {}
        self._inferred = _USUAL
        self._last_end: datetime | None = None
        self._highest: datetime | None = None
        self._ascending = True
        self._second_pass_to: datetime | None = None
        self._stamp_at = since
        self._first_end = since
        self._step: timedelta | None = None
        self._off_grid = False
        self._before = NONE

    @property
    def pending(self) -> int:
        """How many periods are collected and not delivered yet."""
        return len(self._cells)

    @property
    def reached(self) -> datetime | None:
        """The end of the newest period of the answer under way."""
        return self._highest

    def take(self, records: Iterable[Record]) -> None:
        """Take what an answer's parser gave, in order."""
        for record in records:
            match record:
                case Row():
                    self._place(record)
                case Header():
                    self._begin(record)
                case Damaged(raw, reason):
                    self.note(raw, reason)
                case _:
                    pass

    def note(self, raw: str, reason: str) -> None:
        """Keep what gave no value; the same line of a repeated answer once."""
        note = Note(self._last_end, raw, reason)
        if note in self.notes:
            return
        if len(self.notes) < MOST_NOTES:
            self.notes.append(note)
        else:
            self.dropped_notes += 1

    def answered(self) -> list[Period]:
        """Return the periods of an answer that is complete."""
        periods = self._deliver(sorted(self._cells))
        self._forget()
        return periods

    def broken_off(self) -> list[Period]:
        """Return the periods of an answer that broke off, as far as nothing more can belong to them."""
        ends = sorted(self._cells)
        periods = self._deliver(ends[:-1]) if self._ascending else []
        self._forget()
        return periods

    # --- rows

    def _begin(self, header: Header) -> None:
        late = Status.SEASON_CHANGED in header.status
        self.convention = self._time.convention(header.stamp, self.convention)
        self._stamp_at = self._time.utc(header.stamp, self._last_end, late=late)
        self._step = None if header.period is None else timedelta(minutes=header.period)
        self._first_end = self._stamp_at
        self._off_grid = False
        if header.period is not None and header.period < _DAY:
            local = header.stamp.local
            beyond = (local - local.replace(hour=0, minute=0, second=0)) % timedelta(minutes=header.period)
            if beyond:
                self._off_grid = True
                self._first_end = self._stamp_at + timedelta(minutes=header.period) - beyond
        # The clock was set back: what was cut by it tells so, or what follows.
        set_back = Status.CLOCK_SET in header.status | self._before
        if set_back and self._last_end is not None and self._first_end <= self._last_end:
            self._second_pass_to = self._highest
        self._before = header.status

    def _place(self, row: Row) -> None:
        header, place = row.header, row.place
        end = self._end_of(header, place)
        first = place == 0
        part = Part(
            header.status if first else NONE,
            row.values,
            header.channels,
            self._stamp_at if first and self._off_grid else None,
            self._step,
            (header.raw, place, row.raw),
        )
        parts = self._cells.get(end)
        if parts is None:
            self._cells[end] = [part]
        elif not self._is_repeated(part, parts, end):
            parts.append(part)
        if self._last_end is not None and end < self._last_end:
            self._ascending = False
        self._last_end = end
        if self._highest is None or end > self._highest:
            self._highest = end

    def _end_of(self, header: Header, place: int) -> datetime:
        if not place or self._step is None:
            return self._first_end
        wall_clock = header.stamp.season is None and self._time.base is TimeBase.LOCAL
        if wall_clock and header.period is not None and header.period >= _DAY:
            # Days of 23 and 25 hours.
            return self._time.utc(TimeStamp(header.stamp.local + place * self._step))
        return self._first_end + place * self._step

    def _is_repeated(self, part: Part, parts: list[Part], end: datetime) -> bool:
        """Whether a row says again what is known; one that contradicts it is noted and not taken."""
        if any(known.key == part.key for known in parts):
            return True
        if self._second_pass_to is not None and end <= self._second_pass_to:
            return False
        whole = [known for known in parts if known.cut_at is None]
        if part.cut_at is not None or not whole:
            return any(known.cut_at == part.cut_at and known.values == part.values for known in parts)
        if all(known.values != part.values for known in whole):
            self.note(part.key[2], f"contradicts an earlier row for the period that ends {end:%Y-%m-%d %H:%M:%S} UTC")
        return True

    # --- periods

    def _deliver(self, ends: list[datetime]) -> list[Period]:
        self._infer_step(ends)
        periods = []
        for end in ends:
            if end > self._until or (self.delivered_to is not None and end <= self.delivered_to):
                continue
            period = self._period(end, self._cells[end])
            if period.start >= self._since:
                periods.append(period)
                self.delivered_to = end
        return periods

    def _period(self, end: datetime, parts: list[Part]) -> Period:
        step = parts[-1].step or self._inferred
        start = end - step
        if step >= timedelta(minutes=_DAY) and self.convention is Convention.BARE and self._time.base is TimeBase.LOCAL:
            local = self._time.stamp(end, Convention.BARE).local
            start = self._time.utc(TimeStamp(local - step))
        if self.delivered_to is not None:
            # After a change of the period's length, the first one begins where the one before it ended.
            start = max(start, self.delivered_to)
        last = parts[-1]
        if len(parts) == 1 and last.cut_at is None:
            # Nearly all periods.
            return Period(start, end, last.status, last.values, last.channels, end - start, end - start)
        times = measured_time(parts, start, end)
        total = sum(times, timedelta(0))
        status = NONE
        for part in parts:
            status |= part.status
        if total + _SECOND < end - start:
            status |= Status.SHORT
        elif total > end - start + _SECOND:
            status |= Status.LONG
        values = last.values if len(parts) == 1 else joined_values(parts, times, weighted=self._mean_of_part)
        averaged = total if self._mean_of_part else end - start
        return Period(start, end, status, values, last.channels, total, averaged)

    def _infer_step(self, ends: list[datetime]) -> None:
        """Where the meter does not say its period, it is the least distance of two stamps."""
        if any(part.step is None for end in ends for part in self._cells[end]):
            distances = [later - sooner for sooner, later in pairwise(ends)]
            self._inferred = min((one for one in distances if one > _SECOND), default=self._inferred)

    def _forget(self) -> None:
        self._cells.clear()
        self._last_end = self._highest = self._second_pass_to = None
        self._ascending, self._before = True, NONE
