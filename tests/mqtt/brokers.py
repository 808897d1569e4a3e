"""Brokers for the tests: a real Mosquitto, and fakes of a few lines that behave badly."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path


def free_port() -> int:
    """Return a TCP port that nobody listens at."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Mosquitto:
    """A Mosquitto of our own, which can be stopped and started again."""

    def __init__(self, folder: Path, *lines: str) -> None:
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        options = lines or ("allow_anonymous true",)
        # As root, Mosquitto would become a user who cannot read the test's files.
        user = "user root\n" if os.geteuid() == 0 else ""
        self._config.write_text(f"listener {self.port} 127.0.0.1\n{user}" + "\n".join(options) + "\n")
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and wait until it listens."""
        program = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
        assert program is not None, "Mosquitto is missing: apt-get install mosquitto"
        quiet = asyncio.subprocess.DEVNULL
        self._process = await asyncio.create_subprocess_exec(
            program, "-c", str(self._config), stdout=quiet, stderr=quiet
        )
        async with asyncio.timeout(10):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                    writer.close()
                    return
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            await self._process.wait()
            self._process = None


@contextlib.asynccontextmanager
async def mosquitto(folder: Path, *lines: str) -> AsyncIterator[Mosquitto]:
    """Run a Mosquitto with these lines of configuration."""
    broker = Mosquitto(folder, *lines)
    await broker.start()
    try:
        yield broker
    finally:
        await broker.stop()


@dataclass
class Watcher:
    """A client that sees all messages, and can send some. Its own thread; look at ``retained`` and ``messages``."""

    port: int
    messages: list[tuple[str, bytes, bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Connect, and wait until the broker brings what is published from now on."""
        subscribed = threading.Event()
        self.client = Client(CallbackAPIVersion.VERSION2)
        self.client.on_connect = self._subscribe
        self.client.on_message = lambda _c, _u, m: self.messages.append((m.topic, bytes(m.payload), m.retain))
        self.client.on_subscribe = lambda *_: subscribed.set()
        self.client.connect("127.0.0.1", self.port)
        self.client.loop_start()
        assert subscribed.wait(10), "the broker did not answer"

    def _subscribe(self, *_: Any) -> None:
        self.client.subscribe("#", qos=1)

    def payloads(self, topic: str) -> list[bytes]:
        """Return what came at a topic, in order."""
        return [payload for name, payload, _ in self.messages if name == topic]

    def last(self, topic: str) -> bytes | None:
        """Return what came last at a topic, None if nothing came yet."""
        return next((payload for name, payload, _ in reversed(self.messages) if name == topic), None)

    def close(self) -> None:
        """Disconnect."""
        self.client.disconnect()
        self.client.loop_stop()


async def until(condition: Callable[[], Any], seconds: float = 10) -> None:
    """Wait for something that another process brings about."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for is another process's doing
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def fake_broker(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    """Listen at a port of 127.0.0.1 and serve each client so."""
    writers: list[asyncio.StreamWriter] = []
    over = False

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        if over:
            writer.transport.abort()
            return
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await serve(reader, writer)

    server = await asyncio.start_server(client, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        over = True
        # A connection that is just being accepted would be left open by a server that closes meanwhile.
        for listening in server.sockets:
            asyncio.get_running_loop().remove_reader(listening.fileno())
        await asyncio.sleep(0.01)
        server.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0.01)


async def packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Read one packet of MQTT: its first byte and its body."""
    first = (await reader.readexactly(1))[0]
    length = shift = 0
    while True:
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return first, await reader.readexactly(length)
