"""Read a meter now."""

from __future__ import annotations

from functools import partial
from typing import Final, override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .client import GatewayAuthError
from .coordinator import GatewayCoordinator, ObisConfigEntry
from .entity import MeterEntities, MeterEntity, Wish
from .errors import translated
from .models import GatewayError, Meter

# The gateway itself reads the meters of one line one after another, and those of several at once.
PARALLEL_UPDATES = 0

READ_WITHIN: Final = 90.0
"""Seconds: a long readout at 300 Bd takes more than a minute."""

READ_NOW: Final = ButtonEntityDescription(key="read_now", translation_key="read_now")


async def async_setup_entry(
    hass: HomeAssistant, entry: ObisConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Set up the buttons of the meters that can be asked."""
    MeterEntities(entry, Platform.BUTTON, async_add_entities, partial(_wishes, entry.runtime_data), lasting=False)


def _wishes(coordinator: GatewayCoordinator, meter: Meter) -> dict[str, Wish]:
    if not meter.on_request:
        return {}
    return {READ_NOW.key: Wish(READ_NOW, partial(ReadNowButton, coordinator, meter.id))}


class ReadNowButton(MeterEntity, ButtonEntity):
    """Reads the meter, and is pressed until that is done."""

    entity_description = READ_NOW
    about_reading = False

    def __init__(self, coordinator: GatewayCoordinator, meter_id: str) -> None:
        super().__init__(coordinator, meter_id, READ_NOW.key)

    @override
    async def async_press(self) -> None:
        """Read the meter. Raises HomeAssistantError where that fails."""
        coordinator = self.coordinator
        try:
            await coordinator.client.read(self.meter_id, READ_WITHIN)
        except GatewayError as error:
            if isinstance(error, GatewayAuthError):
                coordinator.config_entry.async_start_reauth(self.hass)
            meter = self.meter
            name = self.meter_id if meter is None else meter.name
            said = translated(error, coordinator.name, meter=name, seconds=f"{READ_WITHIN:.0f}")
            raise HomeAssistantError(**said) from error
        if not coordinator.streaming:
            await coordinator.async_request_refresh()

    @override
    def _shown(self, meter: Meter) -> object:
        return None
