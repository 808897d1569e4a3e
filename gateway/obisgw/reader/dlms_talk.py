"""An open association: ask for attributes, and get what became of each."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from obisgw.dlms.association import Refused
from obisgw.dlms.conversation import Answered, Ended, Failing
from obisgw.dlms.services import AccessResult, Attribute, GetResult
from obisgw.errors import MeterError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from obisgw.dlms.conversation import ConversationEvent
    from obisgw.iec62056_21.identification import Identification

    from .dlms_session import DlmsSession


class LostError(MeterError):
    """The association was lost; it may be opened again. ``failing`` says what it was lost to."""

    def __init__(self, ended: Ended, where: str) -> None:
        super().__init__(ended.reason or "the meter closed the link", where=where, hint="it is tried again by itself")
        self.failing = ended.failing or Failing.LINK


class DlmsTalk:
    """One association. ``identification`` is the sign-on's, None without one."""

    def __init__(
        self,
        session: DlmsSession,
        events: AsyncGenerator[ConversationEvent, None],
        where: str,
        identification: Identification | None,
        baudrate: int,
    ) -> None:
        self.session = session
        self.identification = identification
        self.baudrate = baudrate
        self._events = events
        self._where = where

    async def get(
        self, attributes: Sequence[Attribute], on_answer: Callable[[Answered], object] | None = None
    ) -> list[GetResult]:
        """Return what each attribute holds, or why it is not given. Raises ``LostError``, ``PortLostError``."""
        if not attributes:
            return []
        self.session.conversation.ask(*attributes)
        results: list[GetResult] = []
        async for event in self._events:
            match event:
                case Answered(result=result):
                    results.append(result)
                    if on_answer is not None:
                        on_answer(event)
                case Refused():
                    # Of the one attribute that was asked for; the association holds.
                    results.append(GetResult(None, AccessResult.OTHER_REASON))
                case Ended():
                    raise LostError(event, self._where)
                case _:
                    continue
            if len(results) == len(attributes):
                return results
        raise LostError(Ended(Failing.LINK, "the association is over"), self._where)

    async def drop(self) -> None:
        """End without waiting for the meter: DISC is all that is said."""
        await self._events.aclose()

    async def close(self) -> None:
        """Release the association and close the link, as far as the meter still answers."""
        if self.session.finished:
            await self._events.aclose()
            return
        self.session.conversation.abort()
        async with aclosing(self._events) as events:
            async for _ in events:
                pass
