"""Bad brokers under the real service: it lives, says each trouble once, and publishes the next reading when it is over.

The scenarios run at once, each with a service, a meter and a broker of its own: some troubles take half a minute.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import shutil
import signal
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.mqtt.brokers import Mosquitto, Watcher, free_port, packet, until

from .bad_meters import RATE, Line, Meter

pytestmark = pytest.mark.timeout(150)

NUMBER = "12345678"
METER = f"obis_gateway/obg_{NUMBER}"
DOCUMENT = f"homeassistant/device/obis_gateway_obg_{NUMBER}/config"
CONNECT, PUBLISH = 1, 3
ACCEPTED = b"\x20\x03\x00\x00\x00"
REFUSED = b"\x20\x03\x00\x86\x00"
PATIENCE = 60.0

Serve = Callable[[StreamReader, StreamWriter], Awaitable[None]]


class Gateway:
    """`obis-gateway run` with a meter that does all right, and its log."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
        self.meter = Meter(Line(folder / "meter"), NUMBER, Meter.well, random.Random(1))
        self._file, self._log, self._folder = folder / "obis-gateway.yaml", folder / "log", folder
        self._process: asyncio.subprocess.Process | None = None

    def configure(self, mqtt: str = "") -> None:
        """Write the configuration, with these settings of the broker."""
        self._file.write_text(
            f"{{port: {self.meter.line.path}, baudrate: {RATE}, every: 1s, connection: 3x99999A, latency: 0.1,\n"
            f"mqtt: {{host: 127.0.0.1, port: {self.port}{mqtt}}},\napi: {{enabled: false}},\ngateway: {{state_dir: {self._folder}/state}}}}\n"
        )

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Gateway]:
        """Run it; at the end it must end by itself, in time."""
        if not self._file.exists():
            self.configure()
        environment = {name: value for name, value in os.environ.items() if name != "JOURNAL_STREAM"}
        with self._log.open("wb") as log:
            self._process = process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "obisgw", "run", "--config", str(self._file)), stderr=log, env=environment
            )
        answering = asyncio.create_task(self.meter.live())
        try:
            yield self
            assert process.returncode is None, self.log
            self.signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 3) == 0, self.log
            assert "Traceback" not in self.log, self.log
            assert "a fault of the program" not in self.log, self.log
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            answering.cancel()
            self.meter.line.close()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    @property
    def log(self) -> str:
        """All that it has said."""
        return self._log.read_text("utf-8")

    @property
    def memory(self) -> int:
        """Resident memory, kB."""
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text("ascii")
        return int(status.partition("VmRSS:")[2].split()[0])

    async def said(self, words: str) -> None:
        """Wait until the log says it."""
        await until(lambda: words in self.log, PATIENCE)

    async def reads(self, count: int = 2) -> None:
        """Wait until the meter was read so many times more."""
        seen = len(self.meter.good)
        await until(lambda: len(self.meter.good) >= seen + count, PATIENCE)

    async def publishes(self, watcher: Watcher) -> None:
        """Wait until a reading from now on has arrived, and see that nothing else did."""
        seen = len(self.meter.good)
        topic = f"{METER}/state"
        await until(lambda: self._arrived(watcher.last(topic)) in self.meter.good[seen:], PATIENCE)

    @staticmethod
    def _arrived(payload: bytes | None) -> object:
        try:
            return json.loads(payload or b"{}")["registers"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return None


def once(log: str, words: str) -> None:
    """See that the log says it in one line, with its remedy."""
    lines = [line for line in log.splitlines() if words in line]
    assert len(lines) == 1, log
    assert lines[0].endswith(")"), lines


@contextlib.asynccontextmanager
async def watching(broker: Mosquitto) -> AsyncIterator[Watcher]:
    """See all messages of a broker."""
    watcher = Watcher(broker.port)
    try:
        yield watcher
    finally:
        watcher.close()


@contextlib.asynccontextmanager
async def started(broker: Mosquitto) -> AsyncIterator[Mosquitto]:
    """Run a broker from here to the end."""
    await broker.start()
    try:
        yield broker
    finally:
        await broker.stop()


@contextlib.asynccontextmanager
async def fake(port: int, serve: Serve) -> AsyncIterator[None]:
    """Listen there and serve each client so."""
    writers: list[StreamWriter] = []

    async def client(reader: StreamReader, writer: StreamWriter) -> None:
        writers.append(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await serve(reader, writer)

    server = await asyncio.start_server(client, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()
        for writer in writers:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


async def program(*words: str, folder: Path) -> None:
    """Run a program to its good end."""
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*words, cwd=folder, stdout=quiet, stderr=quiet)
    assert await process.wait() == 0, words


async def missing_at_the_start(folder: Path) -> None:
    """The broker comes later than the first readings."""
    broker = Mosquitto(folder)
    async with Gateway(folder, broker.port).running() as gateway:
        await gateway.said("no broker listens there")
        await gateway.reads()
        async with started(broker), watching(broker) as watcher:
            await gateway.publishes(watcher)
            await gateway.said("connected with MQTT 5")
            once(gateway.log, "no broker listens there")
            assert gateway.log.count("connected with MQTT 5") == 1


async def lost(folder: Path) -> None:
    """The broker goes and comes back; what it kept is published anew."""
    broker = Mosquitto(folder)
    async with started(broker), Gateway(folder, broker.port).running() as gateway:
        async with watching(broker) as watcher:
            await gateway.publishes(watcher)
        await broker.stop()
        await gateway.said("lost")
        await gateway.reads()
        await broker.start()
        async with watching(broker) as watcher:
            await gateway.publishes(watcher)
            await until(lambda: watcher.last(DOCUMENT))
            assert watcher.last(f"{METER}/availability") == b"online"
        # It is said with the first acknowledgement, which comes after what was published.
        await until(lambda: gateway.log.count("connected with MQTT") == 2)
        assert len([line for line in gateway.log.splitlines() if " ERROR " in line]) <= 2, gateway.log


async def wrong_password(folder: Path) -> None:
    """The owner corrects the password and reloads."""
    await program("mosquitto_passwd", "-b", "-c", "passwords", "meter", "right", folder=folder)
    broker = Mosquitto(folder, "allow_anonymous false", f"password_file {folder / 'passwords'}")
    (folder / "password").write_text("wr0ng\n")
    gateway = Gateway(folder, broker.port)
    gateway.configure(f", username: meter, password_file: {folder / 'password'}")
    async with started(broker), gateway.running():
        await gateway.said("the broker refused the connection")
        await gateway.reads()
        once(gateway.log, "the broker refused the connection")
        assert "check 'username' and the password" in gateway.log
        assert "wr0ng" not in gateway.log
        (folder / "password").write_text("right\n")
        gateway.signal(signal.SIGHUP)
        await gateway.said("connected with MQTT 5")


async def wrong_certificate(folder: Path) -> None:
    """The broker's certificate is not trusted, until the owner names it."""
    request = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    names = ("-subj", "/CN=broker", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2")
    await program(*request, *names, "-keyout", "key", "-out", "certificate", folder=folder)
    lines = (f"certfile {folder / 'certificate'}", f"keyfile {folder / 'key'}", "allow_anonymous true")
    broker = Mosquitto(folder, *lines)
    gateway = Gateway(folder, broker.port)
    gateway.configure(", tls: true")
    async with started(broker), gateway.running():
        await gateway.said("the broker's certificate is not trusted")
        await gateway.reads()
        once(gateway.log, "the broker's certificate is not trusted")
        gateway.configure(f", tls: true, ca: {folder / 'certificate'}")
        gateway.signal(signal.SIGHUP)
        await gateway.said("connected with MQTT 5")


async def refuses_for_ever(folder: Path, half_a_minute: asyncio.Event) -> None:
    """A refusal is tried again slowly: some brokers lock out who knocks often."""
    knocks = 0

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        nonlocal knocks
        knocks += (await packet(reader))[0] >> 4 == CONNECT
        writer.write(REFUSED)
        await writer.drain()
        writer.close()

    port = free_port()
    async with fake(port, serve), Gateway(folder, port).running() as gateway:
        await gateway.said("the broker refused the connection")
        before = gateway.memory
        await half_a_minute.wait()
        assert knocks <= 2
        assert gateway.memory < before + 4000
        once(gateway.log, "the broker refused the connection")


async def never_acknowledges(folder: Path, half_a_minute: asyncio.Event) -> None:
    """The broker takes all and says nothing; then a better one takes its place."""
    published = 0

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        nonlocal published
        await packet(reader)
        writer.write(ACCEPTED)
        while True:
            published += (await packet(reader))[0] >> 4 == PUBLISH

    broker = Mosquitto(folder)
    try:
        async with Gateway(folder, broker.port).running() as gateway:
            async with fake(broker.port, serve):
                await gateway.said("does not acknowledge")
                assert 0 < published <= 40
                assert "connected with" not in gateway.log
            async with started(broker), watching(broker) as watcher:
                await gateway.publishes(watcher)
            once(gateway.log, "does not acknowledge")
    finally:
        half_a_minute.set()


async def sends_nonsense(folder: Path) -> None:
    """Commands that are none, huge, not UTF-8, for others; the button still works."""
    broker = Mosquitto(folder)
    async with started(broker), watching(broker) as watcher, Gateway(folder, broker.port).running() as gateway:
        await gateway.publishes(watcher)
        before = gateway.memory
        for topic in (f"{METER}/command", "obis_gateway/gateway/command", "obis_gateway/nobody/command"):
            for payload in (b"\xff\xfe\0", b"read_now;reboot", b"READ_NOW", b"x" * 900_000, b"[" * 100_000):
                for retain in (False, True):
                    watcher.client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(10)
        for payload in (b"online", b"", b"\xff", b"x" * 900_000):
            for retain in (False, True):
                watcher.client.publish("homeassistant/status", payload, qos=1, retain=retain).wait_for_publish(10)
        await gateway.publishes(watcher)
        assert gateway.memory < before + 8000
        warnings = [line for line in gateway.log.splitlines() if " WARNING " in line]
        assert len([line for line in warnings if "an unknown command" in line]) == 1
        assert len(warnings) <= 2, warnings


JUNK = (b"[" * 50_000, b'{"registers": {"active_energy_import": "666666"}, "cmps": {"1_0_1_8_0_255": [666666]}}')


async def keeps_junk(folder: Path) -> None:
    """Junk is retained at our topics, and others' documents under the discovery prefix, when the service starts.

    It knows its meter from an earlier run, so it looks at what the broker kept; the meter is silent for a while.
    """
    broker = Mosquitto(folder)
    async with started(broker):
        first = Gateway(folder, broker.port)
        async with watching(broker) as watcher, first.running():
            await first.publishes(watcher)
        async with asyncio.TaskGroup() as group:
            for place, payload in enumerate(JUNK):
                group.create_task(_meets(payload, folder, folder / f"junk{place}"))


async def _meets(payload: bytes, known: Path, folder: Path) -> None:
    """Start a service that knows the meter, at a broker that keeps this at its topics."""
    shutil.copytree(known / "state", folder / "state")
    broker = Mosquitto(folder)
    others = {"homeassistant/device/other/config": payload, "homeassistant/sensor/x/config": b"{"}
    gateway = Gateway(folder, broker.port)
    gateway.meter.fault = _silence
    async with started(broker):
        async with watching(broker) as watcher:
            for topic, kept in ({f"{METER}/state": payload, DOCUMENT: payload} | others).items():
                watcher.client.publish(topic, kept, qos=1, retain=True).wait_for_publish(10)
        async with watching(broker) as watcher, gateway.running():
            await gateway.said("the line is silent")
            gateway.meter.healed.set()
            await gateway.publishes(watcher)
            await until(lambda: len(watcher.payloads(DOCUMENT)) > 1, PATIENCE)
            for topic, said, retained in watcher.messages:
                assert retained or topic in others or (said != payload and b"666666" not in said), topic
            for topic, kept in others.items():
                assert watcher.payloads(topic) == [kept]


async def _silence(_meter: Meter) -> None:
    """Say nothing."""


HALF_A_MINUTE = (refuses_for_ever, never_acknowledges)
SCENARIOS = (missing_at_the_start, lost, wrong_password, wrong_certificate, sends_nonsense, keeps_junk)
NAMES = [scenario.__name__ for scenario in (*HALF_A_MINUTE, *SCENARIOS)]


async def all_scenarios(folder: Path) -> dict[str, BaseException | None]:
    """Return how each scenario failed, None where it did not."""
    folders = {name: folder / name for name in NAMES}
    for own in folders.values():
        own.mkdir()
    half_a_minute = asyncio.Event()
    results = await asyncio.gather(
        *(scenario(folders[scenario.__name__], half_a_minute) for scenario in HALF_A_MINUTE),
        *(scenario(folders[scenario.__name__]) for scenario in SCENARIOS),
        return_exceptions=True,
    )
    return dict(zip(NAMES, results, strict=True))


@pytest.fixture(scope="module")
def failures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, BaseException | None]:
    """Return how the scenarios ended."""
    return asyncio.run(all_scenarios(tmp_path_factory.mktemp("bad_broker")))


@pytest.mark.parametrize("name", NAMES)
def test_the_service_outlives(name: str, failures: dict[str, BaseException | None]) -> None:
    """See the scenario."""
    if (failure := failures[name]) is not None:
        raise failure
