"""One configured meter: its schedule, its identity, its health, and the one log line a change of state."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from obisgw.config.values import MeterMode
from obisgw.errors import LineError, MeterError, PortLostError, PortMissingError, RefusedError
from obisgw.readings.checks import Reason
from obisgw.readings.clock_deviation import clock_deviation
from obisgw.readings.derive import EventKind, MeterEvent
from obisgw.readings.reading import Health

from .clock import local_day
from .edges import HeldBack, Miss, Success
from .facts import Facts
from .fast import FastMood, fast_values_of
from .identity import Change, settle
from .options import connection_of, no_thresholds, options_of, threshold_of
from .schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from obisgw.config.table import MeterSettings
    from obisgw.errors import ObisGatewayError
    from obisgw.readings.checks import Suspicion
    from obisgw.readings.reading import MeterIdentity, Reading
    from obisgw.readings.shown import MeterOptions

    from .clock import Clock
    from .edges import FastRound, MeterEdge, PublisherEdge, Trouble
    from .gaps import Gaps
    from .judge import Judge
    from .options import ThresholdsOf
    from .state import MeterState

_log = logging.getLogger(__name__)

AFTER_LOSS = 1.0
NO_ROUND = 20.0
"""Fast reading that brought nothing for so long does not work, though it was ended by other things."""
CLOCK_SET = 5.0
"""Seconds by which the machine's clock does not move by itself between two readings."""
_MOST_TOLD = 3


class MeterRun:
    """One meter while the service runs. ``due`` is when it is read next, in Unix time."""

    def __init__(
        self,
        settings: MeterSettings,
        edge: MeterEdge,
        publisher: PublisherEdge,
        state: MeterState,
        clock: Clock,
        *,
        facts: Facts | None = None,
        thresholds_of: ThresholdsOf = no_thresholds,
        judge: Judge | None = None,
    ) -> None:
        self.settings = settings
        self.gaps: Gaps | None = None
        """What fills holes in the meter's history, where there is a store."""
        self._keeps_profile = False
        self._judge = judge
        self._connection = connection_of(settings)
        self._damaged = 0
        """Telegrams that failed the line's checks since the last one that did not."""
        self._read_again = False
        self.edge = edge
        self.publisher = publisher
        self.state = state
        self.health = Health()
        self._clock = clock
        self._facts = Facts() if facts is None else facts
        self._thresholds = tuple(threshold_of(one) for one in settings.thresholds)
        self._thresholds_of = thresholds_of
        self._said: set[tuple[type[ObisGatewayError], str]] = set()
        """The kinds of trouble since the last reading, which the log already tells of."""
        self._held_back: set[str] = set()
        """Why readings were held back since the last one, which events have told."""
        self._odd: set[tuple[str, str]] = set()
        """What was odd about readings since the last one, which log and events have told."""
        self.port_missing = False
        self.identity_changed = False
        """Whether the state holds an identity that was not saved yet."""
        self._failures = 0
        self._last_published = 0.0
        self.fast = FastMood()
        self._fast_values = fast_values_of(settings)
        self._latest: Reading | None = None
        self._offset: float | None = None
        """Unix time less the seconds since the machine started, at the last reading."""
        self._told: tuple[MeterIdentity, MeterOptions] | None = None
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
        identity = self.state.identity
        wished = () if identity is None else self._thresholds_of(identity.id)
        return options_of(
            self.settings,
            self.schedule.every,
            self._thresholds,
            wished,
            battery=self.state.battery,
            has_clock=identity is not None and self._facts.has_clock(identity.id),
        )

    def introduce(self) -> None:
        """Tell the publisher of the meter, as soon as it is known which one it is, and of every change."""
        if self.state.identity is None:
            return
        told = self.state.identity, self.options
        if told != self._told:
            self._told = told
            self.publisher.meter_added(*told)

    def introduce_to(self, publisher: PublisherEdge) -> None:
        """Tell a publisher that has just come of the meter."""
        if self._told is not None:
            publisher.meter_added(*self._told)

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
        if self._read_again:
            self.due = now
        elif lost and self._failures == 1:
            # Plugs are moved and put back: look at once what became of it.
            self.due = now + AFTER_LOSS
        else:
            self.due = self.schedule.next_start(start, now, self._failures, self._clock.utc_offset)

    @property
    def may_be_fast(self) -> bool:
        """Whether there are registers to read between full readouts, now or after some trouble."""
        return bool(self.settings.fast) and self._fast_values.known and not self.state.battery

    @property
    def wants_fast(self) -> bool:
        """Whether there are registers to read between full readouts, now."""
        return self.may_be_fast and not self._failures and self.fast.wanted(self._clock.now())

    async def read_fast(self) -> None:
        """Read the fast registers until cancelled, refused or broken off."""
        began, before = self._clock.now(), self.fast.rounds
        try:
            async with aclosing(self.edge.fast()) as rounds:
                async for one in rounds:
                    self._take_round(one)
        except RefusedError as error:
            self._fast_off(str(error))
        except asyncio.CancelledError:
            if self.fast.rounds == before and self._clock.now() - began > NO_ROUND:
                self._fast_broke_off(f"{self.name} at {self.settings.port}: no session could be opened in time")
            raise
        except PortLostError:
            # The readout says it, and what to do.
            self.read_now()
        except (MeterError, LineError) as error:
            self._fast_broke_off(str(error))
        except Exception:
            # Of ours: said whole by the port, and not again each minute.
            self.fast.refused("a fault of the program", self._clock.now())
            raise

    @property
    def wants_past(self) -> bool:
        """Whether there may be a hole in its history that its load profile fills, now."""
        identity = self.state.identity
        if self.gaps is None or identity is None or not self._keeps_profile or self.state.battery or self._failures:
            return False
        return self.gaps.wanted(identity.id)

    async def read_past(self) -> None:
        """Look for a hole in the history and fill it, until cancelled or done."""
        identity = self.state.identity
        if self.gaps is not None and identity is not None:
            await self.gaps.fill(identity.id, self.edge, f"{self.name} at {self.settings.port}")

    def _take_round(self, one: FastRound) -> None:
        """Take values of the fast registers, and publish them when that is worth it."""
        if self.fast.went_well():
            _log.info("%s at %s: fast reading goes on", self.name, self.settings.port)
        if (taken := self._fast_values.take(one, self._doubts)) is None or self._told is None:
            return
        reading, fresh = taken
        codes = {register.code for register in fresh if register.code is not None}
        before = self._facts.thresholds_on(reading.meter.id)
        derived = self._facts.take_update(reading, codes, self._told[1])
        switched = bool(derived.events) or self._facts.thresholds_on(reading.meter.id) != before
        if self._fast_values.is_due(fresh, self._clock.now(), at_once=switched):
            self.publisher.publish_update(reading, derived)

    def _doubts(self, reading: Reading) -> Collection[str]:
        """Return the addresses of fast values that are not believed: the next full readout decides about them."""
        return () if self._judge is None else self._judge.doubts(reading, connection_of(self.settings))

    def _fast_broke_off(self, problem: str) -> None:
        if self.fast.broke_off(problem, self._clock.now()):
            _log.warning("%s; fast reading is tried again by itself", problem)

    def _fast_off(self, why: str) -> None:
        """Give fast reading up for a day, and say so once."""
        if self.fast.refused(why, self._clock.now()):
            _log.warning("%s; fast reading is off, full readouts go on", why)

    async def listen(self, taken: Callable[[MeterRun], None] = lambda _: None) -> None:
        """Take what the meter sends unasked, for ever; ``taken`` is called after each outcome."""
        async with aclosing(self.edge.pushes()) as outcomes:
            async for outcome in outcomes:
                match outcome:
                    case HeldBack():
                        self._tell_held_back(outcome.reason)
                    case Success() if not self._read_again and not self._wanted_now():
                        continue
                    case _:
                        self.take(outcome)
                        taken(self)

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
        self._damaged += outcome.trouble.rejected
        self._read_again = False
        match outcome:
            case Success():
                self._succeeded(outcome)
            case Miss():
                self._failed(outcome.error, outcome.held_back)

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
            self._failed(error, error.problem)
            return
        self.state.battery = success.battery
        self._keeps_profile = success.load_profile
        believed = self._believed(reading, battery=success.battery)
        if believed is None:
            return
        identity, events = self._identified(believed.meter, believed.at)
        reading = replace(believed, meter=identity)
        self.health = replace(
            self.health,
            reads=self.health.reads + 1,
            last_success=reading.at,
            last_duration=reading.duration,
            last_error=None,
            baudrate=success.baudrate,
            switch_margin=success.switch_margin,
            clock_deviation=clock_deviation(reading, success.baudrate, self._clock.utc_offset)
            if success.baudrate
            else None,
        )
        if self._failures and self.gaps is not None:
            self.gaps.outage(identity.id)
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
        self._held_back.clear()
        self._failures = 0
        self._latest = reading
        if self._clock_was_set(reading):
            self._facts.forget_clock(reading.meter.id)
        derived = self._facts.take(reading, self._told[1] if self._told else self.options, events)
        self.introduce()
        if self.settings.fast:
            if success.battery and self.fast.off is None:
                self._fast_off(f"{self.name} at {self.settings.port}: this meter lives on a battery")
            self.fast.full_readout(failed=False)
            self._fast_values.full(reading, self._clock.now())
        self.publisher.publish_reading(reading, derived, self.health)

    def _clock_was_set(self, reading: Reading) -> bool:
        """Tell whether the machine's clock was set since the last reading: the meter's own then seems to have been."""
        before = self._offset
        self._offset = None if reading.steady is None else reading.at.timestamp() - reading.steady
        return before is not None and self._offset is not None and abs(self._offset - before) > CLOCK_SET

    def _believed(self, reading: Reading, *, battery: bool) -> Reading | None:
        """Return what is believed of a reading, None where all of it waits for another one."""
        if self._judge is None:
            return reading
        identity, _ = settle(self.state.identity, reading.meter)
        reading = replace(reading, meter=identity)
        verdict = self._judge.take(reading, self._connection, damaged=self._damaged, battery=battery)
        self._damaged = 0
        self._read_again = verdict.read_again
        # What may well be the meter's doing is read twice without a word.
        odd = [one for one in verdict.suspicions if one.reason.hard and self._is_news(one)]
        if odd:
            self._tell_odd(odd, reading.at, "held back" if verdict.reading is None else "left out of a reading")
        elif verdict.reading is not None and not verdict.suspicions:
            self._odd.clear()
        for note in verdict.notes:
            if note.reason.hard:
                _log.info("%s at %s: confirmed by another readout: %s", self.name, self.settings.port, note)
            if note.reason is Reason.FELL:
                self._tell(EventKind.COUNTER_RESTARTED, reading.at, note)
        return verdict.reading

    def _is_news(self, odd: Suspicion) -> bool:
        """Whether a value is odd beside what was published, and not only beside another one that is held back."""
        if not odd.register or self._latest is None:
            return True
        latest = {register.address: register.value for register in reversed(self._latest.registers)}
        return latest.get(odd.address, odd.before) == odd.before

    def _tell_odd(self, odd: Sequence[Suspicion], at: datetime, what: str) -> None:
        """Tell what is held back: each oddity once, until a reading is published whole."""
        words = str(odd[0]) if len(odd) == 1 else f"{odd[0]}, and {len(odd) - 1} more"
        self.health = replace(self.health, held_back=self.health.held_back + 1, last_held_back=words)
        if self.state.identity is not None and self.health.reads:
            self.publisher.meter_available(self.state.identity.id, not self._failures, self.health)
        new = [one for one in odd if (one.reason.name, one.register) not in self._odd]
        if not new:
            return
        self._odd.update((one.reason.name, one.register) for one in new)
        told = "; ".join(str(one) for one in new[:_MOST_TOLD])
        more = f"; and {len(new) - _MOST_TOLD} more" if len(new) > _MOST_TOLD else ""
        again = ", and read again" if self._read_again and self.settings.mode is not MeterMode.D else ""
        _log.warning("%s at %s: %s%s: %s%s", self.name, self.settings.port, what, again, told, more)
        self._tell(EventKind.READING_HELD_BACK, at, new[0])

    def _tell(self, kind: EventKind, at: datetime, about: Suspicion) -> None:
        """Tell of one register that was odd, as an event."""
        if self.state.identity is not None:
            details = {"reason": about.reason.value, "register": about.address}
            details |= {"previous_value": about.before, "value": about.now}
            event = MeterEvent(kind, at, tuple((name, text) for name, text in details.items() if text))
            self.publisher.publish_event(self.state.identity.id, event)

    def _identified(self, seen: MeterIdentity, at: datetime) -> tuple[MeterIdentity, tuple[MeterEvent, ...]]:
        """Return which meter this is, and the event of its having replaced another."""
        before = self.state.identity
        identity, change = settle(before, seen)
        self.state.identity = identity
        self.identity_changed = self.identity_changed or identity != before
        events: tuple[MeterEvent, ...] = ()
        if change is Change.NAMED and before is not None:
            self._facts.rename(before.id, identity.id)
            if self._judge is not None:
                self._judge.rename(before.id, identity.id)
        elif change is Change.REPLACED and before is not None:
            details = (("previous_meter", before.id), ("meter", identity.id))
            events = (MeterEvent(EventKind.METER_REPLACED, at, details),)
            _log.warning(
                "%s at %s: meter %s stands where %s was; it is published as a new device",
                self.name,
                self.settings.port,
                identity.id,
                before.id,
            )
        self.introduce()
        return identity, events

    def _tell_held_back(self, reason: str) -> None:
        """Tell once in a run of failures that a telegram came and is not published."""
        kind = reason.partition(":")[0]
        if kind in self._held_back or self.state.identity is None:
            return
        self._held_back.add(kind)
        at = datetime.fromtimestamp(self._clock.now(), UTC)
        event = MeterEvent(EventKind.READING_HELD_BACK, at, (("reason", reason),))
        self.publisher.publish_event(self.state.identity.id, event)

    def _failed(self, error: ObisGatewayError, held_back: str | None) -> None:
        self._failures += 1
        if self.settings.fast and self.fast.off is None and isinstance(error, MeterError):
            where = f"{self.name} at {self.settings.port}"
            if self.fast.full_readout(failed=True):
                self._fast_off(f"{where}: the meter is not read any more after fast reading")
        self.health = replace(self.health, failures=self.health.failures + 1, last_error=str(error))
        # The remedy tells kinds of trouble apart: what is said of noise counts its bytes, and is new each time.
        kind = type(error), error.hint or error.problem
        if kind not in self._said:
            self._said.add(kind)
            _log.warning("%s", error)
        if self.state.identity is not None:
            self.publisher.meter_available(self.state.identity.id, False, self.health)  # noqa: FBT003
        if held_back is not None:
            self._tell_held_back(held_back)
