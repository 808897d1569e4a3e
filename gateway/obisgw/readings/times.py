"""Time stamps as meters print them (VDEW's ZST formats, DSMR, and makers' own).

All are the meter's local time without zone. A leading season digit (0 winter, 1 summer, 2 UTC) or a trailing W or S is
read and left out.
"""

from __future__ import annotations

import re
from datetime import datetime

_DIGITS = re.compile(r"([0-9]{10,14})([WS]?)")
_SEPARATED = re.compile(
    r"((?:20)?[0-9]{2})-([0-9]{2})-([0-9]{2})[ ,;&T]([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?",
)
_COSEM = re.compile(r"[0-9A-Fa-f]{24}")
_SEASONS = frozenset("012")


def parse_time(text: str) -> datetime | None:
    """Return the time in ``text``; None when it is no time stamp, says "never" (zeros) or is impossible.

    Layouts: YYMMDDhhmm and YYMMDDhhmmss, with a season digit in front or W or S behind; YYYYMMDDhhmm[ss];
    YY-MM-DD and YYYY-MM-DD with hh:mm[:ss] behind a blank, comma or ``&``; COSEM's date-time in 24 hexadecimal digits.
    A date or a time of day alone is no time stamp.
    """
    text = text.strip(" ")
    if match := _DIGITS.fullmatch(text):
        return _from_digits(match[1], letter=bool(match[2]))
    if match := _SEPARATED.fullmatch(text):
        return _time(*match.groups())
    if _COSEM.fullmatch(text):
        octets = bytes.fromhex(text)
        return _time(int.from_bytes(octets[:2], "big"), octets[2], octets[3], octets[5], octets[6], octets[7])
    return None


def is_stamped(text: str) -> bool:
    """Whether a text is written as a time stamp with its season letter, be the time possible or not."""
    match = _DIGITS.fullmatch(text.strip(" "))
    return match is not None and bool(match[2])


def _from_digits(digits: str, *, letter: bool) -> datetime | None:
    match len(digits):
        case 10:
            return _time(*_pairs(digits))
        case 11 if digits[0] in _SEASONS:
            return _time(*_pairs(digits[1:]))
        case 12:
            # 202601130730 has no month 26: the century is printed. Before 2013 the short form is meant.
            short = _time(*_pairs(digits))
            return short if short or letter else _time(digits[:4], *_pairs(digits[4:]))
        case 13 if digits[0] in _SEASONS:
            return _time(*_pairs(digits[1:]))
        case 14:
            return _time(digits[:4], *_pairs(digits[4:]))
        case _:
            return None


def _pairs(digits: str) -> list[str]:
    return [digits[at : at + 2] for at in range(0, len(digits), 2)]


def _time(*groups: str | int | None) -> datetime | None:
    year, month, day, hour, minute, second = (int(group or 0) for group in (*groups, 0)[:6])
    try:
        return datetime(year if year > 99 else 2000 + year, month, day, hour, minute, second)  # noqa: DTZ001
    except ValueError:
        return None
