"""OBIS Gateway: utility meters, read through an optical head by a gateway in the home network."""

from __future__ import annotations

from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.typing import ConfigType

from .const import DOMAIN, PLATFORMS
from .coordinator import GatewayCoordinator, ObisConfigEntry, client_of

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Set up what is there without a gateway."""
    return True


async def async_setup_entry(hass: HomeAssistant, entry: ObisConfigEntry) -> bool:
    """Set up one gateway with its meters."""
    coordinator = GatewayCoordinator(hass, entry, client_of(hass, entry.data))
    await coordinator.async_config_entry_first_refresh()
    entry.runtime_data = coordinator
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    return True


async def async_unload_entry(hass: HomeAssistant, entry: ObisConfigEntry) -> bool:
    """Unload one gateway."""
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)
