"""Brokers that behave badly: nothing hangs, nothing grows, and each trouble is said once."""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING

import pytest

from obisgw.mqtt.refusals import BrokerSilentError, BrokerUnreachableError, NoAnswerError
from obisgw.readings.derive import Derived
from obisgw.readings.shown import MeterOptions

from .brokers import fake_broker, packet, until
from .samples import HEALTH, METER, reading

if TYPE_CHECKING:
    from asyncio import StreamReader as Reader
    from asyncio import StreamWriter as Writer
    from collections.abc import Callable
    from typing import TypeAlias

    from obisgw.mqtt.publisher import Publisher

    Publishers: TypeAlias = Callable[..., Publisher]

pytestmark = pytest.mark.slow

CONNECT, PUBLISH, SUBSCRIBE = 1, 3, 8
ACCEPTED_5, ACCEPTED_3 = b"\x20\x03\x00\x00\x00", b"\x20\x02\x00\x00"
WRONG_VERSION = b"\x20\x02\x00\x01"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once."""
    monkeypatch.setattr("obisgw.mqtt.link._SHORTEST_DELAY", 0.01)
    monkeypatch.setattr("obisgw.mqtt.link._LONGEST_DELAY", 0.02)


async def test_a_broker_that_never_acknowledges_is_left_and_said_once(
    publishers: Publishers, caplog: pytest.LogCaptureFixture
) -> None:
    """It takes the connection and every message, again and again; memory stays flat."""
    connections = published = 0

    async def serve(reader: Reader, writer: Writer) -> None:
        nonlocal connections, published
        connections += 1
        await packet(reader)
        writer.write(ACCEPTED_5)
        while True:
            published += (await packet(reader))[0] >> 4 == PUBLISH

    async with fake_broker(serve) as port:
        publisher = publishers(port, timeout=0.1)
        publisher.meter_added(METER, MeterOptions())
        await publisher.start()
        await until(lambda: connections >= 2)
        most = 0
        for round_ in range(1000):
            publisher.publish_reading(reading(f"1.8.0({round_}.0*kWh)", f"1.8.1({round_}.0*kWh)"), Derived(), HEALTH)
            if round_ % 50 == 0:
                await asyncio.sleep(0.005)
            connection = publisher._link._connection
            library = 0 if connection is None else len(connection._client._out_messages)
            most = max(most, len(publisher._link._outbox._waiting) + library)
        # Documents, states, health, availability, of the meter and the gateway: each once waiting and once sent.
        assert most <= 32
        seen = connections
        await until(lambda: connections >= seen + 2)
        assert isinstance(publisher.problem, BrokerSilentError)
        assert not publisher.connected.is_set()
        async with asyncio.timeout(1.5):
            await publisher.stop()
    assert published
    assert len([record for record in caplog.records if "does not acknowledge" in record.getMessage()]) == 1
    assert "connected with" not in caplog.text


@pytest.mark.parametrize("refusal", [WRONG_VERSION, b"\x20\x03\x00\x84\x00", b""], ids=["as 3.1.1", "as 5", "hangs up"])
async def test_a_broker_of_mqtt_3_1_1_is_spoken_to_in_its_version(publishers: Publishers, refusal: bytes) -> None:
    """Old brokers answer MQTT 5 with their own refusal or hang up."""
    versions: list[int] = []

    async def serve(reader: Reader, writer: Writer) -> None:
        _, body = await packet(reader)
        versions.append(body[6])
        if body[6] != 4:
            writer.write(refusal)
            writer.close()
            return
        writer.write(ACCEPTED_3)
        while True:
            first, body = await packet(reader)
            if first >> 4 == PUBLISH:
                (length,) = struct.unpack_from(">H", body)
                writer.write(b"\x40\x02" + body[2 + length : 4 + length])
            elif first >> 4 == SUBSCRIBE:
                writer.write(b"\x90\x03" + body[:2] + b"\x01")

    async with fake_broker(serve) as port:
        publisher = publishers(port)
        await publisher.start()
        await asyncio.wait_for(publisher.connected.wait(), 10)
        assert versions == [5, 4]
        await publisher.stop()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x20\x7f" + b"\xff" * 200,
        b"\xff" * 20,
        b"\x20\x03\x00\x77\x00",
        b"\x00" * 64,
    ],
    ids=["http", "long answer", "ones", "unknown reason", "zeros"],
)
async def test_what_is_no_broker_ends_the_connection_and_not_the_service(publishers: Publishers, answer: bytes) -> None:
    """The library's parser may raise what it likes."""

    async def serve(reader: Reader, writer: Writer) -> None:
        await packet(reader)
        writer.write(answer)
        writer.close()

    async with fake_broker(serve) as port:
        publisher = publishers(port)
        await publisher.start()
        await until(lambda: publisher.problem)
        assert isinstance(publisher.problem, BrokerUnreachableError)
        assert not publisher.connected.is_set()
        await publisher.stop()


async def test_a_port_that_never_answers_is_named(publishers: Publishers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Something listens there, but is no broker."""
    monkeypatch.setattr("obisgw.mqtt.connection._ANSWER_TIMEOUT", 0.1)

    async def serve(reader: Reader, writer: Writer) -> None:
        await reader.read()
        writer.close()

    async with fake_broker(serve) as port:
        publisher = publishers(port)
        await publisher.start()
        await until(lambda: publisher.problem)
        assert isinstance(publisher.problem, NoAnswerError)
        await publisher.stop()


async def test_a_broker_that_hangs_up_at_once_is_tried_again(publishers: Publishers) -> None:
    """With both versions in turn."""
    versions: list[int] = []

    async def serve(reader: Reader, writer: Writer) -> None:
        versions.append((await packet(reader))[1][6])
        writer.close()

    async with fake_broker(serve) as port:
        publisher = publishers(port)
        await publisher.start()
        await until(lambda: len(versions) >= 4)
        assert versions[:4] == [5, 4, 5, 4]
        assert isinstance(publisher.problem, NoAnswerError)
        await publisher.stop()


async def test_limits_of_the_broker_are_kept(publishers: Publishers, caplog: pytest.LogCaptureFixture) -> None:
    """Its receive maximum of 2, quality 0 and packets of 300 bytes, as it says when it accepts."""
    outstanding = most = 0
    longest = 0
    qualities = set()

    async def serve(reader: Reader, writer: Writer) -> None:
        nonlocal outstanding, most, longest
        await packet(reader)
        properties = b"\x21\x00\x02" + b"\x24\x00" + b"\x27\x00\x00\x01\x2c"
        writer.write(bytes([0x20, 3 + len(properties), 0, 0, len(properties)]) + properties)
        while True:
            first, body = await packet(reader)
            if first >> 4 == PUBLISH:
                qualities.add(first >> 1 & 3)
                longest = max(longest, len(body))

    async with fake_broker(serve) as port:
        publisher = publishers(port)
        publisher.meter_added(METER, MeterOptions())
        await publisher.start()
        publisher.publish_reading(reading("1.8.0(1.0*kWh)"), Derived(), HEALTH)
        await until(lambda: "too long: the broker takes 300 bytes" in caplog.text)
        await asyncio.wait_for(publisher.connected.wait(), 5)
        await until(lambda: publisher._link._outbox.empty)
        await publisher.stop()
    assert qualities == {0}
    assert 0 < longest <= 300
