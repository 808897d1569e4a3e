"""Readings made by hand from lines as a meter prints them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal

from obisgw.iec62056_21.block_check import BlockCheck, BlockCheckKind
from obisgw.iec62056_21.identification import Mode
from obisgw.iec62056_21.telegram import Bracket, Telegram
from obisgw.obis import Medium, ObisCode, describe, describe_unknown
from obisgw.readings.reading import Health, MeterIdentity, Reading, Register
from obisgw.readings.shown import GatewayInfo

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
GATEWAY = GatewayInfo("gateway", "OBIS Gateway", "0.2.0")
METER = MeterIdentity("isk_12345678", "12345678", "ISK", "Iskraemeco", "MT174", Medium.ELECTRICITY)
PROVED = Telegram(None, Mode.C, b"", BlockCheck.OK, BlockCheckKind.XOR, 0, complete=True, raw=b"")
HEALTH = Health(reads=7, failures=2, last_success=NOON, last_duration=4.25, baudrate=9600)

_LINE = re.compile(r"(?P<address>[^(]*)\((?P<value>[^*)]*)(?:\*(?P<unit>[^)]*))?\)(?P<more>.*)")


def register(line: str, time: datetime | None = None) -> Register:
    """Return the register of one data set such as ``1.8.1(0012345.600*kWh)``."""
    match = _LINE.fullmatch(line)
    assert match is not None
    address, value, unit = match["address"], match["value"], match["unit"]
    code = ObisCode.parse(address, Medium.ELECTRICITY)
    description = describe_unknown(address, unit) if code is None else describe(code, unit, value)
    number = Decimal(value) if re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", value) else None
    return Register(address, code, value, number, unit, (Bracket(value, unit),), time, description)


def reading(
    *lines: str | Register, at: datetime = NOON, meter: MeterIdentity = METER, duration: float = 4.25
) -> Reading:
    """Return a proved reading of these data sets."""
    registers = tuple(register(line) if isinstance(line, str) else line for line in lines)
    return Reading(meter, at, duration, registers, (), PROVED)


HOUSEHOLD = (
    "F.F(00000000)",
    "0.0.0(12345678)",
    "C.1.0(12345678)",
    "0.9.1(120000)",
    "0.9.2(261122)",
    "0.2.0(V1.07)",
    "1.8.0(0012345.600*kWh)",
    "1.8.1(0008000.000*kWh)",
    "1.8.2(0004345.600*kWh)",
    "2.8.0(0000000.000*kWh)",
    "16.7.0(-0.530*kW)",
    "32.7.0(230.1*V)",
    "1.8.0*01(0012000.000*kWh)",
    "C.7.0(0004)",
    "B_7(77)",
)
"""A household's meter with two tariffs."""
