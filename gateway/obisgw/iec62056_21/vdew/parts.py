"""Parts of one period that a power failure or a change of the clock has cut, and how they make a whole."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from obisgw.obis import ColumnKind

from .records import Channel, Value
from .status import Status

_ZERO: Final = timedelta(0)
_MORE_DIGITS: Final = 6
"""An average of parts that has no end is given with so many more decimals than its parts."""


class Part(NamedTuple):
    """One row. ``cut_at``: its time stamp where that is off the grid. ``key`` tells repetitions from other rows."""

    status: Status
    values: tuple[Value, ...]
    channels: tuple[Channel, ...]
    cut_at: datetime | None
    step: timedelta | None
    key: tuple[str, int, str]


def measured_time(parts: Sequence[Part], start: datetime, end: datetime) -> list[timedelta]:
    """Return for how long each part of the period was measured, as far as stamps tell."""
    times: list[timedelta] = []
    begin = start
    for part in parts:
        if part.cut_at is None:
            times.append(end - begin)
            begin = start
        elif Status.POWER_BACK in part.status and Status.POWER_FAILURE not in part.status:
            # The stamp is that of the power's return: measured from there on.
            times.append(end - part.cut_at)
            begin = part.cut_at
        else:
            times.append(max(part.cut_at - begin, _ZERO))
            begin = part.cut_at
    return times


def joined_values(parts: Sequence[Part], times: Sequence[timedelta], *, weighted: bool) -> tuple[Value, ...]:
    """Return the values of the whole period; a channel that one of its parts lacks has what the others have.

    ``weighted``: averages are over the time of each part; else over the whole period, so that they add up.
    """
    channels = parts[-1].channels
    joined: list[Value] = []
    for place, channel in enumerate(channels):
        present = [
            (part.values[place], time)
            for part, time in zip(parts, times, strict=True)
            if place < len(part.values) and part.channels[place].code == channel.code
        ]
        numbers = [(value, time) for value, time in present if isinstance(value, Decimal)]
        if not numbers:
            joined.append(next((value for value, _ in reversed(present) if value is not None), None))
            continue
        match channel.kind:
            case ColumnKind.INCREMENT:
                joined.append(sum((value for value, _ in numbers), Decimal(0)))
            case ColumnKind.AVERAGE if not weighted:
                joined.append(sum((value for value, _ in numbers), Decimal(0)))
            case ColumnKind.AVERAGE:
                joined.append(_mean(numbers))
            case _:
                joined.append(numbers[-1][0])
    return tuple(joined)


def _mean(numbers: Sequence[tuple[Decimal, timedelta]]) -> Decimal:
    """Return the mean weighted by time, exact where it has an end."""
    total = sum((time for _, time in numbers), _ZERO)
    if not total:
        return numbers[-1][0]
    mean = sum((Fraction(value) * (time // timedelta(seconds=1)) for value, time in numbers), Fraction(0))
    return rounded(mean / (total // timedelta(seconds=1)), max(decimals_of(value) for value, _ in numbers))


def rounded(value: Fraction, decimals: int) -> Decimal:
    """Return a number exactly, or where it has no end with six more than the given decimals."""
    exponent = decimals + _MORE_DIGITS
    scaled = value * 10**exponent
    whole = scaled.numerator // scaled.denominator if scaled.denominator == 1 else round(scaled)
    number = Decimal(whole).scaleb(-exponent)
    trimmed = number.normalize()
    return trimmed if decimals_of(trimmed) > decimals else number.quantize(Decimal(1).scaleb(-decimals))


def decimals_of(value: Decimal) -> int:
    """Return how many decimals a number is written with."""
    exponent = value.as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0
