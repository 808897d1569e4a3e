"""Connections that say nothing, too little, or no HTTP: none of them keeps a place or fills the log."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING

import pytest

from obisgw.web import bodies, entrance

if TYPE_CHECKING:
    import logging

    from tests.web.conftest import Api

pytestmark = pytest.mark.slow

HEALTH = b"GET /api/v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\n"


Connect = Callable[[bytes], Awaitable[asyncio.StreamReader]]


@pytest.fixture
async def connect(api: Api) -> AsyncIterator[Connect]:
    """Return what opens a connection, sends this, and returns what comes back at it."""
    writers: list[asyncio.StreamWriter] = []

    async def connected(sent: bytes) -> asyncio.StreamReader:
        reader, writer = await asyncio.open_connection("127.0.0.1", api.server.port)
        writers.append(writer)
        writer.write(sent)
        return reader

    yield connected
    for writer in writers:
        writer.transport.abort()


async def whole(reader: asyncio.StreamReader) -> bytes:
    """Return everything until the server ends the connection."""
    async with asyncio.timeout(5):
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""


def errors(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.levelname in {"WARNING", "ERROR", "CRITICAL"}]


@pytest.mark.parametrize("sent", [b"", b"G", HEALTH, HEALTH + b"X-Slow: "])
async def test_a_connection_without_a_whole_request_is_ended(
    connect: Connect, sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing, one character, and headers without end."""
    monkeypatch.setattr(entrance, "REQUEST_WITHIN", 0.1)
    assert await whole(await connect(sent)) == b""


async def test_a_stopped_server_waits_for_nobody(connect: Connect, api: Api) -> None:
    """Of a connection that said nothing no timer is left."""
    reader = await connect(b"")
    await api.ask("GET", "/gateway")
    door = api.server._entrance
    assert door is not None
    timers = list(door._silent.values())
    assert len(timers) == 1
    await api.server.stop()
    assert timers[0].cancelled()
    assert await whole(reader) == b""


async def test_a_stream_is_not_ended_for_its_silence(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once a request came, pings tell whether the client is there."""
    monkeypatch.setattr(entrance, "REQUEST_WITHIN", 0.1)
    socket, _ = await api.stream()
    assert (await socket.receive_json(timeout=5))["type"] == "snapshot"
    await asyncio.sleep(0.3)
    api.service.read()
    assert (await socket.receive_json(timeout=5))["type"] == "reading"
    await socket.close()


async def test_a_body_that_does_not_come_is_not_waited_for(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client learns why."""
    monkeypatch.setattr(bodies, "BODY_WITHIN", 0.1)
    head = b"POST /api/v1/pair HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 40\r\n\r\n{"
    answer = await whole(await connect(head))
    status, _, rest = answer.partition(b"\r\n")
    assert status == b"HTTP/1.1 408 Request Timeout"
    assert json.loads(rest.partition(b"\r\n\r\n")[2])["type"] == "urn:obis-gateway:problem:request_timeout"


async def test_too_many_connections_are_ended_and_those_that_are_there_go_on(
    api: Api, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever opens them without a request: files are what the meters' ports need too."""
    assert (await api.ask("GET", "/gateway"))[0] == 200
    monkeypatch.setattr(entrance, "MOST_OPEN_OF_ONE_ADDRESS", 3)
    readers = [await connect(b"") for _ in range(5)]
    assert [await whole(reader) for reader in readers[2:]] == [b"", b"", b""]
    assert (await api.ask("GET", "/gateway"))[0] == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03abc\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n",
        HEALTH + b"X: " + b"a" * 20_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        HEALTH + b"Host: evil.example\r\n\r\n",
        b"POST /api/v1/pair HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /api/v1/pair HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -9\r\n\r\n",
    ],
    ids=["TLS", "version", "long header", "long address", "two hosts", "two lengths", "negative length"],
)
async def test_what_is_no_http_is_answered_and_not_logged(
    connect: Connect, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Scanners of ports must not fill the log."""
    assert (await whole(await connect(sent))).startswith(b"HTTP/1.0 400 ")
    assert errors(caplog) == []


@pytest.mark.parametrize("body", [b"no gzip", gzip.compress(b'{"code": "123456", "name": "x"}')])
async def test_compressed_bodies_are_not_unpacked(api: Api, body: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """Neither good nor broken ones."""
    status, problem = await api.ask("POST", "/pair", data=body, headers={"Content-Encoding": "gzip"})
    assert (status, problem["type"]) == (400, "urn:obis-gateway:problem:invalid_request")
    assert errors(caplog) == []


async def test_a_client_that_leaves_in_the_middle_of_its_request_leaves_nothing_in_the_log(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    """It is no fault of the program."""
    reader, writer = await asyncio.open_connection("127.0.0.1", api.server.port)
    writer.write(b"POST /api/v1/pair HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-continue\r\nContent-Length: 40\r\n\r\n")
    # The handler asks for the body.
    assert (await reader.readline()).startswith(b"HTTP/1.1 100 ")
    writer.transport.abort()
    assert (await api.ask("GET", "/gateway"))[0] == 200
    assert errors(caplog) == []


async def test_the_answers_do_not_tell_which_programs_make_them(api: Api) -> None:
    """Whoever looks for a version with a known weakness does not find it here."""
    async with api.session.get(f"{api.url}/api/v1/health") as response:
        assert response.headers["Server"] == "obis-gateway"
