"""The stream as clients see it, those that were away, those that are slow and those that misbehave."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from obisgw.web import feed as feeds
from obisgw.web import stream as streams
from obisgw.web.edges import BASE
from tests.mqtt.samples import METER

if TYPE_CHECKING:
    from .conftest import Api


async def types(socket: aiohttp.ClientWebSocketResponse, count: int) -> list[str]:
    """Return the types of the next messages."""
    return [(await socket.receive_json(timeout=5))["type"] for _ in range(count)]


async def closed(socket: aiohttp.ClientWebSocketResponse) -> tuple[int | None, list[dict[str, Any]]]:
    """Return the code by which the gateway ends a stream, and what it said before."""
    said = []
    while (message := await socket.receive(timeout=15)).type is aiohttp.WSMsgType.TEXT:
        said.append(json.loads(message.data))
    return socket.close_code, said


async def test_a_new_client_gets_everything_and_then_each_change(api: Api) -> None:
    """In order, numbered on from the snapshot."""
    socket, welcome = await api.stream(stream=None, since=None)
    assert welcome["type"] == "welcome"
    assert welcome["gateway"]["id"] == "0123456789abcdef"
    snapshot = await socket.receive_json(timeout=5)
    assert snapshot["type"] == "snapshot"
    assert snapshot["complete"] is True
    assert snapshot["meters"] == (await api.ask("GET", "/meters"))[1]["meters"]
    api.service.read()
    api.service.read()
    changes = [await socket.receive_json(timeout=5) for _ in range(2)]
    assert [change["sequence"] for change in changes] == [snapshot["sequence"] + 1, snapshot["sequence"] + 2]
    assert {change["type"] for change in changes} == {"reading"}
    await socket.close()


async def test_a_client_that_was_away_gets_what_it_missed(api: Api) -> None:
    """Each message once, without the rest."""
    since = api.feed.sequence
    api.service.read()
    api.service.read("F.F(01)")
    socket, _ = await api.stream(stream=api.feed.stream, since=since)
    assert await types(socket, 3) == ["reading", "reading", "event"]
    api.service.read()
    assert (await socket.receive_json(timeout=5))["sequence"] == since + 4
    await socket.close()


async def test_a_client_that_missed_nothing_waits(api: Api) -> None:
    """The next message is the next change."""
    socket, _ = await api.stream(stream=api.feed.stream, since=api.feed.sequence)
    api.service.read()
    assert (await socket.receive_json(timeout=5))["sequence"] == api.feed.sequence
    await socket.close()


@pytest.mark.parametrize(
    "subscription",
    [
        {"stream": "another run", "since": 1},
        {"stream": None, "since": 1},
        {"stream": "own", "since": 10**9},
        {"stream": "own", "since": -5},
        {"stream": "own", "since": None},
        {"stream": "own", "since": 0, "shift": True},
    ],
)
async def test_a_client_that_cannot_catch_up_gets_everything(
    api: Api, subscription: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is told that events may have been missed."""
    if subscription.pop("shift", False):
        monkeypatch.setattr(feeds, "RING", 1)
        api.service.read()
    if subscription["stream"] == "own":
        subscription["stream"] = api.feed.stream
    socket, _ = await api.stream(**subscription)
    snapshot = await socket.receive_json(timeout=5)
    assert snapshot["type"] == "snapshot"
    assert snapshot["sequence"] == api.feed.sequence
    assert snapshot["complete"] is (subscription["stream"] is None)
    await socket.close()


@pytest.mark.parametrize(
    "message",
    [
        "",
        "x",
        "[]",
        "1",
        "{}",
        '{"type": "subscribe", "since": "1"}',
        '{"type": "subscribe", "since": true}',
        '{"type": "subscribe", "since": 1.5}',
        '{"type": "subscribe", "stream": 5}',
        '{"type": "auth", "token": "x"}',
        "[" * 4000,
    ],
)
async def test_what_is_no_subscription_ends_the_stream_with_the_reason(api: Api, message: str) -> None:
    """The client learns what to send."""
    headers = {"Authorization": f"Bearer {api.token}"}
    socket = await api.session.ws_connect(f"{api.url}{BASE}/stream", headers=headers)
    await socket.receive_json(timeout=5)
    await socket.send_str(message)
    code, said = await closed(socket)
    assert code == 4400
    assert said[-1]["problem"]["type"] == "urn:obis-gateway:problem:invalid_request"


async def test_a_message_too_long_ends_the_stream(api: Api) -> None:
    """Clients have little to say."""
    socket, _ = await api.stream()
    await socket.send_str("x" * 10_000)
    code, _ = await closed(socket)
    assert code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG


@pytest.mark.parametrize("kind", ["text", "bytes"])
async def test_a_second_message_ends_the_stream(api: Api, kind: str) -> None:
    """There is one subscription."""
    socket, _ = await api.stream()
    await socket.receive_json(timeout=5)
    await (socket.send_str("{}") if kind == "text" else socket.send_bytes(b"\x00"))
    assert (await closed(socket))[0] == 4400


async def test_a_browser_shows_its_token_in_the_first_message(api: Api) -> None:
    """It can send no header."""
    socket = await api.session.ws_connect(f"{api.url}{BASE}/stream", origin=api.url)
    await socket.send_json({"type": "auth", "token": api.token})
    await socket.send_json({"type": "subscribe"})
    assert await types(socket, 2) == ["welcome", "snapshot"]
    await socket.close()


@pytest.mark.parametrize(
    "first",
    [
        {"type": "auth", "token": "wrong"},
        {"type": "auth", "token": None},
        {"type": "auth"},
        {"type": "subscribe"},
        [],
    ],
)
async def test_without_its_token_nothing_is_told(api: Api, first: Any) -> None:
    """Not even the welcome."""
    socket = await api.session.ws_connect(f"{api.url}{BASE}/stream")
    await socket.send_json(first)
    code, said = await closed(socket)
    assert code == 4401
    assert [document["type"] for document in said] == ["error"]


@pytest.mark.parametrize("with_token", [False, True])
async def test_who_says_nothing_is_sent_away(api: Api, monkeypatch: pytest.MonkeyPatch, with_token: bool) -> None:  # noqa: FBT001
    """Before the token, and before the subscription."""
    monkeypatch.setattr(streams, "FIRST_MESSAGE_WITHIN", 0.05)
    headers = {"Authorization": f"Bearer {api.token}"} if with_token else {}
    socket = await api.session.ws_connect(f"{api.url}{BASE}/stream", headers=headers)
    assert (await closed(socket))[0] == (4400 if with_token else 4401)


@pytest.mark.slow
async def test_a_client_that_does_not_read_is_left_behind_and_costs_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others get all; it is told, or cut off."""
    monkeypatch.setattr(feeds, "RING", 50)
    slow, _ = await api.stream()
    quick, _ = await api.stream()
    await quick.receive_json(timeout=5)
    assert slow._conn is not None
    transport = slow._conn.transport
    assert isinstance(transport, asyncio.Transport)
    transport.pause_reading()
    api.service.read(*(f"X{place}({'9' * 200})" for place in range(400)))
    last = 0
    for _ in range(120):
        api.service.read(*(f"X{place}({'9' * 200})" for place in range(400)))
        while last < api.feed.sequence:
            last = (await quick.receive_json(timeout=5))["sequence"]
    transport.resume_reading()
    code, said = await closed(slow)
    assert (code, said[-1]["type"]) in {(4429, "error"), (1006, "reading"), (1006, "snapshot"), (1006, "meter")}
    await quick.close()


async def test_clients_may_come_and_go_every_moment(api: Api) -> None:
    """Nothing of them stays."""
    for _ in range(50):
        socket, _ = await api.stream()
        transport = socket._response.connection.transport if socket._response.connection else None
        assert transport is not None
        transport.abort()
    api.service.read()
    socket, _ = await api.stream()
    assert await types(socket, 1) == ["snapshot"]
    api.service.read()
    assert await types(socket, 1) == ["reading"]
    await socket.close()


async def test_the_end_of_the_gateway_is_told_within_a_second(api: Api) -> None:
    """To those who listen and to those who wait for a reading."""
    sockets = [(await api.stream())[0] for _ in range(5)]
    for socket in sockets:
        await socket.receive_json(timeout=5)
    waiting = asyncio.create_task(api.ask("POST", f"/meters/{METER.id}/read?wait=100"))
    await api.service.was_asked.wait()
    began = time.monotonic()
    ended = [asyncio.create_task(closed(socket)) for socket in sockets]
    await api.server.stop()
    assert time.monotonic() - began < 1.5
    assert [(await task)[0] for task in ended] == [1001] * 5
    with pytest.raises(aiohttp.ClientError):
        await waiting


@pytest.mark.slow
async def test_a_thousand_meters_are_a_snapshot_like_any_other(api: Api) -> None:
    """Some megabytes, once."""
    lines = tuple(f"1.8.{tariff}(0012345.600*kWh)" for tariff in range(60))
    for count in range(1000):
        meter = replace(METER, id=f"isk_{count}", number=f"{count}")
        api.service.add(meter)
        api.service.read(*lines, meter=meter)
    headers = {"Authorization": f"Bearer {api.token}"}
    socket = await api.session.ws_connect(f"{api.url}{BASE}/stream", headers=headers, max_msg_size=0)
    await socket.receive_json(timeout=5)
    await socket.send_json({"type": "subscribe"})
    snapshot = await socket.receive_json(timeout=30)
    assert len(snapshot["meters"]) == 1001
    assert all(len(meter["registers"]) == 60 for meter in snapshot["meters"][1:])
    await socket.close()
