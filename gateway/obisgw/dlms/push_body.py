"""What a pushed list says: values with their codes and units, in whichever of the forms that meters use.

The forms: elements of code, value, scaler and unit; codes and values in turn; definitions first and values behind them;
values alone, whose place says what they are. What meters leave out stands in ``push_lists.toml``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Final

from .axdr import Data, Tag
from .clock import LENGTH
from .errors import DecodeError
from .values import ScalerUnit, Shown, shown

_NAME: Final = 6
_QUANTITIES_PER_PHASE: Final = 20
_LAST_PHASE_QUANTITY: Final = 80
_QUANTITIES: Final = {
    **dict.fromkeys((1, 2, 15, 16), "active"),
    **dict.fromkeys((3, 4, 5, 6, 7, 8), "reactive"),
    11: "current",
    12: "voltage",
}
_DIVISIONS: Final = {7: "power", 8: "energy"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One value of a list. ``name``: its code in six octets, None where nobody knows it; ``place`` counts from 1."""

    place: int
    name: bytes | None
    value: Shown


@dataclass(frozen=True, slots=True)
class ListForm:
    """How a family of meters writes its lists."""

    family: str
    starts: str
    columns: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    units: Mapping[str, ScalerUnit] = field(default_factory=dict)

    def unit_of(self, name: bytes) -> ScalerUnit | None:
        """Return scaler and unit of a code, None where they are not known."""
        return self.units.get(quantity_of(name) or "")


def quantity_of(name: bytes) -> str | None:
    """Return which quantity a code of electricity is: "active power", "current" …, None for any other."""
    medium, _, group_c, group_d, _, _ = name
    if medium != 1 or not 1 <= group_c <= _LAST_PHASE_QUANTITY or group_d not in _DIVISIONS:
        return None
    quantity = _QUANTITIES.get((group_c - 1) % _QUANTITIES_PER_PHASE + 1)
    if quantity in {"current", "voltage"}:
        return quantity if group_d == 7 else None
    return None if quantity is None else f"{quantity} {_DIVISIONS[group_d]}"


@cache
def list_forms() -> tuple[ListForm, ...]:
    """Return the families of the package's file."""
    text = resources.files(__package__).joinpath("push_lists.toml").read_text("utf-8")
    return tuple(
        ListForm(
            family,
            table["starts"],
            {int(count): tuple(columns) for count, columns in table.get("columns", {}).items()},
            {quantity: ScalerUnit(scaler, unit) for quantity, (scaler, unit) in table.get("units", {}).items()},
        )
        for family, table in tomllib.loads(text).items()
    )


def entries_of(body: Data) -> tuple[Entry, ...]:
    """Return the values of a pushed body in their order."""
    items = body.value if isinstance(body.value, tuple) else (body,)
    return tuple(
        Entry(place, name, value) for place, (name, value) in enumerate(_entries(items), 1) if value is not None
    )


_Found = tuple[bytes | None, Shown | None]


def _entries(items: Sequence[Data]) -> Iterator[_Found]:
    # Some meters wrap everything once more.
    if len(items) == 1 and isinstance(items[0].value, tuple) and not _is_element(items[0]):
        yield from _entries(items[0].items)
    elif items and all(_is_element(item) for item in items):
        for item in items:
            yield _element(item.items, _form_of(items))
    elif items and _is_definition(items[0]):
        yield from _defined(items[0].items, items[1:])
    elif any(_is_name(item) for item in items):
        yield from _in_turn(items)
    else:
        yield from _by_place(items)


def _is_name(data: Data) -> bool:
    return data.tag is Tag.OCTET_STRING and isinstance(data.value, bytes) and len(data.value) == _NAME


def _is_element(item: Data) -> bool:
    return isinstance(item.value, tuple) and len(item.value) in {2, 3} and _is_name(item.value[0])


def _is_unit(data: Data) -> bool:
    return (
        isinstance(data.value, tuple)
        and len(data.value) == 2
        and data.value[0].tag is Tag.INTEGER
        and data.value[1].tag is Tag.ENUM
    )


def _is_definition(item: Data) -> bool:
    """Tell whether an element lists captured objects: class, name, attribute, index."""
    return (
        isinstance(item.value, tuple)
        and bool(item.value)
        and all(isinstance(one.value, tuple) and len(one.value) == 4 and _is_name(one.value[1]) for one in item.value)
    )


def _element(parts: Sequence[Data], form: ListForm | None) -> _Found:
    name = parts[0].octets
    if len(parts) == 3 and _is_unit(parts[2]):
        return name, _scaled(parts[1], parts[2])
    return name, _measured(name, parts[1], form)


def _scaled(value: Data, unit: Data) -> Shown | None:
    try:
        return shown(value, ScalerUnit.of(unit))
    except DecodeError:
        # A scaler that cannot be; the other values of the list are good all the same.
        return None


def _measured(name: bytes, data: Data, form: ListForm | None) -> Shown | None:
    """Return a value whose unit the list does not say; of a known family it is known all the same."""
    unit = None if form is None else form.unit_of(name)
    return shown(data, unit if isinstance(data.value, int) else None)


def _in_turn(items: Sequence[Data]) -> Iterator[_Found]:
    """Read codes and values in turn, each value perhaps with scaler and unit behind it."""
    form, place = _form_of(items), 0
    while place < len(items):
        item = items[place]
        place += 1
        if not _is_name(item) or place >= len(items):
            yield None, shown(item)
            continue
        value = items[place]
        place += 1
        if place < len(items) and _is_unit(items[place]):
            yield item.octets, _scaled(value, items[place])
            place += 1
        else:
            yield item.octets, _measured(item.octets, value, form)


def _defined(definitions: Sequence[Data], values: Sequence[Data]) -> Iterator[_Found]:
    """Read values by the definitions in front of them; the list's own definition has no value."""
    missing = max(0, len(definitions) - len(values))
    for definition, value in zip(definitions[missing:], values, strict=False):
        name, attribute = definition.items[1].octets, definition.items[2].number
        yield name, _own_name(value) if attribute == 1 and _is_name(value) else shown(value)


def _own_name(value: Data) -> Shown:
    a, b, c, d, e, f = value.octets
    return Shown(f"{a}-{b}:{c}.{d}.{e}*{f}")


def _by_place(items: Sequence[Data]) -> Iterator[_Found]:
    form = _form_of(items)
    columns = () if form is None else form.columns.get(len(items), ())
    for place, item in enumerate(items):
        code = columns[place] if place < len(columns) else ""
        name = _name_of(code) if code else None
        yield name, shown(item) if name is None else _measured(name, item, form)


def _form_of(items: Sequence[Data]) -> ListForm | None:
    """Return the family that begins its lists so; a single number is what Norwegian meters send every few seconds."""
    if len(items) == 1 and isinstance(items[0].value, int):
        return next((form for form in list_forms() if 1 in form.columns), None)
    for item in items[:2]:
        if isinstance(item.value, bytes | str) and not (isinstance(item.value, bytes) and len(item.value) == LENGTH):
            text = item.octets.decode("ascii", "replace")
            for form in list_forms():
                if text.startswith(form.starts):
                    return form
    return None


def _name_of(code: str) -> bytes:
    """Return a code such as 1-0:1.7.0 in six octets."""
    front, _, rest = code.partition(":")
    a, b = front.split("-")
    return bytes((int(a), int(b), *(int(part) for part in rest.split(".")), 255))
