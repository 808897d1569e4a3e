"""Home Assistant's own mqtt integration takes the gateway's documents, states and events."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import async_fire_mqtt_message

from obisgw.mqtt.discovery import gateway_document
from obisgw.mqtt.meter import MeterTopics
from obisgw.mqtt.outbox import Message
from obisgw.mqtt.states import gateway_state
from obisgw.mqtt.topics import Topics
from obisgw.readings.shown import MeterOptions
from obisgw.service.facts import Facts
from tests.home_assistant.said import warnings_of
from tests.mqtt.samples import GATEWAY, HEALTH, HOUSEHOLD, METER, NOON, reading, register

if TYPE_CHECKING:
    from collections.abc import Iterator

    from homeassistant.core import HomeAssistant
    from pytest_homeassistant_custom_component.typing import WebSocketGenerator

TOPICS = Topics()
OPTIONS = MeterOptions(interval=60)
METER_STATE = f"sensor.{METER.id}_"
PEAK = register("1.6.1(3.42*kW)", time=datetime(2026, 11, 3, 18, 15))  # noqa: DTZ001 - the meter's local time


@pytest.fixture(autouse=True)
def _no_warning(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail on any word of warning that Home Assistant has to say."""
    yield
    assert warnings_of([*caplog.get_records("setup"), *caplog.get_records("call")]) == []


class Gateway:
    """The publisher's messages, brought to Home Assistant as a broker does: who subscribes gets what is retained."""

    def __init__(self, hass: HomeAssistant) -> None:
        self.hass = hass
        self.meter = MeterTopics(METER, OPTIONS, GATEWAY, TOPICS)
        self.facts = Facts()
        self.retained: dict[str, Message] = {}

    async def publish(self, *messages: Message) -> None:
        """Let Home Assistant receive messages; new entities get what was retained."""
        for message in messages:
            self.deliver(message)
            await self.hass.async_block_till_done()
            if message.topic.startswith(f"{TOPICS.discovery_prefix}/"):
                for earlier in self.retained.values():
                    self.deliver(earlier)
                await self.hass.async_block_till_done()
            elif message.retain:
                self.retained[message.topic] = message

    def deliver(self, message: Message) -> None:
        """Let Home Assistant receive one message."""
        async_fire_mqtt_message(self.hass, message.topic, message.payload.decode(), qos=1)

    async def online(self) -> None:
        """Publish what the gateway says about itself."""
        await self.publish(
            Message(TOPICS.availability(GATEWAY.id), b"online"),
            Message(TOPICS.state(GATEWAY.id), gateway_state(GATEWAY, 1, NOON)),
            Message(TOPICS.discovery(GATEWAY.id), gateway_document(GATEWAY, TOPICS)),
        )

    async def read(self, *lines: Any, minutes: float = 0) -> None:
        """Publish a reading."""
        taken = reading(*lines, at=NOON + timedelta(minutes=minutes))
        derived = self.facts.take(taken, OPTIONS)
        grew, state = self.meter.read(taken, derived, tree=False)
        if grew:
            await self.publish(self.meter.discovery())
        await self.publish(*state, *self.meter.status(HEALTH, available=True), *self.meter.events(*derived.events))


@pytest.fixture
async def gateway(hass: HomeAssistant, mqtt_mock: Any) -> Gateway:
    """Return a gateway that is online and has read a household's meter once."""
    gateway = Gateway(hass)
    await gateway.online()
    await gateway.read(*HOUSEHOLD, PEAK)
    return gateway


def state_of(hass: HomeAssistant, entity_id: str) -> str:
    """Return an entity's state."""
    state = hass.states.get(entity_id)
    assert state is not None, f"{entity_id} is none of {sorted(hass.states.async_entity_ids())}"
    return state.state


EXPECTED = (
    ("active_energy_import", "12345.600", "kWh", "energy", "total_increasing"),
    ("active_energy_import_tariff_1", "8000.000", "kWh", "energy", "total_increasing"),
    ("active_energy_export", "0.000", "kWh", "energy", "total_increasing"),
    ("active_power", "-0.530", "kW", "power", "measurement"),
    ("voltage_l1", "230.1", "V", "voltage", "measurement"),
    ("error_register", "00000000", None, None, None),
    ("last_duration", "4.250", "s", "duration", None),
    ("failures", "2", None, None, "total_increasing"),
    ("baudrate", "9600", "Bd", None, None),
    ("last_success", "2026-11-22T12:00:00+00:00", None, "timestamp", None),
    ("last_error", "unknown", None, None, None),
)


@pytest.mark.usefixtures("gateway")
async def test_entities_have_the_digits_of_the_line(hass: HomeAssistant) -> None:
    """Values are text in JSON: a float would lose zeros."""
    found = []
    for key, *_ in EXPECTED:
        state = hass.states.get(METER_STATE + key)
        assert state is not None, key
        attributes = ("unit_of_measurement", "device_class", "state_class")
        found.append((key, state.state, *(state.attributes.get(name) for name in attributes)))
    assert tuple(found) == EXPECTED


@pytest.mark.usefixtures("gateway")
async def test_the_device_says_which_meter_it_is(hass: HomeAssistant) -> None:
    """It hangs at the gateway's device."""
    devices = {name: device for device in dr.async_get(hass).devices for _, name in device.identifiers}
    meter, own = devices[f"obis_gateway_{METER.id}"], devices["obis_gateway_gateway"]
    assert (meter.name, meter.manufacturer, meter.model) == ("Electricity meter 12345678", "Iskraemeco", "MT174")
    assert (meter.serial_number, meter.sw_version, meter.via_device_id) == ("12345678", "V1.07", own.id)
    assert (own.name, own.sw_version) == ("OBIS Gateway", "0.2.0")
    assert state_of(hass, "sensor.obis_gateway_gateway_meters") == "1"
    assert state_of(hass, "sensor.obis_gateway_gateway_last_read") == "2026-11-22T12:00:00+00:00"
    assert state_of(hass, "sensor.obis_gateway_gateway_version") == "0.2.0"


@pytest.mark.usefixtures("gateway")
async def test_identity_is_the_full_code(hass: HomeAssistant) -> None:
    """Unique ids come from the meter's id and the code; rare registers are there, diagnostic and disabled."""
    registry = er.async_get(hass)
    by_unique_id = {entry.unique_id: entry for entry in registry.entities.values()}
    assert by_unique_id[f"{METER.id}_1_0_1_8_1_255"].entity_id == METER_STATE + "active_energy_import_tariff_1"
    frozen = by_unique_id[f"{METER.id}_1_0_1_8_0_1"]
    assert (frozen.entity_category, frozen.disabled_by) == ("diagnostic", "integration")
    unknown = next(entry for name, entry in by_unique_id.items() if name.startswith(f"{METER.id}_address_b_7"))
    assert unknown.disabled_by == "integration"
    assert by_unique_id[f"{METER.id}_failures"].entity_category == "diagnostic"
    assert len(by_unique_id) == len(registry.entities)


async def test_availability_wants_gateway_and_meter(hass: HomeAssistant, gateway: Gateway) -> None:
    """What tells why a meter is silent goes on without the meter."""
    energy, failures = METER_STATE + "active_energy_import", METER_STATE + "failures"
    await gateway.publish(*gateway.meter.status(HEALTH, available=False))
    assert (state_of(hass, energy), state_of(hass, failures)) == ("unavailable", "2")
    await gateway.publish(*gateway.meter.status(replace(HEALTH, failures=3), available=True))
    assert (state_of(hass, energy), state_of(hass, failures)) == ("12345.600", "3")
    await gateway.publish(Message(TOPICS.availability(GATEWAY.id), b"offline"))
    assert (state_of(hass, energy), state_of(hass, failures)) == ("unavailable", "unavailable")


async def test_a_register_that_is_missing_for_once_keeps_its_entity(hass: HomeAssistant, gateway: Gateway) -> None:
    """It is unknown, and statistics stay clean."""
    await gateway.read("1.8.0(0012345.700*kWh)", "21.7.0(0.100*kW)", "32.7.0(----*V)", minutes=1)
    assert state_of(hass, METER_STATE + "active_energy_import") == "12345.700"
    assert state_of(hass, METER_STATE + "active_energy_import_tariff_1") == "unknown"
    assert state_of(hass, METER_STATE + "voltage_l1") == "unknown"
    assert state_of(hass, METER_STATE + "error_register") == "unknown"
    assert state_of(hass, METER_STATE + "active_power_import_l1") == "0.100"


async def test_tariff_and_event_follow_the_counter_that_moves(hass: HomeAssistant, gateway: Gateway) -> None:
    """Unknown at first; then by movement."""
    assert state_of(hass, METER_STATE + "tariff") == "unknown"
    await gateway.read("1.8.1(0008000.100*kWh)", "1.8.2(0004345.600*kWh)", minutes=1)
    assert state_of(hass, METER_STATE + "tariff") == "t1"
    assert hass.states.get(METER_STATE + "tariff").attributes["options"] == ["t1", "t2"]  # type: ignore[union-attr]
    assert state_of(hass, f"event.{METER.id}_event") == "unknown"
    await gateway.read("1.8.1(0008000.100*kWh)", "1.8.2(0004345.700*kWh)", minutes=2)
    assert state_of(hass, METER_STATE + "tariff") == "t2"
    attributes = hass.states.get(f"event.{METER.id}_event").attributes  # type: ignore[union-attr]
    assert attributes["event_type"] == "tariff_switched"
    assert (attributes["previous_tariff"], attributes["tariff"]) == ("t1", "t2")


async def test_time_stamps_of_the_meter_are_attributes(hass: HomeAssistant, gateway: Gateway) -> None:
    """They are the meter's local time, without zone."""
    registry = er.async_get(hass)
    entity_id = next(e.entity_id for e in registry.entities.values() if e.unique_id == f"{METER.id}_1_0_1_6_1_255")
    registry.async_update_entity(entity_id, disabled_by=None)
    # Home Assistant reloads the integration after an entity was enabled; the document again does here.
    await gateway.publish(Message(TOPICS.discovery(METER.id), b""), gateway.meter.discovery())
    assert hass.states.get(entity_id).attributes["time"] == "2026-11-03T18:15:00"  # type: ignore[union-attr]


@pytest.mark.usefixtures("gateway")
async def test_the_button_asks_for_a_reading(hass: HomeAssistant, mqtt_mock: Any) -> None:
    """What it publishes is what the gateway listens for."""
    mqtt_mock.async_publish.reset_mock()
    await hass.services.async_call("button", "press", {"entity_id": f"button.{METER.id}_read_now"}, blocking=True)
    topic, payload, *_ = mqtt_mock.async_publish.mock_calls[-1].args
    assert (topic, payload) == (TOPICS.command(METER.id), "read_now")
    assert TOPICS.device_of_command(topic) == METER.id


async def test_a_removed_meter_leaves_nothing(hass: HomeAssistant, gateway: Gateway) -> None:
    """An empty document removes device and entities."""
    await gateway.publish(Message(TOPICS.discovery(METER.id), b""))
    assert [entry for entry in er.async_get(hass).entities.values() if METER.id in entry.unique_id] == []


async def test_a_component_of_an_earlier_version_is_removed(hass: HomeAssistant, gateway: Gateway) -> None:
    """It is named once without anything but its platform, then left out."""
    document = json.loads(gateway.meter.discovery().payload)
    document["cmps"]["bygone"] = {"p": "sensor", "uniq_id": f"{METER.id}_bygone", "name": "Bygone", "val_tpl": "1"}
    await gateway.publish(Message(TOPICS.discovery(METER.id), json.dumps(document).encode()))
    entities = er.async_get(hass).entities
    assert f"{METER.id}_bygone" in {entry.unique_id for entry in entities.values()}
    gateway.meter.take_over(json.dumps(document).encode())
    await gateway.publish(gateway.meter.discovery())
    assert f"{METER.id}_bygone" not in {entry.unique_id for entry in entities.values()}
    await gateway.publish(gateway.meter.discovery())
    assert state_of(hass, METER_STATE + "active_energy_import") == "12345.600"


@pytest.fixture
async def recorded_gateway(recorder_mock: Any, hass: HomeAssistant, mqtt_mock: Any) -> Gateway:
    """Return the gateway in a Home Assistant with statistics and the energy dashboard."""
    assert await async_setup_component(hass, "energy", {})
    assert await async_setup_component(hass, "sensor", {})
    gateway = Gateway(hass)
    await gateway.online()
    await gateway.read(*HOUSEHOLD, PEAK)
    return gateway


@pytest.mark.usefixtures("recorded_gateway")
async def test_counters_go_into_the_energy_dashboard(hass: HomeAssistant, hass_ws_client: WebSocketGenerator) -> None:
    """Validation has no issue but that no five minutes have passed."""
    client = await hass_ws_client(hass)
    grid = {
        "type": "grid",
        "stat_energy_from": METER_STATE + "active_energy_import_tariff_1",
        "stat_energy_to": METER_STATE + "active_energy_export",
        "stat_cost": None,
        "entity_energy_price": None,
        "number_energy_price": None,
        "stat_compensation": None,
        "entity_energy_price_export": None,
        "number_energy_price_export": None,
        "stat_rate": METER_STATE + "active_power",
        "cost_adjustment_day": 0,
    }
    await client.send_json_auto_id({"type": "energy/save_prefs", "energy_sources": [grid]})
    assert (await client.receive_json())["success"]
    await client.send_json_auto_id({"type": "energy/validate"})
    found = (await client.receive_json())["result"]
    issues = {issue["type"] for source in found["energy_sources"] for issue in source}
    assert issues <= {"statistics_not_defined"}
