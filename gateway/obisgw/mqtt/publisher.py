"""The gateway's side of MQTT: readings and events out, commands in, Home Assistant kept informed."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING, Final

from obisgw.readings.shown import Command, GatewayInfo, MeterOptions

from .discovery import gateway_document
from .link import BrokerLink
from .meter import MeterTopics
from .outbox import Message
from .states import gateway_state
from .topics import OFFLINE, ONLINE, Topics

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from obisgw.config.table import MqttSettings
    from obisgw.errors import SinkError
    from obisgw.readings.derive import Derived, MeterEvent
    from obisgw.readings.reading import Health, MeterIdentity, Reading

_LOG = logging.getLogger("obisgw.mqtt")

# Home Assistant needs a moment to take a changed document before it can use what is in it.
_SETTLING: Final = 1.0
# A document takes some milliseconds to make. Of dozens of meters that are new together, others are just being read.
_DOCUMENTS_APART: Final = 0.05
# So that not all devices answer at once when Home Assistant announces itself.
_LONGEST_ANNOUNCEMENT_DELAY: Final = 5.0


class Publisher:
    """Publishes the meters that were added. All methods are for the event loop's thread; none of them blocks.

    ``on_command`` is called with a meter's id and what is asked of it. A broker that acknowledges nothing for
    ``acknowledge_timeout`` seconds is left and tried again.
    """

    def __init__(
        self,
        settings: MqttSettings,
        gateway: GatewayInfo,
        on_command: Callable[[str, Command], None],
        *,
        acknowledge_timeout: float = 20.0,
    ) -> None:
        self._settings = settings
        self._gateway = gateway
        self._on_command = on_command
        self._topics = Topics(settings.base_topic, settings.discovery_prefix)
        will = Message(self._topics.availability(gateway.id), OFFLINE.encode())
        client_id = f"obis_gateway_{gateway.id}"
        self._link = BrokerLink(settings, client_id, will, self._received, acknowledge_timeout)
        self._meters: dict[str, MeterTopics] = {}
        self._slots: dict[str, tuple[MeterIdentity, MeterOptions]] = {}
        self._adopted: frozenset[str] = frozenset()
        self._gateway_announced = False
        self._gateway_withdrawal: asyncio.TimerHandle | None = None
        self._last_read: datetime | None = None
        self._settling: dict[str, tuple[asyncio.TimerHandle, list[Message]]] = {}
        self._announcement: asyncio.TimerHandle | None = None
        self._new: dict[str, list[Message]] = {}
        """Meters whose first document is still to be published, with what comes after it."""
        self._introduction: asyncio.TimerHandle | None = None

    @property
    def connected(self) -> asyncio.Event:
        """Set while the broker takes our messages."""
        return self._link.connected

    @property
    def problem(self) -> SinkError | None:
        """Why the broker does not take our messages; None while it does, and before the first attempt."""
        return self._link.problem

    async def start(self) -> None:
        """Begin to connect, and go on until ``stop``. Returns at once; a missing broker is no error."""
        if self._settings.discovery:
            self._put_gateway_document()
        else:
            self._link.subscribe(self._topics.discovery(self._gateway.id))
        self._link.put(Message(self._topics.availability(self._gateway.id), ONLINE.encode()))
        self._put_gateway_state()
        self._link.subscribe(self._topics.commands)
        if self._settings.discovery:
            self._link.subscribe(self._topics.home_assistant)
        self._link.start()

    async def stop(self) -> None:
        """Publish ``offline`` and everything that waits, as far as one second allows, and sign off."""
        if self._announcement is not None:
            self._announcement.cancel()
        if self._gateway_withdrawal is not None:
            self._gateway_withdrawal.cancel()
        while self._new:
            self._introduce()
        for meter_id in list(self._settling):
            self._settled(meter_id)
        await self._link.stop()

    def meter_added(self, meter: MeterIdentity, options: MeterOptions) -> None:
        """Publish this meter from now on, or with other options; it replaces the meter in its slot.

        A meter that answers in two slots, on a shared line or at two heads, stays one device, with its first options.

        Its document appears with its first reading, or when the broker returns the one of an earlier run.
        """
        slot = options.slot
        before = None if slot is None else self._slots.get(slot)
        if slot is not None:
            self._slots[slot] = meter, options
        if (known := self._meters.get(meter.id)) is None:
            self._meters[meter.id] = MeterTopics(meter, options, self._gateway, self._topics)
            if self._settings.discovery:
                # The state first, so that it is known when the document of an earlier run is published changed.
                self._link.subscribe(self._topics.state(meter.id))
            self._link.subscribe(self._topics.discovery(meter.id))
        elif known.slot == slot or not self._stands_in(known.slot, meter.id):
            self._reconfigure(known, meter, options)
        if before is not None and before[0].id != meter.id:
            self._left(before[0].id)
        self._put_gateway_document()
        self._put_gateway_state()

    def _stands_in(self, slot: str | None, meter_id: str) -> bool:
        """Tell whether a meter was last seen in this slot."""
        return slot is not None and slot in self._slots and self._slots[slot][0].id == meter_id

    def _left(self, meter_id: str) -> None:
        """Take a meter for gone from its slot: it answers in another one, or nowhere."""
        if (known := self._meters.get(meter_id)) is None or self._stands_in(known.slot, meter_id):
            return
        for meter, options in self._slots.values():
            if meter.id == meter_id:
                self._reconfigure(known, meter, options)
                return
        self._settled(meter_id)
        self._link.put(*known.status(None, available=False))
        self._unsubscribe(meter_id)
        del self._meters[meter_id]

    def _reconfigure(self, known: MeterTopics, meter: MeterIdentity, options: MeterOptions) -> None:
        if known.reconfigured(meter, options):
            self._put_discovery(known)

    def slot_removed(self, slot: str) -> None:
        """Forget a slot: its meter has another one, with a new name or on a shared line, or is removed as well."""
        if (held := self._slots.pop(slot, None)) is not None:
            self._left(held[0].id)

    def meter_removed(self, meter_id: str) -> None:
        """Remove a meter from Home Assistant and from the broker; also one of an earlier run."""
        if (settling := self._settling.pop(meter_id, None)) is not None:
            settling[0].cancel()
        known = self._meters.pop(meter_id, None)
        self._slots = {slot: held for slot, held in self._slots.items() if held[0].id != meter_id}
        self._unsubscribe(meter_id)
        names = (self._topics.discovery, self._topics.state, self._topics.health, self._topics.availability)
        self._link.put(*(Message(name(meter_id), b"") for name in names))
        if known is not None:
            self._link.put(*(Message(topic, b"") for topic in known.value_topics))
        self._put_gateway_document()
        self._put_gateway_state()

    def publish_reading(self, reading: Reading, derived: Derived, health: Health) -> None:
        """Publish all registers of a proved telegram of a meter that was added, and what follows from them."""
        meter_id = reading.meter.id
        if not reading.telegram.proved:
            raise ValueError(f"a reading of {meter_id} is not proved and must not be published")
        meter = self._meters[meter_id]
        self._link.unsubscribe(self._topics.state(meter_id))
        new = not meter.document.registers
        grew, state = meter.read(reading, derived, tree=self._settings.topic_tree)
        events = meter.events(*derived.events)
        if grew and self._announced(meter_id):
            # The entities of a new document get the retained state when they appear; events are not retained. A
            # grown document may bring values, such as another tariff, that the entities do not know before it.
            if new:
                self._link.put(*state)
                self._new[meter_id] = list(events)
                if self._introduction is None:
                    self._introduction = asyncio.get_running_loop().call_later(0, self._introduce)
            else:
                self._put_discovery(meter)
                self._settle(meter_id, list(events))
        elif meter_id in self._new:
            self._link.put(*state)
            self._new[meter_id].extend(events)
        elif meter_id in self._settling:
            self._settle(meter_id, [*state, *events])
        else:
            self._link.put(*state, *events)
        self._link.put(*meter.status(health, available=True))
        self._last_read = reading.at
        self._put_gateway_state()

    def publish_update(self, reading: Reading, derived: Derived) -> None:
        """Publish a reading of which only some registers are new: its state, where it has one already."""
        meter_id = reading.meter.id
        if not reading.telegram.proved:
            raise ValueError(f"a reading of {meter_id} is not proved and must not be published")
        meter = self._meters[meter_id]
        if not meter.document.registers:
            return  # Its first full reading is not published yet; it brings all.
        grew, state = meter.read(reading, derived, tree=self._settings.topic_tree, changed_only=True)
        events = meter.events(*derived.events)
        if grew and self._announced(meter_id):
            self._put_discovery(meter)
            self._settle(meter_id, list(events))
        elif meter_id in self._new:
            self._link.put(*state)
            self._new[meter_id].extend(events)
        elif meter_id in self._settling:
            self._settle(meter_id, [*state, *events])
        else:
            self._link.put(*state, *events)

    def publish_event(self, meter_id: str, event: MeterEvent) -> None:
        """Publish what happened to a meter apart from a reading."""
        messages = self._meters[meter_id].events(event)
        if meter_id in self._new:
            self._new[meter_id].extend(messages)
        elif meter_id in self._settling:
            self._settle(meter_id, messages)
        else:
            self._link.put(*messages)

    def adopt(self, meter_ids: frozenset[str]) -> None:
        """Withdraw the discovery documents of these meters, which Home Assistant's integration shows; states go on.

        Meters that are no more among them are announced again. Configured otherwise, all stay announced.
        """
        if self._settings.announce_adopted or not self._settings.discovery:
            return
        changed, self._adopted = self._adopted ^ meter_ids, meter_ids
        # Before the meters that belong to it, and withdrawn after them.
        self._put_gateway_document()
        for meter_id, meter in self._meters.items():
            if meter_id not in changed:
                continue
            if meter_id in meter_ids:
                self._settled(meter_id)
                self._link.put(meter.withdrawal())
            else:
                self._put_discovery(meter)

    def _announced(self, meter_id: str) -> bool:
        """Tell whether Home Assistant is told of a meter by MQTT."""
        return self._settings.discovery and meter_id not in self._adopted

    def _put_gateway_document(self) -> None:
        """Announce the gateway itself, unless the integration shows all its meters, and thus the gateway."""
        if not self._settings.discovery:
            return
        if self._gateway_withdrawal is not None:
            self._gateway_withdrawal.cancel()
            self._gateway_withdrawal = None
        if self._meters.keys() - self._adopted or not self._adopted:
            if not self._gateway_announced:
                self._gateway_announced = True
                document = gateway_document(self._gateway, self._topics)
                self._link.put(Message(self._topics.discovery(self._gateway.id), document))
        elif self._meters:
            # At a start, meters that are not adopted may still be added.
            loop = asyncio.get_running_loop()
            self._gateway_withdrawal = loop.call_later(_SETTLING, self._withdraw_gateway)

    def _withdraw_gateway(self) -> None:
        self._gateway_withdrawal = None
        self._gateway_announced = False
        self._link.put(Message(self._topics.discovery(self._gateway.id), b""))

    def meter_available(self, meter_id: str, available: bool, health: Health) -> None:  # noqa: FBT001 - said by the call
        """Publish whether a meter can be read, and how reading it goes."""
        self._link.put(*self._meters[meter_id].status(health, available=available))

    def _put_gateway_state(self) -> None:
        state = gateway_state(self._gateway, len(self._meters), self._last_read)
        self._link.put(Message(self._topics.state(self._gateway.id), state))

    def _unsubscribe(self, meter_id: str) -> None:
        self._link.unsubscribe(self._topics.discovery(meter_id))
        self._link.unsubscribe(self._topics.state(meter_id))

    def _put_discovery(self, meter: MeterTopics) -> None:
        """Publish a changed document, and the state again a moment later.

        Home Assistant takes changed entities that can expire for unavailable until their next state.
        """
        self._put_document(meter)
        if self._announced(meter.document.meter.id) and meter.document.registers:
            self._settle(meter.document.meter.id, meter.state)

    def _put_document(self, meter: MeterTopics) -> None:
        if meter.document.full:
            problem = f"{meter.document.meter.id} has printed more registers than are published"
            self._link.say_once(problem, "the meter or its line is faulty; look at 'obis-gateway read --explain'")
        if self._announced(meter.document.meter.id) and meter.document.registers:
            self._link.put(meter.discovery())

    def _introduce(self) -> None:
        """Publish the first document of one new meter, and of the next a moment later."""
        if self._introduction is not None:
            self._introduction.cancel()
            self._introduction = None
        if not self._new:
            return
        meter_id = next(iter(self._new))
        events = self._new.pop(meter_id)
        if (meter := self._meters.get(meter_id)) is not None:
            self._put_document(meter)
            self._settle(meter_id, events)
        if self._new:
            self._introduction = asyncio.get_running_loop().call_later(_DOCUMENTS_APART, self._introduce)

    def _settle(self, meter_id: str, messages: list[Message]) -> None:
        """Publish these messages a moment later, in order."""
        if not messages:
            return
        if meter_id in self._settling:
            self._settling[meter_id][1].extend(messages)
            return
        timer = asyncio.get_running_loop().call_later(_SETTLING, self._settled, meter_id)
        self._settling[meter_id] = timer, list(messages)

    def _settled(self, meter_id: str) -> None:
        timer, messages = self._settling.pop(meter_id, (None, []))
        if timer is not None:
            timer.cancel()
        self._link.put(*messages)

    def _received(self, topic: str, payload: bytes, retained: bool) -> None:  # noqa: FBT001 - as paho's callbacks
        if topic == self._topics.home_assistant:
            if payload == b"online" and not retained:
                self._announce_later()
        elif (meter_id := self._topics.device_of_command(topic)) is not None:
            self._command(meter_id, payload, retained=retained)
        elif retained and payload:
            self._take_over(topic, payload)

    def _announce_later(self) -> None:
        if self._announcement is not None:
            self._announcement.cancel()
        delay = random.uniform(0, _LONGEST_ANNOUNCEMENT_DELAY)  # noqa: S311 - no secret
        self._announcement = asyncio.get_running_loop().call_later(delay, self._link.repeat)

    def _take_over(self, topic: str, payload: bytes) -> None:
        """Take over from document and state of an earlier run what this one has not seen yet.

        Without discovery, remove the document.
        """
        for meter_id, meter in self._meters.items():
            if topic == self._topics.state(meter_id):
                if meter.take_over_state(payload) and meter.document.registers:
                    self._settle(meter_id, meter.state)
                return
        if not self._settings.discovery:
            self._link.put(Message(topic, b""))
            return
        for meter_id, meter in self._meters.items():
            if topic != self._topics.discovery(meter_id):
                continue
            changed = meter.take_over(payload)
            if not self._announced(meter_id):
                self._link.put(meter.withdrawal())
            elif changed:
                self._put_discovery(meter)

    def _command(self, meter_id: str, payload: bytes, *, retained: bool) -> None:
        if meter_id not in self._meters:
            return  # of another gateway at this broker
        if retained:
            problem = f"a retained command for {meter_id} was ignored: it would be repeated at every connection"
            topic = self._topics.command(meter_id)
            self._link.say_once(problem, f"publish commands without retain; remove it by an empty one at {topic}")
            return
        try:
            command = Command(payload.decode())
        except ValueError:
            self._link.say_once(f"an unknown command for {meter_id} was ignored", f"known: {', '.join(Command)}")
            return
        # Not from within paho: what the service does with it is not the broker's doing.
        asyncio.get_running_loop().call_soon(self._on_command, meter_id, command)
