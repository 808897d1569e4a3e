"""The service's clock, an edge of its own so that tests move it by hand."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final, Protocol

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class Clock(Protocol):
    """Unix time, the local day, and waiting."""

    def now(self) -> float:
        """Return Unix time in seconds."""

    def monotonic(self) -> float:
        """Return the seconds since the machine started, of a clock that nobody sets."""

    def utc_offset(self, at: float) -> float:
        """Return the local time's seconds east of UTC at a moment of Unix time: summer and winter differ."""

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        """Return when the event is set, or after that many seconds."""


def steady_time() -> float:
    """Return the seconds since the machine started; those in which it slept count too."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@cache
def boot_id() -> str:
    """Return what names this run of the machine; where the system does not tell, this run of the program."""
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except (OSError, ValueError):
        return os.urandom(16).hex()


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        """Return Unix time in seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Return the seconds since the machine started, of a clock that nobody sets."""
        return steady_time()

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
