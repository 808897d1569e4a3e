"""Boundaries of quarter hours, hours and days."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import Enum
from typing import TYPE_CHECKING, Final

from .quarters import QUARTER

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_BOUNDARIES: Final = 40_000
"""A year of quarter hours and a little more: longer spans are asked for in parts."""

FIRST: Final = datetime(1970, 1, 2, tzinfo=UTC)
LAST: Final = datetime(2200, 1, 1, tzinfo=UTC)
"""Spans of time that are asked for lie in between."""


class Step(Enum):
    """How far boundaries lie apart."""

    QUARTER = "quarter"
    HOUR = "hour"
    DAY = "day"

    @property
    def seconds(self) -> int:
        """Seconds between two boundaries; of days on average."""
        return {Step.QUARTER: QUARTER, Step.HOUR: 3600, Step.DAY: 86_400}[self]


def too_many(start: datetime, end: datetime, step: Step) -> bool:
    """Tell whether more boundaries lie in a span than are answered at once."""
    return (end - start).total_seconds() / step.seconds > MOST_BOUNDARIES


def boundaries(start: datetime, end: datetime, step: Step, zone: tzinfo) -> Iterator[int]:
    """Yield the boundaries from ``start`` to ``end``, both included, as Unix seconds.

    Hours are those of UTC, as Home Assistant's statistics have them; days begin at midnight of ``zone``.
    """
    if step is Step.DAY:
        yield from _midnights(start.astimezone(zone), end, zone)
        return
    first, last = -(-_seconds(start) // step.seconds), _seconds(end) // step.seconds
    yield from (number * step.seconds for number in range(first, last + 1))


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
