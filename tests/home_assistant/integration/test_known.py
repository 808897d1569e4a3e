"""What a gateway has told: each thing once, in order, and nothing of it twice over a poll."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from custom_components.obis_gateway.known import Known
from custom_components.obis_gateway.models import (
    Availability,
    Change,
    Gateway,
    GatewayResponseError,
    Health,
    Meter,
    MeterChanged,
    MeterEvent,
    MeterRemoved,
    NewReading,
    Reading,
    Snapshot,
    Unknown,
)

RUN, OTHER = "run", "another run"


def meter(meter_id: str = "a", **more: object) -> Meter:
    """Return a meter."""
    return Meter(meter_id, meter_id, **more)  # type: ignore[arg-type]


def snapshot(sequence: int, *meters: Meter, stream: str = RUN) -> Snapshot:
    """Return all meters."""
    return Snapshot({one.id: one for one in meters or (meter(),)}, stream, sequence)


def reading(sequence: int, value: str = "1", meter_id: str = "a") -> NewReading:
    """Return the message of a reading."""
    return NewReading(sequence, meter_id, Reading(values={"x": value}), Health(reads=sequence))


def event(sequence: int) -> MeterEvent:
    """Return the message of an event."""
    return MeterEvent(sequence, "a", "clock_set", None, {})


def value(known: Known, meter_id: str = "a") -> str | None:
    """Return what is shown."""
    newest = known.meters[meter_id].reading
    return None if newest is None else newest.values["x"]


def told(known: Known, changes: Iterable[Change]) -> list[int]:
    """Let changes be told; return the numbers of those that were news."""
    return [news.sequence for change in changes if (news := known.change(change)) is not None]


def listening(sequence: int = 5) -> Known:
    """Return what is known after a poll and a subscription of the same run."""
    known = Known()
    assert known.snapshot(snapshot(sequence), told=False)
    known.welcome(Gateway("g", "g", None, "1.0", RUN, sequence))
    return known


def test_changes_follow_what_was_asked_for() -> None:
    """Readings and availability renew a meter; each counts once."""
    known = listening()
    assert told(known, [reading(6), reading(7, "2"), reading(6, "3"), reading(5, "4")]) == [6, 7]
    assert value(known) == "2"
    assert known.change(Availability(8, "a", available=False, problem="silent", health=Health(failures=1)))
    assert (known.meters["a"].available, known.meters["a"].problem) == (False, "silent")
    assert value(known) == "2"
    assert known.change(reading(9, "3"))
    assert (known.meters["a"].available, known.meters["a"].problem) == (True, None)


def test_meters_come_change_and_go() -> None:
    """A reading of a meter that is not known is none."""
    known = listening()
    assert known.change(reading(6, meter_id="b")) is None
    assert known.change(MeterChanged(7, meter("b", available=True)))
    assert known.meters.keys() == {"a", "b"}
    assert known.change(MeterRemoved(8, "b"))
    assert known.meters.keys() == {"a"}
    assert known.change(Unknown(9)) == Unknown(9)


def test_a_message_that_is_missing_is_noticed() -> None:
    """What follows may not be shown as if nothing had been."""
    known = listening()
    with pytest.raises(GatewayResponseError, match="messages 6 to 7 are missing"):
        known.change(reading(8))
    assert known.heard == 5


def test_after_a_poll_only_events_are_news_until_the_stream_has_caught_up() -> None:
    """Else an older reading would follow a newer one, which is a counter that runs backwards."""
    known = listening()
    assert known.snapshot(snapshot(9, meter(reading=Reading(values={"x": "9"}))), told=False)
    assert told(known, [reading(6), event(7), reading(8, "8"), MeterChanged(9, meter())]) == [7]
    assert value(known) == "9"
    assert told(known, [reading(10, "10")]) == [10]
    assert value(known) == "10"


def test_an_older_poll_is_passed_over() -> None:
    """It was under way while the stream went on."""
    known = listening()
    assert told(known, [reading(6, "6")]) == [6]
    assert not known.snapshot(snapshot(5), told=False)
    assert value(known) == "6"
    assert known.heard == 6


def test_another_run_begins_with_its_meters() -> None:
    """Its numbers begin anew."""
    known = listening()
    known.welcome(Gateway("g", "g", None, "1.0", OTHER, 2))
    with pytest.raises(GatewayResponseError, match="started anew"):
        known.change(reading(6))
    assert known.snapshot(snapshot(2, stream=OTHER), told=True)
    assert told(known, [reading(2), reading(3, "3")]) == [3]


def test_a_poll_that_finds_another_run_is_where_its_stream_is_taken_up() -> None:
    """Nothing of the run before can be told any more."""
    known = listening()
    assert known.snapshot(snapshot(2, stream=OTHER), told=False)
    assert (known.stream, known.heard) == (OTHER, 2)
    known.welcome(Gateway("g", "g", None, "1.0", OTHER, 3))
    assert told(known, [event(3)]) == [3]


def test_a_snapshot_that_is_told_ends_what_was_missed() -> None:
    """The gateway keeps messages for some hours only."""
    known = listening()
    assert known.snapshot(snapshot(5000), told=True)
    assert told(known, [reading(5000), reading(5001)]) == [5001]


def test_a_snapshot_that_is_told_late_does_not_undo_a_poll() -> None:
    """Its number says so."""
    known = listening()
    assert known.snapshot(snapshot(9, meter(reading=Reading(values={"x": "9"}))), told=False)
    assert not known.snapshot(snapshot(8), told=True)
    assert value(known) == "9"
    assert told(known, [event(9)]) == [9]


def test_a_gateway_that_was_set_back_is_heard() -> None:
    """As a virtual machine is: the same run goes on from an earlier place, and all its numbers are known already."""
    known = listening(9)
    set_back = Gateway("g", "g", None, "1.0", RUN, 3)
    known.look(set_back, known.sequence)
    known.welcome(set_back)
    with pytest.raises(GatewayResponseError, match="started anew"):
        known.change(reading(4))
    assert known.snapshot(snapshot(3), told=True)
    assert told(known, [reading(4, "4")]) == [4]
    assert value(known) == "4"


def test_a_gateway_that_goes_on_while_it_is_asked_was_not_set_back() -> None:
    """Its answer may be older than what the stream has told meanwhile."""
    known = listening(5)
    assert told(known, [reading(6, "6")]) == [6]
    known.look(Gateway("g", "g", None, "1.0", RUN, 5), before=5)
    known.look(Gateway("g", "g", None, "1.0", OTHER, 1), before=6)
    assert (known.stream, known.heard) == (RUN, 6)
