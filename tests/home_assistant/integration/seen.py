"""What Home Assistant shows of a meter, found by what its unique ids end with."""

from __future__ import annotations

import logging

import pytest
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import entity_registry as er

from custom_components.obis_gateway.const import DOMAIN
from tests.mqtt.samples import METER


def registered(hass: HomeAssistant, platform: str, key: str, meter: str = METER.id) -> str | None:
    """Return the id of an entity, None where there is none."""
    return er.async_get(hass).async_get_entity_id(platform, DOMAIN, f"{meter}_{key}")


def entity_id(hass: HomeAssistant, platform: str, key: str, meter: str = METER.id) -> str:
    """Return the id of an entity that is there."""
    found = registered(hass, platform, key, meter)
    assert found is not None, f"no {platform} {key} of {meter}"
    return found


def state(hass: HomeAssistant, platform: str, key: str, meter: str = METER.id) -> State:
    """Return the state of an entity that is there."""
    found = hass.states.get(entity_id(hass, platform, key, meter))
    assert found is not None, f"no state of {platform} {key} of {meter}"
    return found


def faults(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the log holds of faults: traces, and Home Assistant's word that something is to be reported."""
    records = [record for when in ("setup", "call") for record in caplog.get_records(when)]  # type: ignore[arg-type]
    return [
        record.getMessage()
        for record in records
        if record.levelno >= logging.WARNING
        and (record.exc_info or "bug report" in record.getMessage() or "unique ID" in record.getMessage())
    ]
