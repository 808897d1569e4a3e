"""A household's past: counters at any second before its start, of which nothing is kept.

Each month has its totals, the same for the same seed; they are spread over its quarter-hours by weights, exactly: what
two counters differ by is what the quarter-hours between them have, down to the counter's last step. A month's weights
are made when it is looked at, and those of a year are kept.
"""

from __future__ import annotations

import random
from array import array
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import accumulate

QUARTER = 900
"""Seconds."""

_KEPT = 14
"""Months whose quarter-hours are kept, of 0.1 MB each."""

Counters = tuple[int, int, int, int]
"""Steps of import in the high and low tariff, export in the high and low one."""

_USE = (12, 9, 8, 8, 8, 10, 22, 34, 30, 22, 20, 22, 28, 24, 20, 19, 22, 32, 46, 50, 44, 36, 26, 16)
"""What a household takes in each hour of a day, as weights."""


@dataclass(frozen=True, slots=True)
class Outage:
    """No power, in seconds of the household's time: before its start, so negative."""

    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Months:
    """First seconds of the months, oldest first, counters at each of these, and what the newest has in all.

    ``end`` is when the newest month ends, which is after the start.
    """

    begins: Sequence[int]
    readings: Sequence[Counters]
    newest: Counters
    end: int


@dataclass(frozen=True, slots=True)
class _Month:
    """One month: its first second, counters then, and to the end of each quarter-hour the steps since."""

    begin: int
    before: Counters
    steps: tuple[Sequence[int], ...]


class History:
    """What happened before the start. Seconds count from there, so all are negative.

    ``clock`` gives the local time, ``tariff`` the tariff in force at a second, ``sun`` the sun's share.
    """

    def __init__(
        self,
        seed: int,
        months: Months,
        clock: Callable[[float], datetime],
        tariff: Callable[[float], int],
        sun: Callable[[datetime], float],
        outages: Sequence[Outage] = (),
    ) -> None:
        self.outages = tuple(outages)
        self._seed = seed
        self._months = months
        self._clock, self._tariff, self._sun = clock, tariff, sun
        self._month = lru_cache(maxsize=_KEPT)(self._made)

    @property
    def oldest(self) -> int:
        """The first second of which something is known."""
        return self._months.begins[0]

    def counters(self, second: float) -> Counters:
        """Return the counters at a second up to the start."""
        second = int(second // 1)
        place = bisect_right(self._months.begins, second) - 1
        if place < 0 or self._months.begins[place] == second:
            return self._months.readings[max(place, 0)]
        month = self._month(place)
        quarter, rest = divmod(second - month.begin, QUARTER)
        if not rest:
            high, low, out_high, out_low = (
                before + steps[quarter - 1] for before, steps in zip(month.before, month.steps, strict=True)
            )
            return high, low, out_high, out_low
        begin = second - rest
        into, whole = self._live(begin, second), self._live(begin, begin + QUARTER)
        values = []
        for before, steps in zip(month.before, month.steps, strict=True):
            done = steps[min(quarter, len(steps)) - 1] if quarter else 0
            coming = steps[quarter] - done if quarter < len(steps) else 0
            values.append(before + done + (coming * into // whole if whole else 0))
        return values[0], values[1], values[2], values[3]

    def greatest_quarter(self, begin: int, end: int) -> int:
        """Return the first second of the quarter-hour with the greatest import between two seconds."""
        place = max(bisect_right(self._months.begins, begin) - 1, 0)
        month = self._month(place)
        high, low, *_ = month.steps
        taken = [one + other for one, other in zip(high, low, strict=True)]
        quarters = range(max(0, begin - month.begin) // QUARTER, min(len(taken), (end - month.begin) // QUARTER))
        best = max(quarters, key=lambda at: taken[at] - (taken[at - 1] if at else 0), default=0)
        return month.begin + best * QUARTER

    def _made(self, place: int) -> _Month:
        begin = self._months.begins[place]
        newest = place == len(self._months.begins) - 1
        end = self._months.end if newest else self._months.begins[place + 1]
        chance = random.Random(f"{self._seed}:month:{begin}")  # noqa: S311 - a load curve, no secrets
        weights: tuple[list[int], list[int], list[int], list[int]] = ([], [], [], [])
        quarters = (end - begin) // QUARTER
        draws = chance.choices(range(20, 200), k=2 * quarters)
        for quarter in range(0, quarters, 4):
            second = begin + quarter * QUARTER
            local, low = self._clock(second), self._tariff(second) - 1
            use, sun = _USE[local.hour], int(self._sun(local) * 100)
            for at in range(quarter, min(quarter + 4, quarters)):
                live = self._live(begin + at * QUARTER, begin + (at + 1) * QUARTER) > 0
                given = sun * draws[quarters + at] * live
                taken = use * draws[at] * live // (1 + sun // 20)
                for kind, weight in ((0, taken), (1, taken), (2, given), (3, given)):
                    weights[kind].append(weight if kind % 2 == low else 0)
        before = self._months.readings[place]
        if newest:
            totals: Sequence[int] = self._months.newest
        else:
            following = self._months.readings[place + 1]
            totals = [later - sooner for sooner, later in zip(before, following, strict=True)]
        steps = tuple(_spread(total, one) for total, one in zip(totals, weights, strict=True))
        return _Month(begin, before, steps)

    def _live(self, begin: int, end: int) -> int:
        """Return for how many seconds there was power between two."""
        return end - begin - sum(max(0, min(end, one.end) - max(begin, one.begin)) for one in self.outages)


def _spread(total: int, weights: list[int]) -> Sequence[int]:
    """Return the running sums of a total that is spread by weights."""
    sums = list(accumulate(weights))
    whole = sums[-1] if sums else 0
    if not whole:
        return array("q", [*[0] * (len(sums) - 1), total] if sums else [])
    return array("q", [total * one // whole for one in sums])
