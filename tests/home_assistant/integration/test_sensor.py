"""Registers as sensors: digits, classes, names, what is enabled, and what happens when a register changes."""

from __future__ import annotations

import pytest
from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import Event, EventStateReportedData, HomeAssistant, State, callback
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.obis_gateway.const import CONF_REGISTERS, DOMAIN
from custom_components.obis_gateway.describe import described
from custom_components.obis_gateway.models import Register
from tests.home_assistant.integration.conftest import entry_for, set_up
from tests.home_assistant.integration.running import RunningGateway, until
from tests.mqtt.samples import METER

ENERGY, POWER = "1_0_1_8_0_255", "1_0_16_7_0_255"
TEXT = "1_0_0_2_0_255"


def entity_id(hass: HomeAssistant, key: str, meter: str = METER.id) -> str:
    """Return the entity of a register or fact."""
    found = er.async_get(hass).async_get_entity_id("sensor", DOMAIN, f"{meter}_{key}")
    assert found is not None
    return found


def state(hass: HomeAssistant, key: str, meter: str = METER.id) -> State:
    """Return the state of a register or fact."""
    found = hass.states.get(entity_id(hass, key, meter))
    assert found is not None
    return found


# --- one register


@pytest.mark.parametrize(
    ("line", "key", "shown"),
    [
        ("1.8.0(0012345.600*kWh)", ENERGY, "12345.600"),
        ("1.8.0(0000000.000*kWh)", ENERGY, "0.000"),
        ("16.7.0(-0.530*kW)", POWER, "-0.530"),
        ("16.7.0(0.0000001*kW)", POWER, "0.0000001"),
        ("1.8.0(99999999999999.999*kWh)", ENERGY, "99999999999999.999"),
        # What is no number is not known; it is neither 0 nor the value before.
        ("1.8.0(-------*kWh)", ENERGY, STATE_UNKNOWN),
        ("1.8.0(*kWh)", ENERGY, STATE_UNKNOWN),
    ],
)
async def test_a_value_has_the_digits_of_the_line(
    hass: HomeAssistant, gateway: RunningGateway, entry: MockConfigEntry, line: str, key: str, shown: str
) -> None:
    """Without the zeros before them; none is lost behind the point, and no power of ten is written."""
    gateway.publish(line)
    await set_up(hass, entry)
    assert state(hass, key).state == shown


async def test_a_register_that_is_not_in_the_reading_is_not_known(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """The others are; the next reading with it shows it again."""
    gateway.publish("16.7.0(1.000*kW)")
    await until(lambda: state(hass, POWER).state == "1.000")
    assert state(hass, ENERGY).state == STATE_UNKNOWN
    gateway.publish()
    await until(lambda: state(hass, ENERGY).state == "12345.600")


async def test_a_meter_that_cannot_be_read_is_unavailable_and_tells_why(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """Its values are; how reading goes is still shown."""
    gateway.fail("no answer at 300 Bd: is the head on the meter?", parity_errors=3)
    await until(lambda: state(hass, ENERGY).state == STATE_UNAVAILABLE)
    assert state(hass, "last_error").state == "no answer at 300 Bd: is the head on the meter?"
    assert state(hass, "parity_errors").state == "3"
    gateway.publish()
    await until(lambda: state(hass, ENERGY).state == "12345.600")
    assert state(hass, "last_error").state == STATE_UNKNOWN


async def test_long_texts_are_cut_where_home_assistant_cuts_none(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """A state has 255 characters."""
    gateway.fail("noise " * 200)
    await until(lambda: state(hass, "last_error").state == ("noise " * 200)[:255])


# --- what Home Assistant makes of it


def register(**more: object) -> Register:
    """Return a register as a gateway describes it."""
    return Register.from_json(
        {
            "id": ENERGY,
            "name": "Energy import",
            "kind": "number",
            "unit": "kWh",
            "device_class": "energy",
            "state_class": "total_increasing",
            "precision": 3,
            **more,
        }
    )


ENERGY_CLASS, RISING = SensorDeviceClass.ENERGY, SensorStateClass.TOTAL_INCREASING


@pytest.mark.parametrize(
    ("more", "device_class", "state_class", "unit"),
    [
        ({}, ENERGY_CLASS, RISING, "kWh"),
        # Of a newer gateway, for a newer Home Assistant.
        ({"device_class": "dark_energy"}, None, RISING, "kWh"),
        ({"state_class": "sometimes_increasing"}, ENERGY_CLASS, None, "kWh"),
        ({"unit": "foe"}, None, RISING, "foe"),
        ({"unit": None}, None, RISING, None),
        ({"unit": "k" * 40}, None, RISING, None),
        # Known, but not beside each other.
        ({"state_class": "measurement"}, ENERGY_CLASS, None, "kWh"),
        ({"state_class": "measurement_angle", "device_class": None}, None, None, "kWh"),
        ({"device_class": "timestamp"}, None, RISING, "kWh"),
        ({"device_class": "enum"}, None, RISING, "kWh"),
        ({"device_class": "monetary", "state_class": "total", "unit": "EUR"}, "monetary", "total", "EUR"),
        # No number, no class.
        ({"kind": "text"}, None, None, None),
        ({"kind": "timestamp"}, None, None, None),
        ({"kind": "of_tomorrow"}, None, None, None),
    ],
)
def test_what_home_assistant_does_not_take_costs_the_class_and_not_the_sensor(
    more: dict[str, object], device_class: str | None, state_class: str | None, unit: str | None
) -> None:
    """By Home Assistant's own tables."""
    description = described(register(**more), {}, wanted=False)
    found = description.device_class, description.state_class, description.native_unit_of_measurement
    assert found == (device_class, state_class, unit)


@pytest.mark.parametrize(("precision", "shown"), [(3, 3), (0, 0), (-1, None), (10**9, None), (None, None)])
def test_the_precision_is_that_of_the_meter(precision: int | None, shown: int | None) -> None:
    """What is none is left out."""
    assert described(register(precision=precision), {}, wanted=False).suggested_display_precision == shown


@pytest.mark.parametrize(
    ("key", "placeholders", "shown"),
    [
        ("energy_import", {}, "energy_import"),
        ("energy_import_tariff", {"tariff": "1"}, "energy_import_tariff"),
        ("energy_import_tariff", {"tariff": "1", "phase": "L1"}, "energy_import_tariff"),
        ("energy_import_tariff", {"rate": "1"}, None),
        ("of_tomorrow", {}, None),
        (None, {}, None),
    ],
)
def test_a_name_is_translated_where_that_can_be(
    key: str | None, placeholders: dict[str, str], shown: str | None
) -> None:
    """Key and all that varies must be known; else the gateway's English name is there."""
    names = {"energy_import": frozenset[str](), "energy_import_tariff": frozenset({"tariff"})}
    made = described(register(translation_key=key, placeholders=placeholders), names, wanted=False)
    assert (made.translation_key, made.name) == (shown, "Energy import")


# --- coming, changing, going


async def test_new_registers_become_sensors_while_it_runs(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """Without a reload, and those before them stay."""
    gateway.publish("1.8.0(0012346.000*kWh)", "52.7.0(229.9*V)")
    registry = er.async_get(hass)
    await until(lambda: registry.async_get_entity_id("sensor", DOMAIN, f"{METER.id}_1_0_52_7_0_255"))
    await until(lambda: state(hass, "1_0_52_7_0_255").state == "229.9")
    assert state(hass, ENERGY).state == "12346.000"


async def test_a_unit_that_changes_is_converted_where_it_can_be(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    """History, statistics and automations go on in the unit before; one line says it."""
    gateway.publish("1.8.0(12345700*Wh)")
    await until(lambda: state(hass, ENERGY).state == "12345.7")
    assert state(hass, ENERGY).attributes["unit_of_measurement"] == "kWh"
    gateway.publish("1.8.0(12345.800*kWh)")
    await until(lambda: state(hass, ENERGY).state == "12345.800")
    gateway.publish("1.8.0(12345900*Wh)")
    await until(lambda: state(hass, ENERGY).state == "12345.9")
    said = [record for record in caplog.records if "Wh" in record.getMessage() and record.name.endswith(DOMAIN)]
    assert [(record.levelname, record.getMessage()) for record in said] == [
        ("WARNING", "OBIS Gateway: register 1.8.0 of Electricity meter 12345678 is in Wh now, and was in kWh")
    ]


async def test_a_unit_that_becomes_another_quantity_makes_the_sensor_another(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    """Same entity, new unit and class."""
    gateway.publish("1.8.0(12.5*m3)")
    await until(lambda: state(hass, ENERGY).state == "12.5")
    attributes = state(hass, ENERGY).attributes
    assert attributes["unit_of_measurement"] == "m³"
    assert attributes.get("device_class") != "energy"
    assert "Traceback" not in caplog.text


async def test_what_is_measured_is_reported_at_each_reading_and_texts_only_when_they_change(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """Integrals of a power that stays need its reports; the database does not need the others."""
    reported: list[str] = []

    @callback
    def note(event: Event[EventStateReportedData]) -> None:
        reported.append(event.data["entity_id"])

    hass.bus.async_listen("state_reported", note, event_filter=callback(lambda _: True))
    gateway.publish()
    await until(lambda: entity_id(hass, POWER) in reported)
    assert entity_id(hass, ENERGY) in reported
    assert entity_id(hass, "parity_errors") not in reported
    assert "sensor.electricity_meter_12345678_error_register" not in reported


# --- enabled, disabled


async def test_what_few_people_want_is_there_to_be_enabled(hass: HomeAssistant, loaded: MockConfigEntry) -> None:
    """As the gateway says of registers; of facts, those that change at each reading."""
    entities = er.async_entries_for_config_entry(er.async_get(hass), loaded.entry_id)
    disabled = {entity.unique_id.removeprefix(f"{METER.id}_") for entity in entities if entity.disabled}
    assert disabled >= {"last_success", "last_duration", "baudrate", "1_0_1_8_0_1"}
    assert disabled.isdisjoint({ENERGY, POWER, "last_error", "failures", "parity_errors", "block_check_errors"})


async def test_options_enable_registers_also_those_that_were_registered_before(
    hass: HomeAssistant, gateway: RunningGateway, entry: MockConfigEntry
) -> None:
    """And disable them again when they are chosen no more; what the user disabled stays so."""
    registry = er.async_get(hass)
    await set_up(hass, entry)
    chosen, other = entity_id(hass, TEXT), entity_id(hass, "0_0_96_1_0_255")
    registry.async_update_entity(other, disabled_by=er.RegistryEntryDisabler.USER)
    assert hass.states.get(chosen) is None

    options = {CONF_REGISTERS: {METER.id: [TEXT, "0_0_96_1_0_255", "1_0_99_99_0_255"], "gone_1": ["1_0_1_8_0_255"]}}
    hass.config_entries.async_update_entry(entry, options=options)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await until(lambda: entry.runtime_data.streaming)
    assert state(hass, TEXT).state == "V1.07"
    assert hass.states.get(other) is None

    hass.config_entries.async_update_entry(entry, options={CONF_REGISTERS: {}})
    assert await hass.config_entries.async_reload(entry.entry_id)
    await until(lambda: entry.runtime_data.streaming)
    await hass.async_block_till_done()
    assert hass.states.get(chosen) is None
    chosen_entry, other_entry = registry.async_get(chosen), registry.async_get(other)
    assert chosen_entry is not None
    assert other_entry is not None
    assert chosen_entry.disabled_by is er.RegistryEntryDisabler.INTEGRATION
    assert other_entry.disabled_by is er.RegistryEntryDisabler.USER


async def test_options_show_a_register_from_the_first_time_on(hass: HomeAssistant, gateway: RunningGateway) -> None:
    """As those that are shown by themselves."""
    entry = entry_for(gateway, options={CONF_REGISTERS: {METER.id: [TEXT]}})
    entry.add_to_hass(hass)
    await set_up(hass, entry)
    assert state(hass, TEXT).state == "V1.07"


# --- the tariff


async def test_the_tariff_is_one_of_those_that_the_meter_has_shown(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """Unknown until a counter moves; a new tariff is a new option."""
    assert state(hass, "tariff").state == STATE_UNKNOWN
    assert state(hass, "tariff").attributes["options"] == ["t1", "t2"]
    gateway.publish("1.8.1(0008000.000*kWh)", "1.8.2(0004346.000*kWh)")
    await until(lambda: state(hass, "tariff").state == "t2")
    gateway.publish("1.8.1(0008000.000*kWh)", "1.8.2(0004346.000*kWh)", "1.8.3(0000000.000*kWh)")
    gateway.publish("1.8.1(0008000.000*kWh)", "1.8.2(0004346.000*kWh)", "1.8.3(0000000.100*kWh)")
    await until(lambda: state(hass, "tariff").state == "t3")
    assert state(hass, "tariff").attributes["options"] == ["t1", "t2", "t3"]


async def test_a_meter_of_one_tariff_has_no_sensor_of_it(hass: HomeAssistant, gateway: RunningGateway) -> None:
    """There would be nothing to switch."""
    await gateway.restart()
    gateway._states.clear()
    gateway.publish("1.8.0(1*kWh)")
    entry = entry_for(gateway)
    entry.add_to_hass(hass)
    await set_up(hass, entry)
    assert er.async_get(hass).async_get_entity_id("sensor", DOMAIN, f"{METER.id}_tariff") is None
