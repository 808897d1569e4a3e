"""The whole way: a simulated meter on a pseudo-terminal, `obis-gateway run`, a real Mosquitto."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from obisgw.simulator.serve import SimulatorOptions, SimulatorThread
from tests.mqtt.brokers import Mosquitto, Watcher, mosquitto, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

GATEWAY = "obis_gateway/gateway/availability"


class Service:
    """`obis-gateway run` as a process of its own, with its log."""

    def __init__(self, folder: Path, broker_port: int) -> None:
        self.file = folder / "obis-gateway.yaml"
        self.log_file = folder / "log"
        self._folder = folder
        self._broker_port = broker_port
        self.api = "{enabled: false}"
        self.process: subprocess.Popen[bytes] | None = None

    def configure(self, meters: str) -> None:
        """Write the configuration."""
        self.file.write_text(
            f"{meters}\nmqtt: {{host: 127.0.0.1, port: {self._broker_port}}}\n"
            f"api: {self.api}\n"
            f"gateway: {{state_dir: {self._folder}/state}}\n",
            "utf-8",
        )

    def start(self, **environment: str) -> None:
        """Start it."""
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "obisgw", "run", "--config", str(self.file)],
                stderr=log,
                env={name: value for name, value in os.environ.items() if name != "JOURNAL_STREAM"} | environment,
            )

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    @property
    def log(self) -> str:
        """What it has said."""
        return self.log_file.read_text("utf-8")


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    """A Mosquitto of our own."""
    async with mosquitto(tmp_path) as broker:
        yield broker


@pytest.fixture
def watcher(broker: Mosquitto) -> Iterator[Watcher]:
    """Who sees all messages."""
    watcher = Watcher(broker.port)
    yield watcher
    watcher.close()


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[SimulatorThread]:
    """A meter at ``meter`` in the test's folder."""
    with SimulatorThread(SimulatorOptions("household-fast", link=tmp_path / "meter")) as simulator:
        yield simulator


@pytest.fixture
def service(tmp_path: Path, broker: Mosquitto) -> Iterator[Service]:
    """The service, not yet started."""
    service = Service(tmp_path, broker.port)
    yield service
    if service.process is not None and service.process.poll() is None:
        service.process.kill()
        service.process.wait()


def documents(watcher: Watcher) -> dict[str, dict[str, Any]]:
    """Return the meters' discovery documents that the broker holds, by meter id."""
    found = {}
    for topic, payload, _ in watcher.messages:
        name = topic.removeprefix("homeassistant/device/obis_gateway_").removesuffix("/config")
        if topic.endswith("/config") and name != "gateway":
            found[name] = json.loads(payload) if payload else {}
    return {name: document for name, document in found.items() if document}


async def test_a_meter_becomes_a_device_and_the_end_is_told(
    service: Service, simulator: SimulatorThread, watcher: Watcher
) -> None:
    """From the port alone: document, state, availability; SIGTERM ends within two seconds with `offline`."""
    service.configure(f"port: {simulator.port}\nevery: 1s")
    service.start()
    await until(lambda: documents(watcher), 20)
    ((meter, document),) = documents(watcher).items()
    state = document["stat_t"]
    await until(lambda: len(watcher.payloads(state)) >= 2, 20)
    registers = json.loads(watcher.payloads(state)[-1])["registers"]
    assert registers["active_energy_import"].replace(".", "").isdigit()
    assert watcher.last(GATEWAY) == b"online"
    assert watcher.last(f"obis_gateway/{meter}/availability") == b"online"
    began = time.monotonic()
    service.signal(signal.SIGTERM)
    assert service.process is not None
    assert service.process.wait(10) == 0
    assert time.monotonic() - began < 2
    await until(lambda: watcher.last(GATEWAY) == b"offline")


async def test_a_reload_takes_a_good_file_and_refuses_a_bad_one(
    service: Service, simulator: SimulatorThread, watcher: Watcher
) -> None:
    """The errors are logged with their lines, and what ran goes on."""
    service.configure(f"meters:\n- {{port: {simulator.port}, every: 1s, name: House}}")
    service.start()
    await until(lambda: documents(watcher), 20)
    ((_, before),) = documents(watcher).items()
    service.configure(f"meters:\n- {{port: {simulator.port}, evry: 1s}}")
    service.signal(signal.SIGHUP)
    await until(lambda: "the configuration is not changed" in service.log)
    assert f"{service.file}:2: 'evry' is no setting (did you mean 'every'?)" in service.log
    seen = len(watcher.payloads(before["stat_t"]))
    await until(lambda: len(watcher.payloads(before["stat_t"])) > seen)
    service.configure(f"meters:\n- {{port: {simulator.port}, every: 2s, name: Cellar}}")
    service.signal(signal.SIGHUP)
    await until(lambda: "the configuration was read again" in service.log)
    await until(lambda: any(one["dev"]["name"] == "Cellar" for one in documents(watcher).values()))


async def test_an_unplugged_adapter_is_back_within_two_seconds(
    service: Service, simulator: SimulatorThread, watcher: Watcher
) -> None:
    """Not after the interval, and the device is unavailable meanwhile."""
    service.configure(f"port: {simulator.port}\nevery: 5s\naligned: false")
    service.start()
    await until(lambda: documents(watcher), 20)
    ((meter, document),) = documents(watcher).items()
    simulator.unplug()
    await until(lambda: watcher.last(f"obis_gateway/{meter}/availability") == b"offline", 20)
    seen = len(watcher.payloads(document["stat_t"]))
    simulator.replug()
    began = time.monotonic()
    await until(lambda: len(watcher.payloads(document["stat_t"])) > seen, 20)
    # Two seconds for the port, and the readout itself.
    assert time.monotonic() - began < 4
    assert watcher.last(f"obis_gateway/{meter}/availability") == b"online"


async def test_the_button_reads_now(service: Service, simulator: SimulatorThread, watcher: Watcher) -> None:
    """Without waiting for the schedule."""
    service.configure(f"port: {simulator.port}\nevery: 1h")
    service.start()
    await until(lambda: documents(watcher), 20)
    ((_, document),) = documents(watcher).items()
    await until(lambda: watcher.payloads(document["stat_t"]))
    (button,) = [item for item in document["cmps"].values() if item["p"] == "button"]
    watcher.client.publish(button["cmd_t"], button.get("pl_prs", "PRESS"), qos=1)
    await until(lambda: len(watcher.payloads(document["stat_t"])) == 2, 20)


async def test_systemd_is_told_of_readiness_reload_life_and_end(
    service: Service, simulator: SimulatorThread, tmp_path: Path
) -> None:
    """By datagrams to its socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(20)

        async def told() -> str:
            while (message := (await asyncio.to_thread(manager.recv, 1000)).decode()) == "WATCHDOG=1":
                lives.append(message)
            return message

        lives: list[str] = []
        service.configure(f"port: {simulator.port}")
        service.start(NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="200000")
        assert await told() == "READY=1\nSTATUS=1 meter configured"
        service.signal(signal.SIGHUP)
        assert (await told()).startswith("RELOADING=1\nMONOTONIC_USEC=")
        assert (await told()).startswith("READY=1")
        await asyncio.sleep(0.5)
        service.signal(signal.SIGTERM)
        assert await told() == "STOPPING=1"
    assert len(lives) >= 3


async def test_a_second_service_with_the_same_folder_is_refused(service: Service, simulator: SimulatorThread) -> None:
    """Two would share meters and counts."""
    service.configure(f"port: {simulator.port}")
    service.start()
    await until(lambda: "1 meter configured" in service.log, 20)
    second = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "obisgw", "run", "--config", str(service.file)],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    assert second.returncode == 2
    assert "another obis-gateway runs with this folder" in second.stderr


def test_a_wrong_configuration_does_not_start(tmp_path: Path) -> None:
    """Status 2, with every error."""
    file = tmp_path / "f.yaml"
    file.write_text("prt: /d\nevery: 5x\n", "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "obisgw", "run", "--config", str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.count(f"obis-gateway: {file}:") == 3
