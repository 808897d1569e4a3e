"""What a register is to Home Assistant, by Home Assistant's own tables. A class that it does not take is left out."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from typing import Final

from homeassistant.components.sensor import SensorDeviceClass, SensorEntityDescription, SensorStateClass
from homeassistant.components.sensor.const import (
    DEVICE_CLASS_STATE_CLASSES,
    DEVICE_CLASS_UNITS,
    NON_NUMERIC_DEVICE_CLASSES,
    STATE_CLASS_UNITS,
)
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_translations
from homeassistant.util.enum import try_parse_enum

from .const import DOMAIN
from .models import Register

NUMBER: Final = "number"
LONGEST_UNIT: Final = 32
MOST_DECIMALS: Final = 15

type Names = Mapping[str, frozenset[str]]
"""What varies in the name, by the translation key."""


async def async_names(hass: HomeAssistant, platform: str) -> Names:
    """Return the names that this integration can translate."""
    prefix, suffix = f"component.{DOMAIN}.entity.{platform}.", ".name"
    texts = await async_get_translations(hass, "en", "entity", {DOMAIN})
    return {
        key.removeprefix(prefix).removesuffix(suffix): frozenset(
            field for _, field, *_ in Formatter().parse(text) if field
        )
        for key, text in texts.items()
        if key.startswith(prefix) and key.endswith(suffix)
    }


def described(register: Register, names: Names, *, wanted: bool) -> SensorEntityDescription:
    """Return the description of a register's sensor; ``wanted`` shows it although it is not shown by itself."""
    is_number = register.kind == NUMBER
    unit = register.unit if is_number and register.unit and len(register.unit) <= LONGEST_UNIT else None
    device_class = _device_class(register, unit) if is_number else None
    decimals = register.precision
    return SensorEntityDescription(
        key=register.id,
        # Where the translation is missing, as for a newer gateway's registers, this name is shown.
        name=register.name,
        translation_key=register.translation_key if translates(register, names) else None,
        device_class=device_class,
        state_class=_state_class(register, device_class, unit) if is_number else None,
        native_unit_of_measurement=unit,
        suggested_display_precision=decimals if is_number and decimals in range(MOST_DECIMALS + 1) else None,
        entity_category=EntityCategory.DIAGNOSTIC if register.diagnostic else None,
        entity_registry_enabled_default=register.enabled or wanted,
    )


def translates(register: Register, names: Names) -> bool:
    """Tell whether the name can be translated: the key is known and all that varies in it is given."""
    varying = names.get(register.translation_key or "")
    return varying is not None and varying <= register.placeholders.keys()


def _device_class(register: Register, unit: str | None) -> SensorDeviceClass | None:
    device_class = try_parse_enum(SensorDeviceClass, register.device_class)
    if device_class is None or device_class in NON_NUMERIC_DEVICE_CLASSES:
        return None
    return device_class if unit in DEVICE_CLASS_UNITS.get(device_class, {unit}) else None


def _state_class(
    register: Register, device_class: SensorDeviceClass | None, unit: str | None
) -> SensorStateClass | None:
    state_class = try_parse_enum(SensorStateClass, register.state_class)
    if state_class is None:
        return None
    fits_class = device_class is None or state_class in DEVICE_CLASS_STATE_CLASSES.get(device_class, {state_class})
    fits_unit = unit in STATE_CLASS_UNITS.get(state_class, {unit})
    return state_class if fits_class and fits_unit else None
