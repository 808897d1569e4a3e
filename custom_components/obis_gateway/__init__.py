"""OBIS Gateway: utility meters, read through an optical head by a gateway in the home network."""

from __future__ import annotations

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConfigEntryNotReady
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.device_registry import DeviceEntry
from homeassistant.helpers.typing import ConfigType

from .chosen import async_disable_others, chosen
from .client import GatewayAuthError
from .const import DOMAIN, LOGGER, PLATFORMS
from .coordinator import GatewayCoordinator, ObisConfigEntry, client_of
from .errors import translated
from .models import GatewayError
from .problems import async_setup_problems, async_watch
from .push import Push
from .services import async_setup_services

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Set up what is there without a gateway."""
    async_setup_services(hass)
    async_setup_problems(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: ObisConfigEntry) -> bool:
    """Set up one gateway with its meters."""
    coordinator = GatewayCoordinator(hass, entry, client_of(hass, entry.data))
    try:
        await coordinator.async_config_entry_first_refresh()
    except ConfigEntryNotReady as error:
        if coordinator.error is None:
            raise
        # Older versions do not hand on what is translated.
        raise ConfigEntryNotReady(**translated(coordinator.error, entry.title)) from error
    entry.runtime_data = coordinator
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    await async_watch(entry)
    # Only now are there entities that hear of events.
    entry.async_create_background_task(hass, Push(coordinator).run(), f"stream of {entry.title}")
    return True


async def async_unload_entry(hass: HomeAssistant, entry: ObisConfigEntry) -> bool:
    """Unload one gateway. Its meters stay adopted, unless the entry was disabled."""
    coordinator = entry.runtime_data
    async_disable_others(hass, coordinator.data.meters, coordinator.chosen, chosen(entry.options))
    if entry.disabled_by is not None:
        await coordinator.async_leave_all()
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def async_remove_entry(hass: HomeAssistant, entry: ObisConfigEntry) -> None:
    """Give the token back: the gateway then announces its meters by MQTT again."""
    try:
        await client_of(hass, entry.data).revoke()
    except GatewayAuthError:
        LOGGER.debug("the token of %s was revoked before", entry.title)
    except GatewayError as error:
        LOGGER.warning(
            "%s could not be told that it is removed (%s): its token still holds, and its meters are not announced by "
            "MQTT. Run 'obis-gateway tokens' and 'obis-gateway tokens revoke ID' on its machine",
            entry.title,
            error,
        )


async def async_remove_config_entry_device(hass: HomeAssistant, entry: ObisConfigEntry, device: DeviceEntry) -> bool:
    """Let a device be removed unless it is the gateway or a meter that is read; one that is read again comes back."""
    ids = {identifier for domain, identifier in device.identifiers if domain == DOMAIN}
    if entry.unique_id in ids:
        return False
    if entry.state is not ConfigEntryState.LOADED:
        return True
    coordinator = entry.runtime_data
    meters = [meter for meter_id in ids if (meter := coordinator.meter(meter_id)) is not None]
    if any(meter.available for meter in meters):
        return False
    for meter in meters:
        coordinator.async_hide(meter.id)
    return True
