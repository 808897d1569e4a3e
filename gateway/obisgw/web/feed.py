"""What the API knows of the meters, and every change of it as a numbered message.

A publisher among the service's others. Each message is made and written once, whatever the number of clients: they read
it from one ring, each at its own pace, so that a client that was away gets what it missed and a slow one costs nothing.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from obisgw.readings.published import published
from obisgw.readings.reading import Health

from .documents import (
    Json,
    event_document,
    health_document,
    identity_document,
    reading_document,
    register_document,
    thresholds_document,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from obisgw.readings.derive import Derived, MeterEvent
    from obisgw.readings.reading import MeterIdentity, Reading
    from obisgw.readings.shown import MeterOptions

RING: Final = 2000
RING_CHARACTERS: Final = 8_000_000
"""Some hours of a household meter; thousands of registers must not fill the memory."""

MOST_REGISTERS: Final = 1000
"""Meters print up to some 300. More are a fault, and a document must not grow without end."""


class Kind(StrEnum):
    """The kinds of numbered messages."""

    READING = "reading"
    AVAILABILITY = "availability"
    EVENT = "event"
    METER = "meter"
    METER_REMOVED = "meter_removed"


@dataclass(frozen=True, slots=True)
class Message:
    """One change. ``text`` is the JSON object as it is sent."""

    sequence: int
    kind: Kind
    meter: str
    text: str


@dataclass(slots=True)
class _Meter:
    """What is known of one meter. Its registers only grow while it is the same."""

    identity: MeterIdentity
    options: MeterOptions
    registers: dict[str, Json] = field(default_factory=dict)
    tariffs: tuple[str, ...] = ()
    available: bool | None = None
    problem: str | None = None
    replaced_by: str | None = None
    reading: Json | None = None
    health: Health = field(default_factory=Health)


class Feed:
    """All meters and the newest messages. ``stream`` names this run: sequences count from 1 in it.

    ``of_clients`` tells which of a meter's threshold ids come from clients and not from the configuration. All methods
    are for the event loop's thread; none of them waits but ``changed``.
    """

    def __init__(self, of_clients: Callable[[str], Iterable[str]] = lambda _: ()) -> None:
        self.stream = secrets.token_hex(8)
        self.sequence = 0
        self._of_clients = of_clients
        self._meters: dict[str, _Meter] = {}
        self._slots: dict[str, str] = {}
        self._ring: deque[Message] = deque()
        self._characters = 0
        self._change = asyncio.Event()

    # --- what clients ask

    @property
    def meters(self) -> tuple[str, ...]:
        """The ids of all meters, in the order of their appearance."""
        return tuple(self._meters)

    def __contains__(self, meter_id: object) -> bool:
        return meter_id in self._meters

    def meter(self, meter_id: str) -> Json | None:
        """Return all that is known of a meter, None of an unknown one."""
        known = self._meters.get(meter_id)
        if known is None:
            return None
        return {
            **identity_document(known.identity, known.options),
            "available": known.available is True,
            "problem": known.problem,
            "replaced_by": known.replaced_by,
            "tariffs": list(known.tariffs),
            "registers": list(known.registers.values()),
            "thresholds": thresholds_document(known.options.thresholds, self._of_clients(meter_id)),
            "reading": known.reading,
            "health": health_document(known.health),
        }

    def on_request(self, meter_id: str) -> bool:
        """Tell whether a meter can be asked; those that send by themselves can not."""
        return self._meters[meter_id].options.on_request

    def holds(self, stream: object, since: int) -> bool:
        """Tell whether every message of ``stream`` behind ``since`` is still here."""
        oldest = self._ring[0].sequence if self._ring else self.sequence + 1
        return stream == self.stream and oldest - 1 <= since <= self.sequence

    def after(self, sequence: int) -> Iterator[Message]:
        """Yield the messages behind ``sequence``, oldest first; see ``holds``."""
        if not self._ring or sequence >= self.sequence:
            return
        first = max(0, sequence + 1 - self._ring[0].sequence)
        # A client reads while messages come: the ring may not change under an iterator.
        yield from [self._ring[place] for place in range(first, len(self._ring))]

    async def changed(self, since: int) -> None:
        """Return as soon as there is a message behind ``since``."""
        while self.sequence <= since:
            await self._change.wait()

    # --- what the service tells (service.edges.PublisherEdge)

    def meter_added(self, meter: MeterIdentity, options: MeterOptions) -> None:
        """Show this meter from now on, or with other options; it replaces another one in its slot."""
        before = None if options.slot is None else self._slots.get(options.slot)
        if options.slot is not None:
            self._slots[options.slot] = meter.id
        known = self._meters.get(meter.id)
        if known is None:
            known = self._meters[meter.id] = _Meter(meter, options)
            self._tell_meter(known)
        elif (known.identity, known.options) != (meter, options) and (
            known.options.slot == options.slot or self._slots.get(known.options.slot or "") != meter.id
        ):
            # A meter that answers in two slots stays one, with its first options.
            known.identity, known.options, known.replaced_by = meter, options, None
            self._tell_meter(known)
        elif known.replaced_by is not None:
            known.replaced_by = None
            self._tell_meter(known)
        if before is not None and before != meter.id and before not in self._slots.values():
            self._replaced(before, meter.id)

    def slot_removed(self, slot: str) -> None:
        """Forget a name of the configuration; its meter is known by another one, or was removed."""
        self._slots.pop(slot, None)

    def meter_removed(self, meter_id: str) -> None:
        """Remove a meter that is configured no more."""
        self._slots = {slot: known for slot, known in self._slots.items() if known != meter_id}
        if self._meters.pop(meter_id, None) is not None:
            self._tell(Kind.METER_REMOVED, meter_id, {})

    def publish_reading(self, reading: Reading, derived: Derived, health: Health) -> None:
        """Show a reading. New registers and tariffs are told before it."""
        known = self._meters[reading.meter.id]
        items = tuple(published(reading.registers))
        if self._grown(known, reading, derived):
            self._tell_meter(known)
        if any(item.component not in known.registers for item in items):
            items = tuple(item for item in items if item.component in known.registers)
        known.reading = reading_document(reading, items, derived)
        known.health, known.available, known.problem = health, True, None
        body = {"reading": known.reading, "health": health_document(health)}
        self._tell(Kind.READING, reading.meter.id, body)
        for event in derived.events:
            self.publish_event(reading.meter.id, event)

    def publish_update(self, reading: Reading, derived: Derived) -> None:
        """Show a reading of which only some registers are new."""
        self.publish_reading(reading, derived, self._meters[reading.meter.id].health)

    def publish_event(self, meter_id: str, event: MeterEvent) -> None:
        """Tell what happened to a meter."""
        self._tell(Kind.EVENT, meter_id, event_document(event))

    def meter_available(self, meter_id: str, available: bool, health: Health) -> None:  # noqa: FBT001 - as the edge
        """Tell whether a meter can be read."""
        known = self._meters[meter_id]
        known.health, known.available = health, available
        known.problem = None if available else (health.last_error or "not read yet")
        self._tell_availability(known)

    # --- inside

    def _grown(self, known: _Meter, reading: Reading, derived: Derived) -> bool:
        """Take over what is new of registers and tariffs; tell whether anything is."""
        changed = derived.tariffs != known.tariffs and bool(derived.tariffs)
        if changed:
            known.tariffs = derived.tariffs
        for item in published(reading.registers):
            before = known.registers.get(item.component)
            unit = item.register.description.unit
            # A meter may leave the unit out for once; what is gained stays, and a unit that changes is told.
            if before is None and len(known.registers) >= MOST_REGISTERS:
                continue
            if before is None or (unit is not None and unit != before["unit"]):
                known.registers[item.component] = register_document(item)
                changed = True
        return changed

    def _replaced(self, meter_id: str, by: str) -> None:
        if (known := self._meters.get(meter_id)) is not None:
            known.available, known.problem, known.replaced_by = False, f"meter {by} stands in its place", by
            self._tell_availability(known)
            self._tell_meter(known)

    def _tell_availability(self, known: _Meter) -> None:
        body = {
            "available": known.available is True,
            "problem": known.problem,
            "health": health_document(known.health),
        }
        self._tell(Kind.AVAILABILITY, known.identity.id, body)

    def _tell_meter(self, known: _Meter) -> None:
        self._tell(Kind.METER, known.identity.id, {"description": self.meter(known.identity.id)})

    def _tell(self, kind: Kind, meter_id: str, body: Json) -> None:
        self.sequence += 1
        document = {"type": kind.value, "sequence": self.sequence, "meter": meter_id, **body}
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        self._ring.append(Message(self.sequence, kind, meter_id, text))
        self._characters += len(text)
        while len(self._ring) > RING or (self._characters > RING_CHARACTERS and len(self._ring) > 1):
            self._characters -= len(self._ring.popleft().text)
        changed, self._change = self._change, asyncio.Event()
        changed.set()
