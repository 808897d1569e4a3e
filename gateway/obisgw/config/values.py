"""Choices that the configuration file and the command line share. Imports nothing, so that `read` stays small."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from typing import NamedTuple


class MeterMode(Enum):
    """How the meter is read. ``AUTO``: by request, A to C as the meter's identification offers, E where DLMS is set up."""

    AUTO = "auto"
    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"


class Transport(Enum):
    """How DLMS comes: behind a sign-on in mode E, as HDLC at once, wrapped in TCP; in M-Bus frames only unasked."""

    OPTICAL = "optical"
    HDLC = "hdlc"
    TCP = "tcp"
    MBUS = "mbus"


class SecurityLevel(Enum):
    """How a DLMS client proves itself to the meter."""

    LOWEST = "lowest"
    LOW = "low"
    MD5 = "high-md5"
    SHA1 = "high-sha1"
    GMAC = "high-gmac"
    SHA256 = "high-sha256"


class Protection(Enum):
    """How DLMS messages are protected with the owner's keys."""

    NONE = "none"
    AUTHENTICATED = "authenticated"
    ENCRYPTED = "encrypted"
    BOTH = "both"


class KeyUse(Enum):
    """Which key ciphers DLMS messages, and in which form: the global one, one drawn for the session, a general envelope."""

    GLOBAL = "global"
    DEDICATED = "dedicated"
    GENERAL = "general"


class LineFormat(Enum):
    """Characters on the line. The software ones open the port with eight bits and make and check the parity here."""

    SOFTWARE_7E1 = "software-7e1"
    SOFTWARE_7E2 = "software-7e2"
    HARDWARE_7E1 = "7e1"
    HARDWARE_7E2 = "7e2"
    HARDWARE_8E1 = "8e1"
    HARDWARE_8N1 = "8n1"


class PasswordLevel(Enum):
    """How a password is said to a meter: P1 in clear, P2 as the maker's algorithm makes it."""

    P1 = "P1"
    P2 = "P2"


class LogLevel(Enum):
    """How much the log says."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Quantity(NamedTuple):
    """A number with its unit as written; None where there is none."""

    number: Decimal
    unit: str | None = None


class Fuse(NamedTuple):
    """What a house is connected with: phases and amperes of each."""

    phases: int
    amperes: int

    def __str__(self) -> str:
        return f"{self.phases}x{self.amperes}A"


_PREFIXES = {"m": Decimal("0.001"), "h": Decimal(100), "k": Decimal(1000), "M": Decimal(10**6), "G": Decimal(10**9)}
_PREFIXED = frozenset({"W", "Wh", "var", "varh", "VA", "VAh", "V", "A", "Ah", "Hz", "J", "cal", "Pa", "bar"})


def without_prefix(unit: str | None) -> tuple[str | None, Decimal]:
    """Return a unit without its prefix and what that stands for: kW is a thousand W, and m³ no thousandth of anything."""
    if unit and unit[0] in _PREFIXES and unit[1:] in _PREFIXED:
        return unit[1:], _PREFIXES[unit[0]]
    return unit, Decimal(1)


# Slower than the standard's 300 Bd is not built; faster than 115200 no optical head follows.
BAUDRATES = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
