"""The gateway as its owner runs it: `obis-gateway simulate`, `run`, `pair` and `tokens`, each a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from aiohttp import ClientSession

from tests.mqtt.brokers import free_port, until

if TYPE_CHECKING:
    from types import TracebackType

COMMAND: Final = Path(sys.executable).with_name("obis-gateway")


@dataclass(frozen=True, slots=True)
class Simulated:
    """A meter to simulate, with options of `obis-gateway simulate`. ``pushes``: it sends by itself."""

    name: str
    profile: str = "household-fast"
    seed: int = 1
    options: tuple[str, ...] = ()
    pushes: bool = False
    port: Path | None = None
    """Where it is already, simulated by somebody else."""
    baudrate: int | None = None
    """Of a meter that pushes at another rate than usual."""

    @property
    def settings(self) -> str:
        """How it is read."""
        if not self.pushes:
            # A household whose time is sped up draws more than any fuse carries.
            return f"every: 1s, aligned: false, connection: {'3x63A' if '--speed' not in self.options else '3x99999A'}"
        return "mode: D" if self.baudrate is None else f"mode: D, baudrate: {self.baudrate}"

    @property
    def arguments(self) -> list[str]:
        """The command's arguments."""
        return ["--profile", self.profile, "--seed", str(self.seed), *self.options]


@dataclass
class Gateway:
    """The service with its meters. Inside ``async with`` both run."""

    folder: Path
    meters: tuple[Simulated, ...]
    announce: bool = False
    port: int = field(default_factory=free_port)
    token: str | None = None
    _simulators: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The service's process."""
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        """What the service has said."""
        return (self.folder / "log").read_text("utf-8")

    async def __aenter__(self) -> Self:
        self.folder.mkdir(parents=True)
        self._simulators = [self._simulated(meter) for meter in self.meters if meter.port is None]
        self.configure()
        for meter in self.meters:
            await until((meter.port or self.folder / meter.name).is_symlink, 20)
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
        for simulator in self._simulators:
            simulator.send_signal(signal.SIGTERM)
        for simulator in self._simulators:
            simulator.wait(10)

    def _simulated(self, meter: Simulated) -> subprocess.Popen[bytes]:
        return _started("simulate", "--quiet", *meter.arguments, "--link", str(self.folder / meter.name))

    def replace_meter(self, place: int, meter: Simulated) -> None:
        """Put another meter in a meter's place; it has the same name."""
        self._simulators[place].send_signal(signal.SIGTERM)
        self._simulators[place].wait(10)
        self._simulators[place] = self._simulated(meter)

    def configure(self) -> None:
        """Write the configuration."""
        entries = "".join(
            f"  - {{name: {meter.name}, port: {meter.port or self.folder / meter.name}, {meter.settings}}}\n"
            for meter in self.meters
        )
        (self.folder / "obis-gateway.yaml").write_text(
            f"meters:\n{entries}mqtt: {{enabled: false}}\n"
            f"api: {{host: 127.0.0.1, port: {self.port}, announce: {str(self.announce).lower()}}}\n"
            f"gateway: {{state_dir: {self.folder}/state}}\n",
            "utf-8",
        )

    async def start(self) -> None:
        """Start the service, and return when its API answers."""
        self._process = _started("run", "--config", str(self.folder / "obis-gateway.yaml"), log=self.folder / "log")
        async with asyncio.timeout(20):
            while True:
                with contextlib.suppress(OSError):
                    await self.ask("GET", "health")
                    return
                await asyncio.sleep(0.05)

    async def stop(self) -> None:
        """End the service."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(self._process.wait, 10)

    async def command(self, *arguments: str) -> str:
        """Return what `obis-gateway` says when its owner runs it so."""
        command = [str(COMMAND), *arguments, "--config", str(self.folder / "obis-gateway.yaml")]
        done = await asyncio.to_thread(
            lambda: subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    async def code(self) -> str:
        """Return a pairing code."""
        return (await self.command("pair")).strip()

    async def tokens(self) -> list[str]:
        """Return the ids of those who may use the API, the test itself left out."""
        lines = (await self.command("tokens")).splitlines()
        return [line.split()[0] for line in lines if line[0] != " " and not line.endswith("The test")]

    async def ask(self, method: str, path: str, **body: Any) -> Any:
        """Return what the API answers; the test is a client of its own."""
        headers = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}"
        async with ClientSession(headers=headers) as session, session.request(method, url, json=body or None) as answer:
            text = await answer.text()
            assert answer.status < 400, text
            return json.loads(text) if text else None

    async def let_in(self) -> None:
        """Pair the test."""
        self.token = (await self.ask("POST", "pair", code=await self.code(), name="The test"))["token"]

    async def meter(self, place: int = 0) -> dict[str, Any]:
        """Return what the API says of a meter, once it has been read."""
        async with asyncio.timeout(30):
            while True:
                meters = (await self.ask("GET", "meters"))["meters"]
                named = [meter for meter in meters if meter["entry"] == self.meters[place].name and meter["reading"]]
                if named:
                    return dict(named[0])
                await asyncio.sleep(0.05)


def _started(*arguments: str, log: Path | None = None) -> subprocess.Popen[bytes]:
    """Start the program; what it says goes to ``log``."""
    with (log or Path(os.devnull)).open("ab") as output:
        return subprocess.Popen([COMMAND, *arguments], stdout=output, stderr=output)


@dataclass
class Cable:
    """A TCP way to a port of this machine that can be pulled out and put back."""

    to: int
    port: int = field(default_factory=free_port)
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        await self.plug()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.pull()

    async def plug(self) -> None:
        """Let connections through."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    def pull(self) -> None:
        """Break all connections, and take no new ones."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.to)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, far_writer}
        self._writers |= both
        with contextlib.suppress(OSError):
            await asyncio.gather(_pass(reader, far_writer), _pass(far_reader, writer))
        self._writers -= both
        for one in both:
            one.transport.abort()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.write_eof()
