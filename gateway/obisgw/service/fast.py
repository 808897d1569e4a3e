"""What becomes of fast values: merged into the last full reading, and published when that is worth it. Pure."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from obisgw.obis import home_assistant_unit, unit_factor
from obisgw.readings.merge import merged, place_in

if TYPE_CHECKING:
    from collections.abc import Iterable

    from obisgw.config.table import MeterSettings
    from obisgw.config.values import Quantity
    from obisgw.readings.reading import Reading, Register

    from .edges import FastRound

FIRST_PAUSE: Final = 10.0
LONGEST_PAUSE: Final = 600.0
"""Seconds before a session is opened again that broke off, doubled each time."""

AT_ONCE_APART: Final = 1.0
"""Great changes are handed on not more often either; a load that swings must not flood anybody's recorder."""

TRY_AGAIN: Final = 86_400.0
"""A meter that refused is asked again once a day: its owner may have had it unlocked."""

FULL_FAILURES: Final = 2
"""So many full readouts in a row that failed behind fast reading, and it is given up for this meter."""


class FastValues:
    """The fast registers of one meter beside its last full reading.

    ``every``: changed values are handed on not more often, in seconds; ``change``: but at once when one has changed by
    that much since.
    """

    def __init__(self, every: float, change: Quantity) -> None:
        self._every = every
        self._change = change
        self._reading: Reading | None = None
        self._published: dict[object, Register] = {}
        self._published_at = float("-inf")

    @property
    def known(self) -> bool:
        """Whether there is a full reading to merge into."""
        return self._reading is not None

    def full(self, reading: Reading, now: float) -> None:
        """Take a full reading, which was published as it is."""
        self._reading = reading
        self._published = {_key(register): register for register in reading.registers}
        self._published_at = now

    def take(self, round_: FastRound) -> tuple[Reading, tuple[Register, ...]] | None:
        """Return the last full reading with these values in it, and which registers are new; None without one."""
        base = self._reading
        if base is None:
            return None
        registers = merged(base.registers, round_.registers)
        self._reading = replace(base, registers=registers, at=max(base.at, round_.at))
        places = (place_in(registers, one) for one in round_.registers)
        return self._reading, tuple(place for place in places if place is not None)

    def is_due(self, fresh: Iterable[Register], now: float, *, at_once: bool = False) -> bool:
        """Whether these values are to be published now; takes note that they are. ``at_once``: something happened."""
        changed = [one for one in fresh if self._before(one) is None or self._before(one) != one.value]
        since = now - self._published_at
        if since < 0:
            since = float("inf")  # The machine's clock was set back.
        soon = since >= min(self._every, AT_ONCE_APART) and any(map(self._far, changed))
        if not (at_once or (changed and (since >= self._every or soon))):
            return False
        self._published |= {_key(one): one for one in changed}
        self._published_at = now
        return True

    def _before(self, one: Register) -> str | None:
        before = self._published.get(_key(one))
        return None if before is None else before.value

    def _far(self, one: Register) -> bool:
        """Whether a value is far from the one that was published."""
        before = self._published.get(_key(one))
        if before is None or before.number is None or one.number is None:
            return True
        wanted = home_assistant_unit(self._change.unit, one.code)
        factor = Decimal(1) if wanted is None else unit_factor(one.description.unit, wanted)
        return factor is not None and abs(one.number - before.number) * factor >= self._change.number


class FastMood:
    """Whether one meter is read fast at present, and what was said of it. ``off`` says why the meter will not."""

    def __init__(self) -> None:
        self.off: str | None = None
        self.trouble: str | None = None
        self.rounds = 0
        """Rounds since the service started."""
        self._since_full = False
        self._full_failures = 0
        self._pause = FIRST_PAUSE
        self._not_before = float("-inf")

    def wanted(self, now: float) -> bool:
        """Whether a session may be opened."""
        longest = LONGEST_PAUSE if self.off is None else TRY_AGAIN
        return now >= self._not_before or self._not_before - now > longest

    def went_well(self) -> bool:
        """Take note of a round; tell whether it ends trouble that was said."""
        self.rounds += 1
        self._since_full = True
        self._pause = FIRST_PAUSE
        self._not_before = float("-inf")
        ended = self.trouble is not None or self.off is not None
        self.trouble = self.off = None
        return ended

    def refused(self, why: str, now: float) -> bool:
        """Take note that the meter will not; tell whether that is to be said."""
        new, self.off = self.off is None, why
        self._not_before = now + TRY_AGAIN
        self._since_full = False
        return new

    def broke_off(self, problem: str, now: float) -> bool:
        """Take note of trouble; tell whether it is to be said."""
        self._since_full = True
        self._not_before = now + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        new, self.trouble = self.trouble is None, problem
        return new

    def full_readout(self, *, failed: bool) -> bool:
        """Take note of a full readout; tell whether too many have failed behind fast reading."""
        self._full_failures = self._full_failures + 1 if failed and self._since_full else 0
        self._since_full = failed and self._since_full
        return self._full_failures >= FULL_FAILURES


def fast_values_of(settings: MeterSettings) -> FastValues:
    """Return the values' keeper of a configured meter."""
    return FastValues(settings.fast_publish, settings.fast_change)


def _key(register: Register) -> object:
    return register.code or register.address
