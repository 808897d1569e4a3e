"""What no gateway of ours sends: other versions, broken and hostile documents, too much of everything."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from aiohttp import web
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.json import json_bytes
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.obis_gateway import push
from custom_components.obis_gateway.entity import MeterEntity
from tests.home_assistant.integration.conftest import entry_for, set_up
from tests.home_assistant.integration.impostor import (
    Impostor,
    meter_document,
    reading_document,
    register_document,
)
from tests.home_assistant.integration.running import RunningGateway, until
from tests.home_assistant.integration.seen import faults, registered, state

ENERGY, METER = "1_0_1_8_0_255", "abc_1"

# A stream that is broken off leaves the server's own heartbeat behind.
pytestmark = pytest.mark.parametrize("expected_lingering_timers", [True])


@pytest.fixture(autouse=True)
def _no_fault(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail on what the log holds of faults."""
    yield
    assert faults(caplog) == []


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let attempts follow each other at once."""
    monkeypatch.setattr(push, "RETRY_FIRST", 0.01)
    monkeypatch.setattr(push, "RETRY_LONGEST", 0.05)


@pytest.fixture
async def impostor(socket_enabled: None) -> AsyncIterator[Impostor]:
    """Return a server at a gateway's place."""
    async with Impostor().serving() as serving:
        yield serving


@pytest.fixture
def entry(hass: HomeAssistant, impostor: Impostor) -> MockConfigEntry:
    """Return an entry for it."""
    made = entry_for(RunningGateway())
    made.add_to_hass(hass)
    hass.config_entries.async_update_entry(made, data={**made.data, "port": impostor.port})
    return made


async def shown(hass: HomeAssistant, impostor: Impostor, entry: MockConfigEntry, *meters: Any) -> None:
    """Set up an entry of a gateway with these meters."""
    impostor.meters = list(meters)
    await set_up(hass, entry)
    await until(lambda: impostor.sockets)


# --- other versions


@pytest.mark.parametrize(
    ("api", "reason"),
    [("2.0", "gateway_newer"), ("10.1", "gateway_newer"), ("x", "gateway_newer"), ("0.9", "gateway_older")],
)
async def test_another_major_version_says_which_side_to_update(
    hass: HomeAssistant, impostor: Impostor, entry: MockConfigEntry, api: str, reason: str
) -> None:
    """It is tried again, since what is put right may be the gateway."""
    impostor.gateway = {"api": api}
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == reason
    assert entry.error_reason_translation_placeholders is not None
    assert entry.error_reason_translation_placeholders["api"] == api


async def test_a_newer_minor_version_is_understood(
    hass: HomeAssistant, impostor: Impostor, entry: MockConfigEntry
) -> None:
    """What it adds is passed over, at every place."""
    register = register_document(kind="number", of_tomorrow={"a": [1]}, category="of_tomorrow")
    meter = meter_document(registers=0) | {
        "registers": [register],
        "reading": reading_document([register], "3.000", of_tomorrow=True),
        "thresholds": [{"id": "high", "name": "High", "of_tomorrow": 1}],
        "health": {"of_tomorrow": 1},
        "of_tomorrow": None,
    }
    impostor.gateway = {"api": "1.99", "of_tomorrow": []}
    await shown(hass, impostor, entry, meter)
    assert state(hass, "sensor", ENERGY, METER).state == "3.000"


async def test_an_older_minor_version_is_understood(
    hass: HomeAssistant, impostor: Impostor, entry: MockConfigEntry
) -> None:
    """What it does not send has defaults."""
    impostor.gateway = {"name": None, "version": None}
    await shown(
        hass,
        impostor,
        entry,
        {"id": METER, "available": True, "registers": [{"id": ENERGY}], "reading": {"values": {ENERGY: "old"}}},
        {"id": "abc_2"},
    )
    assert state(hass, "sensor", ENERGY, METER).state == "old"
    assert state(hass, "binary_sensor", "readable", "abc_2").state == "off"


# --- documents that are none


BROKEN = (
    "",
    "{",
    '{"meters": [{"id": "a',
    "[]",
    "null",
    "<!doctype html><title>Router</title>",
    '{"meters": {}}',
    '{"meters": [[]]}',
    '{"meters": [{"name": "without id"}]}',
    '{"meters": [{"id": ""}]}',
    '{"meters": [{"id": 7}]}',
    '{"meters": [{"id": "a\\nb"}]}',
    '{"meters": [{"id": "a", "registers": 1}]}',
    '{"meters": [{"id": "a", "registers": [{"id": "r", "precision": "many"}]}]}',
    '{"meters": [{"id": "a", "tariffs": [1]}]}',
    '{"meters": [{"id": "a", "available": "yes"}]}',
    '{"meters": [{"id": "a", "reading": []}]}',
    '{"meters": [{"id": "a", "reading": {"values": {"r": 1}}}]}',
    '{"meters": [{"id": "a", "reading": {"at": "tomorrow"}}]}',
    '{"meters": [{"id": "a", "reading": {"at": "0001-01-01T00:00:00+14:00"}}]}',
    '{"meters": [{"id": "a", "reading": {"duration": 1e999}}]}',
    '{"meters": [{"id": "a", "reading": {"duration": NaN}}]}',
    '{"meters": [{"id": "a", "health": {"reads": 1' + "0" * 400 + "}}]}",
    '{"meters": [{"id": "a", "health": {"last_duration": 1' + "0" * 400 + "}}]}",
    '{"meters": [{"id": "a", "health": {"reads": 1' + "0" * 5000 + "}}]}",
    '{"meters": ' + "[" * 100_000,
    '{"sequence": -1.5}',
    '{"meters": ' + json.dumps([{"id": str(number)} for number in range(2001)]) + "}",
)


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
async def test_a_broken_answer_is_no_gateway_and_is_tried_again(
    hass: HomeAssistant, impostor: Impostor, entry: MockConfigEntry, text: str
) -> None:
    """With a reason that is translated."""
    impostor.meters = text
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "invalid_answer"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (web.Response(status=500), "invalid_answer"),
        (web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"}), "invalid_answer"),
        (web.Response(status=404, body=b"\xff\xfe"), "invalid_answer"),
        (web.Response(status=401, body=b'{"type": "urn:obis-gateway:problem:unauthorized"}'), "invalid_auth"),
        (web.Response(status=401, body=b'{"type": 5, "detail": {}}'), "invalid_answer"),
        (web.Response(status=503, body=b'{"type": "urn:obis-gateway:problem:too_many_connections"}'), "cannot_connect"),
        (web.Response(status=421, body=b'{"type": "urn:obis-gateway:problem:forbidden_host"}'), "refused"),
        (web.Response(status=400, body=b'{"type": "urn:obis-gateway:problem:of_tomorrow"}'), "refused"),
    ],
    ids=["500", "302", "404", "401", "401 of another", "503", "421", "400"],
)
async def test_what_is_no_success_says_what_it_is(
    hass: HomeAssistant, impostor: Impostor, entry: MockConfigEntry, answer: web.Response, reason: str
) -> None:
    """Another server's page as well as a gateway's problem document."""
    impostor.gateway = answer
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.error_reason_translation_key == reason


@pytest.mark.parametrize("text", BROKEN[1:], ids=range(1, len(BROKEN)))
async def test_a_broken_answer_later_makes_it_unavailable_until_a_good_one(
    hass: HomeAssistant, impostor: Impostor, entry: MockConfigEntry, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    """One line each way, and no value of it is shown."""
    await shown(hass, impostor, entry, meter_document())
    good, impostor.meters = impostor.meters, text
    impostor.stream = "another"
    impostor.told = [text]
    await impostor.sockets[0].close()
    await until(lambda: state(hass, "sensor", ENERGY, METER).state == STATE_UNAVAILABLE)
    assert caplog.text.count("OBIS Gateway is not available") == 1
    impostor.meters, impostor.told = good, []
    await entry.runtime_data.async_refresh()
    await until(lambda: state(hass, "sensor", ENERGY, METER).state == "1.000")


# --- values and texts that do harm


def ascii_start(text: str) -> str:
    """Return a name for a test of a text."""
    return ascii(text[:8])


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("1.5", "1.5"),
        ("+007.50", "7.50"),
        ("-0", "-0"),
        ("1e999999999", STATE_UNKNOWN),
        ("1E5", STATE_UNKNOWN),
        ("Infinity", STATE_UNKNOWN),
        ("NaN", STATE_UNKNOWN),
        ("sNaN", STATE_UNKNOWN),
        ("1_000", STATE_UNKNOWN),
        ("١٢٣", STATE_UNKNOWN),
        (" 1", STATE_UNKNOWN),
        ("0x10", STATE_UNKNOWN),
        ("1,5", STATE_UNKNOWN),
        (".5", STATE_UNKNOWN),
        ("9" * 500, STATE_UNKNOWN),
        ("", STATE_UNKNOWN),
        ("{{ states }}", STATE_UNKNOWN),
        (None, STATE_UNKNOWN),
    ],
)
async def test_what_is_no_number_is_not_known(
    hass: HomeAssistant, impostor: Impostor, entry: MockConfigEntry, value: str | None, number: str
) -> None:
    """Never 0, never the value before, never more digits than a meter has."""
    document = meter_document()
    document["reading"]["values"][ENERGY] = value
    await shown(hass, impostor, entry, document)
    assert state(hass, "sensor", ENERGY, METER).state == number


@pytest.mark.parametrize(
    "text",
    ["\ud800", "a\x00b", "line\nline", "\u202eevil", " ", "x" * 9000, "<script>", "{tariff}", "%s"],
    ids=ascii_start,
)
async def test_texts_do_no_harm(hass: HomeAssistant, impostor: Impostor, entry: MockConfigEntry, text: str) -> None:
    """As name, value, unit, tariff, placeholder, error, maker and event."""
    register = register_document(
        kind="text", name=text, unit=text, device_class=text, translation_key=text, placeholders={text: text}
    )
    number = register_document(1, unit=text, name=text)
    document = meter_document(
        name=text,
        number=text,
        manufacturer=text,
        model=text,
        tariffs=[text, text, *(f"{text[:250]}{number}" for number in range(90))],
        registers=0,
        thresholds=[{"id": "high", "name": text}],
        health={"last_error": text},
    )
    document["registers"] = [register, number]
    document["reading"] = reading_document([register, number], text, tariff=text, times={ENERGY: text})
    await shown(hass, impostor, entry, document)
    details = {f"{text[:190]}{number}": text for number in range(16)}
    await impostor.tell(
        {"type": "event", "sequence": 1, "meter": METER, "event_type": "clock_set", "details": {"event_type": text}},
        {"type": "event", "sequence": 2, "meter": METER, "event_type": "clock_set", "details": details},
    )
    await until(lambda: entry.runtime_data.known.heard == 2)
    await hass.async_block_till_done()
    for shown_state in hass.states.async_all():
        # What browsers are told, and the recorder takes; a list of options it leaves out.
        attributes = {key: value for key, value in shown_state.attributes.items() if key != "options"}
        assert len(json_bytes(attributes)) <= 16_384
    assert all(one.json_repr for one in dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id))
    assert all(one.partial_json_repr for one in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id))
    value = state(hass, "sensor", ENERGY, METER).state
    assert len(value) <= 255
    assert value.isprintable()
    assert state(hass, "event", "events", METER).attributes["event_type"] == "clock_set"


async def test_registers_with_names_of_ours_or_twice_the_same_are_no_double(
    hass: HomeAssistant, impostor: Impostor, entry: MockConfigEntry
) -> None:
    """Each id is one entity."""
    document = meter_document(registers=0, tariffs=["t1"])
    document["registers"] = [
        register_document(),
        register_document(),
        *(register_document(id=key) for key in ("tariff", "last_error", "events", "readable")),
    ]
    await shown(hass, impostor, entry, document, meter_document(), meter_document("abc"))
    entities = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    assert len({entity.unique_id for entity in entities}) >= len(entities) - 2
    assert state(hass, "sensor", "tariff", METER).attributes["options"] == ["t1"]


async def test_times_in_the_future_and_the_past_are_shown_as_they_are(
    hass: HomeAssistant, impostor: Impostor, entry: MockConfigEntry
) -> None:
    """A gateway whose clock is wrong or jumps reads as well as others."""
    await shown(hass, impostor, entry, meter_document())
    registry = er.async_get(hass)
    entity = registered(hass, "sensor", "last_success", METER)
    assert entity is not None
    registry.async_update_entity(entity, disabled_by=None)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await until(lambda: entry.runtime_data.streaming)
    times = ["9999-12-31T23:59:59.000Z", "1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "2026-11-22T12:00:00"]
    for number, time in enumerate(times, 1):
        reading = reading_document([{"id": ENERGY}], f"{number + 1}.000", at=time)
        health = {"last_success": time}
        await impostor.tell(
            {"type": "reading", "sequence": 2 * number - 1, "meter": METER, "reading": reading, "health": health},
            {"type": "event", "event_type": "clock_set", "sequence": 2 * number, "meter": METER, "at": time},
        )
        await until(lambda: entry.runtime_data.known.heard == 2 * number)  # noqa: B023 - awaited here
        assert state(hass, "sensor", ENERGY, METER).state == f"{number + 1}.000"
        assert state(hass, "sensor", "last_success", METER).state.startswith(time[:19])


# --- too much


async def test_a_thousand_meters_are_shown(
    hass: HomeAssistant,
    impostor: Impostor,
    entry: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """And a reading of one of them touches no other."""
    looked: list[str] = []
    update = MeterEntity._handle_coordinator_update

    def look(entity: MeterEntity) -> None:
        looked.append(entity.meter_id)
        update(entity)

    monkeypatch.setattr(MeterEntity, "_handle_coordinator_update", look)
    await shown(hass, impostor, entry, *(meter_document(f"m_{number}") for number in range(1000)))
    await hass.async_block_till_done()
    assert len(dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)) == 1001
    assert state(hass, "sensor", ENERGY, "m_999").state == "1.000"
    looked.clear()
    reading = reading_document([{"id": ENERGY}], "2.000")
    await impostor.tell({"type": "reading", "sequence": 1, "meter": "m_500", "reading": reading, "health": {}})
    await until(lambda: state(hass, "sensor", ENERGY, "m_500").state == "2.000")
    assert set(looked) == {"m_500"}
    assert "WARNING" not in {r.levelname for r in caplog.records if r.name.startswith("custom_components.obis")}


async def test_a_unit_that_changes_at_each_reading_is_said_once(
    hass: HomeAssistant, impostor: Impostor, entry: MockConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    """Also when the next change is there before Home Assistant has followed the last."""
    await shown(hass, impostor, entry, meter_document())
    messages = []
    for sequence in range(1, 40):
        unit = ("Wh", "kWh", "m³", None, "foe")[sequence % 5]
        document = meter_document(registers=0)
        document["registers"] = [register_document(unit=unit, kind="text" if sequence % 7 == 0 else "number")]
        document["reading"] = reading_document(document["registers"], f"{sequence}.000")
        messages.append({"type": "meter", "sequence": sequence, "description": document})
    await impostor.tell(*messages)
    await until(lambda: entry.runtime_data.known.heard == 39)
    await hass.async_block_till_done()
    await until(lambda: state(hass, "sensor", ENERGY, METER).attributes.get("unit_of_measurement") == "foe")
    assert state(hass, "sensor", ENERGY, METER).state == "39.000"
    said = [record for record in caplog.records if "now, and was in" in record.getMessage()]
    assert len(said) == 1
