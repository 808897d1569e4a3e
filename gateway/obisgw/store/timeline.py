"""The time at which things happened, on machines whose clock begins in 1970, is set, and jumps.

Readings carry the seconds since the machine started, which nobody sets. What that is in Unix time is known once the
machine's clock has been believed; a clock that jumps is believed only after it has stayed so for a while.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

JUMP: Final = 5.0
"""Seconds between two clocks' difference at two looks that are no drift."""

SETTLES: Final = 600.0
"""Seconds after which a clock that was set is believed."""

STARTED: Final = 300.0
"""Seconds after the machine's start in which its clock is still to be set: many begin where they were switched off."""

SANE_FROM: Final = 1_735_689_600.0
"""2025: no machine that runs this is older than that."""
SANE_TO: Final = 4_102_444_800.0
"""2100."""

LONGEST_REST: Final = 400 * 86_400.0
"""A clock that has gone on by more between two runs is looked at for a while."""

_FOLLOWS: Final = 0.2
"""Share of a small difference that is followed at each look: clocks drift, and time services slew them."""
_SLOWEST: Final = 0.5
"""Seconds that go back no faster than this share of the time that passes: what comes later stays later."""


@dataclass(slots=True)
class Timeline:
    """Follows the machine's clock. Steady times are seconds since the machine started.

    ``offset``: Unix time less steady time; None while no clock has been believed.
    """

    offset: float | None = None
    set_back: bool = False
    """Whether what was believed up to now was later than it is; for whoever has used it."""
    _reached: float | None = None
    _was_set: bool = False
    _other: float | None = None
    _since: float = 0.0
    _looked: float | None = None

    def resume(self, offset: float | None, reached: float | None) -> None:
        """Go on from an earlier run: its ``offset`` if the machine runs since then, the time that it had reached."""
        self.offset, self._reached = offset, reached

    def observe(self, steady: float, wall: float) -> bool:
        """Look at both clocks; tell whether the time of what happens now is settled."""
        looked, self._looked = self._looked, steady
        if not SANE_FROM <= wall <= SANE_TO:
            self._was_set, self._other = True, None
            return False
        difference = wall - steady
        if self.offset is not None and abs(difference - self.offset) <= JUMP:
            self._follow(difference, 0.0 if looked is None else steady - looked)
            return True
        if self._other is None or abs(difference - self._other) > JUMP:
            # A clock that moves soon after the machine's start is one that has just been set.
            self._was_set = self._was_set or self._other is not None
            self._other, self._since = difference, steady
        likely = self.offset is None and (self._was_set or steady >= STARTED) and self._goes_on(wall)
        if not likely and steady - self._since < SETTLES:
            return False
        believed = self._reached if self.offset is None else steady + self.offset
        self.set_back = self.set_back or (believed is not None and wall < believed - JUMP)
        self.offset, self._other = difference, None
        return True

    def _follow(self, difference: float, passed: float) -> None:
        self._other = None
        assert self.offset is not None  # noqa: S101 - the caller has looked
        change = _FOLLOWS * (difference - self.offset)
        self.offset += max(change, -_SLOWEST * max(passed, 0.0))

    def _goes_on(self, wall: float) -> bool:
        return self._reached is None or self._reached - JUMP <= wall <= self._reached + LONGEST_REST

    def unix(self, steady: float) -> float:
        """Return the Unix time of a moment of the steady clock. Raises ValueError while no clock has been believed."""
        if self.offset is None:
            raise ValueError("no clock has been believed yet")
        return steady + self.offset
