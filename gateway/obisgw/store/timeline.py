"""The time at which things happened, on machines whose clock begins in 1970, is set, and jumps.

Readings carry the seconds of a clock that nobody sets. What that is in Unix time is known once the machine's clock has
been believed; a clock that jumps is believed only after it has stayed so for a while, and what was read meanwhile is
placed by the clock that turned out right.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

JUMP: Final = 5.0
"""Seconds between two clocks' difference at two readings that are no drift."""

SETTLES: Final = 600.0
"""Seconds after which a clock that was set is believed."""

SANE_FROM: Final = 1_735_689_600.0
"""2025: no machine that runs this is older than that."""
SANE_TO: Final = 4_102_444_800.0
"""2100."""

_FOLLOWS: Final = 0.2
"""Share of a small difference that is followed at each reading: clocks drift, and time services slew them."""


@dataclass(slots=True)
class Timeline:
    """Follows the machine's clock. ``offset``: Unix time less steady time; None while no clock has been believed."""

    offset: float | None = None
    _other: float | None = None
    _since: float = field(default=0.0)

    def observe(self, steady: float, wall: float) -> bool:
        """Look at both clocks; tell whether the time of what happened lately is settled now."""
        if not SANE_FROM <= wall <= SANE_TO:
            return False
        difference = wall - steady
        if self.offset is None:
            self.offset = difference
            return True
        if abs(difference - self.offset) <= JUMP:
            self.offset += _FOLLOWS * (difference - self.offset)
            self._other = None
            return True
        if self._other is None or abs(difference - self._other) > JUMP:
            self._other, self._since = difference, steady
            return False
        if steady - self._since < SETTLES:
            return False
        self.offset, self._other = difference, None
        return True

    def unix(self, steady: float) -> float:
        """Return the Unix time of a moment of the steady clock. Raises ValueError while no clock has been believed."""
        if self.offset is None:
            raise ValueError("no clock has been believed yet")
        return steady + self.offset
