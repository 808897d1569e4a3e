"""From readings to rows: what changed, and each counter where its course bends. No I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from obisgw.obis import is_counter
from obisgw.readings.published import published

from .quarters import CLOSE, Course, Mark
from .rows import Batch, PointRow, ReadingRow, RegisterKey, Taken, Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from obisgw.readings.published import Published
    from obisgw.readings.reading import Reading

    from .rows import RegisterKey

MOST_REGISTERS: Final = 1000
"""Of one meter: some print 300. More are a fault, and the file must not grow without end."""


@dataclass(slots=True)
class Recorder:
    """Makes rows of every meter's readings, in their order."""

    _courses: dict[RegisterKey, Course] = field(default_factory=dict)
    _texts: dict[str, dict[RegisterKey, str]] = field(default_factory=dict)

    def resume(self, courses: Mapping[RegisterKey, Course]) -> None:
        """Go on from where the file ends; what was read since then counts more."""
        for key, course in courses.items():
            self._courses.setdefault(key, course)

    def restart(self, courses: Mapping[RegisterKey, Course]) -> None:
        """Go on from where the file ends now; what came later was wrong."""
        self._courses = dict(courses)

    def rename(self, before: str, now: str) -> None:
        """Keep what is known of a meter whose number has become known."""
        self._texts.setdefault(now, {})
        for key in [key for key in self._courses if key.meter == before]:
            self._courses.setdefault(_renamed(key, now), self._courses.pop(key))
        for key, text in self._texts.pop(before, {}).items():
            self._texts[now].setdefault(_renamed(key, now), text)

    def place(self, taken: Taken, at: float) -> Batch:
        """Return the rows of a reading made at ``at`` (Unix seconds)."""
        batch, changes = Batch(), []
        texts = self._texts.setdefault(taken.meter, {})
        for value in taken.values:
            key = value.register
            known = texts.get(key)
            if known is None and len(texts) >= MOST_REGISTERS:
                continue
            if known != value.text:
                texts[key] = value.text
                changes.append((key, value.text))
            if value.counted is not None:
                mark = Mark(at, value.counted)
                batch.points.extend(self._points(key, mark, taken.close))
                batch.latest[key] = mark
        if changes:
            batch.readings.append(ReadingRow(taken.meter, at, tuple(changes)))
        return batch

    def _points(self, key: RegisterKey, now: Mark, close: float) -> Iterator[PointRow]:
        course = self._courses.get(key)
        if course is None:
            self._courses[key] = Course(now)
            return
        for point in course.go_on(now, close):
            if point.value is not None:
                yield PointRow(key, point.at, point.value, point.quality)


def taken_of(reading: Reading, steady: float, close: float = CLOSE) -> Taken:
    """Return a reading as it is recorded."""
    return Taken(reading.meter.id, steady, close, tuple(_values(reading.meter.id, published(reading.registers))))


def _values(meter: str, items: Iterable[Published]) -> Iterator[Value]:
    for item in items:
        register = item.register
        key = RegisterKey(meter, item.component, register.description.unit or "")
        # What only counts events has no history.
        counts = register.code is not None and key.unit != "" and is_counter(register.code)
        yield Value(key, register.value, register.number if counts else None)


def _renamed(key: RegisterKey, meter: str) -> RegisterKey:
    return RegisterKey(meter, key.name, key.unit)
