"""The meter's own clock out of its registers.

Meters print date and time apart, ``0.9.2(1190714)`` and ``0.9.1(1185411)`` with a digit for the season in front or
``0.9.2(21-01-04)`` and ``0.9.1(23:16:43)``, or both in one register.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from obisgw.obis import clock_registers

from .times import parse_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from obisgw.obis import Medium, ObisCode

_FIELD = re.compile(r"[012]?((?:[0-9]{2}[-./:]?)?(?:[0-9]{2}[-./:]?){2,3})[SW]?")
_SEPARATORS = re.compile(r"[-./:]")
# YYMMDDhhmm, also with a digit for the season, and hh:mm: the seconds are left out.
_WITHOUT_SECONDS = re.compile(r"[0-9]{10,11}[SW]?|[^:]*:[0-9]{2}")
_FIRST_YEAR = 2000
_MINUTE, _SECOND = timedelta(minutes=1), timedelta(seconds=1)


def meter_clock(values: Mapping[ObisCode, str], medium: Medium) -> tuple[datetime, timedelta] | None:
    """Return the meter's local time without zone and how fine it is, None where it is not printed or not set."""
    texts = [values[code].strip() for code in clock_registers(values, medium)]
    match texts:
        case [both]:
            at, text = parse_time(both), both
        case [date, time]:
            fields = [_FIELD.fullmatch(date), _FIELD.fullmatch(time)]
            text = "".join(_SEPARATORS.sub("", field[1]) for field in fields if field)
            at = parse_time(text) if all(fields) else None
        case _:
            return None
    if at is None or at.year < _FIRST_YEAR:
        return None
    return at, _MINUTE if _WITHOUT_SECONDS.fullmatch(text) else _SECOND
