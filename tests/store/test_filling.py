"""A hole filled out of a load profile: what adds up is taken, anything else is not."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obisgw.store.filling import Misfit, Step, filled_by, grid_of
from obisgw.store.holes import Anchor, spans
from obisgw.store.quality import Quality

if TYPE_CHECKING:
    from collections.abc import Sequence

M, L, N, X = Quality.MEASURED, Quality.LOAD_PROFILE, Quality.INTERPOLATED, Quality.MISSING


@pytest.mark.parametrize(
    ("qualities", "holes"),
    [
        ((M, M, M), []),
        ((M, N, N, M), [(0, 3)]),
        ((M, N, M, N, N, M), [(0, 2), (2, 5)]),
        ((L, N, M), [(0, 2)]),
        ((M, N, N), []),
        ((N, N, M, M), []),
        ((M, N, X, N, M), []),
    ],
    ids=["none", "one", "two", "behind a filled one", "not over yet", "before the first", "another meter"],
)
def test_holes_lie_between_what_was_measured(qualities: Sequence[Quality], holes: list[tuple[int, int]]) -> None:
    """Whatever is interpolated between two moments that are known of the same meter."""
    assert list(spans((place, "1", int(quality)) for place, quality in enumerate(qualities))) == holes


def anchor(quarter: int, value: str, least: str | None = None, most: str | None = None) -> Anchor:
    """Return a measured end."""
    return Anchor(quarter * 900, Decimal(value), Decimal(least or value), Decimal(most or value))


def steps(*amounts: str, start: int = 0, quarters: int = 1, digit: str = "0.001", first: str = "") -> list[Step]:
    """Return periods in a row; with the counter itself where its first value is given."""
    found, reached = [], Decimal(first or 0)
    for place, amount in enumerate(amounts):
        begin = (start + place * quarters) * 900
        reached += Decimal(amount)
        counter = reached if first else None
        found.append(Step(begin, begin + quarters * 900, Decimal(amount), Decimal(digit), counter))
    return found


def told(points: object) -> list[tuple[int, str, Quality]]:
    """Return points as quarter hours."""
    assert isinstance(points, list)
    return [(point.at // 900, str(point.value), point.quality) for point in points]


def test_increments_that_add_up_make_the_counter() -> None:
    """From the value before to the value after; periods outside of the hole do not matter."""
    around = [*steps("9", start=-1), *steps("0.1", "0.5", "0.0", "0.4"), *steps("9", start=4)]
    filled = filled_by(anchor(0, "10.000"), anchor(4, "11.000"), around)
    assert told(filled) == [(1, "10.100", L), (2, "10.600", L), (3, "10.600", L)]


@pytest.mark.parametrize(("after", "fits"), [("11.000", True), ("11.005", True), ("11.007", False), ("10.99", False)])
def test_the_sum_is_the_difference_within_the_last_digits(after: str, *, fits: bool) -> None:
    """Of the counters, and of each period."""
    filled = filled_by(anchor(0, "10.000"), anchor(4, after + "0" * (6 - len(after))), steps("0.1", "0.5", "0", "0.4"))
    assert isinstance(filled, Misfit) is not fits


def test_readings_next_to_the_ends_say_how_exact_those_are() -> None:
    """An end that lies between two readings is known no better than they tell; and nothing goes backwards then."""
    before, after = anchor(0, "10.010", "10.000", "10.020"), anchor(3, "11.000", "10.985", "11.010")
    assert told(filled_by(before, after, steps("0", "1.01", "0", digit="0"))) == [(1, "10.010", L), (2, "11.000", L)]


def test_the_counter_itself_is_taken_as_it_is() -> None:
    """Where the profile has it, and it is the one that was read at both ends; otherwise the sum alone counts."""
    before, after = anchor(0, "10.002", "10.000", "10.020"), anchor(3, "11.000", "10.985", "11.010")
    own = steps("0.1", "0.5", "0.4", digit="0", first="10.001")
    assert told(filled_by(before, after, own)) == [(1, "10.101", L), (2, "10.601", L)]
    other = steps("0.1", "0.5", "0.4", digit="0", first="7.001")
    assert told(filled_by(before, after, other)) == [(1, "10.102", L), (2, "10.601", L)]


def test_periods_that_lack_are_times_without_power() -> None:
    """The counter stood still, which the sum proves."""
    filled = filled_by(anchor(0, "1.0"), anchor(4, "2.0"), [*steps("0.5"), *steps("0.5", start=3)])
    assert told(filled) == [(1, "1.5", L), (2, "1.5", L), (3, "1.5", L)]


def test_quarter_hours_in_the_midst_of_a_period_are_interpolated() -> None:
    """Meters keep half hours and hours as well."""
    filled = filled_by(anchor(0, "1.0"), anchor(4, "2.0"), steps("0.2", "0.8", quarters=2))
    assert told(filled) == [(1, "1.1", N), (2, "1.2", L), (3, "1.6", N)]


def test_nothing_fits_nothing() -> None:
    """An empty profile is no proof of anything."""
    assert isinstance(filled_by(anchor(0, "1.0"), anchor(4, "1.0"), []), Misfit)


@pytest.mark.parametrize(
    ("seconds", "grid"), [(900, 900), (300, 900), (1800, 1800), (3600, 3600), (600, 1800), (86_400, None), (0, None)]
)
def test_boundaries_of_periods_and_of_quarter_hours(seconds: int, grid: int | None) -> None:
    """Where both meet; days say nothing of quarter hours."""
    assert grid_of([Step(0, seconds, Decimal(1), Decimal(1))]) == grid
    assert grid_of([]) is None


@given(st.lists(st.integers(0, 5000), min_size=2, max_size=60), st.integers(-2, 2))
def test_what_is_filled_never_falls_and_stays_between_its_ends(amounts: list[int], off: int) -> None:
    """Whatever the last digits leave open."""
    end = max(sum(amounts) + off, 0)
    before, after = anchor(0, "5.000"), anchor(len(amounts), f"{5 + Decimal(end) / 1000:.3f}")
    filled = filled_by(before, after, steps(*(str(Decimal(one) / 1000) for one in amounts)))
    assert isinstance(filled, list)
    values = [before.value, *(point.value or Decimal(0) for point in filled), after.value]
    assert values == sorted(values)
    assert {point.quality for point in filled} == {L}
