"""Home Assistant's system information tells how it goes with the gateways, and nothing that is not for the public."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from homeassistant.components.system_health import get_info
from homeassistant.config_entries import ConfigEntryDisabler
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.obis_gateway.const import DOMAIN
from obisgw.readings.shown import GatewayInfo
from tests.home_assistant.integration.conftest import entry_for, set_up
from tests.home_assistant.integration.running import RunningGateway, until
from tests.home_assistant.integration.texts import LANGUAGES

# A stream that is broken off leaves the server's own heartbeat behind.
pytestmark = pytest.mark.parametrize("expected_lingering_timers", [True])


async def info(hass: HomeAssistant) -> dict[str, Any]:
    """Return what is told of this integration."""
    assert await async_setup_component(hass, "system_health", {})
    return dict((await get_info(hass))[DOMAIN])


async def test_a_gateway_that_goes_well(hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry) -> None:
    """It answers, in which version, with how many meters."""
    assert await info(hass) == {
        "reachable": "ok",
        "version": "0.2.0",
        "api_version": "1.0",
        "stream": True,
        "meters": 1,
        "meters_available": 1,
    }


async def test_a_gateway_that_is_away(hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry) -> None:
    """What was known of it is told further on; its meters cannot be read."""
    gateway.fail()
    await until(lambda: not next(iter(loaded.runtime_data.data.meters.values())).available)
    assert (await info(hass))["meters_available"] == 0
    gateway.publish()
    await gateway.stop()
    await loaded.runtime_data.async_refresh()
    told = await info(hass)
    assert told["reachable"] == "Failed: cannot_connect"
    assert (told["stream"], told["meters"], told["meters_available"]) == (False, 1, 0)
    assert "127.0.0.1" not in str(told)


async def test_several_gateways_are_told_apart_by_their_order(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """Their names may be those of people and streets. One that is disabled is none."""
    attic = RunningGateway(id="fedcba9876543210", info=GatewayInfo("attic", "Attic", "0.3.0"))
    await attic.start()
    second, third = entry_for(attic), entry_for(attic, disabled_by=ConfigEntryDisabler.USER)
    third.add_to_hass(hass)
    second.add_to_hass(hass)
    await set_up(hass, second)
    told = await info(hass)
    assert (told["reachable"], told["version"], told["stream"]) == ("ok", "0.2.0, 0.3.0", "True, True")
    await attic.stop()
    assert (await info(hass))["reachable"] == "Failed: 2: cannot_connect"
    assert await hass.config_entries.async_unload(second.entry_id)


async def test_without_a_gateway_that_is_set_up(hass: HomeAssistant, loaded: MockConfigEntry) -> None:
    """There is nothing to tell but whether it answers."""
    assert await hass.config_entries.async_unload(loaded.entry_id)
    told = await info(hass)
    assert (told["reachable"], told["version"], told["meters"]) == ("ok", "-", 0)


async def test_all_that_is_told_has_a_name(
    hass: HomeAssistant, hass_ws_client: WebSocketGenerator, loaded: MockConfigEntry
) -> None:
    """In each language; and the page of the integration is linked."""
    assert await async_setup_component(hass, "system_health", {})
    client = await hass_ws_client()
    await client.send_json({"id": 1, "type": "system_health/info"})
    async with asyncio.timeout(10):
        messages = [await client.receive_json() for _ in range(2)]
    told = messages[1]["event"]["data"][DOMAIN]
    assert told["manage_url"] == "/config/integrations/integration/obis_gateway"
    for texts in LANGUAGES.values():
        assert texts["system_health"]["info"].keys() == told["info"].keys()
