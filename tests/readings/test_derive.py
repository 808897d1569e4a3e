"""What follows from readings side by side: tariff and events."""

from __future__ import annotations

from datetime import timedelta

import pytest

from obisgw.obis import Medium, ObisCode
from obisgw.readings.derive import Derived, DerivedState, EventKind, derive
from obisgw.readings.meter_clock import meter_clock
from tests.mqtt.samples import NOON, reading


def derived(*readings: tuple[str, ...], minutes: float = 1) -> list[Derived]:
    """Return what each of these readings adds, one after the other."""
    state, results = DerivedState(), []
    for number, lines in enumerate(readings):
        state, result = derive(state, reading(*lines, at=NOON + number * timedelta(minutes=minutes)))
        results.append(result)
    return results


def counters(t1: str, t2: str, *more: str) -> tuple[str, ...]:
    """Return two tariffs' counters."""
    return f"1.8.1({t1}*kWh)", f"1.8.2({t2}*kWh)", *more


def kinds(results: list[Derived]) -> list[list[str]]:
    """Return the kinds of events, by reading."""
    return [[event.kind.value for event in result.events] for result in results]


@pytest.mark.parametrize(
    ("readings", "tariffs"),
    [
        pytest.param([counters("10", "20")], [None], id="unknown at first"),
        pytest.param([counters("10", "20"), counters("10", "20")], [None, None], id="nothing moved"),
        pytest.param([counters("10", "20"), counters("11", "20")], [None, "t1"], id="first moved"),
        pytest.param([counters("10", "20"), counters("11", "20"), counters("11", "20")], [None, "t1", "t1"], id="stays"),
        pytest.param([counters("10", "20"), counters("11", "20"), counters("12", "21")], [None, "t1", "t2"], id="switched in between"),
        pytest.param([counters("10", "20"), counters("11", "21")], [None, None], id="both, and none known before"),
        pytest.param([counters("10", "20"), counters("9", "20")], [None, None], id="falling is no use"),
        pytest.param(
            [counters("10", "20", "2.8.1(1*kWh)", "2.8.2(5*kWh)"), counters("10", "20", "2.8.1(1*kWh)", "2.8.2(6*kWh)")],
            [None, "t2"], id="export moves while import stands still"),
        pytest.param([("1.8.1(10*kWh)", "2.8.1(4*kWh)"), ("1.8.1(11*kWh)", "2.8.1(4*kWh)")], [None, None], id="one tariff is no choice"),
        pytest.param([counters("10", "20", "0-0:96.14.0(0002)"), counters("11", "20", "0-0:96.14.0(0002)")], ["t2", "t2"], id="the meter's word counts more"),
        pytest.param([("C.8.1(1)",), ("C.8.1(2)",)], [None, None], id="operating time is no energy"),
    ],
)  # fmt: skip
def test_the_tariff_is_the_meters_word_or_the_counter_that_moves(
    readings: list[tuple[str, ...]], tariffs: list[str | None]
) -> None:
    """None while it is unknown."""
    assert [result.tariff for result in derived(*readings)] == tariffs


def test_after_hours_two_moved_counters_tell_nothing() -> None:
    """There may have been any number of switches."""
    results = derived(
        counters("10", "20"), counters("11", "20"), counters("15", "25"), counters("15", "26"), minutes=90
    )
    assert [result.tariff for result in results] == [None, "t1", None, "t2"]
    assert kinds(results) == [[], [], [], ["tariff_switched"]]


def test_a_switch_of_the_tariff_is_an_event() -> None:
    """It names both."""
    *_, last = derived(counters("10", "20"), counters("11", "20"), counters("11", "21"))
    assert last.tariffs == ("t1", "t2")
    (event,) = last.events
    assert (event.kind, dict(event.details)) == (EventKind.TARIFF_SWITCHED, {"previous_tariff": "t1", "tariff": "t2"})
    assert event.at == NOON + timedelta(minutes=2)


@pytest.mark.parametrize(
    ("before", "after", "happened"),
    [
        (("F.F(00000000)",), ("F.F(00000010)",), ["error_register_changed"]),
        (("F.F(00000010)",), ("F.F()",), []),
        (("F.F(00)",), (), []),
        (("C.7.0(0004)",), ("C.7.0(0005)",), ["power_failure"]),
        (("C.7.0(0004)", "C.7.1(1)"), ("C.7.0(0005)", "C.7.1(2)"), ["power_failure"]),
        (("C.7.0(0004)",), ("C.7.0(0000)",), []),
        (("0-0:96.7.21(00015)",), ("0-0:96.7.21(00016)",), ["power_failure"]),
        (("0.1.0(99)",), ("0.1.0(00)",), ["billing_reset"]),
        (("0.1.0(26)",), ("0.1.0(26)",), []),
        (("1.8.0(1*kWh)",), ("1.8.0(2*kWh)",), []),
    ],
)  # fmt: skip
def test_registers_that_change_are_events(before: tuple[str, ...], after: tuple[str, ...], happened: list[str]) -> None:
    """The first reading is only compared with."""
    assert kinds(derived(before, after)) == [[], happened]


def test_a_register_that_was_missing_for_once_is_compared_with_its_last_value() -> None:
    """Nothing is forgotten."""
    assert kinds(derived(("C.7.0(4)",), (), ("C.7.0(5)",)))[2] == ["power_failure"]


@pytest.mark.parametrize(
    ("before", "after", "minutes", "happened"),
    [
        pytest.param(("115900", "261122"), ("120000", "261122"), 1, [], id="went on"),
        pytest.param(("115900", "261122"), ("120012", "261122"), 1, [], id="within the readout's own time"),
        pytest.param(("115900", "261122"), ("120500", "261122"), 1, ["clock_set"], id="five minutes on"),
        pytest.param(("115900", "261122"), ("115500", "261122"), 1, ["clock_set"], id="back"),
        pytest.param(("115900", "261122"), ("130000", "261122"), 1, [], id="summer time"),
        pytest.param(("115900", "261122"), ("110000", "261122"), 1, [], id="winter time"),
        pytest.param(("115900", "261122"), ("120000", "261123"), 1, ["clock_set"], id="another day"),
        pytest.param(("235930", "261122"), ("000030", "261123"), 1, [], id="midnight"),
        pytest.param(("235959", "261122"), ("000059", "261123"), 1, [], id="midnight right after"),
        pytest.param(("115900", "261122"), ("120020", "261124"), 2881, [], id="drift of two days"),
        pytest.param(("115900", "000000"), ("120500", "261122"), 1, [], id="was not set"),
    ],
)  # fmt: skip
def test_a_clock_that_was_set_is_an_event(
    before: tuple[str, str], after: tuple[str, str], minutes: float, happened: list[str]
) -> None:
    """Compared with the time that passed here; an hour for summer time is no event."""
    lines = [(f"0.9.1({time})", f"0.9.2({date})") for time, date in (before, after)]
    assert kinds(derived(*lines, minutes=minutes)) == [[], happened]


@pytest.mark.parametrize(
    ("values", "clock"),
    [
        ({"0.9.1": "1185411", "0.9.2": "1190714"}, "2019-07-14T18:54:11"),
        ({"0.9.1": "23:16:43", "0.9.2": "21-01-04"}, "2021-01-04T23:16:43"),
        ({"0.9.1": "202405", "0.9.2": "221113"}, "2022-11-13T20:24:05"),
        ({"0.9.1": "201455", "0.9.2": "0170318"}, "2017-03-18T20:14:55"),
        ({"0-0:1.0.0": "101209112500W"}, "2010-12-09T11:25:00"),
        ({"0-0:1.0.0": "201113202405"}, "2020-11-13T20:24:05"),
        ({"0-0:1.0.0": "2020-11-13 20:24:05"}, "2020-11-13T20:24:05"),
        ({"0-0:1.0.0": "2011132024"}, "2020-11-13T20:24:00"),
        ({"0-0:1.0.0": "20201113202405"}, "2020-11-13T20:24:05"),
        ({"0-0:1.0.0": "000000000000"}, None),
        ({"0.9.1": "240000", "0.9.2": "221113"}, None),
        ({"0.9.1": "202405"}, None),
        ({"0.9.1": "noise", "0.9.2": "221113"}, None),
    ],
)  # fmt: skip
def test_the_meters_clock_is_read_in_the_makers_layouts(values: dict[str, str], clock: str | None) -> None:
    """With and without the digit of the season."""
    registers = {ObisCode.parse(address, Medium.ELECTRICITY): value for address, value in values.items()}
    assert None not in registers
    found = meter_clock(registers, Medium.ELECTRICITY)  # type: ignore[arg-type]
    assert (None if found is None else found[0].isoformat()) == clock
