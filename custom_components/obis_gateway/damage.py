"""Whether so many readouts come damaged that the head cannot sit right."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from .models import Health

WINDOW: Final = 20
LEAST: Final = 10
"""Readouts that are looked at, and that must have been before anything is said."""
MANY: Final = 0.5
FEW: Final = 0.2
"""Shares of damaged readouts from which on, and below which no more, something is said."""
CHARACTERS: Final = 3
"""Fewer damaged characters than these in a readout are noise that any head has."""


@dataclass(slots=True)
class Damage:
    """The newest readouts of one meter. ``much`` is kept over a restart until enough good ones have come."""

    much: bool = False
    _before: Health | None = None
    _window: deque[bool] = field(default_factory=lambda: deque(maxlen=WINDOW))

    def take(self, health: Health) -> None:
        """Take a meter's counts; those of a gateway that was started anew begin from 0."""
        before, self._before = self._before, health
        if before is None:
            return
        if _readouts(health) < _readouts(before) or health.parity_errors < before.parity_errors:
            before = Health()
        readouts = _readouts(health) - _readouts(before)
        telegrams = health.block_check_errors - before.block_check_errors
        damaged = min(readouts, max((health.parity_errors - before.parity_errors) // CHARACTERS, telegrams))
        # How they were spread is not known where several come at once.
        self._window.extend(place < damaged for place in range(min(readouts, WINDOW)))
        if len(self._window) >= LEAST:
            self.much = self.share >= MANY or (self.much and self.share >= FEW)

    def forget(self) -> None:
        """Begin anew: the head was put right."""
        self.much = False
        self._window.clear()

    @property
    def share(self) -> float:
        """The share of damaged readouts, 0 to 1."""
        return sum(self._window) / len(self._window) if self._window else 0.0


def _readouts(health: Health) -> int:
    return health.reads + health.failures
