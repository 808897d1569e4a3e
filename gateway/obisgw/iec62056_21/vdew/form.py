"""How a family of meters stores, and how it wants to be asked: VDEW's specification as defaults, deviations as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Final

from obisgw.iec62056_21.commands import ReadCommand

from .meter_time import TimeBase
from .status import VDEW_BITS, Bits


class Layout(Enum):
    """How rows get their times."""

    HEADERS = "headers"
    """A header with the time of the first row, status, period and columns; rows of bare values follow."""

    ROWS = "rows"
    """Each line has its own time stamp in front and no header (Turkish meters)."""

    DAYS = "days"
    """One request asks for one day; the answer has its values alone (Energomera)."""


class SeasonDigit(Enum):
    """What a request's time stamps say of the season."""

    OWN = "own"
    """What the meter's own stamps say; until one came, 0 or 1 by the zone."""

    ZERO = "zero"
    """Always 0, and the meter's wall clock: it does not look at the digit."""

    NONE = "none"
    """No digit."""


_NO_EVENTS: Final[Mapping[str, str]] = MappingProxyType({})


def _no_events() -> Mapping[str, str]:
    return _NO_EVENTS


def _bits() -> Bits:
    return VDEW_BITS


@dataclass(frozen=True, slots=True)
class Column:
    """A column that the meter does not name itself."""

    address: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class ProfileForm:
    """One family's load profiles and log books. Every field's default is VDEW's specification 2.1."""

    layout: Layout = Layout.HEADERS
    profile: str = "P.01"
    """Address of the load profile."""
    log_book: str = "P.98"
    """Address of the log book; empty where none is known."""
    commands: tuple[ReadCommand, ...] = (ReadCommand.R5, ReadCommand.R6)
    """Commands that read them, in the order in which they are tried."""
    time_format: str | None = None
    """Request stamps as in ``strftime``; None is ZSTs11."""
    season_digit: SeasonDigit = SeasonDigit.OWN
    lines_per_block: int | None = None
    """Third field of a request with partial blocks: lines of one block."""
    longest: int = 31
    """Days that one request may ask for."""
    late: int = 0
    """Minutes by which answers may begin too late: so much earlier is asked for."""
    time_base: TimeBase = TimeBase.LOCAL
    """What stamps without season digit are."""
    status_bits: Bits = field(default_factory=_bits, hash=False)
    events: Mapping[str, str] = field(default_factory=_no_events, hash=False)
    """Whole status words of log books that mean one event, hexadecimal as printed, and their meaning."""
    columns: tuple[Column, ...] = ()
    """Columns where the meter prints no header."""
    row_status: bool = False
    """Whether the last bracket of a row with its own time stamp is its status."""
    period: int | None = None
    """Minutes of a period where the meter does not say it."""
    mean_of_part: bool = True
    """Averages of a cut period are over the time measured; False: over the whole period, so that parts add up."""
