"""What is written: rows that belong together go into the file in one transaction, or not at all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from decimal import Decimal

    from .quality import Quality
    from .quarters import Mark


class RegisterKey(NamedTuple):
    """One register of one meter. ``name`` is ``Published.component``; another unit makes another register."""

    meter: str
    name: str
    unit: str


class Value(NamedTuple):
    """A register's text, and its number (``counted``) if it is a counter."""

    register: RegisterKey
    text: str
    counted: Decimal | None = None


class Taken(NamedTuple):
    """A reading as it is recorded. ``steady``: seconds since the machine started.

    ``close`` seconds at most lie between readings that measure what is in between.
    """

    meter: str
    steady: float
    close: float
    values: tuple[Value, ...]

    def renamed(self, meter: str) -> Taken:
        """Return it under another name of the meter."""
        values = tuple(one._replace(register=one.register._replace(meter=meter)) for one in self.values)
        return self._replace(meter=meter, values=values)


class PointRow(NamedTuple):
    """A counter at a boundary. ``at`` in Unix seconds."""

    register: RegisterKey
    at: int
    value: Decimal
    quality: Quality


class ReadingRow(NamedTuple):
    """A reading: what changed since the one before, by register. ``at`` in Unix seconds."""

    meter: str
    at: float
    changes: tuple[tuple[RegisterKey, str], ...]


class MissedRow(NamedTuple):
    """A message that the broker has not acknowledged.

    ``at``: the reading's time as it says itself, Unix seconds; ``steady`` the same moment since the machine started.
    """

    meter: str
    at: float
    steady: float | None
    payload: bytes


@dataclass(slots=True)
class Batch:
    """What is written in one transaction."""

    points: list[PointRow] = field(default_factory=list)
    latest: dict[RegisterKey, Mark] = field(default_factory=dict)
    """Each counter's newest value: where the next start goes on."""
    readings: list[ReadingRow] = field(default_factory=list)
    missed: list[MissedRow] = field(default_factory=list)
    unplaced: list[Taken] = field(default_factory=list)
    """Readings of which it is not known yet when they were."""
    placed: list[int] = field(default_factory=list)
    """Numbers of those, of which it is known now."""
    caught_up: list[tuple[str, float]] = field(default_factory=list)
    """Meter and time of missed messages that the broker has got after all."""
    renamed: list[tuple[str, str]] = field(default_factory=list)
    """Meters that have got another name, before anything else of this."""
    offset: float | None = None
    """Unix time less the seconds since the machine started, where that has changed."""

    def __bool__(self) -> bool:
        parts = (self.points, self.latest, self.readings, self.missed, self.unplaced)
        return self.offset is not None or any((*parts, self.placed, self.caught_up, self.renamed))

    def extend(self, other: Batch) -> None:
        """Take what came later."""
        self.points += other.points
        self.latest |= other.latest
        self.readings += other.readings
        self.missed += other.missed
        self.unplaced += other.unplaced
        self.placed += other.placed
        self.caught_up += other.caught_up
        self.renamed += other.renamed
        self.offset = self.offset if other.offset is None else other.offset

    def rename(self, before: str, now: str) -> None:
        """Give a meter another name, here and in the file."""

        def key(one: RegisterKey) -> RegisterKey:
            return one._replace(meter=now) if one.meter == before else one

        self.points = [row._replace(register=key(row.register)) for row in self.points]
        self.latest = {key(one): mark for one, mark in self.latest.items()}
        self.readings = [
            row._replace(meter=now, changes=tuple((key(one), text) for one, text in row.changes))
            if row.meter == before
            else row
            for row in self.readings
        ]
        self.missed = [row._replace(meter=now) if row.meter == before else row for row in self.missed]
        self.unplaced = [one.renamed(now) if one.meter == before else one for one in self.unplaced]
        self.renamed.append((before, now))

    def bound(self, readings: int, points: int) -> None:
        """Keep the newest of what waits, so that a file that takes nothing costs no more memory than this."""
        for rows, most in (
            (self.points, points),
            (self.readings, readings),
            (self.missed, readings),
            (self.unplaced, readings),
        ):
            del rows[: max(0, len(rows) - most)]
