"""Which counter a load profile's column belongs to, and what it rose."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from obisgw.iec62056_21.vdew.periods import Period
from obisgw.iec62056_21.vdew.records import Channel
from obisgw.iec62056_21.vdew.status import Status
from obisgw.obis import Medium, ObisCode, column_kind
from obisgw.readings.profile_counters import rises

START = datetime(2026, 11, 20, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def periods(address: str, unit: str, *values: str) -> list[Period]:
    """Return quarter hours with one column."""
    code = ObisCode.parse(address, Medium.ELECTRICITY)
    channel = Channel(address, code, unit, column_kind(code, unit))
    return [
        Period(START + place * QUARTER, START + (place + 1) * QUARTER, Status(0), (Decimal(value),), (channel,), QUARTER, QUARTER)
        for place, value in enumerate(values)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("address", "unit", "values", "amounts", "digit"),
    [
        ("1.5.0", "kW", ("4.000", "2.000"), ("1", "0.5"), "0.00025"),
        ("1.5.0", "kWh", ("1.00", "0.50"), ("1", "0.5"), "0.01"),
        ("1.29.0", "Wh", ("1000", "500"), ("1", "0.5"), "0.001"),
        ("1.8.0", "kWh", ("7.00", "8.00", "8.50"), ("1", "0.5"), "0"),
    ],
)
def test_what_a_counter_rose(
    address: str, unit: str, values: tuple[str, ...], amounts: tuple[str, ...], digit: str
) -> None:
    """Means over a time, energies, and counters: in the counter's unit."""
    (found,) = rises(periods(address, unit, *values), "1_0_1_8_0_255", "kWh")
    assert [one.amount for one in found] == [Decimal(amount) for amount in amounts]
    assert {one.digit for one in found} == {Decimal(digit)}
    assert found[-1].end == START + len(values) * QUARTER


@pytest.mark.parametrize(
    ("address", "unit", "register", "belongs"),
    [
        ("1.5.0", "kW", "1_0_1_8_0_255", True),
        ("1.5.0", "kW", "1_0_1_8_2_255", True),
        ("1.8.1", "kWh", "1_0_1_8_1_255", True),
        ("1.8.1", "kWh", "1_0_1_8_2_255", False),
        ("1.8.1", "kWh", "1_0_1_8_0_255", False),
        ("2.5.0", "kW", "1_0_1_8_0_255", False),
        ("1.6.0", "kW", "1_0_1_8_0_255", False),
        ("32.7.0", "V", "1_0_1_8_0_255", False),
        ("1.5.0", "kvar", "1_0_1_8_0_255", False),
        ("1.5.0", "kW", "1_0_1_8_0_255_2", False),
        ("1.5.0", "kW", "a_name", False),
    ],
)
def test_a_column_belongs_to_counters_of_its_quantity(address: str, unit: str, register: str, *, belongs: bool) -> None:
    """All tariffs together may be one of them; the sum tells."""
    found = list(rises(periods(address, unit, "1.0", "2.0"), register, "kWh"))
    assert bool(found) is belongs


def test_a_counter_that_misses_a_period_has_no_difference_over_it() -> None:
    """What lies in between is nobody's period."""
    first, _, third, fourth = periods("1.8.0", "kWh", "1", "2", "4", "5")
    (found,) = rises([first, third, fourth], "1_0_1_8_0_255", "kWh")
    assert [(one.start, one.amount, one.reached) for one in found] == [(fourth.start, Decimal(1), Decimal(5))]


def test_the_counter_itself_comes_before_its_periods() -> None:
    """It is exact at every moment."""
    energy, counter = periods("1.29.0", "kWh", "9", "1"), periods("1.8.0", "kWh", "7", "8")
    both = [
        Period(one.start, one.end, one.status, one.values + two.values, one.channels + two.channels, QUARTER, QUARTER)
        for one, two in zip(energy, counter, strict=True)
    ]
    best, other = rises(both, "1_0_1_8_0_255", "kWh")
    assert [one.reached for one in best] == [Decimal(8)]
    assert [one.reached for one in other] == [None, None]
