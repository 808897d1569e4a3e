"""When a meter is read: by the clock, without drift, and rarely while it is silent or on a battery."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obisgw.service.schedule import DAY, LONGEST_PAUSE, Schedule

MINUTE = Schedule(60.0, aligned=True)
DAILY = Schedule(DAY, aligned=True, battery=True)


@pytest.mark.parametrize(
    ("every", "reads_a_day", "battery", "expected"),
    [
        (None, None, False, Schedule(60.0, aligned=True)),
        (timedelta(minutes=15), None, False, Schedule(900.0, aligned=True)),
        (None, None, True, Schedule(DAY, aligned=True, battery=True)),
        (None, 4, False, Schedule(DAY / 4, aligned=True, battery=True)),
        (timedelta(hours=1), None, True, Schedule(3600.0, aligned=True)),
    ],
)
def test_settings_and_dialect_give_the_schedule(
    every: timedelta | None,
    reads_a_day: int | None,
    battery: bool,  # noqa: FBT001
    expected: Schedule,
) -> None:
    """A battery meter is read once a day unless its owner says otherwise."""
    assert Schedule.of(every, reads_a_day, aligned=True, battery=battery) == expected


@pytest.mark.parametrize(
    ("last", "now", "expected"),
    [
        (120.0, 125.0, 180.0),
        (119.999, 125.0, 180.0),  # the timer was a moment early
        (179.999, 180.0, 240.0),  # and the readout failed at once
        (120.0, 200.0, 240.0),  # the readout took longer than the interval
        (100.0, 102.0, 120.0),  # asked for by hand
        (118.0, 120.0, 180.0),
    ],
)
def test_aligned_starts_fall_on_multiples(last: float, now: float, expected: float) -> None:
    """Whatever a readout takes, the next begins on the minute."""
    assert MINUTE.next_start(last, now, 0) == expected


def test_a_day_begins_at_local_midnight() -> None:
    """A day's multiple is that of the place, not of Greenwich."""
    assert DAILY.next_start(1000.0, 1010.0, 0, lambda _: 7200.0) == DAY - 7200.0


@pytest.mark.parametrize(
    ("every", "start", "ends", "expected"),
    [
        (24, "2026-03-28 00:00", "2026-03-28 00:05", "2026-03-29 00:00"),
        (24, "2026-03-29 00:00", "2026-03-29 00:05", "2026-03-30 00:00"),  # a day of 23 hours
        (24, "2026-10-25 00:00", "2026-10-25 00:05", "2026-10-26 00:00"),  # and one of 25
        (6, "2026-10-25 00:00", "2026-10-25 00:05", "2026-10-25 06:00"),
        (2, "2026-03-29 00:00", "2026-03-29 01:59", "2026-03-29 04:00"),  # there is no two o'clock
        (1, "2026-03-29 01:00", "2026-03-29 01:05", "2026-03-29 03:00"),
    ],
)
def test_midnight_is_midnight_when_summer_begins_and_ends(every: int, start: str, ends: str, expected: str) -> None:
    """Else a battery meter would be read twice in an hour, at 23:00 and at midnight."""
    zone = ZoneInfo("Europe/Vienna")

    def unix(text: str) -> float:
        return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()

    def offset(at: float) -> float:
        return datetime.fromtimestamp(at, zone).utcoffset().total_seconds()  # type: ignore[union-attr]

    schedule = Schedule(every * 3600.0, aligned=True, battery=True)
    assert schedule.next_start(unix(start), unix(ends), 0, offset) == unix(expected)
    assert schedule.first_start(unix(start), unix(ends), offset) == unix(expected)


def test_unaligned_starts_keep_their_distance() -> None:
    """From start to start, not from end to start."""
    assert Schedule(60.0, aligned=False).next_start(107.0, 120.0, 0) == 167.0
    assert Schedule(60.0, aligned=False).next_start(107.0, 300.0, 0) == 300.0


def test_silence_doubles_the_pause_up_to_an_hour() -> None:
    """The first failure is repeated at the usual pace."""
    assert [MINUTE.pause_after(failures) for failures in (0, 1, 2, 3, 4)] == [60, 60, 120, 240, 480]
    assert MINUTE.pause_after(1000) == LONGEST_PAUSE
    assert Schedule(7200.0, aligned=True).pause_after(9) == 7200.0


def test_a_battery_meter_gets_two_retries_a_slot() -> None:
    """Failed readouts cost as much as good ones."""
    starts = [1000.0]
    for failures in (1, 2, 3, 4):
        starts.append(DAILY.next_start(starts[-1], starts[-1] + 5, failures))
    assert starts == [1000.0, 1600.0, 2200.0, DAY, DAY + 600.0]


@pytest.mark.parametrize(
    ("last", "now", "expected"),
    [
        (0.0, 5000.0, 5000.0),  # never read
        (DAY + 10, DAY + 5000, 2 * DAY),  # read today
        (DAY - 10, DAY + 5000, DAY + 5000),  # the slot passed while the service was down
        (DAY + 9000, DAY + 5000, DAY + 5000),  # the clock was set back
    ],
)
def test_a_restart_costs_a_battery_meter_no_read(last: float, now: float, expected: float) -> None:
    """Read at once only when this slot's read is still to be made."""
    assert DAILY.first_start(last, now) == expected


def test_other_meters_are_read_at_once_after_a_restart() -> None:
    """People look whether it works."""
    assert MINUTE.first_start(100.0, 101.0) == 101.0


@given(
    every=st.floats(1, 2 * DAY),
    last=st.floats(0, 1e10),
    takes=st.floats(0, 1e5),
    failures=st.integers(0, 50),
    aligned=st.booleans(),
    battery=st.booleans(),
    offset=st.sampled_from([0.0, 3600.0, -34200.0]),
)
def test_the_next_start_is_never_past_and_never_far(
    every: float,
    last: float,
    takes: float,
    failures: int,
    aligned: bool,  # noqa: FBT001
    battery: bool,  # noqa: FBT001
    offset: float,
) -> None:
    """Neither a burst of reads nor a meter forgotten."""
    schedule = Schedule(every, aligned, battery)
    now = last + takes
    start = schedule.next_start(last, now, failures, lambda at: offset + 3600 * (at // 1e7 % 2))
    assert now - 1e-3 <= start <= now + schedule.pause_after(failures) + every + 1e-3
