"""A telegram taken apart for checking, and what is odd about it when another one is believed."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final
from zlib import crc32

from obisgw.obis import DeviceClass, unit_factor
from obisgw.readings.published import published

from .memory import Known
from .rules import RESTLESS, rule_of, step
from .suspicion import Reason, Suspicion

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from obisgw.readings.published import Published
    from obisgw.readings.reading import Reading

    from .limits import Connection
    from .memory import Memory

_USUAL: Final = Decimal(4000)
"""Watts of a kettle and an oven that came and went between two readings."""
_IMPORT: Final = (1, 1, 8, 0, 255)
_POWERS: Final = ((1, 1, 7, 0, 255), (1, 16, 7, 0, 255), (1, 15, 7, 0, 255))


@dataclass(frozen=True, slots=True)
class Seen:
    """A proved telegram at ``at``. ``shape`` tells lists of registers apart, ``watts`` is the power from the grid."""

    reading: Reading
    items: Mapping[str, Published]
    at: float
    shape: int
    watts: Decimal | None

    @classmethod
    def of(cls, reading: Reading, at: float) -> Seen:
        """Take a reading apart."""
        items = {item.component: item for item in published(reading.registers)}
        names = "\n".join(f"{name} {item.register.unit or ''}" for name, item in items.items())
        shape = crc32(f"{names}\n{len(reading.unparsed)}".encode())  # not hash(): it is remembered over restarts
        return cls(reading, items, at, shape, _watts(items.values()))


def suspicion(reason: Reason, item: Published, before: str) -> Suspicion:
    """Return the suspicion against one register."""
    return Suspicion(reason, item.component, item.register.address, before, item.register.value)


def odd_beside(
    seen: Seen, before: Seen, memory: Memory, connection: Connection, *, earlier: Seen | None = None
) -> list[Suspicion]:
    """Return what is odd about a telegram if the one before it is right: they were read in quick succession.

    ``earlier`` is the one before that, believed or not: where nothing is remembered, it tells a counter's pace.
    """
    odd = [] if seen.shape == before.shape else [Suspicion(Reason.LIST)]
    elapsed = seen.at - before.at
    for name, item in seen.items.items():
        other = before.items.get(name)
        if other is None or other.register.value == item.register.value:
            continue
        known = memory.registers.get(name)
        reason = odd_pair(item, other, known, elapsed, connection, pace=_pace(other, before, known, earlier))
        if reason is not None:
            odd.append(suspicion(reason, item, other.register.value))
    return odd


def odd_pair(
    item: Published,
    other: Published,
    known: Known | None,
    elapsed: float,
    connection: Connection,
    *,
    pace: Decimal | None = None,
) -> Reason | None:
    """Return what is odd about a value if ``other``, ``elapsed`` seconds before it, is right.

    ``pace``: at which a counter rose up to then, if it is known. What goes on as fast as that is not odd.
    """
    believed = Known(other.register.value, other.register.number)
    if known is not None:
        believed.fastest, believed.forms, believed.filled = known.fastest, list(known.forms), known.filled
    if pace is not None and pace > 0:
        believed.fastest = max(2 * pace, believed.fastest or pace)
    believed.take(other, 0.0)
    reason = rule_of(item, connection).odd(item, believed, elapsed, strict=True)
    calm = known is not None and reason is not None and known.restless.get(reason.name, 0) >= RESTLESS
    return None if calm else reason


def _pace(item: Published, seen: Seen, known: Known | None, earlier: Seen | None) -> Decimal | None:
    """Return by how much a register rose a second, up to a telegram."""
    number = item.register.number
    if known is None and earlier is not None and (first := earlier.items.get(item.component)) is not None:
        known = Known(first.register.value, first.register.number, at=earlier.at)
    if known is None or known.number is None or known.at is None or number is None or seen.at <= known.at:
        return None
    return (number - known.number) / Decimal(seen.at - known.at)


def odd_slope(seen: Seen, memory: Memory) -> Suspicion | None:
    """Hold the energy taken since the last reading against the power before and after."""
    item = next((item for item in seen.items.values() if _groups(item) == _IMPORT), None)
    if item is None or seen.watts is None or memory.watts is None:
        return None
    known, number = memory.registers.get(item.component), item.register.number
    factor = unit_factor(item.register.description.unit, "Wh")
    if known is None or known.number is None or known.at is None or number is None or factor is None:
        return None
    elapsed = Decimal(max(0.0, seen.at - known.at))
    usual = _USUAL + 2 * max(seen.watts, memory.watts, Decimal(0))
    allowed = usual * elapsed / 3600 + 3 * step(number) * factor
    if (number - known.number) * factor <= allowed or known.restless.get(Reason.SLOPE.name, 0) >= RESTLESS:
        return None
    return suspicion(Reason.SLOPE, item, known.text)


def _watts(items: Iterable[Published]) -> Decimal | None:
    found: dict[tuple[int, ...], Decimal] = {}
    for item in items:
        register = item.register
        if register.description.device_class is DeviceClass.POWER and register.number is not None:
            factor = unit_factor(register.description.unit, "W")
            groups = _groups(item)
            if groups in _POWERS and factor is not None:
                found[groups] = register.number * factor
    return next((found[groups] for groups in _POWERS if groups in found), None)


def _groups(item: Published) -> tuple[int, ...]:
    code = item.register.code
    return () if code is None else (code.a, code.c, code.d, code.e, code.f)
