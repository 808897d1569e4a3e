"""Rows as periods in UTC: what clocks, power failures, seasons and bad answers make of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obisgw.iec62056_21.vdew.meter_time import Convention, TimeBase
from obisgw.iec62056_21.vdew.periods import Period
from tests.iec62056_21.vdew.forms import assembler, header, periods, records, rows, shown

KW = "(1)(1.5)(kW)"
TOTAL = "(1)(1.8)(kWh)"


def test_a_stamp_marks_the_end_of_the_first_row() -> None:
    """And each further row ends one period later."""
    found = periods(header("0230310001500") + rows("1", "2", "3"))
    assert [(f"{one.start:%H:%M}", f"{one.end:%H:%M}") for one in found] == [
        ("23:00", "23:15"),
        ("23:15", "23:30"),
        ("23:30", "23:45"),
    ]
    assert all(one.measured == one.averaged == timedelta(minutes=15) for one in found)


def test_only_the_first_row_has_its_headers_status() -> None:
    """The rows below are normal."""
    found = periods(header("0230310001500", "04") + rows("1", "2"))
    assert [one.status.names for one in found] == [("disturbed",), ()]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        # EMH: a new header at midnight; nothing is missing
        (
            header("0210114234500") + rows("1", "2") + header("0210115001500") + rows("3"),
            [("01-14 22:45", "15", (), "1"), ("01-14 23:00", "15", (), "2"), ("01-14 23:15", "15", (), "3")],
        ),
        # a jump: the periods between are missing, and not zero
        (
            header("0210114100000") + rows("1") + header("0210114120000") + rows("2"),
            [("01-14 09:00", "15", (), "1"), ("01-14 11:00", "15", (), "2")],
        ),
        # a short power failure cuts a period in two: energies add up
        (
            header("0230310100000") + rows("0.25") + header("0230310100730", "80") + rows("0.10") + header("0230310101500", "40") + rows("0.05", "0.3"),
            [("03-10 09:00", "15", (), "0.25"), ("03-10 09:15", "15", ("power_back", "power_failure"), "0.15"), ("03-10 09:30", "15", (), "0.3")],
        ),
        # a long one: the first part alone, then nothing, then what was measured from the return on
        (
            header("0230310100730", "80") + rows("0.10") + header("0230310110000", "40") + rows("0.05"),
            [("03-10 09:15", "15", ("power_failure", "short"), "0.10"), ("03-10 10:00", "15", ("power_back",), "0.05")],
        ),
        # the stamp of the return itself, as some meters print it, with rows below: rounded up to the period's end
        (
            header("0230310105012", "40") + rows("0.05", "0.25"),
            [("03-10 10:00", "15", ("power_back", "short"), "0.05"), ("03-10 10:15", "15", (), "0.25")],
        ),
        # the clock set forward within a period, and over the end of one
        (header("0230310101500", "20") + rows("0.1", "0.2"), [("03-10 09:15", "15", ("clock_set",), "0.1"), ("03-10 09:30", "15", (), "0.2")]),
        (
            header("0230310100500", "20") + rows("0.1") + header("0230310103000", "20") + rows("0.2"),
            [("03-10 09:15", "15", ("clock_set", "short"), "0.1"), ("03-10 09:30", "15", ("clock_set",), "0.2")],
        ),
        # set back: the same stamps come again for what was used in the meantime
        (
            header("0230310100000") + rows("1", "2", "3") + header("0230310101500", "20") + rows("5", "6", "7"),
            [("03-10 09:00", "15", (), "1"), ("03-10 09:15", "15", ("clock_set", "long"), "7"), ("03-10 09:30", "15", ("long",), "9"), ("03-10 09:45", "15", (), "7")],
        ),
        # set back by a part that was cut off the grid, the flag on that part alone
        (
            header("0230310100000") + rows("1", "2") + header("0230310102000", "20") + rows("0.5") + header("0230310101500") + rows("3", "4"),
            [("03-10 09:00", "15", (), "1"), ("03-10 09:15", "15", ("long",), "5"), ("03-10 09:30", "15", ("clock_set",), "4.5")],
        ),
        # a changed period
        (
            header("0230310100000") + rows("1", "2") + header("0230310110000", period="60") + rows("3"),
            [("03-10 09:00", "15", (), "1"), ("03-10 09:15", "15", (), "2"), ("03-10 10:00", "45", (), "3")],
        ),
    ],
)  # fmt: skip
def test_periods_are_what_the_meter_measured(
    answer: str, expected: list[tuple[str, str, tuple[str, ...], str]]
) -> None:
    """End, length, flags and value of each."""
    assert shown(periods(answer)) == expected


@pytest.mark.parametrize(
    ("season", "status"),
    [("digits", "08"), ("digits", "00"), ("bare", "08"), ("bare", "00"), ("utc", "00"), ("standard", "00")],
)
def test_the_hour_that_comes_twice_is_two_hours(season: str, status: str) -> None:
    """25 October 2026 in Berlin, whatever the meter prints."""
    before, after = {
        "digits": ("1261025013000", "0261025020000"),
        "bare": ("261025013000", "261025020000"),
        "utc": ("2261024233000", "2261025010000"),
        "standard": ("0261025003000", "0261025020000"),
    }[season]
    found = periods(
        header(before) + rows("1", "2", "3", "4", "5", "6") + header(after, status) + rows("7", "8", "9", "10")
    )
    assert [f"{one.end:%H:%M}" for one in found] == [
        *("23:30", "23:45", "00:00", "00:15", "00:30", "00:45"),
        *("01:00", "01:15", "01:30", "01:45"),
    ]
    assert [str(one.values[0]) for one in found] == [str(n) for n in range(1, 11)]


@pytest.mark.parametrize(("before", "after"), [("0260329014500", "1260329031500"), ("260329014500", "260329031500"), ("0260329014500", "0260329021500")])  # fmt: skip
def test_the_hour_that_is_missing_leaves_no_gap(before: str, after: str) -> None:
    """29 March 2026 in Berlin: with digits, without, and of a meter that never switches."""
    found = periods(header(before) + rows("1", "2") + header(after, "08") + rows("3"))
    assert [f"{one.end:%H:%M}" for one in found] == ["00:45", "01:00", "01:15"]


def test_half_an_hour_comes_twice_on_lord_howe() -> None:
    """5 April 2026: 02:00 summer time is 01:30 standard time."""
    answer = header("1260405013000") + rows("1", "2") + header("0260405013000", "08") + rows("3", "4", "5")
    found = periods(answer, "Australia/Lord_Howe")
    assert [f"{one.end:%d %H:%M}" for one in found] == ["04 14:30", "04 14:45", "04 15:00", "04 15:15", "04 15:30"]


def test_days_without_season_digit_end_at_midnight() -> None:
    """EMH's P.02 over the change of the season: a day of 23 hours."""
    found = periods(header("260328000000", period="1440") + rows("1", "2", "3"))
    assert [(f"{one.end:%d %H:%M}", (one.end - one.start) / timedelta(hours=1)) for one in found] == [
        ("27 23:00", 24),
        ("28 23:00", 24),
        ("29 22:00", 23),
    ]


def test_stamps_in_standard_time_without_digit_stay_in_it() -> None:
    """As configured."""
    answer = header("260715120000") + rows("1")
    assert periods(answer, base=TimeBase.STANDARD)[0].end == datetime(2026, 7, 15, 11, tzinfo=UTC)
    assert periods(answer, base=TimeBase.LOCAL)[0].end == datetime(2026, 7, 15, 10, tzinfo=UTC)


def test_powers_of_a_cut_period_weigh_by_their_time() -> None:
    """5 minutes of 2 kW and 10 minutes of 0.5 kW are 1 kW."""
    answer = (
        header("0230310100500", "80", columns=KW)
        + rows("2.0")
        + header("0230310101500", "40", columns=KW)
        + rows("0.5")
    )
    (whole,) = periods(answer)
    assert whole.values == (Decimal("1.0"),)
    assert whole.averaged == timedelta(minutes=15)
    (added,) = periods(answer, mean_of_part=False)
    assert added.values == (Decimal("2.5"),)
    assert added.averaged == timedelta(minutes=15)


def test_a_power_of_which_only_a_part_was_measured_is_of_that_part() -> None:
    """7.5 minutes before the power failed."""
    (one,) = periods(header("0230310100730", "80", columns=KW) + rows("2.0"))
    assert (one.values, one.averaged) == ((Decimal("2.0"),), timedelta(minutes=7.5))


def test_totals_of_a_cut_period_are_those_at_its_end() -> None:
    """A counter's reading does not add up."""
    answer = (
        header("0230310100500", "80", columns=TOTAL)
        + rows("100.1")
        + header("0230310101500", "40", columns=TOTAL)
        + rows("100.2")
    )
    (one,) = periods(answer)
    assert one.values == (Decimal("100.2"),)


def test_a_part_without_value_leaves_that_of_the_other() -> None:
    """Missing is not zero."""
    answer = header("0230310100500", "80") + rows("") + header("0230310101500", "40") + rows("0.2")
    assert periods(answer)[0].values == (Decimal("0.2"),)


def test_rows_without_period_take_the_least_distance() -> None:
    """Where neither the meter nor its dialect says it."""
    text = "".join(header(f"0230310{hour:02d}0000", period="") + rows("1") for hour in (1, 2, 4))
    assert {(one.end - one.start) for one in periods(text)} == {timedelta(hours=1)}


# --- answers that overlap, contradict themselves, come in another order

LONG = header("0230310001500") + rows(*(f"0.{n:03d}" for n in range(1, 40)))


def test_what_comes_twice_is_there_once() -> None:
    """The same rows under the same header, and under another one."""
    again = header("0230310013000") + rows(*(f"0.{n:03d}" for n in range(6, 40)))
    assert shown(periods(LONG + LONG + again)) == shown(periods(LONG))


def test_order_does_not_matter() -> None:
    """Newest first, header by header."""
    parts = [header(f"0230310{hour:02d}0000") + rows(f"{hour}", f"{hour}.5") for hour in range(1, 9)]
    assert shown(periods("".join(reversed(parts)))) == shown(periods("".join(parts)))


def test_a_contradiction_is_named_and_the_first_value_stays() -> None:
    """Nobody can tell which one is right."""
    one = assembler()
    one.take(records(header("0230310100000") + rows("1", "2") + header("0230310101500") + rows("3")))
    assert [str(period.values[0]) for period in one.answered()] == ["1", "2"]
    assert [note.reason for note in one.notes] == [
        "contradicts an earlier row for the period that ends 2023-03-10 09:15:00 UTC"
    ]


def test_known_periods_are_not_delivered_again() -> None:
    """Slices overlap on purpose."""
    one = assembler()
    one.take(records(LONG))
    first = one.answered()
    one.take(records(header("0230310090000") + rows("9", "9.1", "9.2", "9.3", "9.4", "9.5")))
    second = one.answered()
    assert first[-1].end == datetime(2023, 3, 10, 8, 45, tzinfo=UTC)
    assert [f"{period.end:%H:%M}" for period in second] == ["09:00", "09:15"]


def test_only_whole_periods_between_the_bounds_are_delivered() -> None:
    """A meter may give more than it was asked for."""
    since, until = datetime(2023, 3, 10, 0, 7, tzinfo=UTC), datetime(2023, 3, 10, 1, 0, tzinfo=UTC)
    one = assembler(since=since, until=until)
    one.take(records(LONG))
    assert [f"{period.end:%H:%M}" for period in one.answered()] == ["00:30", "00:45", "01:00"]


def test_of_an_answer_that_broke_off_the_last_period_waits() -> None:
    """A further part of it may have been on its way."""
    one = assembler()
    one.take(records(LONG))
    first = one.broken_off()
    one.take(records(LONG))
    assert shown(first + one.answered()) == shown(periods(LONG))
    assert len(first) == 38


def test_an_unsorted_answer_that_broke_off_counts_for_nothing() -> None:
    """What is between its rows may still have been to come."""
    one = assembler()
    one.take(records(header("0230310100000") + rows("1") + header("0230310010000") + rows("2")))
    assert one.broken_off() == []


def test_lines_without_value_are_noted_with_their_place() -> None:
    """For whoever looks into it; the same line of a repeated answer once, and not without end."""
    one = assembler()
    text = header("0230310100000") + rows("1", "2X", "3)(4")
    one.take(records(text))
    one.take(records(text))
    assert [(note.raw, f"{note.after:%H:%M}") for note in one.notes if note.after] == [
        ("(2X)", "09:00"),
        ("(3)(4)", "09:15"),
    ]
    one.take(records(header("0230310100000") + rows(*(f"{n}X" for n in range(500)))))
    assert len(one.notes) == 200
    assert one.dropped_notes > 200


def test_the_convention_of_a_meter_is_learned() -> None:
    """From its headers."""
    one = assembler()
    known = [one.convention]
    one.take(records(header("1230710100000") + rows("1")))
    assert [*known, one.convention] == [Convention.UNKNOWN, Convention.SEASONS]


# --- whatever comes

STAMPS = st.datetimes(datetime(2026, 3, 27), datetime(2026, 4, 1)).map(lambda moment: f"{moment:%y%m%d%H%M%S}")  # noqa: DTZ001
HEADERS = st.builds(
    header,
    st.builds(lambda digit, stamp: digit + stamp, st.sampled_from(["", "0", "1", "2", "3"]), STAMPS),
    st.sampled_from(["00", "80", "40", "20", "08", "A0", "##"]),
    st.sampled_from(["15", "60", "1440", "30", ""]),
    st.sampled_from(["(1)(1.29)(kWh)", "(1)(1.5)(kW)", "(1)(1.8)(kWh)", "(2)(1.5)(kW)(2.5)(kW)"]),
)
LINES = st.one_of(
    HEADERS, st.sampled_from(["(0.1)\r\n", "(0.2)\r\n", "(1)(2)\r\n", "()\r\n", "(x)\r\n", "nonsense\r\n"])
)


@given(st.lists(LINES, max_size=40), st.booleans())
def test_any_answer_gives_periods_in_order_that_do_not_overlap(lines: list[str], whole: bool) -> None:  # noqa: FBT001
    """Never an exception, and nothing twice."""
    one = assembler()
    one.take(records("".join(lines)))
    found: list[Period] = one.answered() if whole else one.broken_off()
    one.take(records("".join(lines)))
    found += one.answered()
    assert all(period.start < period.end for period in found)
    assert all(sooner.end <= later.start for sooner, later in pairwise(found))


@given(st.integers(0, 96), st.integers(0, 96), st.randoms(use_true_random=False))
def test_energies_sum_to_what_was_used_however_the_answer_is_cut(first: int, second: int, chance: object) -> None:
    """Headers at any place change nothing."""
    values = [f"{getattr(chance, 'randrange')(1000)}" for _ in range(96)]  # noqa: B009
    text = ""
    for place in range(96):
        if place in (0, first, second):
            stamp = datetime(2023, 3, 10) + timedelta(minutes=15 * (place + 1))  # noqa: DTZ001
            text += header(f"0{stamp:%y%m%d%H%M%S}")
        text += rows(values[place])
    found = periods(text)
    assert len(found) == 96
    assert sum(period.values[0] for period in found if isinstance(period.values[0], Decimal)) == sum(map(int, values))
