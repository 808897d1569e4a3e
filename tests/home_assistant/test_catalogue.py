"""Home Assistant's own tables take every description that the catalogue can give."""

from __future__ import annotations

from itertools import product

import pytest
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
# Every rule of the value groups; where E tells more than a tariff, all of it.
GRID = (
    *product((1,), range(1, 93), range(60), (0, 1, 64, 255), (255,)),
    *product((1,), (81, 82, 131, 151, 171, 191), (7, 8, 25), range(0, 128, 5), (255,)),
    *product((1,), (1, 13, 16, 31, 32), (6, 7, 8, 9), (0, 1, 124), (1, 12, 96, 100)),
    *product((4, 5, 6, 7, 8, 9, 15), range(60), range(40), (0, 1), (255, 1)),
    *product((0, 1, 6), (0, 96, 97, 98, 99), (*range(21), 50, 51, 90, 97, 98), range(0, 24), (255,)),
    *product((0,), (1, 17, 24, 42), range(5), range(5), (255,)),
)
SHOWN = ("device_class", "state_class", "unit", "precision")


def shown(description: Description) -> tuple[str | None, str | None, str | None]:
    """Return what Home Assistant judges."""
    return description.device_class, description.state_class, description.unit


@pytest.fixture(scope="module")
def combinations() -> dict[tuple[str | None, str | None, str | None], str]:
    """Return each combination of classes and unit with one code and unit that gives it."""
    found: dict[tuple[str | None, str | None, str | None], str] = {}
    for a, c, d, e, f in GRID:
        code = ObisCode(a, 0, c, d, e, f)
        for unit in UNITS:
            found.setdefault(shown(describe(code, unit)), f"{code} in {unit}")
    for unit, mbus_type in product(UNITS, (None, *range(32))):
        code = ObisCode(0, 1, 24, 2, 1)
        found.setdefault(shown(describe(code, unit, mbus_type=mbus_type)), f"{code} type {mbus_type} in {unit}")
    for unit in UNITS:
        found.setdefault(shown(describe_unknown("ET0PE", unit)), f"ET0PE in {unit}")
    return found
