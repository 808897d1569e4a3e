"""The rule by which one register's new value is held against its last one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import Enum, auto
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from obisgw.obis import CURRENT, ObisCode, StateClass, ValueKind, is_counter
from obisgw.readings.times import parse_time

from .memory import SETTLED, Known, form_of
from .suspicion import Reason

if TYPE_CHECKING:
    from obisgw.readings.published import Published

    from .limits import Connection

RESTLESS: Final = 3
"""So often confirmed, and an oddity of a register is no oddity any more."""

UNCHANGED: Final = 2
"""Readings in a row without a change, after which one is looked at twice."""

_CLOCK_TOLERANCE: Final = 4.0
_DRIFT: Final = 0.001
_DAY: Final = 86_400
_TIME_OF_DAY: Final = re.compile(r"[012]?([0-2][0-9]):?([0-5][0-9])(?::?([0-5][0-9]))?[SW]?")


class Nature(Enum):
    """What a register's value does from one reading to the next."""

    COUNTER = auto()
    """Only ever rises."""
    GAUGE = auto()
    """A momentary value: anything within a range."""
    CLOCK = auto()
    """Goes on with time, or stands still."""
    NOTE = auto()
    """All else: texts, flags, dates, closed billing periods, peaks, counts of events; changes seldom."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How one register is checked. ``rise``: the most a second; ``least``, ``most``: its range."""

    nature: Nature
    rise: Decimal | None = None
    least: Decimal | None = None
    most: Decimal | None = None
    jump: Decimal | None = None
    numeric: bool = False
    closed: bool = False
    """Belongs to a billing period that is over."""

    def odd(self, item: Published, known: Known, elapsed: float | None, *, strict: bool = False) -> Reason | None:
        """Return what is odd about a value ``elapsed`` seconds behind the known one (None: not known how many).

        ``strict``: where little is known of the register yet, or the line is suspect, every change of what does not
        change by itself is odd.
        """
        register = item.register
        text, number = register.value, register.number
        if text == known.text:
            return None  # Nearly all; a clock that stands still is the meter's trouble.
        if self.numeric and number is None:
            return Reason.NO_NUMBER if known.number is not None and text.strip() else None
        if self._strange(text, known, strict=strict):
            return Reason.FORM
        if number is None or known.number is None:
            return self._of_text(text, known, elapsed, strict=strict)
        match self.nature:
            case Nature.COUNTER:
                reason = self._of_counter(item, number, known, elapsed, strict=strict)
                return reason or self._of_digits(text, known)
            case Nature.GAUGE:
                return self.of_change(number, known.number) or self._of_digits(text, known)
            case Nature.CLOCK | Nature.NOTE:
                return self._of_text(text, known, elapsed, strict=strict)

    def of_number(self, item: Published, known: Known | None, elapsed: float | None) -> Reason | None:
        """Return what is odd about a value's size alone, whatever form its digits have."""
        number, before = item.register.number, None if known is None else known.number
        if number is None:
            return Reason.NO_NUMBER if before is not None else None
        match self.nature:
            case Nature.COUNTER if known is not None and before is not None:
                return self._of_counter(item, number, known, elapsed, strict=False)
            case Nature.GAUGE:
                return self.of_change(number, number if before is None else before)
            case _:
                return None

    def _of_digits(self, text: str, known: Known) -> Reason | None:
        return Reason.SWAPPED if swapped(known.text, text) else None

    def _strange(self, text: str, known: Known, *, strict: bool) -> bool:
        """Whether the digits have a form that this register never had, and that a number does not take by growing."""
        form = form_of(text)
        if form in known.forms or not known.forms:
            return False
        if self.nature in {Nature.NOTE, Nature.CLOCK}:
            return strict or known.steady >= SETTLED
        # A number without zeros in front changes its width by itself.
        return known.filled or known.steady >= SETTLED or _behind_point(form) != _behind_point(known.forms[-1])

    def _of_counter(
        self, item: Published, number: Decimal, known: Known, elapsed: float | None, *, strict: bool
    ) -> Reason | None:
        before = known.number or Decimal(0)
        if number < before:
            return Reason.FELL
        if register_elapsed := _own_elapsed(item, known):
            elapsed = register_elapsed
        if self.rise is None:
            # What counts events changes seldom.
            return Reason.CHANGED if number != before and (strict or known.same >= UNCHANGED) else None
        if elapsed is None:
            return None
        rise = self.rise if known.fastest is None else max(self.rise, known.fastest)
        if number - before > rise * Decimal(elapsed) + 2 * step(number):
            return Reason.ROSE
        return None

    def of_change(self, number: Decimal, before: Decimal) -> Reason | None:
        """Return what is odd about a value of the moment behind another one."""
        if (self.least is not None and number < self.least) or (self.most is not None and number > self.most):
            return Reason.RANGE
        # From and to zero is how phases fail and come back: a re-read tells.
        return Reason.JUMPED if self.jump is not None and abs(number - before) > self.jump else None

    def _of_text(self, text: str, known: Known, elapsed: float | None, *, strict: bool) -> Reason | None:
        if self.nature is Nature.CLOCK:
            return None if elapsed is None or goes_on(known.text, text, elapsed) else Reason.CLOCK
        return Reason.CHANGED if strict or self.closed or known.same >= UNCHANGED else None


def _own_elapsed(item: Published, known: Known) -> float | None:
    """Return the seconds between the time stamps of two values that bring their own, as M-Bus meters do each hour."""
    if item.register.time is None or known.time is None:
        return None
    return max(0.0, (item.register.time - known.time).total_seconds()) or None


def rule_of(item: Published, connection: Connection) -> Rule:
    """Return the rule for a register, by its description alone."""
    register = item.register
    description, code = register.description, register.code
    return _rule(description.kind, description.unit, description.state_class, code, connection)


@lru_cache(maxsize=4096)
def _rule(
    kind: ValueKind,
    unit: str | None,
    state_class: StateClass | None,
    code: ObisCode | None,
    connection: Connection,
) -> Rule:
    if kind in {ValueKind.TIMESTAMP, ValueKind.TIME}:
        return Rule(Nature.CLOCK)
    if kind is not ValueKind.NUMBER:
        return Rule(Nature.NOTE)
    if code is not None and is_counter(code):
        return Rule(Nature.COUNTER, rise=connection.rise(unit, code), numeric=True)
    if state_class in {StateClass.MEASUREMENT, StateClass.MEASUREMENT_ANGLE}:
        least, most = connection.range(unit) or (None, None)
        return Rule(Nature.GAUGE, least=least, most=most, jump=connection.jump(unit), numeric=True)
    return Rule(Nature.NOTE, numeric=True, closed=code is not None and code.f != CURRENT)


def step(number: Decimal) -> Decimal:
    """Return one unit of a number's last digit."""
    exponent = number.as_tuple().exponent
    return Decimal(1).scaleb(exponent) if isinstance(exponent, int) else Decimal(1)


def goes_on(before: str, now: str, elapsed: float) -> bool:
    """Tell whether a clock's text went on by about ``elapsed`` seconds, over midnight too."""
    tolerance = _CLOCK_TOLERANCE + _DRIFT * elapsed
    first, second = parse_time(before), parse_time(now)
    if first is not None and second is not None:
        return abs((second - first).total_seconds() - elapsed) <= tolerance + _minute(now)
    of_day = _of_day(before), _of_day(now)
    if of_day[0] is not None and of_day[1] is not None:
        off = (of_day[1] - of_day[0] - elapsed) % _DAY
        return min(off, _DAY - off) <= tolerance + _minute(now)
    return False


def _minute(text: str) -> float:
    """Clocks that print no seconds stand still for a minute."""
    digits = sum(character.isdigit() for character in text)
    return 60.0 if digits in {4, 5, 8, 10, 11} else 0.0


def _of_day(text: str) -> float | None:
    match = _TIME_OF_DAY.fullmatch(text.strip(" "))
    if match is None:
        return None
    return timedelta(hours=int(match[1]), minutes=int(match[2]), seconds=int(match[3] or 0)).total_seconds()


def rolled_over(before: str, number: Decimal, most: Decimal) -> bool:
    """Tell whether a counter of so many digits began again at zero by rising no more than ``most``."""
    digits = before.strip(" +").replace(",", ".").partition(".")[0]
    if not digits.isdigit():
        return False
    end = Decimal(10) ** len(digits)
    last = Decimal(before.strip(" +").replace(",", "."))
    return last < end and end - last + number <= most


def _behind_point(form: str) -> int:
    body = form.replace(",", ".")
    return len(body.partition(".")[2].strip(" "))


def swapped(before: str, now: str) -> bool:
    """Tell whether a number looks like the last one, or its next, with two neighbouring digits swapped."""
    if len(before) != len(now):
        return False
    first = next((place for place, pair in enumerate(zip(before, now, strict=True)) if pair[0] != pair[1]), 0)
    places = range(max(0, first - 2), len(now) - 1) if len(now) - first <= _FEW else (first, first - 1, first - 2)
    value, last = _whole(now), _whole(before)
    if value is None or last is None or abs(value - last) < _SWAP_DIFFERS:
        return False
    return any(
        abs(moved - last) <= _SWAP_NEAR and 4 * abs(moved - last) < abs(value - last)
        for place in places
        if (other := _swap(now, place)) is not None and other != now and (moved := _whole(other)) is not None
    )


_FEW: Final = 6
_SWAP_DIFFERS: Final = 9
_SWAP_NEAR: Final = 5


def _whole(text: str) -> int | None:
    """Return a number's digits as a whole number of its last one."""
    digits = text.strip(" +").replace(".", "", 1).replace(",", "", 1)
    negative = digits.startswith("-")
    digits = digits.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        return None
    return -int(digits) if negative else int(digits)


def _swap(text: str, place: int) -> str | None:
    """Return a text with the digits at ``place`` and behind it swapped, over a point too; None where there are none."""
    if place < 0:
        return None
    other = place + 2 if text[place + 1 : place + 2] in {".", ","} else place + 1
    if other >= len(text) or not (text[place].isdigit() and text[other].isdigit()):
        return None
    characters = list(text)
    characters[place], characters[other] = characters[other], characters[place]
    return "".join(characters)
