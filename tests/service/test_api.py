"""The API beside the reading of meters: started when it can be, changed when it must be, ended in time."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession

from obisgw.config.table import ApiSettings
from obisgw.readings.shown import GatewayInfo
from obisgw.service import api as api_module
from obisgw.service.api import Api
from obisgw.service.installation import installation_id
from tests.mqtt.brokers import free_port, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from obisgw.store.quality import Point
    from obisgw.store.rows import RegisterKey

pytestmark = pytest.mark.slow

INFO = GatewayInfo()


class FakeService:
    """Counts what it is told."""

    def __init__(self) -> None:
        self.changes = 0

    def read_now(self, meter_id: str) -> bool:
        return meter_id == "known"

    def diagnostics(self) -> dict[str, Any]:
        return {}

    def clients_changed(self) -> None:
        self.changes += 1

    @property
    def keeps_history(self) -> bool:
        return False

    async def counters(self, _meter_id: str) -> list[RegisterKey] | None:
        return None

    async def history(self, *_question: object) -> list[Point]:
        return []

    def mqtt_state(self) -> dict[str, Any]:
        return {"enabled": False, "connected": False, "problem": None}


@pytest.fixture
def service() -> FakeService:
    """What stands above the API."""
    return FakeService()


@pytest.fixture
async def api(tmp_path: Path, service: FakeService) -> AsyncIterator[Api]:
    """An API that is stopped at the end."""
    api = Api(tmp_path, "0123456789abcdef", service)
    yield api
    await api.stop()


def settings(port: int, **values: Any) -> ApiSettings:
    """Return settings for this machine alone, unannounced."""
    return ApiSettings(**{"port": port, "host": "127.0.0.1", "announce": False, **values})


async def healthy(port: int) -> bool:
    """Tell whether the API answers."""
    try:
        async with ClientSession() as session, session.get(f"http://127.0.0.1:{port}/api/v1/health") as answer:
            return answer.status == 200
    except OSError:
        return False


async def answers(port: int) -> None:
    """Wait until the API answers."""
    async with asyncio.timeout(10):
        while not await healthy(port):  # noqa: ASYNC110 - another task's doing
            await asyncio.sleep(0.02)


async def test_a_port_in_use_is_said_once_and_tried_again(
    api: Api, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Meters are read all the same; as soon as the port is free, it is served."""
    monkeypatch.setattr(api_module, "RETRY", 0.02)
    monkeypatch.setattr(api_module, "RETRY_LONGEST", 0.02)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        await api.use(settings(port), INFO)
        await until(lambda: caplog.messages)
        await asyncio.sleep(0.1)
    await answers(port)
    (said,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert "the port is in use" in said
    assert "'port' in section 'api'" in said


async def test_only_changed_settings_restart_it(api: Api) -> None:
    """A reload of other settings leaves its connections alone."""
    first, second = free_port(), free_port()
    await api.use(settings(first), INFO)
    await answers(first)
    before = api._server
    await api.use(settings(first), GatewayInfo())
    assert api._server is before
    await api.use(settings(second), INFO)
    await answers(second)
    assert not await healthy(first)


async def test_what_clients_do_is_told_to_the_service(api: Api, service: FakeService) -> None:
    """Adoption and its end by a revoked token; the same hold after a restart of the server."""
    port = free_port()
    await api.use(settings(port), INFO)
    await answers(port)
    client, _ = api.clients.add("Home Assistant")
    api.clients.adopt(client.id, "isk_1")
    await api.use(settings(port, allowed_hosts=("x",)), INFO)
    assert api.adopted == {"isk_1"}
    before = service.changes
    assert api.clients.revoke(client.id)
    assert service.changes == before + 1
    assert api.adopted == frozenset()


async def test_it_ends_within_a_second_with_open_connections(api: Api) -> None:
    """Nobody who holds on keeps the service from ending."""
    port = free_port()
    await api.use(settings(port), INFO)
    await answers(port)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await reader.readuntil(b"}")
    async with asyncio.timeout(1.5):
        await api.stop()
    assert await reader.read() == b""
    writer.close()


@pytest.mark.parametrize(
    "junk", [None, "", "[", "[" * 100_000, "{}", '{"id": 1}', '{"id": "../../x"}', '{"id": "ABC"}']
)
def test_the_installation_has_one_id(junk: str | None, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Made once and kept; a damaged file is said and replaced."""
    path = tmp_path / "gateway.json"
    if junk is not None:
        path.write_text(junk)
    made = installation_id(path)
    assert int(made, 16) >= 0
    assert len(made) == 16
    assert installation_id(path) == made == json.loads(path.read_text())["id"]
    assert len(caplog.messages) == (junk is not None)


def test_a_folder_that_takes_no_file_costs_the_id_and_not_the_service(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said what that means."""
    assert len(installation_id(tmp_path / "none" / "gateway.json")) == 16
    assert "another id after a restart" in caplog.text
