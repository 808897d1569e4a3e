"""Counters at the boundaries of quarter hours, made of readings at any time."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Final

from .quality import Point, Quality

if TYPE_CHECKING:
    from collections.abc import Iterator

QUARTER: Final = 900
"""Seconds."""

MOST: Final = 4 * 24 * 400
"""Quarter hours between two readings that are filled in: 400 days, as far as load profiles reach."""

CLOSE: Final = 300.0
"""Seconds: readings that lie no further apart around a boundary measure it."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A counter's value when it was read: ``at`` in Unix seconds."""

    at: float
    value: Decimal


def points_between(before: Mark, now: Mark, close: float = CLOSE) -> Iterator[Point]:
    """Yield the counter at each boundary behind ``before``, up to and with ``now``.

    In between it is taken to rise evenly. ``close``: the most that lies between readings that measure. A counter that
    fell gives nothing but its new value's boundary.
    """
    first = int(before.at // QUARTER) + 1
    last = int(now.at // QUARTER)
    if last < first or now.at <= before.at:
        return
    rise = now.value - before.value
    span = Decimal(now.at - before.at)
    quality = Quality.MEASURED if now.at - before.at <= close else Quality.INTERPOLATED
    if rise < 0:
        return
    places = min(_places(before.value), _places(now.value))
    for number in range(max(first, last - MOST + 1), last + 1):
        at = number * QUARTER
        part = rise * (Decimal(at) - Decimal(before.at)) / span if rise else Decimal(0)
        value = (before.value + part).quantize(places, ROUND_HALF_EVEN)
        # A counter that stands still is known at every moment in between.
        yield Point(at, value, quality if rise else Quality.MEASURED)


def _places(value: Decimal) -> Decimal:
    exponent = value.as_tuple().exponent
    return Decimal(1).scaleb(exponent if isinstance(exponent, int) else 0)
