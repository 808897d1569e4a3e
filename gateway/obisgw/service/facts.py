"""What readings tell side by side, of every meter, kept over restarts."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from obisgw.readings.derive import Derived, DerivedState, derive, derive_update

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from obisgw.obis import ObisCode
    from obisgw.readings.derive import MeterEvent
    from obisgw.readings.reading import Reading
    from obisgw.readings.shown import MeterOptions

_log = logging.getLogger(__name__)

_INTERVALS: Final = 3
"""So many intervals without a reading, and a meter counts as silent."""
_LONGEST_PUSH: Final = timedelta(hours=1)
"""Meters that send unasked do so each 15 minutes at the latest."""
_MOST_SAID: Final = 100


@dataclass(slots=True)
class Facts:
    """The last values of what is compared, by meter id: a meter read at two heads is one."""

    states: dict[str, DerivedState] = field(default_factory=dict)
    unsaved: bool = False
    """Whether something changed that a restart must not lose or tell again."""
    _said: set[str] = field(default_factory=set)

    def take(self, reading: Reading, options: MeterOptions, events: Sequence[MeterEvent] = ()) -> Derived:
        """Return what a reading adds, with ``events`` that the service knows of in front."""
        before = self.states.get(reading.meter.id)
        state, derived = derive(before or DerivedState(), reading, options.thresholds, _gap(options))
        if events:
            derived = replace(derived, events=(*events, *derived.events))
        return self._taken(reading.meter.id, before, state, derived)

    def take_update(self, reading: Reading, fresh: Container[ObisCode], options: MeterOptions) -> Derived:
        """Return what a reading adds of which only the registers in ``fresh`` are new."""
        before = self.states.get(reading.meter.id)
        state, derived = derive_update(before or DerivedState(), reading, fresh, options.thresholds, _gap(options))
        return self._taken(reading.meter.id, before, state, derived)

    def has_clock(self, meter_id: str) -> bool:
        """Return whether a meter has told the time of its clock."""
        state = self.states.get(meter_id)
        return state is not None and state.clock is not None

    def thresholds_on(self, meter_id: str) -> dict[str, bool]:
        """Return which of a meter's thresholds are on, as last known."""
        state = self.states.get(meter_id)
        return {} if state is None else _on(state)

    def _taken(self, meter_id: str, before: DerivedState | None, state: DerivedState, derived: Derived) -> Derived:
        self.states[meter_id] = state
        for problem in derived.problems:
            if problem not in self._said and len(self._said) < _MOST_SAID:
                self._said.add(problem)
                _log.warning("%s: %s: it stays unknown (correct the threshold's unit or register)", meter_id, problem)
        switched = before is None or (before.tariff, _on(before)) != (state.tariff, _on(state))
        self.unsaved = self.unsaved or bool(derived.events) or switched
        return derived

    def rename(self, before: str, now: str) -> None:
        """Keep what is known of a meter whose number has become known."""
        if (state := self.states.pop(before, None)) is not None:
            self.states.setdefault(now, state)


def _gap(options: MeterOptions) -> timedelta:
    return _LONGEST_PUSH if options.interval is None else timedelta(seconds=_INTERVALS * options.interval)


def _on(state: DerivedState) -> dict[str, bool]:
    return {name: memory.on for name, memory in state.thresholds.items()}
