"""A meter that the integration shows leaves Home Assistant's registries by MQTT, and comes back as it was."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry

from obisgw.config.table import MqttSettings
from obisgw.mqtt.publisher import Publisher
from obisgw.readings.shown import MeterOptions
from obisgw.readings.thresholds import Threshold
from obisgw.service.facts import Facts
from tests.home_assistant.said import warnings_of
from tests.mqtt.brokers import mosquitto, until
from tests.mqtt.samples import GATEWAY, HEALTH, HOUSEHOLD, METER, reading

if TYPE_CHECKING:
    from pathlib import Path

    from homeassistant.core import HomeAssistant

HIGH = Threshold("high_power", "High power", above=Decimal("0.4"), unit="kW")
OPTIONS = MeterOptions(interval=60, thresholds=(HIGH,))
ENERGY, POWER = f"sensor.{METER.id}_active_energy_import", f"binary_sensor.{METER.id}_high_power"


@pytest.mark.usefixtures("socket_enabled")
async def test_adoption_leaves_no_orphan_and_its_end_brings_all_back(
    hass: HomeAssistant, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Devices and entities go from the registries, and come back with the names that their owner gave them."""
    (tmp_path / "configuration.yaml").write_text("")
    hass.config.config_dir = str(tmp_path)
    devices, entities, facts = dr.async_get(hass), er.async_get(hass), Facts()

    def state(entity_id: str) -> str | None:
        found = hass.states.get(entity_id)
        return None if found is None else found.state

    async with mosquitto(tmp_path) as broker:
        publisher = Publisher(MqttSettings(host="127.0.0.1", port=broker.port), GATEWAY, lambda *_: None)

        def publish(*lines: str) -> None:
            taken = reading(*lines)
            publisher.publish_reading(taken, facts.take(taken, OPTIONS), HEALTH)

        publisher.meter_added(METER, OPTIONS)
        await publisher.start()
        publish(*HOUSEHOLD, "15.7.0(0.530*kW)")
        entry = MockConfigEntry(
            domain="mqtt",
            version=2,
            minor_version=1,
            data={"broker": "127.0.0.1", "port": broker.port, "protocol": "5"},
        )
        entry.add_to_hass(hass)
        assert await hass.config_entries.async_setup(entry.entry_id)
        await until(lambda: state(POWER) == "off", 20)
        await until(lambda: len(dr.async_entries_for_config_entry(devices, entry.entry_id)) == 2)
        publish("16.7.0(0.530*kW)")
        await until(lambda: state(POWER) == "on")
        publish("1.8.0(1*kWh)")
        await until(lambda: state(POWER) == "unknown")
        entities.async_update_entity(ENERGY, name="Cellar")

        publisher.adopt(frozenset({METER.id}))
        await until(lambda: not dr.async_entries_for_config_entry(devices, entry.entry_id))
        assert er.async_entries_for_config_entry(entities, entry.entry_id) == []
        publish("1.8.0(2*kWh)")
        await asyncio.sleep(0.2)
        assert hass.states.async_all(("sensor", "binary_sensor", "event", "button")) == []

        publisher.adopt(frozenset())
        await until(lambda: state(ENERGY) == "2")
        assert len(dr.async_entries_for_config_entry(devices, entry.entry_id)) == 2
        assert entities.async_get(ENERGY).name == "Cellar"  # type: ignore[union-attr]

        await publisher.stop()
        assert await hass.config_entries.async_unload(entry.entry_id)
        await hass.async_block_till_done()
    assert warnings_of(caplog.records) == []
