"""What a register means to a reader and to Home Assistant."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum


class DeviceClass(StrEnum):
    """Home Assistant's sensor device classes in use."""

    APPARENT_POWER = "apparent_power"
    CURRENT = "current"
    DURATION = "duration"
    ENERGY = "energy"
    FREQUENCY = "frequency"
    GAS = "gas"
    POWER = "power"
    POWER_FACTOR = "power_factor"
    PRESSURE = "pressure"
    REACTIVE_ENERGY = "reactive_energy"
    REACTIVE_POWER = "reactive_power"
    TEMPERATURE = "temperature"
    TEMPERATURE_DELTA = "temperature_delta"
    VOLTAGE = "voltage"
    VOLUME = "volume"
    VOLUME_FLOW_RATE = "volume_flow_rate"
    WATER = "water"


class StateClass(StrEnum):
    """Home Assistant's sensor state classes."""

    MEASUREMENT = "measurement"
    MEASUREMENT_ANGLE = "measurement_angle"
    TOTAL = "total"
    TOTAL_INCREASING = "total_increasing"


class Category(StrEnum):
    """Home Assistant's entity categories in use."""

    DIAGNOSTIC = "diagnostic"


class ValueKind(Enum):
    """What the text of a value is; the register's code decides it, never the text.

    A register keeps its kind when a meter prints something else for once: the text is then
    damaged or "not available", not a new kind of value.
    """

    NUMBER = "number"
    TEXT = "text"
    TIMESTAMP = "timestamp"
    """Date and time in a layout of the meter's choice."""
    DATE = "date"
    TIME = "time"
    FLAGS = "flags"
    """Status bits in hexadecimal or binary digits; may look like a decimal number."""
    ERROR_FLAGS = "error_flags"
    """As FLAGS; all zeros means that the meter sees no error."""


@dataclass(frozen=True, slots=True)
class Description:
    """A register's meaning. Device class, unit and state class suit Home Assistant 2025.4 on."""

    key: str
    """Stable name of [a-z0-9_]; different for different codes."""
    translation_key: str
    """Stable name of [a-z0-9_] of the pattern: what its translations into other languages are found by."""
    pattern: str
    """English, with {…} for each placeholder, e.g. "Energy import T{tariff}"."""
    kind: ValueKind
    unit: str | None
    """Home Assistant's text of the unit, e.g. "m³"."""
    device_class: DeviceClass | None
    newer_class: DeviceClass | None
    """The device class for Home Assistant 2026.6 on, which knows some for more units."""
    state_class: StateClass | None
    precision: int | None
    """Decimals of the value that was shown to `describe`, `None` without one."""
    category: Category | None
    enabled_by_default: bool
    placeholders: tuple[tuple[str, str], ...] = ()
    """What varies in the name: phase, tariff, billing_period, channel …"""

    @property
    def name(self) -> str:
        """English, e.g. "Energy import T1"."""
        return self.pattern.format_map(dict(self.placeholders))
