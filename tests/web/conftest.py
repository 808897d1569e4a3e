"""A real server on a free port of this machine, and a paired client of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from obisgw.config.table import ApiSettings
from obisgw.readings.derive import DerivedState, derive
from obisgw.readings.shown import MeterOptions
from obisgw.store.history import Step, boundaries
from obisgw.store.quality import Point, Quality
from obisgw.web.clients import Clients
from obisgw.web.edges import BASE
from obisgw.web.feed import Feed
from obisgw.web.pairing import Pairing
from obisgw.web.server import ApiServer
from tests.mqtt.samples import GATEWAY, HEALTH, HOUSEHOLD, METER, NOON, reading

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime, tzinfo
    from pathlib import Path

    from obisgw.readings.reading import MeterIdentity
    from obisgw.store.rows import RegisterKey


LINES = tuple(line for line in HOUSEHOLD if not line.startswith("0.9."))
"""A clock that stands would be one that is set at each reading."""


@dataclass
class Service:
    """The service above the API: it notes what it is asked, and hands readings to the feed."""

    feed: Feed
    clients: Clients
    asked: list[str] = field(default_factory=list)
    changes: int = 0
    answers: bool = True
    was_asked: asyncio.Event = field(default_factory=asyncio.Event)
    reads: int = 0
    states: dict[str, DerivedState] = field(default_factory=dict)
    past: dict[RegisterKey, list[Point]] | None = None
    history_troubled: bool = False

    def read_now(self, meter_id: str) -> bool:
        self.asked.append(meter_id)
        self.was_asked.set()
        return self.answers

    def diagnostics(self) -> dict[str, Any]:
        return {"settings": {"meters": 1}}

    def clients_changed(self) -> None:
        self.changes += 1
        for meter in self.feed.meters:
            self.add(replace(METER, id=meter))

    @property
    def keeps_history(self) -> bool:
        return self.past is not None or self.history_troubled

    async def counters(self, meter_id: str) -> list[RegisterKey] | None:
        return None if self.past is None else [key for key in self.past if key.meter == meter_id]

    async def history(
        self, key: RegisterKey, start: datetime, end: datetime, step: Step, zone: tzinfo
    ) -> list[Point] | None:
        assert self.past is not None
        if self.history_troubled:
            return None
        known = {point.at: point for point in self.past[key]}
        missing = Quality.MISSING
        return [known.get(at, Point(at, None, missing)) for at in boundaries(start, end, step, zone)]

    def mqtt_state(self) -> dict[str, Any]:
        return {"enabled": True, "connected": False, "problem": "no broker"}

    def add(self, meter: MeterIdentity = METER, **options: Any) -> None:
        """Add a meter, with what clients wish to be watched."""
        shown = MeterOptions(60, meter.id, **options)
        self.feed.meter_added(
            meter, replace(shown, thresholds=(*shown.thresholds, *self.clients.thresholds_of(meter.id)))
        )

    def read(self, *lines: str, meter: MeterIdentity = METER) -> None:
        """Hand on a reading, a minute after the last one."""
        self.reads += 1
        made = reading(*(lines or LINES), at=NOON + timedelta(minutes=self.reads), meter=meter)
        self.states[meter.id], derived = derive(self.states.get(meter.id, DerivedState()), made)
        self.feed.publish_reading(made, derived, HEALTH)


@dataclass
class Api:
    """Everything that runs, and a session of a client that is paired."""

    server: ApiServer
    service: Service
    clients: Clients
    pairing: Pairing
    session: aiohttp.ClientSession
    token: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    @property
    def feed(self) -> Feed:
        return self.service.feed

    async def ask(self, method: str, path: str, *, token: str | None = "own", **more: Any) -> tuple[int, Any]:
        """Return status and document of a request below /api/v1."""
        headers = {"Authorization": f"Bearer {self.token if token == 'own' else token}"} if token else {}
        headers |= more.pop("headers", {})
        async with self.session.request(method, f"{self.url}{BASE}{path}", headers=headers, **more) as response:
            text = await response.text()
            return response.status, await response.json(content_type=None) if text else None

    async def stream(self, **subscription: Any) -> tuple[aiohttp.ClientWebSocketResponse, dict[str, Any]]:
        """Return an open stream that has subscribed, and its welcome."""
        headers = {"Authorization": f"Bearer {self.token}"}
        socket = await self.session.ws_connect(f"{self.url}{BASE}/stream", headers=headers)
        welcome = await socket.receive_json(timeout=5)
        await socket.send_json({"type": "subscribe", **subscription})
        return socket, welcome


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    """Return a served API with one meter that has been read once."""
    clients, pairing = Clients(tmp_path / "tokens.json"), Pairing()
    feed = Feed(lambda meter: [one.id for one in clients.thresholds_of(meter)])
    service = Service(feed, clients)
    server = ApiServer(
        ApiSettings(port=0, host="127.0.0.1"), GATEWAY, "0123456789abcdef", clients, pairing, service, feed
    )
    await server.start()
    service.add()
    service.read()
    _, token = clients.add("test")
    async with aiohttp.ClientSession() as session:
        yield Api(server, service, clients, pairing, session, token)
    await server.stop()
    # Files are written aside: the folder goes with the test.
    await asyncio.get_running_loop().shutdown_default_executor()
