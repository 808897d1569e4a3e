"""Whether a reading is believed: register by register against the last one, and telegram against telegram.

An odd telegram is not published. The meter is read again; what the next telegram says again, or goes on from, was the
meter's doing, and is taken. What it does not say again was damage, and makes the line suspect: more telegrams in a row
must agree then. A counter that went back is believed only when it stays there for long.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from obisgw.obis import DeviceClass, unit_factor
from obisgw.readings.published import published

from .limits import Connection
from .memory import MOST_LISTS, Known, Memory
from .rules import RESTLESS, Nature, rolled_over, rule_of
from .sums import NEVER, PROVED, sums_in
from .suspicion import Reason, Suspicion

if TYPE_CHECKING:
    from collections.abc import Iterable

    from obisgw.readings.published import Published
    from obisgw.readings.reading import Reading, Register

AGAIN: Final = 5
"""So many times in a row the meter is read again at once; then it waits for its schedule."""

NOISY: Final = 2
VERY_NOISY: Final = 3
SUSPECT: Final = 4
"""Telegrams in a row that must agree: after damage that was seen, after much of it, after damage that passed the checks."""

REMEMBERED: Final = 10
"""Telegrams during which damage on the line counts."""
SUSPECT_FOR: Final = 200

FALL_STAYS: Final = 900.0
"""Seconds that a counter must stay where it fell to; meters print zeros for a while after their own start."""
FALL_SEEN: Final = 3

_ONCE: Final = 0.9


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a telegram.

    ``reading`` is what may be published, without the registers that are still odd; None when all is held back.
    ``suspicions`` say why the rest is held back, ``read_again`` that the meter is to be asked at once. ``notes`` are
    oddities that were confirmed: a counter that began anew, a new list.
    """

    reading: Reading | None
    suspicions: tuple[Suspicion, ...] = ()
    read_again: bool = False
    notes: tuple[Suspicion, ...] = ()


@dataclass(frozen=True, slots=True)
class _Seen:
    """A telegram taken apart for checking. ``shape`` tells lists of registers apart."""

    reading: Reading
    items: tuple[Published, ...]
    at: float
    shape: int

    @classmethod
    def of(cls, reading: Reading, at: float) -> _Seen:
        items = tuple(published(reading.registers))
        shape = hash((*((item.component, item.register.unit) for item in items), len(reading.unparsed)))
        return cls(reading, items, at, shape)


@dataclass(slots=True)
class _Fall:
    """A counter that stands lower than it was."""

    item: Published
    since: float
    seen: int = 1


@dataclass(slots=True)
class Checker:
    """Judges one meter's telegrams in their order. Times are seconds of a clock that only rises.

    ``restarted``: the memory is of another run, so that nobody knows how much time has passed.
    """

    connection: Connection = field(default_factory=Connection)
    memory: Memory = field(default_factory=Memory)
    _pending: _Seen | None = None
    _run: int = 0
    _again: int = 0
    _damage: list[bool] = field(default_factory=list)
    _suspect: int = 0
    _falls: dict[str, _Fall] = field(default_factory=dict)
    _last_at: float | None = None

    def take(self, reading: Reading, at: float, *, damaged: int = 0) -> Verdict:
        """Judge a proved telegram. ``damaged``: telegrams that failed the line's own checks since the last call."""
        self._damage = [*self._damage, *[True] * min(damaged, REMEMBERED), False][-REMEMBERED:]
        self._suspect = max(0, self._suspect - 1)
        seen = _Seen.of(reading, at)
        first = not self.memory.registers
        odd = self._odd(seen)
        notes: tuple[Suspicion, ...] = ()
        if odd and self._pending is not None:
            odd, notes = self._confirmed(odd, seen, self._pending)
        elif self._pending is not None and not first:
            self._refuted(self._pending)
        odd = self._without_falls(odd, seen)
        held = [one for one in odd if one.reason is not Reason.FELL or one.register not in self._falls]
        if held:
            self._run = 0
            return self._hold(seen, odd)
        agrees = self._pending is None or first or self._agrees(seen, self._pending)
        self._run = self._run + 1 if agrees else 1
        if self._run < self._needed(first=first):
            reason = Reason.FIRST if first else Reason.NOISE
            return self._hold(seen, [Suspicion(reason), *odd])
        return self._accept(seen, odd, notes)

    # --- the telegram

    def _needed(self, *, first: bool) -> int:
        damage = sum(self._damage)
        needed = NOISY if first else 1
        if self._suspect:
            needed = SUSPECT
        elif damage * 2 >= REMEMBERED:
            needed = VERY_NOISY
        elif damage:
            needed = NOISY
        return max(needed, NOISY if first else 1)

    def _hold(self, seen: _Seen, odd: list[Suspicion]) -> Verdict:
        self._pending = seen
        self._again += 1
        return Verdict(None, tuple(odd), read_again=self._again <= AGAIN)

    def _accept(self, seen: _Seen, odd: list[Suspicion], notes: tuple[Suspicion, ...]) -> Verdict:
        """Remember a telegram and hand it on without the counters that are still odd."""
        left_out = {one.register for one in odd}
        taken = [item for item in seen.items if item.component not in left_out]
        for item in taken:
            known = self.memory.registers.get(item.component)
            if known is None:
                known = self.memory.registers[item.component] = Known(item.register.value, item.register.number)
            known.take(item, seen.at)
        if seen.shape not in self.memory.lists:
            self.memory.lists = [*self.memory.lists, seen.shape][-MOST_LISTS:]
        self._learn_sums(seen)
        self.memory.power = _watts(taken)
        self._pending, self._again, self._last_at = None, 0, seen.at
        reading = seen.reading
        if left_out:
            registers = tuple(item.register for item in taken)
            reading = replace(reading, registers=registers)
        return Verdict(reading, tuple(odd), notes=notes)

    def _refuted(self, pending: _Seen) -> None:
        """A telegram that was held back did not come again so: was it damage that the line's checks let through?"""
        if any(one.reason.hard for one in self._odd(pending)):
            self._suspect = SUSPECT_FOR

    def _agrees(self, seen: _Seen, pending: _Seen) -> bool:
        return not self._odd_against(seen, pending)

    # --- what is odd

    def _odd(self, seen: _Seen) -> list[Suspicion]:
        """Return what is odd about a telegram against what is remembered."""
        memory = self.memory
        if not memory.registers:
            return [] if self._pending is None else self._odd_against(seen, self._pending)
        odd: list[Suspicion] = []
        if seen.shape not in memory.lists and memory.lists:
            odd.append(Suspicion(Reason.LIST))
        registers = memory.registers
        for item in seen.items:
            known = registers.get(item.component)
            if known is None or known.text == item.register.value:
                continue
            rule = rule_of(item, self.connection)
            elapsed = None if known.at is None else seen.at - known.at
            reason = rule.odd(item, known, elapsed, strict=bool(self._suspect))
            if reason is not None and known.restless.get(reason.name, 0) < RESTLESS:
                odd.append(_suspicion(reason, item, known.text))
        odd.extend(self._odd_sums(seen))
        odd.extend(self._odd_slope(seen))
        return odd

    def _odd_against(self, seen: _Seen, before: _Seen) -> list[Suspicion]:
        """Return what is odd about a telegram when the one before it is believed."""
        odd = [Suspicion(Reason.LIST)] if seen.shape != before.shape else []
        values = {item.component: item for item in before.items}
        elapsed = seen.at - before.at
        for item in seen.items:
            if (other := values.get(item.component)) is not None:
                reason = self._odd_pair(item, other, elapsed)
                if reason is not None:
                    odd.append(_suspicion(reason, item, other.register.value))
        return odd

    def _odd_pair(self, item: Published, other: Published, elapsed: float) -> Reason | None:
        if item.register.value == other.register.value:
            return None
        believed = Known(other.register.value, other.register.number)
        if (known := self.memory.registers.get(item.component)) is not None:
            believed.fastest, believed.restless = known.fastest, known.restless
            believed.forms, believed.filled = [*known.forms], known.filled
        believed.take(other, 0.0)
        reason = rule_of(item, self.connection).odd(item, believed, elapsed, strict=True)
        return None if reason is not None and believed.restless.get(reason.name, 0) >= RESTLESS else reason

    def _odd_sums(self, seen: _Seen) -> list[Suspicion]:
        odd = []
        for one in sums_in(seen.items):
            if self.memory.sums.get(one.of, 0) >= PROVED and not one.holds(self._moved(one.total, seen)):
                parts = " + ".join(item.register.value for item in one.parts)
                odd.append(
                    Suspicion(
                        Reason.SUM, one.total.component, one.total.register.address, parts, one.total.register.value
                    )
                )
        return odd

    def _moved(self, total: Published, seen: _Seen) -> Decimal:
        """Return what a counter can have counted while a slow telegram was printed, by its pace since the last one."""
        known = self.memory.registers.get(total.component)
        number = total.register.number
        if known is None or known.number is None or known.at is None or number is None or seen.at <= known.at:
            return Decimal(0)
        pace = abs(number - known.number) / Decimal(seen.at - known.at)
        return 2 * pace * Decimal(seen.reading.duration)

    def _learn_sums(self, seen: _Seen) -> None:
        sums = self.memory.sums
        for one in sums_in(seen.items):
            count = sums.get(one.of, 0)
            if count != NEVER:
                sums[one.of] = count + 1 if one.holds(self._moved(one.total, seen)) else NEVER

    def _odd_slope(self, seen: _Seen) -> list[Suspicion]:
        """Hold the energy since the last reading against the power before and after it."""
        watts, before = _watts(seen.items), self.memory.power
        if watts is None or before is None:
            return []
        for item in seen.items:
            if not _is_import(item):
                continue
            known = self.memory.registers.get(item.component)
            number = item.register.number
            if known is None or known.number is None or known.at is None or number is None:
                continue
            factor = unit_factor(item.register.description.unit, "Wh")
            elapsed = Decimal(seen.at - known.at)
            if factor is None or elapsed <= 0:
                continue
            allowed = (_USUAL + 2 * max(watts, before, Decimal(0))) * elapsed / 3600 + 3 * factor * _step(number)
            rise = (number - known.number) * factor
            if rise > allowed and known.restless.get(Reason.SLOPE.name, 0) < _SLOPE_RESTLESS:
                return [_suspicion(Reason.SLOPE, item, known.text)]
        return []

    # --- what is confirmed

    def _confirmed(
        self, odd: list[Suspicion], seen: _Seen, pending: _Seen
    ) -> tuple[list[Suspicion], tuple[Suspicion, ...]]:
        """Return what is still odd, and what the telegram before said just so, which is then the meter's own doing."""
        before = {(one.reason, one.register) for one in self._odd(pending)}
        against = {(one.reason, one.register) for one in self._odd_against(seen, pending)}
        touched = {register for _, register in against}
        still, notes = [], []
        for one in odd:
            same_list = one.reason is not Reason.LIST or seen.shape == pending.shape
            twice = (one.reason, one.register) in before or one.reason in {Reason.LIST, Reason.SUM}
            goes_on = one.register not in touched if one.register else same_list
            if one.reason is Reason.ROSE and twice and not goes_on:
                goes_on = self._faster(one, seen, pending)
            if twice and goes_on and one.reason is not Reason.FELL:
                notes.append(one)
            else:
                still.append(one)
        if still and any(one.reason is not Reason.FELL for one in still):
            return odd, ()
        for one in notes:
            self._learn(one, seen, pending)
        return still, tuple(notes)

    def _faster(self, one: Suspicion, seen: _Seen, pending: _Seen) -> bool:
        """Tell whether a counter that is too fast is so steadily: its connection is larger than was said."""
        pace = self._pace(one.register, pending, None), self._pace(one.register, seen, pending)
        if pace[0] is None or pace[1] is None or pace[1] < 0:
            return False
        return pace[1] <= 3 * pace[0]

    def _pace(self, register: str, seen: _Seen, before: _Seen | None) -> Decimal | None:
        now = _number(seen, register)
        if before is not None:
            first, at = _number(before, register), before.at
        else:
            known = self.memory.registers.get(register)
            if known is None or known.at is None:
                return None
            first, at = known.number, known.at
        if now is None or first is None or seen.at <= at:
            return None
        return (now - first) / Decimal(seen.at - at)

    def _learn(self, one: Suspicion, seen: _Seen, pending: _Seen) -> None:
        known = self.memory.registers.get(one.register)
        match one.reason:
            case Reason.LIST | Reason.FIRST | Reason.NOISE:
                pass
            case Reason.SUM:
                for found in sums_in(seen.items):
                    if found.total.component == one.register and not found.holds(self._moved(found.total, seen)):
                        self.memory.sums[found.of] = NEVER
            case Reason.ROSE if known is not None:
                paces = self._pace(one.register, pending, None), self._pace(one.register, seen, pending)
                fastest = max((2 * pace for pace in paces if pace is not None), default=None)
                if fastest is not None:
                    known.fastest = max(fastest, known.fastest or Decimal(0))
            case _ if known is not None:
                known.calmed(one.reason.name)
            case _:
                pass

    def _without_falls(self, odd: list[Suspicion], seen: _Seen) -> list[Suspicion]:
        """Follow counters that went back; those that stayed there long enough are believed, and removed from ``odd``."""
        fallen = {one.register: one for one in odd if one.reason is Reason.FELL}
        self._falls = {name: fall for name, fall in self._falls.items() if name in fallen}
        if not fallen or any(one.reason is not Reason.FELL for one in odd):
            return odd
        items = {item.component: item for item in seen.items}
        left = []
        for name, one in fallen.items():
            item, fall = items[name], self._falls.get(name)
            if fall is None or self._odd_pair(item, fall.item, seen.at - fall.since) is not None:
                if self._pending is not None and self._same_fall(item, self._pending):
                    self._falls[name] = _Fall(item, seen.at)
                left.append(one)
                continue
            fall.seen += 1
            if (fall.seen >= FALL_SEEN and seen.at - fall.since >= FALL_STAYS) or self._rolled(item, seen):
                del self._falls[name]
                known = self.memory.registers[name]
                known.forms.clear()
                known.number = None
            else:
                left.append(one)
        return left

    def _same_fall(self, item: Published, pending: _Seen) -> bool:
        other = next((one for one in pending.items if one.component == item.component), None)
        return other is not None and self._odd_pair(item, other, 0.0) is None

    def _rolled(self, item: Published, seen: _Seen) -> bool:
        known, number = self.memory.registers[item.component], item.register.number
        rule = rule_of(item, self.connection)
        if number is None or rule.nature is not Nature.COUNTER or rule.rise is None or known.at is None:
            return False
        return rolled_over(known.text, number, rule.rise * Decimal(seen.at - known.at) + 2 * _step(number))


_USUAL: Final = Decimal(4000)
"""Watts of a kettle and an oven that came and went between two readings."""
_SLOPE_RESTLESS: Final = 20


def _suspicion(reason: Reason, item: Published, before: str) -> Suspicion:
    return Suspicion(reason, item.component, item.register.address, before, item.register.value)


def _number(seen: _Seen, register: str) -> Decimal | None:
    return next((item.register.number for item in seen.items if item.component == register), None)


def _watts(items: Iterable[Published]) -> Decimal | None:
    """Return the power from the grid, of all phases."""
    found: dict[int, Decimal] = {}
    for item in items:
        register = item.register
        if register.description.device_class is DeviceClass.POWER and _is_total(register, 7) and register.number:
            factor = unit_factor(register.description.unit, "W")
            if factor is not None and register.code is not None:
                found[register.code.c] = register.number * factor
        elif register.description.device_class is DeviceClass.POWER and _is_total(register, 7):
            found[register.code.c if register.code else 0] = Decimal(0)
    return next((found[c] for c in (1, 16, 15) if c in found), None)


def _is_total(register: Register, group_d: int) -> bool:
    code = register.code
    return code is not None and (code.a, code.d, code.e, code.f) == (1, group_d, 0, 255)


def _is_import(item: Published) -> bool:
    code = item.register.code
    return code is not None and (code.a, code.c, code.d, code.e, code.f) == (1, 1, 8, 0, 255)


def _step(number: Decimal) -> Decimal:
    exponent = number.as_tuple().exponent
    return Decimal(1).scaleb(exponent) if isinstance(exponent, int) else Decimal(1)
