"""The entities of a discovery document. Only keys that Home Assistant 2025.4 knows.

Keys are abbreviated as Home Assistant allows, since a meter may print 300 registers; ``default_entity_id`` is written in
full because 2025.4 does not know its abbreviation, and goes with ``object_id`` (``obj_id``), its name before 2025.10.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from obisgw.obis import Category, ValueKind, billing_period_of
from obisgw.readings.derive import EventKind
from obisgw.readings.shown import Command

from .states import Key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from obisgw.obis import Description
    from obisgw.readings.published import Published
    from obisgw.readings.thresholds import Threshold

    from .topics import Topics

Component = dict[str, Any]
"""One entity: what stands under its name in ``cmps``."""

_LONGEST_STATE: Final = 255
"""Home Assistant refuses longer states."""
_EXPIRY: Final = 3
"""Intervals without a reading after which an entity is unavailable."""

TARIFF: Final = "tariff"


def _default_id(platform: str, device: str, key: str) -> Component:
    return {"default_entity_id": f"{platform}.{device}_{key}", "obj_id": f"{device}_{key}"}


def register(device: str, item: Published, topics: Topics) -> Component:
    """Return the sensor of a register."""
    description = item.register.description
    component: Component = {"p": "sensor", "uniq_id": f"{device}_{item.component}", "name": _name(item, description)}
    value = f"value_json.registers.get('{item.key}')"
    if description.kind is ValueKind.TEXT:
        component["val_tpl"] = f"{{% set v={value} %}}{{{{v[:{_LONGEST_STATE}] if v else v}}}}"
    else:
        component["val_tpl"] = f"{{{{{value}}}}}"
    if description.kind is ValueKind.NUMBER:
        component |= _measured(description)
    if description.category is Category.DIAGNOSTIC:
        component["ent_cat"] = "diagnostic"
    if not description.enabled_by_default:
        component["en"] = False
    code = item.register.code
    if code is None or billing_period_of(code) is None:
        # Values of past billing periods do not age, and there may be hundreds: these do without.
        component |= _default_id("sensor", device, item.key)
        if item.register.time is not None:
            component["json_attr_t"] = topics.state(device)
            component["json_attr_tpl"] = f"{{{{{{'time':value_json.times.get('{item.key}')}}|tojson}}}}"
    return component


def _measured(description: Description) -> Component:
    keys: Component = {}
    if description.unit is not None:
        keys["unit_of_meas"] = description.unit
    if description.device_class is not None:
        keys["dev_cla"] = description.device_class.value
    if description.state_class is not None:
        keys["stat_cla"] = description.state_class.value
    if description.precision is not None:
        keys["sug_dsp_prc"] = description.precision
    return keys


def _name(item: Published, description: Description) -> str:
    suffix = item.key.removeprefix(description.key).strip("_")
    return f"{description.name} ({suffix})" if suffix else description.name


def ages(component: Component) -> bool:
    """Tell whether a register's value is of the moment; those of past billing periods are not."""
    return "default_entity_id" in component


def expiry_of(interval: float | None) -> Component:
    """Return what makes an entity unavailable after three intervals without a reading."""
    return {} if interval is None else {"exp_aft": max(1, round(_EXPIRY * interval))}


def active_tariff(device: str, tariffs: tuple[str, ...]) -> Component:
    """Return the sensor of the tariff in force."""
    return {
        "p": "sensor",
        "uniq_id": f"{device}_{TARIFF}",
        "name": "Tariff",
        "dev_cla": "enum",
        "ops": list(tariffs),
        "val_tpl": f"{{{{value_json.{Key.TARIFF}}}}}",
        "ic": "mdi:clock-time-eight-outline",
        **_default_id("sensor", device, TARIFF),
    }


def threshold(device: str, watched: Threshold) -> Component:
    """Return the binary sensor of a threshold."""
    value = f"(value_json.{Key.THRESHOLDS}|default({{}})).get('{watched.id}')"
    return {
        "p": "binary_sensor",
        "uniq_id": f"{device}_{threshold_component(watched.id)}",
        "name": watched.name,
        "val_tpl": f"{{{{{value}|iif('ON','OFF','None')}}}}",
        **_default_id("binary_sensor", device, watched.id),
    }


def threshold_component(threshold_id: str) -> str:
    """Return a threshold's name in the document."""
    return f"threshold_{threshold_id}"


def own_components(
    device: str, gateway: str, topics: Topics, *, on_request: bool, has_clock: bool = False
) -> dict[str, Component]:
    """Return what every meter has besides its registers: events, how reading goes, and the button."""
    # These tell why a meter is unavailable, so they depend on the gateway alone.
    about = {"avty": [{"t": topics.availability(gateway)}], "stat_t": topics.health(device)}
    components: dict[str, Component] = {
        "events": {
            "p": "event",
            "name": "Event",
            "uniq_id": f"{device}_events",
            "evt_typ": [kind.value for kind in EventKind],
            **about,
            "stat_t": topics.event(device),
            **_default_id("event", device, "event"),
        }
    }
    for name, title, keys in (*_HEALTH, *((_CLOCK,) if has_clock else ())):
        components[name] = {
            "p": "sensor",
            "name": title,
            "uniq_id": f"{device}_{name}",
            "val_tpl": f"{{{{value_json.{name}}}}}",
            "ent_cat": "diagnostic",
            **keys,
            **about,
            **_default_id("sensor", device, name),
        }
    if on_request:
        components["read_now"] = {
            "p": "button",
            "name": "Read now",
            "uniq_id": f"{device}_read_now",
            "cmd_t": topics.command(device),
            "pl_prs": Command.READ_NOW.value,
            "avty": about["avty"],
            **_default_id("button", device, "read_now"),
        }
    return components


_COUNT: Final[Component] = {"stat_cla": "total_increasing"}
_HEALTH: Final[tuple[tuple[str, str, Component], ...]] = (
    ("last_success", "Last successful read", {"dev_cla": "timestamp"}),
    ("last_duration", "Readout duration", {"dev_cla": "duration", "unit_of_meas": "s", "sug_dsp_prc": 1}),
    ("baudrate", "Line speed", {"unit_of_meas": "Bd"}),
    ("failures", "Failed reads", _COUNT),
    ("silences", "Reads without answer", _COUNT),
    ("parity_errors", "Characters with parity errors", _COUNT),
    ("block_check_errors", "Block check errors", _COUNT),
    ("reads_today", "Reads today", {"en": False}),
    ("last_error", "Last error", {}),
)


_CLOCK: Final[tuple[str, str, Component]] = (
    "clock_deviation",
    "Clock deviation",
    {"dev_cla": "duration", "stat_cla": "measurement", "unit_of_meas": "s", "sug_dsp_prc": 0},
)


def gateway_components(gateway: str) -> Mapping[str, Component]:
    """Return the entities of the gateway itself."""
    rows: tuple[tuple[str, str, Component], ...] = (
        ("meters", "Meters", {}),
        ("last_read", "Last read", {"dev_cla": "timestamp"}),
        ("version", "Version", {}),
    )
    return {
        name: {
            "p": "sensor",
            "name": title,
            "uniq_id": f"obis_gateway_{gateway}_{name}",
            "val_tpl": f"{{{{value_json.{name}}}}}",
            "ent_cat": "diagnostic",
            **keys,
            **_default_id("sensor", f"obis_gateway_{gateway}", name),
        }
        for name, title, keys in rows
    }
