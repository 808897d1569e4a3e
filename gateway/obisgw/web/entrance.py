"""The TCP connections below the API: how many there may be, and for how long one may say nothing.

The doors (`access`) judge requests. Who connects and sends none, or one byte a minute, never comes to them.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import TYPE_CHECKING, Final

from aiohttp.http_exceptions import HttpProcessingError

if TYPE_CHECKING:
    import ssl

    from aiohttp import web

REQUEST_WITHIN: Final = 10.0
"""Seconds that a connection has for its first request, and TLS for its greeting."""

KEPT_FOR: Final = 75.0
"""Seconds that a connection is kept for a further request."""

TAKEN_WITHIN: Final = 60_000
"""Milliseconds in which a client must take what it is sent."""

MOST_OPEN: Final = 300
MOST_OPEN_OF_ONE_ADDRESS: Final = 150
"""More than the requests that are answered at once: those that are too many get a problem document, others this."""

_log = logging.getLogger(__name__)


class Entrance:
    """Hands connections to ``server``, as the protocol factory of its socket."""

    def __init__(self, server: web.Server) -> None:
        self._server = server
        self._silent: dict[asyncio.BaseTransport, asyncio.TimerHandle] = {}

    async def open(self, host: str | None, port: int, tls: ssl.SSLContext | None) -> asyncio.Server:
        """Listen. Raises OSError."""
        loop = asyncio.get_running_loop()
        handshake = None if tls is None else REQUEST_WITHIN
        return await loop.create_server(lambda: _Arrival(self), host, port, ssl=tls, ssl_handshake_timeout=handshake)

    def heard(self, transport: asyncio.BaseTransport | None) -> None:
        """Note that a request came."""
        if transport is not None and (timer := self._silent.pop(transport, None)) is not None:
            timer.cancel()

    def arrived(self, transport: asyncio.Transport) -> None:
        """Take a new connection, or end it where there are too many."""
        address = _address(transport)
        others = [_address(handler.transport) for handler in self._server.connections if handler.transport is not None]
        if len(others) >= MOST_OPEN or others.count(address) >= MOST_OPEN_OF_ONE_ADDRESS:
            _log.debug("%s: too many connections are open, this one is ended", address)
            transport.abort()
            return
        sock = transport.get_extra_info("socket")
        if sock is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, TAKEN_WITHIN)
        self._silent[transport] = asyncio.get_running_loop().call_later(REQUEST_WITHIN, self._end, transport)
        handler = self._server()
        transport.set_protocol(handler)
        handler.connection_made(transport)

    def close(self) -> None:
        """Wait for nobody's request any more; who is connected is ended by the server."""
        for timer in self._silent.values():
            timer.cancel()
        self._silent.clear()

    def _end(self, transport: asyncio.Transport) -> None:
        del self._silent[transport]
        transport.abort()


class _Arrival(asyncio.Protocol):
    """A connection until its place is known."""

    def __init__(self, entrance: Entrance) -> None:
        self._entrance = entrance

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):  # pragma: no cover - TCP and TLS have no other
            raise TypeError("not a stream")
        self._entrance.arrived(transport)


def _address(transport: asyncio.BaseTransport) -> str:
    peer = transport.get_extra_info("peername")
    return str(peer[0]) if peer else ""


def no_noise(record: logging.LogRecord) -> bool:
    """Keep out of the log what strangers' programs send that is no HTTP: they have their answer."""
    fault = record.exc_info[1] if record.exc_info else None
    return not isinstance(fault, HttpProcessingError)
