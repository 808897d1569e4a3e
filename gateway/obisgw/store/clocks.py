"""Both clocks of the machine, and what its settable one is known to be worth."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Callable


class Clocks:
    """``steady`` counts the seconds since the machine started, ``wall`` is Unix time as the machine has it."""

    def __init__(self, steady: Callable[[], float], wall: Callable[[], float] = time.time) -> None:
        self.steady = steady
        self._wall = wall
        self._timeline = Timeline()

    def resume(self, offset: float | None, reached: float | None) -> None:
        """Go on from what an earlier run has found; see ``Timeline.resume``."""
        self._timeline.resume(offset, reached)

    def look(self) -> bool:
        """Look at both; tell whether the time of what happens now is settled."""
        return self._timeline.observe(self.steady(), self._wall())

    @property
    def known(self) -> bool:
        """Whether any clock has been believed."""
        return self._timeline.offset is not None

    @property
    def offset(self) -> float | None:
        """Unix time less steady time, None while it is not known."""
        return self._timeline.offset

    def unix(self, steady: float) -> float:
        """Return the Unix time of a steady one. Raises ValueError while it is not known."""
        return self._timeline.unix(steady)

    def was_ahead(self) -> bool:
        """Tell, once, whether what was believed up to now was later than it is."""
        ahead, self._timeline.set_back = self._timeline.set_back, False
        return ahead
