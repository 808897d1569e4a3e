"""Home Assistant's own tables take every description that the catalogue can give."""

from __future__ import annotations

from itertools import chain, cycle, product

import pytest
from homeassistant.components.energy import validate
from homeassistant.components.mqtt.sensor import DISCOVERY_SCHEMA
from homeassistant.components.sensor import DEVICE_CLASS_STATE_CLASSES, DEVICE_CLASS_UNITS, STATE_CLASS_UNITS

from obisgw.obis import Description, ObisCode, describe, describe_unknown

# As on the line: every spelling that units are read from, and some that nobody expects.
UNITS = (
    *(None, "", "Wh", "kWh", "MWh", "GWh", "mWh", "J", "kJ", "MJ", "GJ", "cal", "kcal", "Mcal", "Gcal"),
    *("mW", "W", "kW", "MW", "GW", "varh", "kvarh", "kVArh", "Mvarh", "var", "VAr", "kvar", "Mvar"),
    *("VA", "kVA", "MVA", "VAh", "kVAh", "mV", "V", "kV", "mA", "A", "kA", "Ah", "Hz", "kHz", "mHz"),
    *("m3", "m3ph", "m3/h", "l", "L/h", "l/min", "Nm3", "C", "K", "deg", "%", "P/S", "cos", "dBm"),
    *("Pa", "hPa", "kPa", "mbar", "bar", "ms", "s", "secs", "min", "m", "h", "d", "imp/kWh", "kg", "t/h", "xyz"),
)
# One code of each rule, to be asked with all units.
RULES = (
    *product((1,), (1, 3, 9, 11, 12, 13, 14, 16, 81, 82, 91, 131), (0, 2, 4, 6, 7, 8, 9, 29, 32, 33), (0,), (255,)),
    *product((1,), (1, 13, 16, 32), (7, 8), (1, 124), (1, 96, 255)),
    *product((4, 6, 7, 8), (1, 2, 3, 8, 9, 10, 12, 13, 42, 43), (0, 4, 31), (0,), (255,)),
    *product((6,), (6, 8, 9), (4, 6, 8, 24, 26, 27, 28, 29, 30, 31, 33, 35, 36), (0,), (255,)),
    *product((0,), (0, 96), range(17), (0, 3), (255,)),
)
# All codes near them, each to be asked without a unit and with one of them.
CODES = (
    *product((1,), range(200), range(60), (0,), (255,)),
    *product((4, 5, 6, 7, 8, 9, 15), range(60), range(40), (0,), (255,)),
    *product((0, 1, 6), (0, 96, 97, 98, 99), range(100), (0, 1, 21), (255,)),
    *product((0,), (1, 17, 24, 42), range(5), range(5), (255,)),
)


type Combination = tuple[str | None, str | None, str | None]
"""Device class, state class and unit: what Home Assistant judges."""


def by_mqtt(description: Description) -> Combination:
    """Return what MQTT discovery says."""
    return description.device_class, description.state_class, description.unit


def by_the_api(description: Description) -> Combination:
    """Return what the integration is told."""
    return description.newer_class, description.state_class, description.unit


@pytest.fixture(scope="module", params=[by_mqtt, by_the_api])
def combinations(request: pytest.FixtureRequest) -> dict[Combination, str]:
    """Return each combination of classes and unit with one code and unit that gives it."""
    shown = request.param
    found: dict[Combination, str] = {}
    every_unit = cycle(UNITS)
    asked = chain(
        product(RULES, UNITS),
        ((groups, unit) for groups in CODES for unit in (None, next(every_unit))),
    )
    for (a, c, d, e, f), unit in asked:
        code = ObisCode(a, 0, c, d, e, f)
        found.setdefault(shown(describe(code, unit)), f"{code} in {unit}")
    for unit, mbus_type in product(UNITS, (None, *range(32))):
        code = ObisCode(0, 1, 24, 2, 1)
        found.setdefault(shown(describe(code, unit, mbus_type=mbus_type)), f"{code} type {mbus_type} in {unit}")
    for unit in UNITS:
        found.setdefault(shown(describe_unknown("ET0PE", unit)), f"ET0PE in {unit}")
    return found


def test_units_suit_the_device_class(combinations: dict[Combination, str]) -> None:
    """DEVICE_CLASS_UNITS holds each unit, and a class without its unit is never given."""
    refused = {
        combination: example
        for combination, example in combinations.items()
        if combination[0] and combination[2] not in DEVICE_CLASS_UNITS[combination[0]]
    }
    assert refused == {}
    assert len({device_class for device_class, _, _ in combinations}) > 15


def test_state_classes_suit_device_class_and_unit(combinations: dict[Combination, str]) -> None:
    """DEVICE_CLASS_STATE_CLASSES and STATE_CLASS_UNITS hold each state class."""
    refused = {
        (device_class, state_class, unit): example
        for (device_class, state_class, unit), example in combinations.items()
        if state_class
        and (
            (device_class and state_class not in DEVICE_CLASS_STATE_CLASSES[device_class])
            or (state_class in STATE_CLASS_UNITS and unit not in STATE_CLASS_UNITS[state_class])
        )
    }
    assert refused == {}


def test_the_mqtt_integration_takes_each_combination(
    combinations: dict[Combination, str], caplog: pytest.LogCaptureFixture
) -> None:
    """The schema of a discovered sensor lets it pass, without a word in the log."""
    for device_class, state_class, unit in combinations:
        options = {"device_class": device_class, "state_class": state_class, "unit_of_measurement": unit}
        config = DISCOVERY_SCHEMA({"state_topic": "meter", **{key: value for key, value in options.items() if value}})
        assert config.get("unit_of_measurement") == unit
    assert caplog.records == []


@pytest.mark.parametrize(
    ("code", "unit", "mbus_type", "classes"),
    [
        (ObisCode(1, 0, 1, 8, 0), "kWh", None, validate.ENERGY_USAGE_DEVICE_CLASSES),
        (ObisCode(1, 0, 1, 8, 2), "Wh", None, validate.ENERGY_USAGE_DEVICE_CLASSES),
        (ObisCode(1, 1, 2, 8, 0), "kWh", None, validate.ENERGY_USAGE_DEVICE_CLASSES),
        (ObisCode(6, 0, 6, 8, 0), "MWh", None, validate.GAS_USAGE_DEVICE_CLASSES),
        (ObisCode(6, 0, 6, 8, 0), "GJ", None, validate.GAS_USAGE_DEVICE_CLASSES),
        (ObisCode(7, 0, 3, 0, 0), "m3", None, validate.GAS_USAGE_DEVICE_CLASSES),
        (ObisCode(0, 1, 24, 2, 1), "m3", 3, validate.GAS_USAGE_DEVICE_CLASSES),
        (ObisCode(0, 2, 24, 2, 1), "m3", 7, validate.WATER_USAGE_DEVICE_CLASSES),
        (ObisCode(8, 0, 1, 0, 0), "m3", None, validate.WATER_USAGE_DEVICE_CLASSES),
        (ObisCode(9, 0, 1, 0, 0), "l", None, validate.WATER_USAGE_DEVICE_CLASSES),
    ],
)
def test_counters_can_be_chosen_in_the_energy_dashboard(
    code: ObisCode, unit: str, mbus_type: int | None, classes: tuple[str, ...]
) -> None:
    """Device class and state class are those that the energy integration validates."""
    description = describe(code, unit, mbus_type=mbus_type)
    assert description.device_class in classes
    assert description.state_class in {"total", "total_increasing"}
