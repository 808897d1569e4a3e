"""The virtual household: exact, deterministic, and consistent in itself."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obisgw.simulator.household import Household
from obisgw.simulator.values import Shown, render, values_at

MOMENTS = st.floats(min_value=0, max_value=3 * 86400)
HOUSE = Household(seed=4)


@settings(deadline=None)
@given(MOMENTS, MOMENTS)
def test_counters_never_fall_and_tariffs_sum_to_the_total(one: float, other: float) -> None:
    """At any two moments, in the digits that the meter shows."""
    before, after = HOUSE.energy_at(min(one, other)), HOUSE.energy_at(max(one, other))
    for name in ("imported", "imported_1", "imported_2", "exported", "exported_1", "exported_2"):
        assert getattr(before, name) <= getattr(after, name)
    for energy in (before, after):
        assert energy.imported_1 + energy.imported_2 == energy.imported
        assert energy.exported_1 + energy.exported_2 == energy.exported


@settings(deadline=None)
@given(st.integers(0, 200), st.integers(1, 40))
def test_energy_is_the_integral_of_power(first: int, slots: int) -> None:
    """Import and export are what the sum of the phases gives, to the watt second."""
    watts = [HOUSE.power_at((first + slot) * 10).total for slot in range(slots)]
    begin, end = HOUSE.integral_at(first * 10), HOUSE.integral_at((first + slots) * 10)
    assert end[0] - begin[0] == sum(max(one, 0) for one in watts) * 10_000
    assert end[1] - begin[1] == sum(max(-one, 0) for one in watts) * 10_000


def test_a_counter_shows_the_integral_cut_to_its_step() -> None:
    """A quarter-hour's difference is the energy taken, within one step of the counter."""
    for quarter in range(96):
        begin, end = (HOUSE.energy_at(at).imported for at in (quarter * 900, quarter * 900 + 900))
        taken = HOUSE.integral_at(quarter * 900 + 900)[0] - HOUSE.integral_at(quarter * 900)[0]
        assert abs((end - begin) - Decimal(taken) / 3_600_000_000) < Decimal("0.001")


def test_the_same_seed_gives_the_same_house_whatever_was_asked_before() -> None:
    """Nothing depends on the order of questions."""
    late = Household(seed=9).energy_at(200_000)
    house = Household(seed=9)
    for at in range(0, 200_000, 7_777):
        house.maximum(at)
    assert house.energy_at(200_000) == late
    assert Household(seed=10).energy_at(200_000) != late


def test_the_sun_feeds_in_at_noon_and_never_at_midnight() -> None:
    """A plant of 6 kW in March."""
    assert HOUSE.power_at(0).total > 0
    assert any(HOUSE.power_at(12 * 3600 + minute * 60).total < 0 for minute in range(60))
    dark = Household(seed=4, solar=0)
    assert dark.energy_at(86400).exported == 0


def test_tariffs_switch_by_the_clock() -> None:
    """The low tariff stands still by day, the high one by night."""
    at = {hour: HOUSE.energy_at(hour * 3600) for hour in (0, 5, 7, 20, 23, 24)}
    assert at[0].imported_1 == at[5].imported_1
    assert at[7].imported_2 == at[20].imported_2
    assert at[23].imported_1 == at[24].imported_1
    assert at[7].imported_1 < at[20].imported_1


@pytest.mark.slow
def test_billing_periods_never_rise_into_the_past() -> None:
    """Twelve months back, from before the start on."""
    house = Household(seed=2)
    counters = [house.billing(31 * 86400, period) for period in range(1, 13)]
    assert [moment.day for moment, _ in counters] == [1] * 12
    values = [energy.imported for _, energy in counters]
    assert values == sorted(values, reverse=True)
    assert values[0] <= house.energy_at(31 * 86400).imported


def test_the_maximum_is_the_greatest_quarter_hour() -> None:
    """Held against a plain search from the first of the month on, which lies before the start."""
    house = Household(seed=5)
    before = [house.energy_at(quarter * 900).imported for quarter in range(-96, 1)]
    best = max(
        *(house.average(quarter * 900) for quarter in range(96)),
        *((later - sooner) * 4 for sooner, later in pairwise(before)),
    )
    assert house.clock(-86400).day == 1
    assert house.maximum(86400).value == best
    assert house.maximum(86400).at <= house.clock(86400)


@pytest.mark.parametrize(
    ("value", "spec", "text"),
    [
        ("12345.6789", "6.3", "012345.678"),
        ("12345.6789", "6,1", "012345,6"),
        ("1234567.9", "6.0", "234567"),
        ("-0.4", "1.0", "0"),
        ("-3.25", "2.1", "-03.2"),
        ("3.25", "+2.1", "+03.2"),
        ("7", "4", "0007"),
    ],
)
def test_digits_are_cut_never_rounded(value: str, spec: str, text: str) -> None:
    """As a counter's rollers show them."""
    shown = format(Shown(Decimal(value)), spec)
    assert shown == text


def test_phases_shown_sum_to_the_power_shown() -> None:
    """In watts, at moments over a day."""
    for at in range(0, 86400, 1001):
        values = values_at(HOUSE, at)
        phases = sum(values[f"signed_l{phase}_w"].value for phase in (1, 2, 3))  # type: ignore[attr-defined]
        assert phases == values["signed_w"].value  # type: ignore[attr-defined]


@pytest.mark.parametrize("size", [1200, 2000])
def test_a_list_is_filled_up_to_the_size_asked_for(size: int) -> None:
    """Within one line."""
    block = render("1.8.0({imported:6.3}*kWh)\n!\n", HOUSE, 0.0, size=size)
    assert size <= len(block) < size + 40
    assert block.endswith(b"\r\n!\r\n")
