"""Time stamps in the layouts of meters."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obisgw.readings.times import parse_time


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2211120730", "2022-11-12T07:30:00"),
        ("12211120730", "2022-11-12T07:30:00"),
        ("221112073015", "2022-11-12T07:30:15"),
        ("1190711111500", "2019-07-11T11:15:00"),
        ("0210114223000", "2021-01-14T22:30:00"),
        ("2210114223000", "2021-01-14T22:30:00"),
        ("101209112500W", "2010-12-09T11:25:00"),
        ("240407122854S", "2024-04-07T12:28:54"),
        ("700101010000W", "2070-01-01T01:00:00"),
        ("202601130730", "2026-01-13T07:30:00"),
        ("20260113073015", "2026-01-13T07:30:15"),
        ("16-03-14,18:45", "2016-03-14T18:45:00"),
        ("21-01-01 00:00", "2021-01-01T00:00:00"),
        ("24-07-13,13:00", "2024-07-13T13:00:00"),
        ("2022-05-19&19:41:17", "2022-05-19T19:41:17"),
        ("07E50113020B031D00003C00", "2021-01-19T11:03:29"),
        (" 2211120730 ", "2022-11-12T07:30:00"),
    ],
)
def test_layouts(text: str, expected: str) -> None:
    """One row a layout."""
    assert parse_time(text) == datetime.fromisoformat(expected)


@pytest.mark.parametrize(
    "text",
    [
        *("", "0", "00000000", "0000000000", "000000000000", "00-00-00 00:00", "2000-00-00&00:00:00"),
        # Impossible: a month, an hour, a season that there is not.
        *("632525252525W", "2213120730", "2211122430", "9221112073015", "32211120730"),
        # A date or a time of day alone.
        *("221112", "1190714", "20260130", "23:16:43", "21-01-04", "2018-09-07", "01-01&00:00", "1235703"),
        *("000123.4", "ERROR", "22111207301", "2211120730*", "٢٢١١١٢٠٧٣٠"),
    ],
)
def test_what_is_no_time(text: str) -> None:
    """Never set, impossible, or something else."""
    assert parse_time(text) is None


@given(st.datetimes(datetime.fromisoformat("2000-01-01"), datetime.fromisoformat("2099-12-31")))
def test_any_time_comes_back(time: datetime) -> None:
    """With winter, summer or UTC in front, or a letter behind."""
    time = time.replace(microsecond=0)
    digits = time.strftime("%y%m%d%H%M%S")
    for text in (f"0{digits}", f"1{digits}", f"2{digits}", f"{digits}W", f"{digits}S"):
        assert parse_time(text) == time


@given(st.text())
def test_any_text_ends_in_a_time_or_none(text: str) -> None:
    """Never an exception."""
    assert parse_time(text) is None or text.strip(" ")
