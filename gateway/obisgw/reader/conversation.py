"""An open session of programming mode: ask, and get what became of it."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from obisgw.errors import MeterError
from obisgw.iec62056_21.events import (
    AnswerReceived,
    Event,
    Failed,
    PartReceived,
    Rejected,
    RequestFailed,
    RequestRefused,
    SessionClosed,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from obisgw.iec62056_21.commands import ReadRequest
    from obisgw.iec62056_21.dialects import Dialect
    from obisgw.iec62056_21.identification import Identification
    from obisgw.iec62056_21.programming import ProgrammingSession

Outcome = AnswerReceived | RequestRefused | RequestFailed


class Conversation:
    """One session. ``rejected`` counts damaged messages; ``dialect`` and ``identification`` are the meter's.

    Between two calls of ``ask`` nothing is listened to; whoever wants to wait gives ``not_before``.
    """

    def __init__(
        self, session: ProgrammingSession, events: AsyncGenerator[Event, None], dialect: Dialect, where: str
    ) -> None:
        self.session = session
        self.dialect = dialect
        self.rejected: list[Rejected] = []
        self.heard_at = 0.0
        """When the last byte of the last answer came, in the event loop's time."""
        self._events = events
        self._where = where

    @property
    def identification(self) -> Identification | None:
        """As the meter named itself; None in a read without session."""
        return self.session.identification

    @property
    def baudrate(self) -> int | None:
        """The line's rate."""
        return self.session.baudrate

    async def ask(
        self, request: ReadRequest, *, not_before: float = 0.0, on_part: Callable[[bytes], object] | None = None
    ) -> Outcome:
        """Ask, not sooner than ``not_before`` of the event loop's time; ``on_part`` gets each block as it is proved.

        Raises ``MeterError`` when the session is over, ``PortLostError`` when the port is.
        """
        if self.session.finished:
            raise MeterError("the session is over", where=self._where, hint="it is opened again by itself")
        self.session.ask(request, not_before)
        async for event in self._events:
            match event:
                case AnswerReceived() | RequestRefused() | RequestFailed():
                    self.heard_at = event.at
                    return event
                case PartReceived(text=text) if on_part is not None:
                    on_part(text)
                case Rejected():
                    self.rejected.append(event)
                case Failed(detail=detail):
                    raise MeterError(detail, where=self._where, hint="it is tried again by itself")
                case SessionClosed():
                    break
                case _:
                    pass
        raise MeterError("the session was closed", where=self._where, hint="it is opened again by itself")

    async def close(self) -> None:
        """Sign off in order, and wait until that is done."""
        if self.session.finished:
            return
        self.session.close()
        async with aclosing(self._events) as events:
            async for _ in events:
                pass
