"""One meter on one port: a readout with as many attempts as it takes, remembering what worked."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from obisgw.config.values import LineFormat, MeterMode
from obisgw.errors import MeterError, PortLostError
from obisgw.iec62056_21.block_check import BlockCheckKind
from obisgw.iec62056_21.characters import CharacterFormat, add_parity
from obisgw.iec62056_21.events import EchoSeen, Event, Failed, Failure, Identified, Received, Rejected
from obisgw.iec62056_21.identification import MODE_C_RATES, Identification, Mode, rate_of
from obisgw.iec62056_21.ladder import next_plan
from obisgw.iec62056_21.messages import break_message
from obisgw.iec62056_21.plan import LinePlan
from obisgw.iec62056_21.session import PushSession, ReadoutSession, SessionSettings
from obisgw.line.discover import stable_name
from obisgw.line.port import Port, PortSettings

from .explain import Attempt, explain, explain_silence
from .memory import RETRY_FASTER, Learned, Memory
from .pump import pump
from .shared_port import BETWEEN

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from obisgw.iec62056_21.dialects import Dialect, Dialects
    from obisgw.iec62056_21.telegram import Telegram

    from .shared_port import SharedPort

_log = logging.getLogger(__name__)

SILENCE_BETWEEN = 1.0
"""After an attempt that broke off, before the next request; a meter that is still sending would not hear it."""

LONGEST_QUIET = 30.0
PAUSE_OF_TALKERS = 0.8
"""So long a pause is waited for in what a meter sends to somebody else: an identification takes less."""

WAITS_FOR_NAK = 2.4
"""So long some meters wait behind their data for a NAK, deaf to requests (tt, 2.2 s at most, and a little)."""

PUSH_BAUDRATE = 9600
PUSH_PACE = 0.02
_UNHEARD = frozenset({Failure.SILENCE, Failure.ECHO_ONLY})
_FORMATS = {
    LineFormat.SOFTWARE_7E1: CharacterFormat.SOFTWARE_7E1,
    LineFormat.SOFTWARE_7E2: CharacterFormat.SOFTWARE_7E2,
}


@dataclass(frozen=True, slots=True)
class ReaderSettings:
    """One meter's line settings. ``where`` names it in errors; rates in baud, ``latency`` in seconds.

    ``baudrate``: of the request, or of the push; None takes 300, or what the dialect says. ``number``: the meter
    number that must be found, compared without blanks and leading zeros. ``mode``: A, B or C in place of what the
    identification offers.
    """

    where: str
    port: PortSettings = field(default_factory=PortSettings)
    address: str = ""
    dialect: Dialect | None = None
    baudrate: int | None = None
    max_baudrate: int | None = None
    wake_up: bool = False
    latency: float = 0.5
    number: str | None = None
    mode: Mode | None = None


@dataclass(frozen=True, slots=True)
class Readout:
    """A proved telegram and how it was got. ``seconds``: of the good attempt, request to last byte understood.

    ``baudrate``: of the data. ``echo``: characters of the request that came back. ``attempts``: the failed ones before.
    ``rejected``: damaged telegrams on the way. ``first_byte`` and ``last_byte`` are times of the event loop.
    """

    telegram: Telegram
    dialect: Dialect
    number: str | None
    seconds: float
    first_byte: float
    last_byte: float
    baudrate: int
    bytes: int
    switch_margin: float | None
    plan: LinePlan
    echo: int
    attempts: tuple[Attempt, ...]
    rejected: tuple[Rejected, ...]


class MeterReader:
    """Reads one meter. ``number_of`` finds the meter's number in a telegram; this module knows no OBIS codes.

    ``session`` is the one under way (for progress: ``received``, ``baudrate``, ``identification``), ``attempts`` the
    failed ones of the latest readout, ``rejected`` its damaged telegrams. ``listening`` is the session of ``pushes``.
    """

    def __init__(
        self,
        port: SharedPort,
        settings: ReaderSettings,
        dialects: Dialects,
        memory: Memory,
        *,
        number_of: Callable[[Telegram, Dialect], str | None] | None = None,
        on_event: Callable[[Event], None] | None = None,
    ) -> None:
        self.port = port
        self.settings = settings
        self.session: ReadoutSession | None = None
        self.listening: PushSession | None = None
        self.attempts: list[Attempt] = []
        self.rejected: list[Rejected] = []
        self.dialects = dialects
        self.memory = memory
        self._number_of = number_of
        self._on_event = on_event
        self._ended = float("-inf")
        self._rest = 0.0
        """Seconds behind a readout in which this meter was found to hear no request."""

    async def read(self) -> Readout:
        """Read the meter once.

        Raises ``MeterError`` or ``RefusedError`` after the last attempt, ``LineError`` at once. Cancelled, it signs
        off. Without a port that was lost a moment ago: see ``present``.
        """
        self.attempts, self.rejected = [], []
        try:
            return await self._read_over_port()
        except PortLostError:
            if self.session is not None and self.session.received:
                raise
            # It was lost while nobody used it, and may be back.
            return await self._read_over_port()
        finally:
            self.session = None

    async def present(self) -> None:
        """Return as soon as the port is there; for whoever waits for a lost one."""
        await self.port.present()

    async def pushes(self) -> AsyncGenerator[Received | Rejected, None]:
        """Yield what a meter sends unasked, until the port is lost or the generator is closed. The port is held."""
        dialect = self.settings.dialect
        baudrate = self.settings.baudrate or (dialect.push_baudrate if dialect is not None else None) or PUSH_BAUDRATE
        async with self.port.use(replace(self.port_settings, baudrate=baudrate)) as port:
            self.listening = session = PushSession(self.session_settings(port, None), baudrate, self.dialects)
            async with aclosing(pump(session, port, pace_max=PUSH_PACE)) as events:
                async for event in events:
                    self.tell(event)
                    if isinstance(event, Received | Rejected):
                        yield event

    def nothing_pushed(self, seconds: float, before: int = 0) -> MeterError:
        """Return the error of a meter that sent no telegram for so long; ``before`` is what was received until then."""
        return explain_silence(self.listening, before, seconds, self.settings.where)

    # --- attempts

    async def _read_over_port(self) -> Readout:
        async with self.port.use(self.port_settings) as port:
            # Once a readout: it asks the file system, which the reading shall not wait for.
            key = stable_name(self.port.url), self.settings.address
            learned = self.recall(key)
            first = LinePlan(start_baudrate=self.settings.baudrate or LinePlan().start_baudrate)
            plan = learned.plan if learned is not None else first
            fresh = plan == first
            loop = asyncio.get_running_loop()
            await asyncio.sleep(self._ended + self._rest - loop.time())
            hurried = loop.time() < self._ended + WAITS_FOR_NAK
            if self.port.busy:
                # The meter still answers an earlier request. A break ends that, best heard between two of its messages.
                await _silence(port, BETWEEN, BETWEEN, PAUSE_OF_TALKERS)
                plan = replace(plan, break_first=True)
            count = 0
            while True:
                count += 1
                result = await self._attempt(port, plan, learned)
                if isinstance(result, Readout):
                    self._ended = loop.time()
                    if hurried and count > 1 and self.attempts[0].failure in _UNHEARD:
                        self._rest = WAITS_FOR_NAK
                    self._remember(key, result, learned)
                    return result
                self.attempts.append(result)
                _log.debug("%s: attempt %d: %s", self.settings.where, len(self.attempts), result.detail)
                if self.session is not None:
                    plan = self.session.plan  # With the limits that the identification brought to bear.
                battery = self.dialect_of(result.identification).battery
                known = any(attempt.identification is not None for attempt in self.attempts)
                following = next_plan(plan, result.failure, result.identification, count, battery=battery, known=known)
                if following is None and not fresh and not battery:
                    # What once worked works no more; begin as with an unknown meter.
                    fresh, count, following = True, 0, replace(first, break_first=True)
                if following is None:
                    raise explain(self.attempts, self.settings.where, fixed_rate=not port.can_set_rate)
                await self.between(port, result, following)
                plan = following

    async def _attempt(self, port: Port, plan: LinePlan, learned: Learned | None) -> Readout | Attempt:
        began = asyncio.get_running_loop().time()
        size = learned.size if learned is not None else None
        self.session = session = ReadoutSession(self.session_settings(port, size), plan, self.dialects)
        echo = 0
        received: Received | None = None
        failed = Failed(Failure.SILENCE, "nothing came back", began)
        async with aclosing(pump(session, port)) as events:
            async for event in events:
                self.tell(event)
                match event:
                    case Identified(identification):
                        session.plan = self.within_limits(session.plan, identification, port)
                    case EchoSeen(characters):
                        echo = max(echo, characters)
                    case Rejected():
                        self.rejected.append(event)
                    case Received():
                        received = event
                    case Failed():
                        failed = event
                    case _:
                        pass  # Those of programming mode do not come here.
        if received is None:
            return Attempt(failed.failure, failed.detail, session.sample, session.identification, echo)
        dialect = self.dialect_of(received.telegram.identification)
        acknowledged = received.telegram.mode in {Mode.C, Mode.E}
        return Readout(
            telegram=received.telegram,
            dialect=dialect,
            number=self._verified(received.telegram, dialect),
            seconds=asyncio.get_running_loop().time() - began,
            first_byte=received.started,
            last_byte=received.at,
            baudrate=session.baudrate or plan.start_baudrate,
            bytes=session.received,
            switch_margin=session.switch_margin if acknowledged and session.baudrate != plan.start_baudrate else None,
            plan=session.plan,
            echo=echo,
            attempts=tuple(self.attempts),
            rejected=tuple(self.rejected),
        )

    async def between(self, port: Port, failed: Attempt, following: LinePlan) -> None:
        """Make the meter listen again. A plan that begins with a break waits for silence by itself."""
        if following.break_first:
            if failed.identification is not None and port.baudrate != following.start_baudrate:
                # The meter may have changed its speed: it hears only a break at the same one.
                message = break_message(self._block_check(failed.identification))
                await port.write(add_parity(message) if port.format in _FORMATS else message)
            return
        await _silence(port, BETWEEN if failed.failure in _UNHEARD else SILENCE_BETWEEN, SILENCE_BETWEEN, LONGEST_QUIET)

    def within_limits(self, plan: LinePlan, identification: Identification, port: Port) -> LinePlan:
        """Ask for no rate that the port or the owner's limit does not allow."""
        limit = self.settings.max_baudrate
        if not port.can_set_rate:
            limit = plan.start_baudrate
        dialect = self.dialect_of(identification)
        asked = plan.baud_char or dialect.baud_char or identification.baud_char
        if limit is None or identification.mode not in {Mode.C, Mode.E} or rate_of(asked) <= limit:
            return plan
        allowed = [character for character, rate in MODE_C_RATES.items() if rate <= limit]
        return replace(plan, baud_char=allowed[-1] if allowed and port.can_set_rate else "0")

    # --- memory

    def recall(self, key: tuple[str, str]) -> Learned | None:
        """Return what worked last, with the plan to begin with now."""
        learned = self.memory.recall(*key)
        if learned is None:
            return None
        default = LinePlan(start_baudrate=self.settings.baudrate or LinePlan().start_baudrate)
        other_start = learned.plan.start_baudrate != default.start_baudrate
        if other_start or (learned.plan != default and time.time() - learned.plan_since > RETRY_FASTER):
            return replace(learned, plan=default)
        return learned

    def remember_later(self) -> None:
        """Write what was learned when there is time for it."""
        # Nobody waits for the disk: the reading goes first, and the event loop's end lets the thread finish.
        loop = asyncio.get_running_loop()
        loop.call_soon(loop.run_in_executor, None, self.memory.save)

    def _remember(self, key: tuple[str, str], readout: Readout, before: Learned | None) -> None:
        telegram = readout.telegram
        raw = telegram.identification.raw if telegram.identification is not None else ""
        # Limits come from the configuration and the port each time; they are not learned.
        limited = readout.plan.baud_char if self.settings.max_baudrate is None and self._can_set_rate else None
        plan = replace(readout.plan, break_first=False, baud_char=limited)
        now = time.time()
        learned = Learned(
            identification=raw,
            number=readout.number,
            plan=plan,
            # STX, ETX and block check are no part of the block. Of several blocks the parts are not known.
            size=None if b"\x04" in telegram.raw else len(telegram.block) + 3,
            echo=readout.echo,
            baudrate=readout.baudrate,
            at=now,
            plan_since=before.plan_since if before is not None and before.plan == plan else now,
        )
        if self.memory.remember(*key, learned):
            self.remember_later()

    # --- details

    @property
    def _can_set_rate(self) -> bool:
        return not self.port.url.startswith(("socket://", "tcp://"))

    @property
    def port_settings(self) -> PortSettings:
        """The port's settings, with the stop bits that the dialect wants."""
        settings, dialect = self.settings.port, self.settings.dialect
        if dialect is not None and dialect.stop_bits == 2 and settings.format is LineFormat.SOFTWARE_7E1:
            return replace(settings, format=LineFormat.SOFTWARE_7E2)
        return settings

    def session_settings(self, port: Port, size: int | None) -> SessionSettings:
        """Return what a session over ``port`` has to know; ``size`` is that of the telegram, if it is known."""
        return SessionSettings(
            address=self.settings.address,
            format=_FORMATS.get(port.format, CharacterFormat.HARDWARE),
            dialect=self.settings.dialect,
            wake_up=self.settings.wake_up,
            expected_size=size,
            latency=self.settings.latency,
            bits=port.bits,
            mode=self.settings.mode,
        )

    def dialect_of(self, identification: Identification | None) -> Dialect:
        """Return the dialect that is forced, or else matches."""
        return self.settings.dialect or self.dialects.match(identification)

    def _block_check(self, identification: Identification) -> BlockCheckKind:
        kinds = self.dialect_of(identification).block_checks
        return kinds[0] if kinds else BlockCheckKind.XOR

    def _verified(self, telegram: Telegram, dialect: Dialect) -> str | None:
        number = self._number_of(telegram, dialect) if self._number_of is not None else None
        wanted = self.settings.number
        if wanted is not None and self._number_of is not None and _plain(number or "") != _plain(wanted):
            found = f"meter {number}" if number else "a meter that does not say its number"
            raise MeterError(
                f"found {found} instead of meter {wanted}",
                where=self.settings.where,
                hint="were two heads exchanged? else put the new number into the configuration",
            )
        return number

    def tell(self, event: Event) -> None:
        """Hand an event on to whoever watches."""
        if self._on_event is not None:
            self._on_event(event)


async def _silence(port: Port, seconds: float, then: float, longest: float) -> None:
    """Return when nothing has come for so many seconds, for ``then`` behind characters; after ``longest`` all the same."""
    loop = asyncio.get_running_loop()
    end = loop.time() + longest
    until = loop.time() + seconds
    while loop.time() < min(until, end):
        await port.wait(min(until, end))
        if port.take():
            until = loop.time() + then


def asked_mode(mode: MeterMode) -> Mode | None:
    """Return the mode of a readout that the owner insists on; None where the meter's offer is taken."""
    return {MeterMode.A: Mode.A, MeterMode.B: Mode.B, MeterMode.C: Mode.C}.get(mode)


def _plain(number: str) -> str:
    return number.replace(" ", "").lstrip("0").upper()
