"""The stream: every change as it happens, over one WebSocket a client."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from aiohttp import WSCloseCode, WSMsgType, web

from .problems import Problem, ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .feed import Feed

_log = logging.getLogger(__name__)

FIRST_MESSAGE_WITHIN = 10.0
"""Seconds that a client has for its token, and for its subscription."""

HEARTBEAT = 30.0
LONGEST_MESSAGE = 4096
"""Clients have little to say."""

AT_ONCE = 100
"""Messages after which a client that catches up lets others have their turn."""


class Close(IntEnum):
    """Why a stream was ended, beside the protocol's own codes."""

    BAD_MESSAGE = 4400
    UNAUTHORIZED = 4401
    TOO_SLOW = 4429


class Stream:
    """One client's stream. ``welcome`` and ``snapshot`` make the documents of that client."""

    def __init__(
        self, feed: Feed, welcome: Callable[[], dict[str, Any]], snapshot: Callable[[], list[dict[str, Any]]]
    ) -> None:
        self._feed = feed
        self._welcome = welcome
        self._snapshot = snapshot

    async def run(self, socket: web.WebSocketResponse) -> None:
        """Serve until the client goes, misbehaves or is too slow. The client's token has been accepted."""
        await _send(socket, {"type": "welcome", **self._welcome()})
        try:
            async with asyncio.timeout(FIRST_MESSAGE_WITHIN):
                stream, since = _subscription(await _message(socket))
        except TimeoutError:
            await refuse(socket, _no_subscription(), Close.BAD_MESSAGE)
            return
        except ProblemError as problem:
            await refuse(socket, problem, Close.BAD_MESSAGE)
            return
        position = self._feed.sequence
        if since is not None and self._feed.holds(stream, since):
            position = since
        else:
            document = {
                "type": "snapshot",
                "stream": self._feed.stream,
                "sequence": position,
                # What happened since is in the snapshot but for events, of which there were none before the first.
                "complete": stream is None,
                "meters": self._snapshot(),
            }
            await _send(socket, document)
        sending = asyncio.create_task(self._send_from(socket, position))
        try:
            await self._listen(socket)
        finally:
            sending.cancel()
            # Its trouble is that of the connection, which has ended.
            with suppress(asyncio.CancelledError, ConnectionError, RuntimeError):
                await sending

    async def _send_from(self, socket: web.WebSocketResponse, position: int) -> None:
        """Send every message behind ``position``, for ever."""
        while not socket.closed:
            await self._feed.changed(position)
            if not self._feed.holds(self._feed.stream, position):
                detail = "more has happened than is kept: connect again and take the snapshot"
                await refuse(socket, ProblemError(Problem.TOO_MANY_CONNECTIONS, detail), Close.TOO_SLOW)
                return
            for count, message in enumerate(self._feed.after(position), 1):
                await socket.send_str(message.text)
                position = message.sequence
                if count == AT_ONCE:
                    break

    async def _listen(self, socket: web.WebSocketResponse) -> None:
        """Read until the client closes; it has nothing to say after its subscription."""
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                detail = "a stream takes one subscription; connect again for another"
                await refuse(socket, ProblemError(Problem.INVALID_REQUEST, detail), Close.BAD_MESSAGE)
                return
            if message.type is WSMsgType.BINARY:
                await refuse(socket, _not_text(), Close.BAD_MESSAGE)
                return


async def first_token(socket: web.WebSocketResponse) -> str | None:
    """Return the token in a client's first message, for browsers, which can send no header; None without one."""
    try:
        async with asyncio.timeout(FIRST_MESSAGE_WITHIN):
            document = await _message(socket)
    except (TimeoutError, ProblemError):
        return None
    token = document.get("token")
    return token if document.get("type") == "auth" and isinstance(token, str) else None


async def refuse(socket: web.WebSocketResponse, problem: ProblemError, code: Close | WSCloseCode) -> None:
    """Say why and close."""
    if not socket.closed:
        # A client that is gone needs no reason.
        with suppress(ConnectionError, RuntimeError):
            await _send(socket, {"type": "error", "problem": problem.document()})
        await socket.close(code=code, message=problem.problem.slug.encode())


async def _send(socket: web.WebSocketResponse, document: dict[str, Any]) -> None:
    await socket.send_str(json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False))


async def _message(socket: web.WebSocketResponse) -> dict[str, Any]:
    """Return the client's next message. Raises ProblemError for what is none."""
    message = await socket.receive()
    if message.type is not WSMsgType.TEXT:
        raise _not_text()
    try:
        document = json.loads(message.data)
    except (ValueError, RecursionError) as error:
        raise ProblemError(Problem.INVALID_REQUEST, "a message is one JSON object") from error
    if not isinstance(document, dict):
        raise ProblemError(Problem.INVALID_REQUEST, "a message is one JSON object")
    return document


def _not_text() -> ProblemError:
    return ProblemError(Problem.INVALID_REQUEST, "messages are JSON text")


def _no_subscription() -> ProblemError:
    return ProblemError(Problem.INVALID_REQUEST, 'send {"type": "subscribe"} first')


def _subscription(document: dict[str, Any]) -> tuple[str | None, int | None]:
    """Return stream and sequence that a client has seen, both None for a new one."""
    if document.get("type") != "subscribe":
        raise _no_subscription()
    stream, since = document.get("stream"), document.get("since")
    if not isinstance(stream, str | None) or not isinstance(since, int | None) or isinstance(since, bool):
        raise ProblemError(Problem.INVALID_REQUEST, "'stream' is text or null, 'since' a whole number or null")
    return stream, since
