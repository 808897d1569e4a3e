"""The link to the broker for as long as the service runs: one connection at a time, made again whenever it is lost.

What is to be published waits in the outbox, of each topic only the newest; on every new connection all that is retained is
published again, since a broker may have lost it. A trouble is logged once, when it begins, with its remedy, and once when
it is over.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from typing import TYPE_CHECKING, Final, Protocol

from paho.mqtt.enums import MQTTProtocolVersion

from obisgw.errors import SinkError

from .connection import Connection, Handlers, broker_name
from .outbox import Outbox
from .refusals import BrokerRefusedError, BrokerSilentError, NoAnswerError, ProtocolRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from obisgw.config.table import MqttSettings

    from .outbox import Message

_LOG = logging.getLogger("obisgw.mqtt")

_SHORTEST_DELAY, _LONGEST_DELAY = 1.0, 30.0
# A refusal does not pass by itself, and some brokers lock out who knocks often.
_SHORTEST_REFUSED, _LONGEST_REFUSED = 30.0, 600.0
_STOP_TIMEOUT: Final = 1.0
_CHECKS: Final = 5.0
# A connection that held so long was good: the next trouble is a new one.
_GOOD_AFTER: Final = 60.0
_PACKET_OVERHEAD: Final = 32


class Keeper(Protocol):
    """Who keeps what the broker misses (``backlog.Backlog``)."""

    def waits(self, message: Message) -> None:
        """Keep the newest reading of a meter while the broker is away."""

    def overtaken(self, message: Message) -> None:
        """Keep a reading in whose place a newer one came."""

    def delivered(self, message: Message) -> None:
        """Note that the broker has a message, or will never take it."""

    def lost(self) -> None:
        """Note that the connection is gone."""


class BrokerLink:
    """Brings messages to the broker. For the event loop's thread; nothing here blocks.

    ``received`` is called with topic, payload and whether the message was retained. ``will`` is what the broker publishes
    when the link breaks, and what ``stop`` publishes last. ``keeper`` is told of readings that the broker misses.
    """

    def __init__(
        self,
        settings: MqttSettings,
        client_id: str,
        will: Message,
        received: Callable[[str, bytes, bool], None],
        acknowledge_timeout: float,
        keeper: Keeper | None = None,
    ) -> None:
        self._settings = settings
        self._client_id = client_id
        self._will = will
        self._handlers = Handlers(self._acknowledged, self._subscribed, received)
        self._keeper = keeper
        self._acknowledge_timeout = acknowledge_timeout
        self._where = broker_name(settings)
        self._outbox = Outbox()
        self._filters: dict[str, None] = {}
        self._connection: Connection | None = None
        self._protocol = MQTTProtocolVersion.MQTTv5
        self._task: asyncio.Task[None] | None = None
        self._drained = asyncio.Event()
        self._proved = False
        self._said_connected = False
        self._said: set[str] = set()
        self._dropped_events = 0
        self.connected = asyncio.Event()
        self.problem: SinkError | None = None

    def start(self) -> None:
        """Begin to connect."""
        self._task = asyncio.create_task(self._run(), name="mqtt")

    async def stop(self) -> None:
        """Publish the will and all that waits, as far as one second allows, and sign off."""
        self.put(self._will)
        if self._connection is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_STOP_TIMEOUT):
                    await self._drained.wait()
        # It may have been lost meanwhile.
        if self._connection is not None:
            self._connection.sign_off()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        if self._keeper is not None:
            for message in self._outbox.unpublished():
                self._keeper.waits(message)

    def put(self, *messages: Message) -> None:
        """Publish messages, now or when the broker can be reached."""
        for message in messages:
            self._outbox.put(message)
        self._flush()
        self._tell_overtaken()
        if self._keeper is not None and not self.connected.is_set():
            for message in messages:
                self._keeper.waits(message)

    def _tell_overtaken(self) -> None:
        overtaken, self._outbox.overtaken = self._outbox.overtaken, []
        if self._keeper is not None:
            for message in overtaken:
                self._keeper.overtaken(message)

    def repeat(self) -> None:
        """Publish all that is retained again."""
        self._outbox.repeat()
        self._flush()

    def subscribe(self, topic_filter: str) -> None:
        """Ask for messages on this and every later connection."""
        self._filters[topic_filter] = None
        if self._connection is not None:
            self._connection.subscribe(topic_filter)

    def unsubscribe(self, topic_filter: str) -> None:
        """Ask for no more messages of a filter."""
        if self._filters.pop(topic_filter, "") is None and self._connection is not None:
            self._connection.unsubscribe(topic_filter)

    def say_once(self, problem: str, hint: str) -> None:
        """Log a trouble with its remedy, unless it was logged since the link was last good."""
        if problem not in self._said:
            self._said.add(problem)
            _LOG.warning("%s", SinkError(problem, where=self._where, hint=hint))

    def _flush(self) -> None:
        """Hand as much to the broker as it may hold unacknowledged."""
        self._drained.clear()
        connection = self._connection
        if connection is None:
            self._note_dropped_events()
            return
        now = asyncio.get_running_loop().time()
        while self._outbox.unacknowledged < connection.limits.window and (message := self._outbox.take()) is not None:
            longest = connection.limits.packet
            if longest is not None and len(message.payload) + len(message.topic) + _PACKET_OVERHEAD > longest:
                problem = f"the message at {message.topic} is too long: the broker takes {longest} bytes"
                self.say_once(problem, "raise the broker's limit (mosquitto: max_packet_size)")
                self._settled(message)
                continue
            self._outbox.sent(connection.publish(message), message, now)
        if self._outbox.empty:
            self._drained.set()

    def _note_dropped_events(self) -> None:
        if (dropped := self._outbox.dropped_events) != self._dropped_events:
            self._dropped_events = dropped
            self.say_once("events were dropped: more happened than are kept while the broker is away", "see the log")

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        attempt = 0
        while True:
            began = loop.time()
            self._proved = False
            try:
                trouble = await self._connect_and_hold()
            except SinkError as error:
                trouble = error
            if isinstance(trouble, ProtocolRefusedError | NoAnswerError):
                # Brokers that do not know MQTT 5 say so, hang up, or stay mute.
                if self._protocol is MQTTProtocolVersion.MQTTv5:
                    self._protocol = MQTTProtocolVersion.MQTTv311
                    continue
                self._protocol = MQTTProtocolVersion.MQTTv5
            self._trouble(trouble)
            good = self._proved and loop.time() - began >= _GOOD_AFTER
            attempt = 0 if good else attempt + 1
            await asyncio.sleep(_delay(trouble, attempt))

    async def _connect_and_hold(self) -> SinkError:
        """Keep one connection for as long as it holds; returns why it ended."""
        connection = Connection(self._settings, self._client_id, self._will, self._protocol, self._handlers)
        try:
            limits = await connection.open()
            if not limits.retain:
                self.say_once("the broker keeps no retained messages", "allow them: Home Assistant needs them")
            self._connection = connection
            for topic_filter in self._filters:
                connection.subscribe(topic_filter)
            self.repeat()
            return await self._hold(connection)
        finally:
            self._connection = None
            self.connected.clear()
            connection.close()
            self._outbox.lost()
            self._tell_overtaken()
            if self._keeper is not None:
                self._keeper.lost()
                for message in self._outbox.unpublished():
                    self._keeper.waits(message)

    async def _hold(self, connection: Connection) -> SinkError:
        """Wait until the connection is lost or the broker stops to acknowledge."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while True:
            await asyncio.wait({connection.lost}, timeout=min(_CHECKS, self._acknowledge_timeout))
            if connection.lost.done():
                return connection.lost.result()
            connection.keep_alive()
            now, oldest = loop.time(), self._outbox.oldest_sent
            if oldest is not None and now - oldest > self._acknowledge_timeout:
                problem = "the broker takes messages and does not acknowledge them"
                hint = "look into the broker's log, and whether its disk is full"
                return BrokerSilentError(problem, where=self._where, hint=hint)
            if self._proved and now - began > _GOOD_AFTER:
                self._said.clear()

    def _acknowledged(self, mid: int, failure: str | None) -> None:
        message = self._outbox.acknowledged(mid)
        self._tell_overtaken()
        if message is not None:
            # Refused too: it would be refused again, and what comes behind it waits.
            self._settled(message)
        if failure is not None and message is not None:
            problem = f"the broker did not take the message at {message.topic}: {failure}"
            self.say_once(problem, "give this user the right to write there")
        self._prove()
        self._flush()

    def _settled(self, message: Message) -> None:
        if self._keeper is not None:
            self._keeper.delivered(message)

    def _subscribed(self, topic_filter: str, failure: str | None) -> None:
        if failure is not None:
            self.say_once(f"the broker refused {topic_filter}: {failure}", "give this user the right to read there")

    def _prove(self) -> None:
        """Note that the broker acknowledges: only now the connection is worth a word."""
        if self._proved:
            return
        self._proved = True
        self.problem = None
        self.connected.set()
        if not self._said_connected:
            self._said_connected = True
            version = "5" if self._protocol is MQTTProtocolVersion.MQTTv5 else "3.1.1"
            _LOG.info("%s: connected with MQTT %s", self._where, version)

    def _trouble(self, error: SinkError) -> None:
        self.problem = error
        kind = type(error).__name__
        if kind in self._said:
            _LOG.debug("%s", error)
            return
        self._said.add(kind)
        self._said_connected = False
        _LOG.error("%s", error)


def _delay(error: SinkError, attempt: int) -> float:
    """Return the seconds to wait: doubling, with a fifth of chance so that gateways do not fall in step."""
    refused = isinstance(error, BrokerRefusedError | ProtocolRefusedError)
    shortest, longest = (_SHORTEST_REFUSED, _LONGEST_REFUSED) if refused else (_SHORTEST_DELAY, _LONGEST_DELAY)
    doubled = shortest * 2.0 ** min(max(attempt - 1, 0), 16)
    return min(longest, doubled) * random.uniform(0.8, 1.0)  # noqa: S311 - no secret
