"""What the publisher knows of one meter, and the messages that a reading of it makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from obisgw.readings.published import published

from .discovery import MeterDocument
from .outbox import Message
from .states import event_state, health_state, is_reading_state, reading_state
from .topics import OFFLINE, ONLINE, Topics

if TYPE_CHECKING:
    from obisgw.readings.derive import Derived, MeterEvent
    from obisgw.readings.reading import Health, MeterIdentity, Reading
    from obisgw.readings.shown import GatewayInfo, MeterOptions


class MeterTopics:
    """One meter's document and newest state. It makes messages and sends none."""

    def __init__(
        self,
        meter: MeterIdentity,
        options: MeterOptions,
        gateway: GatewayInfo,
        topics: Topics,
    ) -> None:
        self.document = MeterDocument(meter, gateway, topics, options)
        self._topics = topics
        self._id = meter.id
        self._values: dict[str, str] = {}
        self.state: list[Message] = []
        """The newest state (and single values), of this run or an earlier one; empty before the first."""

    @property
    def slot(self) -> str | None:
        """The place of the meter in the configuration."""
        return self.document.options.slot

    @property
    def value_topics(self) -> tuple[str, ...]:
        """The topics of single registers that were published."""
        return tuple(self._values)

    def reconfigured(self, meter: MeterIdentity, options: MeterOptions) -> bool:
        """Take other options; tells whether the document changed."""
        return self._replace(self.document.with_options(meter, options))

    def take_over(self, retained: bytes) -> bool:
        """Take over what an earlier run had published; tells whether the document changed."""
        return self._replace(self.document.with_retained(retained))

    def take_over_state(self, retained: bytes) -> bool:
        """Take over the state that an earlier run had published; tells whether there was none of this run."""
        if self.state or not is_reading_state(retained):
            return False
        self.state = [Message(self._topics.state(self._id), retained)]
        return True

    def _replace(self, document: MeterDocument) -> bool:
        before, self.document = self.document, document
        return document != before

    def discovery(self) -> Message:
        """Return the discovery document; what it removes is named in it once."""
        message = Message(self._topics.discovery(self._id), self.document.payload())
        self.document = self.document.without_obsolete()
        return message

    def read(
        self, reading: Reading, derived: Derived, *, tree: bool, changed_only: bool = False
    ) -> tuple[bool, list[Message]]:
        """Take a reading in: whether the document grew, and the state (and single values, or those that changed)."""
        items = tuple(published(reading.registers))
        grew = self._replace(self.document.grown(items, derived.tariffs))
        state = [Message(self._topics.state(self._id), reading_state(reading, items, derived))]
        if tree:
            for item in items:
                if (value := item.value) is not None:
                    topic = self._topics.value(self._id, item.key)
                    if not changed_only or self._values.get(topic) != value:
                        state.append(Message(topic, value.encode()))
                    self._values[topic] = value
        self.state = state
        return grew, state

    def events(self, *events: MeterEvent) -> list[Message]:
        """Return the messages of events; they are not retained."""
        topic = self._topics.event(self._id)
        return [Message(topic, event_state(event), retain=False) for event in events]

    def withdrawal(self) -> Message:
        """Return what removes the discovery document, and with it the meter from Home Assistant."""
        self.document = self.document.without_obsolete()
        return Message(self._topics.discovery(self._id), b"")

    def status(self, health: Health | None, *, available: bool) -> list[Message]:
        """Return availability, and how reading goes where that is known."""
        word = ONLINE if available else OFFLINE
        messages = [Message(self._topics.availability(self._id), word.encode())]
        if health is not None:
            messages.append(Message(self._topics.health(self._id), health_state(health)))
        return messages
