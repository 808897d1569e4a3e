"""The service's edges, moved by hand."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from obisgw.config.table import MeterSettings
from obisgw.errors import MeterError
from obisgw.iec62056_21.block_check import BlockCheck, BlockCheckKind
from obisgw.iec62056_21.identification import Mode
from obisgw.iec62056_21.telegram import Telegram
from obisgw.obis import Medium
from obisgw.readings.derive import Derived, MeterEvent
from obisgw.readings.reading import Health, MeterIdentity, Reading
from obisgw.readings.shown import MeterOptions
from obisgw.service.edges import FastRound, Miss, Success, Trouble

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from obisgw.iec62056_21.vdew.periods import Period

TELEGRAM = Telegram(None, Mode.C, b"", BlockCheck.OK, BlockCheckKind.XOR, 0, complete=True, raw=b"")


def identity(number: str | None = "123", flag: str = "ISK") -> MeterIdentity:
    """Return a meter's identity."""
    return MeterIdentity(f"{flag.lower()}_{number or 'meter'}", number, flag, flag, "MT174", Medium.ELECTRICITY)


def success(meter: MeterIdentity | None = None, *, battery: bool = False, **trouble: int) -> Success:
    """Return a readout that came to a good end."""
    reading = Reading(meter or identity(), datetime(2026, 1, 1, tzinfo=UTC), 2.5, (), (), TELEGRAM)
    return Success(reading, battery=battery, baudrate=9600, switch_margin=0.04, trouble=Trouble(**trouble))


def silence(said: str = "no answer", **trouble: int) -> Miss:
    """Return a readout that came to nothing."""
    return Miss(MeterError(said, where="House at /a"), Trouble(**trouble or {"silences": 1}))


def settings(entry: str = "House", port: str = "/a", **values: object) -> MeterSettings:
    """Return a meter's settings."""
    return MeterSettings(entry=entry, line=1, port=port, **values)  # type: ignore[arg-type]


class FakeClock:
    """Time passes only by waiting, and then at once. After ``until`` it stands still."""

    def __init__(self, start: float = 1000.0, until: float = float("inf"), offset: float = 0.0) -> None:
        self.time = start
        self.until = until
        self.offset = offset

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    def utc_offset(self, _at: float) -> float:
        return self.offset

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        for _ in range(8):  # Whatever takes no time comes first.
            await asyncio.sleep(0)
        if self.time + seconds > self.until:
            await event.wait()
        elif not event.is_set():
            self.time += seconds


class FakeMeter:
    """Answers with ``outcomes`` in turn, the last one for ever; each readout takes ``takes`` seconds."""

    def __init__(self, clock: FakeClock, *outcomes: Success | Miss | Exception, takes: float = 2.0) -> None:
        self.clock = clock
        self.outcomes = list(outcomes) or [success()]
        self.takes = takes
        self.starts: list[float] = []
        self.closed = 0
        self.hangs = False
        self.cancelled = False
        self.back = asyncio.Event()
        self.on_read: Callable[[], None] = lambda: None
        self.rounds: list[FastRound | Exception] = []
        self.rounds_each: list[FastRound] = []
        self.fast_starts: list[float] = []
        self.fast_ends: list[float] = []
        self.answers: list[list[Period] | Exception] = []
        self.profile_asked: list[tuple[datetime, datetime]] = []
        self.profile_hangs = False
        self.profile_ends: list[float] = []

    async def read(self) -> Success | Miss:
        self.starts.append(self.clock.now())
        self.on_read()
        try:
            await (asyncio.Event().wait() if self.hangs else asyncio.sleep(0))
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        self.clock.time += self.takes
        return self._next()

    def _next(self) -> Success | Miss:
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def fast(self) -> AsyncGenerator[FastRound, None]:
        """Give the rounds of each session, those left in turn, an exception as such, and then nothing more."""
        self.fast_starts.append(self.clock.now())
        try:
            for each in self.rounds_each:
                yield each
            while self.rounds:
                one = self.rounds.pop(0)
                if isinstance(one, Exception):
                    raise one
                yield one
            await asyncio.Event().wait()
        finally:
            self.fast_ends.append(self.clock.now())

    async def profile(self, since: datetime, until: datetime) -> AsyncGenerator[list[Period], None]:
        """Give what is left of the profile, an exception as such; nothing more and no end where it hangs."""
        self.profile_asked.append((since, until))
        try:
            while self.answers:
                one = self.answers.pop(0)
                if isinstance(one, Exception):
                    raise one
                yield one
            await (asyncio.Event().wait() if self.profile_hangs else asyncio.sleep(0))
        finally:
            self.profile_ends.append(self.clock.now())

    async def pushes(self) -> AsyncGenerator[Success | Miss, None]:
        while len(self.outcomes) > 1:
            self.clock.time += self.takes
            yield self._next()
        await asyncio.Event().wait()

    async def returned(self) -> None:
        await self.back.wait()

    async def close(self) -> None:
        self.closed += 1


class FakePublisher:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.health = Health()
        self.options = MeterOptions()
        self.derived = Derived()
        self.events: list[MeterEvent] = []
        self.readings: list[Reading] = []
        self.updates: list[tuple[Reading, Derived]] = []

    def meter_added(self, meter: MeterIdentity, options: MeterOptions) -> None:
        self.told.append(("added", meter.id))
        self.options = options

    def slot_removed(self, slot: str) -> None:
        self.told.append(("slot removed", slot))

    def meter_removed(self, meter_id: str) -> None:
        self.told.append(("removed", meter_id))

    def publish_reading(self, reading: Reading, derived: Derived, health: Health) -> None:
        self.told.append(("reading", reading.meter.id))
        self.derived = derived
        self.health = health
        self.readings.append(reading)

    def publish_update(self, reading: Reading, derived: Derived) -> None:
        self.updates.append((reading, derived))

    def publish_event(self, meter_id: str, event: MeterEvent) -> None:
        self.told.append((event.kind.value, meter_id))
        self.events.append(event)

    def meter_available(self, meter_id: str, available: bool, health: Health) -> None:  # noqa: FBT001
        self.told.append(("available" if available else "silent", meter_id))
        self.health = health


async def settled(turns: int = 500) -> None:
    """Let every task go on until it waits for something that does not come by itself."""
    for _ in range(turns):
        await asyncio.sleep(0)
