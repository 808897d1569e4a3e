"""A threshold as the form shows it, and as the gateway takes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import voluptuous as vol
from homeassistant.const import CONF_NAME
from homeassistant.data_entry_flow import section
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.selector import (
    DurationSelector,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
)

from .models import Meter, Register

CONF_REGISTER = "register"
CONF_DIRECTION = "direction"
CONF_LIMIT = "limit"
CONF_UNIT = "unit"
CONF_DAMPING = "damping"
CONF_HYSTERESIS = "hysteresis"
CONF_DURATION = "duration"

POWER = "power"
"""Stands for the register that the gateway takes where none is named."""

type Request = Mapping[str, Any]
"""A ``ThresholdRequest`` of the gateway's API, with all its members; see ``whole``."""

_LEFT_OUT = {"register": None, "above": None, "below": None, "unit": None, "hysteresis": "0", "for": 0}


def whole(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a saved threshold with the members that may be left out."""
    return {**_LEFT_OUT, **request}


def watchable(meter: Meter) -> list[Register]:
    """Return the registers that a limit fits, those of past billing periods last."""
    found: dict[str, Register] = {}
    for one in meter.registers.values():
        if one.kind == "number" and one.obis:
            # Of a repeated register the first is watched.
            found.setdefault(one.obis, one)
    return sorted(found.values(), key=lambda one: one.billing_period is not None)


def has_usual_power(meter: Meter) -> bool:
    """Tell whether the gateway knows by itself which register is the power."""
    return meter.medium in {None, "electricity"}


def threshold_schema(meter: Meter, names: Mapping[str, str], saved: Request | None) -> vol.Schema:
    """Return the form for a new threshold, or for changing a saved one. ``names`` are those of registers by id."""
    registers = watchable(meter)
    options = [
        SelectOptionDict(value=str(one.obis), label=f"{names[one.id]} · {one.unit}" if one.unit else names[one.id])
        for one in registers
    ]
    if has_usual_power(meter):
        options.insert(0, SelectOptionDict(value=POWER, label=POWER))
    if saved is not None and saved["register"] not in {None, *(one["value"] for one in options)}:
        # The meter has not shown it since the gateway's start.
        options.append(SelectOptionDict(value=saved["register"], label=saved["register"]))
    units = list(dict.fromkeys(one.unit for one in registers if one.unit))
    calm = saved is not None and not float(saved["hysteresis"]) and not saved["for"]
    damping = vol.Schema(
        {
            vol.Required(CONF_HYSTERESIS, default=0): _number(min=0),
            vol.Required(CONF_DURATION, default=_duration(0)): DurationSelector(),
        }
    )
    return vol.Schema(
        {
            vol.Required(CONF_NAME): TextSelector(),
            vol.Required(CONF_REGISTER, default=options[0]["value"]): SelectSelector(
                SelectSelectorConfig(
                    options=options, mode=SelectSelectorMode.DROPDOWN, translation_key="threshold_register"
                )
            ),
            vol.Required(CONF_DIRECTION, default="above"): SelectSelector(
                SelectSelectorConfig(
                    options=["above", "below"], mode=SelectSelectorMode.LIST, translation_key="threshold_direction"
                )
            ),
            vol.Required(CONF_LIMIT): _number(),
            vol.Optional(CONF_UNIT): SelectSelector(
                SelectSelectorConfig(options=units, custom_value=True, mode=SelectSelectorMode.DROPDOWN)
            ),
            vol.Required(CONF_DAMPING): section(damping, {"collapsed": calm}),
        }
    )


def request_of(form: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the gateway takes for what was typed."""
    limit, damping = _text(form[CONF_LIMIT]), form[CONF_DAMPING]
    seconds = cv.time_period_dict(damping[CONF_DURATION]).total_seconds()
    return {
        "name": form[CONF_NAME].strip(),
        "register": None if form[CONF_REGISTER] == POWER else form[CONF_REGISTER],
        "above": limit if form[CONF_DIRECTION] == "above" else None,
        "below": limit if form[CONF_DIRECTION] == "below" else None,
        "unit": form.get(CONF_UNIT, "").strip() or None,
        "hysteresis": _text(damping[CONF_HYSTERESIS]),
        "for": int(seconds) if seconds.is_integer() else seconds,
    }


def form_of(request: Request) -> dict[str, Any]:
    """Return what the form shows of a saved threshold."""
    above = request["above"] is not None
    form = {
        CONF_NAME: request["name"],
        CONF_REGISTER: request["register"] or POWER,
        CONF_DIRECTION: "above" if above else "below",
        CONF_LIMIT: float(request["above"] if above else request["below"]),
        CONF_DAMPING: {
            CONF_HYSTERESIS: float(request["hysteresis"]),
            CONF_DURATION: _duration(request["for"]),
        },
    }
    return form if request["unit"] is None else {**form, CONF_UNIT: request["unit"]}


def labels(requests: Iterable[Request]) -> list[SelectOptionDict]:
    """Return thresholds to choose from, by name and limit."""
    return [SelectOptionDict(value=one["name"], label=f"{one['name']} ({_rule(one)})") for one in requests]


def _rule(request: Request) -> str:
    rule = f"> {request['above']}" if request["above"] is not None else f"< {request['below']}"
    return rule if request["unit"] is None else f"{rule} {request['unit']}"


def _number(**bounds: float) -> NumberSelector:
    config = NumberSelectorConfig(step="any", mode=NumberSelectorMode.BOX)
    config.update(bounds)  # type: ignore[typeddict-item]
    return NumberSelector(config)


def _text(number: float) -> str:
    """Return a number with the digits that were typed: the gateway reckons in decimals."""
    return f"{Decimal(str(number)).normalize():f}"


def _duration(seconds: float) -> dict[str, float]:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return {"hours": hours, "minutes": minutes, "seconds": rest}
