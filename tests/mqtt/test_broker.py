"""The publisher at a real Mosquitto: what arrives, what is kept, what is said."""

from __future__ import annotations

import asyncio
import json
import subprocess
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from obisgw.errors import SinkError
from obisgw.mqtt.topics import Topics
from obisgw.readings.derive import Derived, EventKind, MeterEvent
from obisgw.readings.shown import Command, MeterOptions
from obisgw.readings.thresholds import Threshold
from obisgw.secret import Secret

from .brokers import Mosquitto, Watcher, free_port, mosquitto, until
from .samples import HEALTH, HOUSEHOLD, METER, NOON, reading

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import TypeAlias

    from obisgw.mqtt.publisher import Publisher

    Publishers: TypeAlias = Callable[..., Publisher]

pytestmark = pytest.mark.slow

TOPICS = Topics()
STATE, DOCUMENT = TOPICS.state(METER.id), TOPICS.discovery(METER.id)
EVENT, COMMAND = TOPICS.event(METER.id), TOPICS.command(METER.id)
OPTIONS = MeterOptions(interval=60, slot="home")


async def started(publisher: Publisher) -> Publisher:
    """Start a publisher with one meter and one reading, and wait until the broker has all of it."""
    publisher.meter_added(METER, OPTIONS)
    await publisher.start()
    publisher.publish_reading(reading(*HOUSEHOLD), Derived(), HEALTH)
    await asyncio.wait_for(publisher.connected.wait(), 10)
    return publisher


async def test_documents_states_and_availability_are_retained(broker: Mosquitto, publishers: Publishers) -> None:
    """Who subscribes later gets all of it from the broker."""
    await started(publishers(broker.port))
    late = Watcher(broker.port)
    try:
        await until(lambda: late.payloads(STATE) and late.payloads(DOCUMENT))
        await until(lambda: late.payloads(TOPICS.availability("gateway")))
        assert late.payloads(TOPICS.availability("gateway")) == [b"online"]
        assert late.payloads(TOPICS.availability(METER.id)) == [b"online"]
        assert json.loads(late.payloads(STATE)[0])["registers"]["active_energy_import"] == "12345.600"
        assert all(retained for topic, _, retained in late.messages if topic in {STATE, DOCUMENT})
        assert late.payloads(TOPICS.discovery("gateway"))
    finally:
        late.close()


async def test_the_state_of_a_new_meter_does_not_wait_for_its_document(
    broker: Mosquitto, watcher: Watcher, publishers: Publishers
) -> None:
    """The document takes longer to make, and its entities get the state that the broker keeps."""
    await started(publishers(broker.port))
    await until(lambda: any(topic == DOCUMENT and not retained for topic, _, retained in watcher.messages))
    topics = [topic for topic, _, retained in watcher.messages if not retained]
    assert topics.index(STATE) < topics.index(DOCUMENT)


async def test_the_end_is_offline_and_quick(broker: Mosquitto, watcher: Watcher, publishers: Publishers) -> None:
    """What waits is flushed, ``offline`` last, within 1.5 s."""
    publisher = await started(publishers(broker.port))
    publisher.publish_reading(reading("1.8.0(0012345.700*kWh)"), Derived(), HEALTH)
    async with asyncio.timeout(1.5):
        await publisher.stop()
    await until(lambda: watcher.payloads(TOPICS.availability("gateway"))[-1:] == [b"offline"])
    assert b"12345.700" in watcher.payloads(STATE)[-1]


async def test_the_broker_tells_when_the_gateway_vanishes(
    broker: Mosquitto, watcher: Watcher, publishers: Publishers
) -> None:
    """The last will is ``offline``."""
    publisher = await started(publishers(broker.port))
    connection = publisher._link._connection
    assert connection is not None
    connection.close()
    await until(lambda: b"offline" in watcher.payloads(TOPICS.availability("gateway")))


async def test_a_command_reaches_the_service(broker: Mosquitto, watcher: Watcher, publishers: Publishers) -> None:
    """Only known ones of own meters, and none that the broker had retained."""
    commands: list[tuple[str, Command]] = []
    watcher.client.publish(COMMAND, "read_now", retain=True).wait_for_publish(5)
    await started(publishers(broker.port, commands=commands))
    for topic, payload in ((COMMAND, "self_destruct"), (TOPICS.command("other"), "read_now"), (COMMAND, "read_now")):
        watcher.client.publish(topic, payload)
    await until(lambda: commands)
    assert commands == [(METER.id, Command.READ_NOW)]


async def test_a_birth_of_home_assistant_brings_documents_and_states_again(
    broker: Mosquitto, watcher: Watcher, publishers: Publishers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a random delay of at most five seconds."""
    asked: list[tuple[float, float]] = []

    def uniform(least: float, most: float) -> float:
        asked.append((least, most))
        return 0.0

    monkeypatch.setattr("obisgw.mqtt.publisher.random.uniform", uniform)
    await started(publishers(broker.port))
    await until(lambda: watcher.payloads(STATE))
    before = len(watcher.payloads(DOCUMENT))
    watcher.client.publish(TOPICS.home_assistant, "online")
    await until(lambda: len(watcher.payloads(DOCUMENT)) > before and len(watcher.payloads(STATE)) > 1)
    assert (0, 5.0) in asked


async def test_a_document_grows_and_the_state_follows_when_it_settled(
    broker: Mosquitto, watcher: Watcher, publishers: Publishers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Home Assistant must know a new register before its value comes."""
    monkeypatch.setattr("obisgw.mqtt.publisher._SETTLING", 0.05)
    publisher = await started(publishers(broker.port))
    publisher.publish_reading(reading("1.8.0(0012345.700*kWh)", "1.8.3(0000000.000*kWh)"), Derived(), HEALTH)
    await until(lambda: b"12345.700" in (watcher.last(STATE) or b""))
    order = [topic for topic, _, _ in watcher.messages if topic in {STATE, DOCUMENT}]
    assert order[-2:] == [DOCUMENT, STATE]
    components = json.loads(watcher.payloads(DOCUMENT)[-1])["cmps"]
    assert {"1_0_1_8_0_255", "1_0_1_8_3_255", "1_0_32_7_0_255"} <= components.keys()


async def test_what_an_earlier_run_had_found_stays_in_the_document(
    broker: Mosquitto, watcher: Watcher, publishers: Publishers
) -> None:
    """The broker kept it."""
    await (await started(publishers(broker.port))).stop()
    later = publishers(broker.port)
    later.meter_added(METER, OPTIONS)
    await later.start()
    later.publish_reading(reading("1.8.0(0012345.700*kWh)"), Derived(), HEALTH)
    await until(lambda: b"12345.700" in b"".join(watcher.payloads(STATE)))
    await until(lambda: "1_0_32_7_0_255" in json.loads(watcher.last(DOCUMENT) or b'{"cmps": []}')["cmps"])


async def test_a_changed_document_is_followed_by_the_state(
    broker: Mosquitto, watcher: Watcher, publishers: Publishers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Home Assistant shows changed entities as unavailable until then: for a battery meter that would be a day."""
    monkeypatch.setattr("obisgw.mqtt.publisher._SETTLING", 0.05)
    publisher = await started(publishers(broker.port))
    await until(lambda: watcher.payloads(STATE) and watcher.payloads(DOCUMENT))
    watcher.messages.clear()
    publisher.meter_added(METER, replace(OPTIONS, name="Cellar"))
    await until(lambda: watcher.payloads(STATE))
    assert [topic for topic, _, _ in watcher.messages if topic in {STATE, DOCUMENT}] == [DOCUMENT, STATE]


async def test_a_meter_with_a_new_name_is_the_same_device(
    broker: Mosquitto, watcher: Watcher, publishers: Publishers
) -> None:
    """The name in the configuration is its slot."""
    publisher = await started(publishers(broker.port))
    publisher.meter_added(METER, MeterOptions(interval=60, slot="Cellar", name="Cellar"))
    publisher.slot_removed("home")
    await until(lambda: json.loads(watcher.last(DOCUMENT) or b'{"dev": {}}')["dev"].get("name") == "Cellar")
    assert b"offline" not in watcher.payloads(TOPICS.availability(METER.id))


async def test_after_an_upgrade_the_state_of_the_earlier_run_follows_the_document(
    broker: Mosquitto, watcher: Watcher, publishers: Publishers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the first reading, which may be a day away."""
    monkeypatch.setattr("obisgw.mqtt.publisher._SETTLING", 0.05)
    await (await started(publishers(broker.port))).stop()
    await until(lambda: watcher.last(TOPICS.availability("gateway")) == b"offline")
    state = watcher.last(STATE)
    watcher.messages.clear()
    later = publishers(broker.port)
    later.meter_added(METER, replace(OPTIONS, interval=86400))
    await later.start()
    await until(lambda: watcher.payloads(STATE))
    assert [topic for topic, _, _ in watcher.messages if topic in {STATE, DOCUMENT}] == [DOCUMENT, STATE]
    assert watcher.payloads(STATE) == [state]


async def test_without_discovery_an_earlier_document_is_removed(
    broker: Mosquitto, watcher: Watcher, publishers: Publishers
) -> None:
    """States go on, and single values where they are asked for."""
    await (await started(publishers(broker.port))).stop()
    await started(publishers(broker.port, discovery=False, topic_tree=True))
    await until(lambda: watcher.last(DOCUMENT) == b"")
    await until(lambda: watcher.last(TOPICS.discovery("gateway")) == b"")
    await until(lambda: watcher.payloads(f"obis_gateway/{METER.id}/active_energy_import"))
    assert watcher.payloads(f"obis_gateway/{METER.id}/active_energy_import") == [b"12345.600"]


async def test_a_removed_meter_leaves_nothing_at_the_broker(broker: Mosquitto, publishers: Publishers) -> None:
    """Documents, states and single values."""
    publisher = await started(publishers(broker.port, topic_tree=True))
    await until(lambda: publisher._link._outbox.empty)
    publisher.meter_removed(METER.id)
    await until(lambda: publisher._link._outbox.empty)
    late = Watcher(broker.port)
    try:
        await until(lambda: late.payloads(TOPICS.state("gateway")))
        assert not [topic for topic, _, _ in late.messages if METER.id in topic]
    finally:
        late.close()


async def test_a_replaced_meter_is_a_new_device_and_an_event(
    broker: Mosquitto, watcher: Watcher, publishers: Publishers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old one stays, unavailable, with its history."""
    monkeypatch.setattr("obisgw.mqtt.publisher._SETTLING", 0.05)
    publisher = await started(publishers(broker.port))
    new = replace(METER, id="isk_999", number="999")
    publisher.meter_added(new, OPTIONS)
    replaced = MeterEvent(EventKind.METER_REPLACED, NOON, (("previous_meter", METER.id), ("meter", new.id)))
    publisher.publish_reading(reading("1.8.0(0000001.000*kWh)", meter=new), Derived(events=(replaced,)), HEALTH)
    await until(lambda: watcher.payloads(TOPICS.event("isk_999")))
    event = json.loads(watcher.payloads(TOPICS.event("isk_999"))[0])
    assert (event["event_type"], event["previous_meter"]) == ("meter_replaced", METER.id)
    assert watcher.payloads(TOPICS.availability(METER.id))[-1] == b"offline"


async def test_only_the_newest_state_waits_for_a_broker_that_comes_back(
    broker: Mosquitto, publishers: Publishers, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loss is said once, and so is its end."""
    monkeypatch.setattr("obisgw.mqtt.link._SHORTEST_DELAY", 0.05)
    caplog.set_level("INFO", "obisgw.mqtt")
    publisher = await started(publishers(broker.port))
    await broker.stop()
    await until(lambda: publisher.problem)
    for number in range(5000):
        publisher.publish_reading(reading(f"1.8.0({number}.0*kWh)"), Derived(), HEALTH)
    assert len(publisher._link._outbox._waiting) < 10
    await asyncio.sleep(0.3)
    await broker.start()
    watcher = Watcher(broker.port)
    try:
        await until(lambda: watcher.payloads(STATE))
        assert [json.loads(payload)["registers"] for payload in watcher.payloads(STATE)] == [
            {"active_energy_import": "4999.0"}
        ]
        assert watcher.payloads(DOCUMENT)
    finally:
        watcher.close()
    await asyncio.wait_for(publisher.connected.wait(), 5)
    words = [record.getMessage() for record in caplog.records if record.levelname in {"ERROR", "INFO"}]
    assert len([word for word in words if "connected with MQTT 5" in word]) == 2
    assert 1 <= len([word for word in words if "no broker listens" in word or "lost" in word]) <= 2


async def test_a_broker_may_be_missing_at_the_start(
    tmp_path: Path, publishers: Publishers, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Said once with the remedy; published when it is there."""
    monkeypatch.setattr("obisgw.mqtt.link._SHORTEST_DELAY", 0.05)
    broker = Mosquitto(tmp_path)
    publisher = publishers(broker.port)
    publisher.meter_added(METER, OPTIONS)
    await publisher.start()
    publisher.publish_reading(reading(*HOUSEHOLD), Derived(), HEALTH)
    await until(lambda: publisher.problem)
    await asyncio.sleep(0.2)
    assert [r.getMessage() for r in caplog.records] == [
        (
            f"broker 127.0.0.1:{broker.port}: no broker listens there "
            "(start the broker there, or check 'host' and 'port' in the section 'mqtt')"
        )
    ]
    await broker.start()
    try:
        await asyncio.wait_for(publisher.connected.wait(), 10)
        assert publisher.problem is None
        await publisher.stop()
    finally:
        await broker.stop()


async def test_a_wrong_password_is_said_once_and_tried_slowly(
    tmp_path: Path, publishers: Publishers, caplog: pytest.LogCaptureFixture
) -> None:
    """The words say what to change, and never the password."""
    (tmp_path / "passwords").write_text("")
    subprocess.run(["mosquitto_passwd", "-b", tmp_path / "passwords", "meter", "right"], check=True)  # noqa: ASYNC221
    async with mosquitto(tmp_path, "allow_anonymous false", f"password_file {tmp_path / 'passwords'}") as broker:
        wrong = publishers(broker.port, username="meter", password=Secret("wr0ng"))
        await wrong.start()
        await until(lambda: wrong.problem)
        assert isinstance(wrong.problem, SinkError)
        assert "username" in str(wrong.problem)
        assert "password" in str(wrong.problem)
        assert "wr0ng" not in caplog.text
        assert len(caplog.records) == 1
        right = publishers(broker.port, username="meter", password=Secret("right"))
        await right.start()
        await asyncio.wait_for(right.connected.wait(), 10)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an authority's certificate, the broker's and a client's."""
    folder = tmp_path_factory.mktemp("authority")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.crt", "-days", "2", "-subj", "/CN=Authority")
    for name in ("broker", "client"):
        openssl("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (folder / f"{name}.ext").write_text("subjectAltName=IP:127.0.0.1\n")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
                "-out", f"{name}.crt", "-days", "2", "-extfile", f"{name}.ext")  # fmt: skip
    return folder


def tls_lines(authority: Path) -> tuple[str, ...]:
    """Return the configuration of a broker with TLS."""
    return (
        "allow_anonymous true",
        f"cafile {authority / 'ca.crt'}",
        f"certfile {authority / 'broker.crt'}",
        f"keyfile {authority / 'broker.key'}",
    )


async def test_tls_with_our_own_certificate(tmp_path: Path, authority: Path, publishers: Publishers) -> None:
    """The broker knows us by it."""
    async with mosquitto(tmp_path, *tls_lines(authority), "require_certificate true") as broker:
        known = {"ca": authority / "ca.crt", "certificate": authority / "client.crt", "key": authority / "client.key"}
        await started(publishers(broker.port, tls=True, **known))
        stranger = publishers(broker.port, tls=True, ca=authority / "ca.crt")
        await stranger.start()
        await until(lambda: stranger.problem)
        assert not stranger.connected.is_set()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"tls": True}, "certificate is not trusted"),
        ({"tls": True, "ca": "ca.crt", "host": "localhost"}, "is not valid for 'localhost'"),
        ({"tls": True, "ca": "ca.key"}, "cannot be used"),
        ({"tls": True, "ca": "gone.crt"}, "No such file"),
    ],
)
async def test_a_certificate_that_is_not_trusted_is_said_with_its_remedy(
    tmp_path: Path, authority: Path, publishers: Publishers, settings: dict[str, Any], words: str
) -> None:
    """Nothing is sent to a broker that cannot prove who it is."""
    if "ca" in settings:
        settings = {**settings, "ca": authority / settings["ca"]}
    async with mosquitto(tmp_path, *tls_lines(authority)) as broker:
        publisher = publishers(broker.port, **settings)
        await publisher.start()
        await until(lambda: publisher.problem)
        assert words in str(publisher.problem)
        assert publisher.problem is not None
        assert publisher.problem.hint


async def test_tls_at_a_plain_port_is_named(broker: Mosquitto, publishers: Publishers) -> None:
    """The broker hangs up or answers in plain."""
    publisher = publishers(broker.port, tls=True)
    await publisher.start()
    await until(lambda: publisher.problem)
    assert "TLS" in str(publisher.problem) or "connection" in str(publisher.problem)


async def test_rights_that_are_missing_are_named(
    tmp_path: Path, publishers: Publishers, caplog: pytest.LogCaptureFixture
) -> None:
    """MQTT 5 brokers say so in the acknowledgement."""
    (tmp_path / "rights").write_text("topic readwrite obis_gateway/#\n")
    async with mosquitto(tmp_path, "allow_anonymous true", f"acl_file {tmp_path / 'rights'}") as broker:
        await started(publishers(broker.port))
        await until(lambda: f"did not take the message at {DOCUMENT}" in caplog.text)


async def test_stopping_before_a_broker_was_found_is_quick(publishers: Publishers) -> None:
    """Nobody waits for a connection that is not there."""
    publisher = publishers(free_port())
    await publisher.start()
    async with asyncio.timeout(1.5):
        await publisher.stop()


ADOPTED = frozenset({METER.id})
GATEWAY_DOCUMENT = TOPICS.discovery("gateway")


async def test_an_adopted_meter_is_withdrawn_and_its_states_go_on(
    broker: Mosquitto, watcher: Watcher, publishers: Publishers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its document is emptied, and so is the gateway's; both come back whole when it is left."""
    monkeypatch.setattr("obisgw.mqtt.publisher._SETTLING", 0.05)
    publisher = await started(publishers(broker.port))
    await until(lambda: watcher.last(DOCUMENT) and watcher.last(GATEWAY_DOCUMENT))
    publisher.adopt(ADOPTED)
    await until(lambda: watcher.last(DOCUMENT) == b"" and watcher.last(GATEWAY_DOCUMENT) == b"")
    publisher.publish_reading(reading("1.8.0(0012345.700*kWh)", "1.8.3(1*kWh)"), Derived(), HEALTH)
    await until(lambda: b"12345.700" in (watcher.last(STATE) or b""))
    assert watcher.last(DOCUMENT) == b""
    assert watcher.last(TOPICS.availability(METER.id)) == b"online"
    publisher.adopt(frozenset())
    await until(lambda: watcher.last(DOCUMENT) and watcher.last(GATEWAY_DOCUMENT))
    components = json.loads(watcher.last(DOCUMENT) or b"")["cmps"]
    assert {"1_0_1_8_0_255", "1_0_1_8_3_255", "1_0_32_7_0_255", "events"} <= components.keys()
    assert all(len(component) > 1 for component in components.values())


async def test_a_restart_announces_no_adopted_meter_and_clears_what_is_left(
    broker: Mosquitto, watcher: Watcher, publishers: Publishers
) -> None:
    """Not for a moment; what an earlier run had left at the broker is emptied, but not forgotten."""
    await (await started(publishers(broker.port))).stop()
    await until(lambda: watcher.last(DOCUMENT))
    earlier = len(watcher.payloads(DOCUMENT)), len(watcher.payloads(GATEWAY_DOCUMENT))
    publisher = publishers(broker.port)
    publisher.adopt(ADOPTED)
    await publisher.start()
    publisher.meter_added(METER, OPTIONS)
    publisher.publish_reading(reading("1.8.0(0012345.900*kWh)"), Derived(), HEALTH)
    await until(lambda: b"12345.900" in (watcher.last(STATE) or b""))
    await until(lambda: watcher.last(DOCUMENT) == b"" and watcher.last(GATEWAY_DOCUMENT) == b"")
    assert set(watcher.payloads(DOCUMENT)[earlier[0] :]) == {b""}
    assert set(watcher.payloads(GATEWAY_DOCUMENT)[earlier[1] :]) == {b""}
    publisher.adopt(frozenset())
    await until(lambda: watcher.last(DOCUMENT))
    assert "1_0_32_7_0_255" in json.loads(watcher.last(DOCUMENT) or b"")["cmps"]


async def test_a_gateway_with_one_more_meter_stays_announced(
    broker: Mosquitto, watcher: Watcher, publishers: Publishers
) -> None:
    """Its document goes with the last meter that is not adopted."""
    publisher = await started(publishers(broker.port))
    other = replace(METER, id="isk_2", number="2")
    publisher.meter_added(other, MeterOptions(slot="garage"))
    publisher.publish_reading(reading("1.8.0(1*kWh)", meter=other), Derived(), HEALTH)
    publisher.adopt(ADOPTED)
    await until(lambda: watcher.last(DOCUMENT) == b"" and watcher.last(TOPICS.discovery(other.id)))
    assert watcher.last(GATEWAY_DOCUMENT)
    publisher.meter_removed(other.id)
    await until(lambda: watcher.last(GATEWAY_DOCUMENT) == b"")


async def test_a_restart_does_not_withdraw_a_gateway_with_one_more_meter(
    broker: Mosquitto, watcher: Watcher, publishers: Publishers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The adopted meter is only added first; and coming back, the gateway is announced before its meters."""
    monkeypatch.setattr("obisgw.mqtt.publisher._SETTLING", 0.1)
    publisher = publishers(broker.port)
    publisher.adopt(ADOPTED)
    await publisher.start()
    publisher.meter_added(METER, OPTIONS)
    publisher.publish_reading(reading(*HOUSEHOLD), Derived(), HEALTH)
    other = replace(METER, id="isk_2", number="2")
    publisher.meter_added(other, MeterOptions(slot="garage"))
    publisher.publish_reading(reading("1.8.0(1*kWh)", meter=other), Derived(), HEALTH)
    await until(lambda: watcher.last(TOPICS.discovery(other.id)))
    await asyncio.sleep(0.2)
    assert b"" not in watcher.payloads(GATEWAY_DOCUMENT)
    publisher.adopt(frozenset({METER.id, other.id}))
    await until(lambda: watcher.last(GATEWAY_DOCUMENT) == b"")
    publisher.adopt(frozenset())
    await until(lambda: watcher.last(DOCUMENT))
    documents = [topic for topic, payload, _ in watcher.messages if payload and topic.endswith("/config")]
    assert documents[-3:] == [GATEWAY_DOCUMENT, DOCUMENT, TOPICS.discovery(other.id)]


async def test_adopted_meters_stay_announced_where_that_is_wished(
    broker: Mosquitto, watcher: Watcher, publishers: Publishers
) -> None:
    """``announce_adopted`` is for those who want both."""
    publisher = await started(publishers(broker.port, announce_adopted=True))
    publisher.adopt(ADOPTED)
    publisher.publish_reading(reading("1.8.0(0012345.700*kWh)"), Derived(), HEALTH)
    await until(lambda: b"12345.700" in (watcher.last(STATE) or b""))
    assert b"" not in [*watcher.payloads(DOCUMENT), *watcher.payloads(GATEWAY_DOCUMENT)]


async def test_a_threshold_is_a_binary_sensor_until_it_is_taken_away(
    broker: Mosquitto, watcher: Watcher, publishers: Publishers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Named in the document, said in the state; removed by name once."""
    monkeypatch.setattr("obisgw.mqtt.publisher._SETTLING", 0.05)
    publisher = publishers(broker.port)
    watched = replace(OPTIONS, thresholds=(Threshold("high", "High power", above=Decimal(3)),))
    publisher.meter_added(METER, watched)
    await publisher.start()
    publisher.publish_reading(reading(*HOUSEHOLD), Derived(thresholds={"high": True}), HEALTH)
    await until(lambda: watcher.last(STATE) and watcher.last(DOCUMENT))
    assert json.loads(watcher.last(STATE) or b"")["thresholds"] == {"high": True}
    component = json.loads(watcher.last(DOCUMENT) or b"")["cmps"]["threshold_high"]
    assert (component["p"], component["name"], component["exp_aft"]) == ("binary_sensor", "High power", 180)
    publisher.meter_added(METER, OPTIONS)
    await until(lambda: len(watcher.payloads(DOCUMENT)) > 1)
    assert json.loads(watcher.last(DOCUMENT) or b"")["cmps"]["threshold_high"] == {"p": "binary_sensor"}


async def test_an_event_apart_from_a_reading_is_published(
    broker: Mosquitto, watcher: Watcher, publishers: Publishers
) -> None:
    """Not retained: it is over when it is told."""
    publisher = await started(publishers(broker.port))
    held_back = MeterEvent(EventKind.READING_HELD_BACK, NOON, (("reason", "cut"),))
    publisher.publish_event(METER.id, held_back)
    await until(lambda: watcher.last(EVENT))
    event = json.loads(watcher.last(EVENT) or b"")
    assert event == {"event_type": "reading_held_back", "at": "2026-11-22T12:00:00.000+00:00", "reason": "cut"}
    assert not [topic for topic, _, retained in watcher.messages if retained and topic == EVENT]


async def test_an_update_is_a_state_alone(broker: Mosquitto, watcher: Watcher, publishers: Publishers) -> None:
    """Availability, health and the gateway are as they were; of single values only those that changed are told."""
    publisher = await started(publishers(broker.port, topic_tree=True))
    await until(lambda: watcher.payloads(STATE) and watcher.payloads(DOCUMENT))
    await asyncio.sleep(1.5)  # The state once more, when Home Assistant has taken the new document.
    seen = len(watcher.messages)
    changed = (*HOUSEHOLD[:-1], HOUSEHOLD[-1].replace("(", "(9", 1))
    publisher.publish_update(reading(*changed), Derived())
    await until(lambda: len(watcher.messages) >= seen + 2)
    await asyncio.sleep(0.3)
    topics = [topic for topic, _, _ in watcher.messages[seen:]]
    assert topics[0] == STATE
    assert len(topics) == 2
    assert topics[1].startswith(f"obis_gateway/{METER.id}/")
