"""The service's clock, an edge of its own so that tests move it by hand."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Unix time, the local day, and waiting."""

    def now(self) -> float:
        """Return Unix time in seconds."""

    def monotonic(self) -> float:
        """Return seconds of a clock that nobody sets."""

    def utc_offset(self, at: float) -> float:
        """Return the local time's seconds east of UTC at a moment of Unix time: summer and winter differ."""

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        """Return when the event is set, or after that many seconds."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        """Return Unix time in seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds of a clock that nobody sets."""
        return time.monotonic()

    def utc_offset(self, at: float) -> float:
        """Return the local time's seconds east of UTC at a moment of Unix time: summer and winter differ."""
        return float(time.localtime(at).tm_gmtoff)

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        """Return when the event is set, or after that many seconds."""
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await event.wait()
        except TimeoutError:
            return


def local_day(clock: Clock) -> str:
    """Return today's local date, for counting reads a day."""
    now = clock.now()
    return datetime.fromtimestamp(now + clock.utc_offset(now), UTC).date().isoformat()
