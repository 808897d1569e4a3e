"""The file: SQLite with a write-ahead log. All of this waits for the disk and belongs to one thread."""

from __future__ import annotations

import json
import sqlite3
import zlib
from typing import TYPE_CHECKING, Final

from .quarters import HOUR, QUARTER
from .rows import RegisterKey
from .schema import STEPS, VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from .rows import Batch, Taken

_DAY: Final = 86_400

_PAGE: Final = 1024
"""Bytes: a reading changes a few hundred, and each page that it touches is written whole."""
_LOG_PAGES: Final = 1000
"""Pages of the log after which it is written back."""
_CACHE: Final = 256
"""KiB of memory for pages."""

MOST_PRUNED: Final = 2 * _DAY
"""Seconds by which the past is cut at once: a clock that is decades ahead for a day must not cost the history."""

MOST_READINGS: Final = 150_000
"""Readings of one meter that are kept whole: two weeks of one each ten seconds."""


class UnusableDatabaseError(Exception):
    """The file is of a newer version of the program, or not there to be read."""


class Database:
    """An open store. Every method may raise ``sqlite3.Error`` and ``OSError``; what was begun is then undone."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self._registers: dict[RegisterKey, int] = {}
        self._meters: dict[str, int] = {}
        # Used by whoever opened it, and closed by the service's end.
        place = path.absolute().as_uri() + _how(path, read_only=read_only)
        self.connection = sqlite3.connect(place, uri=True, isolation_level=None, check_same_thread=False)
        try:
            self._open(read_only=read_only)
        except BaseException:
            self.connection.close()
            raise

    def _open(self, *, read_only: bool) -> None:
        execute = self.connection.execute
        execute(f"PRAGMA cache_size = -{_CACHE}")
        (version,) = execute("PRAGMA user_version").fetchone()
        if version > VERSION or (read_only and version < VERSION):
            raise UnusableDatabaseError(f"{self.path} is of version {version}, and this program knows {VERSION}")
        if not read_only:
            execute(f"PRAGMA page_size = {_PAGE}")
            execute("PRAGMA journal_mode = WAL")
            # Each transaction is on the disk when it ends: there are few, and power may fail at any moment.
            execute("PRAGMA synchronous = FULL")
            execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
            execute(f"PRAGMA journal_size_limit = {2 * _LOG_PAGES * _PAGE}")
            execute("PRAGMA foreign_keys = ON")
            self._migrate(version)
        self.load()

    def _migrate(self, version: int) -> None:
        for number in range(version, len(STEPS)):
            with self.connection:
                self.connection.execute("BEGIN IMMEDIATE")
                for statement in STEPS[number]:
                    self.connection.execute(statement)
                self.connection.execute(f"PRAGMA user_version = {number + 1}")

    def load(self) -> None:
        """Read the names of meters and registers."""
        execute = self.connection.execute
        self._meters = dict(execute("SELECT name, id FROM meter"))
        rows = execute(
            "SELECT meter.name, register.name, unit, register.id FROM register JOIN meter ON meter = meter.id"
        )
        self._registers = {RegisterKey(meter, name, unit): number for meter, name, unit, number in rows}

    def close(self) -> None:
        """Write the log back and close."""
        self.connection.close()

    @property
    def meters(self) -> tuple[str, ...]:
        """The meters that were ever read."""
        return tuple(self._meters)

    def number_of(self, key: RegisterKey) -> int | None:
        """Return a register's number in the tables."""
        return self._registers.get(key)

    def names(self) -> dict[int, RegisterKey]:
        """Return the registers by their numbers."""
        return {number: key for key, number in self._registers.items()}

    # --- writing

    def write(self, batch: Batch, boot: str) -> None:
        """Write all of a batch or nothing. ``boot`` names the machine's run."""
        known = dict(self._meters), dict(self._registers)
        try:
            with self.connection:
                self.connection.execute("BEGIN IMMEDIATE")
                self._write(batch, boot)
        except BaseException:
            self._meters, self._registers = known
            raise

    def _write(self, batch: Batch, boot: str) -> None:
        many = self.connection.executemany
        for before, now in batch.renamed:
            self._rename(before, now)
        many(
            """INSERT INTO point VALUES (?, ?, ?, ?)
               ON CONFLICT DO UPDATE SET value = excluded.value, quality = excluded.quality
               WHERE excluded.quality >= point.quality""",
            [
                (self._register(row.register), row.at // QUARTER, f"{row.value:f}", int(row.quality))
                for row in batch.points
            ],
        )
        many(
            "INSERT OR REPLACE INTO latest VALUES (?, ?, ?)",
            [(self._register(key), _ms(mark.at), f"{mark.value:f}") for key, mark in batch.latest.items()],
        )
        many(
            "INSERT OR REPLACE INTO reading VALUES (?, ?, ?)",
            [(self._meter(row.meter), _ms(row.at), self._changes(row.changes)) for row in batch.readings],
        )
        many(
            "INSERT INTO unplaced (boot, steady, meter, close, content) VALUES (?, ?, ?, ?, ?)",
            [(boot, _ms(one.steady), one.meter, _ms(one.close), _content(one)) for one in batch.unplaced],
        )
        many("DELETE FROM unplaced WHERE id = ?", [(number,) for number in batch.placed])
        many("DELETE FROM missed WHERE meter = ? AND at = ?", [(meter, _ms(at)) for meter, at in batch.caught_up])
        many(
            "INSERT INTO missed (meter, at, boot, steady, payload) VALUES (?, ?, ?, ?, ?)",
            [
                (row.meter, _ms(row.at), boot, None if row.steady is None else _ms(row.steady), zlib.compress(row.payload, 1))
                for row in batch.missed
            ],
        )  # fmt: skip
        if batch.offset is not None:
            self._set_fact("clock", f"{boot} {batch.offset:.3f}")

    def _changes(self, changes: Iterable[tuple[RegisterKey, str]]) -> str:
        flat = [part for key, text in changes for part in (self._register(key), text)]
        return json.dumps(flat, ensure_ascii=False, separators=(",", ":"))

    def _meter(self, name: str) -> int:
        if (number := self._meters.get(name)) is None:
            (number,) = self.connection.execute("INSERT INTO meter (name) VALUES (?) RETURNING id", (name,)).fetchone()
            self._meters[name] = number
        return number

    def _register(self, key: RegisterKey) -> int:
        if (number := self._registers.get(key)) is None:
            row = (self._meter(key.meter), key.name, key.unit)
            statement = "INSERT INTO register (meter, name, unit) VALUES (?, ?, ?) RETURNING id"
            (number,) = self.connection.execute(statement, row).fetchone()
            self._registers[key] = number
        return number

    # --- facts

    def fact(self, name: str) -> str | None:
        """Return one of the few things that are known of the file as a whole."""
        row = self.connection.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def _set_fact(self, name: str, value: str) -> None:
        self.connection.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, value))

    # --- changing what is there

    def _rename(self, before: str, now: str) -> None:
        """Give a meter's past to the name by which it is known now, unless that has one of its own."""
        if before not in self._meters or now in self._meters:
            return
        self.connection.execute("UPDATE meter SET name = ? WHERE name = ?", (now, before))
        for table in ("missed", "unplaced"):
            self.connection.execute(f"UPDATE {table} SET meter = ? WHERE meter = ?", (now, before))  # noqa: S608 - ours
        self._meters[now] = self._meters.pop(before)
        renamed = {key._replace(meter=now): key for key in self._registers if key.meter == before}
        self._registers |= {new: self._registers.pop(old) for new, old in renamed.items()}

    def prune(self, now: float, *, raw_days: int, quarter_days: int, hour_days: int) -> None:
        """Delete readings, quarter hours and hours that are older than wished, a register at a time."""
        execute = self.connection.execute
        last = self.fact("pruned")
        now = now if last is None else min(now, float(last) + MOST_PRUNED)
        quarters, hours = int((now - quarter_days * _DAY) // QUARTER), int((now - hour_days * _DAY) // QUARTER)
        for number in self._registers.values():
            with self.connection:
                execute("BEGIN IMMEDIATE")
                statement = "DELETE FROM point WHERE register = ? AND quarter < ? AND quarter % ?"
                execute(statement, (number, quarters, HOUR))
                execute("DELETE FROM point WHERE register = ? AND quarter < ?", (number, hours))
        for number in self._meters.values():
            with self.connection:
                execute("BEGIN IMMEDIATE")
                execute("DELETE FROM reading WHERE meter = ? AND at < ?", (number, _ms(now - raw_days * _DAY)))
                execute(
                    """DELETE FROM reading WHERE meter = :meter AND at <= (
                        SELECT at FROM reading WHERE meter = :meter ORDER BY at DESC LIMIT 1 OFFSET :most)""",
                    {"meter": number, "most": MOST_READINGS},
                )
        with self.connection:
            execute("BEGIN IMMEDIATE")
            self._set_fact("pruned", str(now))

    def set_back(self, now: float) -> None:
        """Forget what a clock that was ahead has written: counters stand where they stood at the newest row left."""
        execute = self.connection.execute
        quarter = int(now // QUARTER)
        with self.connection:
            execute("BEGIN IMMEDIATE")
            execute("DELETE FROM point WHERE quarter > ?", (quarter,))
            execute("DELETE FROM reading WHERE at > ?", (_ms(now),))
            late = [number for (number,) in execute("SELECT register FROM latest WHERE at > ?", (_ms(now),))]
            for number in late:
                execute("DELETE FROM latest WHERE register = ?", (number,))
                execute(
                    """INSERT INTO latest SELECT register, quarter * 900000, value FROM point
                       WHERE register = ? AND quality > 0 ORDER BY quarter DESC LIMIT 1""",
                    (number,),
                )


def _how(path: Path, *, read_only: bool) -> str:
    if not read_only:
        return ""
    if not path.exists():
        raise UnusableDatabaseError(f"{path} is not there")
    # Closed well, it has no log; whoever may only read could not make one.
    log = path.with_name(path.name + "-wal")
    return "?mode=ro" if log.exists() else "?immutable=1"


def _content(taken: Taken) -> str:
    values = [
        (value.register.name, value.register.unit, value.text, None if value.counted is None else f"{value.counted:f}")
        for value in taken.values
    ]
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
