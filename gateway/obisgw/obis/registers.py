"""Registers with a part to play for the whole meter: its number, tariff, errors, clock, events.

A register of an M-Bus channel (0-n with n > 0) belongs to another meter and never counts here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from obisgw.obis.code import CURRENT, Medium, ObisCode

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

_CDE = tuple[int, int, int]

METER_NUMBER_CODES: Final[tuple[_CDE, ...]] = (
    (96, 1, 0),  # C.1.0, the maker's number
    (9, 20, 0),  # the same of heat meters
    (96, 1, 255),  # push meters
    (0, 0, 9),  # the full identification of DIN 43863-5
    (96, 1, 1),  # DSMR; other meters print the maker's second number
    (0, 0, 0),  # the supplier's number, often the maker's too
    (0, 0, 1),
    (9, 21, 0),  # the owner's number of heat meters
    (96, 1, 5),
    (0, 0, 2),
    (0, 0, 5),
)
"""C.D.E that carry the meter's own number, best first: what the maker gave it stays with it."""

ACTIVE_TARIFF_CODES: Final[tuple[_CDE, ...]] = ((96, 14, 0),)
"""C.D.E that carry the number of the tariff in force."""

_HEXADECIMAL_TEXT: Final = re.compile(r"(?:[0-9A-Fa-f]{2}){6,}")
_TARIFF: Final = re.compile(r"\D?0*([1-9][0-9]?)")
_MBUS_DEVICE_TYPE: Final = (24, 1, 0)
# Date and time in one value; on media left out here the same groups are a quantity.
_CLOCKS: Final = {
    (1, 0, 0): frozenset({Medium.ABSTRACT, Medium.ELECTRICITY}),
    (9, 36, 0): frozenset({Medium.HEAT, Medium.COOLING}),
}
_DATE: Final = (0, 9, 2)
_TIME: Final = (0, 9, 1)
_CLOCK_GROUPS: Final = frozenset({*_CLOCKS, _DATE, _TIME})
_LAST_COUNTER_OF_POWER_FAILURES: Final = 9
_POWER_FAILURES_OF_ANY_PHASE: Final = 21


def meter_number(values: Mapping[ObisCode, str], medium: Medium) -> str | None:
    """Return the meter's own number out of its registers' values, `None` if it prints none.

    Fields of blanks or zeros were never set. DSMR prints text in hexadecimal: it comes decoded.
    """
    own = _own(values, medium, METER_NUMBER_CODES)
    for groups in METER_NUMBER_CODES:
        number = own.get(groups, "").strip()
        if number.strip("0- "):
            return _decoded(number)
    return None


def _own(values: Mapping[ObisCode, str], medium: Medium, wanted: Container[_CDE]) -> dict[_CDE, str]:
    """Return current values by C.D.E, as far as wanted; of the meter's channels, the first one holds."""
    own: dict[_CDE, str] = {}
    # Few are wanted, and comparing codes to sort them is what costs.
    for code in sorted(code for code in values if (code.c, code.d, code.e) in wanted and _is_own(code, medium)):
        groups = (code.c, code.d, code.e)
        own[groups] = own.get(groups, "").strip() or values[code]
    return own


def _is_own(code: ObisCode, medium: Medium) -> bool:
    channels = (0,) if code.a == 0 else (0, 1)
    return code.f == CURRENT and code.a in (0, medium.group_a) and code.b in channels


def _decoded(number: str) -> str:
    if not _HEXADECIMAL_TEXT.fullmatch(number):
        return number
    octets = bytes.fromhex(number)
    return octets.decode() if octets.isascii() and octets.isalnum() else number


def active_tariff(values: Mapping[ObisCode, str], medium: Medium) -> int | None:
    """Return the number of the tariff that the meter says is in force, `None` if it does not."""
    own = _own(values, medium, ACTIVE_TARIFF_CODES)
    for groups in ACTIVE_TARIFF_CODES:
        if match := _TARIFF.fullmatch(own.get(groups, "").strip()):
            return int(match[1])
    return None


def mbus_device_types(values: Mapping[ObisCode, str]) -> dict[int, int]:
    """Return the M-Bus device type by channel, as 0-n:24.1.0 print it, for `describe`."""
    return {
        code.b: int(value)
        for code, value in values.items()
        if code.a == 0 and (code.c, code.d, code.e) == _MBUS_DEVICE_TYPE and value.isascii() and value.isdigit()
    }


def is_error_register(code: ObisCode) -> bool:
    """Tell whether a register holds the meter's error bits, none of which is set without error."""
    return (code.c, code.d) == (97, 97) and code.f == CURRENT


def has_error(value: str) -> bool | None:
    """Tell whether an error register's value reports an error, `None` if it is empty."""
    bits = value.strip()
    return bool(bits.strip("0 ")) if bits else None


def is_power_failure_counter(code: ObisCode) -> bool:
    """Tell whether a register counts the meter's power failures, short or long."""
    counts = code.e <= _LAST_COUNTER_OF_POWER_FAILURES or code.e == _POWER_FAILURES_OF_ANY_PHASE
    return (code.c, code.d) == (96, 7) and counts and code.f == CURRENT


def is_reset_counter(code: ObisCode) -> bool:
    """Tell whether a register counts the billing resets (0.1.0)."""
    return (code.c, code.d, code.e, code.f) == (0, 1, 0, CURRENT)


def clock_registers(codes: Iterable[ObisCode], medium: Medium) -> tuple[ObisCode, ...]:
    """Return the register of the meter's date and time, or those of date and of time, or none."""
    wanted = [code for code in codes if (code.c, code.d, code.e) in _CLOCK_GROUPS and _is_own(code, medium)]
    own = {(code.c, code.d, code.e): code for code in sorted(wanted, reverse=True)}
    for groups, media in _CLOCKS.items():
        if (clock := own.get(groups)) and clock.medium in media:
            return (clock,)
    date, time = own.get(_DATE), own.get(_TIME)
    return (date, time) if date and time else ()
