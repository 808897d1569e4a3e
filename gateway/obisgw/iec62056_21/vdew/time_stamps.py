"""Time stamps with a season digit: VDEW's ZST10 to ZSTs13, and the parts of them that log books print.

0 in front is standard ("winter") time, 1 summer time, 2 UTC. The number of digits alone tells whether there is one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import Enum
from typing import Final


class Season(Enum):
    """What a season digit says of the digits behind it."""

    STANDARD = "0"
    SUMMER = "1"
    UTC = "2"


_SEASONS: Final = {season.value: season for season in Season}
_SEPARATED: Final = re.compile(
    r"((?:20)?[0-9]{2})-([0-9]{2})-([0-9]{2})[ ,;&T]+([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?",
)
_LAST_OF_2000: Final = 50
"""Years of two digits up to this one are of the 21st century."""


@dataclass(frozen=True, slots=True)
class TimeStamp:
    """A time as a meter printed it. ``season`` is None where it printed no digit for it."""

    local: datetime
    season: Season | None = None


def parse_time_stamp(text: str) -> TimeStamp | None:
    """Return the stamp in ``text``; None where it is none, says "never" (zeros) or is impossible.

    Layouts: YYMMDDhhmm and YYMMDDhhmmss, each with a season digit in front or without; YYYYMMDDhhmmss;
    YY-MM-DD,hh:mm[:ss] as Turkish meters print it. Hour 24 is the next day's midnight.
    """
    text = text.strip(" ")
    if match := _SEPARATED.fullmatch(text):
        local = _time(*match.groups())
        return None if local is None else TimeStamp(local)
    if not (text.isascii() and text.isdigit()):
        return None
    season: Season | None = None
    digits = text
    match len(text):
        case 11 | 13:
            season, digits = _SEASONS.get(text[0]), text[1:]
            if season is None:
                return None
        case 10 | 12 | 14:
            pass
        case _:
            return None
    year, rest = (digits[:4], digits[4:]) if len(digits) == 14 else (digits[:2], digits[2:])
    local = _time(year, *(rest[at : at + 2] for at in range(0, len(rest), 2)))
    return None if local is None else TimeStamp(local, season)


def parse_clock_set(date: str, clock: str) -> TimeStamp | None:
    """Return the stamp of a date (``1220826``, ``220826``) and a time of day (``1235703``, ``235703``) printed apart."""
    season = None
    if len(clock) in (5, 7):
        season, clock = _SEASONS.get(clock[0]), clock[1:]
    if len(date) == 7:
        season, date = season or _SEASONS.get(date[0]), date[1:]
    both = parse_time_stamp(f"{date}{clock}") if len(date) == 6 else None
    return None if both is None else TimeStamp(both.local, season)


def format_time_stamp(stamp: TimeStamp, *, seconds: bool = False) -> str:
    """Return ZSTs11 (with ``seconds`` ZSTs13), or ZST10 and ZST12 where the stamp has no season digit."""
    digit = "" if stamp.season is None else stamp.season.value
    return digit + stamp.local.strftime("%y%m%d%H%M%S" if seconds else "%y%m%d%H%M")


def _time(*groups: str | None) -> datetime | None:
    year, month, day, hour, minute, second = (int(group or 0) for group in (*groups, "0")[:6])
    if year <= 99:
        year += 2000 if year <= _LAST_OF_2000 else 1900
    try:
        if (hour, minute, second) == (24, 0, 0):
            return datetime(year, month, day) + timedelta(days=1)  # noqa: DTZ001 - a meter's clock knows no zone
        return datetime.combine(datetime(year, month, day), time(hour, minute, second))  # noqa: DTZ001
    except (ValueError, OverflowError):
        return None
