"""From readings to rows: what changed, and each counter at the quarter hours in between. No I/O, no clock."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from obisgw.obis import is_counter
from obisgw.readings.published import published

from .quarters import CLOSE, Mark, points_between
from .rows import Batch, LatestRow, PointRow, ReadingRow, RegisterKey
from .timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from obisgw.readings.published import Published
    from obisgw.readings.reading import Reading

UNSETTLED: Final = 5000
"""Readings that wait until it is known when they were; the newest are kept."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    steady: float
    meter: str
    values: tuple[tuple[RegisterKey, str, Decimal | None], ...]
    """Register, text, and the number of those that are counters."""


@dataclass(slots=True)
class Recorder:
    """Makes rows of every meter's readings. ``close`` seconds at most lie between readings that measure a boundary."""

    timeline: Timeline = field(default_factory=Timeline)
    _marks: dict[RegisterKey, Mark] = field(default_factory=dict)
    _texts: dict[RegisterKey, str] = field(default_factory=dict)
    _waiting: deque[_Waiting] = field(default_factory=lambda: deque(maxlen=UNSETTLED))

    def resume(self, latest: Mapping[RegisterKey, Mark]) -> None:
        """Go on from where an earlier run ended; what was read since then counts more."""
        for key, mark in latest.items():
            self._marks.setdefault(key, mark)

    def take(self, reading: Reading, steady: float, wall: float, close: float = CLOSE) -> Batch:
        """Return the rows of a reading made at ``steady`` seconds, when the machine's clock said ``wall``.

        While the clock is in doubt there are none; they come with a later reading.
        """
        values = tuple(_value(reading.meter.id, item) for item in published(reading.registers))
        self._waiting.append(_Waiting(steady, reading.meter.id, values))
        batch = Batch()
        if self.timeline.observe(steady, wall):
            while self._waiting:
                self._place(self._waiting.popleft(), batch, close)
        return batch

    def _place(self, waiting: _Waiting, batch: Batch, close: float) -> None:
        at = self.timeline.unix(waiting.steady)
        changes = []
        for key, text, number in waiting.values:
            if self._texts.get(key) != text:
                self._texts[key] = text
                changes.append((key, text))
            if number is not None:
                batch.points.extend(self._points(key, Mark(at, number), close))
                batch.latest[key] = LatestRow(key, at, number)
        if changes:
            batch.readings.append(ReadingRow(waiting.meter, at, tuple(changes)))

    def _points(self, key: RegisterKey, now: Mark, close: float) -> Iterator[PointRow]:
        before, self._marks[key] = self._marks.get(key), now
        if before is not None:
            for point in points_between(before, now, close):
                if point.value is not None:
                    yield PointRow(key, point.at, point.value, point.quality)


def _value(meter: str, item: Published) -> tuple[RegisterKey, str, Decimal | None]:
    register = item.register
    key = RegisterKey(meter, item.component, register.description.unit or "")
    # What only counts events has no history.
    counts = register.code is not None and key.unit != "" and is_counter(register.code)
    return key, register.value, register.number if counts else None
