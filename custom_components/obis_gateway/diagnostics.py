"""What helps to find a fault, to be put into a public report: without secrets, numbers of meters and names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers.device_registry import DeviceEntry

from .const import CONF_REGISTERS, CONF_THRESHOLDS, CONF_TLS, DOMAIN
from .coordinator import ObisConfigEntry
from .issues import async_of_entry
from .models import GatewayError, Health, Meter, Register
from .redaction import Redaction


async def async_get_config_entry_diagnostics(hass: HomeAssistant, entry: ObisConfigEntry) -> dict[str, Any]:
    """Return what is known of a gateway and all its meters, with what it says of itself."""
    if entry.state is not ConfigEntryState.LOADED:
        data = entry.data
        redaction = Redaction((data.get("token"), data["host"], entry.unique_id, entry.title), ())
        return {"entry": _settings(entry), "state": entry.state.value, "reason": redaction.text(entry.reason)}
    redaction = _redaction(entry)
    try:
        said: object = redaction.tree(_without_meters(await entry.runtime_data.client.diagnostics()))
    except GatewayError as error:
        said = {"error": redaction.text(str(error))}
    meters = entry.runtime_data.data.meters.values()
    return {**_document(hass, entry, redaction, meters), "gateway_says": said}


async def async_get_device_diagnostics(
    hass: HomeAssistant, entry: ObisConfigEntry, device: DeviceEntry
) -> dict[str, Any]:
    """Return what is known of one meter; of the gateway's device, as of the entry."""
    ids = {identifier[1] for identifier in device.identifiers if identifier[0] == DOMAIN}
    if entry.unique_id in ids or entry.state is not ConfigEntryState.LOADED:
        return await async_get_config_entry_diagnostics(hass, entry)
    meters = [meter for meter in entry.runtime_data.data.meters.values() if meter.id in ids]
    return _document(hass, entry, _redaction(entry), meters)


def _redaction(entry: ObisConfigEntry) -> Redaction:
    gateway, data = entry.runtime_data.data.gateway, entry.data
    secrets = (data["token"], data["host"], gateway.id, gateway.stream, entry.unique_id, entry.entry_id)
    return Redaction(secrets, entry.runtime_data.known.meters.values())


def _document(
    hass: HomeAssistant, entry: ObisConfigEntry, redaction: Redaction, meters: Iterable[Meter]
) -> dict[str, Any]:
    coordinator = entry.runtime_data
    gateway = coordinator.data.gateway
    return {
        "entry": _settings(entry),
        "connection": {
            "available": coordinator.last_update_success,
            "streaming": coordinator.streaming,
            "sequence": coordinator.known.sequence,
            "error": None if coordinator.error is None else redaction.text(str(coordinator.error)),
            "left_to_others": len(coordinator.left_to_others),
        },
        "gateway": {
            "name": redaction.name(gateway.name),
            "version": redaction.text(gateway.version),
            "api": redaction.text(gateway.api),
        },
        "notices": sorted(issue.translation_key or "" for issue in async_of_entry(hass, entry.entry_id).values()),
        "meters": [_meter(meter, redaction) for meter in meters],
    }


def _settings(entry: ObisConfigEntry) -> dict[str, Any]:
    options = entry.options
    return {
        "version": f"{entry.version}.{entry.minor_version}",
        "port": entry.data["port"],
        "tls": entry.data.get(CONF_TLS, False),
        "registers": [len(registers) for registers in options.get(CONF_REGISTERS, {}).values()],
        "thresholds": [len(thresholds) for thresholds in options.get(CONF_THRESHOLDS, {}).values()],
    }


def _meter(meter: Meter, redaction: Redaction) -> dict[str, Any]:
    reading = meter.reading
    registers = dict(meter.registers)
    values = {} if reading is None else reading.values
    for register_id in values:
        registers.setdefault(register_id, Register(register_id, register_id))
    return {
        "meter": redaction.known(meter.id),
        "name": redaction.name(meter.name),
        "manufacturer": redaction.text(meter.manufacturer),
        "model": redaction.text(meter.model),
        "medium": redaction.text(meter.medium),
        "available": meter.available,
        "problem": redaction.text(meter.problem),
        "replaced": meter.replaced_by is not None,
        "interval": meter.interval,
        "on_request": meter.on_request,
        "adopted": meter.adopted,
        "tariffs": [redaction.text(tariff) for tariff in meter.tariffs],
        "health": _health(meter.health, redaction),
        "reading": None
        if reading is None
        else {
            "at": _iso(reading.at),
            "duration": reading.duration,
            "tariff": redaction.text(reading.tariff),
            "thresholds": list(reading.thresholds.values()),
        },
        "registers": [_register(register, values, redaction) for register in registers.values()],
        "thresholds": [
            {
                "name": redaction.name(threshold.name),
                "register": redaction.text(threshold.register),
                "above": redaction.text(threshold.above),
                "below": redaction.text(threshold.below),
                "unit": redaction.text(threshold.unit),
                "hysteresis": redaction.text(threshold.hysteresis),
                "seconds": threshold.seconds,
                "from_client": threshold.from_client,
            }
            for threshold in meter.thresholds
        ],
    }


def _register(register: Register, values: Mapping[str, str | None], redaction: Redaction) -> dict[str, Any]:
    return {
        "register": redaction.text(register.id),
        "code": redaction.text(register.obis or register.address),
        "name": redaction.text(register.name),
        "kind": redaction.text(register.kind),
        "unit": redaction.text(register.unit),
        "device_class": redaction.text(register.device_class),
        "state_class": redaction.text(register.state_class),
        "read": register.id in values,
        "value": redaction.value(register, values.get(register.id)),
    }


def _health(health: Health, redaction: Redaction) -> dict[str, Any]:
    return {
        **asdict(health),
        "last_success": _iso(health.last_success),
        "last_error": redaction.text(health.last_error),
    }


def _iso(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat(timespec="seconds")


def _without_meters(document: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what stands in the entry's own part already."""
    return {name: value for name, value in document.items() if name != "meters"}
