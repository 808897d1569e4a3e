"""What a simulated meter has recorded: rows of load profiles and events, computed when somebody asks for them.

The meter's clock runs through power failures and is set now and then. Between two such events it has one deviation from
true time; rows end on the grid of its clock, and where an event cuts a period. Each row knows its true beginning and
end, so that the energies of all rows together are what the counters have advanced by.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from obisgw.iec62056_21.vdew.status import Status

from .household import Household

_DAY: Final = 86_400
_WRONG: Final = 1080
"""Seconds by which the clock was wrong for a day, once."""

_SYNCHRONISED: Final = tuple(range(2, 60, 6))
"""Days before the start on which the clock was set by a few seconds; too little to be seen in the profile."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One row. ``printed`` is its stamp by the meter's clock, as a moment in UTC; ``begin`` and ``end`` are true seconds.

    ``averaged``: seconds that a mean power of this row is over.
    """

    printed: datetime
    status: Status
    begin: float
    end: float
    averaged: int


@dataclass(frozen=True, slots=True)
class Happened:
    """One event of the log book. ``after``: what the clock was set to."""

    printed: datetime
    status: Status
    after: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Span:
    """A time with power in which the clock was not set. ``end`` None: it lasts."""

    begin: float
    end: float | None
    deviation: int
    first: Status
    last: Status


class Recorder:
    """The memory of one household's meter, ``days`` deep. ``wrong_clock``: the clock was wrong for a day, once."""

    def __init__(self, household: Household, *, days: int = 400, wrong_clock: bool = False) -> None:
        self.household = household
        self.days = days
        oldest = -days * _DAY
        self._oldest = max(oldest, household.history.oldest)
        self._sets: list[tuple[float, int]] = []
        if wrong_clock:
            # Forward at five minutes past a quarter-hour, back when the clock showed ten past one.
            self._sets = [(-16 * _DAY + 300, _WRONG), (-15 * _DAY + 18_420, 0)]
        self._synchronised = tuple(-day * _DAY - 180 for day in _SYNCHRONISED if -day * _DAY > oldest)
        self._spans = tuple(self._make_spans())
        self._cuts = tuple(self._clock(span, span.end) for span in self._spans if span.end is not None)

    def rows(self, period: int, since: datetime | None, until: datetime | None, now: float) -> Iterator[Recorded]:
        """Yield the rows of ``period`` minutes whose stamps lie between two moments (both included), oldest first."""
        step = timedelta(minutes=period)
        newest = self.household.moment(now)
        oldest = newest - timedelta(days=self.days)
        since = oldest if since is None else max(since, oldest)
        for span in self._spans:
            end = now if span.end is None else min(span.end, now)
            if end > span.begin:
                yield from self._of_span(span, end, step, since, until)

    def days_of(self, since: datetime | None, until: datetime | None, now: float) -> Iterator[Recorded]:
        """Yield rows of whole local days, as ``rows`` does of shorter periods."""
        household = self.household
        midnight = household.clock(now - self.days * _DAY).replace(hour=0, minute=0, second=0) + timedelta(days=1)
        while (end := household.seconds(midnight + timedelta(days=1))) <= now:
            printed = household.moment(end)
            if (since is None or since <= printed) and (until is None or printed <= until):
                begin = household.seconds(midnight)
                yield Recorded(printed, Status(0), begin, end, end - begin)
            midnight += timedelta(days=1)

    def events(self, since: datetime | None, until: datetime | None, now: float) -> list[Happened]:
        """Return what happened between two moments, oldest first."""
        found = [*self._disturbances(), *self._calendar(now)]
        newest = self.household.moment(now)
        oldest = newest - timedelta(days=self.days)
        low, high = max(since or oldest, oldest), min(until or newest, newest)
        return sorted((one for one in found if low <= one.printed <= high), key=lambda one: one.printed)

    def in_summer(self, moment: datetime) -> bool:
        """Whether the meter's clock shows summer time at a moment."""
        zone = self.household.zone
        return zone is not None and bool(moment.astimezone(zone).dst())

    # --- spans

    def _make_spans(self) -> Iterator[_Span]:
        none = Status(0)
        cuts: list[tuple[float, float, int | None]] = [(one.begin, one.end, None) for one in self.household.outages]
        cuts += [(at, at, deviation) for at, deviation in self._sets]
        begin, deviation, first = float(self._oldest), 0, none
        for at, resumed, new in sorted(one for one in cuts if one[0] > self._oldest):
            flag = Status.POWER_FAILURE if new is None else Status.CLOCK_SET
            yield _Span(begin, at, deviation, first, flag)
            begin, first = resumed, Status.POWER_BACK if new is None else Status.CLOCK_SET
            deviation = deviation if new is None else new
        yield _Span(begin, None, deviation, first, none)

    def _clock(self, span: _Span, t: float) -> datetime:
        """Return what the meter's clock shows at a second of true time."""
        return self.household.moment(t) + timedelta(seconds=span.deviation)

    def _true(self, span: _Span, printed: datetime) -> float:
        return (printed - self.household.moment(0)).total_seconds() - span.deviation

    def _of_span(
        self, span: _Span, end: float, step: timedelta, since: datetime, until: datetime | None
    ) -> Iterator[Recorded]:
        begin, last = self._clock(span, span.begin), self._clock(span, end)
        grid = _grid_behind(begin, step)
        if since > grid:
            skipped = (since - grid) // step * step
            begin, grid = (grid + skipped - step, grid + skipped) if skipped else (begin, grid)
        closed = span.end is not None and end == span.end
        first = begin == self._clock(span, span.begin)
        while grid <= last and (until is None or grid <= until):
            status = self._status(begin, grid, step)
            status |= span.first if first else Status(0)
            status |= span.last if closed and grid == last else Status(0)
            if grid >= since:
                yield self._row(span, begin, grid, status, grid - step)
            begin, grid, first = grid, grid + step, False
        if closed and begin < last and since <= last and (until is None or last <= until):
            yield self._row(span, begin, last, span.last | (span.first if first else Status(0)), grid - step)

    def _row(self, span: _Span, begin: datetime, end: datetime, status: Status, cell: datetime) -> Recorded:
        true_end = self._true(span, end)
        # Averages are over what is left of the period since it was cut last.
        cut = max((one for one in self._cuts_before(true_end) if cell < one < end), default=cell)
        return Recorded(end, status, self._true(span, begin), true_end, int((end - cut).total_seconds()))

    def _cuts_before(self, t: float) -> Iterator[datetime]:
        for span, cut in zip(self._spans, self._cuts, strict=False):
            if span.end is not None and span.end < t:
                yield cut

    def _status(self, begin: datetime, end: datetime, step: timedelta) -> Status:
        """Return what the calendar and the clock's keeper make of a whole period."""
        status = Status(0)
        zone = self.household.zone
        if self.in_summer(end) is not self.in_summer(end - step):
            status |= Status.SEASON_CHANGED
        local = (end - step).astimezone(zone) if zone is not None else end - step
        if (local.day, local.hour, local.minute) == (1, 0, 0):
            status |= Status.RESET
        start = self.household.moment(0)
        low, high = (begin - start).total_seconds(), (end - start).total_seconds()
        if any(low < at <= high for at in self._synchronised):
            status |= Status.CLOCK_SET
        return status

    # --- events

    def _disturbances(self) -> Iterator[Happened]:
        for span, following in zip(self._spans, self._spans[1:], strict=False):
            assert span.end is not None  # noqa: S101 - only the last one lasts
            before = self._clock(span, span.end)
            if Status.CLOCK_SET in span.last:
                yield Happened(before, Status.CLOCK_SET, self._clock(following, following.begin))
            else:
                yield Happened(before, Status.POWER_FAILURE)
                yield Happened(self._clock(following, following.begin), Status.POWER_BACK)
        for at in self._synchronised:
            moment = self.household.moment(at)
            yield Happened(moment, Status.CLOCK_SET, moment + timedelta(seconds=11 + int(at) % 7))

    def _calendar(self, now: float) -> Iterator[Happened]:
        """Yield billing resets and changes of the season."""
        household = self.household
        month, _ = household.billing(now, 1)
        while (at := household.seconds(month)) > self._oldest:
            yield Happened(household.moment(at), Status.RESET)
            month = (month - timedelta(days=1)).replace(day=1)
        hour = timedelta(hours=1)
        moment = household.moment(now).replace(minute=0, second=0, microsecond=0)
        for _ in range(self.days):
            earlier = moment - timedelta(days=1)
            if self.in_summer(earlier) is not self.in_summer(moment):
                change = next(
                    earlier + hour * n
                    for n in range(1, 25)
                    if self.in_summer(earlier + hour * n) is self.in_summer(moment)
                )
                yield Happened(change, Status.SEASON_CHANGED)
            moment = earlier


def _grid_behind(moment: datetime, step: timedelta) -> datetime:
    """Return the first line of the grid behind a moment."""
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + ((moment - midnight) // step + 1) * step
