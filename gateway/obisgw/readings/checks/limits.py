"""What a connection can carry: how fast counters can rise, and between which limits momentary values lie."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from obisgw.obis import Medium, unit_factor

if TYPE_CHECKING:
    from obisgw.obis import ObisCode

_VOLTS: Final = Decimal(230)
_MARGIN: Final = Decimal("1.2")
"""Voltage is up to a tenth above its nominal value, and fuses carry a little more for hours."""

_HOUR: Final = Decimal(3600)

# Cubic metres an hour: the largest meters of single houses (G16 gas, Q3 = 16 water), twice over.
_GAS: Final = Decimal(50)
_WATER: Final = Decimal(32)
_HEAT: Final = Decimal(1000)
"""Kilowatts of heat: small district heating stations."""

_RANGES: Final[dict[str, tuple[Decimal, Decimal]]] = {
    "V": (Decimal(0), Decimal(500)),
    "Hz": (Decimal(0), Decimal(70)),
    "°C": (Decimal(-60), Decimal(250)),
    "K": (Decimal(-250), Decimal(250)),
    "°": (Decimal(-360), Decimal(360)),
    "%": (Decimal(-100), Decimal(200)),
}
_JUMPS: Final[dict[str, Decimal]] = {"V": Decimal(15), "Hz": Decimal("0.5"), "°C": Decimal(30)}
"""Differences from one reading to the next that are looked at twice."""


@dataclass(frozen=True, slots=True)
class Connection:
    """What the house is connected with: so many phases of so many amperes."""

    phases: int = 3
    amperes: Decimal = Decimal(63)

    @property
    def watts(self) -> Decimal:
        """The most that it carries."""
        return self.phases * self.amperes * _VOLTS * _MARGIN

    def rise(self, unit: str | None, code: ObisCode) -> Decimal | None:
        """Return by how much a counter in ``unit`` can rise in a second; None where nothing is known of it.

        Heat is counted in energy and in volume of water.
        """
        thermal = code.medium in {Medium.HEAT, Medium.COOLING}
        for base, limit in (("Wh", self.watts), ("varh", self.watts), ("VAh", self.watts)):
            if (factor := unit_factor(base, unit)) is not None:
                return (max(limit, 1000 * _HEAT) if thermal else limit) * factor / _HOUR
        if (factor := unit_factor("J", unit)) is not None:
            return 1000 * _HEAT * factor
        if (factor := unit_factor("Ah", unit)) is not None:
            return self.amperes * _MARGIN * self.phases * factor / _HOUR
        match unit:
            case "m³":
                return (_GAS if code.medium is Medium.GAS else _WATER) / _HOUR
            case "L":
                return 1000 * _WATER / _HOUR
            case "h" | "min" | "s" | "d":
                seconds = {"h": _HOUR, "min": Decimal(60), "s": Decimal(1), "d": 24 * _HOUR}[unit]
                return Decimal("1.1") / seconds
            case _:
                return None

    def range(self, unit: str | None) -> tuple[Decimal, Decimal] | None:
        """Return between which values a momentary one in ``unit`` lies; None where nothing is known of it."""
        if unit is None:
            return None
        if unit in _RANGES:
            return _RANGES[unit]
        for base, limit in (
            ("W", self.watts),
            ("var", self.watts),
            ("VA", self.watts),
            ("A", self.amperes * _MARGIN),
        ):
            if (factor := unit_factor(base, unit)) is not None:
                return -limit * factor, limit * factor
        return None

    def jump(self, unit: str | None) -> Decimal | None:
        """Return from which difference on a momentary value in ``unit`` is looked at twice."""
        return None if unit is None else _JUMPS.get(unit)
