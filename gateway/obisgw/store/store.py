"""The store beside the event loop: what is recorded is written in batches by a thread of its own.

Trouble with the file never stops the reading of meters: a full disk keeps what is new in memory and is tried again, a
file that is damaged is set aside and begun anew. Each is said once.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from .database import Database, NewerDatabaseError
from .recorder import Recorder
from .rows import Batch, MissedRow

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from obisgw.readings.reading import Reading

    from .quality import Point
    from .rows import RegisterKey

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

MOST_READINGS: Final = 20_000
MOST_POINTS: Final = 100_000
"""Rows that wait in memory while the file takes none: days of a household's meters, some 30 MB at most."""

PRUNED_EVERY: Final = 86_400.0
_FULL: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY})
_DAMAGED: Final = frozenset(
    {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_ERROR}
)


@dataclass(frozen=True, slots=True)
class Keeping:
    """``flush``: seconds that a power failure may cost. Days for which each kind of row is kept."""

    flush: float = 30.0
    raw_days: int = 14
    quarter_days: int = 3 * 366
    hour_days: int = 20 * 366
    most_missed: int = 50_000


class Store:
    """Records readings and answers what they were. All methods are for the event loop's thread."""

    def __init__(
        self,
        path: Path,
        settings: Keeping,
        *,
        steady: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._settings = settings
        self._steady = steady
        self._wall = wall
        self._recorder = Recorder()
        self._batch = Batch()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._database: Database | None = None
        self._flushing: asyncio.Task[None] | None = None
        self._said = ""
        self._pruned = float("-inf")
        self.problem: str | None = None
        """What is wrong with the file, None when all is well."""

    async def start(self) -> None:
        """Open the file and go on from what it holds."""
        self._flushing = asyncio.create_task(self._flush_for_ever(), name="store")
        latest = await self._do(lambda database: database.latest())
        if latest is not None:
            self._recorder.resume(latest)

    async def stop(self) -> None:
        """Write what waits and close the file."""
        flushing, self._flushing = self._flushing, None
        if flushing is not None:
            flushing.cancel()
            await asyncio.wait((flushing,))
        await self.flush()
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown(wait=False)

    # --- recording

    def record(self, reading: Reading, close: float) -> None:
        """Take a reading; ``close`` seconds at most lie between readings that measure a quarter hour's boundary."""
        self._batch.extend(self._recorder.take(reading, self._steady(), self._wall(), close))

    def miss(self, meter: str, at: float, payload: bytes) -> None:
        """Keep a message that the broker has not acknowledged."""
        self._batch.missed.append(MissedRow(meter, at, payload))

    async def flush(self) -> None:
        """Write what waits now; what cannot be written goes on waiting."""
        batch, self._batch = self._batch, Batch()
        if batch and await self._do(lambda database: _written(database, batch)) is None:
            batch.extend(self._batch)
            self._batch = _bounded(batch)

    async def _flush_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._settings.flush)
            await self.flush()
            if self._steady() - self._pruned >= PRUNED_EVERY:
                self._pruned = self._steady()
                await self._prune()

    async def _prune(self) -> None:
        settings, timeline = self._settings, self._recorder.timeline
        if timeline.offset is None:
            return
        now = timeline.unix(self._steady())

        def prune(database: Database) -> bool:
            database.prune(
                now,
                raw_days=settings.raw_days,
                quarter_days=settings.quarter_days,
                hour_days=settings.hour_days,
            )
            database.bound_missed(settings.most_missed)
            return True

        await self._do(prune)

    # --- asking

    async def points(self, key: RegisterKey, start: int, end: int, step: int) -> list[Point]:
        """Return a counter at the boundaries from ``start`` to ``end`` (Unix seconds), ``step`` quarter hours apart."""
        await self.flush()
        return await self._do(lambda database: list(database.points(key, start, end, step))) or []

    async def registers(self, meter: str) -> list[RegisterKey]:
        """Return the counters of a meter that have a history."""
        await self.flush()
        return await self._do(lambda database: database.registers(meter)) or []

    async def missed(self, most: int) -> list[tuple[int, MissedRow]]:
        """Return the oldest messages that wait for the broker, with their numbers."""
        await self.flush()
        return await self._do(lambda database: database.missed(most)) or []

    async def delivered(self, numbers: list[int]) -> None:
        """Forget messages that the broker has acknowledged."""

        def forget(database: Database) -> bool:
            database.delivered(numbers)
            return True

        await self._do(forget)

    # --- the thread

    async def _do(self, work: Callable[[Database], _T]) -> _T | None:
        """Return what ``work`` returns in the file's thread, None where the file has trouble, which is then said."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._done, work)

    def _done(self, work: Callable[[Database], _T]) -> _T | None:
        for attempt in (1, 2):
            try:
                if self._database is None:
                    self._database = Database(self._path)
                result = work(self._database)
            except sqlite3.DatabaseError as error:
                code = (error.sqlite_errorcode or sqlite3.SQLITE_ERROR) & 0xFF
                if code in _DAMAGED and attempt == 1 and self._set_aside(error):
                    continue
                self._trouble(f"{self._path} takes nothing: {error}", "make room or give it back its rights")
                if code not in _FULL:
                    self._close()
                return None
            except (OSError, NewerDatabaseError) as error:
                self._trouble(f"{self._path} cannot be used: {error}", "")
                return None
            if self.problem is not None:
                _log.info("%s is written again", self._path)
                self.problem = None
                self._said = ""
            return result
        return None

    def _set_aside(self, error: Exception) -> bool:
        """Keep a damaged file for whoever may mend it, and begin a new one; False where even that fails."""
        self._close()
        aside = self._path.with_suffix(".damaged")
        try:
            for suffix in ("", "-wal", "-shm"):
                part = self._path.with_name(self._path.name + suffix)
                if part.exists():
                    part.replace(aside.with_name(aside.name + suffix))
        except OSError as other:
            self._trouble(f"{self._path} is damaged ({error}) and cannot be set aside: {other}", "remove it")
            return False
        _log.error("%s is damaged (%s): it is kept as %s, and history begins anew", self._path, error, aside.name)
        return True

    def _trouble(self, problem: str, hint: str) -> None:
        self.problem = problem
        if problem != self._said:
            self._said = problem
            words = " (%s; meters are read and published all the same)" if hint else "%s(meters are read all the same)"
            _log.error("%s" + words, problem, hint)

    def _close(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            try:
                database.close()
            except sqlite3.Error as error:
                _log.warning("%s could not be closed well: %s", self._path, error)


def _written(database: Database, batch: Batch) -> bool:
    database.write(batch)
    return True


def _bounded(batch: Batch) -> Batch:
    """Keep the newest of what waits."""
    del batch.readings[:-MOST_READINGS]
    del batch.points[:-MOST_POINTS]
    del batch.missed[:-MOST_READINGS]
    return batch
