"""Readings that the broker has missed: kept elsewhere, and delivered in their order when it is back.

The state topic only ever carries the newest reading; these go to a topic of their own. What waits for a broker that is
away is kept at once, so that nothing is lost with the process; what arrives as the newest after all is kept no more.
"""

from __future__ import annotations

import asyncio
from itertools import takewhile
from typing import TYPE_CHECKING, Final, Protocol

from .outbox import Message
from .states import with_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .topics import Topics

_FETCHED: Final = 100
"""Messages that are fetched, and forgotten, in one go."""

_AT_ONCE: Final = 6
"""Messages on their way to the broker: there is always room for a new reading."""

_LOOK_AGAIN: Final = 60.0
"""Seconds between two looks at messages of which it is not known yet when they were."""


class MissedMessage(Protocol):
    """A message that was kept. ``number`` rises with the order in which they were, or is negative."""

    @property
    def number(self) -> int: ...  # noqa: D102 - see above
    @property
    def meter(self) -> str:
        """The meter's id."""

    @property
    def payload(self) -> bytes:
        """The state as it was to be published."""

    @property
    def said_at(self) -> float:
        """When the reading was, by the machine's clock at that time; Unix seconds."""

    @property
    def at(self) -> float | None:
        """When the reading was, where that clock was wrong; Unix seconds."""


class Missed(Protocol):
    """Where messages are kept, over restarts too."""

    @property
    def held(self) -> bool:
        """Whether there are messages that ``missed`` does not return yet."""

    def miss(self, meter: str, at: float, steady: float | None, payload: bytes) -> None:
        """Keep one; times as in ``outbox.Origin``. Does not block."""

    def caught_up(self, meter: str, at: float) -> None:
        """Forget one, which has become the newest after all. Does not block."""

    async def missed(self, after: int, most: int) -> Sequence[MissedMessage]:
        """Return the oldest ones behind a number."""

    async def delivered(self, numbers: Iterable[int]) -> None:
        """Forget these."""


class Backlog:
    """Keeps what the broker misses, and hands it on while the broker takes messages."""

    def __init__(self, missed: Missed, topics: Topics, put: Callable[[Message], None]) -> None:
        self._missed = missed
        self._topics = topics
        self._put = put
        self._hopeful: set[tuple[str, int]] = set()
        """Readings that are kept, and may still arrive as the newest: the meter, and when, in milliseconds."""
        self._caught_up: set[tuple[str, int]] = set()
        """Those that have arrived as the newest since messages were last asked for."""
        self._after = 0
        self._tokens = 0
        self._under_way: dict[int, MissedMessage] = {}
        self._arrived: list[int] = []
        self._progress = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self, connected: asyncio.Event) -> None:
        """Begin to deliver whenever ``connected`` is set."""
        self._task = asyncio.create_task(self._run(connected), name="mqtt backlog")

    async def stop(self) -> None:
        """Deliver no more; what is under way and not acknowledged is delivered again by the next start."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait((task,))

    # --- what the link tells

    def waits(self, message: Message) -> None:
        """Keep the newest reading of a meter while the broker is away."""
        origin = message.reading_of
        if origin is not None and (name := _name(origin.meter, origin.at)) not in self._hopeful:
            self._hopeful.add(name)
            self._missed.miss(*origin, message.payload)

    def overtaken(self, message: Message) -> None:
        """Keep a reading in whose place a newer one came."""
        origin = message.reading_of
        if origin is None:
            return
        if (name := _name(origin.meter, origin.at)) in self._hopeful:
            self._hopeful.remove(name)
        else:
            self._missed.miss(*origin, message.payload)
        self._progress.set()

    def delivered(self, message: Message) -> None:
        """Note that the broker has a message, or will never take it."""
        origin = message.reading_of
        if origin is not None and (name := _name(origin.meter, origin.at)) in self._hopeful:
            self._hopeful.remove(name)
            self._caught_up.add(name)
            self._missed.caught_up(origin.meter, origin.at)
            self._progress.set()
        if message.kept_as is not None and (arrived := self._under_way.pop(message.kept_as, None)) is not None:
            self._arrived.append(arrived.number)
            self._progress.set()

    def lost(self) -> None:
        """Note that the connection is gone, and with it what was under way."""
        self._progress.set()

    # --- delivering

    async def _run(self, connected: asyncio.Event) -> None:
        while True:
            await connected.wait()
            self._progress.clear()
            if messages := await self._fetched():
                await self._deliver(messages, connected)
                continue
            try:
                async with asyncio.timeout(_LOOK_AGAIN if self._missed.held else None):
                    await self._progress.wait()
            except TimeoutError:
                continue

    async def _fetched(self) -> list[MissedMessage]:
        """Return the next messages, up to one that may still arrive as the newest."""
        self._caught_up.clear()
        messages = await self._missed.missed(self._after, _FETCHED)
        past = takewhile(lambda one: _name(one.meter, one.said_at) not in self._hopeful, messages)
        return [one for one in past if _name(one.meter, one.said_at) not in self._caught_up]

    async def _deliver(self, messages: list[MissedMessage], connected: asyncio.Event) -> None:
        """Deliver messages one after the other, and forget those that have arrived, also when it is interrupted."""
        rest = iter(messages)
        left = len(messages)
        self._under_way.clear()
        try:
            while connected.is_set() and left > len(self._arrived):
                self._progress.clear()
                while len(self._under_way) < _AT_ONCE and (message := next(rest, None)) is not None:
                    self._hand_on(message)
                if left > len(self._arrived):
                    await self._progress.wait()
        finally:
            self._under_way.clear()
            arrived, self._arrived = self._arrived, []
            if len(arrived) == left:
                self._after = max(self._after, messages[-1].number)
            if arrived:
                await self._missed.delivered(arrived)

    def _hand_on(self, message: MissedMessage) -> None:
        self._tokens += 1
        self._under_way[self._tokens] = message
        payload = message.payload if message.at is None else with_time(message.payload, message.at)
        topic = self._topics.history(message.meter)
        self._put(Message(topic, payload, retain=False, kept_as=self._tokens))


def _name(meter: str, at: float) -> tuple[str, int]:
    return meter, round(at * 1000)
