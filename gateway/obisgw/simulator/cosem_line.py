"""A DLMS meter on a TCP port: messages with the wrapper's header, and no line whose time they would take."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from obisgw.dlms.wrapper import wrapped

from .line import TcpLine
from .wire import Wire

if TYPE_CHECKING:
    from .cosem_session import CosemMeter

_HEADER = 8


class WrapperLine(TcpLine):
    """One reading device at a time."""

    def __init__(self, cosem: CosemMeter, host: str, port: int) -> None:
        super().__init__(Wire(()), host, port)
        self._cosem = cosem
        self._heard = bytearray()

    def connected(self, transport: asyncio.Transport) -> None:
        """Take a reading device, unless there is one."""
        self._heard.clear()
        self._cosem.reset()
        super().connected(transport)

    def wrote(self, transport: asyncio.BaseTransport | None, data: bytes) -> None:
        """Answer the messages that are whole now."""
        if transport is not self._transport:
            return
        self._heard += data
        self._cosem.moment = self._loop.time()
        while len(self._heard) >= _HEADER:
            client, server, length = (int.from_bytes(self._heard[at : at + 2], "big") for at in (2, 4, 6))
            if len(self._heard) < _HEADER + length:
                return
            message = bytes(self._heard[_HEADER : _HEADER + length])
            del self._heard[: _HEADER + length]
            if (reply := self._cosem.of(client).answer(message)) is not None:
                self._hand_over(wrapped(reply, server, client))

    def _look(self, now: float) -> None:
        """Pass: over TCP nothing has a rate."""
