"""What is tried after a failure."""

from __future__ import annotations

import pytest

from obisgw.iec62056_21.events import Failure
from obisgw.iec62056_21.identification import Identification, parse_identification
from obisgw.iec62056_21.ladder import next_plan
from obisgw.iec62056_21.plan import LinePlan


def identified(line: bytes) -> Identification:
    """A meter that named itself."""
    identification = parse_identification(line)
    assert identification is not None
    return identification


MODE_C = identified(b"/XYZ5METER")


def climb(failure: Failure, identification: Identification | None, *, battery: bool = False) -> list[LinePlan]:
    """All plans of a readout whose attempts all fail in the same way."""
    plans = [LinePlan()]
    while (plan := next_plan(plans[-1], failure, identification, len(plans), battery=battery)) is not None:
        plans.append(plan)
    return plans


def test_no_data_tries_margins_then_a_lower_rate_then_300_then_no_acknowledgement() -> None:
    """Each step costs more time than the one before."""
    steps = [(p.switch_margin, p.baud_char, p.acknowledge) for p in climb(Failure.NO_DATA, MODE_C)]
    assert steps == [
        (None, None, True),
        (0.1, None, True),
        (0.2, None, True),
        (None, "4", True),
        (None, "0", True),
        (None, "0", False),
    ]


def test_fast_unreadable_data_are_listened_for_at_other_rates() -> None:
    """No margin helps: the rate below, 300 Bd, then rates of meters that announce one and know another."""
    steps = [(p.switch_margin, p.baud_char, p.data_baudrate) for p in climb(Failure.GARBAGE, MODE_C)]
    assert steps == [
        (None, None, None),
        (None, "4", None),
        (None, "0", None),
        (None, None, 2400),
        (None, None, 1200),
        (None, None, 19200),
        (None, None, 19200),
    ]


@pytest.mark.parametrize("identification", [None, MODE_C], ids=["unknown", "identified"])
def test_a_line_that_is_never_silent_is_asked_twice(identification: Identification | None) -> None:
    """Its meter sends unasked."""
    plans = climb(Failure.UNASKED, identification)
    assert len(plans) == 2
    assert plans[1].break_first


def test_a_meter_seen_at_300_is_met_there_after_one_wider_margin() -> None:
    """An acknowledgement cut off by an early change of speed looks the same."""
    steps = [(p.switch_margin, p.baud_char, p.acknowledge) for p in climb(Failure.STAYED_SLOW, MODE_C)]
    assert steps[:4] == [(None, None, True), (0.1, None, True), (None, "0", True), (None, "0", False)]


def test_noise_is_repeated_before_the_speed_is_doubted() -> None:
    """The plan was right: data came."""
    plans = climb(Failure.BAD_CHECK, MODE_C)
    assert [p.baud_char for p in plans] == [None, None, None, "4", "0", "0"]
    assert all(p.break_first for p in plans[1:])


def test_a_missed_beginning_is_met_by_an_earlier_change_of_speed() -> None:
    """Some meters react sooner than their third letter allows."""
    assert [p.switch_margin for p in climb(Failure.START_LOST, MODE_C)][:3] == [None, 0.01, 0.1]


def test_silence_asks_again_at_once_then_after_a_break_then_wakes() -> None:
    """Siemens AMIS wants the request twice; battery meters sleep."""
    plans = climb(Failure.SILENCE, None)
    assert [(p.break_first, p.wake_up) for p in plans] == [(False, False), (False, False), (True, False), (False, True)]


def test_a_meter_that_answered_before_is_asked_again_in_the_same_way() -> None:
    """Its silence comes from the attempt before, not from the plan."""
    plan = LinePlan(baud_char="4")
    again = next_plan(plan, Failure.SILENCE, None, 4, known=True)
    assert again == LinePlan(baud_char="4", break_first=True)


@pytest.mark.parametrize("failure", list(Failure))
@pytest.mark.parametrize("identification", [None, MODE_C, identified(b"/LUGCUH50"), identified(b"/KAM METER")])
def test_every_ladder_ends(failure: Failure, identification: Identification | None) -> None:
    """No failure is retried for ever."""
    assert len(climb(failure, identification)) <= 7


@pytest.mark.parametrize("failure", list(Failure))
def test_a_battery_meter_is_tried_twice_at_most_and_never_sent_a_break(failure: Failure) -> None:
    """Each readout costs battery life."""
    plans = climb(failure, identified(b"/LUGCUH50"), battery=True)
    assert len(plans) <= 2
    assert not any(p.break_first for p in plans)


def test_mode_b_data_may_come_at_another_rate_than_announced() -> None:
    """The letter can be cosmetic."""
    rates = [p.data_baudrate for p in climb(Failure.NO_DATA, identified(b"/LUGCUH50"))]
    assert rates == [None, 2400, 300]
