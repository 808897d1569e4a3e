"""50 clients on the API's stream while a meter pushes one telegram a second; the gateway's processor time beside none."""

from __future__ import annotations

import asyncio
import re
import socket
import tempfile
import time
from pathlib import Path

import aiohttp

from tests.benchmarks.figures import Figure, number
from tests.benchmarks.processes import COMMAND, Program, program
from tests.benchmarks.pushing_meter import RATE, pushing_meters

CLIENTS = 50
SECONDS = 20.0

_CODE = re.compile(r"pairing code [^:]*: (\d{3} \d{3})")


def measure() -> list[Figure]:
    """Return the processor time with all clients, and what of it is theirs."""
    with tempfile.TemporaryDirectory() as name, pushing_meters(Path(name)) as (link,):
        folder, port = Path(name), _free_port()
        (folder / "obis-gateway.yaml").write_text(
            f"port: {link}\nmode: D\nbaudrate: {RATE}\nmqtt: {{enabled: false}}\n"
            f"api: {{host: 127.0.0.1, port: {port}, announce: false}}\ngateway: {{state_dir: {folder}/state}}\n"
        )
        with program([COMMAND, "run", "--config", folder / "obis-gateway.yaml"]) as gateway:
            return asyncio.run(_measure(gateway, port))


async def _measure(gateway: Program, port: int) -> list[Figure]:
    token = await _pair(gateway, port)
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers) as session:
        watcher = await _subscribed(session)
        for _ in range(3):
            await _reading(watcher)
        alone, _ = await _share(gateway)
        clients = [watcher, *[await _subscribed(session) for _ in range(CLIENTS - 1)]]
        counts = [0] * CLIENTS
        listening = [asyncio.create_task(_count(client, counts, place)) for place, client in enumerate(clients)]
        await asyncio.sleep(2)
        before = list(counts)
        share, seconds = await _share(gateway)
        got = [now - then for now, then in zip(counts, before, strict=True)]
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
    least = min(got)
    note = f"{number(alone)} % with one client; over {seconds:.0f} s, each client got {least} to {max(got)} readings"
    return [
        Figure(f"{CLIENTS} clients at a reading a second: CPU of the gateway", share, "% of a core", 5, note=note),
        Figure(f"{CLIENTS} clients: readings a second at the slowest", least / seconds, "", 0.95, at_least=True),
    ]


async def _share(gateway: Program) -> tuple[float, float]:
    spent, start = gateway.processor_time, time.monotonic()
    await asyncio.sleep(SECONDS)
    seconds = time.monotonic() - start
    return 100 * (gateway.processor_time - spent) / seconds, seconds


async def _pair(gateway: Program, port: int) -> str:
    async with asyncio.timeout(20):
        while (found := _CODE.search(gateway.errors)) is None:  # noqa: ASYNC110 - another program's doing
            await asyncio.sleep(0.05)
    body = {"code": found[1], "name": "Benchmark"}
    url = f"http://127.0.0.1:{port}/api/v1/pair"
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as answer:
        return str((await answer.json())["token"])


async def _subscribed(session: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
    client = await session.ws_connect("/api/v1/stream", max_msg_size=0)
    await client.receive_json()
    await client.send_json({"type": "subscribe"})
    await client.receive_json()
    return client


async def _reading(client: aiohttp.ClientWebSocketResponse) -> None:
    async with asyncio.timeout(20):
        while (await client.receive_json())["type"] != "reading":
            pass


async def _count(client: aiohttp.ClientWebSocketResponse, counts: list[int], place: int) -> None:
    while True:
        # Taken apart no further than is needed: the clients' own work is not measured.
        counts[place] += '"type":"reading"' in (await client.receive_str())[:40]


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
