"""Counters that stand lower than they did: believed only when they stay there, or have run full."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from .rules import rolled_over, rule_of, step
from .seen import odd_pair

if TYPE_CHECKING:
    from collections.abc import Mapping

    from obisgw.readings.published import Published

    from .limits import Connection
    from .memory import Known, Memory
    from .seen import Seen
    from .suspicion import Suspicion

STAYS: Final = 900.0
"""Seconds that a counter must go on from where it fell to; meters print zeros for a while when they start."""

SEEN: Final = 3


@dataclass(slots=True)
class _Fall:
    item: Published
    since: float
    at: float
    seen: int = 1


@dataclass(slots=True)
class Falls:
    """The fallen counters of one meter, by register."""

    _falls: dict[str, _Fall] = field(default_factory=dict)

    def follow(
        self, fallen: Mapping[str, Suspicion], seen: Seen, memory: Memory, connection: Connection
    ) -> frozenset[str]:
        """Return which of the fallen counters are believed from now on; their old values are forgotten."""
        self._falls = {name: fall for name, fall in self._falls.items() if name in fallen}
        believed = set()
        for name in fallen:
            item, known = seen.items[name], memory.registers[name]
            fall = self._falls.get(name)
            if fall is None or odd_pair(item, fall.item, known, seen.at - fall.at, connection) is not None:
                self._falls[name] = fall = _Fall(item, seen.at, seen.at)
            else:
                fall.item, fall.at, fall.seen = item, seen.at, fall.seen + 1
            stays = fall.seen >= SEEN and seen.at - fall.since >= STAYS
            if stays or _ran_full(item, known, seen, connection):
                believed.add(name)
                del self._falls[name]
                known.number = None
        return frozenset(believed)


def _ran_full(item: Published, known: Known, seen: Seen, connection: Connection) -> bool:
    number, rise = item.register.number, rule_of(item, connection).rise
    if number is None or rise is None or known.at is None:
        return False
    return rolled_over(known.text, number, rise * Decimal(seen.at - known.at) + 2 * step(number))
