"""The service's meters that send DLMS unasked: outcomes made of what they push."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from obisgw.config.values import Transport
from obisgw.dlms.push import Pushed, PushFailed, PushTrouble
from obisgw.errors import MeterError
from obisgw.reader.dlms_push import DlmsListener, push_keys
from obisgw.reader.explain import no_register
from obisgw.readings.cosem_push import PushedReadings

from .edges import Miss, Success, Trouble
from .line_edge import LineMeter, Spoilt

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from obisgw.config.table import MeterSettings
    from obisgw.iec62056_21.dialects import Dialects
    from obisgw.reader.dlms_push import Heard
    from obisgw.reader.memory import Memory
    from obisgw.reader.shared_port import SharedPort

    from .line_edge import LineEdges

_OF_KEYS = frozenset({PushTrouble.NO_KEY, PushTrouble.WRONG_KEY})


class PushingMeter(LineMeter):
    """One configured meter that sends DLMS unasked."""

    def __init__(
        self, settings: MeterSettings, port: SharedPort, dialects: Dialects, memory: Memory, edges: LineEdges
    ) -> None:
        super().__init__(settings, port, dialects, memory, edges)
        keys = push_keys(settings.encryption_key, settings.authentication_key)
        self._listener = DlmsListener(self._reader, settings.transport or Transport.HDLC, keys)
        self._readings = PushedReadings(settings.entry)

    async def _listen(self) -> AsyncGenerator[Success | Miss | Spoilt, None]:
        async with aclosing(self._listener.pushes()) as events:
            async for heard in events:
                match heard.event:
                    case Pushed() as pushed:
                        yield await self._outcome_of(pushed, heard)
                    case PushFailed() as failed:
                        error = push_error(failed, self._where)
                        reason = (
                            f"{error.problem}: {failed.detail}" if failed.detail not in error.problem else error.problem
                        )
                        damaged = failed.trouble is PushTrouble.DAMAGED
                        trouble = Trouble(block_check_errors=int(damaged), rejected=1)
                        if failed.trouble in _OF_KEYS:
                            # The next telegram will not be better.
                            yield Miss(error, trouble, reason)
                        else:
                            yield Spoilt(reason, trouble, None if damaged else error)

    async def _outcome_of(self, pushed: Pushed, heard: Heard) -> Success | Miss:
        await self._edges.turn()
        at = datetime.now(UTC) - timedelta(seconds=asyncio.get_running_loop().time() - heard.at)
        reading = self._readings.reading_of(pushed, at, heard.at - heard.started)
        if not reading.registers:
            return Miss(no_register(reading.unparsed, self._where))
        return Success(reading, battery=False, baudrate=self._listener.baudrate)

    def _nothing_pushed(self, seconds: float, before: int) -> MeterError:
        return self._listener.nothing_pushed(seconds, before)

    @property
    def _received(self) -> int:
        return self._listener.received


def push_error(failed: PushFailed, where: str) -> MeterError:
    """Return the error of a telegram that came to nothing, with what to do."""
    match failed.trouble:
        case PushTrouble.NO_KEY:
            hint = (
                "ask the grid operator for the key of the customer interface, and name its file: `encryption_key_file`"
            )
            return MeterError(failed.detail, where=where, hint=hint)
        case PushTrouble.WRONG_KEY:
            hint = (
                "put the key of this meter's customer interface into `encryption_key_file`; `authentication_key_file` is its "
                "other key, or is left out"
            )
            return MeterError("what the meter sends cannot be deciphered: the key is wrong", where=where, hint=hint)
        case PushTrouble.REPEATED:
            hint = (
                "somebody plays back what was recorded, or the meter's keys were changed: then start the gateway again"
            )
            return MeterError(f"a telegram was sent again: {failed.detail}", where=where, hint=hint)
        case PushTrouble.NOT_UNDERSTOOD:
            hint = "send a capture (`obis-gateway capture PORT FILE`), not the key"
            return MeterError(f"a telegram is not understood: {failed.detail}", where=where, hint=hint)
        case PushTrouble.DAMAGED:
            hint = "check the head's place, `baudrate` and `format`"
            return MeterError(f"a telegram was damaged: {failed.detail}", where=where, hint=hint)
