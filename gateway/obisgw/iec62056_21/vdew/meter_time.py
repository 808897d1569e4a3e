"""From a meter's clock to UTC and back.

A season digit stands for a fixed offset, whatever the zone's own rule says of that date: only so the repeated hour in
autumn has its two places, and a meter that stays in standard time all summer is understood. Without a digit the meter's
time base must be known: the wall clock of its zone, standard time all year, or UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from enum import Enum
from functools import lru_cache
from typing import Final

from .time_stamps import Season, TimeStamp

_HOUR: Final = timedelta(hours=1)
_ZERO: Final = timedelta(0)
_LOOK: Final = tuple(timedelta(days=30 * month) for month in (*range(1, 13), *range(-1, -13, -1)))
"""Where a zone's other season is looked for."""


class TimeBase(Enum):
    """What a meter's clock shows where its stamps have no season digit."""

    LOCAL = "local"
    """The wall clock of its zone."""

    STANDARD = "standard"
    """The zone's standard time all year."""

    UTC = "utc"


class Convention(Enum):
    """How a meter writes its seasons, as its own stamps have shown it."""

    UNKNOWN = "unknown"
    SEASONS = "seasons"
    """0 in winter, 1 in summer."""

    STANDARD = "standard"
    """Always 0."""

    UTC = "utc"
    """Always 2."""

    BARE = "bare"
    """No digit."""


class MeterTime:
    """The clock of a meter in ``zone``; ``base`` counts only for stamps without a season digit."""

    def __init__(self, zone: tzinfo = UTC, base: TimeBase = TimeBase.LOCAL) -> None:
        self.zone = zone
        self.base = base

    def utc(self, stamp: TimeStamp, after: datetime | None = None, *, late: bool = False) -> datetime:
        """Return the moment of a stamp.

        A stamp without season digit in the repeated hour of autumn is of its first pass, unless that is not ``after``
        the last moment known or ``late`` says that the season has changed.
        """
        local = stamp.local
        match stamp.season:
            case Season.UTC:
                return _aware(local, _ZERO)
            case Season.STANDARD:
                return _aware(local, self._offsets(local)[0])
            case Season.SUMMER:
                return _aware(local, self._offsets(local)[1])
            case None:
                return self._of_base(local, after, late=late)

    def _of_base(self, local: datetime, after: datetime | None, *, late: bool) -> datetime:
        match self.base:
            case TimeBase.UTC:
                return _aware(local, _ZERO)
            case TimeBase.STANDARD:
                return _aware(local, self._offsets(local)[0])
            case TimeBase.LOCAL:
                first = _aware(local, _offset(self.zone, local, fold=0))
                second = _aware(local, _offset(self.zone, local, fold=1))
                if second > first and (late or (after is not None and first <= after)):
                    return second
                return first

    def stamp(self, moment: datetime, convention: Convention) -> TimeStamp:
        """Return how a meter of that convention would print a moment (one with a UTC offset of its own)."""
        local = moment.astimezone(self.zone).replace(tzinfo=None)
        standard, summer = self._offsets(local)
        match convention:
            case Convention.UTC:
                return TimeStamp(_naive(moment, _ZERO), Season.UTC)
            case Convention.STANDARD:
                return TimeStamp(_naive(moment, standard), Season.STANDARD)
            case Convention.BARE if self.base is TimeBase.LOCAL:
                return TimeStamp(local)
            case Convention.BARE:
                return TimeStamp(_naive(moment, standard if self.base is TimeBase.STANDARD else _ZERO))
            case Convention.SEASONS | Convention.UNKNOWN:
                in_summer = self.in_summer(moment)
                return TimeStamp(
                    _naive(moment, summer if in_summer else standard),
                    Season.SUMMER if in_summer else Season.STANDARD,
                )

    def in_summer(self, moment: datetime) -> bool:
        """Whether the zone keeps summer time at a moment."""
        local = moment.astimezone(self.zone)
        return local.utcoffset() != self._offsets(local.replace(tzinfo=None))[0]

    def convention(self, stamp: TimeStamp, known: Convention) -> Convention:
        """Return what a stamp shows of its meter's convention; ``known`` where it shows nothing new."""
        match stamp.season:
            case None:
                return Convention.BARE
            case Season.UTC:
                return Convention.UTC
            case Season.SUMMER:
                return Convention.SEASONS
            case Season.STANDARD:
                if known is Convention.UNKNOWN and self.in_summer(self.utc(stamp)):
                    return Convention.STANDARD
                return known

    def _offsets(self, local: datetime) -> tuple[timedelta, timedelta]:
        """Return the offsets of standard and of summer time around a date."""
        return _seasons(self.zone, local.year, local.month, local.day, local.hour)


def _aware(local: datetime, offset: timedelta) -> datetime:
    return (local - offset).replace(tzinfo=UTC)


def _naive(moment: datetime, offset: timedelta) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None) + offset


def _offset(zone: tzinfo, local: datetime, *, fold: int = 0) -> timedelta:
    return zone.utcoffset(local.replace(tzinfo=zone, fold=fold)) or _ZERO


@lru_cache(maxsize=4096)
def _seasons(zone: tzinfo, year: int, month: int, day: int, hour: int) -> tuple[timedelta, timedelta]:
    local = datetime(year, month, day, hour, tzinfo=zone)
    offset, saving = zone.utcoffset(local) or _ZERO, zone.dst(local) or _ZERO
    if saving == _ZERO:
        saving = _other_season(zone, local)
        # Ireland calls its winter the season that deviates, by minus an hour.
        return (offset, offset + saving) if saving > _ZERO else (offset + saving, offset)
    return (offset - saving, offset) if saving > _ZERO else (offset, offset - saving)


def _other_season(zone: tzinfo, local: datetime) -> timedelta:
    """Return how much the zone's other season deviates; one hour where it has none, as meters are built."""
    for distance in _LOOK:
        try:
            saving = zone.dst(local + distance)
        except OverflowError:
            continue
        if saving:
            return saving
    return _HOUR
