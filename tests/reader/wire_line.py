"""A port that is a simulated line, in a loop whose time does not wait (`scripted.in_moved_time`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

from obisgw.config.values import LineFormat
from obisgw.errors import PortLostError
from obisgw.reader.memory import Memory
from obisgw.reader.reader import MeterReader, ReaderSettings
from obisgw.simulator.serve import Simulator, SimulatorOptions

if TYPE_CHECKING:
    from typing import Any

    from obisgw.iec62056_21.dialects import Dialects
    from obisgw.iec62056_21.meter_settings import MeterEvent
    from obisgw.line.port import PortSettings
    from obisgw.reader.shared_port import SharedPort


class WireLine:
    """The port, and the shared port as well. ``said`` holds what happened at the meters."""

    format = LineFormat.SOFTWARE_7E1
    bits = 10
    can_set_rate = True
    is_open = True
    busy = False
    url = "wire"

    def __init__(self, simulator: Simulator) -> None:
        self.wire = simulator.wire()
        self.baudrate = 300
        self.lost = False
        self.said: list[MeterEvent] = []
        self.written: list[tuple[float, bytes]] = []
        self._loop = asyncio.get_running_loop()
        self._lock = asyncio.Lock()
        self._free_at = 0.0
        self._received = b""
        self._changed = asyncio.Event()
        self._written = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while True:
            # A timer that is due to the last digit does not move the loop's time.
            now = self._loop.time() + 1e-6
            self._received += self.wire.step(now)
            self.said += [event for _, event in self.wire.events()]
            if self._received:
                self._changed.set()
            deadline = self.wire.deadline(now)
            self._written.clear()
            if deadline is None:
                await self._written.wait()
            elif deadline > now:
                waiting = asyncio.ensure_future(self._written.wait())
                await asyncio.wait((waiting,), timeout=deadline - now)
                waiting.cancel()
            else:
                await asyncio.sleep(0)

    @asynccontextmanager
    async def use(self, _: PortSettings, rest: float = 0.2) -> AsyncIterator[WireLine]:
        """Be had by one at a time."""
        async with self._lock:
            await asyncio.sleep(self._free_at - self._loop.time())
            try:
                yield self
            finally:
                self._free_at = self._loop.time() + rest

    def line_time(self, characters: int) -> float:
        """Ten bits each."""
        return characters * 10 / self.baudrate

    def take(self) -> bytes:
        """What has arrived by now."""
        self._check()
        data, self._received = self._received, b""
        self._changed.clear()
        return data

    async def wait(self, until: float | None) -> None:
        """Return when something has arrived, or at ``until``."""
        waiting = asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait((waiting,), timeout=None if until is None else max(0.0, until - self._loop.time()))
        finally:
            waiting.cancel()
        self._check()

    async def sleep(self, until: float) -> None:
        """Return at ``until``."""
        await asyncio.sleep(until - self._loop.time())

    def write_now(self, data: bytes) -> float:
        """Put it on the wire."""
        self._check()
        now = self._loop.time()
        self.written.append((now, bytes(c & 0x7F for c in data)))
        self.wire.write(data, self.baudrate, now)
        self._written.set()
        return now + self.line_time(len(data))

    async def write(self, data: bytes) -> float:
        """Put it on the wire and return when it has left."""
        end = self.write_now(data)
        await asyncio.sleep(end - self._loop.time())
        return end

    async def set_rate(self, baudrate: int) -> None:
        """Take the rate."""
        self._check()
        self.baudrate = baudrate
        self.wire.set_rate(baudrate, self._loop.time())
        self._written.set()

    async def close(self) -> None:
        """End the line's own time."""
        self._task.cancel()
        await asyncio.wait((self._task,))

    def of(self, kind: type[MeterEvent]) -> list[MeterEvent]:
        """The meter's events of one kind."""
        return [event for event in self.said if isinstance(event, kind)]

    def _check(self) -> None:
        if self.lost:
            raise PortLostError("gone", where=self.url)


@asynccontextmanager
async def line_of(profile: str = "household", **options: Any) -> AsyncIterator[WireLine]:
    """Have a line with a meter of this profile."""
    line = WireLine(Simulator(SimulatorOptions(profile=profile, **options)))
    try:
        yield line
    finally:
        await line.close()


def reader_on(line: WireLine, dialects: Dialects, memory: Memory | None = None, **settings: Any) -> MeterReader:
    """Return a reader on the line."""
    return MeterReader(
        cast("SharedPort", line), ReaderSettings("Cellar at wire", **settings), dialects, memory or Memory()
    )
