"""The actions: read a meter now, export what was read."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import voluptuous as vol
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.target import TargetSelection

from .client import GatewayAuthError
from .const import DOMAIN
from .errors import translated
from .export import NameOf, chosen, meter_document, reading_document, table
from .models import GatewayError, Meter, Reading
from .names import async_namer
from .targets import Targeted, async_all_meters, async_targeted

READ_NOW: Final = "read_now"
EXPORT_READINGS: Final = "export_readings"

LONGEST_WAIT: Final = 120
"""Seconds for which the gateway lets a client wait."""

_TARGET: Final[dict[Any, Any]] = {**cv.TARGET_FIELDS}
_READ_NOW_SCHEMA: Final = vol.Schema(
    {
        **_TARGET,
        vol.Optional("wait", default=LONGEST_WAIT): vol.All(vol.Coerce(float), vol.Range(min=1, max=LONGEST_WAIT)),
    }
)
_EXPORT_SCHEMA: Final = vol.Schema(
    {
        **_TARGET,
        vol.Optional("format", default="json"): vol.In(["json", "csv"]),
        vol.Optional("registers", default=[]): vol.All(cv.ensure_list, [cv.string]),
    }
)


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions."""
    hass.services.async_register(
        DOMAIN, READ_NOW, _async_read_now, _READ_NOW_SCHEMA, supports_response=SupportsResponse.OPTIONAL
    )
    hass.services.async_register(
        DOMAIN, EXPORT_READINGS, _async_export, _EXPORT_SCHEMA, supports_response=SupportsResponse.ONLY
    )


async def _async_read_now(call: ServiceCall) -> ServiceResponse:
    """Read meters, all at the same time where their lines allow it, and wait for the readings."""
    wanted = async_targeted(call.hass, call.data)
    for one in wanted:
        # Nobody is asked when one of them cannot be.
        if not one.meter.on_request:
            raise _invalid("not_on_request", meter=one.meter.name)
    wait: float = call.data["wait"]
    readings = _all_or_none(await asyncio.gather(*(_async_read(one, wait) for one in wanted)))
    await _async_catch_up(wanted)
    if not call.return_response:
        return None
    namer = await async_namer(call.hass)
    return {"readings": [_document(one, reading, namer) for one, reading in zip(wanted, readings, strict=True)]}


async def _async_export(call: ServiceCall) -> ServiceResponse:
    """Return the newest readings of meters, without asking the meters."""
    hass, registers = call.hass, call.data["registers"]
    meant = async_targeted(hass, call.data) if TargetSelection(call.data).has_any_target else async_all_meters(hass)
    if not meant:
        raise _invalid("nothing_loaded")
    if not any(one.meter.reading for one in meant):
        raise _invalid("no_reading", meters=_names(meant))
    for wanted in registers:
        if not any(chosen(one.meter, [wanted]) for one in meant):
            raise _invalid("unknown_register", register=wanted, meters=_names(meant))
    namer = await async_namer(hass)
    documents: list[Any] = [
        {
            **meter_document(one.meter, one.device_id, chosen(one.meter, registers), namer),
            "available": one.coordinator.last_update_success and one.meter.available,
        }
        for one in meant
    ]
    return {"csv": table(documents)} if call.data["format"] == "csv" else {"meters": documents}


async def _async_read(one: Targeted, wait: float) -> Reading | HomeAssistantError:
    """Return a new reading, or why there is none: the others go on."""
    coordinator, entry = one.coordinator, one.coordinator.config_entry
    try:
        reading = await coordinator.client.read(one.meter.id, wait)
    except GatewayError as error:
        if isinstance(error, GatewayAuthError):
            entry.async_start_reauth(coordinator.hass)
        failure = HomeAssistantError(**translated(error, entry.title, meter=one.meter.name, seconds=f"{wait:g}"))
        failure.__cause__ = error
        return failure
    return reading or Reading()


def _all_or_none(outcomes: Sequence[Reading | HomeAssistantError]) -> list[Reading]:
    """Return the readings; raise the one failure, or one that names all."""
    failures = [outcome for outcome in outcomes if isinstance(outcome, HomeAssistantError)]
    match failures:
        case []:
            return [outcome for outcome in outcomes if isinstance(outcome, Reading)]
        case [failure]:
            raise failure
        case _:
            said = "; ".join(dict.fromkeys(map(str, failures)))
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="several_failed",
                translation_placeholders={"count": str(len(failures)), "all": str(len(outcomes)), "errors": said},
            )


async def _async_catch_up(wanted: Sequence[Targeted]) -> None:
    """Let the states follow where the gateway does not tell by itself."""
    for coordinator in {id(one.coordinator): one.coordinator for one in wanted}.values():
        if not coordinator.streaming:
            await coordinator.async_refresh()


def _document(one: Targeted, reading: Reading, namer: NameOf) -> dict[str, Any]:
    # A register that came for the first time is described by now.
    meter: Meter = one.coordinator.meter(one.meter.id) or one.meter
    about = meter_document(meter, one.device_id, (), namer)
    return {**about, **reading_document(meter, reading, reading.values, namer)}


def _names(meters: Sequence[Targeted]) -> str:
    return ", ".join(one.meter.name for one in meters)


def _invalid(key: str, **placeholders: str) -> ServiceValidationError:
    return ServiceValidationError(translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders)
