"""The demonstration's broker: the one that runs, else Mosquitto's program, else one in Python."""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from obisgw.errors import SinkError

if TYPE_CHECKING:
    from pathlib import Path

HOST = "127.0.0.1"
START_WITHIN = 15.0


@dataclass(frozen=True, slots=True)
class DemoBroker:
    """Where the broker is, what it is in words, and its process where it is ours."""

    host: str
    port: int
    words: str
    process: subprocess.Popen[bytes] | None = None


def start_broker(folder: Path) -> DemoBroker:
    """Start a broker of our own on a free port of this machine. Raises SinkError when there is none to start."""
    with socket.create_server((HOST, 0)) as free:
        port: int = free.getsockname()[1]
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if program is not None:
        settings = folder / "mosquitto.conf"
        settings.write_text(f"listener {port} {HOST}\nallow_anonymous true\n", "utf-8")
        command, words = [program, "-c", str(settings)], "Mosquitto, started for this demonstration"
    elif find_spec("amqtt") is not None:
        command, words = (
            [sys.executable, "-m", __name__, str(port)],
            "a broker in Python, started for this demonstration",
        )
    else:
        raise SinkError(
            "no broker runs here, and there is none to start",
            where="demo",
            hint="'apt install mosquitto', or 'pip install obis-gateway[demo]', or --broker HOST:PORT",
        )
    nowhere = subprocess.DEVNULL
    process = subprocess.Popen(command, stdin=nowhere, stdout=nowhere, stderr=nowhere)  # noqa: S603 - named above
    end = time.monotonic() + START_WITHIN
    while process.poll() is None and time.monotonic() < end:
        if listens(HOST, port):
            return DemoBroker(HOST, port, f"{words}, at {HOST}:{port}", process)
        time.sleep(0.05)
    process.kill()
    process.wait()
    raise SinkError("the demonstration's broker did not start", where=command[0], hint="name one: --broker HOST:PORT")


def listens(host: str, port: int) -> bool:
    """Whether something accepts connections there."""
    try:
        with socket.create_connection((host, port), 1.0):
            return True
    except OSError:
        return False


async def serve(port: int) -> None:
    """Be a broker in Python until SIGTERM."""
    from amqtt.broker import Broker  # type: ignore[import-untyped,import-not-found,unused-ignore]  # noqa: PLC0415

    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    anonymous = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
    broker = Broker({"listeners": {"default": {"type": "tcp", "bind": f"{HOST}:{port}"}}, "plugins": anonymous})
    await broker.start()
    await ended.wait()
    await broker.shutdown()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
