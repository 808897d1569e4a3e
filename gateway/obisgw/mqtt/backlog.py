"""Readings that the broker has missed: kept elsewhere, and delivered in their order when it is back.

The state topic only ever carries the newest reading; these go to a topic of their own.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol

from .outbox import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .topics import Topics

_AT_ONCE: Final = 20
"""Messages between two looks: what is new has its turn in between."""

_LOOK_AGAIN: Final = 30.0


class MissedMessage(Protocol):
    """A message that was kept: whose reading it is, and when that was (Unix seconds)."""

    @property
    def meter(self) -> str:
        """The meter's id."""

    @property
    def payload(self) -> bytes:
        """The state as it would have been published."""


class Missed(Protocol):
    """Where messages are kept, over restarts too."""

    def miss(self, meter: str, at: float, payload: bytes) -> None:
        """Keep one. Does not block."""

    async def missed(self, most: int) -> Sequence[tuple[int, MissedMessage]]:
        """Return the oldest ones with their numbers."""

    async def delivered(self, numbers: list[int]) -> None:
        """Forget these."""


class Backlog:
    """Hands on what was missed while the broker takes messages."""

    def __init__(self, missed: Missed, topics: Topics, put: Callable[[Message], None]) -> None:
        self._missed = missed
        self._topics = topics
        self._put = put
        self._under_way: set[int] = set()
        self._arrived: list[int] = []
        self._progress = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self, connected: asyncio.Event) -> None:
        """Begin to deliver whenever ``connected`` is set."""
        self._task = asyncio.create_task(self._run(connected), name="mqtt backlog")

    async def stop(self) -> None:
        """Deliver no more; what is under way is delivered again by the next start, unless it was acknowledged."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait((task,))
        await self._forget()

    def overtaken(self, message: Message) -> None:
        """Keep a reading in whose place a newer one came."""
        if message.reading_of is not None:
            self._missed.miss(*message.reading_of, message.payload)
            self._progress.set()

    def delivered(self, message: Message) -> None:
        """Note that the broker has a kept message."""
        if message.kept_as is not None:
            self._arrived.append(message.kept_as)
            self._under_way.discard(message.kept_as)
            self._progress.set()

    async def _run(self, connected: asyncio.Event) -> None:
        while True:
            await connected.wait()
            await self._forget()
            waiting = await self._missed.missed(_AT_ONCE)
            for number, one in waiting:
                if number not in self._under_way:
                    self._under_way.add(number)
                    self._put(Message(self._topics.history(one.meter), one.payload, retain=False, kept_as=number))
            self._progress.clear()
            try:
                async with asyncio.timeout(_LOOK_AGAIN):
                    await self._progress.wait()
            except TimeoutError:
                # A connection that was lost took its messages with it.
                self._under_way.clear()

    async def _forget(self) -> None:
        arrived, self._arrived = self._arrived, []
        if arrived:
            await self._missed.delivered(arrived)
