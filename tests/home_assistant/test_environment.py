"""The environment is whole: Home Assistant's mqtt integration takes a device document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from homeassistant.const import __version__
from pytest_homeassistant_custom_component.common import async_fire_mqtt_message

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant

DOCUMENT = {
    "device": {"identifiers": ["meter"], "name": "Meter"},
    "origin": {"name": "test"},
    "state_topic": "meter/state",
    "components": {
        "import": {
            "platform": "sensor",
            "unique_id": "meter_import",
            "name": "Import",
            "device_class": "energy",
            "state_class": "total_increasing",
            "unit_of_measurement": "kWh",
            "value_template": "{{ value_json.import }}",
        }
    },
}


@pytest.mark.usefixtures("mqtt_mock")
async def test_a_device_document_becomes_an_entity_with_its_state(hass: HomeAssistant) -> None:
    """The mqtt integration, its discovery and its sensor platform all load with what the lock holds."""
    async_fire_mqtt_message(hass, "homeassistant/device/meter/config", json.dumps(DOCUMENT))
    await hass.async_block_till_done()
    async_fire_mqtt_message(hass, "meter/state", '{"import": "12345.678"}')
    await hass.async_block_till_done()
    state = hass.states.get("sensor.meter_import")
    assert state is not None
    assert state.state == "12345.678"
    assert __version__.startswith("2026.")
