"""The client by itself: what it asks the real API, and what it makes of answers. Nothing of Home Assistant."""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncIterator
from contextlib import aclosing
from decimal import Decimal
from pathlib import Path

import aiohttp
import pytest

from custom_components.obis_gateway import client as module
from custom_components.obis_gateway.client import (
    GatewayAuthError,
    GatewayBusyError,
    GatewayClient,
    GatewayConnectionError,
    GatewayLockedError,
    GatewayPairingError,
    GatewayRefusedError,
    GatewayVersionError,
)
from custom_components.obis_gateway.models import (
    GatewayResponseError,
    MeterEvent,
    NewReading,
    Reading,
    Register,
    Snapshot,
    Welcome,
)
from obisgw.readings.derive import EventKind
from tests.home_assistant.integration.impostor import Impostor, meter_document
from tests.home_assistant.integration.running import RunningGateway
from tests.mqtt.samples import METER

ENERGY = "1_0_1_8_0_255"

# A stream that is broken off leaves the server's own heartbeat behind.
pytestmark = pytest.mark.parametrize("expected_lingering_timers", [True])


@pytest.fixture
async def session(socket_enabled: None) -> AsyncIterator[aiohttp.ClientSession]:
    """Return a session."""
    async with aiohttp.ClientSession() as made:
        yield made


@pytest.fixture
def client(session: aiohttp.ClientSession, gateway: RunningGateway) -> GatewayClient:
    """Return a client that is paired with the running gateway."""
    return GatewayClient(session, gateway.host, gateway.port, gateway.new_token())


async def test_client_and_models_need_nothing_of_home_assistant() -> None:
    """They can be used, and tested, without it."""
    root = Path(module.__file__).parent
    for name in ("client", "models", "known", "address", "export"):
        text = (root / f"{name}.py").read_text()
        assert "homeassistant" not in text, name


async def test_all_that_is_known_is_asked_for(client: GatewayClient, gateway: RunningGateway) -> None:
    """Which gateway, which meters, what they show."""
    await client.health()
    own = await client.gateway()
    assert (own.id, own.name, own.version, own.api) == (gateway.id, "OBIS Gateway", "0.2.0", "1.0")
    assert client.page == f"{gateway.url}/"
    snapshot = await client.meters()
    assert (snapshot.stream, snapshot.sequence) == (gateway.feed.stream, gateway.feed.sequence)
    meter = snapshot.meters[METER.id]
    assert (meter.number, meter.manufacturer, meter.model, meter.tariffs) == (
        "12345678",
        "Iskraemeco",
        "MT174",
        ("t1", "t2"),
    )
    assert meter.reading is not None
    assert meter.reading.number(ENERGY) == Decimal("12345.600")
    assert meter.registers[ENERGY].unit == "kWh"
    assert meter.registers[ENERGY].label == "Energy import (1-0:1.8.0*255)"
    assert (await client.diagnostics())["clients"] == 1


async def test_a_code_becomes_a_token_which_can_be_given_back(
    session: aiohttp.ClientSession, gateway: RunningGateway
) -> None:
    """What does not, says why."""
    stranger = GatewayClient(session, gateway.host, gateway.port)
    with pytest.raises(GatewayPairingError) as wrong:
        await stranger.pair("000000", "test")
    assert wrong.value.reason == "no_code"
    token, own = await stranger.pair(gateway.pair_code(), "test")
    assert own.id == gateway.id
    paired = GatewayClient(session, gateway.host, gateway.port, token)
    await paired.gateway()
    await paired.revoke()
    with pytest.raises(GatewayAuthError):
        await paired.gateway()
    code = gateway.pair_code()
    guess = "111111" if code != "111111" else "222222"
    for _ in range(4):
        with pytest.raises(GatewayPairingError):
            await stranger.pair(guess, "test")
    with pytest.raises(GatewayLockedError) as locked:
        await stranger.pair(guess, "test")
    assert locked.value.retry_after == 60


async def test_a_meter_is_read_adopted_and_watched(client: GatewayClient, gateway: RunningGateway) -> None:
    """All that a client may do to one."""
    assert await client.read(METER.id) is None
    assert gateway.asked == [METER.id]
    gateway.on_read = lambda _: gateway.publish("1.8.0(0012400.000*kWh)")
    reading = await client.read(METER.id, 5)
    assert reading is not None
    assert reading.values == {ENERGY: "12400.000"}
    with pytest.raises(GatewayRefusedError) as unknown:
        await client.read("a/b?c#d")
    assert unknown.value.problem == "unknown_meter"

    await client.adopt(METER.id)
    assert gateway.clients.adopted == {METER.id}
    await client.leave(METER.id)
    assert gateway.clients.adopted == frozenset()
    put = await client.set_thresholds(METER.id, [{"name": "High", "above": "3", "unit": "kW", "for": 60}])
    assert put == await client.thresholds(METER.id)
    assert [(one.id, one.above, one.below, one.seconds, one.from_client) for one in put] == [
        ("high", "3", None, 60, True)
    ]


async def test_the_stream_tells_what_happens(client: GatewayClient, gateway: RunningGateway) -> None:
    """From its welcome on; where it was left it is taken up."""
    async with aclosing(client.stream(None, None)) as messages:
        welcome, snapshot = await anext(messages), await anext(messages)
        assert isinstance(welcome, Welcome)
        assert isinstance(snapshot, Snapshot)
        assert snapshot.complete
        gateway.publish("1.8.0(0012400.000*kWh)")
        reading = await anext(messages)
        assert isinstance(reading, NewReading)
        assert (reading.sequence, reading.meter) == (snapshot.sequence + 1, METER.id)
    gateway.happen(EventKind.CLOCK_SET, by="+60 s")
    async with aclosing(client.stream(gateway.feed.stream, reading.sequence)) as messages:
        await anext(messages)
        event = await anext(messages)
        assert isinstance(event, MeterEvent)
        assert (event.event_type, event.details) == ("clock_set", {"by": "+60 s"})


async def test_the_stream_of_a_token_that_is_no_good_is_refused(
    session: aiohttp.ClientSession, client: GatewayClient, gateway: RunningGateway
) -> None:
    """At its beginning as later."""
    with pytest.raises(GatewayAuthError):
        await anext(GatewayClient(session, gateway.host, gateway.port, "wrong").stream(None, None))
    async with aclosing(client.stream(None, None)) as messages:
        await anext(messages)
        await anext(messages)
        gateway.revoke()
        with pytest.raises(GatewayAuthError, match="pair again"):
            await anext(messages)


async def test_the_stream_ends_with_the_gateway(client: GatewayClient, gateway: RunningGateway) -> None:
    """That is no fault of the connection's other errors."""
    async with aclosing(client.stream(None, None)) as messages:
        await anext(messages)
        await anext(messages)
        await gateway.stop()
        with pytest.raises(GatewayConnectionError, match="ended the stream"):
            await anext(messages)


async def test_a_line_on_which_nothing_comes_is_dead(
    session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway that lost its power says no goodbye; its pings are missed."""
    monkeypatch.setattr(module, "MESSAGE_WITHIN", 0.05)
    async with (
        Impostor().serving() as impostor,
        aclosing(GatewayClient(session, "127.0.0.1", impostor.port).stream(None, None)) as messages,
    ):
        await anext(messages)
        with pytest.raises(GatewayConnectionError, match="no answer in time"):
            await anext(messages)


async def test_what_the_gateway_says_at_the_end_is_handed_on(session: aiohttp.ClientSession) -> None:
    """A problem document; also one that is none."""
    too_slow = {"type": "urn:obis-gateway:problem:too_slow", "status": "?", "detail": "more has happened than is kept"}
    for problem, error, text in (
        (too_slow, GatewayConnectionError, "more has happened"),
        ({}, GatewayResponseError, "no OBIS Gateway"),
        (None, GatewayResponseError, "not a JSON object"),
    ):
        async with (
            Impostor(told=[{"type": "error", "problem": problem}]).serving() as impostor,
            aclosing(GatewayClient(session, "127.0.0.1", impostor.port).stream(None, None)) as messages,
        ):
            await anext(messages)
            with pytest.raises(error, match=text):
                await anext(messages)


async def test_a_welcome_of_another_version_ends_the_stream(session: aiohttp.ClientSession) -> None:
    """Nothing after it would be understood."""
    async with Impostor(gateway={"api": "2.0"}).serving() as impostor:
        client = GatewayClient(session, "127.0.0.1", impostor.port)
        for ask in (anext(client.stream(None, None)), client.gateway()):
            with pytest.raises(GatewayVersionError) as caught:
                await ask
            assert caught.value.gateway_is_newer


async def test_large_documents_are_read_aside(session: aiohttp.ClientSession) -> None:
    """A thousand meters do not keep anything else from going on; small ones are quicker at once."""
    own = threading.current_thread()
    assert await module._made("{}", lambda _: threading.current_thread()) is own
    assert await module._made("{" + " " * module.LARGE + "}", lambda _: threading.current_thread()) is not own
    meters = [meter_document(f"m_{number}", registers=10) for number in range(1000)]
    async with Impostor(meters=meters).serving() as impostor:
        impostor.told = [impostor.snapshot()]
        client = GatewayClient(session, "127.0.0.1", impostor.port)
        assert len((await client.meters()).meters) == 1000
        async with aclosing(client.stream(None, None)) as messages:
            await anext(messages)
            told = await anext(messages)
            assert isinstance(told, Snapshot)
            assert len(told.meters) == 1000


async def test_an_answer_without_end_is_not_read_to_its_end(
    session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever sends it is no gateway."""
    monkeypatch.setattr(module, "LARGEST", 1000)
    async with Impostor(meters="[" * 2000, told=["[" * 2000]).serving() as impostor:
        client = GatewayClient(session, "127.0.0.1", impostor.port)
        with pytest.raises(GatewayResponseError, match="more than 1000 bytes"):
            await client.meters()
        async with aclosing(client.stream(None, None)) as messages:
            await anext(messages)
            with pytest.raises(GatewayResponseError, match="broke off"):
                await anext(messages)


async def test_where_nobody_answers_is_said(session: aiohttp.ClientSession) -> None:
    """By what is known of it."""
    with pytest.raises(GatewayConnectionError):
        await GatewayClient(session, "127.0.0.1", 1).health()
    with pytest.raises(GatewayConnectionError):
        await anext(GatewayClient(session, "127.0.0.1", 1).stream(None, None))


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (503, '{"type": "urn:obis-gateway:problem:too_many_connections", "detail": "close some"}', GatewayBusyError),
        (429, '{"type": "urn:obis-gateway:problem:pairing_locked", "retry_after": "soon"}', GatewayLockedError),
        (409, '{"type": "urn:obis-gateway:problem:not_on_request"}', GatewayRefusedError),
        (404, '{"type": "about:blank"}', GatewayResponseError),
        (200, '{"status": "starting"}', GatewayResponseError),
        (200, "", GatewayResponseError),
    ],
)
async def test_each_answer_has_its_error(
    session: aiohttp.ClientSession, status: int, body: str, error: type[Exception]
) -> None:
    """Callers tell them apart."""
    async with Impostor(others=(status, body)).serving() as impostor:
        client = GatewayClient(session, "127.0.0.1", impostor.port)
        with pytest.raises(error):
            await client.health()


@pytest.mark.parametrize("token", ["", None, 7, "two words", "a\r\nHost: b", "\u00e4", "\ud800", "x" * 1001])
async def test_a_token_that_is_none_is_noticed(session: aiohttp.ClientSession, token: object) -> None:
    """Before it is kept: it could not stand in a header."""
    gateway = {"id": "0123456789abcdef", "api": "1.0"}
    async with Impostor(others=(200, json.dumps({"token": token, "gateway": gateway}))).serving() as impostor:
        client = GatewayClient(session, "127.0.0.1", impostor.port)
        with pytest.raises(GatewayResponseError, match="no token"):
            await client.pair("123456", "test")


async def test_thresholds_that_are_none_are_noticed(session: aiohttp.ClientSession) -> None:
    """Before they are kept."""
    async with Impostor(others=(200, '{"thresholds": {}}')).serving() as impostor:
        with pytest.raises(GatewayResponseError):
            await GatewayClient(session, "127.0.0.1", impostor.port).thresholds("m")


async def test_what_is_no_list_of_meters_is_small(session: aiohttp.ClientSession) -> None:
    """Whatever answers at an address that somebody typed is not read for seconds; nor is its error."""
    large = json.dumps({"status": "ok", "api": "1.0", "more": "x" * module.LARGEST_OF_ONE})
    async with Impostor(others=(200, large)).serving() as impostor:
        with pytest.raises(GatewayResponseError, match="more than"):
            await GatewayClient(session, "127.0.0.1", impostor.port).health()
    locked = json.dumps({"type": "urn:obis-gateway:problem:pairing_locked", "more": "x" * module.LARGE})
    async with Impostor(others=(429, locked)).serving() as impostor:
        with pytest.raises(GatewayResponseError, match="status 429"):
            await GatewayClient(session, "127.0.0.1", impostor.port).health()


def test_a_register_has_a_label_to_choose_it_by() -> None:
    """With its code, its address, or what else there is."""
    assert Register("r", "Energy", obis="1-0:1.8.0*255", address="1.8.0").label == "Energy (1-0:1.8.0*255)"
    assert Register("r", "Energy", address="F.F").label == "Energy (F.F)"
    assert Register("r", "Energy").label == "Energy (r)"


def test_a_value_that_is_not_there_is_no_number() -> None:
    """Nor is an empty reading."""
    assert Reading().number("r") is None
    assert Reading(values={"r": None}).number("r") is None
