"""The gateway is told which meters are shown here, so that MQTT does not show them too."""

from __future__ import annotations

from dataclasses import replace

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.obis_gateway.devices import async_device_of
from tests.home_assistant.integration.conftest import entry_for, set_up
from tests.home_assistant.integration.impostor import Impostor, meter_document
from tests.home_assistant.integration.running import RunningGateway, until
from tests.mqtt.samples import METER

GARDEN = replace(METER, id="isk_87654321", number="87654321")


async def test_a_meter_is_adopted_when_it_is_first_seen(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """At set-up as well as later; one that is gone is not."""
    await until(lambda: gateway.clients.adopted == {METER.id})
    gateway.publish(meter=GARDEN)
    await until(lambda: gateway.clients.adopted == {METER.id, GARDEN.id})
    gateway.remove_meter(GARDEN)
    await until(lambda: gateway.clients.adopted == {METER.id})


async def test_a_meter_whose_device_is_disabled_is_left(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """Whoever wants it by MQTT gets it there; enabled, it is adopted again."""
    await until(lambda: gateway.clients.adopted == {METER.id})
    device = async_device_of(hass, loaded.entry_id, METER.id)
    assert device is not None
    registry = dr.async_get(hass)
    registry.async_update_device(device.id, disabled_by=dr.DeviceEntryDisabler.USER)
    await until(lambda: gateway.clients.adopted == frozenset())
    registry.async_update_device(device.id, disabled_by=None)
    await until(lambda: gateway.clients.adopted == {METER.id})


async def test_what_another_run_has_adopted_is_left_where_it_is_not_shown(
    hass: HomeAssistant, gateway: RunningGateway, entry: MockConfigEntry
) -> None:
    """As a meter that was taken over by another gateway's entry."""
    client = gateway.clients.list()[0]
    gateway.clients.adopt(client.id, METER.id)
    gateway.clients.adopt(client.id, "isk_of_yesterday")
    await set_up(hass, entry)
    assert gateway.clients.adopted >= {METER.id}


@pytest.mark.parametrize("expected_lingering_timers", [True])
async def test_what_could_not_be_told_is_told_later(hass: HomeAssistant, socket_enabled: None) -> None:
    """A gateway that is busy is asked again with the next poll; one that refuses is not."""
    refusal = '{"type": "urn:obis-gateway:problem:%s", "detail": "not now"}'
    meter = meter_document(adopted=False)
    async with Impostor(meters=[meter], others=(503, refusal % "too_many_connections")).serving() as impostor:
        entry = entry_for(RunningGateway())
        entry.add_to_hass(hass)
        hass.config_entries.async_update_entry(entry, data={**entry.data, "port": impostor.port})
        await set_up(hass, entry)
        told = "PUT meters/abc_1/adoption"
        await until(lambda: impostor.asked.count(told) == 1)
        impostor.others = 409, refusal % "of_tomorrow"
        await entry.runtime_data.async_refresh()
        await until(lambda: impostor.asked.count(told) == 2)
        impostor.others = 204, ""
        await entry.runtime_data.async_refresh()
        await hass.async_block_till_done()
        assert impostor.asked.count(told) == 2
        assert await hass.config_entries.async_reload(entry.entry_id)
        await until(lambda: impostor.asked.count(told) == 3)
        await until(lambda: entry.runtime_data.streaming)
        assert await hass.config_entries.async_unload(entry.entry_id)
