"""The file in a thread of its own, and what is done about its troubles. Each is said once, and its end too.

A full disk, a folder that may not be written to: tried again with the next rows. A damaged file: kept aside, and begun
anew. Nothing of that stops the reading of meters.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

from .database import Database, UnusableDatabaseError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT})
_MOST_ASIDE: Final = 3
"""Damaged files that are kept; of more, the last one is replaced."""


class File:
    """A database that is opened when it is needed. ``do`` is for the event loop's thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._database: Database | None = None
        self._opened_as: tuple[int, int] | None = None
        self._ended = False
        self.problem: str | None = None
        """What is wrong with the file, None when all is well."""

    def size(self) -> int:
        """Return the bytes on the disk, with those of the log."""
        parts = (self._path.with_name(self._path.name + suffix) for suffix in ("", "-wal"))
        return sum(part.stat().st_size for part in parts if part.exists())

    async def do(self, work: Callable[[Database], _T]) -> _T | None:
        """Return what ``work`` returns in the file's thread, None where the file has trouble, which is then said."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._done, work)

    async def close(self) -> None:
        """Close it after all that was asked before."""
        closing = asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._end()
        await closing

    def _end(self) -> None:
        self._ended = True
        self._thread.shutdown(wait=False)

    def close_at_once(self, work: Callable[[Database], object] | None) -> None:
        """Let the thread do a last work and close, without waiting for it; the program's end waits."""
        if self._ended:
            return
        if work is not None:
            self._thread.submit(self._done, work)
        self._thread.submit(self._close)
        self._end()

    def _done(self, work: Callable[[Database], _T]) -> _T | None:
        try:
            try:
                result = work(self._opened())
            except sqlite3.DatabaseError as error:
                if not self._damaged(error):
                    raise
                self._set_aside(error)
                result = work(self._opened())
        except (sqlite3.Error, OSError, UnusableDatabaseError) as error:
            self._troubled(error)
            return None
        if self.problem is not None:
            _log.info("%s is written again", self._path)
            self.problem = None
        return result

    def _opened(self) -> Database:
        if self._database is not None and self._identity() != self._opened_as:
            _log.warning("%s was taken away: history begins anew", self._path)
            self._close()
        if self._database is None:
            # Load curves tell who is at home. What belongs to the file gets the same rights.
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._opened_as = self._identity()
            self._database = Database(self._path)
        return self._database

    def _identity(self) -> tuple[int, int] | None:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return None
        return status.st_dev, status.st_ino

    def _damaged(self, error: sqlite3.DatabaseError) -> bool:
        # A file whose tables are others than ours is of no use either.
        return _code(error) in _DAMAGED or (self._database is None and _code(error) == sqlite3.SQLITE_ERROR)

    def _set_aside(self, error: Exception) -> None:
        """Keep a damaged file for whoever may mend it."""
        self._close()
        names = [self._path.with_suffix(".damaged" + (f".{n}" if n else "")) for n in range(_MOST_ASIDE)]
        aside = next((name for name in names if not name.exists()), names[-1])
        for suffix in ("-wal", "-shm", ""):
            part = self._path.with_name(self._path.name + suffix)
            if part.exists():
                part.replace(aside.with_name(aside.name + suffix))
        _log.error("%s is damaged (%s): it is kept as %s, and history begins anew", self._path, error, aside.name)

    def _troubled(self, error: Exception) -> None:
        problem = f"{self._path} cannot be used: {error}"
        if problem != self.problem:
            hint = "make room on the disk" if _code(error) == sqlite3.SQLITE_FULL else _HINTS.get(type(error), _HINT)
            _log.error("%s (%s; meters are read and published all the same)", problem, hint)
        self.problem = problem
        if _code(error) != sqlite3.SQLITE_FULL:
            # It may have been moved, or given other rights.
            self._close()

    def _close(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            try:
                database.close()
            except sqlite3.Error as error:
                _log.warning("%s could not be closed well: %s", self._path, error)


_HINT: Final = "give it back its place and its rights"
_HINTS: Final[dict[type[Exception], str]] = {
    UnusableDatabaseError: "update the program, or move the file away",
}


def _code(error: Exception) -> int:
    # Errors of the binding itself have none.
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
