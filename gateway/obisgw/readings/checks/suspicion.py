"""Why a value is not believed at first sight."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Reason(Enum):
    """What is odd about a value, as people read it. ``hard``: hardly ever a meter's own doing."""

    FIRST = "the meter's first telegram waits for a second one"
    NOISE = "the line damages telegrams: more of them must agree"
    LIST = "the list of registers is another one than before"
    FORM = "its digits have another form than before"
    FELL = "the counter went back"
    ROSE = "the counter rose faster than the connection can carry"
    SLOPE = "the counter rose by more than the power explains"
    SUM = "it is not the sum of its parts any more"
    RANGE = "it is out of any sensible range"
    JUMPED = "it jumped"
    SWAPPED = "two of its digits look swapped"
    CHANGED = "it has never changed before"
    CLOCK = "it does not go on with time"
    NO_NUMBER = "it is no number any more"

    @property
    def hard(self) -> bool:
        """Whether a value that was odd so and came right again was damaged on its way."""
        return self in _HARD

    @property
    def of_telegram(self) -> bool:
        """Whether it is about the whole telegram and not one register."""
        return self in _OF_TELEGRAM


_HARD = frozenset({Reason.LIST, Reason.FORM, Reason.FELL, Reason.ROSE, Reason.SUM, Reason.CHANGED, Reason.NO_NUMBER})
_OF_TELEGRAM = frozenset({Reason.FIRST, Reason.NOISE, Reason.LIST})


@dataclass(frozen=True, slots=True)
class Suspicion:
    """One odd value. ``register`` is the register's name in ``Published.component``, empty for the whole telegram.

    ``before`` and ``now`` are the texts of the line, ``address`` the meter's.
    """

    reason: Reason
    register: str = ""
    address: str = ""
    before: str = ""
    now: str = ""

    def __str__(self) -> str:
        if not self.register:
            return self.reason.value
        return f"{self.address}: {self.reason.value} ({self.before} -> {self.now})"
