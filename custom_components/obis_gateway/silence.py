"""Whether a meter has been silent for long. Counts from when readings arrive: no clock has to be right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .models import Meter

INTERVALS: Final = 3
LEAST: Final = 900.0
"""Seconds. Whoever cleans the window of a meter that is read each ten seconds needs no notice."""
PUSHED: Final = 3600.0
"""Seconds of a meter that decides itself when it sends: each 15 minutes at the latest."""


def patience(meter: Meter) -> float:
    """Return for how many seconds a meter may be silent."""
    return PUSHED if meter.interval is None else max(INTERVALS * meter.interval, LEAST)


@dataclass(slots=True)
class Silence:
    """Since when a meter is silent, by a clock that only rises. ``last`` is its newest reading's own time.

    ``long`` is kept over a restart: a meter that was silent before is so until it is read.
    """

    began: float
    last: str
    long: bool = False

    def take(self, meter: Meter, now: float) -> None:
        """Take what is known of the meter at ``now`` (seconds)."""
        newest = last_reading(meter)
        if newest not in {"", self.last}:
            self.began, self.last, self.long = now, newest, False
        elif now - self.began >= patience(meter):
            self.long = True


def last_reading(meter: Meter) -> str:
    """Return when a meter was read last by the gateway's clock, as ISO 8601; empty if it never was."""
    at = meter.reading.at if meter.reading is not None else None
    at = at or meter.health.last_success
    return "" if at is None else at.isoformat()
