"""Reading what a meter has stored: slice by slice, over as many sessions as the line needs.

A broken line costs the answer that was under way, as far as it had not come; the next session goes on from there.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Generic, TypeVar

from obisgw.errors import LineError, MeterError, ObisGatewayError, PortLostError, PortMissingError, RefusedError
from obisgw.iec62056_21.events import AnswerReceived, RequestFailed, RequestRefused
from obisgw.iec62056_21.refusal import RefusalKind
from obisgw.iec62056_21.vdew.slices import SlicedReading

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from obisgw.iec62056_21.commands import ReadRequest
    from obisgw.iec62056_21.dialects import Dialect
    from obisgw.iec62056_21.refusal import Refusal

    from .conversation import Conversation
    from .programming import Programming, Wish

_log = logging.getLogger(__name__)

_BITS = 10
_MOST_BREAKS = 6
"""Answers and sessions in a row that bring nothing new; a line that is so bad does not get better by asking."""

_WAITS = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds before a session is opened again."""

Reading = TypeVar("Reading", bound=SlicedReading)

_HINTS = {
    RefusalKind.ACCESS: "give its password by --password-file or --password-env",
    RefusalKind.LOCKED: "the meter takes no password for some time; wait, and do not try others",
    RefusalKind.BUSY: "try again later",
    RefusalKind.VALUE: "it may want times written in another way: see docs/guides/load-profile.md",
}
_OTHER_HINT = "another one may be stored (--profile P.02), or none: see docs/guides/load-profile.md"
_LOCKED_HINT = "it may want a password (--password-file, --password-env), or store it elsewhere (--profile P.02)"
"""Many meters refuse so what they would give with a password."""


class StoredReader(Generic[Reading]):
    """Runs a reading over sessions of ``programming``. ``make`` gives it, once the meter's dialect is known.

    ``reading`` and ``conversation`` are None until the first session is open; ``broken`` counts what broke off.
    ``on_trouble`` is told each time, in words.
    """

    def __init__(
        self,
        programming: Programming,
        wish: Wish,
        make: Callable[[Dialect], Reading],
        *,
        on_trouble: Callable[[str], object] | None = None,
    ) -> None:
        self.reading: Reading | None = None
        self.conversation: Conversation | None = None
        self.broken = 0
        self._programming = programming
        self._wish = wish
        self._make = make
        self._on_trouble = on_trouble
        self._fruitless = 0

    async def run(self) -> AsyncGenerator[Reading, None]:
        """Yield the reading after each answer, whole or broken off, until all is read.

        Raises ``RefusedError`` where the meter will not, ``MeterError`` or ``LineError`` when nothing more comes; what
        had come until then has been yielded. Close the generator (``contextlib.aclosing``) when leaving early.
        """
        while True:
            try:
                async with self._programming.open(self._wish) as conversation:
                    self.conversation = conversation
                    reading = self.reading
                    if reading is None:
                        reading = self.reading = self._make(conversation.dialect)
                    if conversation.baudrate:
                        reading.rate = conversation.baudrate / _BITS
                    while (request := reading.next_request()) is not None:
                        await self._ask(conversation, reading, request)
                        yield reading
                    return
            except RefusedError:
                raise
            except (MeterError, LineError) as error:
                if self.reading is None:
                    raise
                self._broke_off(self.reading, error)
                yield self.reading
                await self._before_again(error)
            finally:
                self.conversation = None

    async def _ask(self, conversation: Conversation, reading: Reading, request: ReadRequest) -> None:
        """Put one question. Raises ``RefusedError``, and what the conversation raises."""
        match await conversation.ask(request, on_part=reading.part):
            case AnswerReceived(telegram=telegram):
                reading.answered(telegram.block)
                self._fruitless = 0
            case RequestRefused(refusal=refusal):
                if not reading.refused(refusal):
                    raise self._refused(request, refusal)
            case RequestFailed(detail=detail):
                self._broke_off(reading, MeterError(detail, where=self._where, hint="check the head's place"))

    def _broke_off(self, reading: Reading, error: ObisGatewayError) -> None:
        """Take note of what broke off; raises the error when it is the last straw."""
        self.broken += 1
        self._fruitless = 0 if reading.broken() else self._fruitless + 1
        _log.debug("%s: %s", self._where, error)
        if self._fruitless >= _MOST_BREAKS:
            raise error
        if self._on_trouble is not None:
            self._on_trouble(f"{error.problem}; going on from {reading.cursor:%Y-%m-%d %H:%M} UTC")

    async def _before_again(self, error: ObisGatewayError) -> None:
        """Wait until there is a port and a meter to ask again."""
        if isinstance(error, PortLostError | PortMissingError):
            await self._programming.reader.present()
        await asyncio.sleep(_WAITS[min(self._fruitless, len(_WAITS) - 1)])

    @property
    def _where(self) -> str:
        return self._programming.reader.settings.where

    def _refused(self, request: ReadRequest, refusal: Refusal) -> RefusedError:
        other = _LOCKED_HINT if self._wish.password is None else _OTHER_HINT
        return RefusedError(
            f"the meter does not give {request.name} ({refusal})",
            where=self._where,
            hint=_HINTS.get(refusal.kind, other),
        )
