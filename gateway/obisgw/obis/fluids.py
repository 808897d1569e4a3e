"""Gas, water and hot water: A = 7, 8 and 9; and meters behind an electricity meter's M-Bus."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from obisgw.obis.code import Medium, ObisCode
from obisgw.obis.description import DeviceClass, StateClass
from obisgw.obis.meaning import LAST_TARIFF, Meaning, diagnostic, text

_COUNTER: Final = StateClass.TOTAL_INCREASING
_MEASURED: Final = StateClass.MEASUREMENT

_GAS_VOLUMES: Final = {
    1: "volume forward undisturbed",
    2: "volume forward disturbed",
    3: "volume",
    4: "volume reverse undisturbed",
    5: "volume reverse disturbed",
    6: "volume reverse",
    7: "volume net undisturbed",
    8: "volume net disturbed",
    # The Netherlands before DSMR 4.
    23: "volume temperature compensated",
}
# D of a gas volume that only grows: as measured, converted, at base conditions, uncorrected.
_GAS_VALUES: Final = {0: "", 1: " converted", 2: " at base conditions", 3: " uncorrected"}
_GAS_PROCESS: Final = {
    41: Meaning("gas temperature", state_class=_MEASURED),
    42: Meaning("gas pressure", state_class=_MEASURED),
    43: Meaning("flow rate", state_class=_MEASURED),
}
_GAS_NET: Final = frozenset({7, 8})

_WATER: Final = {
    1: Meaning("volume", state_class=_COUNTER, volume=DeviceClass.WATER),
    2: Meaning("flow rate", state_class=_MEASURED),
    3: Meaning("temperature", state_class=_MEASURED),
}

_MBUS_METER: Final = 24
# Device types of M-Bus (EN 13757-3): what 0-n:24.1.0 says about the meter on channel n.
_MBUS_MEDIA: Final = {
    2: Medium.ELECTRICITY,
    3: Medium.GAS,
    4: Medium.HEAT,
    6: Medium.HOT_WATER,
    7: Medium.WATER,
    8: Medium.HEAT_COST_ALLOCATOR,
    10: Medium.COOLING,
    11: Medium.COOLING,
    12: Medium.HEAT,
    13: Medium.HEAT,
    21: Medium.HOT_WATER,
    22: Medium.WATER,
}
_VOLUME_CLASSES: Final = {
    Medium.GAS: DeviceClass.GAS,
    Medium.WATER: DeviceClass.WATER,
    Medium.HOT_WATER: DeviceClass.WATER,
}
_NOT_CORRECTED: Final = 3
_READINGS: Final = {1: "meter reading", _NOT_CORRECTED: "meter reading not temperature corrected"}


def gas(code: ObisCode, unit: str | None) -> Meaning | None:  # noqa: ARG001 - the rules' common shape
    """Return the meaning of a code with A = 7, `None` if no rule knows it."""
    if (volume := _GAS_VOLUMES.get(code.c)) and (value := _GAS_VALUES.get(code.d)) is not None:
        counter = StateClass.TOTAL if code.c in _GAS_NET else _COUNTER
        return _with_tariff(Meaning(f"{volume}{value}", state_class=counter, volume=DeviceClass.GAS), code)
    if code.d == 0 and (meaning := _GAS_PROCESS.get(code.c)):
        return _with_tariff(meaning, code)
    return None


def water(code: ObisCode, unit: str | None) -> Meaning | None:  # noqa: ARG001 - the rules' common shape
    """Return the meaning of a code with A = 8 or 9, `None` if no rule knows it."""
    meaning = _WATER.get(code.c) if code.d == 0 else None
    return meaning and _with_tariff(meaning, code)


def mbus_meter(code: ObisCode, mbus_type: int | None) -> Meaning | None:
    """Return the meaning of 0-n:24.x: a meter on M-Bus channel n (DSMR), `None` if not one.

    Without the device type of 0-n:24.1.0 the medium stays open: a volume of cubic metres
    may be gas or water. Value 3 (not temperature corrected) only gas meters have.
    """
    if code.c != _MBUS_METER:
        return None
    medium = _MBUS_MEDIA.get(mbus_type) if mbus_type is not None else None
    if medium is None and (code.d, code.e) == (2, _NOT_CORRECTED):
        medium = Medium.GAS
    subject = "M-Bus" if medium is None else medium.value.replace("_", " ")
    match code.d, code.e:
        case 1, 0:
            return text("M-Bus device type")
        case 2, register:
            name = f"{subject} {_READINGS.get(register, 'meter reading {register}')}"
        case 3, 0:
            name = f"{subject} hourly meter reading"
        case 4, 0:
            return text("M-Bus valve or breaker state")
        case _:
            return None
    volume = DeviceClass.VOLUME if medium is None else _VOLUME_CLASSES.get(medium, DeviceClass.VOLUME)
    placeholders = (("register", str(code.e)),) if "{register}" in name else ()
    return Meaning(name, state_class=_COUNTER, volume=volume, placeholders=placeholders)


def _with_tariff(meaning: Meaning, code: ObisCode) -> Meaning:
    match code.e:
        case 0:
            return meaning
        case tariff if tariff <= LAST_TARIFF:
            return meaning.extended("tariff {tariff}", tariff=tariff)
        case register:
            other = diagnostic(f"{meaning.name} register {{register}}", register=register)
            return replace(other, volume=meaning.volume)
