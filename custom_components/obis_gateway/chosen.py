"""Registers that are shown because the options say so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er

from .const import CONF_REGISTERS, DOMAIN
from .models import Meter


def chosen(options: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    """Return the registers that an entry's options choose, as ids of meter and register."""
    return frozenset(
        (meter_id, register_id)
        for meter_id, registers in options.get(CONF_REGISTERS, {}).items()
        for register_id in registers
    )


@callback
def async_enable(hass: HomeAssistant, unique_id: str) -> None:
    """Enable a register's sensor that was registered as disabled before it was chosen; the user's own wish stays."""
    for entity in _registered(hass, unique_id):
        if entity.disabled_by is er.RegistryEntryDisabler.INTEGRATION:
            er.async_get(hass).async_update_entity(entity.entity_id, disabled_by=None)


@callback
def async_disable_others(
    hass: HomeAssistant,
    meters: Mapping[str, Meter],
    before: frozenset[tuple[str, str]],
    now: frozenset[tuple[str, str]],
) -> None:
    """Disable the sensors of registers that are chosen no more and not shown by themselves."""
    for meter_id, register_id in before - now:
        register = meters[meter_id].registers.get(register_id) if meter_id in meters else None
        if register is None or register.enabled:
            continue
        for entity in _registered(hass, f"{meter_id}_{register_id}"):
            if entity.disabled_by is None:
                er.async_get(hass).async_update_entity(
                    entity.entity_id, disabled_by=er.RegistryEntryDisabler.INTEGRATION
                )


def _registered(hass: HomeAssistant, unique_id: str) -> Iterator[er.RegistryEntry]:
    registry = er.async_get(hass)
    entity_id = registry.async_get_entity_id(Platform.SENSOR, DOMAIN, unique_id)
    if entity_id is not None and (entity := registry.async_get(entity_id)) is not None:
        yield entity
