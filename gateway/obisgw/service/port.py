"""One port: its meters one after another, and whatever goes wrong kept to itself."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from obisgw.config.values import MeterMode
from obisgw.errors import MeterError

from .edges import Miss
from .fast import FIRST_PAUSE

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from .clock import Clock
    from .meter import MeterRun

_log = logging.getLogger(__name__)

LONGEST_WAIT = 60.0
"""The machine's clock is looked at so often, because it may be set."""
LONGEST_READ = 3600.0
"""Nothing that a meter sends takes so long: 64 kB at 300 Bd are 36 minutes."""
CLOCK_JUMP = 2 * 3600.0
LEAVE = 2.3
"""Fast reading ends so long before a readout: the meter is signed off, and hears nothing for two seconds then."""

SHORTEST_FAST = 4.0
"""Signing on takes two seconds."""

TURN = 30.0
"""Of each meter, where several on one port are read fast."""

LONGEST_FAST = 300.0
"""The machine's clock may be set, and another name of the same adapter may wait for the port."""
PAUSE_AFTER_FAULT = 60.0


class Starts:
    """Keeps the starts of readouts apart: what dozens of meters send must not come to its end all at once."""

    AT_ONCE = 4
    APART = 0.015
    """Seconds; taking a telegram apart and publishing it takes some five milliseconds of a small machine."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._latest = float("-inf")

    async def turn(self) -> None:
        """Return when a readout may start: at once, unless more than a few have just started."""
        now = self._clock.now()
        if self._latest > now + LONGEST_WAIT:
            self._latest = now  # The machine's clock was set back.
        self._latest = max(self._latest, now - self.AT_ONCE * self.APART) + self.APART
        if self._latest > now:
            await asyncio.sleep(self._latest - now)


class PortRun:
    """The task of one port. ``meters`` may be exchanged while it runs."""

    def __init__(self, port: str, clock: Clock, saved: Callable[[MeterRun], None], starts: Starts) -> None:
        self.port = port
        self.meters: tuple[MeterRun, ...] = ()
        self._clock = clock
        self._saved = saved
        self._starts = starts
        self._wake = asyncio.Event()
        self._active: tuple[MeterRun, asyncio.Task[None]] | None = None
        self._latest_fast: MeterRun | None = None
        self._past_was_last = False

    async def exchange(self, meters: tuple[MeterRun, ...]) -> None:
        """Take these meters in place of the present ones; those in both go on undisturbed."""
        gone = [meter for meter in self.meters if meter not in meters]
        self.meters = meters
        if self._active is not None and self._active[0] in gone:
            await _ended(self._active[1])
        for meter in gone:
            await meter.edge.close()
        self._wake.set()

    def read_now(self, meter: MeterRun) -> None:
        """Read this meter as soon as the line is free."""
        meter.read_now()
        self._wake.set()

    async def run(self) -> None:
        """Read the meters by their schedules until cancelled. The port is free afterwards."""
        try:
            while True:
                meter = min(self.meters, key=lambda one: one.due, default=None)
                self._wake.clear()
                if meter is None:
                    await self._wake.wait()
                elif meter.settings.mode is MeterMode.D:
                    await self._do(meter, meter.listen(self._saved))
                elif await self._wait_for(meter):
                    await self._do(meter, self._read(meter))
                    self._saved(meter)
        finally:
            for meter in self.meters:
                await meter.edge.close()

    async def _wait_for(self, meter: MeterRun) -> bool:
        """Return whether the meter is due, after waiting for that or for any reason to look again."""
        rest = meter.due - self._clock.now()
        if rest > meter.schedule.pause_after(99) + CLOCK_JUMP:
            # The machine's clock was set back: what was due then means nothing now.
            meter.read_now()
            return True
        if rest > 0 and meter.port_missing:
            if await self._returned(meter, min(rest, LONGEST_WAIT)):
                for other in self.meters:
                    if other.port_missing:
                        other.port_missing = False
                        other.read_now()
                return True
        elif (past := self._next_past(rest)) is not None:
            await self._read_past(past, rest)
        elif (fast := self._next_fast(rest)) is not None:
            await self._read_fast(fast, rest)
        elif rest > 0:
            longest = FIRST_PAUSE if any(other.may_be_fast for other in self.meters) else LONGEST_WAIT
            await self._clock.wait(self._wake, min(rest, longest))
        return not self._wake.is_set() and meter.due <= self._clock.now()

    def _next_fast(self, rest: float) -> MeterRun | None:
        """Return the meter whose fast registers are read in the meantime; several have their turns."""
        if rest < LEAVE + SHORTEST_FAST:
            return None
        wanting = [meter for meter in self.meters if meter.wants_fast]
        if not wanting:
            return None
        last = wanting.index(self._latest_fast) if self._latest_fast in wanting else -1
        self._latest_fast = wanting[(last + 1) % len(wanting)]
        return self._latest_fast

    async def _read_fast(self, meter: MeterRun, rest: float) -> None:
        """Read a meter's fast registers until it is time to leave, or anything else is to be done."""
        self._past_was_last = False
        several = sum(other.wants_fast for other in self.meters) > 1
        await self._do_for(meter, meter.read_fast(), min(rest - LEAVE, TURN if several else LONGEST_FAST))

    def _next_past(self, rest: float) -> MeterRun | None:
        """Return the meter whose past is asked for in the meantime; fast reading has every other turn."""
        wanting = [meter for meter in self.meters if meter.wants_past] if rest >= LEAVE + SHORTEST_FAST else []
        if not wanting or (self._past_was_last and any(meter.wants_fast for meter in self.meters)):
            return None
        return wanting[0]

    async def _read_past(self, meter: MeterRun, rest: float) -> None:
        """Ask for a meter's past until it is time to leave, or anything else is to be done."""
        self._past_was_last = True
        live = any(other.wants_fast for other in self.meters)
        await self._do_for(meter, meter.read_past(), min(rest - LEAVE, TURN if live else LONGEST_FAST))

    async def _do_for(self, meter: MeterRun, work: Coroutine[None, None, None], seconds: float) -> None:
        stop = asyncio.create_task(self._clock.wait(self._wake, seconds))
        try:
            await self._do(meter, work, stop)
        finally:
            await _ended(stop)

    async def _returned(self, meter: MeterRun, seconds: float) -> bool:
        """Return whether the missing port came back within that time."""
        waiting = asyncio.create_task(self._clock.wait(self._wake, seconds))
        back = asyncio.create_task(meter.edge.returned())
        try:
            await asyncio.wait((waiting, back), return_when=asyncio.FIRST_COMPLETED)
            return back.done() and not back.cancelled() and back.exception() is None
        finally:
            await _ended(waiting)
            await _ended(back)

    async def _read(self, meter: MeterRun) -> None:
        await self._starts.turn()
        try:
            async with asyncio.timeout(LONGEST_READ):
                await meter.read()
        except TimeoutError:
            error = MeterError("the readout did not end", where=f"{meter.name} at {self.port}")
            meter.take(Miss(error))

    async def _do(
        self, meter: MeterRun, work: Coroutine[None, None, None], stop: asyncio.Task[None] | None = None
    ) -> None:
        """Do ``work`` as a task of its own, so that it can be ended when its meter is taken away, or with ``stop``."""
        task = asyncio.create_task(work, name=f"{meter.name} at {self.port}")
        self._active = meter, task
        try:
            await asyncio.wait((task,) if stop is None else (task, stop), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._active = None
            await _ended(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            # A fault of ours with one meter: said whole, and the others are read on.
            _log.error("%s at %s: a fault of the program", meter.name, self.port, exc_info=fault)
            meter.due = self._clock.now() + PAUSE_AFTER_FAULT
            if meter.settings.mode is MeterMode.D:
                await self._clock.wait(self._wake, PAUSE_AFTER_FAULT)


async def _ended(task: asyncio.Task[None]) -> None:
    """End the task and wait for its end."""
    task.cancel()
    await asyncio.wait((task,))
