"""Read now: pressed until the meter was read, with a reason where it was not."""

from __future__ import annotations

import pytest
from homeassistant.const import ATTR_ENTITY_ID, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.obis_gateway import button
from tests.home_assistant.integration.running import RunningGateway, until
from tests.home_assistant.integration.seen import entity_id, registered, state
from tests.mqtt.samples import METER

KEY = "read_now"

# A stream that is broken off leaves the server's own heartbeat behind.
pytestmark = pytest.mark.parametrize("expected_lingering_timers", [True])


async def press(hass: HomeAssistant) -> None:
    """Press the button."""
    target = {ATTR_ENTITY_ID: entity_id(hass, "button", KEY)}
    await hass.services.async_call("button", "press", target, blocking=True)


async def test_the_meter_is_read(hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry) -> None:
    """When it is done the new value is there."""
    gateway.on_read = lambda _: gateway.publish("1.8.0(0012400.000*kWh)")
    await press(hass)
    assert gateway.asked == [METER.id]
    await until(lambda: state(hass, "sensor", "1_0_1_8_0_255").state == "12400.000")


async def test_the_new_value_is_there_without_a_stream(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """Then it is asked for."""
    gateway.drop_streams()
    await until(lambda: not loaded.runtime_data.streaming)
    gateway.on_read = lambda _: gateway.publish("1.8.0(0012400.000*kWh)")
    await press(hass)
    await until(lambda: state(hass, "sensor", "1_0_1_8_0_255").state == "12400.000")


async def test_why_the_meter_was_not_read_is_said(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a translated error; the next press does it."""
    gateway.on_read = lambda _: gateway.fail("no answer: is the head on the meter?")
    with pytest.raises(HomeAssistantError) as caught:
        await press(hass)
    assert caught.value.translation_key == "read_failed"
    assert caught.value.translation_placeholders == {
        "gateway": "OBIS Gateway",
        "meter": "Electricity meter 12345678",
        "error": "no answer: is the head on the meter?",
        "seconds": "90",
    }
    monkeypatch.setattr(button, "READ_WITHIN", 0.05)
    gateway.on_read = None
    with pytest.raises(HomeAssistantError) as caught:
        await press(hass)
    assert caught.value.translation_key == "read_timeout"
    gateway.on_read = lambda _: gateway.publish()
    await press(hass)


async def test_a_token_that_was_revoked_asks_for_a_new_pairing(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """Whether the stream or the button notices it first."""
    listeners, gateway.clients.on_revoked = gateway.clients.on_revoked, []
    gateway.revoke()
    gateway.clients.on_revoked = listeners
    with pytest.raises(HomeAssistantError) as caught:
        await press(hass)
    assert caught.value.translation_key == "invalid_auth"
    await until(lambda: any(loaded.async_get_active_flows(hass, {"reauth"})))


async def test_a_meter_that_sends_by_itself_has_no_button(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """It cannot be asked; when it can again, the button is back."""
    gateway.add_meter(on_request=False)
    await until(lambda: registered(hass, "button", KEY) is None)
    gateway.add_meter(on_request=True)
    await until(lambda: registered(hass, "button", KEY) is not None)
    await until(lambda: hass.states.get(entity_id(hass, "button", KEY)) is not None)


async def test_a_meter_that_cannot_be_read_can_be_tried(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """That is when the button is most wanted."""
    gateway.fail()
    await until(lambda: state(hass, "sensor", "1_0_1_8_0_255").state == STATE_UNAVAILABLE)
    assert state(hass, "button", KEY).state != STATE_UNAVAILABLE
