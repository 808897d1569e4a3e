"""Heat, cooling and heat cost allocators: A = 6, 5 and 4.

Heat meters leave A and B out and print the medium as the first of two groups: 6.8 is energy
(EN 1434), which normalises to 6-0:6.8.0. Meters that print full codes count C from 1.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from obisgw.obis.description import StateClass, ValueKind
from obisgw.obis.meaning import LAST_TARIFF, Meaning, diagnostic, text

if TYPE_CHECKING:
    from obisgw.obis.code import ObisCode

_COUNTER: Final = StateClass.TOTAL_INCREASING
_MEASURED: Final = StateClass.MEASUREMENT
_SET_DAYS: Final = (6, 36)

# C.D of EN 1434 as Landis+Gyr's and Kamstrup's meters print them.
_EN_1434: Final = {
    (6, 4): Meaning("power", state_class=_MEASURED),
    (6, 6): diagnostic("maximum power"),
    (6, 8): Meaning("energy", state_class=_COUNTER),
    (6, 26): Meaning("volume", state_class=_COUNTER),
    (6, 27): Meaning("flow rate", state_class=_MEASURED),
    (6, 28): Meaning("return temperature", state_class=_MEASURED),
    (6, 29): Meaning("flow temperature", state_class=_MEASURED),
    (6, 30): Meaning("temperature difference", state_class=_MEASURED),
    (6, 31): diagnostic("operating hours", _COUNTER, enabled=True),
    (6, 32): diagnostic("fault hours", _COUNTER, enabled=True),
    (6, 33): diagnostic("maximum flow rate"),
    (6, 35): diagnostic("measuring period of maxima"),
    (8, 26): diagnostic("pulse input volume", _COUNTER),
    (9, 1): text("settings"),
    (9, 2): text("firmware data"),
    (9, 4): diagnostic("maximum flow and return temperature"),
    (9, 6): text("previous meter numbers"),
    (9, 20): text("serial number"),
    (9, 21): text("property number"),
    (9, 24): diagnostic("measuring range"),
    (9, 31): diagnostic("operating hours with flow", _COUNTER, enabled=True),
    (9, 34): diagnostic("pulse volume", _COUNTER),
    (9, 36): text("clock", ValueKind.TIMESTAMP),
}
# Of these, E is a tariff (or an input); elsewhere it only tells registers apart.
_BY_TARIFF: Final = frozenset({(6, 8), (6, 26)})

# C of full codes with D = 0 (value now), as heat and cooling share them.
_FULL: Final = {
    1: Meaning("energy", state_class=_COUNTER),
    2: Meaning("volume", state_class=_COUNTER),
    3: Meaning("mass", state_class=_COUNTER),
    4: diagnostic("flow volume", _COUNTER),
    5: diagnostic("flow mass", _COUNTER),
    6: diagnostic("return volume", _COUNTER),
    7: diagnostic("return mass", _COUNTER),
    8: Meaning("power", state_class=_MEASURED),
    9: Meaning("flow rate", state_class=_MEASURED),
    10: Meaning("flow temperature", state_class=_MEASURED),
    11: Meaning("return temperature", state_class=_MEASURED),
    12: Meaning("temperature difference", state_class=_MEASURED),
    13: Meaning("pressure", state_class=_MEASURED),
}
_ALLOCATED: Final = {
    1: Meaning("unrated consumption", state_class=_COUNTER),
    2: Meaning("rated consumption", state_class=_COUNTER),
}


def thermal(code: ObisCode, unit: str | None) -> Meaning | None:
    """Return the meaning of a code with A = 5 or 6, `None` if no rule knows it."""
    pair = (code.c, code.d)
    if pair == _SET_DAYS:
        return _set_day(code)
    if meaning := _EN_1434.get(pair):
        return _with_group_e(meaning, code, tariff=pair in _BY_TARIFF)
    # A full code is told from a maker's setting (9.0.1 of Ultraheat) by its unit.
    if (code.d == 0 and unit is not None) or (code.c, code.d) == (1, 8):
        meaning = _FULL.get(code.c)
        if meaning is not None:
            meaning = _with_group_e(meaning, code, tariff=True)
            return replace(meaning, qualifier=f"c{code.c}" if code.d == 0 else "c1_d8")
    return None


def heat_cost(code: ObisCode, unit: str | None) -> Meaning | None:  # noqa: ARG001 - the rules' common shape
    """Return the meaning of a code with A = 4, `None` if no rule knows it."""
    meaning = _ALLOCATED.get(code.c) if code.d == 0 else None
    return meaning and _with_group_e(meaning, code, tariff=True)


def _set_day(code: ObisCode) -> Meaning:
    match code.e, code.f:
        case 0, 2:
            return text("monthly set day", ValueKind.TEXT)
        case 0, _:
            return text("yearly set day", ValueKind.TEXT)
        case register, _:
            return text("date of maximum {number}", ValueKind.DATE, number=register)


def _with_group_e(meaning: Meaning, code: ObisCode, *, tariff: bool) -> Meaning:
    if code.e == 0:
        return meaning
    if tariff and code.e <= LAST_TARIFF:
        meaning = meaning.extended("tariff {tariff}", tariff=code.e)
    else:
        meaning = meaning.extended("register {register}", register=code.e)
    # Tariff registers of heat meters are empty unless the supplier had them set.
    return replace(meaning, enabled=False)
