"""The whole way: publisher, a real Mosquitto, Home Assistant's real client."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from homeassistant.const import STATE_UNAVAILABLE
from pytest_homeassistant_custom_component.common import MockConfigEntry

from obisgw.config.table import MqttSettings
from obisgw.mqtt.publisher import Publisher
from obisgw.readings.shown import Command, MeterOptions
from obisgw.service.facts import Facts
from tests.home_assistant.said import warnings_of
from tests.mqtt.brokers import mosquitto, until
from tests.mqtt.samples import GATEWAY, HEALTH, HOUSEHOLD, METER, reading

if TYPE_CHECKING:
    from pathlib import Path

    from homeassistant.core import HomeAssistant

    from obisgw.readings.reading import Reading

OPTIONS = MeterOptions(interval=60)
ENERGY, TARIFF = f"sensor.{METER.id}_active_energy_import", f"sensor.{METER.id}_tariff"
BUTTON, EVENT = f"button.{METER.id}_read_now", f"event.{METER.id}_event"


@pytest.mark.usefixtures("socket_enabled")
async def test_home_assistant_shows_what_the_gateway_publishes(
    hass: HomeAssistant, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whichever of the two is there first; a button comes back as a command; the end is unavailable."""

    def state(entity_id: str) -> str | None:
        found = hass.states.get(entity_id)
        return None if found is None else found.state

    facts = Facts()

    def publish(taken: Reading) -> None:
        publisher.publish_reading(taken, facts.take(taken, OPTIONS), HEALTH)

    (tmp_path / "configuration.yaml").write_text("")
    hass.config.config_dir = str(tmp_path)
    commands: list[tuple[str, Command]] = []
    async with mosquitto(tmp_path) as broker:
        publisher = Publisher(
            MqttSettings(host="127.0.0.1", port=broker.port),
            GATEWAY,
            lambda meter, command: commands.append((meter, command)),
        )
        publisher.meter_added(METER, OPTIONS)
        await publisher.start()
        publish(reading(*HOUSEHOLD))

        entry = MockConfigEntry(
            domain="mqtt",
            version=2,
            minor_version=1,
            data={"broker": "127.0.0.1", "port": broker.port, "protocol": "5"},
        )
        entry.add_to_hass(hass)
        assert await hass.config_entries.async_setup(entry.entry_id)
        await until(lambda: state(ENERGY) == "12345.600", 20)

        publish(reading("1.8.1(8000.001*kWh)", "1.8.2(4345.600*kWh)"))
        await until(lambda: state(TARIFF) == "t1")
        publish(reading("1.8.1(8000.001*kWh)", "1.8.2(4345.601*kWh)", "1.8.3(0*kWh)"))
        await until(lambda: state(TARIFF) == "t2")
        await until(lambda: state(EVENT) not in {None, "unknown"})
        assert hass.states.get(TARIFF).attributes["options"] == ["t1", "t2", "t3"]  # type: ignore[union-attr]

        await hass.services.async_call("button", "press", {"entity_id": BUTTON}, blocking=True)
        await until(lambda: commands)
        assert commands == [(METER.id, Command.READ_NOW)]

        await publisher.stop()
        await until(lambda: state(ENERGY) == STATE_UNAVAILABLE)
        assert await hass.config_entries.async_unload(entry.entry_id)
        await hass.async_block_till_done()
    assert warnings_of(caplog.records) == []
