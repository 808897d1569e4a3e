"""The fast registers of one meter on its line: a session of programming mode, asked round after round."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from obisgw.errors import RefusedError
from obisgw.iec62056_21.commands import ReadRequest, group_read
from obisgw.iec62056_21.events import AnswerReceived, RequestFailed, RequestRefused
from obisgw.iec62056_21.refusal import RefusalKind
from obisgw.reader.programming import Wish
from obisgw.readings.registers import registers_of

from .edges import FastRound

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from obisgw.iec62056_21.dialects import Dialect
    from obisgw.iec62056_21.password import Password
    from obisgw.iec62056_21.refusal import Refusal
    from obisgw.reader.conversation import Conversation
    from obisgw.reader.programming import Programming
    from obisgw.readings.reading import Register

_log = logging.getLogger(__name__)

_NOT_NOW = frozenset({RefusalKind.BUSY, RefusalKind.EMPTY})
_FAILED_IN_A_ROW = 3


class FastLine:
    """Reads ``names`` again and again, a round each ``every`` seconds. ``where`` names the meter in log lines.

    What the meter refuses is left out from then on, said once.
    """

    def __init__(
        self, programming: Programming, names: tuple[str, ...], every: float, password: Password | None, where: str
    ) -> None:
        self._programming = programming
        self._names = names
        self._every = every
        self._password = password
        self._where = where
        self._refused: dict[str, Refusal] = {}
        self._said: set[str] = set()
        self._single = False

    async def rounds(self) -> AsyncGenerator[FastRound, None]:
        """Yield what each round brought, until the generator is closed: the meter is then signed off.

        Raises ``RefusedError`` where the meter will never do it, ``MeterError`` and ``LineError`` when it broke off.
        """
        loop = asyncio.get_running_loop()
        if len(self._refused) == len(self._names):
            self._refused.clear()  # Asked again, a day later.
        wish = Wish(self._password, hasty=True, keep_alive=True)
        async with self._programming.open(wish) as talk:
            if talk.dialect.battery:
                hint = "remove 'fast': each session shortens the life of its battery"
                raise RefusedError("this meter lives on a battery", where=self._where, hint=hint)
            due, failed = loop.time(), 0
            while True:
                registers: list[Register] = []
                for names, request in self._requests(talk.dialect):
                    registers += await self._asked(talk, names, request, due)
                failed = 0 if registers else failed + 1
                if failed >= _FAILED_IN_A_ROW:
                    # A new session may go better than this one.
                    return
                if registers:
                    yield FastRound(tuple(registers), self._at(talk), talk.baudrate)
                due = max(due + self._every, loop.time())

    def _requests(self, dialect: Dialect) -> list[tuple[tuple[str, ...], ReadRequest]]:
        """Return what is to be asked for, each with the names that it answers."""
        names = tuple(name for name in self._names if name not in self._refused)
        if not names:
            refusals = "; ".join(f"{name}: {refusal}" for name, refusal in self._refused.items())
            access = any(refusal.kind in {RefusalKind.ACCESS, RefusalKind.LOCKED} for refusal in self._refused.values())
            default = dialect.programming.default_password
            advice = f" (its maker's default is {default})" if default else ""
            hint = f"set 'password_file'{advice}" if access and self._password is None else "see 'fast'"
            raise RefusedError(f"the meter gives none of its fast registers ({refusals})", where=self._where, hint=hint)
        requests = [dialect.request_for(name) for name in names]
        if dialect.programming.group and len(names) > 1 and not self._single:
            try:
                return [(names, group_read(tuple(dict.fromkeys(request.address for request in requests))))]
            except ValueError:
                self._single = True
        return [((name,), request) for name, request in zip(names, requests, strict=True)]

    async def _asked(
        self, talk: Conversation, names: tuple[str, ...], request: ReadRequest, due: float
    ) -> tuple[Register, ...]:
        outcome = await talk.ask(request, not_before=due)
        match outcome:
            case AnswerReceived():
                return self._registers(talk.dialect, names, outcome)
            case RequestRefused(refusal=refusal) if len(names) > 1:
                _log.debug("%s: a group read was refused (%s): one by one from now on", self._where, refusal)
                self._single = True
            case RequestRefused(refusal=refusal) if refusal.kind not in _NOT_NOW:
                self._refused[names[0]] = refusal
                if len(self._refused) < len(self._names) and names[0] not in self._said:
                    self._said.add(names[0])
                    _log.warning("%s: the fast register %s is refused: %s", self._where, names[0], refusal)
            case RequestRefused() | RequestFailed():
                _log.debug("%s: %s did not come: %s", self._where, ", ".join(names), outcome)
        return ()

    def _registers(self, dialect: Dialect, names: tuple[str, ...], answer: AnswerReceived) -> tuple[Register, ...]:
        """Return the registers that were asked for; meters may answer with more, such as all tariffs."""
        requests = [dialect.request_for(name) for name in names]
        meant = {request.address: request.meant for request in requests if request.meant is not None}
        registers, _ = registers_of(answer.telegram, dialect, answer.request.address, meant)
        wanted = {dialect.code_of(name) for name in names} - {None}
        addresses = {request.address for request in requests}
        found: dict[object, Register] = {}
        for register in registers:
            if register.code in wanted or register.address in addresses or len(registers) == 1:
                found.setdefault(register.code or register.address, register)
        return tuple(found.values())

    def _at(self, talk: Conversation) -> datetime:
        ago = asyncio.get_running_loop().time() - talk.heard_at
        return datetime.now(UTC) - timedelta(seconds=ago)
