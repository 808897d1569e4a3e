"""Totals against the sum of their parts: tariffs, and phases."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from obisgw.obis import CURRENT, Medium, ObisCode, is_counter

from .rules import step

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from obisgw.readings.published import Published

PROVED: Final = 3
"""So many readings in which a total was the sum of its parts, and it has to be."""

MOST: Final = 12
"""So far is counted, up and down: a total that counts something else is known as such for long."""

_TARIFFS: Final = range(1, 9)
_PHASES: Final = (20, 40, 60)
_PHASE_QUANTITIES: Final = 20
_POWER_TOLERANCE: Final = Decimal("0.03")
_INSTANTANEOUS: Final = 7


@dataclass(frozen=True, slots=True)
class Sum:
    """One total with its parts, of one telegram. ``of`` names it over telegrams."""

    of: str
    total: Published
    parts: tuple[Published, ...]
    momentary: bool = False

    def holds(self, moved: Decimal) -> bool:
        """Tell whether the total is the sum, within the digits printed and what is counted while it is printed."""
        numbers = [item.register.number for item in (self.total, *self.parts)]
        known = [number for number in numbers if number is not None]
        if len(known) != len(numbers):
            return True
        total, parts = known[0], sum(known[1:], Decimal(0))
        allowed = sum((step(number) for number in known), Decimal(0)) + moved
        if self.momentary:
            allowed += _POWER_TOLERANCE * sum((abs(number) for number in known[1:]), Decimal(0))
        return abs(total - parts) <= allowed

    @property
    def exact(self) -> bool:
        """Whether the total is the sum to its last digit."""
        numbers = [item.register.number for item in (self.total, *self.parts)]
        known = [number for number in numbers if number is not None]
        return len(known) == len(numbers) and known[0] == sum(known[1:], Decimal(0))


def sums_in(items: Iterable[Published]) -> Iterator[Sum]:
    """Yield the totals of a telegram that stand beside all of at least two parts, in one unit."""
    by_code = {item.register.code: item for item in items if item.register.code is not None}
    for code, item in by_code.items():
        if not _may_be_total(code):
            continue
        for name, wanted in _parts_of(code):
            parts = tuple(by_code[part] for part in wanted if part in by_code)
            complete = len(parts) == len(_PHASES) if name == "phases" else len(parts) > 1
            unit = item.register.description.unit
            if complete and all(part.register.description.unit == unit for part in parts):
                yield Sum(f"{item.component} {name}", item, parts, momentary=code.d == _INSTANTANEOUS)


@lru_cache(maxsize=4096)
def _may_be_total(code: ObisCode) -> bool:
    if code.e != 0 or code.f != CURRENT or code.medium is not Medium.ELECTRICITY:
        return False
    momentary = code.d == _INSTANTANEOUS and code.c in {1, 2, 15, 16}
    return momentary or (is_counter(code) and 1 <= code.c <= _PHASE_QUANTITIES)


@lru_cache(maxsize=4096)
def _parts_of(code: ObisCode) -> tuple[tuple[str, tuple[ObisCode, ...]], ...]:
    a, b, c, d, f = code.a, code.b, code.c, code.d, code.f
    phases = tuple(ObisCode(a, b, c + phase, d, 0, f) for phase in _PHASES)
    if d == _INSTANTANEOUS:
        return (("phases", phases),)
    return (("tariffs", tuple(ObisCode(a, b, c, d, e, f) for e in _TARIFFS)), ("phases", phases))
