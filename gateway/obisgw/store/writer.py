"""Rows that wait for the file, and their way into it: one transaction after the other, each whole or not at all."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar

from . import waiting
from .file import File
from .rows import Batch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .database import Database

_T = TypeVar("_T")

MOST_READINGS: Final = 1000
MOST_POINTS: Final = 20_000
"""Rows that wait in memory while the file takes none: a day of readings, weeks of quarter hours; some 15 MB."""


class Writer:
    """Collects rows in ``batch`` and writes them. ``boot`` names this run of the machine.

    Hold ``lock`` to read what is to be followed by rows of one's own, and use ``flush_locked`` then.
    """

    def __init__(self, path: Path, boot: str, most_missed: int) -> None:
        self.boot = boot
        self.batch = Batch()
        self.lock = asyncio.Lock()
        self.dropped = 0
        """Missed messages that were too many."""
        self._file = File(path)
        self._most_missed = most_missed

    @property
    def problem(self) -> str | None:
        """What is wrong with the file, None when all is well."""
        return self._file.problem

    def state(self) -> dict[str, object]:
        """Return how it goes with the file: its trouble, its size in bytes, and the rows that wait for it."""
        batch = self.batch
        waiting_rows = len(batch.points) + len(batch.readings) + len(batch.missed) + len(batch.unplaced)
        return {"problem": self.problem, "bytes": self._file.size(), "waiting": waiting_rows, "dropped": self.dropped}

    async def read(self, work: Callable[[Database], _T]) -> _T | None:
        """Return what ``work`` returns in the file's thread, None where the file has trouble."""
        return await self._file.do(work)

    async def flush(self) -> bool:
        """Write what waits now; what cannot be written goes on waiting. Tells whether all is written."""
        async with self.lock:
            return await self.flush_locked()

    async def flush_locked(self) -> bool:
        """Write what waits now, for whoever holds the lock."""
        batch, self.batch = self.batch, Batch()
        if not batch:
            return True

        def settle(done: asyncio.Future[int | None]) -> None:
            if done.cancelled() or done.exception() is not None:
                return  # A fault of the program: the same rows would bring it about again.
            if (dropped := done.result()) is None:
                batch.extend(self.batch)
                batch.bound(MOST_READINGS, MOST_POINTS)
                self.batch = batch
            else:
                self.dropped += dropped

        writing = asyncio.ensure_future(self._file.do(lambda database: self._write(database, batch)))
        writing.add_done_callback(settle)
        # Whoever asked may be gone before the disk has answered: what comes of it is noted all the same.
        return await asyncio.shield(writing) is not None

    def _write(self, database: Database, batch: Batch) -> int:
        database.write(batch, self.boot)
        return waiting.bound_missed(database, self._most_missed) if batch.missed else 0

    async def close(self) -> None:
        """Write what waits and close the file."""
        await self.flush()
        await self._file.close()

    def close_at_once(self) -> None:
        """Have what waits written and the file closed, without waiting for the disk; the program's end waits."""
        batch, self.batch = self.batch, Batch()
        self._file.close_at_once((lambda database: self._write(database, batch)) if batch else None)
