"""Limits, and whether gateway and meters answer."""

from __future__ import annotations

from decimal import Decimal

from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.obis_gateway.const import CONF_THRESHOLDS
from obisgw.readings.thresholds import Threshold
from tests.home_assistant.integration.conftest import entry_for, set_up
from tests.home_assistant.integration.running import RunningGateway, until
from tests.home_assistant.integration.seen import entity_id, registered, state
from tests.mqtt.samples import METER

HIGH = {"name": "High power", "above": "3", "unit": "kW"}
KEY = "threshold_high_power"


def shown(hass: HomeAssistant, key: str) -> str:
    """Return the state of a binary sensor of the meter."""
    return state(hass, "binary_sensor", key).state


async def test_a_limit_of_the_options_is_watched_by_the_gateway(hass: HomeAssistant, gateway: RunningGateway) -> None:
    """It is set there when the entry is set up, and is a binary sensor of its name."""
    entry = entry_for(gateway, options={CONF_THRESHOLDS: {METER.id: [HIGH]}})
    entry.add_to_hass(hass)
    await set_up(hass, entry)
    await until(lambda: registered(hass, "binary_sensor", KEY))
    assert shown(hass, KEY) == STATE_UNKNOWN
    assert state(hass, "binary_sensor", KEY).name == "Electricity meter 12345678 High power"
    gateway.publish("16.7.0(3.001*kW)")
    await until(lambda: shown(hass, KEY) == STATE_ON)
    gateway.publish("16.7.0(2.999*kW)")
    await until(lambda: shown(hass, KEY) == STATE_OFF)
    gateway.publish("1.8.0(12345.7*kWh)")
    await until(lambda: shown(hass, KEY) == STATE_UNKNOWN)
    gateway.fail()
    await until(lambda: shown(hass, KEY) == STATE_UNAVAILABLE)


async def test_a_limit_that_the_options_lose_is_watched_no_more(hass: HomeAssistant, gateway: RunningGateway) -> None:
    """Its entity goes, that of the configuration stays."""
    gateway.add_meter(thresholds=(Threshold("import", "Import", above=Decimal(0)),))
    entry = entry_for(gateway, options={CONF_THRESHOLDS: {METER.id: [HIGH]}})
    entry.add_to_hass(hass)
    await set_up(hass, entry)
    await until(lambda: registered(hass, "binary_sensor", KEY))
    hass.config_entries.async_update_entry(entry, options={})
    assert await hass.config_entries.async_reload(entry.entry_id)
    await until(lambda: registered(hass, "binary_sensor", KEY) is None)
    assert gateway.clients.thresholds_of(METER.id) == ()
    assert registered(hass, "binary_sensor", "threshold_import")
    await until(lambda: entry.runtime_data.streaming)


async def test_what_was_left_by_an_earlier_run_is_removed(
    hass: HomeAssistant, gateway: RunningGateway, entry: MockConfigEntry
) -> None:
    """A limit that went while Home Assistant was off; the user's other entities of the device stay."""
    await set_up(hass, entry)
    registry = er.async_get(hass)
    device = registry.async_get(entity_id(hass, "binary_sensor", "readable"))
    assert device is not None
    assert await hass.config_entries.async_unload(entry.entry_id)
    left = registry.async_get_or_create(
        "binary_sensor", "obis_gateway", f"{METER.id}_{KEY}", config_entry=entry, device_id=device.device_id
    )
    other = registry.async_get_or_create("binary_sensor", "template", "mine", device_id=device.device_id)
    await set_up(hass, entry)
    assert registry.async_get(left.entity_id) is None
    assert registry.async_get(other.entity_id) is not None


async def test_a_limit_that_the_gateway_refuses_is_said_once_and_harms_nothing(
    hass: HomeAssistant, gateway: RunningGateway, caplog: object
) -> None:
    """The meter is adopted, and other limits are watched."""
    gateway.add_meter(thresholds=(Threshold("high_power", "High power", above=Decimal(5)),))
    entry = entry_for(gateway, options={CONF_THRESHOLDS: {METER.id: [HIGH]}})
    entry.add_to_hass(hass)
    await set_up(hass, entry)
    await until(lambda: "refuses" in caplog.text)  # type: ignore[attr-defined]
    assert gateway.clients.adopted == {METER.id}
    assert "'High power' is watched already" in caplog.text  # type: ignore[attr-defined]
    assert shown(hass, KEY) == STATE_UNKNOWN


async def test_whether_gateway_and_meter_answer_is_always_known(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """For automations that tell of a meter that is silent."""
    gateway_key = er.async_get(hass).async_get_entity_id("binary_sensor", "obis_gateway", f"{gateway.id}_connection")
    assert gateway_key is not None

    def connected() -> str | None:
        found = hass.states.get(gateway_key)
        return None if found is None else found.state

    assert (connected(), shown(hass, "readable")) == (STATE_ON, STATE_ON)
    gateway.fail()
    await until(lambda: shown(hass, "readable") == STATE_OFF)
    await gateway.stop()
    await loaded.runtime_data.async_refresh()
    await until(lambda: connected() == STATE_OFF)
    assert shown(hass, "readable") == STATE_UNAVAILABLE
    await gateway.start()
    await loaded.runtime_data.async_refresh()
    await until(lambda: (connected(), shown(hass, "readable")) == (STATE_ON, STATE_OFF))
