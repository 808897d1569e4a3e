"""A counter at each quarter hour, hour or day of a span of time."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import Enum
from typing import TYPE_CHECKING, Final

from .quality import Point, Quality
from .quarters import QUARTER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MOST_BOUNDARIES: Final = 40_000
"""A year of quarter hours and a little more: longer spans are asked for in parts."""


class Step(Enum):
    """How far boundaries lie apart."""

    QUARTER = "quarter"
    HOUR = "hour"
    DAY = "day"

    @property
    def quarters(self) -> int:
        """Rows of the file between two boundaries; days begin at any quarter hour, by their time zone."""
        return 4 if self is Step.HOUR else 1


def boundaries(start: datetime, end: datetime, step: Step, zone: tzinfo) -> Iterator[int]:
    """Yield the boundaries from ``start`` to ``end``, both included, as Unix seconds.

    Hours are those of UTC, as Home Assistant's statistics have them; days begin at midnight of ``zone``.
    """
    if step is Step.DAY:
        yield from _midnights(start.astimezone(zone), end, zone)
        return
    length = QUARTER * step.quarters
    first, last = -(-_seconds(start) // length), _seconds(end) // length
    yield from (number * length for number in range(first, last + 1))


def _midnights(start: datetime, end: datetime, zone: tzinfo) -> Iterator[int]:
    day: date = start.date()
    while True:
        midnight = datetime.combine(day, time(), zone)
        if midnight > end:
            return
        if midnight >= start:
            yield _seconds(midnight)
        day += timedelta(days=1)


def _seconds(moment: datetime) -> int:
    return int((moment - _EPOCH).total_seconds())


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def composed(wanted: Iterable[int], *sources: Iterable[Point]) -> Iterator[Point]:
    """Yield the best known point at each boundary; of equal ones the first source's. What nobody has is missing."""
    best: dict[int, Point] = {}
    for source in sources:
        for point in source:
            known = best.get(point.at)
            if known is None or point.quality > known.quality:
                best[point.at] = point
    for at in wanted:
        yield best.get(at) or Point(at, None, Quality.MISSING)
