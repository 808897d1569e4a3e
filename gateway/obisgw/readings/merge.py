"""A few registers, read anew, among those of the last full reading: none of the others is blanked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from obisgw.obis import unit_factor

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .reading import Register


def merged(base: Sequence[Register], fresh: Iterable[Register]) -> tuple[Register, ...]:
    """Return ``base`` with the values of ``fresh`` in their places; registers that ``base`` has not come behind it.

    A register is found by its code, else by the code without medium and channel (a bare answer says neither), else by
    its address. It keeps the unit of its place: a value in another unit is converted, and left out where it cannot be.
    """
    registers = list(base)
    for one in fresh:
        place = _place_of(one, registers)
        if place is None:
            registers.append(one)
        elif (value := _in_place(registers[place], one)) is not None:
            registers[place] = value
    return tuple(registers)


def place_in(base: Sequence[Register], one: Register) -> Register | None:
    """Return the register of ``base`` that ``one`` is a new value of."""
    place = _place_of(one, base)
    return None if place is None else base[place]


def _place_of(one: Register, registers: Sequence[Register]) -> int | None:
    if one.code is None:
        return next((place for place, other in enumerate(registers) if other.address == one.address), None)
    places = [place for place, other in enumerate(registers) if other.code == one.code]
    if places:
        return places[0]
    groups = (one.code.c, one.code.d, one.code.e, one.code.f)
    others = [
        place
        for place, other in enumerate(registers)
        if other.code is not None and (other.code.c, other.code.d, other.code.e, other.code.f) == groups
    ]
    return others[0] if len(others) == 1 else None


def _in_place(place: Register, one: Register) -> Register | None:
    number, value, unit = one.number, one.value, one.description.unit
    if unit is not None and unit != place.description.unit:
        factor = unit_factor(unit, place.description.unit)
        if factor is None or number is None:
            return None
        number *= factor
        value = f"{number:f}"
    return place._replace(value=value, number=number, brackets=one.brackets, time=one.time)
