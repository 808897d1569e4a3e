"""The names of registers in the language of this Home Assistant."""

from __future__ import annotations

from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_translations

from .const import DOMAIN
from .export import NameOf
from .models import Register


async def async_namer(hass: HomeAssistant) -> NameOf:
    """Return what names a register: as its entity is named by itself, in English where that is not translated."""
    texts = await async_get_translations(hass, hass.config.language, "entity", {DOMAIN})

    def name_of(register: Register) -> str:
        text = texts.get(f"component.{DOMAIN}.entity.sensor.{register.translation_key}.name")
        if text is None:
            return register.name
        try:
            return text.format(**register.placeholders)
        except KeyError, IndexError, ValueError:
            # A newer gateway's placeholders are others.
            return register.name

    return name_of
