"""The registers that meters are known to print, one of each name: those names are translated.

The rules give a name to every code, and each quantity could be had as each kind of value, by phase, tariff, channel and
billing period: a hundred thousand names. Others than these stay English.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, product
from typing import Final

from obisgw.obis.catalogue import describe, describe_unknown
from obisgw.obis.code import CURRENT, ObisCode
from obisgw.obis.description import Description
from obisgw.obis.dlms_objects import usual_objects
from obisgw.obis.meaning import ROLLING_WINDOWS

_Row = tuple[ObisCode, str | None]

# One number stands for all: a later phase, tariff, channel or billing period has the same name but for that number.
_PHASE: Final = 20
_TARIFF: Final = 1
_CHANNEL: Final = 2
_PERIOD: Final = 12
_OWN_REGISTER: Final = 128
_ONE_OR_SEVERAL: Final = (0, 1)
_NOW_OR_PAST: Final = (CURRENT, _PERIOD)

# Units by group C of the electrical quantities, at a moment and over time.
_POWERS: Final = {
    **dict.fromkeys((1, 2, 15, 16), ("kW", "kWh")),
    **dict.fromkeys((3, 4, 5, 131), ("kvar", "kvarh")),
    **dict.fromkeys((9, 10), ("kVA", "kVAh")),
}
_OTHERS: Final = {11: "A", 12: "V", 13: None, 14: "Hz"}
_MOMENTARY: Final = {
    **{c: units[0] for c, units in _POWERS.items()},
    **{c + _PHASE: units[0] for c, units in _POWERS.items()},
    **_OTHERS,
    **{c + _PHASE: unit for c, unit in _OTHERS.items()},
    91: "A",
    92: "V",
}
# Device types of M-Bus, one of each medium.
_MBUS_TYPES: Final = (2, 3, 4, 6, 7, 8, 10)
_HARMONIC: Final = 5
_DISTORTION: Final = 124


def usual_descriptions() -> Iterator[Description]:
    """Return at least one description of each name that is translated, with the unit that meters print."""
    rows = chain(_electricity(), _thermal(), _fluids(), _mbus(), _about_the_meter(), _service())
    yield from (describe(code, unit) for code, unit in rows)
    for mbus_type, channel in product((None, *_MBUS_TYPES), (1, _CHANNEL)):
        yield from (describe(code, "m3", mbus_type=mbus_type) for code in _codes(0, (24,), (2,), (1, 5), b=channel))
        yield describe(ObisCode(0, channel, 24, 3, 0), "m3", mbus_type=mbus_type)
    for channel in (1, _CHANNEL):
        yield describe(ObisCode(0, channel, 24, 2, 3), "m3")
    yield from (describe_unknown(address, "V") for address in ("", "VOLTA", "F"))


def _codes(
    a: int,
    c: Iterable[int],
    d: Iterable[int],
    e: Iterable[int] = (0,),
    f: Iterable[int] = (CURRENT,),
    b: int = 0,
) -> Iterator[ObisCode]:
    return (ObisCode(a, b, *groups) for groups in product(c, d, e, f))


def _electricity() -> Iterator[_Row]:
    for c, unit in _MOMENTARY.items():
        # Now, and the averages: running, last, and last of period 3, which EMH prints for the value now.
        yield from ((code, unit) for code in _codes(1, (c,), (7, 4, 5, 25)))
    for c, unit in _OTHERS.items():
        yield from ((code, unit) for code in _codes(1, (c, c + _PHASE), (3, 6)))
    for c, (power, energy) in _POWERS.items():
        # Cumulative and highest maximum; counters, also since the last reset; by tariff, now and in the past.
        yield from ((code, power) for code in _codes(1, (c,), (2, 6), (0, _TARIFF), _NOW_OR_PAST))
        yield from ((code, energy) for code in _codes(1, (c,), (8, 9), (0, _TARIFF), _NOW_OR_PAST))
        yield from ((code, energy) for code in _codes(1, (c + _PHASE,), (8,), (0, _TARIFF), _NOW_OR_PAST))
        yield from ((code, energy) for code in _codes(1, (c,), (29, 30)))
        yield from ((code, energy) for code in _codes(1, (c,), (8,), (0, _TARIFF), b=_CHANNEL))
        yield from ((code, energy) for code in _codes(1, (c,), (8,), (_OWN_REGISTER,)))
        yield from ((code, power) for code in _codes(1, (c,), (7,), b=_CHANNEL))
        yield from ((code, power) for code in _codes(1, (c + _PHASE,), (6,)))
    yield from ((code, "kWh") for code in _codes(1, (1, 2), (8,), (0, _TARIFF), ROLLING_WINDOWS))
    for c, unit in ((1, "W"), (2, "W"), (16, "W"), (11, "A"), (12, "V")):
        yield from ((code, unit) for code in _codes(1, (c, c + _PHASE), (7,), (_HARMONIC, _DISTORTION)))
    for c, unit in ((11, "A"), (12, "V")):
        for limits in (31, 35, 39):
            yield from ((code, unit) for code in _codes(1, (c, c + _PHASE), (limits, limits + 3)))
            yield from ((code, None) for code in _codes(1, (c, c + _PHASE), (limits + 1, limits + 2)))
    yield from ((code, "kW") for code in _codes(1, (1, 2), (46,)))
    yield from ((code, "deg") for code in _codes(1, (81,), (7,), (1,)))
    yield from ((code, None) for code in _codes(1, (82,), (8,), (1,)))


def _thermal() -> Iterator[_Row]:
    units = {4: "kW", 6: "kW", 8: "MWh", 26: "m3", 27: "m3ph", 28: "C", 29: "C", 30: "K", 31: "h", 32: "h", 33: "m3ph"}
    for d, unit in units.items():
        yield from ((code, unit) for code in _codes(6, (6,), (d,), f=_NOW_OR_PAST))
        yield from ((code, unit) for code in _codes(6, (6,), (d,), (1,)))
    yield from (
        (code, unit) for d, unit in ((8, "MWh"), (26, "m3")) for code in _codes(6, (6,), (d,), (1,), (_PERIOD,))
    )
    yield from ((code, "m") for code in _codes(6, (6,), (35,), f=_NOW_OR_PAST))
    yield from ((code, None) for code in _codes(6, (6,), (36,), _ONE_OR_SEVERAL, (CURRENT, _PERIOD, 2)))
    yield from ((code, "m3") for code in _codes(6, (8,), (26,), (1,), _NOW_OR_PAST))
    about = {4: "C", 24: "m3ph", 31: "h"}
    for d in (1, 2, 4, 6, 20, 21, 24, 31, 36):
        yield from ((code, about.get(d)) for code in _codes(6, (9,), (d,), f=_NOW_OR_PAST))
    yield from ((code, "m3") for code in _codes(6, (9,), (34,), (1,), _NOW_OR_PAST))
    full = ("kWh", "m3", "kg", "m3", "kg", "m3", "kg", "kW", "m3/h", "C", "C", "K", "bar")
    for c, unit in enumerate(full, 1):
        yield from ((code, unit) for code in _codes(6, (c,), (0,), (0, _TARIFF)))
    yield from ((code, None) for code in _codes(4, (1, 2), (0,), (0, _TARIFF), _NOW_OR_PAST))


def _fluids() -> Iterator[_Row]:
    yield from ((code, "m3") for code in _codes(7, (*range(1, 9), 23), range(4)))
    yield from ((code, "m3") for code in _codes(7, (1, 2, 3), range(3), (_TARIFF,)))
    yield from ((code, "m3") for code in _codes(7, (3,), range(3), f=(_PERIOD,)))
    yield from ((code, "C") for code in _codes(7, (41,), (0,)))
    yield from ((code, "bar") for code in _codes(7, (42,), (0,)))
    yield from ((code, "m3/h") for code in _codes(7, (43,), (0,)))
    for c, unit in ((1, "m3"), (2, "m3/h"), (3, "C")):
        yield from ((code, unit) for code in _codes(8, (c,), (0,), (0, _TARIFF), _NOW_OR_PAST))


def _mbus() -> Iterator[_Row]:
    for channel in (1, _CHANNEL):
        yield from ((code, None) for code in _codes(0, (24,), (1, 4), b=channel))
        yield from ((code, None) for code in _codes(0, (96,), (1,), _ONE_OR_SEVERAL, b=channel))


def _about_the_meter() -> Iterator[_Row]:
    yield from ((code, None) for code in _codes(1, (0,), (0, 2), _ONE_OR_SEVERAL, _NOW_OR_PAST))
    yield from ((code, None) for code in _codes(1, (0,), (1,), range(4), _NOW_OR_PAST))
    yield from ((code, None) for code in _codes(1, (0,), (2,), (2, 3, 8)))
    yield from ((code, None) for code in _codes(1, (0,), (2,), (8,), b=3))
    for d, unit in ((3, "imp/kWh"), (4, None), (6, "V"), (8, "min"), (9, "s")):
        yield from ((code, unit) for code in _codes(1, (0,), (d,), (0, 3)))
    yield from ((code, None) for code in _codes(1, (0,), (9,), (1, 2, 5, 6, 7)))
    yield from ((code, None) for code in _codes(0, (1,), (0,), _ONE_OR_SEVERAL))
    yield from ((code, "kW") for code in _codes(0, (17,), (0,), _ONE_OR_SEVERAL))
    yield from ((ObisCode(0, 0, *groups), None) for groups in usual_objects())
    yield ObisCode(0, 0, 96, 3, 10), None
    yield from ((code, None) for code in _codes(1, (200,), (0,), f=_NOW_OR_PAST))


def _service() -> Iterator[_Row]:
    yield from (
        (code, None) for code in _codes(0, (96,), (1, *range(3, 6), *range(10, 17), 20, 90, 98), _ONE_OR_SEVERAL)
    )
    yield from ((code, None) for code in _codes(0, (96,), (50,), _ONE_OR_SEVERAL, _NOW_OR_PAST))
    yield from ((code, None) for code in _codes(0, (96,), (2,), range(3)))
    for e, unit in ((0, "h"), (1, None), (3, "V"), (5, None), (6, "d")):
        yield from ((code, unit) for code in _codes(0, (96,), (6,), (e,)))
    yield from ((code, "s") for code in _codes(0, (96,), (7,), range(15, 20)))
    yield from ((code, None) for code in _codes(0, (96,), (7,), (*range(15), 21, 22)))
    yield from ((code, "h") for code in _codes(0, (96,), (8,), (0, _TARIFF)))
    yield from ((code, "C") for code in _codes(0, (96,), (9,), range(4)))
    yield from ((code, None) for code in _codes(0, (97,), (97, 98, 1), _ONE_OR_SEVERAL))
    yield from ((code, None) for code in _codes(0, (98,), (1,), _ONE_OR_SEVERAL))
    yield from ((code, None) for code in _codes(1, (99,), (1, 97, 98), _ONE_OR_SEVERAL))
