"""How far a line is trusted: how many telegrams in a row must agree before one is believed."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

NOISY: Final = 2
VERY_NOISY: Final = 3
SUSPECT: Final = 4

_REMEMBERED: Final = 10
"""Telegrams during which damage that the line's own checks saw counts."""
_SUSPECT_FOR: Final = 100
_SUSPECT_LONGEST: Final = 10_000


@dataclass(slots=True)
class Trust:
    """Knows of damage that the line's checks saw, and of damage that passed them (``betrayed``)."""

    _damage: deque[bool] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    _suspect: int = 0
    _patience: int = _SUSPECT_FOR

    @property
    def suspect(self) -> bool:
        """Whether damage has passed the line's own checks lately."""
        return self._suspect > 0

    @property
    def needed(self) -> int:
        """Telegrams in a row that must agree."""
        if self._suspect:
            return SUSPECT
        damage = sum(self._damage)
        if not damage:
            return 1
        return VERY_NOISY if damage * 2 >= _REMEMBERED else NOISY

    def telegram(self, damaged: int) -> None:
        """Count a proved telegram, and those that failed the line's checks since the one before."""
        self._damage.extend([True] * min(damaged, _REMEMBERED))
        self._damage.append(False)
        if self._suspect:
            self._suspect -= 1
            if not self._suspect:
                self._patience = _SUSPECT_FOR

    def betrayed(self) -> None:
        """Note that a telegram was damaged and passed the line's checks; each time it is remembered for longer."""
        self._suspect = self._patience
        self._patience = min(2 * self._patience, _SUSPECT_LONGEST)
