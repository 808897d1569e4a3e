"""What a meter says of itself: the list of its objects, with what may be read of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from .axdr import Data
from .classes import ClassId
from .errors import DecodeError
from .services import Attribute

ASSOCIATION_LIST: Final = Attribute(ClassId.ASSOCIATION_LN, bytes((0, 0, 40, 0, 0, 255)), 2)
"""The objects that the present association sees."""

MOST_OBJECTS: Final = 20_000
_READABLE: Final = frozenset({1, 3, 4, 6})
"""Access modes with reading: also those of authenticated requests."""
_READ_BIT: Final = 0x01
_BITS_SINCE: Final = 3
"""The version of the association's class from which on access modes are bits."""


@dataclass(frozen=True, slots=True)
class MeterObject:
    """One object. ``readable``: the numbers of attributes that may be read."""

    class_id: int
    version: int
    name: bytes
    readable: frozenset[int]

    def attribute(self, number: int) -> Attribute:
        """Return a reference to one of its attributes."""
        return Attribute(self.class_id, self.name, number)

    @property
    def obis(self) -> str:
        """The logical name as an OBIS code."""
        a, b, c, d, e, f = self.name
        return f"{a}-{b}:{c}.{d}.{e}*{f}"


def objects_of(data: Data) -> tuple[MeterObject, ...]:
    """Return the objects of an association's list. Raises DecodeError."""
    if len(data.items) > MOST_OBJECTS:
        raise DecodeError(f"a list of {len(data.items)} objects")
    return tuple(_objects(data))


def _objects(data: Data) -> Iterator[MeterObject]:
    items = [_parts(item) for item in data.items]
    versions = [parts[1].number for parts in items if parts[0].number == ClassId.ASSOCIATION_LN]
    bits = max(versions, default=0) >= _BITS_SINCE
    for parts in items:
        rights = parts[3].items if len(parts) > 3 and isinstance(parts[3].value, tuple) else ()
        readable = frozenset(_readable(rights[0], bits=bits)) if rights else frozenset({2})
        yield MeterObject(parts[0].number, parts[1].number, parts[2].octets, readable)


def _parts(item: Data) -> tuple[Data, ...]:
    parts = item.items
    if len(parts) < 3 or len(parts[2].octets) != 6:
        raise DecodeError("an object of the list has no logical name")
    if not 0 <= parts[0].number <= 0xFFFF:
        raise DecodeError(f"an object of the list is of class {parts[0].number}")
    return parts


def _readable(attributes: Data, *, bits: bool) -> Iterator[int]:
    for entry in attributes.items:
        if len(entry.items) < 2:
            raise DecodeError("an access right of the list has no attribute or no mode")
        number, mode = entry.items[0].number, entry.items[1].number
        # Modes beyond the last one are bits, whatever the version says. Negative numbers are makers' own attributes.
        read = mode & _READ_BIT if bits or mode > 6 else mode in _READABLE
        if read and 0 < number <= 0x7F:
            yield number
