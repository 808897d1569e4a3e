"""A meter that two gateways read is one device, of the entry that was there first."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.obis_gateway.devices import async_device_of
from obisgw.readings.shown import GatewayInfo
from tests.home_assistant.integration.conftest import entry_for, set_up
from tests.home_assistant.integration.running import RunningGateway, until
from tests.home_assistant.integration.seen import entity_id, state
from tests.mqtt.samples import METER

ENERGY = "1_0_1_8_0_255"
GARDEN = replace(METER, id="isk_87654321", number="87654321")


@pytest.fixture
async def attic(socket_enabled: None) -> AsyncIterator[RunningGateway]:
    """Return another gateway, which reads the same meter and one of its own."""
    running = RunningGateway(id="fedcba9876543210", info=GatewayInfo("attic", "Attic", "0.2.0"))
    running.publish("1.8.0(0012345.700*kWh)")
    running.publish(meter=GARDEN)
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def second(hass: HomeAssistant, loaded: MockConfigEntry, attic: RunningGateway) -> MockConfigEntry:
    """Return the other gateway's entry, set up after the first."""
    entry = entry_for(attic)
    entry.add_to_hass(hass)
    await set_up(hass, entry)
    return entry


async def test_the_first_keeps_the_meter(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    attic: RunningGateway,
    second: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The second shows its own, leaves the other to MQTT or nobody, and says so once."""
    assert state(hass, "sensor", ENERGY).state == "12345.600"
    assert state(hass, "sensor", ENERGY, GARDEN.id).state == "12345.600"
    assert second.runtime_data.left_to_others == {METER.id: "OBIS Gateway"}
    assert loaded.runtime_data.left_to_others == {}
    assert second.runtime_data.data.meters.keys() == {GARDEN.id}
    assert async_device_of(hass, second.entry_id, METER.id) is None
    await until(lambda: attic.clients.adopted == {GARDEN.id})
    for _ in range(3):
        attic.publish("1.8.0(0012345.800*kWh)")
    await until(lambda: second.runtime_data.known.heard == attic.feed.sequence)
    assert state(hass, "sensor", ENERGY).state == "12345.600"
    records = [*caplog.get_records("setup"), *caplog.get_records("call")]
    said = [record.getMessage() for record in records if "is left to" in record.getMessage()]
    assert said == ["meter isk_12345678 of Attic is left to OBIS Gateway, which shows it already"]
    assert "unique" not in caplog.text


async def test_a_meter_that_comes_later_is_left_as_well(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry, second: MockConfigEntry
) -> None:
    """Whoever sees it first keeps it."""
    gateway.publish(meter=GARDEN)
    await until(lambda: loaded.runtime_data.left_to_others == {GARDEN.id: "Attic"})
    assert state(hass, "sensor", ENERGY, GARDEN.id).state == "12345.600"
    assert er.async_get(hass).async_get(entity_id(hass, "sensor", ENERGY, GARDEN.id)).config_entry_id == second.entry_id  # type: ignore[union-attr]


async def test_the_second_takes_it_over_when_the_first_is_gone(
    hass: HomeAssistant, loaded: MockConfigEntry, attic: RunningGateway, second: MockConfigEntry
) -> None:
    """With the entity's id and history; the first then leaves it."""
    before = entity_id(hass, "sensor", ENERGY)
    assert await hass.config_entries.async_unload(loaded.entry_id)
    assert state(hass, "sensor", ENERGY).state == STATE_UNAVAILABLE
    await second.runtime_data.async_refresh()
    await until(lambda: state(hass, "sensor", ENERGY).state == "12345.700")
    assert entity_id(hass, "sensor", ENERGY) == before
    assert second.runtime_data.left_to_others == {}
    await until(lambda: attic.clients.adopted == {METER.id, GARDEN.id})

    await set_up(hass, loaded)
    assert loaded.runtime_data.left_to_others == {METER.id: "Attic"}
    assert async_device_of(hass, loaded.entry_id, METER.id) is None
    assert state(hass, "sensor", ENERGY).state == "12345.700"


async def test_a_meter_that_the_second_loses_is_left_to_nobody(
    hass: HomeAssistant, loaded: MockConfigEntry, attic: RunningGateway, second: MockConfigEntry
) -> None:
    """There is nothing to be said of it any more."""
    attic.remove_meter()
    await until(lambda: second.runtime_data.left_to_others == {})
    assert state(hass, "sensor", ENERGY).state == "12345.600"


async def test_a_reload_of_the_first_changes_nothing(
    hass: HomeAssistant, loaded: MockConfigEntry, second: MockConfigEntry
) -> None:
    """A moment without it is not the end."""
    assert await hass.config_entries.async_reload(loaded.entry_id)
    await until(lambda: loaded.runtime_data.streaming)
    await second.runtime_data.async_refresh()
    assert loaded.runtime_data.data.meters.keys() == {METER.id}
    assert second.runtime_data.left_to_others == {METER.id: "OBIS Gateway"}


async def test_a_restart_of_home_assistant_changes_nothing(
    hass: HomeAssistant, loaded: MockConfigEntry, attic: RunningGateway, second: MockConfigEntry
) -> None:
    """Whichever is loaded first then, the one that has shown the meter goes on."""
    assert await hass.config_entries.async_unload(loaded.entry_id)
    assert await hass.config_entries.async_unload(second.entry_id)
    hass.set_state(CoreState.starting)
    await set_up(hass, second)
    await set_up(hass, loaded)
    hass.set_state(CoreState.running)
    assert loaded.runtime_data.data.meters.keys() == {METER.id}
    assert second.runtime_data.left_to_others == {METER.id: "OBIS Gateway"}


async def test_a_first_that_cannot_be_loaded_does_not_keep_it(
    hass: HomeAssistant,
    gateway: RunningGateway,
    loaded: MockConfigEntry,
    attic: RunningGateway,
    second: MockConfigEntry,
) -> None:
    """Its gateway is off, perhaps for ever."""
    assert await hass.config_entries.async_unload(loaded.entry_id)
    assert await hass.config_entries.async_unload(second.entry_id)
    await gateway.stop()
    assert not await hass.config_entries.async_setup(loaded.entry_id)
    assert loaded.state is ConfigEntryState.SETUP_RETRY
    await set_up(hass, second)
    await until(lambda: state(hass, "sensor", ENERGY).state == "12345.700")
    assert await hass.config_entries.async_unload(loaded.entry_id)
