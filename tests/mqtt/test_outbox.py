"""What waits for the broker: of each topic the newest, and nothing without bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from obisgw.mqtt.outbox import MOST_EVENTS, Message, Outbox

if TYPE_CHECKING:
    from collections.abc import Iterator


def state(number: int, topic: str = "state") -> Message:
    """Return a retained message."""
    return Message(topic, str(number).encode())


def event(number: int) -> Message:
    """Return a message that is not retained."""
    return Message("event", str(number).encode(), retain=False)


def taken(outbox: Outbox) -> Iterator[Message]:
    """Take all that waits."""
    while (message := outbox.take()) is not None:
        yield message


def test_only_the_newest_of_a_topic_waits() -> None:
    """Events are all kept, in order."""
    outbox = Outbox()
    for number in range(3):
        outbox.put(state(number))
        outbox.put(event(number))
    assert list(taken(outbox)) == [state(2), event(0), event(1), event(2)]


def test_events_are_bounded_and_counted() -> None:
    """The oldest go."""
    outbox = Outbox()
    for number in range(MOST_EVENTS + 7):
        outbox.put(event(number))
    assert outbox.dropped_events == 7
    assert next(taken(outbox)) == event(7)


def test_what_was_not_acknowledged_waits_again() -> None:
    """Unless something newer does; what was acknowledged does not."""
    outbox = Outbox()
    for message in (state(1, "a"), state(1, "b"), state(1, "c"), event(1), event(2)):
        outbox.put(message)
    for mid, message in enumerate(taken(outbox), 1):
        outbox.sent(mid, message, now=float(mid))
    assert (outbox.unacknowledged, outbox.oldest_sent) == (5, 1.0)
    assert outbox.acknowledged(1) == state(1, "a")
    assert outbox.acknowledged(1) is None
    outbox.put(state(2, "b"))
    outbox.lost()
    assert list(taken(outbox)) == [state(1, "c"), state(2, "b"), event(1), event(2)]
    assert outbox.empty


def test_a_new_connection_gets_all_that_is_retained() -> None:
    """In the order in which topics first came: a document before its states. Removed topics do not come again."""
    outbox = Outbox()
    for message in (state(1, "document"), state(1), state(1, "gone")):
        outbox.put(message)
    list(taken(outbox))
    outbox.put(Message("gone", b""))
    outbox.put(state(2))
    outbox.repeat()
    assert list(taken(outbox)) == [state(1, "document"), state(2), Message("gone", b"")]
    outbox.repeat()
    assert list(taken(outbox)) == [state(1, "document"), state(2)]
