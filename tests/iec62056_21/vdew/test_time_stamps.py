"""Time stamps with and without season digit."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obisgw.iec62056_21.vdew.time_stamps import (
    Season,
    TimeStamp,
    format_time_stamp,
    parse_clock_set,
    parse_time_stamp,
)

S, W, U = Season.SUMMER, Season.STANDARD, Season.UTC


@pytest.mark.parametrize(
    ("text", "local", "season"),
    [
        ("1301310800", "2013-01-31T08:00", None),  # ZST10: a leading 1 is no season where the length says so
        ("01301310800", "2013-01-31T08:00", W),  # ZSTs11 of LEM's requests
        ("11808191600", "2018-08-19T16:00", S),
        ("20210115001", None, None),  # month 21
        ("040211001500", "2004-02-11T00:15", None),  # ZST12 of EMH's P.02
        ("121015061841", "2012-10-15T06:18:41", None),  # LEM EM4T
        ("0210114223000", "2021-01-14T22:30", W),
        ("1230920203000", "2023-09-20T20:30", S),
        ("2230920203000", "2023-09-20T20:30", U),
        ("3230920203000", None, None),  # no such season
        ("20260130073015", "2026-01-30T07:30:15", None),
        ("24-07-13,13:00", "2024-07-13T13:00", None),
        ("2022-05-19&19:41:17", "2022-05-19T19:41:17", None),
        ("0210114240000", "2021-01-15T00:00", W),  # hour 24
        ("0210114240001", None, None),
        ("0500101000000", "2050-01-01T00:00", W),
        ("0510101000000", "1951-01-01T00:00", W),
        ("0000000000000", None, None),
        ("0230230000000", None, None),
        ("ERROR", None, None),
        ("", None, None),
        ("02101142230", "2021-01-14T22:30", W),
        ("\u0660210114223000", None, None),
    ],
)
def test_the_number_of_digits_tells_whether_there_is_a_season(
    text: str, local: str | None, season: Season | None
) -> None:
    """10 and 12 digits have none, 11 and 13 have one in front."""
    expected = None if local is None else TimeStamp(datetime.fromisoformat(local), season)
    assert parse_time_stamp(text) == expected


@pytest.mark.parametrize(
    ("date", "clock", "local", "season"),
    [
        ("1220826", "1235703", "2022-08-26T23:57:03", S),
        ("220826", "235703", "2022-08-26T23:57:03", None),
        ("0220826", "235703", "2022-08-26T23:57:03", W),
        ("220826", "12357", "2022-08-26T23:57", S),
        ("26.08.22", "235703", None, None),
        ("220826", "256103", None, None),
    ],
)
def test_date_and_time_of_day_of_a_log_book_are_one_stamp(
    date: str, clock: str, local: str | None, season: Season | None
) -> None:
    """ZS7 and DS7, also without digits or seconds."""
    expected = None if local is None else TimeStamp(datetime.fromisoformat(local), season)
    assert parse_clock_set(date, clock) == expected


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2050, 12, 31)),  # noqa: DTZ001
    st.sampled_from([None, *Season]),
)
def test_what_is_formatted_is_parsed(local: datetime, season: Season | None) -> None:
    """ZST12 and ZSTs13."""
    stamp = TimeStamp(local.replace(microsecond=0), season)
    assert parse_time_stamp(format_time_stamp(stamp, seconds=True)) == stamp


@given(st.text(max_size=20))
def test_any_text_is_a_stamp_or_none(text: str) -> None:
    """Never an exception."""
    parse_time_stamp(text)
    parse_clock_set(text[:8], text[8:])
