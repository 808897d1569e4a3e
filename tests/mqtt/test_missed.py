"""A real broker, and bad ones, that miss readings: what comes on which topic when they are back."""

from __future__ import annotations

import asyncio
import json
import struct
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from obisgw.mqtt.connection import Connection, Limits
from obisgw.mqtt.topics import Topics
from obisgw.readings.derive import Derived
from obisgw.readings.shown import MeterOptions
from obisgw.service.clock import steady_time
from obisgw.store.clocks import Clocks
from obisgw.store.store import Keeping, Store

from .brokers import Mosquitto, Watcher, fake_broker, mosquitto, packet, until
from .samples import HEALTH, METER, NOON, reading

if TYPE_CHECKING:
    from asyncio import StreamReader as Reader
    from asyncio import StreamWriter as Writer
    from collections.abc import AsyncIterator, Callable, Iterable
    from pathlib import Path
    from typing import TypeAlias

    from obisgw.mqtt.publisher import Publisher

    Publishers: TypeAlias = Callable[..., Publisher]

pytestmark = pytest.mark.slow

TOPICS = Topics()
STATE, HISTORY = TOPICS.state(METER.id), TOPICS.history(METER.id)
OPTIONS = MeterOptions(interval=60, slot="home")
PUBLISH, SUBSCRIBE = 3, 8


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once."""
    monkeypatch.setattr("obisgw.mqtt.link._SHORTEST_DELAY", 0.05)
    monkeypatch.setattr("obisgw.mqtt.link._LONGEST_DELAY", 0.1)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Return what lets publishers connect: while it is not set, who watches can be there before them."""
    event = asyncio.Event()
    event.set()
    connect = Connection.open

    async def gated(connection: Connection) -> Limits:
        await event.wait()
        return await connect(connection)

    monkeypatch.setattr(Connection, "open", gated)
    return event


def opened(folder: Path) -> Store:
    """Return a store in use."""
    store = Store(folder / "store.db", Keeping(flush=0.05), "boot", Clocks(steady_time))
    store.start()
    return store


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """Return a store that is closed at the end."""
    store = opened(tmp_path)
    yield store
    await store.stop()


def publish(publisher: Publisher, *numbers: int) -> None:
    """Publish readings, one a minute: the counter tells which."""
    for number in numbers:
        at = NOON + timedelta(minutes=number)
        publisher.publish_reading(reading(f"1.8.0({number}.0*kWh)", at=at), Derived(), HEALTH)


def numbers(payloads: Iterable[bytes]) -> list[int]:
    """Return which readings came; each at its own time."""
    found = []
    for payload in payloads:
        document = json.loads(payload)
        found.append(int(float(document["registers"]["active_energy_import"])))
        assert datetime.fromisoformat(document["at"]) == NOON + timedelta(minutes=found[-1])
    return found


async def waiting(store: Store) -> int:
    """Return how many messages are kept."""
    return len(await store.messages.missed(0, 100_000))


async def nothing_waits(store: Store) -> None:
    """Wait until no message is kept any more."""
    async with asyncio.timeout(20):
        while await waiting(store):  # noqa: ASYNC110 - a file is asked
            await asyncio.sleep(0.02)


async def started(publisher: Publisher) -> Publisher:
    """Start a publisher with one meter."""
    publisher.meter_added(METER, OPTIONS)
    await publisher.start()
    return publisher


async def test_what_a_broker_has_missed_comes_when_it_is_back(
    broker: Mosquitto, publishers: Publishers, store: Store, gate: asyncio.Event
) -> None:
    """The newest as the state, all others as history, in order, once, not retained."""
    publisher = await started(publishers(broker.port, missed=store.messages))
    publish(publisher, 0)
    await asyncio.wait_for(publisher.connected.wait(), 10)
    await until(lambda: publisher._link._outbox.empty)
    gate.clear()
    await broker.stop()
    await until(lambda: publisher.problem)
    publish(publisher, *range(1, 1000))
    assert await waiting(store) == 999
    await broker.start()
    watcher = Watcher(broker.port)
    gate.set()
    try:
        await until(lambda: len(watcher.payloads(HISTORY)) >= 998, 30)
        await until(lambda: watcher.payloads(STATE))
        await asyncio.sleep(0.2)
        assert numbers(watcher.payloads(HISTORY)) == list(range(1, 999))
        assert numbers(watcher.payloads(STATE)) == [999]
        assert not [topic for topic, _, retained in watcher.messages if topic == HISTORY and retained]
        await nothing_waits(store)
        publish(publisher, 1000)
        await until(lambda: len(watcher.payloads(STATE)) > 1)
        assert numbers(watcher.payloads(STATE)) == [999, 1000]
    finally:
        watcher.close()


async def test_new_readings_do_not_wait_for_old_ones(broker: Mosquitto, publishers: Publishers, store: Store) -> None:
    """Hours of an outage are handed on beside them."""
    for number in range(5000):
        store.messages.miss(METER.id, NOON.timestamp() + 60 * number, None, b'{"at":"","registers":{}}')
    publisher = await started(publishers(broker.port, missed=store.messages))
    await asyncio.wait_for(publisher.connected.wait(), 10)
    watcher = Watcher(broker.port)
    try:
        await until(lambda: watcher.payloads(HISTORY))
        delays = []
        for number in range(20):
            began = asyncio.get_running_loop().time()
            publish(publisher, number)
            await until(lambda wanted=number + 1: len(watcher.payloads(STATE)) >= wanted)  # type: ignore[misc]
            delays.append(asyncio.get_running_loop().time() - began)
        assert len(watcher.payloads(HISTORY)) < 5000, "old ones were all there before the new ones came"
        assert sorted(delays)[10] < 0.2
    finally:
        watcher.close()


async def test_a_restart_leaves_what_was_missed_to_the_next_run(
    broker: Mosquitto, publishers: Publishers, tmp_path: Path
) -> None:
    """The newest too, which then is an old one."""
    store = opened(tmp_path)
    publisher = await started(publishers(broker.port, missed=store.messages))
    publish(publisher, 0)
    await asyncio.wait_for(publisher.connected.wait(), 10)
    await until(lambda: publisher._link._outbox.empty)
    await broker.stop()
    await until(lambda: publisher.problem)
    publish(publisher, *range(1, 6))
    await publisher.stop()
    await store.stop()
    await broker.start()
    watcher = Watcher(broker.port)
    store = opened(tmp_path)
    later = await started(publishers(broker.port, missed=store.messages))
    try:
        publish(later, 6)
        await until(lambda: len(watcher.payloads(HISTORY)) >= 5)
        assert numbers(watcher.payloads(HISTORY)) == [1, 2, 3, 4, 5]
        assert numbers(watcher.payloads(STATE)) == [6]
        await nothing_waits(store)
    finally:
        watcher.close()
        await later.stop()
        await store.stop()


async def test_a_reload_of_the_brokers_settings_loses_nothing(
    broker: Mosquitto, watcher: Watcher, publishers: Publishers, store: Store
) -> None:
    """From one broker that is not there to one that is."""
    publisher = await started(publishers(1, missed=store.messages))
    publish(publisher, 1, 2, 3)
    await publisher.stop()
    later = await started(publishers(broker.port, missed=store.messages))
    publish(later, 4)
    await until(lambda: len(watcher.payloads(HISTORY)) >= 3)
    assert numbers(watcher.payloads(HISTORY)) == [1, 2, 3]


async def test_a_broker_that_never_acknowledges_misses_all(publishers: Publishers, store: Store) -> None:
    """Each reading is kept, once, while it takes everything and answers nothing; then they come, in order."""
    answers = False
    arrived: list[tuple[str, bytes]] = []

    async def serve(reader: Reader, writer: Writer) -> None:
        await packet(reader)
        writer.write(b"\x20\x03\x00\x00\x00")
        while True:
            first, body = await packet(reader)
            if first >> 4 != PUBLISH or not answers:
                continue
            (length,) = struct.unpack_from(">H", body)
            topic, rest = body[2 : 2 + length].decode(), body[2 + length :]
            arrived.append((topic, rest[3 + rest[2] :]))
            writer.write(b"\x40\x02" + rest[:2])

    async with fake_broker(serve) as port:
        publisher = await started(publishers(port, timeout=0.1, missed=store.messages))
        for number in range(40):
            publish(publisher, number)
            await asyncio.sleep(0.02)
        assert not publisher.connected.is_set()
        assert await waiting(store) == 40
        answers = True
        await until(lambda: len([one for one in arrived if one[0] == HISTORY]) >= 39)
        await asyncio.sleep(0.1)
        assert numbers(payload for topic, payload in arrived if topic == HISTORY) == list(range(39))
        assert set(numbers(payload for topic, payload in arrived if topic == STATE)) == {39}
        await nothing_waits(store)
        await publisher.stop()


async def test_connections_that_break_all_the_time_lose_nothing(publishers: Publishers, store: Store) -> None:
    """Live readings never go back, and each reading comes, as the newest or as history."""
    arrived: list[tuple[str, bytes]] = []
    left = 7

    async def serve(reader: Reader, writer: Writer) -> None:
        nonlocal left
        await packet(reader)
        writer.write(b"\x20\x03\x00\x00\x00")
        taken = 0
        while taken < left:
            first, body = await packet(reader)
            if first >> 4 != PUBLISH:
                continue
            taken += 1
            (length,) = struct.unpack_from(">H", body)
            topic, rest = body[2 : 2 + length].decode(), body[2 + length :]
            arrived.append((topic, rest[3 + rest[2] :]))
            writer.write(b"\x40\x02" + rest[:2])
        left = 5 + left % 9
        writer.close()

    async with fake_broker(serve) as port:
        publisher = await started(publishers(port, missed=store.messages))
        for number in range(60):
            publish(publisher, number)
            await asyncio.sleep(0.03)
        left = 10_000
        await until(lambda: publisher.connected.is_set() and publisher._link._outbox.empty)
        await nothing_waits(store)
        await publisher.stop()
    live = numbers(payload for topic, payload in arrived if topic == STATE)
    history = numbers(payload for topic, payload in arrived if topic == HISTORY)
    assert live == sorted(live)
    assert sorted({*live, *history}) == list(range(60))
    assert sorted(set(history), key=history.index) == sorted(set(history))


async def test_a_broker_that_forbids_history_is_told_once_and_holds_up_nothing(
    tmp_path: Path, publishers: Publishers, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """Its user may write states alone."""
    rules = tmp_path / "rules"
    rules.write_text("topic readwrite obis_gateway/+/state\ntopic readwrite obis_gateway/+/health\n")
    rules.chmod(0o600)
    async with mosquitto(tmp_path, "allow_anonymous true", f"acl_file {rules}") as broker:
        for number in range(300):
            store.messages.miss(METER.id, NOON.timestamp() + 60 * number, None, b"{}")
        publisher = await started(publishers(broker.port, missed=store.messages))
        publish(publisher, 1)
        await nothing_waits(store)
        refused = [record.getMessage() for record in caplog.records if HISTORY in record.getMessage()]
        assert len(refused) == 1
        assert "give this user the right to write there" in refused[0]
        await publisher.stop()


async def test_a_message_that_the_broker_finds_too_long_holds_up_nothing(
    tmp_path: Path, publishers: Publishers, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told and let go; what comes behind it arrives."""
    async with mosquitto(tmp_path, "allow_anonymous true", "max_packet_size 5000") as broker:
        watcher = Watcher(broker.port)
        for number in range(150):
            store.messages.miss(METER.id, NOON.timestamp() + number, None, b"x" * 6000)
        store.messages.miss(METER.id, NOON.timestamp() + 500, None, b"short")
        publisher = await started(publishers(broker.port, missed=store.messages))
        await until(lambda: watcher.payloads(HISTORY) == [b"short"], 20)
        assert len([record for record in caplog.records if HISTORY in record.getMessage()]) == 1
        watcher.close()
        await publisher.stop()
