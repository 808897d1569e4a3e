"""Rows of the file that wait for something: readings for their time, messages for the broker.

Waits for the disk; for the thread that has opened it.
"""

from __future__ import annotations

import json
import zlib
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from .rows import MissedRow, RegisterKey, Taken, Value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .database import Database


class Kept(NamedTuple):
    """A missed message and its number. ``here``: of this run of the machine."""

    number: int
    row: MissedRow
    here: bool = True


def unplaced(database: Database, boot: str, after: int, most: int) -> list[tuple[int, Taken]]:
    """Return the oldest readings of this run of the machine that wait for their time, with their numbers."""
    rows = database.connection.execute(
        "SELECT id, meter, steady, close, content FROM unplaced WHERE boot = ? AND id > ? ORDER BY id LIMIT ?",
        (boot, after, most),
    )
    return [(number, _taken(meter, steady, close, content)) for number, meter, steady, close, content in rows]


def forget_unplaced(database: Database, boot: str, most: int) -> int:
    """Delete readings whose time will never be known, and the oldest beyond so many; return their number."""
    with database.connection as connection:
        connection.execute("BEGIN IMMEDIATE")
        gone = connection.execute("DELETE FROM unplaced WHERE boot != ?", (boot,)).rowcount
        statement = "DELETE FROM unplaced WHERE id <= (SELECT max(id) FROM unplaced) - ?"
        return gone + connection.execute(statement, (most,)).rowcount


def missed(database: Database, boot: str, after: int, most: int) -> list[Kept]:
    """Return the oldest messages that wait for the broker."""
    rows = database.connection.execute(
        "SELECT id, meter, at, boot, steady, payload FROM missed WHERE id > ? ORDER BY id LIMIT ?", (after, most)
    )
    return [
        Kept(number, MissedRow(meter, at / 1000, None if steady is None else steady / 1000, zlib.decompress(payload)), run == boot)
        for number, meter, at, run, steady, payload in rows
    ]  # fmt: skip


def delivered(database: Database, numbers: Iterable[int]) -> None:
    """Forget messages that the broker has."""
    with database.connection as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("DELETE FROM missed WHERE id = ?", [(number,) for number in numbers])


def bound_missed(database: Database, most: int) -> int:
    """Delete the oldest messages beyond so many; return their number."""
    with database.connection as connection:
        connection.execute("BEGIN IMMEDIATE")
        statement = "DELETE FROM missed WHERE id <= (SELECT max(id) FROM missed) - ?"
        return connection.execute(statement, (most,)).rowcount


def _taken(meter: str, steady: int, close: int, content: str) -> Taken:
    values = tuple(
        Value(RegisterKey(meter, name, unit), text, None if count is None else Decimal(count))
        for name, unit, text, count in json.loads(content)
    )
    return Taken(meter, steady / 1000, close / 1000, values)
