"""Which meters a target of an action or a trigger means: devices, entities, areas, floors and labels."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.target import TargetSelection, async_extract_referenced_entity_ids

from .const import DOMAIN
from .coordinator import GatewayCoordinator, ObisConfigEntry
from .models import Meter


@dataclass(frozen=True, slots=True)
class Targeted:
    """A meter that is meant, and the device that it is in Home Assistant."""

    coordinator: GatewayCoordinator
    meter: Meter
    device_id: str


@callback
def async_loaded(hass: HomeAssistant) -> list[GatewayCoordinator]:
    """Return all gateways that are set up."""
    entries: list[ObisConfigEntry] = hass.config_entries.async_entries(DOMAIN)
    return [entry.runtime_data for entry in entries if entry.state is ConfigEntryState.LOADED]


@callback
def async_all_meters(hass: HomeAssistant) -> list[Targeted]:
    """Return all meters that are shown."""
    return [
        Targeted(coordinator, meter, devices[meter_id])
        for coordinator in async_loaded(hass)
        if (devices := _devices(hass, coordinator.config_entry.entry_id))
        for meter_id, meter in coordinator.data.meters.items()
        if meter_id in devices
    ]


@callback
def async_device_ids(hass: HomeAssistant, target: Mapping[str, Any]) -> set[str]:
    """Return the devices that a target names, and those of this integration that lie in what it names."""
    meant = _meant(hass, target)
    return meant.named | meant.held


@callback
def async_strangers(hass: HomeAssistant, target: Mapping[str, Any]) -> set[str]:
    """Return the names of the devices and entities that a target names and that are of another integration."""
    devices = dr.async_get(hass)
    found = (devices.async_get(device_id) for device_id in _meant(hass, target).named)
    others = {
        device.name_by_user or device.name or device.id
        for device in found
        if device and not _own_ids(device.identifiers)
    }
    entities = er.async_get(hass)
    selected = async_extract_referenced_entity_ids(hass, TargetSelection(dict(target))).referenced
    return others | {
        entity_id
        for entity_id in selected
        if (entity := entities.async_get(entity_id)) is not None and entity.platform != DOMAIN
    }


@callback
def async_targeted(hass: HomeAssistant, target: Mapping[str, Any]) -> list[Targeted]:
    """Return the meters that a target means, each once.

    Raises ServiceValidationError for a device or an entity that is named and is no meter of a gateway that is set up,
    and for a target without any meter.
    """
    meant = _meant(hass, target)
    if meant.others:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="no_meter_entity",
            translation_placeholders={"entity": min(meant.others)},
        )
    meters = {one.device_id: one for one in async_all_meters(hass)}
    for device_id in sorted(meant.named - meters.keys()):
        raise _no_meter(hass, device_id)
    if not (wanted := [one for device_id, one in meters.items() if device_id in meant.named | meant.held]):
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="no_meter_targeted")
    return wanted


@dataclass(frozen=True, slots=True)
class _Meant:
    """The devices that are named, themselves or by an entity; those held by what is named; entities of no meter."""

    named: set[str]
    held: set[str]
    others: set[str]


def _meant(hass: HomeAssistant, target: Mapping[str, Any]) -> _Meant:
    selection = TargetSelection(dict(target))
    selected = async_extract_referenced_entity_ids(hass, selection, primary_entities_only=False)
    devices, entities = dr.async_get(hass), er.async_get(hass)

    def device_of(entity_id: str) -> str | None:
        entity = entities.async_get(entity_id)
        return None if entity is None or entity.platform != DOMAIN else entity.device_id

    named = {
        device_id
        for device_id in selection.device_ids
        # One that several entries shared has become one for each of them, which are referenced in its place.
        if device_id in selected.referenced_devices or devices.async_get(device_id) is None
    }
    by_entity = {entity_id: device_of(entity_id) for entity_id in selected.referenced}
    named |= {device_id for device_id in by_entity.values() if device_id}
    held = selected.referenced_devices | {device_of(one) or "" for one in selected.indirectly_referenced}
    return _Meant(named, held - named - {""}, {one for one, device_id in by_entity.items() if not device_id})


def _devices(hass: HomeAssistant, entry_id: str) -> dict[str, str]:
    """Return the registry's id of each device of an entry by the meter's, or gateway's, own."""
    return {
        identifier: device.id
        for device in dr.async_entries_for_config_entry(dr.async_get(hass), entry_id)
        for identifier in _own_ids(device.identifiers)
    }


def _own_ids(identifiers: Collection[tuple[str, str]]) -> set[str]:
    """Return by what this integration knows a device."""
    return {identifier[1] for identifier in identifiers if identifier[0] == DOMAIN}


def _no_meter(hass: HomeAssistant, device_id: str) -> ServiceValidationError:
    """Return why a device that was named is no meter of a gateway that is set up."""
    device = dr.async_get(hass).async_get(device_id)
    known = set() if device is None else _own_ids(device.identifiers)
    name = device_id if device is None else device.name_by_user or device.name or device_id
    key, gateway = "no_meter", ""
    for entry in hass.config_entries.async_entries(DOMAIN):
        if known.isdisjoint(_devices(hass, entry.entry_id)):
            continue
        key, gateway = ("meter_gone" if entry.state is ConfigEntryState.LOADED else "not_loaded"), entry.title
        if entry.unique_id in known:
            key = "gateway_no_meter"
    placeholders = {"device": name, "gateway": gateway}
    return ServiceValidationError(translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders)
