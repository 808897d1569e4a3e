"""How well a counter's value at a moment is known."""

from __future__ import annotations

from decimal import Decimal
from enum import IntEnum
from typing import NamedTuple


class Quality(IntEnum):
    """Better ones are higher; a better one replaces a worse one, and an equal one is replaced by the newer."""

    MISSING = 0
    """Nobody knows: before the first reading, or another meter."""
    INTERPOLATED = 1
    """Between two readings that lie far apart: the sum is right, its spread over time is not."""
    LOAD_PROFILE = 2
    """As the meter's own load profile has it."""
    MEASURED = 3
    """Between two readings in quick succession."""

    @property
    def words(self) -> str:
        """The name in documents."""
        return self.name.lower().replace("_", " ")


class Point(NamedTuple):
    """A counter's value at ``at`` (Unix seconds, a boundary). ``value`` is None where it is missing."""

    at: int
    value: Decimal | None
    quality: Quality
