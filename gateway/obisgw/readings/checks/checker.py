"""Whether a reading is believed: register by register against what is remembered, telegram against telegram.

An odd telegram is not published; the meter is read again at once. What the next telegram agrees with was the meter's
doing and is taken; what it does not was damage, and as many telegrams must agree from then on as the line deserves. A
counter that went back is left out until it has stayed there for long.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from .falls import Falls
from .limits import Connection
from .memory import MOST_LISTS, Known, Memory
from .rules import RESTLESS, Nature, rule_of
from .seen import Seen, odd_beside, odd_slope, suspicion
from .sums import MOST, PROVED, Sum, sums_in
from .suspicion import Reason, Suspicion
from .trust import SUSPECT, Trust

if TYPE_CHECKING:
    from obisgw.readings.reading import Reading

AGAIN: Final = 6
"""So many times in a row the meter is read again at once; then it waits for its schedule."""

OBJECTIONS: Final = 3
"""Telegrams in a row in which a text is another one each time: it changes by itself."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a telegram.

    ``reading`` is what may be published, without the registers that are still odd; None when all is held back.
    ``suspicions`` say why the rest is held back, ``read_again`` that the meter is to be asked at once. ``notes`` are
    oddities that were confirmed, as a counter that began anew.
    """

    reading: Reading | None
    suspicions: tuple[Suspicion, ...] = ()
    read_again: bool = False
    notes: tuple[Suspicion, ...] = ()


@dataclass(slots=True)
class Checker:
    """Judges one meter's telegrams in their order. Times are seconds of a clock that only rises."""

    connection: Connection = field(default_factory=Connection)
    memory: Memory = field(default_factory=Memory)
    _trust: Trust = field(default_factory=Trust)
    _falls: Falls = field(default_factory=Falls)
    _chain: list[Seen] = field(default_factory=list)
    _earlier: Seen | None = None
    _chain_odd: set[tuple[Reason, str]] = field(default_factory=set)
    _accepted_at: float = float("-inf")
    _again: int = 0
    _objections: dict[str, list[str]] = field(default_factory=dict)
    _jumped: dict[str, Decimal] = field(default_factory=dict)

    def take(self, reading: Reading, at: float, *, damaged: int = 0, sparing: bool = False) -> Verdict:
        """Judge a proved telegram.

        ``damaged``: telegrams that failed the line's own checks since the last call. ``sparing``: each readout costs
        the meter's battery, so only what is odd waits, and for one more telegram.
        """
        self._trust.telegram(damaged)
        seen = Seen.of(reading, at)
        odd = self._odd(seen)
        contradictions = self._contradictions(seen, odd)
        self._earlier = self._chain[-1] if self._chain else None
        if contradictions:
            self._refute(odd, contradictions)
            self._object(contradictions, seen)
            self._chain.clear()
        self._chain = [*self._chain, seen][-SUSPECT:]
        self._chain_odd = {(one.reason, one.register) for one in odd}
        fallen = {one.register: one for one in odd if one.reason is Reason.FELL}
        unheard = [one for one in odd if one.reason is not Reason.FELL]
        needed = (2 if odd else 1) if sparing else self._needed(odd)
        if len(self._chain) < needed:
            why = [*contradictions, *odd] if odd else [Suspicion(self._why()), *contradictions]
            return self._hold(why, 1 if sparing else AGAIN)
        # On a suspect line the telegram before this one is believed, which has one on either side that agrees: a new
        # value may have been damaged into the old one.
        judged = self._chain[-2] if self._trust.suspect and len(self._chain) > 1 else seen
        if judged.at <= self._accepted_at:
            return self._hold([Suspicion(self._why())], 1 if sparing else AGAIN)
        believed = self._falls.follow(fallen, judged, self.memory, self.connection)
        left_out = {name: one for name, one in fallen.items() if name not in believed}
        left_out |= self._unsure(judged)
        for one in unheard:
            self._learn(one, judged)
        notes = (*unheard, *(fallen[name] for name in believed))
        return self._accept(judged, left_out, notes)

    def doubts(self, reading: Reading, at: float) -> frozenset[str]:
        """Return the addresses whose values are not believed before the next full readout. Nothing is learnt of them.

        For single registers that are read between full readouts: no other telegram and no sum speaks for them. A value
        of the moment that jumped is believed when the next one is near it.
        """
        before, self._jumped = self._jumped, {}
        doubted = set()
        for name, item in Seen.of(reading, at).items.items():
            known, rule = self.memory.registers.get(name), rule_of(item, self.connection)
            if known is not None and known.text == item.register.value:
                continue
            elapsed = None if known is None or known.at is None else at - known.at
            reason = rule.of_number(item, known, elapsed)
            if reason is Reason.JUMPED and item.register.number is not None:
                self._jumped[name] = item.register.number
                near = name in before and rule.of_change(item.register.number, before[name]) is None
                reason = None if near else reason
            if reason is not None or (known is not None and self._trust.suspect):
                doubted.add(item.register.address)
        return frozenset(doubted)

    # --- what is odd

    def _odd(self, seen: Seen) -> list[Suspicion]:
        """Return what is odd about a telegram beside what is remembered."""
        memory, strict = self.memory, self._trust.suspect
        if not memory.registers:
            return []
        odd = [] if not memory.lists or seen.shape in memory.lists else [Suspicion(Reason.LIST)]
        for name, item in seen.items.items():
            known = memory.registers.get(name)
            if known is None or known.text == item.register.value:
                continue
            elapsed = None if known.at is None else seen.at - known.at
            reason = rule_of(item, self.connection).odd(item, known, elapsed, strict=strict)
            if reason is not None and known.restless.get(reason.name, 0) < RESTLESS:
                odd.append(suspicion(reason, item, known.text))
        odd += [
            Suspicion(
                Reason.SUM,
                one.total.component,
                one.total.register.address,
                " + ".join(part.register.value for part in one.parts),
                one.total.register.value,
            )
            for one in sums_in(seen.items.values())
            if (memory.sums.get(one.of, 0) >= PROVED and not self._holds(one, seen))
            or (strict and memory.exact.get(one.of, 0) >= MOST and not one.exact)
        ]
        if (slope := odd_slope(seen, memory)) is not None:
            odd.append(slope)
        return odd

    def _contradictions(self, seen: Seen, odd: list[Suspicion]) -> list[Suspicion]:
        """Return why a telegram does not agree with the one before: an oddity must have been there already."""
        if not self._chain:
            return []
        beside = odd_beside(seen, self._chain[-1], self.memory, self.connection, earlier=self._earlier)
        return [*beside, *(one for one in odd if (one.reason, one.register) not in self._chain_odd)]

    def _needed(self, odd: list[Suspicion]) -> int:
        first = not self.memory.registers or any(known.at is None for known in self.memory.registers.values())
        return max(self._trust.needed, 2 if odd or first else 1)

    def _why(self) -> Reason:
        return Reason.NOISE if self.memory.registers else Reason.FIRST

    def _refute(self, odd: list[Suspicion], contradictions: list[Suspicion]) -> None:
        """Note that what was odd in the broken chain, and is not any more, was damage that the line's checks let through."""
        still = {one.register for one in odd}
        known = bool(self.memory.registers)
        # Of a meter that is met, texts may be new each time, and the connection large.
        unknown = [one for one in contradictions if one.reason not in {Reason.CHANGED, Reason.ROSE}]
        damage = [one for one in self._odd(self._chain[-1]) if one.register not in still] if known else unknown
        if any(one.reason.hard for one in damage):
            self._trust.betrayed()

    def _object(self, contradictions: list[Suspicion], seen: Seen) -> None:
        """Find texts that are new in each telegram: after a few in a row, that is their nature. Counters have none."""
        before, self._objections = self._objections, {}
        for one in contradictions:
            item, known = seen.items.get(one.register), self.memory.registers.get(one.register)
            if item is None or rule_of(item, self.connection).nature is Nature.COUNTER:
                continue
            texts = before.get(one.register, [one.before])
            if one.now in texts or (known is not None and one.now == known.text):
                continue
            self._objections[one.register] = [*texts, one.now]
            if len(texts) > OBJECTIONS:
                if known is None:
                    known = self.memory.registers[one.register] = Known(one.now, None)
                known.restless[one.reason.name] = RESTLESS

    # --- what becomes of it

    def _hold(self, odd: list[Suspicion], most: int) -> Verdict:
        self._again += 1
        return Verdict(None, tuple(dict.fromkeys(odd)), read_again=self._again <= most)

    def _unsure(self, seen: Seen) -> dict[str, Suspicion]:
        """Return the momentary values that a suspect line gives no two times alike: nothing speaks for them."""
        if not self._trust.suspect:
            return {}
        unsure = {}
        for name, item in seen.items.items():
            if rule_of(item, self.connection).nature is Nature.COUNTER:
                continue
            texts = {one.items[name].register.value for one in self._chain if name in one.items}
            if len(texts) > 1:
                known = self.memory.registers.get(name)
                unsure[name] = suspicion(Reason.NOISE, item, "" if known is None else known.text)
        return unsure

    def _accept(self, seen: Seen, left_out: dict[str, Suspicion], notes: tuple[Suspicion, ...]) -> Verdict:
        registers = self.memory.registers
        for name, item in seen.items.items():
            if name not in left_out:
                known = registers.get(name)
                if known is None:
                    known = registers[name] = Known(item.register.value, item.register.number)
                known.take(item, seen.at)
        if seen.shape not in self.memory.lists:
            self.memory.lists = [*self.memory.lists, seen.shape][-MOST_LISTS:]
        for one in sums_in(seen.items.values()):
            count = self.memory.sums.get(one.of, 0)
            if not any(part.component in left_out for part in (one.total, *one.parts)):
                self.memory.sums[one.of] = min(count + 1, MOST) if self._holds(one, seen) else max(count - 2, -MOST)
                self.memory.exact[one.of] = self.memory.exact.get(one.of, 0) + 1 if one.exact else 0
        self._accepted_at = seen.at
        self.memory.watts = seen.watts
        self.memory.accepted = seen.reading.at.timestamp()
        self._again = 0
        self._objections.clear()
        if not self._trust.suspect:
            self._chain.clear()
        reading = seen.reading
        if left_out:
            kept = tuple(item.register for name, item in seen.items.items() if name not in left_out)
            reading = replace(reading, registers=kept)
        return Verdict(reading, tuple(left_out.values()), notes=notes)

    def _learn(self, one: Suspicion, seen: Seen) -> None:
        """Take a confirmed oddity for what it is: the meter's way."""
        known = self.memory.registers.get(one.register)
        if one.reason is Reason.SUM:
            for found in sums_in(seen.items.values()):
                if found.total.component == one.register and not self._holds(found, seen):
                    self.memory.sums[found.of] -= MOST // 2
        elif known is not None:
            number = seen.items[one.register].register.number
            if one.reason is Reason.ROSE and known.at is not None and number is not None and known.number is not None:
                pace = (number - known.number) / Decimal(max(1.0, seen.at - known.at))
                known.fastest = max(2 * pace, known.fastest or Decimal(0))
            known.calmed(one.reason.name)

    def _holds(self, one: Sum, seen: Seen) -> bool:
        """Tell whether a total is its sum, with what it counted while a slow telegram was printed."""
        known, number = self.memory.registers.get(one.total.component), one.total.register.number
        moved = Decimal(0)
        if known is not None and known.number is not None and known.at is not None and number is not None:
            elapsed = seen.at - known.at
            if elapsed > 0:
                moved = 2 * abs(number - known.number) / Decimal(elapsed) * Decimal(seen.reading.duration)
        return one.holds(moved)
