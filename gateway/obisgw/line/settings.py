"""How characters look on a port, and how a port is opened."""

from __future__ import annotations

from dataclasses import dataclass

from obisgw.config.values import LineFormat

CHARACTER = {
    LineFormat.SOFTWARE_7E1: (8, "N", 1),
    LineFormat.SOFTWARE_7E2: (8, "N", 2),
    LineFormat.HARDWARE_7E1: (7, "E", 1),
    LineFormat.HARDWARE_7E2: (7, "E", 2),
    LineFormat.HARDWARE_8E1: (8, "E", 1),
    LineFormat.HARDWARE_8N1: (8, "N", 1),
}
"""Data bits, parity, stop bits."""

IN_SOFTWARE = {LineFormat.HARDWARE_7E1: LineFormat.SOFTWARE_7E1, LineFormat.HARDWARE_7E2: LineFormat.SOFTWARE_7E2}
"""What takes the place of a format that a port cannot do."""


@dataclass(frozen=True, slots=True)
class PortSettings:
    """How a port is opened. ``dtr`` and ``rts`` hold while it is open; both go off when it is closed."""

    format: LineFormat = LineFormat.SOFTWARE_7E1
    baudrate: int = 300
    dtr: bool = True
    rts: bool = False
