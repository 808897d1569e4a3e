"""A server at a gateway's place that answers as a test wishes: other versions, broken and hostile documents."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

GATEWAY_ID = "0123456789abcdef"


def register_document(number: int = 0, **more: Any) -> dict[str, Any]:
    """Return a register of a meter."""
    return {
        "id": f"1_0_1_8_{number}_255",
        "key": f"energy_{number}",
        "obis": f"1-0:1.8.{number}*255",
        "address": f"1.8.{number}",
        "name": f"Energy {number}",
        "kind": "number",
        "unit": "kWh",
        "device_class": "energy",
        "state_class": "total_increasing",
        "precision": 3,
        "category": None,
        "enabled": True,
        "billing_period": None,
        "translation_key": None,
        "placeholders": {},
        **more,
    }


def reading_document(registers: list[dict[str, Any]], value: str = "1.000", **more: Any) -> dict[str, Any]:
    """Return a reading of these registers."""
    return {
        "at": "2026-11-22T12:00:00.000Z",
        "duration": 4.25,
        "tariff": None,
        "values": {register["id"]: value for register in registers},
        "times": {},
        "thresholds": {},
        **more,
    }


def meter_document(meter_id: str = "abc_1", *, registers: int = 1, **more: Any) -> dict[str, Any]:
    """Return a meter as the API describes it."""
    described = [register_document(number) for number in range(registers)]
    return {
        "id": meter_id,
        "name": f"Meter {meter_id}",
        "number": meter_id.rpartition("_")[2],
        "manufacturer": "Maker",
        "model": "Model",
        "medium": "electricity",
        "interval": 10.0,
        "on_request": True,
        "available": True,
        "problem": None,
        "tariffs": [],
        "registers": described,
        "thresholds": [],
        "reading": reading_document(described),
        "health": {},
        "adopted": True,
        **more,
    }


@dataclass
class Impostor:
    """Answers ``meters`` and ``gateway`` with these documents, or with texts that are none."""

    gateway: Any = field(default_factory=dict)
    meters: Any = field(default_factory=lambda: [meter_document()])
    stream: str = "run"
    sequence: int = 0
    told: list[Any] = field(default_factory=list)
    """What a subscriber is told after its welcome; then the line is kept, or broken off with ``flaps``."""
    others: tuple[int, str] = (204, "")
    """Status and text of every other answer."""
    flaps: bool = False
    streams: bool = True
    """Whether there is a stream at all."""
    subscriptions: list[Any] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    port: int = 0
    sockets: list[web.WebSocketResponse] = field(default_factory=list)

    def gateway_document(self) -> Any:
        if not isinstance(self.gateway, dict):
            return self.gateway
        known = {"id": GATEWAY_ID, "name": "OBIS Gateway", "version": "1.0.0", "api": "1.0"}
        return {**known, "stream": self.stream, "sequence": self.sequence, **self.gateway}

    def meters_document(self) -> Any:
        if not isinstance(self.meters, list):
            return self.meters
        return {"stream": self.stream, "sequence": self.sequence, "meters": self.meters}

    def snapshot(self, **more: Any) -> dict[str, Any]:
        """Return all meters as the stream tells them."""
        return {"type": "snapshot", "complete": True, **self.meters_document(), **more}

    async def tell(self, *messages: Any) -> None:
        """Tell all subscribers."""
        for socket in self.sockets:
            for message in messages:
                await socket.send_str(message if isinstance(message, str) else json.dumps(message))

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = request.path.removeprefix("/api/v1/")
        self.asked.append(f"{request.method} {path}")
        match path:
            case "stream" if self.streams:
                return await self._stream(request)
            case "gateway":
                document = self.gateway_document()
            case "meters":
                document = self.meters_document()
            case "stream":
                return web.Response(status=404)
            case _:
                return web.Response(status=self.others[0], text=self.others[1])
        if isinstance(document, web.Response):
            return web.Response(status=document.status, body=document.body, headers=document.headers)
        return web.Response(text=document if isinstance(document, str) else json.dumps(document))

    async def _stream(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        welcome = {"type": "welcome", "api": "1.0", "gateway": self.gateway_document()}
        await socket.send_str(json.dumps(welcome))
        subscription = await socket.receive()
        if subscription.type is not WSMsgType.TEXT:
            return socket
        self.subscriptions.append(json.loads(subscription.data))
        for message in self.told:
            await socket.send_str(message if isinstance(message, str) else json.dumps(message))
        if self.flaps:
            await socket.close()
            return socket
        self.sockets.append(socket)
        async for _ in socket:
            pass
        self.sockets.remove(socket)
        return socket

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Impostor]:
        """Serve at a free port."""
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = runner.addresses[0][1]
        try:
            yield self
        finally:
            for socket in list(self.sockets):
                await socket.close()
            await runner.cleanup()
