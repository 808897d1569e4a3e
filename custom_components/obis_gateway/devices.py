"""The gateway and its meters in Home Assistant's device registry."""

from __future__ import annotations

from collections.abc import Iterable

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr

from .const import DOMAIN, LOGGER, MANUFACTURER
from .models import Gateway, Meter

# Since 2026.8 a device is one entry's, and what it hangs on is told by the registry's id.
_BY_REGISTRY_ID = "via_device_id" in dr.DeviceInfo.__annotations__


class Devices:
    """One entry's devices, which follow what the gateway says of itself and its meters. ``page`` is its status page."""

    def __init__(self, hass: HomeAssistant, entry_id: str, page: str) -> None:
        self._hass = hass
        self._entry_id = entry_id
        self._page = page
        self._described: dict[str, Meter] = {}
        self._changed_units: set[tuple[str, str]] = set()

    @callback
    def async_follow(self, gateway: Gateway, meters: Iterable[Meter]) -> list[Meter]:
        """Show what is new, and return the meters that have another description than before."""
        device = dr.async_get(self._hass).async_get_or_create(
            config_entry_id=self._entry_id,
            identifiers={(DOMAIN, gateway.id)},
            name=gateway.name,
            manufacturer=MANUFACTURER,
            sw_version=gateway.version,
            configuration_url=self._page,
        )
        changed = []
        for meter in meters:
            before = self._described.get(meter.id)
            if before is not None and _description(before) == _description(meter):
                continue
            self._described[meter.id] = meter
            if before is not None:
                self._say_units(gateway, before, meter)
            self._register(meter, gateway, device.id)
            changed.append(meter)
        return changed

    @callback
    def async_remove(self, meter_id: str) -> None:
        """Remove a meter's device, with its entities."""
        self.async_forget(meter_id)
        async_remove_meter(self._hass, self._entry_id, meter_id)

    @callback
    def async_forget(self, meter_id: str) -> None:
        """Take a meter for new when it is seen again."""
        self._described.pop(meter_id, None)

    def _register(self, meter: Meter, gateway: Gateway, device_id: str) -> None:
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
        dr.async_get(self._hass).async_get_or_create(config_entry_id=self._entry_id, **info)

    def _say_units(self, gateway: Gateway, before: Meter, now: Meter) -> None:
        """Say once of a register that its unit changed."""
        for key, register in now.registers.items():
            former = before.registers.get(key)
            if former is None or former.unit == register.unit or (now.id, key) in self._changed_units:
                continue
            self._changed_units.add((now.id, key))
            LOGGER.warning(
                "%s: register %s of %s is in %s now, and was in %s",
                *(gateway.name, register.address or key, now.name),
                *(register.unit or "no unit", former.unit or "no unit"),
            )


def _description(meter: Meter) -> tuple[object, ...]:
    """Return what devices and entities are made of."""
    return (
        meter.name,
        meter.number,
        meter.manufacturer,
        meter.model,
        meter.on_request,
        meter.tariffs,
        meter.thresholds,
        meter.registers,
    )


@callback
def async_device_of(hass: HomeAssistant, entry_id: str, meter_id: str) -> dr.DeviceEntry | None:
    """Return an entry's device of a meter."""
    for device in dr.async_entries_for_config_entry(dr.async_get(hass), entry_id):
        if (DOMAIN, meter_id) in device.identifiers:
            return device
    return None


@callback
def async_disabled(hass: HomeAssistant, entry_id: str) -> set[str]:
    """Return the meters, and perhaps the gateway, whose devices of an entry are disabled."""
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), entry_id)
    return {identifier[1] for device in devices if device.disabled for identifier in device.identifiers}


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
