"""What the file tells of counters. Waits for the disk; for the thread that has opened it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from .quarters import QUARTER, Course, Mark, Row, filled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .database import Database
    from .quality import Point
    from .rows import RegisterKey


def points(database: Database, key: RegisterKey, wanted: Sequence[int]) -> list[Point]:
    """Return a counter at moments (Unix seconds, rising)."""
    number = database.number_of(key)
    if number is None or not wanted:
        return list(filled((), None, wanted))
    rows = database.connection.execute(
        """SELECT quarter, value, quality FROM point WHERE register = :register AND quarter BETWEEN
               coalesce((SELECT max(quarter) FROM point WHERE register = :register AND quarter <= :first), :first) AND
               coalesce((SELECT min(quarter) FROM point WHERE register = :register AND quarter >= :last), :last)
           ORDER BY quarter""",
        {"register": number, "first": wanted[0] // QUARTER, "last": -(-wanted[-1] // QUARTER)},
    )
    newest = database.connection.execute("SELECT at, value FROM latest WHERE register = ?", (number,)).fetchone()
    return list(filled(rows, None if newest is None else _mark(*newest), wanted))


def courses(database: Database) -> dict[RegisterKey, Course]:
    """Return how each counter has ended."""
    names = database.names()
    found = {}
    for number, at, value in database.connection.execute("SELECT register, at, value FROM latest").fetchall():
        row = database.connection.execute(
            "SELECT quarter, value FROM point WHERE register = ? AND quality > 0 ORDER BY quarter DESC LIMIT 1",
            (number,),
        ).fetchone()
        last = None if row is None else Row(row[0], Decimal(row[1]))
        found[names[number]] = Course.resumed(_mark(at, value), last)
    return found


def counters(database: Database, meter: str) -> list[RegisterKey]:
    """Return the counters of a meter that have a history."""
    names = database.names()
    numbers = [number for (number,) in database.connection.execute("SELECT register FROM latest ORDER BY register")]
    return [key for number in numbers if (key := names[number]).meter == meter]


def reached(database: Database) -> float | None:
    """Return the newest time in the file, None where there is none."""
    (at,) = database.connection.execute("SELECT max(at) FROM latest").fetchone()
    return None if at is None else at / 1000


def _mark(at: int, value: str) -> Mark:
    return Mark(at / 1000, Decimal(value))
