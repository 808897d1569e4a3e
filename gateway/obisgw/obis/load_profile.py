"""What the columns of a load profile are: value group D, and units that become energies over time."""

from __future__ import annotations

from enum import Enum
from typing import Final

from obisgw.obis.code import Medium, ObisCode


class ColumnKind(Enum):
    """How the values of consecutive periods hang together."""

    AVERAGE = "average"
    """The mean over the period: power, voltage, current."""

    INCREMENT = "increment"
    """What was added in the period: energies of one period."""

    TOTAL = "total"
    """A counter's reading at the period's end."""

    EXTREME = "extreme"
    """The greatest or least value up to the period's end."""

    MOMENT = "moment"
    """A value of one moment, or one whose meaning the code does not tell."""

    TEXT = "text"
    """No measured value: a status word, a name."""


_AVERAGES: Final = frozenset({0, 4, 5, 14, 15, 24, 25, 27, 28, 55})
_INCREMENTS: Final = frozenset({9, 10, 19, 20, 29, 30})
_TOTALS: Final = frozenset({8, 18, 58})
_EXTREMES: Final = frozenset({1, 2, 3, 6, 11, 12, 13, 16, 21, 22, 23, 26})
_COUNTER: Final = 8
_COUNTED: Final = frozenset({5, 8, 9, 29})
"""Groups D: means over the period, counters, energies since the last reset or of the period."""
_SERVICE: Final = frozenset({0, 96, 97, 98, 99})
"""Groups C that name service data, errors, lists and profiles."""

_INTEGRATED: Final = {
    "W": "Wh",
    "kW": "kWh",
    "MW": "MWh",
    "var": "varh",
    "kvar": "kvarh",
    "Mvar": "Mvarh",
    "VA": "VAh",
    "kVA": "kVAh",
    "MVA": "MVAh",
    "m³/h": "m³",
}

_THERMAL_ENERGIES: Final = frozenset({"kJ", "MJ", "GJ"})


def column_kind(code: ObisCode | None, unit: str | None) -> ColumnKind:
    """Return what a column is by its code; ``unit`` in Home Assistant's spelling corrects codes that are used otherwise.

    Meters print energies of a period under 1.5 and powers under 1.29: the unit tells.
    """
    if code is None:
        return ColumnKind.MOMENT
    if code.c in _SERVICE:
        return ColumnKind.TEXT
    power = unit in _INTEGRATED
    energy = unit in _INTEGRATED.values()
    if code.medium is not Medium.ELECTRICITY:
        return ColumnKind.TOTAL if energy or unit in _THERMAL_ENERGIES else ColumnKind.MOMENT
    match code.d:
        case d if d in _AVERAGES:
            return ColumnKind.INCREMENT if energy else ColumnKind.AVERAGE
        case d if d in _INCREMENTS:
            return ColumnKind.AVERAGE if power else ColumnKind.INCREMENT
        case d if d in _TOTALS:
            return ColumnKind.TOTAL
        case d if d in _EXTREMES:
            return ColumnKind.EXTREME
        case _:
            return ColumnKind.MOMENT


def unit_over_time(unit: str | None) -> str | None:
    """Return the unit that ``unit`` times an hour gives (kW: kWh), None where that is nothing that is counted."""
    return None if unit is None else _INTEGRATED.get(unit)


def belongs_to_counter(column: ObisCode, kind: ColumnKind, counter: ObisCode) -> bool:
    """Tell whether a profile's column may say what a counter has risen: of the same quantity, and of all or its tariff."""
    if kind not in {ColumnKind.AVERAGE, ColumnKind.INCREMENT, ColumnKind.TOTAL} or column.d not in _COUNTED:
        return False
    same = (column.a, column.b, column.c) == (counter.a, counter.b, counter.c)
    return same and counter.d == _COUNTER and column.e in {0, counter.e}
