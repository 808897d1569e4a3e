"""The addresses of the API and what each does. None of them writes to a meter."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aiohttp import WSCloseCode, web

from .access import asking, client
from .bodies import body_of, check_units, text_of, thresholds_of, wait_of
from .documents import thresholds_document, utc
from .edges import API_VERSION, BASE
from .feed import Kind
from .openapi import openapi_document
from .problems import Problem, ProblemError
from .stream import HEARTBEAT, LONGEST_MESSAGE, Close, Ending, Stream, close, first_token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from obisgw.readings.shown import GatewayInfo

    from .clients import Client, Clients
    from .edges import ServiceEdge
    from .feed import Feed
    from .pairing import Pairing


class Api:
    """The handlers. ``installation`` tells this gateway from all others, wherever it moves."""

    def __init__(
        self,
        gateway: GatewayInfo,
        installation: str,
        clients: Clients,
        pairing: Pairing,
        service: ServiceEdge,
        feed: Feed,
    ) -> None:
        self._gateway = gateway
        self._installation = installation
        self._clients = clients
        self._pairing = pairing
        self._service = service
        self._feed = feed
        self._started_at = datetime.now(UTC)
        self._streams: dict[Stream, str] = {}
        self._waiting: set[asyncio.Future[None]] = set()

    def routes(self) -> list[web.RouteDef]:
        """Return all addresses below ``BASE``."""
        return [
            web.get(f"{BASE}/health", self.health),
            web.post(f"{BASE}/pair", self.pair),
            web.delete(f"{BASE}/token", self.revoke),
            web.get(f"{BASE}/gateway", self.gateway),
            web.get(f"{BASE}/meters", self.meters),
            web.get(f"{BASE}/meters/{{meter}}", self.meter),
            web.get(f"{BASE}/meters/{{meter}}/reading", self.reading),
            web.post(f"{BASE}/meters/{{meter}}/read", self.read),
            web.put(f"{BASE}/meters/{{meter}}/adoption", self.adopt),
            web.delete(f"{BASE}/meters/{{meter}}/adoption", self.leave),
            web.get(f"{BASE}/meters/{{meter}}/thresholds", self.thresholds),
            web.put(f"{BASE}/meters/{{meter}}/thresholds", self.set_thresholds),
            web.get(f"{BASE}/diagnostics", self.diagnostics),
            web.get(f"{BASE}/openapi.json", self.openapi),
            web.get(f"{BASE}/stream", self.stream, allow_head=False),
        ]

    # --- everybody

    async def health(self, _: web.Request) -> web.Response:
        """Tell that the gateway is there, and nothing else."""
        return _json({"status": "ok", "api": API_VERSION})

    async def pair(self, request: web.Request) -> web.Response:
        """Exchange a pairing code for a token."""
        body = await body_of(request)
        name = text_of(body, "name")
        self._pairing.try_code(text_of(body, "code", longest=32), asyncio.get_running_loop().time())
        added, token = self._clients.add(name)
        answer = {"token": token, "token_id": added.id, "gateway": self._gateway_document()}
        return _json(answer, HTTPStatus.CREATED)

    # --- clients

    async def revoke(self, _: web.Request) -> web.Response:
        """Revoke the token that was shown."""
        self._clients.revoke(client().id)
        return web.Response(status=HTTPStatus.NO_CONTENT)

    async def gateway(self, _: web.Request) -> web.Response:
        """Describe the gateway."""
        return _json(self._gateway_document())

    async def meters(self, _: web.Request) -> web.Response:
        """Describe all meters."""
        feed = self._feed
        return _json({"stream": feed.stream, "sequence": feed.sequence, "meters": self._meters(client())})

    async def meter(self, request: web.Request) -> web.Response:
        """Describe one meter."""
        return _json(self._document_of(self._meter_of(request), client()))

    async def reading(self, request: web.Request) -> web.Response:
        """Return a meter's newest reading."""
        return _json(self._reading_of(self._meter_of(request)))

    async def read(self, request: web.Request) -> web.Response:
        """Read a meter as soon as its line is free."""
        meter, wait = self._meter_of(request), wait_of(request)
        if not self._feed.on_request(meter):
            detail = f"{meter} sends by itself and cannot be asked; its next reading comes when it sends"
            raise ProblemError(Problem.NOT_ON_REQUEST, detail, {"meter": meter})
        since = self._feed.sequence
        if not self._service.read_now(meter):
            raise _unknown(meter)
        if wait is None:
            return _json({"accepted": True}, HTTPStatus.ACCEPTED)
        waiting = asyncio.ensure_future(self._outcome(meter, since, wait))
        self._waiting.add(waiting)
        try:
            await waiting
        finally:
            waiting.cancel()
            self._waiting.discard(waiting)
        return _json(self._reading_of(meter))

    async def adopt(self, request: web.Request) -> web.Response:
        """Note that a client shows this meter, so that MQTT discovery does not."""
        self._clients.adopt(client().id, self._meter_of(request))
        self._service.clients_changed()
        return web.Response(status=HTTPStatus.NO_CONTENT)

    async def leave(self, request: web.Request) -> web.Response:
        """Note that a client does not show this meter any more."""
        # Also a meter that is gone can be left.
        self._clients.leave(client().id, request.match_info["meter"])
        self._service.clients_changed()
        return web.Response(status=HTTPStatus.NO_CONTENT)

    async def thresholds(self, request: web.Request) -> web.Response:
        """Return a client's thresholds of a meter."""
        return self._thresholds(client(), self._meter_of(request))

    async def set_thresholds(self, request: web.Request) -> web.Response:
        """Replace a client's thresholds of a meter."""
        own_client, meter = client(), self._meter_of(request)
        wanted = thresholds_of(await body_of(request))
        own = {one.id for one in self._clients.thresholds_of(meter, own_client.id)}
        document = self._document_of(meter, own_client)
        check_units(wanted, document)
        others = {one["id"] for one in document["thresholds"]} - own
        for one in wanted:
            if one.id in others:
                detail = f"'{one.name}' is watched already, by the configuration or another client: choose another name"
                raise ProblemError(Problem.THRESHOLD_CONFLICT, detail, {"meter": meter})
        self._clients.set_thresholds(own_client.id, meter, wanted)
        self._service.clients_changed()
        return self._thresholds(own_client, meter)

    async def diagnostics(self, _: web.Request) -> web.Response:
        """Return what helps to find a fault, without secrets."""
        feed = self._feed
        return _json(
            {
                "gateway": self._gateway_document(),
                "service": dict(self._service.diagnostics()),
                "clients": len(self._clients.list()),
                "streams": len(self._streams),
                "meters": [feed.meter(meter) for meter in feed.meters],
            }
        )

    async def openapi(self, _: web.Request) -> web.Response:
        """Return this API's description."""
        return _json(openapi_document())

    async def stream(self, request: web.Request) -> web.WebSocketResponse:
        """Send every change as it happens."""
        socket = web.WebSocketResponse(heartbeat=HEARTBEAT, max_msg_size=LONGEST_MESSAGE, compress=False)
        if not socket.can_prepare(request).ok:
            raise ProblemError(Problem.INVALID_REQUEST, "this address speaks WebSocket only")
        await socket.prepare(request)
        found = asking()
        if found is None:
            token = await first_token(socket)
            found = None if token is None else self._clients.check(token)
        if found is None:
            detail = "the token is missing, wrong or revoked: pair again"
            await close(socket, Ending(ProblemError(Problem.UNAUTHORIZED, detail), Close.UNAUTHORIZED))
            return socket
        stream = Stream(self._feed, self._welcome, lambda: self._meters(found))
        self._streams[stream] = found.id
        try:
            await stream.run(socket)
        finally:
            del self._streams[stream]
        return socket

    # --- life

    def end(self) -> None:
        """End what would go on for long: streams, and requests that wait for a reading."""
        self.end_streams(Ending(None, WSCloseCode.GOING_AWAY))
        for waiting in self._waiting:
            waiting.cancel()

    def end_streams(self, ending: Ending, client_id: str | None = None) -> None:
        """End the streams of one client, or all."""
        for stream, owner in self._streams.items():
            if client_id in {None, owner}:
                stream.end(ending)

    # --- inside

    def _gateway_document(self) -> dict[str, Any]:
        return {
            "id": self._installation,
            "slug": self._gateway.id,
            "name": self._gateway.name,
            "version": self._gateway.version,
            "api": API_VERSION,
            "started_at": utc(self._started_at),
            "stream": self._feed.stream,
            "sequence": self._feed.sequence,
            "mqtt": dict(self._service.mqtt_state()),
        }

    def _welcome(self) -> dict[str, Any]:
        feed = self._feed
        gateway = self._gateway_document()
        return {"api": API_VERSION, "stream": feed.stream, "sequence": feed.sequence, "gateway": gateway}

    def _meters(self, owner: Client) -> list[dict[str, Any]]:
        return [self._document_of(meter, owner) for meter in self._feed.meters]

    def _document_of(self, meter: str, owner: Client) -> dict[str, Any]:
        document: Mapping[str, Any] = self._feed.meter(meter) or {}
        return {**document, "adopted": meter in owner.adopted}

    def _thresholds(self, owner: Client, meter: str) -> web.Response:
        own = self._clients.thresholds_of(meter, owner.id)
        return _json({"thresholds": thresholds_document(own, [one.id for one in own])})

    def _meter_of(self, request: web.Request) -> str:
        meter = request.match_info["meter"]
        if meter not in self._feed:
            raise _unknown(meter)
        return meter

    def _reading_of(self, meter: str) -> dict[str, Any]:
        reading: dict[str, Any] | None = (self._feed.meter(meter) or {}).get("reading")
        if reading is None:
            detail = f"{meter} has not been read since the gateway started: wait, or ask for a reading"
            raise ProblemError(Problem.NO_READING, detail, {"meter": meter})
        return reading

    async def _outcome(self, meter: str, since: int, wait: float) -> None:
        """Return when the meter was read; raises ProblemError when it was not."""
        try:
            async with asyncio.timeout(wait):
                while True:
                    await self._feed.changed(since)
                    for message in self._feed.after(since):
                        since = message.sequence
                        if message.meter == meter and message.kind is Kind.READING:
                            return
                        if message.meter == meter and message.kind in {Kind.AVAILABILITY, Kind.METER_REMOVED}:
                            problem = (self._feed.meter(meter) or {}).get("problem")
                            if problem or message.kind is Kind.METER_REMOVED:
                                detail = problem or f"{meter} was removed from the configuration"
                                raise ProblemError(Problem.READ_FAILED, detail, {"meter": meter})
        except TimeoutError as error:
            detail = f"{meter} was not read within {wait:g} s; the readout goes on and is shown when it comes"
            raise ProblemError(Problem.READ_TIMEOUT, detail, {"meter": meter}) from error


def _unknown(meter: str) -> ProblemError:
    detail = "the meter was removed, or not read yet: GET /api/v1/meters lists those there are"
    return ProblemError(Problem.UNKNOWN_METER, detail, {"meter": meter[:100]})


def _json(document: Mapping[str, Any], status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    return web.json_response(document, status=status)
