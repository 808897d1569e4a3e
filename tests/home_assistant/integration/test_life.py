"""An entry's life among its user's wishes: loaded anew again and again, ended at any moment, renamed, disabled."""

from __future__ import annotations

import asyncio
import gc
import logging
from contextlib import suppress

import pytest
from aiohttp import ClientSession
from homeassistant.config_entries import ConfigEntryState, OperationNotAllowed
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.obis_gateway.coordinator import GatewayCoordinator
from custom_components.obis_gateway.entity import MeterEntities, MeterEntity
from custom_components.obis_gateway.push import Push
from tests.home_assistant.integration.running import RunningGateway, until
from tests.home_assistant.integration.seen import entity_id, registered

ENERGY = "1_0_1_8_0_255"


def _left(hass: HomeAssistant) -> dict[str, int]:
    """Count what must not grow: tasks and objects of ours, listeners, sessions."""
    gc.collect()
    kinds = (ClientSession, GatewayCoordinator, MeterEntities, MeterEntity, Push)
    everything = gc.get_objects()
    return {
        **{kind.__name__: sum(isinstance(one, kind) for one in everything) for kind in kinds},
        "tasks": sum("custom_components" in task.get_coro().cr_code.co_filename for task in asyncio.all_tasks()),
        "listeners": sum(hass.bus.async_listeners().values()),
    }


async def test_loading_anew_leaves_nothing_behind(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """Nor does the gateway keep streams."""

    async def reload() -> None:
        assert await hass.config_entries.async_reload(loaded.entry_id)
        await hass.async_block_till_done()
        await until(lambda: loaded.runtime_data.streaming)
        await until(lambda: gateway.streams == 1)

    await reload()
    before = _left(hass)
    for _ in range(10):
        await reload()
    # What has just ended may still be on its way out.
    await until(lambda: all(count <= before[what] for what, count in _left(hass).items()))


@pytest.mark.parametrize("seconds", [0, 0.001, 0.01, 0.03, 0.1, 0.3])
async def test_an_entry_can_be_unloaded_at_any_moment(
    hass: HomeAssistant,
    gateway: RunningGateway,
    entry: MockConfigEntry,
    seconds: float,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As soon as it is set up, while its stream begins, later."""
    setting_up = hass.async_create_task(hass.config_entries.async_setup(entry.entry_id))
    await asyncio.sleep(seconds)
    with suppress(OperationNotAllowed):
        # Home Assistant refuses it while the entry is being set up.
        await hass.config_entries.async_unload(entry.entry_id)
    await setting_up
    if entry.state is ConfigEntryState.LOADED:
        assert await hass.config_entries.async_unload(entry.entry_id)
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.NOT_LOADED
    await until(lambda: gateway.streams == 0)
    ours = [record for record in caplog.records if "obis_gateway" in record.name or record.name == "asyncio"]
    assert [record.getMessage() for record in ours if record.levelno >= logging.ERROR] == []


async def test_what_the_user_made_of_entities_stays(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """Over readings and a reload, and when the gateway has not had the meter for a while."""
    registry = er.async_get(hass)
    disabled = entity_id(hass, "sensor", "tariff")
    registry.async_update_entity(entity_id(hass, "sensor", ENERGY), new_entity_id="sensor.mine", name="Mine")
    registry.async_update_entity(disabled, disabled_by=er.RegistryEntryDisabler.USER)
    await hass.async_block_till_done()

    def is_so() -> bool:
        mine = hass.states.get("sensor.mine")
        return mine is not None and mine.name.endswith("Mine") and hass.states.get(disabled) is None

    gateway.publish()
    await until(is_so)
    assert await hass.config_entries.async_reload(loaded.entry_id)
    await hass.async_block_till_done()
    await until(is_so)
    gateway.remove_meter()
    await until(lambda: hass.states.get("sensor.mine") is None)
    gateway.publish()
    await until(is_so)
    assert registered(hass, "sensor", "tariff") == disabled


async def test_an_entity_that_the_user_removed_comes_back_when_the_entry_is_loaded_anew(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """Until then it stays away; whoever wants none disables it."""
    er.async_get(hass).async_remove(entity_id(hass, "sensor", ENERGY))
    await hass.async_block_till_done()
    before = loaded.runtime_data.known.heard
    gateway.publish()
    await until(lambda: loaded.runtime_data.known.heard > before)
    await hass.async_block_till_done()
    assert registered(hass, "sensor", ENERGY) is None
    assert await hass.config_entries.async_reload(loaded.entry_id)
    await hass.async_block_till_done()
    assert registered(hass, "sensor", ENERGY)
