"""What is said of each problem. The texts are in the translations, by ``key``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.helpers.device_registry import DeviceEntry
from homeassistant.util import dt as dt_util

from .client import API_MAJOR
from .const import DOMAIN
from .issues import REPLACED, Issue
from .models import Gateway, Meter
from .silence import patience

WANTED_MINOR: Final = 0
"""The minor version of the API with everything that is used here."""

SILENT: Final = "meter_silent"
MISPLACED: Final = "head_misplaced"
TWICE: Final = "shown_by_mqtt"
TWO_GATEWAYS: Final = "two_gateways"
OUTDATED: Final = "gateway_outdated"
APART: Final = "versions_apart"

MOST_LISTED: Final = 10

_WANTED: Final = f"{API_MAJOR}.{WANTED_MINOR}"
_DIGITS: Final = re.compile(r"\d+")


def name_of(device: DeviceEntry) -> str:
    """Return the name by which the owner knows a meter."""
    return device.name_by_user or device.name or device.id


def silent(meter: Meter, device: DeviceEntry, last: str, gateway: str, before: Issue | None) -> Issue:
    """Say that a meter was not read since ``last``, or not at all; ``before`` is what was said of it before."""
    reason = meter.problem or meter.health.last_error or "-"
    if before is not None:
        # What is said of noise counts its characters: that is no news.
        known = before.placeholders["reason"]
        reason = known if _DIGITS.sub("", known) == _DIGITS.sub("", reason) else reason
    if last:
        since = f"{dt_util.as_local(datetime.fromisoformat(last)):%Y-%m-%d %H:%M}"
    else:
        began = dt_util.now() - timedelta(seconds=patience(meter))
        since = f"{began:%Y-%m-%d %H:%M}" if before is None else before.placeholders["since"]
    return Issue(
        SILENT,
        device.id,
        SILENT if meter.on_request else f"{SILENT}_unasked",
        {"meter": name_of(device), "since": since, "reason": reason, "gateway": gateway},
        "troubleshooting.md#the-meter",
        meter.id,
        fixable=meter.on_request,
    )


def misplaced(meter: Meter, device: DeviceEntry, gateway: str) -> Issue:
    """Say that the head cannot sit right."""
    return Issue(
        MISPLACED,
        device.id,
        MISPLACED if meter.on_request else f"{MISPLACED}_unasked",
        {"meter": name_of(device), "gateway": gateway},
        "head-and-cable.md",
        meter.id,
        fixable=meter.on_request,
    )


def replaced(before: str, device: DeviceEntry, now: str, new_device: DeviceEntry | None) -> Issue:
    """Ask what becomes of the device of a meter that another one stands in the place of."""
    placeholders = {
        "meter": name_of(device),
        "number": device.serial_number or before,
        "new_meter": now if new_device is None else name_of(new_device),
        "new_number": (new_device and new_device.serial_number) or now,
    }
    guide = "home-assistant.md#a-meter-is-replaced"
    return Issue(REPLACED, device.id, REPLACED, placeholders, guide, before, fixable=True)


def shown_by_mqtt(meter_id: str, device: DeviceEntry, gateway: str) -> Issue:
    """Say that MQTT discovery shows a meter as well."""
    placeholders = {"meter": name_of(device), "gateway": gateway, "topic": f"{DOMAIN}_{meter_id}"}
    guide = "api.md#adoption-a-meter-is-in-home-assistant-once"
    return Issue(TWICE, device.id, TWICE, placeholders, guide, meter_id, fixable=True)


def two_gateways(entry: ConfigEntry[Any], left: Mapping[str, str]) -> Issue:
    """Say which meters other gateways show; ``left`` has their names by the meters' ids."""
    listed = [*left]
    more = len(listed) - MOST_LISTED
    meters = ", ".join(listed if more <= 0 else [*listed[:MOST_LISTED], f"+{more}"])
    placeholders = {"meters": meters, "gateway": entry.title, "other": ", ".join(dict.fromkeys(left.values()))}
    guide = "integration.md#one-meter-at-two-gateways"
    return Issue(TWO_GATEWAYS, entry.entry_id, TWO_GATEWAYS, placeholders, guide)


def outdated(entry: ConfigEntry[Any], gateway: Gateway) -> Issue | None:
    """Say that the gateway lacks what is used here, where it does."""
    minor = gateway.api.partition(".")[2].partition(".")[0]
    if (int(minor[:9]) if minor.isdecimal() else 0) >= WANTED_MINOR:
        return None
    placeholders = {"gateway": entry.title, "version": gateway.version or "-", "api": gateway.api, "wanted": _WANTED}
    guide = "integration.md#versions"
    return Issue(OUTDATED, entry.entry_id, OUTDATED, placeholders, guide)


def versions_apart(entry: ConfigEntry[Any], api: str, *, newer: bool) -> Issue:
    """Say that gateway and integration do not fit, ``newer`` telling which one is to be updated."""
    placeholders = {"gateway": entry.title, "api": api, "wanted": _WANTED}
    key, guide = "gateway_newer" if newer else "gateway_older", "integration.md#versions"
    return Issue(APART, entry.entry_id, key, placeholders, guide, fixable=not newer, severe=True)
