"""The types that leave the protocol: a register, a reading, the meter they belong to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from obisgw.iec62056_21.telegram import Bracket, Telegram, Unparsed
from obisgw.obis import Description, Medium, ObisCode


class Register(NamedTuple):
    """One value of a meter.

    ``address``, ``value`` and ``unit`` are text exactly as on the line; ``unit`` may come from the dialect where the
    meter implies it (``unit_assumed``). ``code`` is None when the address is no OBIS code. ``number`` is the value as
    exact decimal, None when it is no number. ``time`` is the time stamp sent with the value, in the meter's local time
    without zone. ``occurrence`` counts from 1 when an address comes more than once in a telegram.
    """

    address: str
    code: ObisCode | None
    value: str
    number: Decimal | None
    unit: str | None
    brackets: tuple[Bracket, ...]
    time: datetime | None
    description: Description
    occurrence: int = 1
    unit_assumed: bool = False


@dataclass(frozen=True, slots=True)
class MeterIdentity:
    """Which meter this is. ``id`` is a stable slug ``[a-z0-9_]+`` made of maker and the meter's own number.

    ``number`` is None when the telegram carries none; the id is then made from the configured name.
    """

    id: str
    number: str | None
    flag: str | None
    manufacturer: str | None
    model: str | None
    medium: Medium


@dataclass(frozen=True, slots=True)
class Reading:
    """One proved telegram as registers. ``at`` is the UTC time of its last byte; ``duration`` in seconds."""

    meter: MeterIdentity
    at: datetime
    duration: float
    registers: tuple[Register, ...]
    unparsed: tuple[Unparsed, ...]
    telegram: Telegram


@dataclass(frozen=True, slots=True)
class Health:
    """How reading a meter goes: counts since the service started, times in UTC.

    ``clock_deviation``: seconds by which the meter's clock was ahead of ours in the last full reading.
    """

    reads: int = 0
    failures: int = 0
    parity_errors: int = 0
    block_check_errors: int = 0
    silences: int = 0
    reads_today: int = 0
    last_success: datetime | None = None
    last_duration: float | None = None
    last_error: str | None = None
    baudrate: int | None = None
    switch_margin: float | None = None
    clock_deviation: float | None = None
