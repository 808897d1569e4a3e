"""Messages that the broker has missed, in their order and at their right times."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, NamedTuple

from . import waiting
from .rows import MissedRow
from .timeline import JUMP

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .clocks import Clocks
    from .writer import Writer

_log = logging.getLogger(__name__)

WAITS_FOR_TIME: Final = 1800.0
"""Seconds since the machine's start for which messages wait for its clock to be set."""


class MissedMessage(NamedTuple):
    """A message as it was to be published. ``number`` is negative while the file has not taken it.

    ``said_at``: Unix time of its reading as the machine's clock had it then; ``at``: the right one, where that was wrong.
    """

    number: int
    meter: str
    payload: bytes
    said_at: float
    at: float | None


class Messages:
    """What `mqtt.backlog.Missed` asks for, out of the file."""

    def __init__(self, writer: Writer, clocks: Clocks) -> None:
        self._writer = writer
        self._clocks = clocks
        self._said_dropped = False
        self._unwritten: dict[int, MissedRow] = {}
        self._handed_out = 0
        self.held = False
        """Whether some wait until it is known when they were."""

    def miss(self, meter: str, at: float, steady: float | None, payload: bytes) -> None:
        """Keep a message. ``at``: Unix time of its reading as it says itself; ``steady``: since the machine's start."""
        self._writer.batch.missed.append(MissedRow(meter, at, steady, payload))

    def caught_up(self, meter: str, at: float) -> None:
        """Forget a message that was kept, and that the broker has got as the newest after all."""
        missed = self._writer.batch.missed
        for row in missed:
            if (row.meter, row.at) == (meter, at):
                missed.remove(row)
                return
        self._writer.batch.caught_up.append((meter, at))

    async def missed(self, after: int, most: int) -> list[MissedMessage]:
        """Return the oldest messages behind number ``after``. Those whose time is not known yet wait longer."""
        writer = self._writer
        self._clocks.look()
        async with writer.lock:
            pending = writer.batch.missed or writer.batch.caught_up
            written = not pending or await writer.flush_locked()
            rows = await writer.read(lambda database: waiting.missed(database, writer.boot, after, most)) or []
            if not rows and not written:
                rows = [self._kept(row) for row in writer.batch.missed[:most]]
        if writer.dropped and not self._said_dropped:
            self._said_dropped = True
            _log.warning("the broker was away for so long that the oldest readings kept for it were dropped")
        timed = self._clocks.known or self._clocks.steady() >= WAITS_FOR_TIME
        self.held = not timed and any(kept.here for kept in rows)
        return [self._right(kept) for kept in rows if timed or not kept.here]

    def _kept(self, row: MissedRow) -> waiting.Kept:
        """Return a message that the file does not take, under a number of its own."""
        self._handed_out -= 1
        self._unwritten[self._handed_out] = row
        return waiting.Kept(self._handed_out, row)

    def _right(self, kept: waiting.Kept) -> MissedMessage:
        row, at = kept.row, None
        if kept.here and row.steady is not None and self._clocks.known:
            at = self._clocks.unix(row.steady)
        moved = at is not None and abs(at - row.at) > JUMP
        return MissedMessage(kept.number, row.meter, row.payload, row.at, at if moved else None)

    async def delivered(self, numbers: Iterable[int]) -> None:
        """Forget messages that the broker has."""
        written = []
        for number in numbers:
            if (row := self._unwritten.pop(number, None)) is None:
                written.append(number)
            elif row in self._writer.batch.missed:
                self._writer.batch.missed.remove(row)
            else:
                # It was written meanwhile.
                self._writer.batch.caught_up.append((row.meter, row.at))
        self._unwritten.clear()
        if written:
            await self._writer.read(lambda database: waiting.delivered(database, written))
