"""A real Mosquitto, and a tap in front of it that notes when each published message reached it."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.processes import program

PUBLISH = 3


@dataclass
class Tap:
    """Passes bytes on between clients and the broker. ``arrivals``: topic and CLOCK_MONOTONIC of each publish."""

    broker: int
    arrivals: list[tuple[str, float]] = field(default_factory=list)

    def open(self) -> int:
        """Listen; returns the port."""
        server = socket.create_server(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
        threading.Thread(target=self._accept, args=(server,), daemon=True).start()
        return port

    def of(self, suffix: str, since: float = 0.0) -> list[tuple[str, float]]:
        """Return the arrivals on topics that end so."""
        return [(topic, at) for topic, at in list(self.arrivals) if topic.endswith(suffix) and at >= since]

    def _accept(self, server: socket.socket) -> None:
        while True:
            client = server.accept()[0]
            broker = socket.create_connection(("127.0.0.1", self.broker))
            for one in (client, broker):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._pass_on, args=(client, broker), daemon=True).start()
            threading.Thread(target=_copy, args=(broker, client), daemon=True).start()

    def _pass_on(self, client: socket.socket, broker: socket.socket) -> None:
        pending = b""
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                now = time.monotonic()
                broker.sendall(data)
                pending = self._note(pending + data, now)
        broker.close()

    def _note(self, data: bytes, now: float) -> bytes:
        """Note the publishes among whole packets; returns what is no whole packet yet."""
        while len(data) > 1:
            size = shift = 0
            place = 1
            while True:
                if place >= len(data):
                    return data
                size |= (data[place] & 0x7F) << shift
                shift += 7
                place += 1
                if not data[place - 1] & 0x80:
                    break
            if len(data) < place + size:
                return data
            if data[0] >> 4 == PUBLISH:
                length = int.from_bytes(data[place : place + 2], "big")
                self.arrivals.append((data[place + 2 : place + 2 + length].decode(), now))
            data = data[place + size :]
        return data


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def broker(folder: Path) -> Iterator[tuple[int, Tap]]:
    """Run Mosquitto behind a tap; gives the tap's port and the tap."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = folder / "mosquitto.conf"
    settings.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
    with program(["mosquitto", "-c", settings]):
        _wait_for(port)
        tap = Tap(port)
        yield tap.open(), tap


def _wait_for(port: int) -> None:
    until = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return
