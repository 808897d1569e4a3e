"""Services for objects that are referred to by short names (IEC 62056-53 clause 8: READ), as older meters have them.

An attribute's short name is its object's base name and eight for each attribute behind the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from . import axdr
from .axdr import Data
from .buffer import Reader, length_of
from .errors import DecodeError
from .objects import MOST_OBJECTS, MeterObject
from .services import Attribute, Block, GetResult, Refusal, exception_response, service_error

ASSOCIATION: Final = 0xFA00
"""The base name of the present association."""

ASSOCIATION_NAME: Final = bytes((0, 0, 40, 0, 0, 255))
ASSOCIATION_LIST: Final = Attribute(12, ASSOCIATION_NAME, 2)
"""The objects that the present association sees."""

_VARIABLE, _SELECTED, _BLOCK_NUMBER = 2, 4, 5
_APART: Final = 8

REPLY_TO_HLS: Final = ASSOCIATION + 0x58
"""The method of the present association that takes the client's proof."""
METHOD: Final = 0
"""The selector with which a method is invoked by reading."""


@dataclass(frozen=True, slots=True)
class ShortNames:
    """The base names of a meter's objects, by class and logical name."""

    bases: Mapping[tuple[int, bytes], int]

    def of(self, attribute: Attribute) -> int:
        """Return an attribute's short name. Raises KeyError for an object that is not in the list."""
        if (attribute.class_id, attribute.name) == (ASSOCIATION_LIST.class_id, ASSOCIATION_NAME):
            return ASSOCIATION + _APART * (attribute.number - 1)
        return self.bases[attribute.class_id, attribute.name] + _APART * (attribute.number - 1)


NO_NAMES: Final = ShortNames({})


def short_objects_of(data: Data) -> tuple[tuple[MeterObject, ...], ShortNames]:
    """Return the objects of an association's list and their base names. Raises DecodeError.

    What may be read the list does not say; all attributes of a value's class are tried.
    """
    if len(data.items) > MOST_OBJECTS:
        raise DecodeError(f"a list of {len(data.items)} objects")
    objects, bases = [], {}
    for item in data.items:
        parts = item.items
        if len(parts) < 4 or len(parts[3].octets) != 6:
            raise DecodeError("an object of the list has no logical name")
        class_id, name, base = parts[1].number, parts[3].octets, parts[0].number & 0xFFFF
        # No short name goes beyond two octets.
        last = min(11, (0xFFFF - base) // _APART + 1)
        objects.append(MeterObject(class_id, parts[2].number, name, frozenset(range(2, last + 1))))
        bases[class_id, name] = base
    return tuple(objects), ShortNames(bases)


def read_request(names: Sequence[tuple[int, tuple[int, Data] | None]]) -> bytes:
    """Return a request for variables, each with the selection of a part or none."""
    parts = b""
    for name, selector in names:
        octets = name.to_bytes(2, "big")
        if selector is None:
            parts += bytes((_VARIABLE,)) + octets
        else:
            parts += bytes((_SELECTED,)) + octets + bytes((selector[0],)) + axdr.encode(selector[1])
    return b"\x05" + length_of(len(names)) + parts


def next_block_request(number: int) -> bytes:
    """Return a request for the block behind ``number``."""
    return b"\x05\x01" + bytes((_BLOCK_NUMBER,)) + number.to_bytes(2, "big")


def decode_read_response(octets: bytes) -> tuple[GetResult, ...] | Block:
    """Return a READ response. Raises DecodeError, and Refusal for an exception."""
    reader = Reader(octets)
    match reader.octet():
        case 0x0C:
            pass
        case 0xD8:
            raise exception_response(octets)
        case 0x0E:
            raise Refusal(service_error(octets))
        case other:
            raise DecodeError(f"an answer begins with {other:02X} in place of 0C")
    count = reader.length()
    if count == 1 and reader.peek() == 2:
        reader.octet()
        last, number = reader.octet() != 0, reader.unsigned(2)
        return Block(number, last, reader.take(reader.length()))
    results = read_results(reader, count)
    reader.done()
    return results


def read_results(reader: Reader, count: int) -> tuple[GetResult, ...]:
    """Return so many results."""
    if count > reader.left:
        raise DecodeError(f"{count} results in {reader.left} octets")
    return tuple(_result(reader) for _ in range(count))


def joined_results(reader: Reader, count: int) -> tuple[GetResult, ...]:
    """Return the results out of all blocks of an answer; of one value some meters send the value alone."""
    if count != 1:
        if (said := reader.length()) != count:
            raise DecodeError(f"{said} results for {count} attributes")
        return read_results(reader, count)
    if reader.peek() == 1:
        place = reader.place
        reader.octet()
        try:
            results = read_results(reader, 1)
            reader.padding()
        except DecodeError:
            # The value itself may begin like that.
            reader.place = place
        else:
            return results
    return (GetResult(axdr.read(reader)),)


def _result(reader: Reader) -> GetResult:
    match reader.octet():
        case 0:
            return GetResult(axdr.read(reader))
        case 1:
            return GetResult(None, reader.octet())
        case other:
            raise DecodeError(f"a result of kind {other}")
