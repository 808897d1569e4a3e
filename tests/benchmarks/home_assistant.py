"""The integration in a real Home Assistant: from a reading at the gateway to the state, and how long it takes to set up."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse

from tests.benchmarks.figures import Figure, median, number, percentile
from tests.benchmarks.pushing_meter import RATE, pushing_meters, size_of
from tests.live.gateway import Gateway, Simulated
from tests.live.home_assistant import HomeAssistant
from tests.live.installed import Installed, add_by_address, becomes
from tests.mqtt.brokers import free_port

METERS = 3
REGISTERS = 60
READINGS = 40
TIMES = 5


def measure() -> list[Figure]:
    """Return the figures of three meters with 60 registers each, which send once a second."""
    with tempfile.TemporaryDirectory() as name:
        return asyncio.run(_measure(Path(name)))


async def _measure(folder: Path) -> list[Figure]:
    with pushing_meters(folder, METERS, size_of(REGISTERS)) as links:
        meters = tuple(Simulated(link.name, pushes=True, port=link, baudrate=RATE) for link in links)
        home = HomeAssistant(folder / "config", free_port(), zeroconf=False)
        async with Gateway(folder / "gateway", meters) as gateway:
            try:
                await home.start()
                await gateway.let_in()
                documents = [await gateway.meter(place) for place in range(METERS)]
                figures = await _figures(home, gateway, [len(one["registers"]) for one in documents])
            finally:
                await home.stop()
    blocking = home.log.count("blocking call")
    return [*figures, Figure("Home Assistant: calls that block its loop", blocking, "", 0, note=_said(home))]


def _said(home: HomeAssistant) -> str:
    return "; ".join(home.complaints())[:200] or "by its own detection; nothing else in its log either"


async def _figures(home: HomeAssistant, gateway: Gateway, registers: list[int]) -> list[Figure]:
    code = await gateway.code()
    began = time.monotonic()
    ended = await add_by_address(home, gateway.port, code)
    first = time.monotonic() - began
    found = Installed(home, gateway, ended["result"]["entry_id"])
    entities = len(await found.entities())
    what = f"{METERS} meters of {max(registers)} registers, {entities} entities"
    times, lags = [], []
    for _ in range(TIMES):
        await home.socket.call("config_entries/disable", entry_id=found.entry_id, disabled_by="user")
        lag = asyncio.create_task(_lag(home))
        await asyncio.sleep(0.2)
        began = time.monotonic()
        await home.socket.call("config_entries/disable", entry_id=found.entry_id, disabled_by=None)
        times.append(time.monotonic() - began)
        lag.cancel()
        lags.append(max(await lag))
        assert (await found.entry())["state"] == "loaded"
        states = await home.states()
        shown = [one["entity_id"] for one in (await found.entities()).values() if one["disabled_by"] is None]
        assert all(one in states for one in shown)
    note = f"{what}; median of {TIMES}, {number(min(times))} to {number(max(times))} s; by the flow, pairing too, {number(first)} s"
    delays = await _delays(found)
    spread = f"{len(delays)} readings, {number(min(delays))} to {number(max(delays))} ms, 99 % {number(percentile(delays, 99))}"
    return [
        Figure(
            "Home Assistant: reading at the gateway to the last of its states", median(delays), "ms", 50, note=spread
        ),
        Figure("Home Assistant: entry set up", median(times), "s", 1, note=note),
        Figure(
            "Home Assistant: longest wait for its loop during that", 1000 * max(lags), "ms", note="round trip of a ping"
        ),
    ]


async def _lag(home: HomeAssistant) -> list[float]:
    """Return how long each ping took, until cancelled."""
    waits = [0.0]
    with contextlib.suppress(asyncio.CancelledError):
        while True:
            began = time.monotonic()
            await home.socket.ping()
            waits.append(time.monotonic() - began)
            await asyncio.sleep(0.002)
    return waits


async def _delays(found: Installed) -> list[float]:
    """Return milliseconds from the last byte of each reading to the last state that Home Assistant made of it."""
    meter = (await found.gateway.meter())["id"]
    ours = {one["entity_id"] for key, one in (await found.entities()).items() if key.startswith(meter)}
    readings: list[datetime] = []
    written: list[datetime] = []

    async def enough() -> bool:
        return len(readings) > READINGS + 1

    headers = {"Authorization": f"Bearer {found.gateway.token}"}
    async with (
        ClientSession(f"http://127.0.0.1:{found.gateway.port}", headers=headers) as session,
        session.ws_connect("/api/v1/stream", max_msg_size=0) as stream,
        found.home.socket.subscribed("subscribe_events", event_type="state_changed") as changes,
    ):
        await stream.send_json({"type": "subscribe"})
        tasks = [
            asyncio.create_task(_note_states(changes, ours, written)),
            asyncio.create_task(_note_readings(stream, meter, readings)),
        ]
        await becomes(enough, READINGS + 30)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    delays = []
    for at, following in itertools.pairwise(readings):
        if of_it := [moment for moment in written if at <= moment < following]:
            delays.append(1000 * (max(of_it) - at).total_seconds())
    return delays


async def _note_states(changes: asyncio.Queue[Any], ours: set[str], written: list[datetime]) -> None:
    while True:
        event = await changes.get()
        if event["data"]["entity_id"] in ours:
            written.append(datetime.fromisoformat(event["time_fired"]))


async def _note_readings(stream: ClientWebSocketResponse, meter: str, readings: list[datetime]) -> None:
    async for message in stream:
        document = message.json()
        if document["type"] == "reading" and document["meter"] == meter:
            readings.append(datetime.fromisoformat(document["reading"]["at"]))
