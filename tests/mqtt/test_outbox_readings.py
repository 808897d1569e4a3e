"""Readings that the broker misses: which ones, in which order, and none twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obisgw.mqtt.outbox import MOST_EVENTS, Message, Origin, Outbox

if TYPE_CHECKING:
    from collections.abc import Iterator


def state(number: int, meter: str = "isk_1") -> Message:
    """Return the state of a meter at a minute."""
    return Message(f"{meter}/state", b"%d" % number, reading_of=Origin(meter, 60.0 * number, 5.0))


def kept(number: int) -> Message:
    """Return a message that had been kept."""
    return Message("isk_1/history", b"%d" % number, retain=False, kept_as=number)


def sent(outbox: Outbox, first: int = 1) -> Iterator[Message]:
    """Send all that waits."""
    mid = first
    while (message := outbox.take()) is not None:
        outbox.sent(mid, message, 0.0)
        mid += 1
        yield message


def test_a_reading_that_waits_is_overtaken_by_the_next() -> None:
    """And told, in order."""
    outbox = Outbox()
    for number in range(4):
        outbox.put(state(number))
        outbox.put(state(number, "isk_2"))
    assert outbox.overtaken == [state(n, meter) for n in range(3) for meter in ("isk_1", "isk_2")]
    assert outbox.unpublished() == [state(3), state(3, "isk_2")]


def test_what_was_sent_and_not_acknowledged_is_overtaken_when_the_connection_is_lost() -> None:
    """In its order; the newest waits again."""
    outbox = Outbox()
    for number in range(1, 4):
        outbox.put(state(number))
        list(sent(outbox, number))
    assert outbox.overtaken == []
    assert outbox.unpublished() == [state(1), state(2), state(3)]
    outbox.lost()
    assert outbox.overtaken == [state(1), state(2)]
    assert list(sent(outbox)) == [state(3)]


def test_what_arrived_is_not_missed_when_it_is_repeated() -> None:
    """A new connection gets the newest again, since the broker may have lost it; it is not missed if that fails."""
    outbox = Outbox()
    outbox.put(state(1))
    list(sent(outbox))
    assert outbox.acknowledged(1) == state(1)
    outbox.lost()
    outbox.repeat()
    assert outbox.unpublished() == []
    assert list(sent(outbox)) == [state(1)]
    outbox.lost()
    outbox.repeat()
    outbox.put(state(2))
    assert outbox.overtaken == []
    assert outbox.unpublished() == [state(2)]


def test_the_same_again_overtakes_nothing() -> None:
    """As when Home Assistant has started."""
    outbox = Outbox()
    outbox.put(state(1))
    outbox.repeat()
    outbox.put(state(1))
    assert outbox.overtaken == []


def test_what_had_been_kept_goes_last_and_is_dropped_with_the_connection() -> None:
    """It is fetched anew; events are not bounded because of it."""
    outbox = Outbox()
    for number in range(MOST_EVENTS + 10):
        outbox.put(kept(number))
    outbox.put(Message("event", b"e", retain=False))
    outbox.put(state(1))
    assert [message.payload for message in sent(outbox)][:3] == [b"1", b"e", b"0"]
    assert outbox.dropped_events == 0
    outbox.put(kept(1000))
    outbox.lost()
    assert [message.payload for message in sent(outbox)] == [b"1", b"e"]


@pytest.mark.parametrize("acknowledged", [True, False])
def test_kept_messages_do_not_hold_up_the_end(*, acknowledged: bool) -> None:
    """They are delivered by the next start."""
    outbox = Outbox()
    outbox.put(kept(1))
    list(sent(outbox))
    if acknowledged:
        outbox.acknowledged(1)
    assert outbox.empty
    outbox.put(state(1))
    assert not outbox.empty


def test_what_is_overtaken_behind_one_on_its_way_waits_for_it() -> None:
    """It is told behind it if that one is lost."""
    outbox = Outbox()
    for number in range(1, 4):
        outbox.put(state(number))
        if number == 1:
            list(sent(outbox))
    assert outbox.overtaken == []
    outbox.lost()
    assert outbox.overtaken == [state(1), state(2)]


@given(st.lists(st.sampled_from(["put", "send", "acknowledge", "lose", "connect"]), max_size=60))
def test_each_reading_arrives_as_the_newest_or_is_overtaken_once(steps: list[str]) -> None:
    """Whatever happens: live ones rise, none is overtaken that had arrived, and none is forgotten."""
    outbox, number, mid = Outbox(), 0, 0
    live: list[int] = []
    for step in steps:
        match step:
            case "put":
                number += 1
                outbox.put(state(number))
            case "send":
                if (message := outbox.take()) is not None:
                    mid += 1
                    outbox.sent(mid, message, 0.0)
            case "acknowledge":
                if outbox._sent and (arrived := outbox.acknowledged(next(iter(outbox._sent)))) is not None:
                    live.append(int(arrived.payload))
            case "lose":
                outbox.lost()
            case _:
                outbox.repeat()
    missed = [int(message.payload) for message in outbox.overtaken]
    waiting = [int(message.payload) for message in outbox.unpublished()]
    assert live == sorted(live)
    assert missed == sorted(set(missed))
    assert sorted({*live, *missed, *waiting}) == list(range(1, number + 1))
    assert not set(live) & set(missed)
    assert not set(waiting) & {*live, *missed}
