"""An entry is tested before it is set up, unloaded, disabled and removed."""

from __future__ import annotations

from inspect import signature

import pytest
from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.const import CONF_TOKEN, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.obis_gateway.const import DOMAIN
from custom_components.obis_gateway.devices import async_device_of
from tests.home_assistant.integration.conftest import entry_for
from tests.home_assistant.integration.running import RunningGateway, until
from tests.home_assistant.integration.seen import registered, state
from tests.mqtt.samples import METER


async def test_an_entry_is_loaded_and_unloaded(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """Its stream goes with it, and the gateway does not announce the meter in between."""
    assert loaded.state is ConfigEntryState.LOADED
    assert gateway.streams == 1
    await until(lambda: gateway.clients.adopted == {METER.id})
    assert await hass.config_entries.async_unload(loaded.entry_id)
    assert loaded.state is ConfigEntryState.NOT_LOADED
    assert state(hass, "sensor", "1_0_1_8_0_255").state == STATE_UNAVAILABLE
    await until(lambda: gateway.streams == 0)
    assert gateway.clients.adopted == {METER.id}


async def test_a_gateway_that_does_not_answer_is_tried_again(
    hass: HomeAssistant, gateway: RunningGateway, entry: MockConfigEntry
) -> None:
    """With the reason, which is translated."""
    await gateway.stop()
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "cannot_connect"
    await gateway.start()
    assert await hass.config_entries.async_reload(entry.entry_id)
    await until(lambda: entry.runtime_data.streaming)


async def test_a_token_that_is_not_good_asks_for_a_new_pairing(
    hass: HomeAssistant, gateway: RunningGateway, entry: MockConfigEntry
) -> None:
    """And is not tried again until then."""
    gateway.revoke()
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_ERROR
    assert entry.error_reason_translation_key == "invalid_auth"
    await until(lambda: any(entry.async_get_active_flows(hass, {"reauth"})))
    hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_TOKEN: gateway.new_token()})
    assert await hass.config_entries.async_reload(entry.entry_id)
    await until(lambda: entry.runtime_data.streaming)


async def test_another_gateway_at_the_address_is_not_taken_for_this_one(
    hass: HomeAssistant, gateway: RunningGateway
) -> None:
    """Two gateways may have changed their addresses."""
    entry = entry_for(gateway)
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, unique_id="fedcba9876543210")
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "another_gateway"


async def test_removing_the_entry_gives_the_token_back(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """And with it the adoption: the gateway announces the meter by MQTT again."""
    await until(lambda: gateway.clients.adopted == {METER.id})
    await hass.config_entries.async_remove(loaded.entry_id)
    assert gateway.clients.list() == ()
    assert gateway.clients.adopted == frozenset()


async def test_removing_the_entry_of_a_gateway_that_is_off_says_what_is_left_to_do(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    """The token then still holds, and its meters are not announced."""
    await gateway.stop()
    await hass.config_entries.async_remove(loaded.entry_id)
    said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert any("'obis-gateway tokens revoke ID'" in message for message in said)
    assert all(loaded.data[CONF_TOKEN] not in record.getMessage() for record in caplog.records)


async def test_removing_the_entry_of_a_revoked_token_says_nothing(
    hass: HomeAssistant, gateway: RunningGateway, entry: MockConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    """There is nothing left to do."""
    gateway.revoke()
    await hass.config_entries.async_remove(entry.entry_id)
    assert "tokens revoke" not in caplog.text


async def test_a_disabled_entry_leaves_its_meters(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """They would else be nowhere; enabled again it shows them again."""
    await until(lambda: gateway.clients.adopted == {METER.id})
    await hass.config_entries.async_set_disabled_by(loaded.entry_id, ConfigEntryDisabler.USER)
    assert gateway.clients.adopted == frozenset()
    await hass.config_entries.async_set_disabled_by(loaded.entry_id, None)
    await until(lambda: gateway.clients.adopted == {METER.id})
    await until(lambda: loaded.runtime_data.streaming)


async def test_devices_are_those_that_are_read(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """The gateway, and through it the meter with its number, maker and model."""
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), loaded.entry_id)
    by_id = {identifier: device for device in devices for _, identifier in device.identifiers}
    assert by_id.keys() == {gateway.id, METER.id}
    meter, own = by_id[METER.id], by_id[gateway.id]
    assert (meter.serial_number, meter.manufacturer, meter.model) == ("12345678", "Iskraemeco", "MT174")
    assert meter.name == "Electricity meter 12345678"
    assert meter.via_device_id == own.id
    assert own.sw_version == "0.2.0"
    assert own.configuration_url == f"{gateway.url}/"


async def removable(
    hass: HomeAssistant, hass_ws_client: WebSocketGenerator, entry: MockConfigEntry, identifier: str
) -> bool:
    """Remove a device as a user does, and tell whether that was let."""
    await async_setup_component(hass, "config", {})
    device = async_device_of(hass, entry.entry_id, identifier)
    assert device is not None
    client = await hass_ws_client(hass)
    # Older versions ask of which entry, of several that shared it.
    asked = (device.id, entry.entry_id)[: len(signature(client.remove_device).parameters)]
    answer = await client.remove_device(*asked)
    return bool(answer["success"])


async def test_a_device_that_is_read_cannot_be_removed(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry, hass_ws_client: WebSocketGenerator
) -> None:
    """It would come back at once."""
    assert not await removable(hass, hass_ws_client, loaded, METER.id)
    assert not await removable(hass, hass_ws_client, loaded, gateway.id)


async def test_a_meter_that_is_not_read_can_be_removed_until_it_is(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry, hass_ws_client: WebSocketGenerator
) -> None:
    """As one that was replaced. It is then announced by MQTT again; read again, it is back."""
    gateway.fail()
    await until(lambda: state(hass, "sensor", "1_0_1_8_0_255").state == STATE_UNAVAILABLE)
    assert await removable(hass, hass_ws_client, loaded, METER.id)
    await until(lambda: gateway.clients.adopted == frozenset())
    await hass.async_block_till_done()
    assert registered(hass, "sensor", "1_0_1_8_0_255") is None
    gateway.publish()
    await until(lambda: registered(hass, "sensor", "1_0_1_8_0_255"))
    await until(lambda: state(hass, "sensor", "1_0_1_8_0_255").state == "12345.600")
    await until(lambda: gateway.clients.adopted == {METER.id})


async def test_a_stale_device_can_be_removed_although_the_gateway_is_off(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry, hass_ws_client: WebSocketGenerator
) -> None:
    """What it shows then is not known."""
    assert await hass.config_entries.async_unload(loaded.entry_id)
    assert await removable(hass, hass_ws_client, loaded, METER.id)
    assert async_device_of(hass, loaded.entry_id, gateway.id) is not None


async def test_a_meter_that_the_gateway_removes_goes_with_its_entities(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """Configured again, it comes back."""
    gateway.remove_meter()
    await until(lambda: async_device_of(hass, loaded.entry_id, METER.id) is None)
    await hass.async_block_till_done()
    assert registered(hass, "sensor", "1_0_1_8_0_255") is None
    assert registered(hass, "event", "events") is None
    gateway.publish()
    await until(lambda: registered(hass, "sensor", "1_0_1_8_0_255"))
    await until(lambda: state(hass, "sensor", "1_0_1_8_0_255").state == "12345.600")


async def test_what_changes_about_a_meter_changes_at_its_device(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """A name of the gateway's configuration; what the user named stays so."""
    gateway.add_meter(name="Main meter")

    def name() -> str | None:
        device = async_device_of(hass, loaded.entry_id, METER.id)
        return None if device is None else device.name

    await until(lambda: name() == "Main meter")


def test_the_domain_is_that_of_the_manifest() -> None:
    """Translations and devices go by it."""
    assert DOMAIN == "obis_gateway"
