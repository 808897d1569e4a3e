"""Load profiles and log books out of buffers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from obisgw.dlms import axdr
from obisgw.dlms.axdr import Data
from obisgw.dlms.clock import ClockStatus, ClockTime, clock_time, decode_time
from obisgw.dlms.errors import DecodeError
from obisgw.dlms.profile import Column, Profile, by_entry, by_range, columns_of, read_range
from obisgw.dlms.values import ScalerUnit

BERLIN = ZoneInfo("Europe/Berlin")
NAME = bytes((1, 0, 99, 1, 0, 255))
CLOCK = Column(8, bytes((0, 0, 1, 0, 0, 255)), 2)
STATUS = Column(1, bytes((0, 0, 96, 10, 1, 255)), 2)
IMPORT = Column(3, bytes((1, 0, 1, 8, 0, 255)), 2)
UNITS = {IMPORT.name: ScalerUnit(-3, "kWh")}


def profile(**more: object) -> Profile:
    return Profile((CLOCK, STATUS, IMPORT), 900, UNITS, **more)  # type: ignore[arg-type]


def row(time: datetime | ClockTime | None, value: int, status: int = 0) -> Data:
    match time:
        case None:
            stamp = axdr.NULL
        case ClockTime():
            stamp = axdr.octet_string(time.encode())
        case _:
            stamp = axdr.octet_string(clock_time(time).encode())
    return axdr.structure(stamp, axdr.unsigned(status), axdr.unsigned(value, 4))


def test_rows_have_times_in_utc_states_and_exact_values() -> None:
    """The time is the end of the period."""
    cet = timezone(timedelta(hours=1))
    buffer = axdr.array(
        row(datetime(2026, 1, 1, 0, 15, tzinfo=cet), 1234567), row(datetime(2026, 1, 1, 0, 30, tzinfo=cet), 1234600, 8)
    )
    first, second = profile().rows(buffer)
    assert first.end == datetime(2025, 12, 31, 23, 15, tzinfo=UTC)
    assert first.values[0] is not None
    assert (first.values[0].number, first.values[0].unit) == (Decimal("1234.567"), "kWh")
    assert (second.status, second.problem) == (8, "")


def test_rows_without_a_time_lie_one_period_behind_the_one_before() -> None:
    """Meters save octets so."""
    buffer = axdr.array(row(datetime(2026, 1, 1, tzinfo=UTC), 1), row(None, 2), row(None, 3))
    assert [one.end for one in profile().rows(buffer)] == [
        datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=15 * number) for number in range(3)
    ]
    [orphan] = profile().rows(axdr.array(row(None, 1)))
    assert (orphan.end, orphan.problem) == (None, "the row has no time")


def test_both_hours_of_the_night_in_autumn_are_told_apart() -> None:
    """By the deviation, or by the clock's own word where it leaves that open."""
    summer = ClockTime(datetime(2026, 10, 25, 2, 30), None, ClockStatus.DAYLIGHT_SAVING)  # noqa: DTZ001
    winter = ClockTime(datetime(2026, 10, 25, 2, 30), None, ClockStatus(0))  # noqa: DTZ001
    ends = [one.end for one in profile(zone=BERLIN).rows(axdr.array(row(summer, 1), row(winter, 2)))]
    assert ends == [datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)]


def test_a_damaged_row_takes_its_place_and_gives_no_value() -> None:
    """It is named."""
    buffer = axdr.array(row(datetime(2026, 1, 1, tzinfo=UTC), 1), axdr.structure(axdr.NULL), row(None, 3))
    rows = list(profile().rows(buffer))
    assert rows[1].values == ()
    assert "1 columns in place of 3" in rows[1].problem
    assert rows[2].end == datetime(2026, 1, 1, 0, 30, tzinfo=UTC)


def test_a_value_without_its_scaler_is_none() -> None:
    """It could be anything."""
    [one] = Profile((CLOCK, IMPORT), 900, {}).rows(
        axdr.array(
            axdr.structure(
                axdr.octet_string(clock_time(datetime(2026, 1, 1, tzinfo=UTC)).encode()), axdr.unsigned(7, 4)
            )
        )
    )
    assert one.values == (None,)


def test_columns_and_selections_are_written_as_they_are_read() -> None:
    """A client asks, a meter understands."""
    assert columns_of(axdr.array(CLOCK.data(), STATUS.data(), IMPORT.data())) == (CLOCK, STATUS, IMPORT)
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=BERLIN)
    selection = by_range(NAME, start, end, (IMPORT,)).selector
    assert selection is not None
    assert read_range(selection[1]) == (start, end.astimezone(UTC))
    entries = by_entry(NAME, 5, 9).selector
    assert entries is not None
    assert [part.number for part in entries[1].items] == [5, 9, 1, 0]


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        ("07e50c0a05103900ff8000ff", ClockTime(datetime(2021, 12, 10, 16, 57), None, None)),  # noqa: DTZ001
        ("07e707180113281900ff8880", ClockTime(datetime(2023, 7, 24, 19, 40, 25), -120, ClockStatus.DAYLIGHT_SAVING)),  # noqa: DTZ001
        ("07ea02feff000000ff800000", ClockTime(datetime(2026, 2, 28), None, ClockStatus(0))),  # noqa: DTZ001
        ("ffffffffffffffffff8000ff", None),
        ("07ea0bffffffffffff8000ff", None),
    ],
)
def test_times_of_twelve_octets(octets: str, expected: ClockTime | None) -> None:
    """Anything may be left open; 254 is the last day of a month."""
    assert decode_time(bytes.fromhex(octets)) == expected


@pytest.mark.parametrize(
    "octets",
    [
        "07ea0d01ff000000ff800000",
        "07ea0b1fff000000ff800000",
        "07ea0b01ff180000ff800000",
        "07ea0b01ff000000ff7fff00",
        "07ea",
    ],
)
def test_times_that_cannot_be_are_refused(octets: str) -> None:
    """Month 13, 31 November, 24 o'clock."""
    with pytest.raises(DecodeError):
        decode_time(bytes.fromhex(octets))
