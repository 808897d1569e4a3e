"""A real Home Assistant as a process of its own, and its API as a browser or an app uses it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import re
import secrets
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from aiohttp import ClientSession, ClientTimeout, ClientWebSocketResponse, WSMsgType

from tests.live.installation import HASS, prepare

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_STARTED_WITHIN: Final = 60.0
_LINE: Final = re.compile(r"^[\d-]+ [\d:.+]+ (WARNING|ERROR|CRITICAL) \(.*?\) \[([\w.]+)\] (.*)")

ACCEPTED: Final = (
    # Said of every custom integration.
    "We found a custom integration obis_gateway which has not been tested by Home Assistant",
    # Said of a machine that has no network but itself, as the tests' own.
    "Because the system does not have any enabled IPv4 addresses",
)
"""What Home Assistant says in any case, and why."""


class HomeAssistant:
    """Home Assistant in ``folder``: ``start`` it, then ask ``rest`` and ``socket``; ``stop`` it."""

    def __init__(
        self, folder: Path, port: int, *, zeroconf: bool, user: str = "tester", password: str | None = None
    ) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{port}"
        self._variables = prepare(folder, port=port, zeroconf=zeroconf)
        self.log_file = folder / "hass.out"
        self._process: subprocess.Popen[bytes] | None = None
        self._session: ClientSession | None = None
        self._socket: Socket | None = None
        self._user, self._password = user, password or secrets.token_urlsafe(12)
        self.tokens: dict[str, Any] = {}
        self.expected = list(ACCEPTED)
        """Of lines with these in them nothing is made: what Home Assistant always says, and what a test provokes."""

    @property
    def pid(self) -> int:
        """The process."""
        assert self._process is not None
        return self._process.pid

    @property
    def socket(self) -> Socket:
        """The WebSocket of a user who is logged in."""
        assert self._socket is not None
        return self._socket

    @property
    def log(self) -> str:
        """All that it has said."""
        return self.log_file.read_text("utf-8", errors="replace")

    def complaints(self, since: int = 0) -> list[str]:
        """Return unexpected warnings and errors behind so many characters of the log, with what stands below each."""
        found: list[str] = []
        taking = False
        for line in self.log[since:].splitlines():
            if (said := _LINE.match(line)) is not None:
                taking = not any(text in said[3] for text in self.expected)
                if taking:
                    found.append(line)
            elif re.match(r"[\d-]{10} [\d:.+]+ [A-Z]+ ", line):
                taking = False
            elif taking:
                found[-1] += f"\n{line}"
        return found

    async def start(self) -> None:
        """Start it, make its user and log in."""
        self._start_process()
        self._session = ClientSession(self.url, timeout=ClientTimeout(30))
        await self._until_it_answers()
        await (self._log_in() if self.tokens else self._make_user())
        self._socket = await Socket.open(self._session, self.tokens["access_token"])
        async with asyncio.timeout(_STARTED_WITHIN):
            while (await self.rest("GET", "/api/config"))["state"] != "RUNNING":  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.1)

    def _start_process(self) -> None:
        environment = {**os.environ, **self._variables}
        with self.log_file.open("ab") as output:
            self._process = subprocess.Popen(
                [HASS, "--config", self.folder], stdout=output, stderr=subprocess.STDOUT, env=environment
            )

    async def _until_it_answers(self) -> None:
        assert self._session is not None and self._process is not None  # noqa: PT018
        until = time.monotonic() + _STARTED_WITHIN
        while True:
            with contextlib.suppress(OSError):
                async with self._session.get("/manifest.json") as answer:
                    if answer.status == 200:
                        return
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"Home Assistant did not start:\n{self.log}")
            await asyncio.sleep(0.1)

    async def _make_user(self) -> None:
        client = f"{self.url}/"
        person = {"client_id": client, "name": self._user.capitalize(), "username": self._user}
        code = (
            await self.rest("POST", "/api/onboarding/users", {**person, "password": self._password, "language": "en"})
        )["auth_code"]
        assert self._session is not None
        form = {"client_id": client, "grant_type": "authorization_code", "code": code}
        async with self._session.post("/auth/token", data=form) as answer:
            self.tokens = await answer.json()

    async def _log_in(self) -> None:
        assert self._session is not None
        client = f"{self.url}/"
        form = {"client_id": client, "grant_type": "refresh_token", "refresh_token": self.tokens["refresh_token"]}
        async with self._session.post("/auth/token", data=form) as answer:
            self.tokens |= await answer.json()

    async def stop(self) -> None:
        """End it as a service manager does."""
        try:
            if self._socket is not None:
                await self._socket.close()
            if self._session is not None:
                await self._session.close()
        finally:
            if self._process is not None and self._process.poll() is None:
                await self._end(self._process)

    async def _end(self, process: subprocess.Popen[bytes]) -> None:
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.to_thread(process.wait, 30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        if process.returncode != 0:
            raise RuntimeError(f"Home Assistant ended with {process.returncode}:\n{self.log[-2000:]}")

    async def rest(self, method: str, path: str, body: object = None) -> Any:
        """Return the JSON that an address answers with; AssertionError for a status of 400 or more."""
        assert self._session is not None
        token = self.tokens.get("access_token")
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        async with self._session.request(method, path, json=body, headers=headers) as answer:
            assert answer.status < 400, f"{method} {path}: {answer.status} {await answer.text()}"
            return await answer.json()

    async def states(self) -> dict[str, dict[str, Any]]:
        """Return all states by entity id."""
        return {state["entity_id"]: state for state in await self.socket.call("get_states")}

    async def act(self, domain: str, service: str, data: object = None, **target: str) -> Any:
        """Perform an action and return its answer."""
        call = {"domain": domain, "service": service, "service_data": data or {}, "target": target}
        return (await self.socket.call("call_service", **call, return_response=True))["response"]


class Refused(Exception):  # noqa: N818 - what Home Assistant did
    """Home Assistant refused a command. ``code`` is its own."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error.get("message"))
        self.code = error.get("code")
        self.error = error


class Socket:
    """Home Assistant's WebSocket: commands with their answers, and events."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._events: dict[int, asyncio.Queue[Any]] = {}
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def open(cls, session: ClientSession, token: str) -> Self:
        """Connect and log in."""
        socket = await session.ws_connect("/api/websocket", max_msg_size=0)
        assert (await socket.receive_json())["type"] == "auth_required"
        await socket.send_json({"type": "auth", "access_token": token})
        answer = await socket.receive_json()
        assert answer["type"] == "auth_ok", answer
        return cls(socket)

    async def close(self) -> None:
        """Disconnect."""
        await self._socket.close()
        await self._listening

    async def call(self, command: str, /, **more: Any) -> Any:
        """Return the result of a command. Raises Refused."""
        number = next(self._numbers)
        return await self._send(number, command, more)

    async def ping(self) -> None:
        """Return when Home Assistant has answered."""
        number = next(self._numbers)
        await self._send(number, "ping", {})

    @contextlib.asynccontextmanager
    async def subscribed(self, command: str, /, **more: Any) -> AsyncIterator[asyncio.Queue[Any]]:
        """Give the events that a command brings."""
        number = next(self._numbers)
        queue = self._events[number] = asyncio.Queue()
        await self._send(number, command, more)
        yield queue
        del self._events[number]
        await self.call("unsubscribe_events", subscription=number)

    async def _send(self, number: int, command: str, more: dict[str, Any]) -> Any:
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "type": command, **more})
        async with asyncio.timeout(60):
            return await answer

    async def _listen(self) -> None:
        async for message in self._socket:
            assert message.type is WSMsgType.TEXT
            document = message.json()
            match document["type"]:
                case "event":
                    if (queue := self._events.get(document["id"])) is not None:
                        queue.put_nowait(document["event"])
                case "result" | "pong":
                    self._answer(document)
                case _:
                    pass
        for answer in self._answers.values():
            answer.cancel()

    def _answer(self, document: dict[str, Any]) -> None:
        answer = self._answers.pop(document["id"])
        if answer.done():
            # Nobody waits for it any more.
            return
        if document.get("success", True):
            answer.set_result(document.get("result"))
        else:
            answer.set_exception(Refused(document["error"]))
