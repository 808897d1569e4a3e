"""A counter's course: which rows it makes, and what they say of all the boundaries."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obisgw.store.quality import Point, Quality
from obisgw.store.quarters import HOUR, QUARTER, Course, Mark, filled

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MEASURED, INTERPOLATED, MISSING = Quality.MEASURED, Quality.INTERPOLATED, Quality.MISSING


def rows_of(marks: Sequence[tuple[float, str]], close: float = 300.0) -> list[Point]:
    """Return the rows of readings: minutes and values."""
    (first, value), *rest = marks
    course = Course(Mark(first * 60, Decimal(value)))
    return [
        point for minutes, text in rest for point in course.go_on(Mark(minutes * 60, Decimal(text)), close)
    ]  # fmt: skip


def answered(marks: Sequence[tuple[float, str]], minutes: Iterable[int]) -> list[tuple[int, str | None, Quality]]:
    """Return what the rows of readings say at these minutes."""
    stored = {point.at: point for point in rows_of(marks)}
    newest = Mark(marks[-1][0] * 60, Decimal(marks[-1][1]))
    rows = [(at // QUARTER, str(point.value), int(point.quality)) for at, point in sorted(stored.items())]
    found = filled(rows, newest, [60 * minute for minute in minutes])
    return [(point.at // 60, None if point.value is None else str(point.value), point.quality) for point in found]


QUARTERS = range(0, 121, 15)


@pytest.mark.parametrize(
    ("marks", "rows"),
    [
        pytest.param([(14.5, "10.000"), (15.5, "10.030")], [(15, "10.015", MEASURED)], id="between two readings"),
        pytest.param([(14, "10.000"), (15, "10.040")], [(15, "10.040", MEASURED)], id="read at the boundary itself"),
        pytest.param(
            [(14, "1.000"), (80, "7.600")],
            [(15, "1.100", INTERPOLATED), (60, "5.600", INTERPOLATED), (75, "7.100", INTERPOLATED)],
            id="an outage: its ends, and the full hours next to them",
        ),
        pytest.param(
            [(14, "1.000"), (16, "1.000"), (31, "1.000"), (61, "1.000"), (121, "1.000")],
            [(15, "1.000", MEASURED), (60, "1.000", MEASURED)],
            id="standing still: where it begins, and the next full hour",
        ),
        pytest.param(
            [(14, "1.000"), (16, "1.000"), (121, "1.000"), (140, "1.000"), (141, "1.010")],
            [(15, "1.000", MEASURED), (60, "1.000", MEASURED), (120, "1.000", MEASURED), (135, "1.000", MEASURED)],
            id="and where it ends",
        ),
        pytest.param([(14, "9.000"), (16, "0.100")], [(15, "0.100", MISSING)], id="a counter that fell"),
        pytest.param([(14, "9.000"), (14.5, "0.100")], [], id="fallen within a quarter hour"),
        pytest.param([(16, "1.000"), (14, "2.000")], [], id="a clock that went back"),
    ],
)  # fmt: skip
def test_a_row_is_made_where_the_course_bends(
    marks: list[tuple[float, str]], rows: list[tuple[int, str, Quality]]
) -> None:
    """Nothing is written of a straight line."""
    found = [(point.at // 60, str(point.value), point.quality) for point in rows_of(marks)]
    assert found == rows


def test_an_outage_is_filled_evenly_and_says_so() -> None:
    """The sum is right, its spread over time is not known."""
    found = answered([(14, "1.000"), (80, "7.600"), (91, "8.000")], QUARTERS)
    assert found == [
        (0, None, MISSING),
        (15, "1.100", INTERPOLATED),
        (30, "2.600", INTERPOLATED),
        (45, "4.100", INTERPOLATED),
        (60, "5.600", INTERPOLATED),
        (75, "7.100", INTERPOLATED),
        (90, "7.964", INTERPOLATED),
        (105, None, MISSING),
        (120, None, MISSING),
    ]


def test_a_counter_that_stands_still_is_known_all_the_time() -> None:
    """Also over an outage, and up to the newest reading."""
    found = answered([(14, "1.000"), (100, "1.000"), (106, "1.000")], QUARTERS)
    assert found[0] == (0, None, MISSING)
    assert found[1:8] == [(minute, "1.000", MEASURED) for minute in range(15, 106, 15)]
    assert found[8] == (120, None, MISSING)


def test_nothing_is_known_between_the_fall_of_a_counter_and_the_next_reading() -> None:
    """Also where it then stands higher than before it fell."""
    found = answered([(14, "9.000"), (16, "9.001"), (70, "0.100"), (76, "12.000"), (91, "13.000")], QUARTERS)
    assert [value for _, value, _ in found] == [None, "9.000", None, None, None, "10.017", "12.933", None, None]


@given(
    st.lists(
        st.tuples(st.floats(0.2, 40), st.integers(0, 3).map(lambda rise: max(0, rise - 1))), min_size=2, max_size=60
    )
)
def test_the_rows_tell_the_course_that_was_read(steps: list[tuple[float, int]]) -> None:
    """At each boundary: between the readings on either side, exact where they agree, and the same from hours alone."""
    marks, minutes, value = [], 3.0, 1000
    for passed, rise in steps:
        marks.append((minutes, f"{value / 1000:.3f}"))
        minutes, value = minutes + passed, value + rise
    last = int(marks[-1][0])
    for minute, text, quality in answered(marks, range(15, last + 1, 15)):
        before = [Decimal(value) for at, value in marks if at <= minute][-1]
        after = next((Decimal(value) for at, value in marks if at >= minute), None)
        assert after is not None
        assert text is not None
        assert before <= Decimal(text) <= after
        assert quality is not MISSING
        assert quality is MEASURED or before != after
    stored = {point.at // QUARTER: point for point in rows_of(marks)}
    newest = Mark(marks[-1][0] * 60, Decimal(marks[-1][1]))
    hours = [60 * minute for minute in range(60, last + 1, 60)]
    whole = [(at, str(point.value), int(point.quality)) for at, point in sorted(stored.items())]
    alone = [row for row in whole if row[0] % HOUR == 0]
    known = [point for point in filled(whole, newest, hours) if point.quality is MEASURED]
    from_hours = {point.at: point for point in filled(alone, newest, hours)}
    end = max((row[0] for row in alone), default=0) * QUARTER
    assert all(from_hours[point.at].value == point.value for point in known if point.at <= end)


def test_the_next_run_goes_on_from_the_last_row() -> None:
    """What stood still goes on standing."""
    course = Course.resumed(Mark(4000, Decimal(5)), None)
    assert [point.at for point in course.go_on(Mark(4600, Decimal(5)), 900)] == [4500]
    rows = rows_of([(14, "5"), (16, "5")])
    assert rows[-1].value is not None
    course = Course(Mark(0, Decimal(5)))
    list(course.go_on(Mark(1000, Decimal(5))))
    resumed = Course.resumed(Mark(3000, Decimal(5)), course.row)
    assert [(point.at, point.value) for point in resumed.go_on(Mark(3050, Decimal(6)))] == [(2700, Decimal(5))]
