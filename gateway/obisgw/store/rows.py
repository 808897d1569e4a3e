"""What is written: plain rows, made on the event loop and written by another thread."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal

    from .quality import Quality


@dataclass(frozen=True, slots=True)
class RegisterKey:
    """One register of one meter. ``name`` is ``Published.component``; another unit makes another register."""

    meter: str
    name: str
    unit: str


@dataclass(frozen=True, slots=True)
class PointRow:
    """A counter at a boundary. ``at`` in Unix seconds."""

    register: RegisterKey
    at: int
    value: Decimal
    quality: Quality


@dataclass(frozen=True, slots=True)
class LatestRow:
    """A counter's newest value: where the next start goes on."""

    register: RegisterKey
    at: float
    value: Decimal


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """A reading: what changed since the one before, by register. ``at`` in Unix seconds."""

    meter: str
    at: float
    changes: tuple[tuple[RegisterKey, str], ...]


@dataclass(frozen=True, slots=True)
class MissedRow:
    """A state message that the broker has not acknowledged before a newer one came."""

    meter: str
    at: float
    payload: bytes


@dataclass(slots=True)
class Batch:
    """What is written in one transaction."""

    points: list[PointRow] = field(default_factory=list)
    latest: dict[RegisterKey, LatestRow] = field(default_factory=dict)
    readings: list[ReadingRow] = field(default_factory=list)
    missed: list[MissedRow] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.points or self.latest or self.readings or self.missed)

    def extend(self, other: Batch) -> None:
        """Take what came later."""
        self.points += other.points
        self.latest |= other.latest
        self.readings += other.readings
        self.missed += other.missed
