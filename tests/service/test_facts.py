"""Derived facts survive a restart, and a damaged file costs them alone."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obisgw.readings.derive import DerivedState, derive
from obisgw.readings.shown import MeterOptions
from obisgw.readings.thresholds import Threshold
from obisgw.service.facts import Facts
from obisgw.service.kept import facts_document, facts_of
from obisgw.service.state import MeterState, State
from tests.mqtt.samples import HOUSEHOLD, METER, NOON, reading

if TYPE_CHECKING:
    from pathlib import Path

WATCHED = Threshold("high", "High power", above=Decimal("0.4"), unit="kW", seconds=60)
OPTIONS = MeterOptions(interval=60, thresholds=(WATCHED,))


def lines(t1: str, t2: str, power: str = "0.5", failures: str = "4", error: str = "00") -> tuple[str, ...]:
    """Return a telegram of a meter with two tariffs."""
    return (
        f"1.8.1({t1}*kWh)",
        f"1.8.2({t2}*kWh)",
        f"16.7.0({power}*kW)",
        f"C.7.0({failures})",
        f"F.F({error})",
        "0.9.1(120000)",
        "0.9.2(261122)",
    )


def state_of(path: Path) -> State:
    """Return a state that knows the meter."""
    state = State.load(path)
    state.meters["House"] = MeterState(METER)
    return state


def test_a_restart_keeps_tariff_counters_clock_and_thresholds(tmp_path: Path) -> None:
    """The first reading after it is compared with the last one before."""
    state = state_of(tmp_path / "meters.json")
    state.facts.take(reading(*lines("10", "20")), OPTIONS)
    state.facts.take(reading(*lines("11", "20"), at=NOON + timedelta(minutes=1)), OPTIONS)
    state.save()
    facts = State.load(tmp_path / "meters.json").facts
    assert facts.states == state.facts.states
    derived = facts.take(reading(*lines("11", "21", failures="5", error="01"), at=NOON + timedelta(minutes=2)), OPTIONS)
    assert derived.tariff == "t2"
    kinds = [event.kind.value for event in derived.events]
    assert kinds == ["tariff_switched", "clock_set", "power_failure", "error_register_changed"]
    assert derived.thresholds == {"high": True}


def test_only_what_a_restart_must_not_lose_is_worth_saving() -> None:
    """Memory cards wear by writing: not each reading is."""
    facts = Facts()
    worth = []
    for number, telegram in enumerate((lines("1", "1"), lines("2", "1"), lines("3", "1"), lines("3", "2"))):
        facts.unsaved = False
        facts.take(reading(*telegram[:3], at=NOON + timedelta(minutes=number)), OPTIONS)
        worth.append(facts.unsaved)
    assert worth == [True, True, False, True]


@pytest.mark.parametrize(
    "junk", [None, 1, [], "x", {"isk_12345678": None}, {"isk_12345678": {"at": 1}}, {"isk_12345678": []}]
)
def test_damaged_facts_are_begun_anew_and_cost_nothing_else(
    junk: object, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The meter stays known."""
    path = tmp_path / "meters.json"
    state = state_of(path)
    state.save()
    path.write_text(json.dumps(json.loads(path.read_text()) | {"facts": junk}))
    loaded = State.load(path)
    assert (loaded.facts.states, loaded.meters["House"].identity) == ({}, METER)
    assert len(caplog.messages) == (1 if isinstance(junk, dict) else 0)


def test_a_file_nested_without_end_is_set_aside(tmp_path: Path) -> None:
    """And the service starts."""
    (tmp_path / "meters.json").write_text("[" * 100_000)
    assert State.load(tmp_path / "meters.json").meters == {}
    assert (tmp_path / "meters.damaged").exists()


@pytest.mark.parametrize("name", sorted(facts_document(derive(DerivedState(), reading(*HOUSEHOLD), (WATCHED,))[0])))
@pytest.mark.parametrize("value", [1, "x", ["x", 1], {"1.8.0": "NaN"}, {"x": {}}, {"1.8.0": 1}])
def test_no_wrong_value_gets_in(name: str, value: object) -> None:
    """It is refused, or it is of the right kind."""
    state, _ = derive(DerivedState(), reading(*HOUSEHOLD), (WATCHED,))
    document = facts_document(state) | {name: value}
    try:
        found = facts_of(document)
    except (ValueError, KeyError, TypeError, AttributeError):
        return
    derive(found, reading(*HOUSEHOLD), (WATCHED,))


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.decimals(0, 1, places=2)), max_size=5))
def test_what_is_written_is_read(values: list[tuple[int, int, Decimal]]) -> None:
    """Whatever was read before."""
    state = DerivedState()
    for number, (t1, t2, power) in enumerate(values):
        taken = reading(*lines(str(t1), str(t2), str(power)), at=NOON + timedelta(minutes=number))
        state, _ = derive(state, taken, (WATCHED,))
    assert facts_of(json.loads(json.dumps(facts_document(state)))) == state


def test_a_threshold_that_cannot_be_watched_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    """With what to do."""
    facts, wrong = Facts(), MeterOptions(thresholds=(Threshold("a", "A", above=Decimal(1), unit="V"),))
    for _ in range(3):
        assert facts.take(reading("16.7.0(1*kW)"), wrong).thresholds == {"a": None}
    (said,) = caplog.messages
    assert said.startswith(f"{METER.id}: 16.7.0 is in kW, the threshold 'A' in V")
