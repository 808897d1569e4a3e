"""Units: from the text on the line to Home Assistant's, and what a unit says about a class.

Meters print seven-bit text ("m3ph", "kVArh", "C"); Home Assistant compares its own spelling
letter by letter. An unknown unit keeps its text: the number stays readable, without a class.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from obisgw.config.values import without_prefix
from obisgw.obis.description import DeviceClass, StateClass

if TYPE_CHECKING:
    from obisgw.obis.code import ObisCode

# Home Assistant's spelling by the line's, case folded: meters disagree about capitals
# (kvarh, kVArh, KVARH). `None` where the text only repeats that the number is a ratio.
_SPELLINGS: Final[dict[str, str | None]] = {
    **{
        unit.casefold(): unit
        for unit in (
            *("Wh", "kWh", "MWh", "GWh", "J", "kJ", "MJ", "GJ", "cal", "kcal", "Mcal", "Gcal"),
            *("W", "kW", "MW", "GW", "varh", "kvarh", "Mvarh", "var", "kvar", "Mvar"),
            *("VAh", "kVAh", "MVAh", "VA", "kVA", "MVA", "V", "kV", "A", "kA", "Ah", "kAh"),
            *("Hz", "kHz", "mbar", "bar", "Pa", "hPa", "kPa", "K", "°C", "°", "%", "dB", "dBm"),
            *("h", "min", "s", "ms", "d", "m³", "m³/h", "L", "L/h", "L/min", "imp/kWh", "imp/kvarh"),
            *("kg", "t", "kg/h", "t/h"),
        )
    },
    "m3": "m³",
    "m^3": "m³",
    "cbm": "m³",
    "m3ph": "m³/h",
    "m3/h": "m³/h",
    "m^3/h": "m³/h",
    "l/hr": "L/h",
    "lph": "L/h",
    "c": "°C",
    "degc": "°C",
    "deg c": "°C",
    "gradc": "°C",
    "deg": "°",
    "degree": "°",
    "degrees": "°",
    "hr": "h",
    "hrs": "h",
    "hour": "h",
    "hours": "h",
    "std": "h",
    "mins": "min",
    "minutes": "min",
    "sec": "s",
    "secs": "s",
    "seconds": "s",
    "day": "d",
    "days": "d",
    "pulse/kwh": "imp/kWh",
    "pulses/kwh": "imp/kWh",
    "": None,
    "p/s": None,
    "cos": None,
    "cosphi": None,
    "pf": None,
}
# Where the capital tells milli from mega.
_EXACT: Final = {"mWh": "mWh", "mW": "mW", "mV": "mV", "mA": "mA", "mHz": "mHz"}
# The longest unit that the standard allows.
_MAX_UNIT: Final = 16
# Media whose meters print "m" for minutes.
_THERMAL: Final = frozenset({4, 5, 6})
# C.D of theirs that are differences of temperatures.
_DIFFERENCES: Final = frozenset({(6, 30), (12, 0)})

_ENERGY: Final = frozenset({"Wh", "kWh", "MWh", "GWh", "J", "kJ", "MJ", "GJ", "cal", "kcal", "Mcal", "Gcal"})
# Only what Home Assistant 2025.4 takes: kvar, kVA and L/h got their classes later, kvarh and
# kelvins of a difference too. A class that a core does not know costs the user the entity.
_DEVICE_CLASSES: Final = {
    **dict.fromkeys(("mWh", *_ENERGY), DeviceClass.ENERGY),
    **dict.fromkeys(("mW", "W", "kW", "MW", "GW"), DeviceClass.POWER),
    **dict.fromkeys(("mV", "V", "kV"), DeviceClass.VOLTAGE),
    **dict.fromkeys(("mA", "A"), DeviceClass.CURRENT),
    **dict.fromkeys(("Hz", "kHz"), DeviceClass.FREQUENCY),
    **dict.fromkeys(("Pa", "hPa", "kPa", "mbar", "bar"), DeviceClass.PRESSURE),
    **dict.fromkeys(("ms", "s", "min", "h", "d"), DeviceClass.DURATION),
    **dict.fromkeys(("m³/h", "L/min"), DeviceClass.VOLUME_FLOW_RATE),
    **dict.fromkeys(("m³", "L"), DeviceClass.VOLUME),
    "var": DeviceClass.REACTIVE_POWER,
    "VA": DeviceClass.APPARENT_POWER,
    "°C": DeviceClass.TEMPERATURE,
}
# What 2026.6 takes besides: for what changes by the moment, and for what only adds up.
_NEWER_CLASSES: Final = {
    "kvar": DeviceClass.REACTIVE_POWER,
    "kVA": DeviceClass.APPARENT_POWER,
    "L/h": DeviceClass.VOLUME_FLOW_RATE,
    "mHz": DeviceClass.FREQUENCY,
    "K": DeviceClass.TEMPERATURE_DELTA,
}
_NEWER_COUNTERS: Final = dict.fromkeys(("varh", "kvarh"), DeviceClass.REACTIVE_ENERGY)
_VOLUMES: Final = {
    DeviceClass.GAS: frozenset({"m³"}),
    DeviceClass.WATER: frozenset({"m³", "L"}),
}
_ACCUMULATING: Final = frozenset({DeviceClass.ENERGY, DeviceClass.GAS, DeviceClass.WATER, DeviceClass.VOLUME})


def home_assistant_unit(line_unit: str | None, code: ObisCode | None) -> str | None:
    """Return Home Assistant's text of a unit as it is on the line, `None` for none or for noise.

    `code` decides units that mean two things: "m" is minutes on thermal meters, and degrees of a difference are kelvins.
    """
    if line_unit is None:
        return None
    text = line_unit.strip()
    if len(text) > _MAX_UNIT or not text.isprintable():
        return None
    if text in _EXACT:
        return _EXACT[text]
    folded = text.casefold()
    if folded == "m" and code is not None and code.a in _THERMAL:
        return "min"
    unit = _SPELLINGS.get(folded, text)
    if unit == "°C" and code is not None and code.a in _THERMAL and (code.c, code.d) in _DIFFERENCES:
        # The same number in kelvins. As degrees, Home Assistant would add 32 to it for those who read Fahrenheit.
        return "K"
    return unit


def unit_factor(unit: str | None, other: str | None) -> Decimal | None:
    """Return what a number in `unit` is multiplied by to be one in `other`, `None` where they do not measure the same.

    Both in Home Assistant's spelling; only prefixes are converted (W, kW, MW).
    """
    if unit == other:
        return Decimal(1)
    (base, factor), (other_base, other_factor) = without_prefix(unit), without_prefix(other)
    return factor / other_factor if base is not None and base == other_base else None


def device_class_of(unit: str | None, volume: DeviceClass = DeviceClass.VOLUME) -> DeviceClass | None:
    """Return the class of a unit in Home Assistant's spelling; `volume` names that of volumes."""
    if unit is None:
        return None
    if unit in _VOLUMES.get(volume, ()):
        return volume
    return _DEVICE_CLASSES.get(unit)


def newer_class_of(unit: str | None, state_class: StateClass | None) -> DeviceClass | None:
    """Return the class that newer versions of Home Assistant have for a unit, if it goes with the state class."""
    if unit is None:
        return None
    match state_class:
        case StateClass.MEASUREMENT:
            return _NEWER_CLASSES.get(unit)
        case StateClass.TOTAL | StateClass.TOTAL_INCREASING:
            return _NEWER_COUNTERS.get(unit)
        case None:
            return _NEWER_CLASSES.get(unit) or _NEWER_COUNTERS.get(unit)
        case _:
            return None


def admissible(state_class: StateClass | None, device_class: DeviceClass | None, unit: str | None) -> StateClass | None:
    """Return the state class if Home Assistant takes it with device class and unit, else `None`.

    A counter that a meter prints in kilowatts, or a power in kilowatt-hours, is a
    contradiction that Home Assistant refuses: such a register is shown without statistics.
    """
    match state_class:
        case StateClass.MEASUREMENT if device_class in _ACCUMULATING:
            return None
        case StateClass.MEASUREMENT_ANGLE if unit != "°":
            return StateClass.MEASUREMENT if device_class not in _ACCUMULATING else None
        case StateClass.TOTAL | StateClass.TOTAL_INCREASING:
            counts = device_class is None or device_class in _ACCUMULATING
            return state_class if counts or device_class is DeviceClass.DURATION else None
        case _:
            return state_class
