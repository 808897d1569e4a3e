"""How registers are named and their values worded."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obisgw.mqtt.states import event_state, gateway_state, health_state, reading_state
from obisgw.mqtt.topics import Topics
from obisgw.readings.derive import Derived, EventKind, MeterEvent
from obisgw.readings.published import is_register_component, published
from obisgw.readings.reading import Health

from .samples import GATEWAY, HOUSEHOLD, NOON, reading, register


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("1.8.0(0012345.600*kWh)", "12345.600"),
        ("1.8.0(0.0*kWh)", "0.0"),
        ("16.7.0(-00.530*kW)", "-0.530"),
        ("16.7.0(+0.530*kW)", "0.530"),
        ("1.8.0(123456789012345678901234567890.123*kWh)", "123456789012345678901234567890.123"),
        ("32.7.0(----*V)", None),
        ("F.F(00000010)", "00000010"),
        ("0.9.1(001500)", "001500"),
        ("0.2.0( V1.07 )", " V1.07 "),
    ],
)
def test_digits_are_those_of_the_line(line: str, value: str | None) -> None:
    """Numbers lose leading zeros and nothing else; text loses nothing; a number that is none is nothing."""
    (item,) = published([register(line)])
    assert item.value == value


@given(st.from_regex(r"-?[0-9]{1,30}(\.[0-9]{1,10})?", fullmatch=True))
def test_a_number_keeps_its_value_and_its_decimals(digits: str) -> None:
    """Never a float, never an exponent."""
    (item,) = published([register(f"1.8.0({digits}*kWh)")])
    assert item.value is not None
    assert item.value.partition(".")[2] == digits.partition(".")[2]
    assert item.value.partition(".")[0].lstrip("-") == (digits.partition(".")[0].lstrip("-").lstrip("0") or "0")


def test_names_are_of_the_full_code_and_count_on() -> None:
    """Equal registers get numbers; addresses that are no codes get a name of their own."""
    lines = ("1.8.0(1*kWh)", "1-0:1.8.0(2*kWh)", "1.8.0*01(3*kWh)", "B_7(4)", "b.7x(5)", "b_7(6)")
    items = tuple(published(register(line) for line in lines))
    assert [item.component for item in items[:3]] == ["1_0_1_8_0_255", "1_0_1_8_0_255_2", "1_0_1_8_0_1"]
    assert [item.key for item in items[:2]] == ["active_energy_import", "active_energy_import_2"]
    assert len({item.component for item in items}) == len({item.key for item in items}) == len(items)
    assert all(is_register_component(item.component) for item in items)
    assert not any(is_register_component(name) for name in ("events", "tariff", "read_now", "baudrate"))


def test_a_state_has_all_registers_of_one_telegram() -> None:
    """With the reading's time and the tariff."""
    peak = register("1.6.1(3.42*kW)", time=NOON.replace(tzinfo=None))
    state = json.loads(reading_state(at := reading(*HOUSEHOLD, peak), published(at.registers), Derived("t1", (), ())))
    assert state["at"] == "2026-11-22T12:00:00.000+00:00"
    assert state["tariff"] == "t1"
    assert len(state["registers"]) == len(HOUSEHOLD) + 1
    assert state["registers"]["active_energy_import_tariff_1"] == "8000.000"
    assert list(state["times"].values()) == ["2026-11-22T12:00:00"]


def test_health_events_and_the_gateway_are_flat_json() -> None:
    """So that a template needs no more than a name."""
    health = json.loads(health_state(Health(failures=3, last_error="x" * 999)))
    assert (health["failures"], health["last_success"], health["baudrate"], len(health["last_error"])) == (
        3,
        None,
        None,
        255,
    )
    event = MeterEvent(EventKind.CLOCK_SET, NOON + timedelta(seconds=1), (("by", "+60 s"),))
    assert json.loads(event_state(event)) == {
        "event_type": "clock_set",
        "at": "2026-11-22T12:00:01.000+00:00",
        "by": "+60 s",
    }
    assert json.loads(gateway_state(GATEWAY, 2, None)) == {"meters": 2, "last_read": None, "version": "0.2.0"}


def test_a_registers_topic_is_never_one_of_ours() -> None:
    """A register may be called state."""
    topics = Topics("base/of", "ha")
    assert topics.value("m", "state") == "base/of/m/state_register"
    assert topics.value("m", "voltage_l1") == "base/of/m/voltage_l1"
    assert topics.device_of_command(topics.command("m")) == "m"
    assert topics.device_of_command("base/of/m/state") is None
    assert topics.device_of_command("other/m/command") is None
