"""Which counter a load profile's column belongs to, and what the counter rose in each period."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from obisgw.iec62056_21.vdew.parts import decimals_of
from obisgw.obis import ColumnKind, Medium, ObisCode, belongs_to_counter, unit_factor

from .load_profile import quantities

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from obisgw.iec62056_21.vdew.periods import Period

_ONE: Final = Decimal(1)


@dataclass(frozen=True, slots=True)
class Rise:
    """What a counter rose from ``start`` to ``end``. ``digit``: the last one that the meter gives of it.

    ``reached``: the counter itself at the end, where the profile has it.
    """

    start: datetime
    end: datetime
    amount: Decimal
    digit: Decimal
    reached: Decimal | None = None


def rises(periods: Sequence[Period], register: str, unit: str) -> Iterator[list[Rise]]:
    """Yield a counter's rises by each column that may tell them, the best first.

    ``register`` is ``Published.component``. A column of all tariffs is yielded for those of one as well: where only that
    one was in force, both have risen alike.
    """
    code = ObisCode.parse(_dotted(register), Medium.OTHER)
    if code is None:
        return
    columns = sorted(
        {(channel.kind is not ColumnKind.TOTAL, channel.address)
         for period in periods for channel in period.channels
         if channel.code is not None and belongs_to_counter(channel.code, channel.kind, code)}
    )  # fmt: skip
    for by_period, address in columns:
        found = list(_amounts(periods, address, unit) if by_period else _differences(periods, address, unit))
        if found:
            yield found


def _dotted(register: str) -> str:
    a, b, c, d, e, f = (*register.split("_"), *[""] * 6)[:6]
    return f"{a}-{b}:{c}.{d}.{e}*{f}" if register.count("_") == 5 else ""


def _amounts(periods: Sequence[Period], address: str, unit: str) -> Iterator[Rise]:
    for period, amount, printed, given in _cells(periods, address):
        factor = unit_factor(given, unit)
        if factor is not None:
            hours = Decimal((period.end - period.start).total_seconds()) / 3600
            per_digit = hours if given != printed[1] else _ONE
            digit = _ONE.scaleb(-decimals_of(printed[0])) * per_digit * factor
            yield Rise(period.start, period.end, amount * factor, digit)


def _differences(periods: Sequence[Period], address: str, unit: str) -> Iterator[Rise]:
    before: tuple[datetime, Decimal] | None = None
    for period, amount, _, given in _cells(periods, address):
        factor = unit_factor(given, unit)
        if factor is None:
            continue
        value = amount * factor
        # Digits of a counter that is cut off, not rounded, add up by themselves.
        if before is not None and before[0] == period.start:
            yield Rise(period.start, period.end, value - before[1], Decimal(0), value)
        before = period.end, value


def _cells(
    periods: Sequence[Period], address: str
) -> Iterator[tuple[Period, Decimal, tuple[Decimal, str | None], str | None]]:
    for period in periods:
        for one in quantities(period):
            if one.channel.address == address and isinstance(one.amount, Decimal) and isinstance(one.value, Decimal):
                yield period, one.amount, (one.value, one.channel.unit), one.amount_unit
