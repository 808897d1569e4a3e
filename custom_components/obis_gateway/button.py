"""To be filled in."""

from __future__ import annotations

from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import ObisConfigEntry

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant, entry: ObisConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Set up the platform."""
