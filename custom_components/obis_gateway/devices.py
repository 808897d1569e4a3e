"""The gateway and its meters in Home Assistant's device registry."""

from __future__ import annotations

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr

from .const import DOMAIN, MANUFACTURER
from .models import Gateway, Meter

# Since 2026.8 a device is one entry's, and what it hangs on is told by the registry's id.
_BY_REGISTRY_ID = "via_device_id" in dr.DeviceInfo.__annotations__


@callback
def async_register_gateway(hass: HomeAssistant, entry_id: str, gateway: Gateway, page: str) -> str:
    """Show the gateway, or what is new of it; return the device's id."""
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=entry_id,
        identifiers={(DOMAIN, gateway.id)},
        name=gateway.name,
        manufacturer=MANUFACTURER,
        sw_version=gateway.version,
        configuration_url=page,
    )
    return device.id


@callback
def async_register_meter(hass: HomeAssistant, entry_id: str, meter: Meter, gateway: Gateway, device_id: str) -> None:
    """Show a meter, or what is new of it; ``device_id`` is the gateway's."""
    info = dr.DeviceInfo(
        identifiers={(DOMAIN, meter.id)},
        name=meter.name,
        manufacturer=meter.manufacturer,
        model=meter.model,
        serial_number=meter.number,
    )
    if _BY_REGISTRY_ID:
        info["via_device_id"] = device_id
    else:
        info["via_device"] = (DOMAIN, gateway.id)  # type: ignore[typeddict-unknown-key]
    dr.async_get(hass).async_get_or_create(config_entry_id=entry_id, **info)


@callback
def async_device_of(hass: HomeAssistant, entry_id: str, meter_id: str) -> dr.DeviceEntry | None:
    """Return an entry's device of a meter."""
    for device in dr.async_entries_for_config_entry(dr.async_get(hass), entry_id):
        if (DOMAIN, meter_id) in device.identifiers:
            return device
    return None


@callback
def async_remove_meter(hass: HomeAssistant, entry_id: str, meter_id: str) -> None:
    """Remove an entry's device of a meter, with its entities."""
    if (device := async_device_of(hass, entry_id, meter_id)) is None:
        return
    registry = dr.async_get(hass)
    if _BY_REGISTRY_ID:
        registry.async_remove_device(device.id)
    else:
        # Another gateway's entry may share it.
        registry.async_update_device(device.id, remove_config_entry_id=entry_id)
