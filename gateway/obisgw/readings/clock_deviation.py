"""How far a meter's clock is from ours, the line's time taken off.

The meter prints its clock when that line of its telegram is due, and more of the telegram follows: at 300 Bd it ends a
minute later. Where the clock has no digit for the season, nobody can tell summer time that was not set from winter time:
the whole hours that come nearest are taken, and only the rest is told.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from obisgw.obis import clock_registers

from .meter_clock import meter_clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from obisgw.obis import ObisCode

    from .reading import Reading, Register

_BITS: Final = 10
_HOUR: Final = 3600.0
_DAY: Final = 86400.0
_NEAR: Final = 120.0
"""Date and time, printed one after the other, may belong to different days."""

_SEASON: Final = re.compile(r"([012])(?:[0-9]{6}|[0-9]{10}|[0-9]{12})")
_WINTER, _SUMMER = "0", "1"


def clock_deviation(reading: Reading, baudrate: int, utc_offset: Callable[[float], float]) -> float | None:
    """Return by how many whole seconds the meter's clock is ahead of ours; None where it prints none, or it is not set.

    ``utc_offset`` gives the local time's seconds east of UTC at a moment of Unix time.
    """
    current: dict[ObisCode, Register] = {}
    for register in reading.registers:
        if register.code is not None:
            current.setdefault(register.code, register)
    values = {code: register.value for code, register in current.items()}
    found = meter_clock(values, reading.meter.medium)
    codes = clock_registers(values, reading.meter.medium)
    if found is None or not codes:
        return None
    shown, fine = found
    register = current[codes[-1]]
    at = reading.at.timestamp() - _behind(reading, register, baudrate)
    # What is printed was cut: on average half of its last digit.
    local = (shown.replace(tzinfo=UTC) + fine / 2).timestamp()
    deviations = [local - offset - at for offset in _offsets(values[codes[-1]].strip(), at, utc_offset)]
    deviation = min((_whole_days(one) if len(codes) > 1 else one for one in deviations), key=abs)
    return float(round(deviation))


def _behind(reading: Reading, register: Register, baudrate: int) -> float:
    """Return the seconds from the beginning of the register's line to the telegram's end."""
    block = reading.telegram.block
    start = block.find(f"{register.address}(".encode("latin-1", "replace"))
    characters = len(block) - start if start >= 0 else 0
    return min(characters * _BITS / baudrate, reading.duration)


def _offsets(text: str, at: float, utc_offset: Callable[[float], float]) -> tuple[float, ...]:
    """Return the offsets from UTC that the printed time may have."""
    now = utc_offset(at)
    year = datetime.fromtimestamp(at, UTC).year
    seasons = [utc_offset(datetime(year, month, 1, tzinfo=UTC).timestamp()) for month in (1, 7)]
    standard = min(seasons)
    match _SEASON.fullmatch(text):
        case re.Match() as match if match[1] == _WINTER:
            return (standard,)
        case re.Match() as match if match[1] == _SUMMER:
            return (standard + _HOUR,)
        case re.Match():
            return (0.0,)
        case _:
            return tuple(dict.fromkeys((now, standard, standard + _HOUR, 0.0)))


def _whole_days(deviation: float) -> float:
    """Return the deviation without a day that is none."""
    return next((deviation - day for day in (_DAY, -_DAY) if abs(deviation - day) < _NEAR), deviation)
