"""An entry is set up, tested before, unloaded and removed."""

from __future__ import annotations

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry


async def test_an_entry_is_loaded_and_unloaded(hass: HomeAssistant, loaded: MockConfigEntry) -> None:
    """What was set up goes again."""
    assert loaded.state is ConfigEntryState.LOADED
    assert await hass.config_entries.async_unload(loaded.entry_id)
    assert loaded.state is ConfigEntryState.NOT_LOADED
