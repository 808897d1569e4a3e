"""What is asked of a meter for one reading, made of the objects that it shows: registers with their units, data, the clock.

Scalers and units do not change: they are asked for once and kept with the list of objects.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from .axdr import Data
from .classes import ClassId
from .errors import DecodeError
from .objects import MeterObject
from .services import Attribute, GetResult
from .values import ScalerUnit, Shown, shown

_VALUE: Final = 2
_UNIT_OF: Final[dict[int, int]] = {ClassId.REGISTER: 3, ClassId.EXTENDED_REGISTER: 3, ClassId.DEMAND_REGISTER: 4}
_CAPTURED: Final[dict[int, int]] = {ClassId.EXTENDED_REGISTER: 5, ClassId.DEMAND_REGISTER: 6}
_VALUES: Final[dict[int, int]] = {
    ClassId.DATA: 2,
    ClassId.REGISTER: 2,
    ClassId.EXTENDED_REGISTER: 2,
    ClassId.DEMAND_REGISTER: 3,
    ClassId.CLOCK: 2,
}
_ABSTRACT: Final = 0
_LAST_MEDIUM: Final = 15
_COMMUNICATION: Final = range(40, 45)
"""Groups C of abstract objects about associations and security."""
_DEVICE_NAME: Final = bytes((0, 0, 42, 0, 0, 255))
"""The only one of them that says something of the meter: who it is."""

_PROFILES: Final = frozenset({98, 99})


@dataclass(frozen=True, slots=True)
class Wanted:
    """An attribute of a reading and whose it is; ``captured`` is its time, where the object has one."""

    of: MeterObject
    value: Attribute
    captured: Attribute | None = None


def wanted(objects: Sequence[MeterObject]) -> tuple[Wanted, ...]:
    """Return what a reading is made of: everything measured, and what identifies the meter."""
    return tuple(_wanted(objects))


def _wanted(objects: Sequence[MeterObject]) -> Iterator[Wanted]:
    for one in objects:
        number = _VALUES.get(one.class_id)
        if number is None or number not in one.readable or not _is_value(one):
            continue
        captured = _CAPTURED.get(one.class_id)
        time = one.attribute(captured) if captured in one.readable and captured is not None else None
        yield Wanted(one, one.attribute(number), time)


def _is_value(one: MeterObject) -> bool:
    """Whether an object says something of the meter; parameters of its communication do not."""
    medium, group_c = one.name[0], one.name[2]
    about_communication = medium == _ABSTRACT and group_c in _COMMUNICATION and one.name != _DEVICE_NAME
    return medium <= _LAST_MEDIUM and group_c not in _PROFILES and not about_communication


def units_wanted(objects: Sequence[MeterObject]) -> tuple[Attribute, ...]:
    """Return the attributes that say scalers and units."""
    return tuple(
        one.attribute(number)
        for one in objects
        if (number := _UNIT_OF.get(one.class_id)) is not None and number in one.readable
    )


def units_of(attributes: Sequence[Attribute], results: Sequence[GetResult]) -> dict[bytes, ScalerUnit]:
    """Return scalers and units by logical name; what was refused or cannot be is left out."""
    found: dict[bytes, ScalerUnit] = {}
    for attribute, result in zip(attributes, results, strict=True):
        if result.data is None:
            continue
        try:
            found[attribute.name] = ScalerUnit.of(result.data)
        except DecodeError:
            # Without its scaler a value means nothing; it is not shown.
            continue
    return found


def shown_of(one: Wanted, data: Data, captured: Data | None, units: Mapping[bytes, ScalerUnit]) -> Shown | None:
    """Return a value as text, None where it cannot be shown: without the scaler that it should have, it is no value."""
    if one.of.class_id in _UNIT_OF and one.of.name not in units:
        return None
    return shown(data, units.get(one.of.name), captured)
