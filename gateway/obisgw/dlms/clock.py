"""Times of COSEM (IEC 62056-62 clause 4.1.6.1): twelve octets, of which any may say that it is not specified."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import IntFlag
from typing import Final

from .errors import DecodeError

LENGTH: Final = 12
_ANY: Final = 0xFF
_ANY_YEAR: Final = 0xFFFF
_FIRST_YEAR, _LAST_YEAR = 1900, 9000
"""Clocks that were never set may show others."""
_ANY_DEVIATION: Final = -0x8000
_LAST_DAY: Final = 0xFE
_LAST_BUT_ONE: Final = 0xFD


class ClockStatus(IntFlag):
    """What a clock says of itself."""

    INVALID = 0x01
    DOUBTFUL = 0x02
    DIFFERENT_BASE = 0x04
    INVALID_STATUS = 0x08
    DAYLIGHT_SAVING = 0x80


@dataclass(frozen=True, slots=True)
class ClockTime:
    """A point in time as a meter writes it. ``local`` has no zone; ``deviation`` is minutes from local time to UTC.

    ``deviation`` is None where the meter leaves it open (CET is -60), ``status`` where it gives none.
    """

    local: datetime
    deviation: int | None
    status: ClockStatus | None

    @property
    def utc(self) -> datetime | None:
        """The time in UTC, None where the deviation is open."""
        if self.deviation is None:
            return None
        return (self.local + timedelta(minutes=self.deviation)).replace(tzinfo=UTC)

    @property
    def summer(self) -> bool:
        """Whether the clock says that it is in daylight saving."""
        return self.status is not None and bool(self.status & ClockStatus.DAYLIGHT_SAVING)

    def encode(self) -> bytes:
        """Return the twelve octets."""
        time = self.local
        deviation = _ANY_DEVIATION if self.deviation is None else self.deviation
        return (
            time.year.to_bytes(2, "big")
            + bytes((time.month, time.day, time.isoweekday(), time.hour, time.minute, time.second))
            + bytes((time.microsecond // 10_000,))
            + deviation.to_bytes(2, "big", signed=True)
            + bytes((_ANY if self.status is None else int(self.status),))
        )


def decode_time(octets: bytes) -> ClockTime | None:
    """Return a point in time, None where the year, month or day is left open. Raises DecodeError for an impossible one."""
    if len(octets) != LENGTH:
        raise DecodeError(f"a time has {LENGTH} octets, and {len(octets)} came")
    year, month, day = int.from_bytes(octets[:2], "big"), octets[2], octets[3]
    if year == _ANY_YEAR or day == _ANY or month in {_ANY, _LAST_BUT_ONE, _LAST_DAY}:
        return None
    hour, minute, second, hundredths = (0 if octet == _ANY else octet for octet in octets[5:9])
    deviation = int.from_bytes(octets[9:11], "big", signed=True)
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise DecodeError(f"{octets.hex()} is no time: the year is {year}")
    try:
        if day in {_LAST_DAY, _LAST_BUT_ONE}:
            day = calendar.monthrange(year, month)[1] - (_LAST_DAY - day)
        local = datetime(year, month, day, hour, minute, second, hundredths * 10_000)  # noqa: DTZ001 - see deviation
    except ValueError as error:
        raise DecodeError(f"{octets.hex()} is no time: {error}") from error
    if deviation != _ANY_DEVIATION and not -840 <= deviation <= 840:
        raise DecodeError(f"{octets.hex()} is no time: it deviates by {deviation} minutes")
    return ClockTime(
        local,
        None if deviation == _ANY_DEVIATION else deviation,
        None if octets[11] == _ANY else ClockStatus(octets[11]),
    )


def clock_time(moment: datetime, *, summer: bool = False) -> ClockTime:
    """Return a moment with a zone as a meter writes it."""
    offset = moment.utcoffset() or timedelta(0)
    status = ClockStatus.DAYLIGHT_SAVING if summer else ClockStatus(0)
    return ClockTime(moment.replace(tzinfo=None), -int(offset.total_seconds() // 60), status)


def zone_of(time: ClockTime) -> timezone | None:
    """Return the zone that a time says, None where it is open."""
    return None if time.deviation is None else timezone(timedelta(minutes=-time.deviation))
