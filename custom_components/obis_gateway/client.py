"""The gateway's API, asked and listened to. Knows nothing of Home Assistant."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any
from urllib.parse import quote

import aiohttp
from yarl import URL

from .models import (
    Gateway,
    GatewayError,
    GatewayResponseError,
    Json,
    Message,
    Reading,
    Snapshot,
    Threshold,
    Welcome,
    message_of,
    object_of,
    printable,
)

API_MAJOR = 1
"""The major version of the API that this client speaks."""

ANSWER_WITHIN = 15.0
MESSAGE_WITHIN = 75.0
"""The gateway pings each 30 s; a line that is silent for longer is dead."""

CLOSE_WITHIN = 2.0

LARGE = 256 * 1024
LARGEST = 64 * 1024 * 1024
"""Bytes of a thousand meters."""
LARGEST_OF_ONE = 1024 * 1024
"""Bytes of all other answers."""
_TOKEN = re.compile(r"[!-~]{1,1000}")
"""What can stand in a header."""
_PROBLEM = "urn:obis-gateway:problem:"


class GatewayConnectionError(GatewayError):
    """The gateway does not answer."""


class GatewayCertificateError(GatewayConnectionError):
    """The gateway's certificate is not one that is trusted."""


class GatewayUnknownHostError(GatewayConnectionError):
    """The gateway's name has no address."""


class GatewayBusyError(GatewayConnectionError):
    """The gateway has as many connections as it takes."""


class GatewayAuthError(GatewayError):
    """The token is not, or no longer, good."""


class GatewayPairingError(GatewayError):
    """The code was not taken. ``reason`` is ``wrong_code`` or ``no_code``."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class GatewayLockedError(GatewayError):
    """Too many wrong codes. ``retry_after`` in seconds."""

    def __init__(self, retry_after: int, detail: str) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class GatewayVersionError(GatewayError):
    """The gateway speaks another version of the API. ``gateway_is_newer`` says which side to update."""

    def __init__(self, api: str) -> None:
        super().__init__(f"the gateway speaks version {api} of the API, and {API_MAJOR} is wanted")
        self.api = api
        major = api.partition(".")[0]
        self.gateway_is_newer = not major.isdecimal() or int(major[:9]) > API_MAJOR


class GatewayRefusedError(GatewayError):
    """The gateway understood and could not do it. ``problem`` is the API's name of the reason."""

    def __init__(self, problem: str, detail: str) -> None:
        super().__init__(detail)
        self.problem = problem


class GatewayClient:
    """One gateway. ``session`` is the application's."""

    def __init__(
        self, session: aiohttp.ClientSession, host: str, port: int, token: str | None = None, *, tls: bool = False
    ) -> None:
        self._session = session
        self._base = URL.build(scheme="https" if tls else "http", host=host.strip("[]"), port=port, path="/api/v1")
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}

    @property
    def page(self) -> str:
        """The address of the gateway's status page."""
        return str(self._base.with_path("/"))

    async def health(self) -> None:
        """Return when a gateway of our version answers."""
        document = await self._ask("GET", "health")
        if document.get("status") != "ok":
            raise GatewayResponseError("this is no OBIS Gateway")
        check_version(str(document.get("api", "")))

    async def pair(self, code: str, name: str) -> tuple[str, Gateway]:
        """Return a token for a pairing code, and which gateway gave it."""
        document = await self._ask("POST", "pair", body={"code": code, "name": name})
        token = document.get("token")
        if not isinstance(token, str) or _TOKEN.fullmatch(token) is None:
            raise GatewayResponseError("the answer holds no token")
        return token, self._of_our_version(Gateway.from_json(object_of(document.get("gateway"))))

    async def gateway(self) -> Gateway:
        """Return which gateway this is."""
        return self._of_our_version(Gateway.from_json(await self._ask("GET", "gateway")))

    async def meters(self) -> Snapshot:
        """Return all meters with their newest readings."""
        return await _made(await self._request("GET", "meters", most=LARGEST), Snapshot.from_json)

    async def read(self, meter: str, wait: float | None = None) -> Reading | None:
        """Ask for a reading now, and return it if ``wait`` seconds were given."""
        path = f"meters/{quote(meter, safe='')}/read"
        if wait is None:
            await self._ask("POST", path)
            return None
        document = await self._ask("POST", path, query={"wait": f"{wait:g}"}, within=wait + ANSWER_WITHIN)
        return Reading.from_json(document)

    async def adopt(self, meter: str) -> None:
        """Tell that this client shows a meter."""
        await self._ask("PUT", f"meters/{quote(meter, safe='')}/adoption")

    async def leave(self, meter: str) -> None:
        """Tell that this client does not show a meter any more."""
        await self._ask("DELETE", f"meters/{quote(meter, safe='')}/adoption")

    async def thresholds(self, meter: str) -> tuple[Threshold, ...]:
        """Return the limits that this client has set at a meter."""
        return _thresholds(await self._ask("GET", f"meters/{quote(meter, safe='')}/thresholds"))

    async def set_thresholds(self, meter: str, wanted: list[dict[str, Any]]) -> tuple[Threshold, ...]:
        """Replace the limits that this client has set at a meter."""
        path = f"meters/{quote(meter, safe='')}/thresholds"
        return _thresholds(await self._ask("PUT", path, body={"thresholds": wanted}))

    async def diagnostics(self) -> Json:
        """Return what helps to find a fault, without secrets."""
        return await _made(await self._request("GET", "diagnostics", most=LARGEST), object_of)

    async def revoke(self) -> None:
        """Revoke this client's token."""
        await self._ask("DELETE", "token")

    async def stream(self, stream: str | None, since: int | None) -> AsyncGenerator[Message]:
        """Yield what happens, until the connection ends. ``stream`` and ``since`` are what was seen last."""
        url = self._base / "stream"
        timeout = aiohttp.ClientWSTimeout(ws_close=CLOSE_WITHIN)
        try:
            async with (
                asyncio.timeout(ANSWER_WITHIN) as opening,
                self._session.ws_connect(url, headers=self._headers, max_msg_size=LARGEST, timeout=timeout) as socket,
            ):
                await socket.send_json({"type": "subscribe", "stream": stream, "since": since})
                # From now on messages and pings come at their own pace.
                opening.reschedule(None)
                while True:
                    received = await socket.receive(timeout=MESSAGE_WITHIN)
                    match received.type:
                        case aiohttp.WSMsgType.TEXT:
                            message = await _made(received.data, _message)
                        case aiohttp.WSMsgType.ERROR:
                            raise GatewayResponseError(f"the stream broke off: {received.data}")
                        case _:
                            raise _ended(socket.close_code)
                    if isinstance(message, Welcome):
                        check_version(message.gateway.api)
                    yield message
        except aiohttp.WSServerHandshakeError as error:
            if error.status == 401:
                raise GatewayAuthError("the token is not good any more") from error
            raise GatewayConnectionError(f"no stream: {error.status} {error.message}") from error
        except aiohttp.ClientConnectorCertificateError as error:
            raise GatewayCertificateError(str(error)) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise GatewayConnectionError(str(error) or "no answer in time") from error

    async def _ask(self, method: str, path: str, **more: Any) -> Json:  # noqa: ANN401 - as _request
        content = await self._request(method, path, most=LARGEST_OF_ONE, **more)
        return _json(content) if content else {}

    async def _request(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        within: float = ANSWER_WITHIN,
        most: int,
    ) -> bytes:
        url = URL(f"{self._base}/{path}", encoded=True).with_query(query or {})
        timeout = aiohttp.ClientTimeout(total=within)
        try:
            async with self._session.request(
                method, url, json=body, headers=self._headers, timeout=timeout, allow_redirects=False
            ) as response:
                content = await _content(response, most)
                if response.status in {200, 201, 202, 204}:
                    return content
                raise _error(response.status, _problem(content))
        except aiohttp.ClientConnectorCertificateError as error:
            raise GatewayCertificateError(str(error)) from error
        except aiohttp.ClientConnectorDNSError as error:
            raise GatewayUnknownHostError(str(error)) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise GatewayConnectionError(str(error) or "no answer in time") from error

    def _of_our_version(self, gateway: Gateway) -> Gateway:
        check_version(gateway.api)
        return gateway


def check_version(api: str) -> None:
    """Raise GatewayVersionError unless ``api`` is a version that this client speaks."""
    if api.partition(".")[0] != str(API_MAJOR):
        raise GatewayVersionError(api[:20] or "0")


async def _content(response: aiohttp.ClientResponse, most: int) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > most:
            raise GatewayResponseError(f"the answer has more than {most} bytes")
    return bytes(content)


async def _made[T](text: str | bytes, make: Callable[[Json], T]) -> T:
    """Return what ``make`` makes of a document; aside where it is large, so that nothing else waits for it."""
    if len(text) < LARGE:
        return make(_json(text))
    return await asyncio.to_thread(lambda: make(_json(text)))


def _message(document: Json) -> Message:
    if document.get("type") == "error":
        problem = object_of(document.get("problem"))
        raise _error(problem.get("status"), problem)
    return message_of(document)


def _json(text: str | bytes) -> Json:
    try:
        return object_of(json.loads(text, parse_constant=_no_number))
    except (ValueError, RecursionError) as error:
        raise GatewayResponseError("the answer is not JSON") from error


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def _problem(content: bytes) -> Json:
    try:
        return _json(content) if len(content) < LARGE else {}
    except GatewayResponseError:
        return {}


def _error(status: object, problem: Json) -> GatewayError:
    """Return the error of an answer that is no success."""
    kind = str(problem.get("type", ""))
    slug = kind.removeprefix(_PROBLEM) if kind.startswith(_PROBLEM) else ""
    detail = printable(str(problem.get("detail") or f"status {status}"), 500)
    match slug:
        case "unauthorized":
            return GatewayAuthError(detail)
        case "wrong_code" | "no_code":
            return GatewayPairingError(slug, detail)
        case "pairing_locked":
            seconds = problem.get("retry_after")
            return GatewayLockedError(seconds if isinstance(seconds, int) else 60, detail)
        case "too_many_connections":
            return GatewayBusyError(detail)
        case "too_slow":
            return GatewayConnectionError(detail)
        case "":
            return GatewayResponseError(f"this is no OBIS Gateway ({detail})")
        case _:
            return GatewayRefusedError(slug, detail)


def _ended(code: int | None) -> GatewayError:
    if code == 4401:
        return GatewayAuthError("the token is not good any more")
    return GatewayConnectionError(f"the gateway ended the stream ({code})")


def _thresholds(document: Json) -> tuple[Threshold, ...]:
    found = document.get("thresholds")
    if not isinstance(found, list):
        raise GatewayResponseError("'thresholds' is missing")
    return tuple(Threshold.from_json(object_of(one)) for one in found)
