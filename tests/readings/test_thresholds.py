"""Limits: on beyond them for long enough, off when the value is back far enough, unknown where nothing tells."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obisgw.readings.derive import DerivedState, derive
from obisgw.readings.thresholds import Threshold, ThresholdMemory, threshold_id, watch
from tests.mqtt.samples import NOON, reading

if TYPE_CHECKING:
    from obisgw.readings.thresholds import Watched

ABOVE = Threshold("high", "High", above=Decimal(3), unit="kW")
BELOW = Threshold("low", "Low", register="32.7.0", below=Decimal(207), unit="V", hysteresis=Decimal(5))


def after(threshold: Threshold, *lines: str, every: float = 60, gap: float = 1e6) -> list[Watched]:
    """Return what each of these lines, one a reading, says of a threshold; ``every`` and ``gap`` in seconds."""
    memory: ThresholdMemory | None = None
    seen = []
    for number, line in enumerate(lines):
        taken = reading(*line.split(), at=NOON + timedelta(seconds=number * every))
        seen.append(watch(threshold, memory, taken, timedelta(seconds=gap)))
        memory = seen[-1].memory
    return seen


def states(threshold: Threshold, *lines: str, every: float = 60, gap: float = 1e6) -> list[bool | None]:
    """Return the states after these lines."""
    return [watched.on for watched in after(threshold, *lines, every=every, gap=gap)]


def power(*kilowatts: str) -> list[str]:
    """Return one line a reading."""
    return [f"16.7.0({value}*kW)" for value in kilowatts]


@pytest.mark.parametrize(
    ("threshold", "values", "expected"),
    [
        pytest.param(ABOVE, "2.9 3.0 3.001 3.0 -9", [False, False, True, False, False], id="the limit itself is not beyond"),
        pytest.param(replace(ABOVE, hysteresis=Decimal("0.2")), "3.1 2.9 2.8 2.799 2.9", [True, True, True, False, False], id="hysteresis"),
        pytest.param(replace(ABOVE, above=Decimal(0), hysteresis=Decimal(0)), "0.1 0 0.1", [True, False, True], id="above nothing ends"),
        pytest.param(replace(ABOVE, above=None, below=Decimal(0)), "-0.1 0 0.1 -1", [True, False, False, True], id="export"),
        pytest.param(replace(ABOVE, seconds=120), "4 4 4 2 4", [False, False, True, False, False], id="for two minutes"),
        pytest.param(replace(ABOVE, seconds=120), "4 4 2 4 4 4", [False, False, False, False, False, True], id="a break begins anew"),
        pytest.param(replace(ABOVE, seconds=60, hysteresis=Decimal(1)), "4 4 2.5 4", [False, True, True, True], id="no wait within hysteresis"),
    ],
)  # fmt: skip
def test_a_threshold_follows_its_value(threshold: Threshold, values: str, expected: list[bool]) -> None:
    """One reading a minute."""
    assert states(threshold, *power(*values.split())) == expected


def test_below_with_hysteresis_in_volts() -> None:
    """Undervoltage, of the register that is named."""
    lines = [f"16.7.0(9*kW) 32.7.0({volts}*V)" for volts in ("230", "206", "211", "212", "212.1")]
    assert states(BELOW, *lines) == [False, True, True, True, False]


@pytest.mark.parametrize(
    ("limit", "unit", "line", "expected"),
    [
        ("3", "kW", "16.7.0(3001*W)", True),
        ("3000", "W", "16.7.0(3.001*kW)", True),
        ("3000", "W", "16.7.0(3.000*kW)", False),
        ("0.003", "MW", "16.7.0(3.001*kW)", True),
        ("3", "kw", "16.7.0(3.001*KW)", True),
        ("3", None, "16.7.0(3.001*kW)", True),
        ("3", "kW", "1-0:16.7.0*255(3.001*kW)", True),
        ("3", "kW", "1-1:16.7.0(3.001*kW)", True),
        ("3", "kW", "1.7.0(9*kW) 16.7.0(1*kW)", False),
        ("3", "kW", "15.7.0(1*kW) 1.7.0(9*kW)", True),
        ("3", "kW", "15.7.0(9*kW)", True),
        ("3", "kW", "1-0:1.7.255*255(3000.12*W)", True),
    ],
)
def test_units_differ_by_prefix_and_the_usual_register_is_found(
    limit: str,
    unit: str | None,
    line: str,
    expected: bool,  # noqa: FBT001
) -> None:
    """Net power before import before absolute power, whatever the order and form of printing."""
    assert states(Threshold("a", "A", above=Decimal(limit), unit=unit), line) == [expected]


@pytest.mark.parametrize("line", ["1.8.0(1*kWh)", "16.7.0(----*kW)", "F.F(00)"])
def test_what_a_telegram_does_not_tell_is_unknown(line: str) -> None:
    """Unknown, and remembered for when it is told again; a wait begins anew."""
    threshold = replace(ABOVE, hysteresis=Decimal(1))
    assert states(threshold, "16.7.0(4*kW)", line, "16.7.0(2.5*kW)") == [True, None, True]
    assert states(replace(ABOVE, seconds=60), "16.7.0(4*kW)", line, "16.7.0(4*kW)") == [False, None, False]


@pytest.mark.parametrize(
    ("unit", "line", "problem"),
    [
        ("kWh", "16.7.0(4*kW)", "16.7.0 is in kW, the threshold 'A' in kWh"),
        ("A", "16.7.0(4)", "16.7.0 is in no unit, the threshold 'A' in A"),
        ("furlongs", "16.7.0(4*kW)", "16.7.0 is in kW, the threshold 'A' in furlongs"),
        ("mW", "32.7.0(4*MV) 16.7.0(4*V)", "16.7.0 is in V, the threshold 'A' in mW"),
    ],
)
def test_another_quantity_is_said_and_unknown(unit: str, line: str, problem: str) -> None:
    """Kilowatts are no kilowatt-hours."""
    (seen,) = after(Threshold("a", "A", above=Decimal(3), unit=unit), line)
    assert (seen.on, seen.problem) == (None, problem)


def test_time_that_nobody_has_seen_does_not_count() -> None:
    """Power above the limit before and after a night without readings was not so all night."""
    lines = power("4", "4", "4")
    waiting = replace(ABOVE, seconds=600)
    assert states(waiting, *lines, every=700, gap=180) == [False, False, False]
    assert states(waiting, *lines, every=700, gap=2100) == [False, True, True]


def test_a_clock_set_back_begins_anew() -> None:
    """Time before itself proves nothing."""
    waiting = replace(ABOVE, seconds=60)
    memory = watch(waiting, None, reading(*power("4"))).memory
    earlier = watch(waiting, memory, reading(*power("4"), at=NOON - timedelta(hours=1)))
    assert (earlier.on, earlier.memory.since) == (False, NOON - timedelta(hours=1))


def test_another_rule_under_the_same_name_begins_anew() -> None:
    """What was on above 3 kW is not thereby on above 5 kW."""
    memory = watch(ABOVE, None, reading(*power("4"))).memory
    higher = replace(ABOVE, above=Decimal(5), hysteresis=Decimal(2))
    assert watch(higher, memory, reading(*power("4"))).on is False


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"above": Decimal(1), "below": Decimal(1)},
        {"above": Decimal("NaN")},
        {"above": Decimal("Infinity")},
        {"above": Decimal(1), "hysteresis": Decimal(-1)},
        {"above": Decimal(1), "seconds": -1.0},
        {"above": Decimal(1), "seconds": float("inf")},
    ],
)
def test_what_cannot_be_watched_is_refused(wrong: dict[str, Decimal]) -> None:
    """By whoever makes it."""
    with pytest.raises(ValueError, match=r"(threshold|numbers|limit)"):
        Threshold("a", "A", **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("High power", "high_power"),
        ("high-power", "high_power"),
        ("Über 3 kW", "ber_3_kw_391d4c20"),
        ("高", "ea554c69"),
    ],
)
def test_ids_are_slugs(name: str, expected: str) -> None:
    """Names that lose letters get a check sum, so that they differ."""
    assert threshold_id(name) == expected


@given(st.text(min_size=1, max_size=64))
def test_every_name_gives_an_id(name: str) -> None:
    """Of a-z, 0-9 and _."""
    found = threshold_id(name)
    assert found
    assert set(found) <= set("abcdefghijklmnopqrstuvwxyz0123456789_")


def test_derived_facts_hold_the_thresholds() -> None:
    """Those of the moment: one that is asked for no more is forgotten."""
    state, derived = derive(DerivedState(), reading(*power("4")), (ABOVE, BELOW))
    assert derived.thresholds == {"high": True, "low": None}
    state, derived = derive(state, reading(*power("4")), (ABOVE,))
    assert derived.thresholds == {"high": True}
    assert set(state.thresholds) == {"high"}


@given(
    st.lists(st.decimals(-10, 10, places=1), min_size=1, max_size=20),
    st.decimals(-5, 5, places=1),
    st.decimals(0, 3, places=1),
)
def test_hysteresis_only_ever_delays_the_end(values: list[Decimal], limit: Decimal, hysteresis: Decimal) -> None:
    """Whatever the values: on without hysteresis is on with it, and beyond the limit is on."""
    bare = Threshold("a", "A", above=limit)
    lines = [f"16.7.0({value}*kW)" for value in values]
    without, with_it = states(bare, *lines), states(replace(bare, hysteresis=hysteresis), *lines)
    assert without == [value > limit for value in values]
    assert all(late or not plain for plain, late in zip(without, with_it, strict=True))
