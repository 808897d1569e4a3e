"""When a meter is read: at multiples of its interval by the clock, spaced out while it is silent. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

DEFAULT_EVERY = timedelta(seconds=60)
DAY = 86_400.0
LONGEST_PAUSE = 3600.0
"""Also a meter that was silent for days is found within an hour of its return."""

_EARLY = 5.0

BATTERY_ATTEMPTS = 3
"""A battery meter's budget is spent by failed readouts too; so many in a row may use one slot."""

Offset = Callable[[float], float]


def _utc(_: float) -> float:
    return 0.0


@dataclass(frozen=True, slots=True)
class Schedule:
    """``every`` in seconds. ``aligned``: starts fall on multiples of it in local time. ``battery``: each read costs."""

    every: float
    aligned: bool
    battery: bool = False

    @classmethod
    def of(cls, every: timedelta | None, reads_a_day: int | None, *, aligned: bool, battery: bool) -> Schedule:
        """Return the schedule from settings. ``battery`` is what the meter's dialect says."""
        if reads_a_day is not None:
            return cls(DAY / reads_a_day, aligned, battery=True)
        if every is not None:
            return cls(every.total_seconds(), aligned)
        if battery:
            return cls(DAY, aligned, battery=True)
        return cls(DEFAULT_EVERY.total_seconds(), aligned)

    def next_start(self, last: float, now: float, failures: int, utc_offset: Offset = _utc) -> float:
        """Return when to read next.

        ``last`` is the time of the last start, ``now`` of this call, both in seconds of Unix time; ``failures`` counts
        failed readouts in a row; ``utc_offset`` gives the seconds east at a moment. Starts that were missed are left
        out, not made up.
        """
        pause = self.pause_after(failures)
        # A retry of a battery meter inside its slot does not fall on a multiple.
        if not self.aligned or pause < self.every:
            return max(now, last + pause)
        # The next multiple; one that falls into the readout, or that a timer met a moment early, is not taken twice.
        return self._multiple_after(max(now, last + pause - self.every + min(_EARLY, self.every / 2)), utc_offset)

    def first_start(self, last: float, now: float, utc_offset: Offset = _utc) -> float:
        """Return when to read first after the service started; ``last`` is the last start before that, 0 for none.

        At once, but for a battery meter that was read in this slot already.
        """
        if not self.battery or not 0 < last <= now:
            return now
        due = self._multiple_after(last, utc_offset) if self.aligned else last + self.every
        return max(now, due)

    def _multiple_after(self, moment: float, utc_offset: Offset) -> float:
        offset = utc_offset(moment)
        multiple = ((moment + offset) // self.every + 1) * self.every - offset
        then = utc_offset(multiple)
        if then != offset and (multiple + then) % self.every:
            # Summer or winter time begins in between: midnight is an hour sooner or later.
            multiple += offset - then
            if multiple <= moment or (multiple + utc_offset(multiple)) % self.every:
                multiple += self.every  # There is no two o'clock in the night when summer begins.
        return multiple

    def pause_after(self, failures: int) -> float:
        """Return the seconds from one start to the next after ``failures`` in a row."""
        if self.battery:
            retry = min(self.every / (BATTERY_ATTEMPTS + 1), 600.0)
            return retry if failures % BATTERY_ATTEMPTS else self.every
        # The first failures are repeated at the usual pace: a hand in front of the head passes.
        doubled = self.every * 2.0 ** min(max(0, failures - 1), 20)
        return max(self.every, min(doubled, LONGEST_PAUSE))
