"""The file: SQLite with a write-ahead log. All of this waits for the disk and belongs to one thread."""

from __future__ import annotations

import sqlite3
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from .quality import Point, Quality
from .quarters import QUARTER, Mark
from .rows import MissedRow, RegisterKey
from .schema import STEPS, VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .rows import Batch

_DAY: Final = 86_400
_PAGES: Final = 400
"""Pages of the log after which it is written back: 1.6 MB."""


class NewerDatabaseError(Exception):
    """The file is of a newer version of the program."""


class Database:
    """An open store. Every method may raise ``sqlite3.Error`` and ``OSError``; what was begun is then undone."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        # Used by whoever opened it, and closed by the service's end.
        place = f"{path.absolute().as_uri()}?mode=ro" if read_only else str(path)
        self._connection = sqlite3.connect(place, uri=read_only, isolation_level=None, check_same_thread=False)
        self._registers: dict[RegisterKey, int] = {}
        self._meters: dict[str, int] = {}
        self.path = path
        execute = self._connection.execute
        if read_only:
            (version,) = execute("PRAGMA user_version").fetchone()
            if version != VERSION:
                raise NewerDatabaseError(f"{path} is of version {version}, and this program knows {VERSION}")
            self._load()
            return
        execute("PRAGMA journal_mode = WAL")
        # Each transaction is on the disk when it ends: there are few, and power may fail at any moment.
        execute("PRAGMA synchronous = FULL")
        execute(f"PRAGMA wal_autocheckpoint = {_PAGES}")
        execute("PRAGMA foreign_keys = ON")
        self._migrate()
        self._load()

    def _load(self) -> None:
        execute = self._connection.execute
        self._meters = dict(execute("SELECT name, id FROM meter"))
        rows = execute(
            "SELECT meter.name, register.name, unit, register.id FROM register JOIN meter ON meter = meter.id"
        )
        self._registers = {RegisterKey(meter, name, unit): number for meter, name, unit, number in rows}

    def _migrate(self) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise NewerDatabaseError(f"{self.path} is of version {version}, and this program knows {VERSION}")
        for number in range(version, VERSION):
            with self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                for statement in STEPS[number]:
                    self._connection.execute(statement)
                self._connection.execute(f"PRAGMA user_version = {number + 1}")

    def close(self) -> None:
        """Write the log back and close."""
        self._connection.close()

    # --- writing

    def write(self, batch: Batch) -> None:
        """Write all of a batch or nothing."""
        known = dict(self._meters), dict(self._registers)
        try:
            with self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                self._write(batch)
        except BaseException:
            self._meters, self._registers = known
            raise

    def _write(self, batch: Batch) -> None:
        many = self._connection.executemany
        many(
            """INSERT INTO point VALUES (?, ?, ?, ?)
               ON CONFLICT DO UPDATE SET value = excluded.value, quality = excluded.quality
               WHERE excluded.quality >= point.quality""",
            [
                (self._register(row.register), row.at // QUARTER, str(row.value), int(row.quality))
                for row in batch.points
            ],
        )
        many(
            "INSERT OR REPLACE INTO latest VALUES (?, ?, ?)",
            [(self._register(row.register), round(row.at * 1000), str(row.value)) for row in batch.latest.values()],
        )
        many(
            "INSERT OR REPLACE INTO reading VALUES (?, ?, ?)",
            [(self._meter(row.meter), round(row.at * 1000), self._changes(row.changes)) for row in batch.readings],
        )
        many(
            "INSERT INTO missed (meter, at, payload) VALUES (?, ?, ?)",
            [(row.meter, round(row.at * 1000), row.payload) for row in batch.missed],
        )

    def _changes(self, changes: tuple[tuple[RegisterKey, str], ...]) -> str:
        return ";".join(f"{self._register(key)}={text.replace(';', ',')}" for key, text in changes)

    def _meter(self, name: str) -> int:
        if (number := self._meters.get(name)) is None:
            (number,) = self._connection.execute("INSERT INTO meter (name) VALUES (?) RETURNING id", (name,)).fetchone()
            self._meters[name] = number
        return number

    def _register(self, key: RegisterKey) -> int:
        if (number := self._registers.get(key)) is None:
            row = (self._meter(key.meter), key.name, key.unit)
            statement = "INSERT INTO register (meter, name, unit) VALUES (?, ?, ?) RETURNING id"
            (number,) = self._connection.execute(statement, row).fetchone()
            self._registers[key] = number
        return number

    def prune(self, now: float, *, raw_days: int, quarter_days: int, hour_days: int) -> None:
        """Delete readings, quarter hours and hours that are older than wished."""
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute("DELETE FROM reading WHERE at < ?", (round((now - raw_days * _DAY) * 1000),))
            quarters = (now - quarter_days * _DAY) // QUARTER, (now - hour_days * _DAY) // QUARTER
            self._connection.execute("DELETE FROM point WHERE quarter < ? AND quarter % 4", (int(quarters[0]),))
            self._connection.execute("DELETE FROM point WHERE quarter < ?", (int(quarters[1]),))

    def forget_future(self, now: float) -> None:
        """Delete what a clock that was ahead has written."""
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute("DELETE FROM point WHERE quarter > ?", (int(now // QUARTER),))
            self._connection.execute("DELETE FROM reading WHERE at > ?", (round(now * 1000),))

    # --- reading

    def latest(self) -> dict[RegisterKey, Mark]:
        """Return each counter's newest value."""
        names = {number: key for key, number in self._registers.items()}
        rows = self._connection.execute("SELECT register, at, value FROM latest")
        return {names[number]: Mark(at / 1000, Decimal(value)) for number, at, value in rows}

    def points(self, key: RegisterKey, start: int, end: int, step: int) -> Iterator[Point]:
        """Yield a counter at the boundaries from ``start`` to ``end`` (Unix seconds) that lie ``step`` quarters apart."""
        number = self._registers.get(key)
        if number is None:
            return
        rows = self._connection.execute(
            "SELECT quarter, value, quality FROM point WHERE register = ? AND quarter BETWEEN ? AND ? AND quarter % ? = 0 "
            "ORDER BY quarter",
            (number, -(-start // QUARTER), end // QUARTER, step),
        )
        for quarter, value, quality in rows:
            yield Point(quarter * QUARTER, Decimal(value), Quality(quality))

    @property
    def meters(self) -> tuple[str, ...]:
        """The meters that were ever read."""
        return tuple(self._meters)

    def registers(self, meter: str) -> list[RegisterKey]:
        """Return the counters of a meter that have a history."""
        rows = self._connection.execute(
            """SELECT register.name, unit FROM register JOIN meter ON meter = meter.id
               WHERE meter.name = ? AND EXISTS (SELECT 1 FROM latest WHERE register = register.id)""",
            (meter,),
        )
        return [RegisterKey(meter, name, unit) for name, unit in rows]

    # --- messages that wait for the broker

    def missed(self, most: int) -> list[tuple[int, MissedRow]]:
        """Return the oldest messages that wait, with their numbers."""
        rows = self._connection.execute("SELECT id, meter, at, payload FROM missed ORDER BY id LIMIT ?", (most,))
        return [(number, MissedRow(meter, at / 1000, payload)) for number, meter, at, payload in rows]

    def delivered(self, numbers: list[int]) -> None:
        """Forget messages that the broker has acknowledged."""
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany("DELETE FROM missed WHERE id = ?", [(number,) for number in numbers])

    def bound_missed(self, most: int) -> int:
        """Delete the oldest messages beyond so many; return how many were deleted."""
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            statement = "DELETE FROM missed WHERE id <= (SELECT max(id) FROM missed) - ?"
            return self._connection.execute(statement, (most,)).rowcount
