"""Which entry shows a meter that two gateways read."""

from __future__ import annotations

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import CoreState, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN, KEY_EVENTS

_CLAIMS: HassKey[dict[str, str]] = HassKey(f"{DOMAIN}.claims")
"""The id of the entry by the id of the meter."""


@callback
def async_claim(hass: HomeAssistant, entry: ConfigEntry, meter_id: str) -> ConfigEntry:
    """Return the entry that shows a meter: the first that was loaded, until it is unloaded."""
    claims = hass.data.setdefault(_CLAIMS, {})
    if (owner := hass.config_entries.async_get_entry(claims.get(meter_id, ""))) is not None:
        return owner
    if (former := _former_owner(hass, meter_id)) is not None and former is not entry and _is_coming(hass, former):
        return former
    claims[meter_id] = entry.entry_id
    return entry


@callback
def async_release(hass: HomeAssistant, entry: ConfigEntry, meter_id: str | None = None) -> None:
    """Give a meter free that an entry has claimed, or all."""
    claims = hass.data.get(_CLAIMS, {})
    for claimed in [claimed for claimed, owner in claims.items() if owner == entry.entry_id]:
        if meter_id in {None, claimed}:
            del claims[claimed]


def _former_owner(hass: HomeAssistant, meter_id: str) -> ConfigEntry | None:
    registry = er.async_get(hass)
    entity_id = registry.async_get_entity_id("event", DOMAIN, f"{meter_id}_{KEY_EVENTS}")
    registered = None if entity_id is None else registry.async_get(entity_id)
    if registered is None or registered.config_entry_id is None:
        return None
    return hass.config_entries.async_get_entry(registered.config_entry_id)


def _is_coming(hass: HomeAssistant, entry: ConfigEntry) -> bool:
    """Tell whether an entry is about to be loaded: at each start, the order of entries is another."""
    if entry.disabled_by is not None:
        return False
    starting = hass.state is not CoreState.running and entry.state is ConfigEntryState.NOT_LOADED
    return starting or entry.state is ConfigEntryState.SETUP_IN_PROGRESS
