"""Meters' clocks in UTC: both changes of the season, other zones, meters that never switch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obisgw.iec62056_21.vdew.meter_time import Convention, MeterTime, TimeBase
from obisgw.iec62056_21.vdew.time_stamps import Season, TimeStamp, parse_time_stamp

ZONES = {
    name: ZoneInfo(name)
    for name in ("Europe/Berlin", "Australia/Lord_Howe", "Europe/Dublin", "America/St_Johns", "Europe/Istanbul", "UTC")
}


def utc(zone: str, text: str, base: TimeBase = TimeBase.LOCAL, *, late: bool = False) -> str:
    """The moment of a stamp."""
    stamp = parse_time_stamp(text)
    assert stamp is not None
    return f"{MeterTime(ZONES[zone], base).utc(stamp, late=late):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("zone", "text", "expected"),
    [
        # the doubled hour in autumn
        ("Europe/Berlin", "1261025020000", "2026-10-25 00:00"),
        ("Europe/Berlin", "1261025024500", "2026-10-25 00:45"),
        ("Europe/Berlin", "0261025020000", "2026-10-25 01:00"),
        ("Europe/Berlin", "0261025024500", "2026-10-25 01:45"),
        ("Europe/Berlin", "1261025030000", "2026-10-25 01:00"),  # the last stamp of summer, printed as summer
        # the missing hour in spring
        ("Europe/Berlin", "0260329020000", "2026-03-29 01:00"),
        ("Europe/Berlin", "1260329030000", "2026-03-29 01:00"),
        ("Europe/Berlin", "1260329031500", "2026-03-29 01:15"),
        # a meter that is always in standard time
        ("Europe/Berlin", "0260715120000", "2026-07-15 11:00"),
        ("Europe/Berlin", "0260329024500", "2026-03-29 01:45"),
        # one that is still in summer time while the zone is not, and one that keeps UTC
        ("Europe/Berlin", "1261115120000", "2026-11-15 10:00"),
        ("Europe/Berlin", "2260715120000", "2026-07-15 12:00"),
        # half an hour of summer time, in the south
        ("Australia/Lord_Howe", "1260115120000", "2026-01-15 01:00"),
        ("Australia/Lord_Howe", "0260115120000", "2026-01-15 01:30"),
        ("Australia/Lord_Howe", "0260715120000", "2026-07-15 01:30"),
        ("Australia/Lord_Howe", "1260405014500", "2026-04-04 14:45"),
        ("Australia/Lord_Howe", "0260405014500", "2026-04-04 15:15"),
        # a zone whose rule calls winter the exception
        ("Europe/Dublin", "0260115120000", "2026-01-15 12:00"),
        ("Europe/Dublin", "1260715120000", "2026-07-15 11:00"),
        ("Europe/Dublin", "0260715120000", "2026-07-15 12:00"),
        # half-hour zone, and one without summer time
        ("America/St_Johns", "1260715120000", "2026-07-15 14:30"),
        ("Europe/Istanbul", "0260715120000", "2026-07-15 09:00"),
        ("Europe/Istanbul", "1260715120000", "2026-07-15 08:00"),
        ("UTC", "0260715120000", "2026-07-15 12:00"),
    ],
)
def test_a_season_digit_is_a_fixed_offset(zone: str, text: str, expected: str) -> None:
    """Whatever the zone's own rule says of that date."""
    assert utc(zone, text) == expected


@pytest.mark.parametrize(
    ("base", "text", "late", "expected"),
    [
        (TimeBase.LOCAL, "260715120000", False, "2026-07-15 10:00"),
        (TimeBase.LOCAL, "261025021500", False, "2026-10-25 00:15"),
        (TimeBase.LOCAL, "261025021500", True, "2026-10-25 01:15"),
        (TimeBase.LOCAL, "260715120000", True, "2026-07-15 10:00"),
        (TimeBase.STANDARD, "260715120000", False, "2026-07-15 11:00"),
        (TimeBase.UTC, "260715120000", False, "2026-07-15 12:00"),
    ],
)
def test_without_a_digit_the_configured_base_counts(base: TimeBase, text: str, late: bool, expected: str) -> None:  # noqa: FBT001
    """The repeated hour is its first pass unless the season is known to have changed."""
    assert utc("Europe/Berlin", text, base, late=late) == expected


def test_without_a_digit_the_second_pass_follows_what_is_known() -> None:
    """02:00 behind 02:45 is an hour later."""
    time = MeterTime(ZONES["Europe/Berlin"])
    quarter = TimeStamp(datetime(2026, 10, 25, 2, 0))  # noqa: DTZ001
    assert time.utc(quarter, datetime(2026, 10, 25, 0, 45, tzinfo=UTC)) == datetime(2026, 10, 25, 1, 0, tzinfo=UTC)
    assert time.utc(quarter, datetime(2026, 10, 24, 23, 45, tzinfo=UTC)) == datetime(2026, 10, 25, 0, 0, tzinfo=UTC)


MOMENTS = st.datetimes(datetime(2001, 1, 1), datetime(2037, 1, 1)).map(  # noqa: DTZ001
    lambda moment: moment.replace(second=0, microsecond=0, tzinfo=UTC)
)


@given(
    MOMENTS, st.sampled_from(sorted(ZONES)), st.sampled_from([Convention.SEASONS, Convention.STANDARD, Convention.UTC])
)
def test_what_a_meter_stamps_is_understood(moment: datetime, zone: str, convention: Convention) -> None:
    """At any moment, the repeated hours included."""
    time = MeterTime(ZONES[zone])
    assert time.utc(time.stamp(moment, convention)) == moment


@given(MOMENTS, st.sampled_from([TimeBase.STANDARD, TimeBase.UTC]))
def test_what_a_meter_without_digit_stamps_is_understood(moment: datetime, base: TimeBase) -> None:
    """Where its clock does not jump."""
    time = MeterTime(ZONES["Europe/Berlin"], base)
    assert time.utc(time.stamp(moment, Convention.BARE)) == moment


def test_a_wall_clock_without_digit_is_doubtful_for_an_hour_a_year() -> None:
    """Of all quarter-hours of 2026 in Berlin, the four of the second pass are taken for the first."""
    time = MeterTime(ZONES["Europe/Berlin"])
    quarters = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=15) * n for n in range(365 * 96)]
    wrong = [one for one in quarters if time.utc(time.stamp(one, Convention.BARE)) != one]
    assert wrong == [datetime(2026, 10, 25, 1, minute, tzinfo=UTC) for minute in (0, 15, 30, 45)]


@pytest.mark.parametrize(
    ("local", "season", "known", "expected"),
    [
        ("2026-07-15", Season.STANDARD, Convention.UNKNOWN, Convention.STANDARD),
        ("2026-01-15", Season.STANDARD, Convention.UNKNOWN, Convention.UNKNOWN),
        ("2026-01-15", Season.STANDARD, Convention.SEASONS, Convention.SEASONS),
        ("2026-07-15", Season.SUMMER, Convention.UNKNOWN, Convention.SEASONS),
        ("2026-07-15", Season.SUMMER, Convention.STANDARD, Convention.SEASONS),
        ("2026-07-15", Season.UTC, Convention.UNKNOWN, Convention.UTC),
        ("2026-07-15", None, Convention.UNKNOWN, Convention.BARE),
    ],
)
def test_a_meter_shows_how_it_writes_its_seasons(
    local: str, season: Season | None, known: Convention, expected: Convention
) -> None:
    """A 0 says something only in summer."""
    time = MeterTime(ZONES["Europe/Berlin"])
    assert time.convention(TimeStamp(datetime.fromisoformat(local), season), known) is expected
