"""Holes: times over which a counter is only interpolated, between two moments at which it was measured.

Waits for the disk; for the thread that has opened the file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from .past import points
from .quality import Quality
from .quarters import QUARTER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .database import Database
    from .quarters import Stored
    from .rows import RegisterKey

_NEAR: Final = 960
"""Seconds: readings that measure a boundary lie no further from it."""

_ROWS: Final = 200


@dataclass(frozen=True, slots=True)
class Hole:
    """Where a counter is not measured. ``start`` and ``end``, at which it is, in Unix seconds."""

    register: RegisterKey
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Anchor:
    """A counter at a boundary; readings next to it say that it lies between ``least`` and ``most``."""

    at: int
    value: Decimal
    least: Decimal
    most: Decimal


def spans(rows: Iterable[Stored]) -> Iterator[tuple[int, int]]:
    """Yield the holes of a counter's rows (in order) as quarter hours: between rows that are no interpolation."""
    left: int | None = None
    inside = False
    for quarter, _, quality in rows:
        if quality == Quality.INTERPOLATED:
            inside = True
            continue
        if inside and left is not None and quality != Quality.MISSING:
            yield left, quarter
        left, inside = (None if quality == Quality.MISSING else quarter), False


def holes(database: Database, meter: str, since: int) -> list[Hole]:
    """Return the holes of a meter's counters after a moment (Unix seconds)."""
    found = []
    for number, key in database.names().items():
        if key.meter == meter:
            rows = database.connection.execute(
                "SELECT quarter, value, quality FROM point WHERE register = ? AND quarter >= ? ORDER BY quarter",
                (number, since // QUARTER),
            )
            found += [Hole(key, start * QUARTER, end * QUARTER) for start, end in spans(rows)]
    return found


def anchors(database: Database, hole: Hole, grid: int) -> tuple[Anchor, Anchor] | None:
    """Return what is known at both ends of a hole, widened to multiples of ``grid`` seconds; None: not enough."""
    start, end = hole.start // grid * grid, -(-hole.end // grid) * grid
    before, after = points(database, hole.register, (start, end))
    known = (Quality.MEASURED, Quality.LOAD_PROFILE)
    if before.value is None or after.value is None or before.quality not in known or after.quality not in known:
        return None
    return _anchor(database, hole.register, start, before.value), _anchor(database, hole.register, end, after.value)


def _anchor(database: Database, key: RegisterKey, at: int, value: Decimal) -> Anchor:
    """Return the counter with the values that were read next to the moment; older readings may be gone."""
    number = database.number_of(key)
    before = database.connection.execute(
        """SELECT changes FROM reading WHERE meter = (SELECT meter FROM register WHERE id = ?)
           AND at BETWEEN ? AND ? ORDER BY at DESC LIMIT ?""",
        (number, (at - _NEAR) * 1000, at * 1000, _ROWS),
    )
    least = next((text for (changes,) in before if (text := _text(changes, number)) is not None), None)
    after = database.connection.execute(
        """SELECT changes FROM reading WHERE meter = (SELECT meter FROM register WHERE id = ?)
           AND at BETWEEN ? AND ? ORDER BY at LIMIT 1""",
        (number, at * 1000, (at + _NEAR) * 1000),
    ).fetchone()
    # What a reading does not name is as it was.
    most = None if after is None else _text(after[0], number) or least
    return Anchor(at, value, min(value, _number(least, value)), max(value, _number(most, value)))


def _text(changes: str, number: int | None) -> str | None:
    flat = json.loads(changes)
    return next((text for one, text in zip(flat[::2], flat[1::2], strict=False) if one == number), None)


def _number(text: str | None, otherwise: Decimal) -> Decimal:
    try:
        number = otherwise if text is None else Decimal(text)
    except InvalidOperation:
        return otherwise
    return number if number.is_finite() else otherwise
