"""Periods of a load profile as amounts: what was used in each, and what the meter printed.

A mean power times its time is an energy; energies of a period are energies; counters stay what they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from obisgw.iec62056_21.vdew.parts import decimals_of, rounded
from obisgw.obis import ColumnKind, unit_over_time

if TYPE_CHECKING:
    from obisgw.iec62056_21.vdew.periods import Note, Period
    from obisgw.iec62056_21.vdew.records import Channel, Value

_HOUR: Final = timedelta(hours=1)

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Quantity:
    """One column of one period. ``value`` and ``unit`` as printed; ``amount`` in ``amount_unit`` is what counts.

    Amounts are exact; where a mean over a cut period gives a number without end, it has six decimals more than printed.
    """

    channel: Channel
    value: Value
    amount: Value
    amount_unit: str | None


def quantities(period: Period) -> tuple[Quantity, ...]:
    """Return the values of a period as amounts, in the order of its channels."""
    return tuple(
        _quantity(channel, value, period.averaged)
        for channel, value in zip(period.channels, period.values, strict=True)
    )


def _quantity(channel: Channel, value: Value, averaged: timedelta) -> Quantity:
    unit = unit_over_time(channel.unit) if channel.kind is ColumnKind.AVERAGE else None
    if unit is None or not isinstance(value, Decimal):
        return Quantity(channel, value, value, channel.unit if unit is None else unit)
    hours = Fraction(averaged // timedelta(microseconds=1), _HOUR // timedelta(microseconds=1))
    return Quantity(channel, value, rounded(Fraction(value) * hours, decimals_of(value)), unit)


def column_names(channels: tuple[Channel, ...], *, printed: bool) -> list[str]:
    """Return a name for each column: its code, or what the meter calls it, and its unit.

    ``printed``: columns hold values as printed, not amounts.
    """
    names = []
    for channel in channels:
        unit = channel.unit
        if not printed and channel.kind is ColumnKind.AVERAGE:
            unit = unit_over_time(unit) or unit
        name = str(channel.code) if channel.code is not None else channel.address
        names.append(f"{name} {unit}" if unit else name)
    return names


def csv_row(period: Period, *, printed: bool) -> list[str]:
    """Return the cells of one period: start, end, flags, and a cell for each column; a missing value is empty."""
    cells = [one.value if printed else one.amount for one in quantities(period)]
    return [
        utc_text(period.start),
        utc_text(period.end),
        "|".join(period.status.names),
        *("" if cell is None else text_of(cell) for cell in cells),
    ]


def period_document(period: Period) -> Json:
    """Return the JSON object of one period; numbers are text, so that no digit is lost."""
    return {
        "start": utc_text(period.start),
        "end": utc_text(period.end),
        "status": list(period.status.names),
        "values": [
            {
                "address": one.channel.address,
                "obis": None if one.channel.code is None else str(one.channel.code),
                "value": None if one.value is None else text_of(one.value),
                "unit": one.channel.unit,
                "kind": one.channel.kind.value,
                "amount": None if one.amount is None else text_of(one.amount),
                "amount_unit": one.amount_unit,
            }
            for one in quantities(period)
        ],
    }


def note_document(note: Note) -> Json:
    """Return the JSON object of a line that gave no value."""
    return {"after": None if note.after is None else utc_text(note.after), "raw": note.raw, "reason": note.reason}


def utc_text(moment: datetime) -> str:
    """Return a moment as documents have it."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def text_of(value: Decimal | str) -> str:
    """Return a value with all its digits and without an exponent."""
    return value if isinstance(value, str) else f"{value:f}"
