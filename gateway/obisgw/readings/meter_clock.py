"""The meter's own clock out of its registers.

Meters print date and time in their own layouts: ``0.9.2(1190714)`` and ``0.9.1(1185411)`` with a leading digit for the
season, ``21-01-04`` and ``23:16:43``, or both in one register: ``221113202405``, ``101209112500W``.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from obisgw.obis import clock_registers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from obisgw.obis import Medium, ObisCode

_DATE = re.compile(r"[012]?(?P<y>(?:20)??\d\d)[-./]?(?P<m>\d\d)[-./]?(?P<d>\d\d)")
_TIME = re.compile(r"[012]?(?P<H>\d\d):?(?P<M>\d\d)(?::?(?P<S>\d\d))?[SW]?")
_BOTH = re.compile(rf"{_DATE.pattern}[ T,]?{_TIME.pattern.removeprefix('[012]?')}")
_SEASON_OF_ONE_FIELD = {7: 6, 11: 10, 13: 12}
"""Digits with the leading digit of the season, and without it."""
_FIRST_DAY = datetime(2000, 1, 1)  # noqa: DTZ001 - the meter's local time carries no zone
_MINUTE = timedelta(minutes=1)


def meter_clock(values: Mapping[ObisCode, str], medium: Medium) -> tuple[datetime, timedelta] | None:
    """Return the meter's local time without zone and how fine it is, None where it is not printed or not set."""
    registers = clock_registers(values, medium)
    texts = [_bare(values[code]) for code in registers]
    match texts:
        case [both]:
            match = _BOTH.fullmatch(both)
            return _time(match["y"], match["m"], match["d"], match["H"], match["M"], match["S"]) if match else None
        case [date, time]:
            day, moment = _DATE.fullmatch(date), _TIME.fullmatch(time)
            if day is None or moment is None:
                return None
            return _time(day["y"], day["m"], day["d"], moment["H"], moment["M"], moment["S"])
        case _:
            return None


def _bare(text: str) -> str:
    """Take the digit of the season off: 1190714 is 19-07-14 in summer time."""
    text = text.strip().rstrip("SW")
    if text.isdigit() and len(text) in _SEASON_OF_ONE_FIELD:
        return text[1:]
    return text


def _time(*groups: str | None) -> tuple[datetime, timedelta] | None:
    year, month, day, hour, minute, second = (int(group or 0) for group in groups)
    try:
        at = datetime(year if year > 99 else 2000 + year, month, day, hour, minute, second)  # noqa: DTZ001
    except ValueError:
        return None  # zeros, or 24:00 of a clock that was never set
    fine = _MINUTE if groups[-1] is None else timedelta(seconds=1)
    return (at, fine) if at >= _FIRST_DAY else None
