"""A running gateway and an entry that is paired with it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from homeassistant.const import CONF_HOST, CONF_PORT, CONF_TOKEN
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.obis_gateway.const import CONF_ID, CONF_TLS, DOMAIN
from tests.home_assistant.integration.running import RunningGateway, until
from tests.home_assistant.integration.texts import every_text_is_there  # noqa: F401 - a fixture for all


@pytest.fixture(autouse=True)
def _custom_integrations(enable_custom_integrations: None) -> None:
    """Let Home Assistant find the integration."""


@pytest.fixture
def expected_lingering_timers() -> bool:
    """Leave no timer behind, unlike the mqtt integration."""
    return False


@pytest.fixture
async def gateway(socket_enabled: None) -> AsyncIterator[RunningGateway]:
    """Return a running gateway with one meter that has been read once."""
    running = RunningGateway()
    running.publish()
    await running.start()
    yield running
    await running.stop()


def entry_for(gateway: RunningGateway, **more: object) -> MockConfigEntry:
    """Return an entry that is paired with a gateway, not yet in Home Assistant."""
    return MockConfigEntry(
        domain=DOMAIN,
        title=gateway.info.name,
        unique_id=gateway.id,
        data={
            CONF_HOST: gateway.host,
            CONF_PORT: gateway.port,
            CONF_TOKEN: gateway.new_token(),
            CONF_TLS: False,
            CONF_ID: gateway.id,
        },
        **more,  # type: ignore[arg-type]
    )


@pytest.fixture
def entry(hass: HomeAssistant, gateway: RunningGateway) -> MockConfigEntry:
    """Return an entry that is paired with the gateway, and not set up."""
    made = entry_for(gateway)
    made.add_to_hass(hass)
    return made


async def set_up(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Set an entry up, and wait until the gateway tells by itself."""
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    await until(lambda: entry.runtime_data.streaming)


@pytest.fixture
async def loaded(hass: HomeAssistant, entry: MockConfigEntry) -> MockConfigEntry:
    """Return the entry, set up, with the gateway telling by itself."""
    await set_up(hass, entry)
    return entry
