"""What is said of each problem. The texts are in the translations, by ``key``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.util import dt as dt_util

from .client import API_MAJOR
from .const import DOMAIN
from .issues import REPLACED, Issue
from .models import Gateway, Meter
from .silence import last_reading, patience

WANTED_MINOR: Final = 0
"""The minor version of the API with everything that is used here."""

SILENT: Final = "meter_silent"
MISPLACED: Final = "head_misplaced"
TWICE: Final = "shown_by_mqtt"
TWO_GATEWAYS: Final = "two_gateways"
OUTDATED: Final = "gateway_outdated"
APART: Final = "versions_apart"

_WANTED: Final = f"{API_MAJOR}.{WANTED_MINOR}"
_DIGITS: Final = re.compile(r"\d+")


def silent(meter: Meter, gateway: str, before: Issue | None) -> Issue:
    """Say that a meter was not read for long; ``before`` is what was said of it last."""
    last = last_reading(meter)
    reason = meter.problem or meter.health.last_error or "-"
    if before is not None:
        # What is said of noise counts its characters: that is no news.
        known = before.placeholders["reason"]
        reason = known if _DIGITS.sub("", known) == _DIGITS.sub("", reason) else reason
    if last:
        since = f"{dt_util.as_local(datetime.fromisoformat(last)):%Y-%m-%d %H:%M}"
    else:
        # Never since the gateway was started.
        began = dt_util.now() - timedelta(seconds=patience(meter))
        since = f"{began:%Y-%m-%d %H:%M}" if before is None else before.placeholders["since"]
    return Issue(
        SILENT,
        meter.id,
        SILENT if meter.on_request else f"{SILENT}_unasked",
        {"meter": meter.name, "since": since, "reason": reason, "gateway": gateway},
        "troubleshooting.md#the-meter",
        meter.id,
        fixable=meter.on_request,
        persistent=True,
        details={"last": last},
    )


def misplaced(meter: Meter, gateway: str) -> Issue:
    """Say that the head cannot sit right."""
    return Issue(
        MISPLACED,
        meter.id,
        MISPLACED if meter.on_request else f"{MISPLACED}_unasked",
        {"meter": meter.name, "gateway": gateway},
        "head-and-cable.md",
        meter.id,
        fixable=meter.on_request,
        persistent=True,
    )


def replaced(before: str, names: Mapping[str, str]) -> Issue:
    """Ask what becomes of the device of a meter that another one stands in the place of."""
    guide = "home-assistant.md#a-meter-is-replaced"
    return Issue(REPLACED, before, REPLACED, names, guide, before, fixable=True, persistent=True)


def shown_by_mqtt(meter: Meter, gateway: str) -> Issue:
    """Say that MQTT discovery shows a meter as well."""
    placeholders = {"meter": meter.name, "gateway": gateway, "topic": f"{DOMAIN}_{meter.id}"}
    guide = "api.md#adoption-a-meter-is-in-home-assistant-once"
    return Issue(TWICE, meter.id, TWICE, placeholders, guide, meter.id, fixable=True)


def two_gateways(entry: ConfigEntry[Any], meter_id: str, other: str) -> Issue:
    """Say that another gateway shows a meter."""
    placeholders = {"meter": meter_id, "gateway": entry.title, "other": other}
    guide = "integration.md#one-meter-at-two-gateways"
    return Issue(TWO_GATEWAYS, f"{entry.entry_id}_{meter_id}", TWO_GATEWAYS, placeholders, guide, meter_id)


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
