"""Limits that a register's value is watched against: on beyond the limit, off when it is back far enough.

Pure: a memory goes in with each proved reading and comes out renewed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final
from zlib import crc32

from obisgw.obis import ObisCode, home_assistant_unit, unit_factor

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from obisgw.obis import Medium

    from .reading import Reading, Register

USUAL_REGISTERS: Final = ("16.7.0", "1.7.0", "1.7.255", "15.7.0")
"""Watched where no register is named, the first that a meter prints: net, imported, absolute active power."""

_LONGEST_SLUG: Final = 40


@dataclass(frozen=True, slots=True)
class Threshold:
    """One limit. Exactly one of ``above`` and ``below`` is given.

    ``id`` is of ``[a-z0-9_]+`` and its own among a meter's thresholds. ``register`` is an OBIS code such as ``16.7.0``,
    None for the usual power register. ``unit`` is that of limit and ``hysteresis``, None for the register's own.
    ``seconds`` is how long the value must be beyond the limit. Raises ValueError for what cannot be watched.
    """

    id: str
    name: str
    register: str | None = None
    above: Decimal | None = None
    below: Decimal | None = None
    unit: str | None = None
    hysteresis: Decimal = Decimal(0)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if (self.above is None) == (self.below is None):
            raise ValueError("a threshold has either 'above' or 'below'")
        if not self.limit.is_finite() or not self.hysteresis.is_finite() or self.hysteresis < 0:
            raise ValueError("limit and hysteresis are numbers, and hysteresis is not negative")
        if not 0 <= self.seconds < float("inf"):
            raise ValueError("the time beyond the limit is not negative")

    @property
    def limit(self) -> Decimal:
        """The number above or below which it is on."""
        limit = self.below if self.above is None else self.above
        return Decimal("NaN") if limit is None else limit

    @property
    def rule(self) -> str:
        """What is watched, in short; another rule under the same name begins anew."""
        side = "<" if self.above is None else ">"
        return f"{self.register or ''}{side}{self.limit}{self.unit or ''};{self.hysteresis};{self.seconds:g}"


@dataclass(frozen=True, slots=True)
class ThresholdMemory:
    """What the last reading left: ``on``, and ``since`` when the value is beyond the limit; ``at`` is its time."""

    rule: str
    on: bool = False
    since: datetime | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Watched:
    """A threshold after a reading. ``on`` is None where the reading does not tell; ``problem`` says why it never will."""

    memory: ThresholdMemory
    on: bool | None
    problem: str | None = None


def threshold_id(name: str) -> str:
    """Return the id of a threshold named so. Names that differ beyond letters and digits have different ones."""
    slug = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:_LONGEST_SLUG]
    return slug if slug == re.sub(r"[ _-]+", "_", name.lower()) else f"{slug}_{crc32(name.encode()):08x}".strip("_")


def watch(
    threshold: Threshold, memory: ThresholdMemory | None, reading: Reading, longest_gap: timedelta = timedelta.max
) -> Watched:
    """Compare one reading. Readings further apart than ``longest_gap`` say nothing of the time between them."""
    if memory is None or memory.rule != threshold.rule:
        memory = ThresholdMemory(threshold.rule)
    register = register_of(threshold, reading)
    if register is None or register.number is None:
        # What was on stays remembered: between limit and hysteresis only the past tells.
        return Watched(ThresholdMemory(memory.rule, memory.on), None)
    unit = register.description.unit
    wanted = home_assistant_unit(threshold.unit, register.code)
    if (factor := Decimal(1) if wanted is None else unit_factor(unit, wanted)) is None:
        problem = f"{register.address} is in {unit or 'no unit'}, the threshold '{threshold.name}' in {wanted}"
        return Watched(ThresholdMemory(memory.rule), None, problem)
    value = register.number * factor
    beyond = value - threshold.limit if threshold.above is not None else threshold.limit - value
    if beyond <= 0:
        # Without hysteresis the limit itself is off: "above 0 W" would else never end.
        on = memory.on and 0 < threshold.hysteresis >= -beyond
        return Watched(ThresholdMemory(memory.rule, on, None, reading.at), on)
    since = memory.since
    if since is None or memory.at is None or not timedelta(0) <= reading.at - memory.at <= longest_gap:
        since = reading.at
    on = memory.on or (reading.at - since).total_seconds() >= threshold.seconds
    return Watched(ThresholdMemory(memory.rule, on, since, reading.at), on)


def unwatched(threshold: Threshold, memory: ThresholdMemory | None) -> Watched:
    """Return the threshold as it was: nothing new was read of its register."""
    if memory is None or memory.rule != threshold.rule:
        return Watched(ThresholdMemory(threshold.rule), None)
    return Watched(memory, None if memory.at is None else memory.on)


def misfit(threshold: Threshold, units: Mapping[ObisCode, str | None], medium: Medium) -> str | None:
    """Say why a limit can never be compared at a meter with registers of these units; None if it can, or nobody knows."""
    code = _code(threshold, units, medium)
    if code is None or threshold.unit is None or (unit := units[code]) is None:
        return None
    if unit_factor(unit, home_assistant_unit(threshold.unit, code)) is not None:
        return None
    return f"{code} is in {unit}, which cannot be compared with {threshold.unit}"


def register_of(threshold: Threshold, reading: Reading) -> Register | None:
    """Return the register that is watched."""
    registers: dict[ObisCode, Register] = {}
    for register in reading.registers:
        if register.code is not None:
            registers.setdefault(register.code, register)
    code = _code(threshold, registers, reading.meter.medium)
    return None if code is None else registers[code]


def _code(threshold: Threshold, codes: Collection[ObisCode], medium: Medium) -> ObisCode | None:
    """Return which of a meter's registers is watched."""
    for address in USUAL_REGISTERS if threshold.register is None else (threshold.register,):
        if (found := _code_at(address, codes, medium)) is not None:
            return found
    return None


def _code_at(address: str, codes: Collection[ObisCode], medium: Medium) -> ObisCode | None:
    """Return the code of an address; one without medium and channel fits any where its own is not there."""
    code = ObisCode.parse(address, medium)
    if code is None or code in codes:
        return code
    if ":" in address:
        return None
    wanted = (code.c, code.d, code.e, code.f)
    return next((one for one in codes if (one.c, one.d, one.e, one.f) == wanted), None)
