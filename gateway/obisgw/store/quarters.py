"""A counter's course over quarter hours, made of readings at any time: only where it bends is a row worth keeping.

Between two rows a counter is taken to rise evenly; one that stands still needs none. Rows at full hours are enough by
themselves: those in between are deleted after some years.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from .quality import Point, Quality

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

QUARTER: Final = 900
"""Seconds."""

HOUR: Final = 4
"""Quarter hours."""

CLOSE: Final = 300.0
"""Seconds: readings that lie no further apart around a boundary measure it."""


class Mark(NamedTuple):
    """A counter's value when it was read: ``at`` in Unix seconds."""

    at: float
    value: Decimal


class Row(NamedTuple):
    """A counter's value at a quarter hour, counted from 1970."""

    quarter: int
    value: Decimal


@dataclass(slots=True)
class Course:
    """One counter: its newest value, the newest row, and the newest quarter hour at which it still stood there."""

    mark: Mark
    row: Row | None = None
    still: int | None = None
    _at_hour: bool = False
    """Whether the row of the first full hour at which it stands still is written."""

    @classmethod
    def resumed(cls, mark: Mark, row: Row | None) -> Course:
        """Go on from an earlier run's newest value and row."""
        last = int(mark.at // QUARTER)
        stands = row is not None and row.value == mark.value and row.quarter < last
        return cls(mark, row, last if stands else None)

    def go_on(self, now: Mark, close: float = CLOSE) -> Iterator[Point]:
        """Yield the rows that a new value makes.

        ``close``: the most that lies between readings that measure. A counter that fell leaves a hole. A value that is
        not newer than the last one takes its place and makes no row.
        """
        before, self.mark = self.mark, now
        if now.at <= before.at:
            self.still = None
            return
        first, last = int(before.at // QUARTER) + 1, int(now.at // QUARTER)
        if now.value == before.value:
            yield from self._stand(first, last, now.value)
            return
        yield from self._leave(before.value)
        if last < first:
            return
        if now.value < before.value:
            for quarter in _corners(first, last)[:2]:
                yield Point(quarter * QUARTER, now.value, Quality.MISSING)
            self.row = None
            return
        far = now.at - before.at > close
        for quarter in _corners(first, last) if far else range(first, last + 1):
            value = between(before, now, quarter * QUARTER)
            self.row = Row(quarter, value)
            yield Point(quarter * QUARTER, value, Quality.INTERPOLATED if far else Quality.MEASURED)

    def _stand(self, first: int, last: int, value: Decimal) -> Iterator[Point]:
        """Yield where it begins to stand still, and the next full hour; it is known at every moment in between."""
        if last < first:
            return
        if self.row is None or self.row.value != value:
            self.row, self._at_hour = Row(first, value), first % HOUR == 0
            yield Point(first * QUARTER, value, Quality.MEASURED)
        hour = -(-first // HOUR) * HOUR
        if not self._at_hour and hour <= last:
            self.row, self._at_hour = Row(hour, value), True
            yield Point(hour * QUARTER, value, Quality.MEASURED)
        self.still = last if last > self.row.quarter else None

    def _leave(self, value: Decimal) -> Iterator[Point]:
        """Yield until when it stood still."""
        still, self.still = self.still, None
        if still is not None:
            newest = -1 if self.row is None else self.row.quarter
            for quarter in sorted({still // HOUR * HOUR, still}):
                if quarter > newest:
                    self.row = Row(quarter, value)
                    yield Point(quarter * QUARTER, value, Quality.MEASURED)


def _corners(first: int, last: int) -> list[int]:
    """Return the ends of a straight line, and the full hours next to them."""
    ends = {first, -(-first // HOUR) * HOUR, last // HOUR * HOUR, last}
    return sorted(quarter for quarter in ends if first <= quarter <= last)


def between(before: Mark, now: Mark, at: float) -> Decimal:
    """Return the value at a moment between two, with the more digits of both."""
    places = min(_place(before.value), _place(now.value))
    part = (now.value - before.value) * (Decimal(at) - Decimal(before.at)) / Decimal(now.at - before.at)
    return (before.value + part).quantize(places, ROUND_HALF_EVEN)


Stored: TypeAlias = tuple[int, str, int]
"""A row as the file has it: quarter hour, digits, quality."""


def filled(rows: Iterable[Stored], newest: Mark | None, wanted: Iterable[int]) -> Iterator[Point]:
    """Yield a counter at each wanted moment (Unix seconds, rising).

    ``rows`` are all those in between, in order, and the ones next to them on either side. ``newest``: the last value
    read; the counter stands there since the last row if that has the same. What nobody knows is missing.
    """
    source = iter(rows)
    left: Stored | None = None
    right = next(source, None)
    for at in wanted:
        while right is not None and right[0] * QUARTER <= at:
            left, right = right, next(source, None)
        yield _at(at, left, right, newest)


def _at(at: int, left: Stored | None, right: Stored | None, newest: Mark | None) -> Point:
    missing = Point(at, None, Quality.MISSING)
    if left is None or left[2] == Quality.MISSING:
        return missing
    before = Mark(left[0] * QUARTER, Decimal(left[1]))
    if before.at == at:
        return Point(at, before.value, Quality(left[2]))
    if right is None:
        stands = newest is not None and newest.at >= at and newest.value == before.value
        return Point(at, before.value, Quality.MEASURED) if stands else missing
    after = Mark(right[0] * QUARTER, Decimal(right[1]))
    if right[2] == Quality.MISSING or after.value < before.value:
        return missing
    if after.value == before.value:
        return Point(at, after.value, Quality.MEASURED)
    return Point(at, between(before, after, at), Quality.INTERPOLATED)


def _place(value: Decimal) -> Decimal:
    exponent = value.as_tuple().exponent
    return Decimal(1).scaleb(exponent if isinstance(exponent, int) else 0)
