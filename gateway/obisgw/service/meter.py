"""One configured meter: its schedule, its identity, its health, and the one log line a change of state."""

from __future__ import annotations

import logging
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from obisgw.config.values import MeterMode
from obisgw.errors import LineError, MeterError, PortLostError, PortMissingError
from obisgw.readings.reading import Health
from obisgw.readings.shown import MeterOptions

from .clock import local_day
from .edges import Miss, Success
from .identity import Change, settle
from .schedule import Schedule

if TYPE_CHECKING:
    from obisgw.config.table import MeterSettings
    from obisgw.errors import ObisGatewayError
    from obisgw.readings.reading import MeterIdentity, Reading

    from .clock import Clock
    from .edges import MeterEdge, PublisherEdge, Trouble
    from .state import MeterState

_log = logging.getLogger(__name__)

AFTER_LOSS = 1.0


class MeterRun:
    """One meter while the service runs. ``due`` is when it is read next, in Unix time."""

    def __init__(
        self, settings: MeterSettings, edge: MeterEdge, publisher: PublisherEdge, state: MeterState, clock: Clock
    ) -> None:
        self.settings = settings
        self.edge = edge
        self.publisher = publisher
        self.state = state
        self.health = Health()
        self._clock = clock
        self._said: set[tuple[type[ObisGatewayError], str]] = set()
        """The kinds of trouble since the last reading, which the log already tells of."""
        self.port_missing = False
        self.identity_changed = False
        """Whether the state holds an identity that was not saved yet."""
        self._failures = 0
        self._last_published = 0.0
        self._told: tuple[PublisherEdge, MeterIdentity, MeterOptions] | None = None
        self.due = self.schedule.first_start(state.last_start, clock.now(), clock.utc_offset)
        self.introduce()

    @property
    def schedule(self) -> Schedule:
        """The schedule by the settings and by what is known of the meter."""
        settings = self.settings
        return Schedule.of(settings.every, settings.reads_a_day, aligned=settings.aligned, battery=self.state.battery)

    @property
    def name(self) -> str:
        """The meter as log lines and messages name it."""
        return self.settings.entry

    @property
    def options(self) -> MeterOptions:
        """How the meter is shown to the publisher's readers."""
        every, push = self.settings.every, self.settings.mode is MeterMode.D
        pause = every.total_seconds() if every else None
        interval = pause if push else self.schedule.every
        return MeterOptions(interval, slot=self.settings.entry, name=self.settings.name, on_request=not push)

    def introduce(self) -> None:
        """Tell the publisher of the meter, as soon as it is known which one it is, and of every change."""
        if self.state.identity is None:
            return
        told = self.publisher, self.state.identity, self.options
        if told != self._told:
            self._told = told
            self.publisher.meter_added(self.state.identity, self.options)

    def answers_to(self, meter: str) -> bool:
        """Whether ``meter`` is this one's id or name."""
        identity = self.state.identity
        return meter == self.settings.entry or (identity is not None and identity.id == meter)

    def read_now(self) -> None:
        """Read as soon as the line is free."""
        self.due = self._clock.now()

    async def read(self) -> None:
        """Read the meter once, and set when it is due next."""
        start = self._clock.now()
        outcome = await self.edge.read()
        self.port_missing = isinstance(outcome, Miss) and isinstance(outcome.error, PortMissingError)
        lost = isinstance(outcome, Miss) and isinstance(outcome.error, PortLostError)
        if lost or not (isinstance(outcome, Miss) and isinstance(outcome.error, LineError)):
            # A port that cannot be opened costs no battery.
            self.state.count_read(local_day(self._clock), start)
        self.take(outcome)
        now = self._clock.now()
        if lost and self._failures == 1:
            # Plugs are moved and put back: look at once what became of it.
            self.due = now + AFTER_LOSS
        else:
            self.due = self.schedule.next_start(start, now, self._failures, self._clock.utc_offset)

    async def listen(self) -> None:
        """Take what the meter sends unasked, for ever."""
        async with aclosing(self.edge.pushes()) as outcomes:
            async for outcome in outcomes:
                if isinstance(outcome, Success) and not self._wanted_now():
                    continue
                self.take(outcome)

    def _wanted_now(self) -> bool:
        """Whether a pushed reading is published, or falls into the pause after the last one."""
        every, now = self.settings.every, self._clock.now()
        # Half a second of grace: the meter's own pace is not exact.
        if every and not self._said and 0 <= now - self._last_published < every.total_seconds() - 0.5:
            return False
        self._last_published = now
        return True

    def take(self, outcome: Success | Miss) -> None:
        """Publish a reading, or note why there is none."""
        self._count(outcome.trouble)
        match outcome:
            case Success():
                self._succeeded(outcome)
            case Miss():
                self._failed(outcome.error)

    def _count(self, trouble: Trouble) -> None:
        health = self.health
        self.health = replace(
            health,
            parity_errors=health.parity_errors + trouble.parity_errors,
            block_check_errors=health.block_check_errors + trouble.block_check_errors,
            silences=health.silences + trouble.silences,
            reads_today=self.state.reads_today,
        )

    def _succeeded(self, success: Success) -> None:
        reading = success.reading
        wanted, number = self.settings.number, reading.meter.number
        if wanted is not None and number is not None and wanted.lstrip("0") != number.lstrip("0"):
            error = MeterError(
                f"another meter answers: its number is {number}, not {wanted}",
                where=f"{self.name} at {self.settings.port}",
                hint="put the head on the right meter, or correct 'number'",
            )
            self._failed(error)
            return
        self.state.battery = success.battery
        reading = self._identified(reading)
        self.health = replace(
            self.health,
            reads=self.health.reads + 1,
            last_success=reading.at,
            last_duration=reading.duration,
            last_error=None,
            baudrate=success.baudrate,
            switch_margin=success.switch_margin,
        )
        if self._said:
            times = f"{self._failures} failed readout{'s' if self._failures > 1 else ''}"
            _log.info("%s at %s: read again after %s", self.name, self.settings.port, times)
        elif self.health.reads == 1:
            number = reading.meter.number or "without number"
            _log.info(
                "%s at %s: meter %s (%s), %d registers in %.1f s",
                self.name,
                self.settings.port,
                reading.meter.id,
                number,
                len(reading.registers),
                reading.duration,
            )
        self._said.clear()
        self._failures = 0
        self.publisher.publish_reading(reading, self.health)

    def _identified(self, reading: Reading) -> Reading:
        before = self.state.identity
        identity, change = settle(before, reading.meter)
        self.state.identity = identity
        self.identity_changed = self.identity_changed or identity != before
        if change is Change.REPLACED and before is not None:
            _log.warning(
                "%s at %s: meter %s stands where %s was; it is published as a new device",
                self.name,
                self.settings.port,
                identity.id,
                before.id,
            )
        self.introduce()
        return replace(reading, meter=identity)

    def _failed(self, error: ObisGatewayError) -> None:
        self._failures += 1
        self.health = replace(self.health, failures=self.health.failures + 1, last_error=str(error))
        # The remedy tells kinds of trouble apart: what is said of noise counts its bytes, and is new each time.
        kind = type(error), error.hint or error.problem
        if kind not in self._said:
            self._said.add(kind)
            _log.warning("%s", error)
        if self.state.identity is not None:
            self.publisher.meter_available(self.state.identity.id, False, self.health)  # noqa: FBT003
