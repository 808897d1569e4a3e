"""What an answer's text holds, line by line: headers, rows, and what is neither."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from obisgw.obis import ColumnKind, ObisCode

from .status import Status
from .time_stamps import TimeStamp

Value = Decimal | str | None
"""A number with all its digits, text of a column that has text, None where the meter has no value."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One column. ``address`` is as printed, ``unit`` in Home Assistant's spelling (None: the meter prints none)."""

    address: str
    code: ObisCode | None
    unit: str | None
    kind: ColumnKind


@dataclass(frozen=True, slots=True)
class Header:
    """What stands in front of rows. ``stamp`` and ``status`` are of the first row below it alone.

    ``period`` in minutes; None where the meter does not say it.
    """

    stamp: TimeStamp
    status: Status
    period: int | None
    channels: tuple[Channel, ...]
    raw: str


class Row(NamedTuple):
    """One period's values, one for each channel. ``place`` counts the lines below a header from 0."""

    header: Header
    place: int
    values: tuple[Value, ...]
    raw: str


@dataclass(frozen=True, slots=True)
class Damaged:
    """Text that gives no value, and why. It is kept for whoever looks into it."""

    raw: str
    reason: str


@dataclass(frozen=True, slots=True)
class NoEntries:
    """The meter says that it has nothing for this time."""

    raw: str


Record = Header | Row | Damaged | NoEntries
