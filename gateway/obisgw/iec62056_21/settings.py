"""What a session has to know of its meter and head."""

from __future__ import annotations

from dataclasses import dataclass

from .characters import CharacterFormat
from .dialects import Dialect
from .identification import Mode


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """Settings of one meter on one line.

    ``address``: device address in the request, up to 32 digits, letters and blanks; empty calls every meter.
    ``dialect``: forced by the configuration; None takes the one that the identification matches.
    ``wake_up``: the meter sleeps and must be woken by NULs, whatever its dialect says.
    ``expected_size``: characters of the last good telegram from STX to the block check; lets the pump sleep.
    ``latency``: patience in seconds beyond the standard's times, for USB and networks.
    ``bits``: of one character on the line, start and stop bits included.
    ``mode``: A, B or C, whatever the identification offers; None takes what it offers.
    """

    address: str = ""
    format: CharacterFormat = CharacterFormat.SOFTWARE_7E1
    dialect: Dialect | None = None
    wake_up: bool = False
    expected_size: int | None = None
    latency: float = 0.5
    bits: int = 10
    mode: Mode | None = None
