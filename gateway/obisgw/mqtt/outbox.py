"""What is still to be published, bounded: of a retained topic only the newest message waits.

Pure: the publisher moves messages from here to the broker and reports what the broker acknowledged.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final, NamedTuple

# Events wait while the broker is away; with more, the oldest are dropped and counted.
MOST_EVENTS: Final = 256


class Origin(NamedTuple):
    """Whose reading it is, and when that was: Unix seconds, and seconds since the machine started, where known."""

    meter: str
    at: float
    steady: float | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """A message with QoS 1. An empty retained payload removes what the broker keeps at the topic.

    ``reading_of``: of a meter's state, for whoever keeps what is not acknowledged before a newer one takes its place.
    ``kept_as``: what it is known by where it had been kept; such messages are the last to go.
    """

    topic: str
    payload: bytes
    retain: bool = True
    reading_of: Origin | None = None
    kept_as: int | None = None


class Outbox:
    """Messages on their way: waiting, or sent and not yet acknowledged."""

    def __init__(self) -> None:
        self._retained: dict[str, Message] = {}
        self._waiting: dict[str, Message] = {}
        self._events: deque[Message] = deque()
        self._kept: deque[Message] = deque()
        self._sent: dict[int, tuple[Message, float]] = {}
        self._lines: dict[str, dict[Origin, Message]] = {}
        """By topic, in order: readings on their way, and those that were overtaken behind one of them."""
        self._arrived: dict[str, Origin] = {}
        """By topic: the newest reading that was acknowledged. What repeats it can not be missed."""
        self.dropped_events = 0
        self.overtaken: list[Message] = []
        """Readings in whose place a newer one came before they were acknowledged; for whoever keeps them."""

    def put(self, message: Message) -> None:
        """Add a message; a retained one replaces what waits for its topic."""
        if message.kept_as is not None:
            self._kept.append(message)
            return
        if not message.retain:
            self._events.append(message)
            self._bound_events()
            return
        if message.payload:
            self._retained[message.topic] = message
        else:
            self._retained.pop(message.topic, None)
            self._arrived.pop(message.topic, None)
        before = self._waiting.pop(message.topic, None)
        self._waiting[message.topic] = message
        if before is not None:
            self._overtake(before, message)

    def _overtake(self, before: Message, newer: Message) -> None:
        origin = before.reading_of
        # The same again, as after a repetition, is no reading that is lost.
        if origin is None or origin in {newer.reading_of, self._arrived.get(before.topic)}:
            return
        if line := self._lines.get(before.topic):
            line.setdefault(origin, before)
        else:
            self.overtaken.append(before)

    def _settle(self, topic: str, origin: Origin) -> None:
        """Take an acknowledged reading out of its line, and let go of what had been overtaken behind it."""
        self._arrived[topic] = origin
        line = self._lines.get(topic, {})
        line.pop(origin, None)
        on_their_way = {message.reading_of for message, _ in self._sent.values()}
        while line and (first := next(iter(line))) not in on_their_way:
            self.overtaken.append(line.pop(first))

    def repeat(self) -> None:
        """Let all retained messages wait again, in the order in which their topics first came."""
        # Removals that still wait are not among the retained.
        removals = {topic: message for topic, message in self._waiting.items() if topic not in self._retained}
        self._waiting = {**self._retained, **removals}

    def take(self) -> Message | None:
        """Return the next message to send, None if nothing waits."""
        if self._waiting:
            return self._waiting.pop(next(iter(self._waiting)))
        if self._events:
            return self._events.popleft()
        return self._kept.popleft() if self._kept else None

    def sent(self, mid: int, message: Message, now: float) -> None:
        """Note that a message was handed to the broker under ``mid``."""
        self._sent[mid] = (message, now)
        if message.reading_of is not None and self._arrived.get(message.topic) != message.reading_of:
            self._lines.setdefault(message.topic, {}).setdefault(message.reading_of, message)

    def acknowledged(self, mid: int) -> Message | None:
        """Forget a message that the broker has taken; None if there was none with that ``mid``."""
        message, _ = self._sent.pop(mid, (None, 0.0))
        if message is not None and message.reading_of is not None:
            self._settle(message.topic, message.reading_of)
        return message

    def lost(self) -> None:
        """Let everything that was not acknowledged wait again: the connection is gone.

        Messages that had been kept are dropped: they are fetched anew from where they are.
        """
        sent = [message for message, _ in self._sent.values() if message.kept_as is None]
        self._sent.clear()
        self._kept.clear()
        self._events.extendleft(message for message in reversed(sent) if not message.retain)
        self._bound_events()
        again = {message.topic: message for message in sent if message.retain and message.topic not in self._waiting}
        newest = again | self._waiting
        for topic, line in self._lines.items():
            newer = newest[topic].reading_of if topic in newest else None
            self.overtaken += [message for origin, message in line.items() if origin != newer]
        self._lines.clear()
        self._waiting = newest

    def _bound_events(self) -> None:
        while len(self._events) > MOST_EVENTS:
            self._events.popleft()
            self.dropped_events += 1

    def unpublished(self) -> list[Message]:
        """Return the readings that the broker has not acknowledged, oldest first."""
        found = {origin: message for line in self._lines.values() for origin, message in line.items()}
        for message in self._waiting.values():
            if message.reading_of is not None and self._arrived.get(message.topic) != message.reading_of:
                found.setdefault(message.reading_of, message)
        return list(found.values())

    @property
    def unacknowledged(self) -> int:
        """How many messages the broker has not acknowledged yet."""
        return len(self._sent)

    @property
    def oldest_sent(self) -> float | None:
        """When the oldest unacknowledged message was sent."""
        return min((at for _, at in self._sent.values()), default=None)

    @property
    def empty(self) -> bool:
        """Whether the broker has taken everything but what had been kept."""
        return not (self._waiting or self._events) and all(
            message.kept_as is not None for message, _ in self._sent.values()
        )
