"""The service with both ways out: the API's clients decide what the broker is told, and either can be left out."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession

from obisgw.simulator.serve import SimulatorOptions, SimulatorThread
from tests.mqtt.brokers import Watcher, free_port, mosquitto, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.mqtt.brokers import Mosquitto

_CODE = re.compile(r"pairing code [^:]*: (\d{3} \d{3})")
GATEWAY_DOCUMENT = "homeassistant/device/obis_gateway_gateway/config"


class Service:
    """`obis-gateway run` with a simulated meter and the API at a port of this machine."""

    def __init__(self, folder: Path, meter: str) -> None:
        self.file, self.log_file = folder / "obis-gateway.yaml", folder / "log"
        self._folder, self._meter = folder, meter
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.headers: dict[str, str] = {}

    def configure(self, mqtt: str, api: str = "", meter: str = "") -> None:
        """Write the configuration."""
        self.file.write_text(
            f"meters:\n  - {{name: House, port: {self._meter}, every: 1s{meter}}}\nmqtt: {{{mqtt}}}\n"
            f"api: {{host: 127.0.0.1, port: {self.port}, announce: false{api}}}\n"
            f"gateway: {{state_dir: {self._folder}/state}}\n",
            "utf-8",
        )

    def start(self) -> None:
        """Start it."""
        with self.log_file.open("ab") as log:
            command = [sys.executable, "-m", "obisgw", "run", "--config", str(self.file)]
            self.process = subprocess.Popen(command, stderr=log)

    async def stop(self) -> None:
        """End it, within two seconds."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(2):
            await until(lambda: self.process is None or self.process.poll() is not None, 2)
        assert self.process.returncode == 0

    @property
    def log(self) -> str:
        """What it has said."""
        return self.log_file.read_text("utf-8")

    async def ask(self, method: str, path: str, **body: Any) -> Any:
        """Return the answer's JSON, None where it has none."""
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}"
        async with (
            ClientSession(headers=self.headers) as session,
            session.request(method, url, json=body or None) as answer,
        ):
            text = await answer.text()
            assert answer.status < 400, text
            return json.loads(text) if text else None

    async def gone(self) -> bool:
        """Tell whether nobody listens at the API's port."""
        try:
            await self.ask("GET", "health")
        except OSError:
            return True
        return False

    async def pair(self) -> None:
        """Use the code that the log shows at the first start."""
        await until(lambda: _CODE.search(self.log), 20)
        (code,) = _CODE.findall(self.log)
        paired = await self.ask("POST", "pair", code=code, name="Test")
        self.headers = {"Authorization": f"Bearer {paired['token']}"}

    async def reading(self) -> dict[str, Any]:
        """Return the meter, read at least once."""
        async with asyncio.timeout(20):
            while True:
                meters = (await self.ask("GET", "meters"))["meters"]
                if meters and meters[0]["reading"]:
                    return dict(meters[0])
                await asyncio.sleep(0.05)


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
def service(tmp_path: Path) -> Iterator[Service]:
    """The service with its meter, not yet started."""
    with SimulatorThread(SimulatorOptions("household-fast", link=tmp_path / "meter")) as simulator:
        service = Service(tmp_path, simulator.port)
        yield service
        if service.process is not None and service.process.poll() is None:
            service.process.kill()
            service.process.wait()


async def test_what_a_client_adopts_leaves_discovery_and_comes_back(
    service: Service, broker: Mosquitto, watcher: Watcher
) -> None:
    """Adoption, a client's threshold, a restart, and the end by revoking; states go on all the time."""
    service.configure(f"host: 127.0.0.1, port: {broker.port}", meter=", thresholds: [{name: Own, above: 0 W}]")
    service.start()
    await service.pair()
    meter = (await service.reading())["id"]
    document, state = f"homeassistant/device/obis_gateway_{meter}/config", f"obis_gateway/{meter}/state"
    await until(lambda: watcher.last(document) and watcher.last(GATEWAY_DOCUMENT), 20)

    wished = [{"id": "wished", "name": "Wished", "below": "100", "unit": "kW"}]
    await service.ask("PUT", f"meters/{meter}/thresholds", thresholds=wished)
    await until(lambda: b'"threshold_wished"' in (watcher.last(document) or b""), 20)
    await until(lambda: json.loads(watcher.last(state) or b"{}")["thresholds"].get("wished"), 20)
    assert set(json.loads(watcher.last(state) or b"{}")["thresholds"]) == {"own", "wished"}
    described = {one["id"]: one["source"] for one in (await service.reading())["thresholds"]}
    assert described == {"own": "configuration", "wished": "client"}

    await service.ask("PUT", f"meters/{meter}/adoption")
    await until(lambda: watcher.last(document) == b"" and watcher.last(GATEWAY_DOCUMENT) == b"", 20)
    await service.stop()
    count = len(watcher.messages)
    service.start()
    await until(lambda: state in [topic for topic, _, _ in watcher.messages[count:]], 20)
    told = [(topic, payload) for topic, payload, _ in watcher.messages[count:] if topic.startswith("homeassistant/")]
    assert {payload for _, payload in told} <= {b""}

    await service.ask("DELETE", "token")
    await until(lambda: watcher.last(document) and watcher.last(GATEWAY_DOCUMENT), 20)
    assert json.loads(watcher.last(document) or b"")["cmps"].get("threshold_wished", {"p": ""}).keys() == {"p"}
    await service.stop()
    assert "Traceback" not in service.log


async def test_without_mqtt_the_api_serves_alone_and_a_reload_brings_either(
    service: Service, broker: Mosquitto, watcher: Watcher
) -> None:
    """No broker is looked for; SIGHUP starts and ends each way without touching the other."""
    service.configure("enabled: false")
    service.start()
    await service.pair()
    meter = (await service.reading())["id"]
    assert (await service.ask("GET", "gateway"))["mqtt"]["enabled"] is False
    assert "broker" not in service.log

    service.configure(f"host: 127.0.0.1, port: {broker.port}")
    assert service.process is not None
    service.process.send_signal(signal.SIGHUP)
    await until(lambda: watcher.last(f"homeassistant/device/obis_gateway_{meter}/config"), 20)
    assert (await service.ask("GET", "gateway"))["mqtt"]["enabled"] is True

    service.configure(f"host: 127.0.0.1, port: {broker.port}", ", enabled: false")
    service.process.send_signal(signal.SIGHUP)
    async with asyncio.timeout(20):
        while not await service.gone():  # noqa: ASYNC110 - another process's doing
            await asyncio.sleep(0.05)
    before = len(watcher.payloads(f"obis_gateway/{meter}/state"))
    await until(lambda: len(watcher.payloads(f"obis_gateway/{meter}/state")) > before, 20)

    service.configure("enabled: false")
    service.process.send_signal(signal.SIGHUP)
    await until(lambda: service.log.count("API and status page") == 2, 20)
    assert (await service.reading())["id"] == meter
    await service.stop()
    assert "Traceback" not in service.log
    assert [line for line in service.log.splitlines() if " ERROR " in line] == []
