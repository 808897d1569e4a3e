"""The stream: every change as it happens, over one WebSocket a client."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from aiohttp import WSCloseCode, WSMsgType, web

from .problems import Problem, ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .feed import Feed

FIRST_MESSAGE_WITHIN = 10.0
"""Seconds that a client has for its token, and for its subscription."""

HEARTBEAT = 30.0
LONGEST_MESSAGE = 4096
"""Clients have little to say."""

CLOSE_WITHIN = 0.8
AT_ONCE = 100
"""Messages after which a client that catches up lets others have their turn."""


class Close(IntEnum):
    """Why a stream was ended, beside the protocol's own codes."""

    BAD_MESSAGE = 4400
    UNAUTHORIZED = 4401
    TOO_SLOW = 4429


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a stream is over. ``problem`` is told to the client; None where it knows, or nobody is left to tell."""

    problem: ProblemError | None
    code: Close | WSCloseCode


class Stream:
    """One client's stream. ``welcome`` and ``snapshot`` make the documents of that client.

    Only the task of ``run`` closes the socket: a close from elsewhere would race with its end.
    """

    def __init__(
        self, feed: Feed, welcome: Callable[[], dict[str, Any]], snapshot: Callable[[], list[dict[str, Any]]]
    ) -> None:
        self._feed = feed
        self._welcome = welcome
        self._snapshot = snapshot
        self._asked: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()

    def end(self, ending: Ending) -> None:
        """End the stream soon."""
        if not self._asked.done():
            self._asked.set_result(ending)

    async def run(self, socket: web.WebSocketResponse) -> None:
        """Serve until the client goes, misbehaves or is too slow, or ``end``. The client's token has been accepted."""
        talk = asyncio.create_task(self._talk(socket))
        try:
            await asyncio.wait((talk, self._asked), return_when=asyncio.FIRST_COMPLETED)
        finally:
            talk.cancel()
            await asyncio.wait((talk,))
        ending = self._asked.result() if self._asked.done() else talk.result()
        await close(socket, ending)

    async def _talk(self, socket: web.WebSocketResponse) -> Ending:
        try:
            position = await self._begin(socket)
            listening = asyncio.create_task(_listen(socket))
            sending = asyncio.create_task(self._send_from(socket, position))
            try:
                done, _ = await asyncio.wait((listening, sending), return_when=asyncio.FIRST_COMPLETED)
                return done.pop().result()
            finally:
                for task in (listening, sending):
                    task.cancel()
                await asyncio.wait((listening, sending))
        except ProblemError as problem:
            return Ending(problem, Close.BAD_MESSAGE)
        except ConnectionError:
            return _GONE

    async def _begin(self, socket: web.WebSocketResponse) -> int:
        """Welcome and bring up to date; return the sequence from which on changes are sent."""
        await _send(socket, {"type": "welcome", **self._welcome()})
        try:
            async with asyncio.timeout(FIRST_MESSAGE_WITHIN):
                stream, since = _subscription(await _message(socket))
        except TimeoutError:
            raise _no_subscription() from None
        if since is not None and self._feed.holds(stream, since):
            return since
        position = self._feed.sequence
        document = {
            "type": "snapshot",
            "stream": self._feed.stream,
            "sequence": position,
            # What happened since is in the snapshot but for events, of which a new client has missed none.
            "complete": stream is None,
            "meters": self._snapshot(),
        }
        await _send(socket, document)
        return position

    async def _send_from(self, socket: web.WebSocketResponse, position: int) -> Ending:
        """Send every message behind ``position``; return when the client is too slow for that."""
        while True:
            await self._feed.changed(position)
            if not self._feed.holds(self._feed.stream, position):
                detail = "more has happened than is kept: connect again and take the snapshot"
                return Ending(ProblemError(Problem.TOO_SLOW, detail), Close.TOO_SLOW)
            for count, message in enumerate(self._feed.after(position), 1):
                await socket.send_str(message.text)
                position = message.sequence
                if count == AT_ONCE:
                    break


async def _listen(socket: web.WebSocketResponse) -> Ending:
    """Read until the client closes; it has nothing to say after its subscription."""
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            detail = "a stream takes one subscription; connect again for another"
            return Ending(ProblemError(Problem.INVALID_REQUEST, detail), Close.BAD_MESSAGE)
        if message.type is WSMsgType.BINARY:
            return Ending(_not_text(), Close.BAD_MESSAGE)
    return _GONE


async def first_token(socket: web.WebSocketResponse) -> str | None:
    """Return the token in a client's first message, for browsers, which can send no header; None without one."""
    try:
        async with asyncio.timeout(FIRST_MESSAGE_WITHIN):
            document = await _message(socket)
    except (TimeoutError, ProblemError):
        return None
    token = document.get("token")
    return token if document.get("type") == "auth" and isinstance(token, str) else None


async def close(socket: web.WebSocketResponse, ending: Ending) -> None:
    """Say why and close; a client that does not listen any more is left."""
    problem = ending.problem
    with suppress(ConnectionError, TimeoutError):
        async with asyncio.timeout(CLOSE_WITHIN):
            if problem is not None and not socket.closed:
                await _send(socket, {"type": "error", "problem": problem.document()})
            await socket.close(code=ending.code, message=(problem.problem.slug if problem else "").encode())


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


_GONE = Ending(None, WSCloseCode.OK)


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
