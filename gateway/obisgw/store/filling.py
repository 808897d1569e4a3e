"""A counter over a hole, out of the meter's load profile: only where that adds up to what was measured at both ends."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from math import lcm
from typing import TYPE_CHECKING, Final

from .quality import Point, Quality
from .quarters import QUARTER, Mark, between

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .holes import Anchor

_HOUR: Final = 3600
_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Step:
    """What a counter rose in one period; times in Unix seconds. ``digit``: the last one that the meter gives of it.

    ``reached``: the counter itself at the end, where the profile has it.
    """

    start: int
    end: int
    amount: Decimal
    digit: Decimal
    reached: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Misfit:
    """The profile is not used: its ``sum`` is not the counter's ``difference``."""

    sum: Decimal
    difference: Decimal


def grid_of(steps: Sequence[Step]) -> int | None:
    """Return how far apart the boundaries lie that are both a profile's and quarter hours; None: more than an hour."""
    lengths = [step.end - step.start for step in steps]
    if not lengths:
        return None
    usual = max(set(lengths), key=lengths.count)
    grid = lcm(usual, QUARTER) if usual > 0 else 0
    return grid if 0 < grid <= _HOUR and _HOUR % grid == 0 else None


def filled_by(before: Anchor, after: Anchor, steps: Sequence[Step]) -> list[Point] | Misfit:
    """Return the counter at the quarter hours between two anchors.

    ``steps`` are in order. Where periods lack the meter had no power, which the sum proves. Boundaries in the midst of
    a period are interpolated.
    """
    inside = [step for step in steps if before.at <= step.start and step.end <= after.at]
    total = sum((step.amount for step in inside), _ZERO)
    difference = after.value - before.value
    digit = max(_last_digit(before.value), _last_digit(after.value))
    doubt = 2 * digit + sum((step.digit for step in inside), _ZERO)
    if not inside or not (after.least - before.most) - doubt <= total <= (after.most - before.least) + doubt:
        return Misfit(total, difference)
    exact = _is_counter(before, after, inside, digit)
    marks = [Mark(before.at, before.value)]
    reached = _ZERO
    for step in inside:
        if step.start > marks[-1].at:
            marks.append(Mark(step.start, marks[-1].value))
        reached += step.amount
        # What the digits and the ends leave open is spread as the energy is.
        spread = before.value + (difference * reached / total if total else _ZERO)
        value = spread if step.reached is None or not exact else step.reached
        marks.append(Mark(step.end, min(max(value, marks[-1].value), after.value)))
    marks.append(Mark(after.at, after.value))
    return list(_points(marks, before.at, after.at, digit))


def _is_counter(before: Anchor, after: Anchor, steps: Sequence[Step], digit: Decimal) -> bool:
    """Tell whether what the profile has of the counter is what was read at both ends."""
    first, last = steps[0], steps[-1]
    if first.reached is None or last.reached is None or first.start != before.at or last.end != after.at:
        return False
    begins = first.reached - first.amount
    return before.least - digit <= begins <= before.most + digit and (
        after.least - digit <= last.reached <= after.most + digit
    )


def _points(marks: Sequence[Mark], start: int, end: int, digit: Decimal) -> list[Point]:
    points, place = [], 0
    for at in range(start + QUARTER, end, QUARTER):
        while marks[place + 1].at <= at:
            place += 1
        left, right = marks[place], marks[place + 1]
        known = left.at == at or left.value == right.value
        value = left.value if known else between(left, right, at)
        quality = Quality.LOAD_PROFILE if known else Quality.INTERPOLATED
        points.append(Point(at, value.quantize(digit, ROUND_HALF_EVEN), quality))
    return points


def _last_digit(value: Decimal) -> Decimal:
    exponent = value.as_tuple().exponent
    return Decimal(1).scaleb(exponent if isinstance(exponent, int) else 0)
