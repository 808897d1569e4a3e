"""Opening programming mode of one meter, with as many attempts as it takes, and remembering what was learned."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from obisgw.errors import RefusedError
from obisgw.iec62056_21 import timing
from obisgw.iec62056_21.commands import ReadCommand
from obisgw.iec62056_21.events import EchoSeen, Event, Failed, Failure, Identified, SessionOpened
from obisgw.iec62056_21.ladder import NARROW_MARGIN, next_plan
from obisgw.iec62056_21.opening import OpeningSession
from obisgw.iec62056_21.plan import LinePlan
from obisgw.iec62056_21.programming import Access, ProgrammingSession
from obisgw.line.discover import stable_name

from .conversation import Conversation
from .explain import Attempt, explain
from .memory import Learned, Spoken
from .pump import pump
from .refused import is_marked, mark_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable

    from obisgw.iec62056_21.dialects import Dialect, Dialects
    from obisgw.iec62056_21.password import Password
    from obisgw.iec62056_21.settings import SessionSettings
    from obisgw.line.port import Port

    from .reader import MeterReader

_log = logging.getLogger(__name__)

S = TypeVar("S", bound=OpeningSession)

_UNHEARD = frozenset({Failure.NO_DATA, Failure.STAYED_SLOW})
_UNHEARD_ATTEMPTS = 2
"""A meter that is read at this speed and answers nothing when it is asked for programming mode has none."""

_CLOSED_FOR = timing.BREAK_PAUSE
"""After the break that ends a session, before anybody may sign on."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How a session is wanted.

    ``hasty``: ask as soon as the meter can hear, not as late as the standard says. ``keep_alive``: keep the session
    while nothing is asked. ``again``: try a password although this meter has refused it before.
    """

    password: Password | None = None
    hasty: bool = False
    keep_alive: bool = False
    again: bool = False


class Programming:
    """Programming mode of the meter that ``reader`` reads."""

    def __init__(self, reader: MeterReader) -> None:
        self.reader = reader
        self._left: OpeningSession | None = None
        """A session that ended with the loss of its port: the meter may still hold it, at its speed."""

    @asynccontextmanager
    async def open(self, wish: Wish) -> AsyncIterator[Conversation]:
        """Have a session to ask in. However it is left, the meter is signed off and the port free.

        Raises as ``hold`` does.
        """
        async with self.hold(wish, ProgrammingSession) as (session, events):
            dialect = self.reader.dialect_of(session.identification)
            yield Conversation(session, events, dialect, self.reader.settings.where)

    @asynccontextmanager
    async def hold(
        self, wish: Wish, make: Callable[[SessionSettings, LinePlan, Dialects, Access], S]
    ) -> AsyncIterator[tuple[S, AsyncGenerator[Event, None]]]:
        """Have a session of any kind that is open, and the events that it lives by.

        Raises ``RefusedError`` where the meter has no such mode or takes no such password, ``MeterError`` after the
        last attempt, ``LineError`` at once.
        """
        reader = self.reader
        async with reader.port.use(reader.port_settings, rest=_CLOSED_FOR) as port:
            key = stable_name(reader.port.url), reader.settings.address
            spoken = reader.memory.spoken(*key)
            password = wish.password
            if password is not None and not wish.again and is_marked(password, spoken.refused):
                raise refused_before(reader.settings.where, reader.settings.dialect)
            session, events = await self._signed_on(port, key, wish, spoken, make)
            try:
                yield session, events
            finally:
                # Before the port goes to others: leaving the pump says the break.
                await events.aclose()
                self._left = None if port.is_open else session
                self._remember(key, session, wish)

    async def _signed_on(
        self,
        port: Port,
        key: tuple[str, str],
        wish: Wish,
        spoken: Spoken,
        make: Callable[[SessionSettings, LinePlan, Dialects, Access], S],
    ) -> tuple[S, AsyncGenerator[Event, None]]:
        reader = self.reader
        learned = reader.recall(key)
        plan: LinePlan | None = learned.plan if learned is not None else _first(reader)
        attempts: list[Attempt] = []
        command = ReadCommand(spoken.command) if spoken.command in ReadCommand.__members__ else None
        access = Access(wish.password, command, hasty=wish.hasty and not spoken.patient, keep_alive=wish.keep_alive)
        plan = await self._sign_off_late(port, plan)
        while plan is not None:
            session = make(reader.session_settings(port, None), plan, reader.dialects, access)
            events = pump(session, port)
            failed = await self._opened(session, events, port)
            if failed is None:
                return session, events
            _log.debug("%s: attempt %d: %s", reader.settings.where, len(attempts) + 1, failed.detail)
            attempts.append(failed)
            dialect = reader.dialect_of(failed.identification)
            if failed.failure is Failure.PASSWORD and wish.password is not None:
                self._learn(key, replace(spoken, refused=mark_of(wish.password)))
                raise refused_now(reader.settings.where, failed.detail, dialect)
            if failed.failure in {Failure.PASSWORD, Failure.NO_PROGRAMMING, Failure.UNKNOWN_ALGORITHM}:
                raise not_possible(reader.settings.where, failed, dialect)
            if session.password_sent:
                # It is not said twice without need: wrong ones lock meters.
                raise explain(attempts, reader.settings.where)
            if learned is not None and [one.failure in _UNHEARD for one in attempts].count(True) >= _UNHEARD_ATTEMPTS:
                # Readouts go well with this plan: it is not the plan.
                raise not_possible(reader.settings.where, failed, dialect)
            plan = self._next_plan(session.plan, attempts)
            if plan is not None:
                await reader.between(port, failed, plan)
        raise explain(attempts, reader.settings.where)

    async def _sign_off_late(self, port: Port, plan: LinePlan | None) -> LinePlan | None:
        """Say the break that a lost port has kept from the meter, and return the plan to go on with."""
        left, self._left = self._left, None
        if left is None or plan is None or left.baudrate is None or not port.can_set_rate:
            return plan
        plan = replace(plan, break_first=not self.reader.dialect_of(left.identification).battery)
        await port.set_rate(left.baudrate)
        await self.reader.between(port, Attempt(Failure.ENDED, "", b"", left.identification, 0), plan)
        return plan

    async def _opened(self, session: OpeningSession, events: AsyncGenerator[Event, None], port: Port) -> Attempt | None:
        """Return None when the session is open, else what was seen; the events then are at their end."""
        echo = 0
        try:
            async for event in events:
                self.reader.tell(event)
                match event:
                    case Identified(identification):
                        session.plan = self.reader.within_limits(session.plan, identification, port)
                    case EchoSeen(characters):
                        echo = max(echo, characters)
                    case SessionOpened():
                        return None
                    case Failed(failure, detail):
                        return Attempt(failure, detail, session.sample, session.identification, echo)
                    case _:
                        pass
        except BaseException:
            await events.aclose()
            raise
        return Attempt(Failure.SILENCE, "nothing came back", session.sample, session.identification, echo)

    def _next_plan(self, plan: LinePlan, attempts: list[Attempt]) -> LinePlan | None:
        failed = attempts[-1]
        battery = self.reader.dialect_of(failed.identification).battery
        known = any(one.identification is not None for one in attempts)
        return next_plan(plan, failed.failure, failed.identification, len(attempts), battery=battery, known=known)

    # --- memory

    def _remember(self, key: tuple[str, str], session: OpeningSession, wish: Wish) -> None:
        spoken = self.reader.memory.spoken(*key)
        if session.accepted:
            spoken = replace(spoken, refused=None)
        if isinstance(session, ProgrammingSession):
            command = spoken.command if session.command is None else session.command.value
            spoken = replace(spoken, command=command, patient=spoken.patient or (wish.hasty and not session.hasty))
        self._learn(key, spoken)
        learned = self.reader.memory.recall(*key)
        if session.operand_missed and learned is not None and learned.plan.switch_margin is None:
            self._learn_margin(key, learned)

    def _learn_margin(self, key: tuple[str, str], learned: Learned) -> None:
        plan = replace(learned.plan, switch_margin=NARROW_MARGIN)
        if self.reader.memory.remember(*key, replace(learned, plan=plan)):
            self.reader.remember_later()

    def _learn(self, key: tuple[str, str], spoken: Spoken) -> None:
        if self.reader.memory.remember_spoken(*key, spoken):
            self.reader.remember_later()


def _first(reader: MeterReader) -> LinePlan:
    return LinePlan(start_baudrate=reader.settings.baudrate or LinePlan().start_baudrate)


# --- errors


def refused_before(where: str, dialect: Dialect | None) -> RefusedError:
    """Return the error of a password that this meter has refused before."""
    lockout = f"; {dialect.programming.lockout}" if dialect is not None and dialect.programming.lockout else ""
    return RefusedError(
        f"this meter has refused the password before, and it is not tried again by itself{lockout}",
        where=where,
        hint="put the right one into 'password_file' or the variable of 'password_env'",
    )


def refused_now(where: str, detail: str, dialect: Dialect) -> RefusedError:
    """Return the error of a password that was refused just now."""
    programming = dialect.programming
    lockout = programming.lockout or "many meters lock themselves after a few wrong ones"
    default = f"; its maker's default is {programming.default_password}" if programming.default_password else ""
    return RefusedError(
        f"the meter refused the password ({detail})",
        where=where,
        hint=f"it is not tried again until another one is configured: {lockout}{default}",
    )


def not_possible(where: str, failed: Attempt, dialect: Dialect) -> RefusedError:
    """Return the error of a meter that has no programming mode, or not for us."""
    match failed.failure:
        case Failure.PASSWORD:
            default = dialect.programming.default_password
            advice = f" (its maker's default is {default})" if default else ""
            return RefusedError(
                f"the meter wants a password: {failed.detail}", where=where, hint=f"set 'password_file'{advice}"
            )
        case Failure.UNKNOWN_ALGORITHM:
            return RefusedError(
                f"{failed.failure.value}: {failed.detail}", where=where, hint="try 'password_level: P1'"
            )
        case _:
            return RefusedError(
                f"the meter has no programming mode: {failed.detail}",
                where=where,
                hint="its registers can be read by full readouts only",
            )
