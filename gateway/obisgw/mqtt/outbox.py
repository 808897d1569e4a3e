"""What is still to be published, bounded: of a retained topic only the newest message waits.

Pure: the publisher moves messages from here to the broker and reports what the broker acknowledged.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

# Events wait while the broker is away; with more, the oldest are dropped and counted.
MOST_EVENTS: Final = 256


@dataclass(frozen=True, slots=True)
class Message:
    """A message with QoS 1. An empty retained payload removes what the broker keeps at the topic.

    ``reading_of``: whose reading it is and when that was (Unix seconds), of messages that are kept when a newer one takes
    their place before the broker has acknowledged them. ``kept_as``: its number where it had been kept.
    """

    topic: str
    payload: bytes
    retain: bool = True
    reading_of: tuple[str, float] | None = None
    kept_as: int | None = None


class Outbox:
    """Messages on their way: waiting, or sent and not yet acknowledged."""

    def __init__(self) -> None:
        self._retained: dict[str, Message] = {}
        self._waiting: dict[str, Message] = {}
        self._events: deque[Message] = deque()
        self._sent: dict[int, tuple[Message, float]] = {}
        self.dropped_events = 0
        self.overtaken: list[Message] = []
        """Readings in whose place a newer one came before they were acknowledged; for whoever keeps them."""

    def put(self, message: Message) -> None:
        """Add a message; a retained one replaces what waits for its topic."""
        if not message.retain:
            self._events.append(message)
            self._bound_events()
            return
        if message.payload:
            self._retained[message.topic] = message
        else:
            self._retained.pop(message.topic, None)
        before = self._waiting.pop(message.topic, None)
        self._waiting[message.topic] = message
        # The same again, as after a repetition, is no reading that is lost.
        if before is not None and before.reading_of is not None and before.reading_of != message.reading_of:
            self.overtaken.append(before)

    def repeat(self) -> None:
        """Let all retained messages wait again, in the order in which their topics first came."""
        # Removals that still wait are not among the retained.
        removals = {topic: message for topic, message in self._waiting.items() if topic not in self._retained}
        self._waiting = {**self._retained, **removals}

    def take(self) -> Message | None:
        """Return the next message to send, None if nothing waits."""
        if self._waiting:
            return self._waiting.pop(next(iter(self._waiting)))
        return self._events.popleft() if self._events else None

    def sent(self, mid: int, message: Message, now: float) -> None:
        """Note that a message was handed to the broker under ``mid``."""
        self._sent[mid] = (message, now)

    def acknowledged(self, mid: int) -> Message | None:
        """Forget a message that the broker has taken; None if there was none with that ``mid``."""
        message, _ = self._sent.pop(mid, (None, 0.0))
        return message

    def lost(self) -> None:
        """Let everything that was not acknowledged wait again: the connection is gone."""
        for message, _ in reversed(self._sent.values()):
            newer = self._waiting.get(message.topic)
            if not message.retain:
                self._events.appendleft(message)
            elif newer is None:
                self._waiting = {message.topic: message, **self._waiting}
            elif message.reading_of is not None and message.reading_of != newer.reading_of:
                self.overtaken.append(message)
        self._sent.clear()
        # What is kept elsewhere is fetched anew from there.
        self._events = deque(message for message in self._events if message.kept_as is None)
        self._bound_events()

    def _bound_events(self) -> None:
        while len(self._events) > MOST_EVENTS:
            self._events.popleft()
            self.dropped_events += 1

    def unpublished(self) -> list[Message]:
        """Return the readings that the broker has not acknowledged, oldest first."""
        messages = [*(message for message, _ in self._sent.values()), *self._waiting.values()]
        found = {message.topic: message for message in messages if message.reading_of is not None}
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
        """Whether the broker has taken everything."""
        return not (self._waiting or self._events or self._sent)
