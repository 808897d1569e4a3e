"""COSEM data (IEC 62056-62 clause 4.1.5) in A-XDR (IEC 61334-6): every type, within bounds of size and depth."""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Final, NamedTuple, TypeAlias

from .buffer import Reader, length_of
from .errors import DecodeError

MOST_DEPTH: Final = 16
"""Real data are four deep; a hostile answer must not exhaust the stack."""

MOST_ITEMS: Final = 500_000
"""A year of quarter hours with ten columns; more is not asked for at once."""


class Tag(IntEnum):
    """The types of data."""

    NULL = 0
    ARRAY = 1
    STRUCTURE = 2
    BOOLEAN = 3
    BIT_STRING = 4
    DOUBLE_LONG = 5
    DOUBLE_LONG_UNSIGNED = 6
    OCTET_STRING = 9
    VISIBLE_STRING = 10
    UTF8_STRING = 12
    BCD = 13
    INTEGER = 15
    LONG = 16
    UNSIGNED = 17
    LONG_UNSIGNED = 18
    COMPACT_ARRAY = 19
    LONG64 = 20
    LONG64_UNSIGNED = 21
    ENUM = 22
    FLOAT32 = 23
    FLOAT64 = 24
    DATE_TIME = 25
    DATE = 26
    TIME = 27
    DELTA_INTEGER = 28
    DELTA_LONG = 29
    DELTA_DOUBLE_LONG = 30
    DELTA_UNSIGNED = 31
    DELTA_LONG_UNSIGNED = 32
    DELTA_DOUBLE_LONG_UNSIGNED = 33
    DONT_CARE = 255


Value: TypeAlias = "bool | int | float | bytes | str | tuple[Data, ...] | None"


class Data(NamedTuple):
    """One value with its type. Arrays and structures hold tuples, strings of octets and bits hold bytes.

    A bit string's bytes are followed by nothing: ``bits`` tells how many of them count.
    """

    tag: Tag
    value: Value
    bits: int = 0

    @property
    def items(self) -> tuple[Data, ...]:
        """The elements of an array or structure. Raises DecodeError for anything else."""
        if not isinstance(self.value, tuple):
            raise DecodeError(f"an array or structure is expected, and {self.tag.name} came")
        return self.value

    @property
    def number(self) -> int:
        """A whole number. Raises DecodeError for anything else."""
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            raise DecodeError(f"a whole number is expected, and {self.tag.name} came")
        return self.value

    @property
    def octets(self) -> bytes:
        """A string of octets. Raises DecodeError for anything else."""
        match self.value:
            case bytes():
                return self.value
            case str():
                return self.value.encode()
            case _:
                raise DecodeError(f"octets are expected, and {self.tag.name} came")


DELTAS: Final = frozenset(range(Tag.DELTA_INTEGER, Tag.DELTA_DOUBLE_LONG_UNSIGNED + 1))
"""Types of numbers that say only by how much a value differs from the one before."""

NULL: Final = Data(Tag.NULL, None)

_UNSIGNED: Final = {
    Tag.UNSIGNED: 1,
    Tag.LONG_UNSIGNED: 2,
    Tag.DOUBLE_LONG_UNSIGNED: 4,
    Tag.LONG64_UNSIGNED: 8,
    Tag.ENUM: 1,
    Tag.DELTA_UNSIGNED: 1,
    Tag.DELTA_LONG_UNSIGNED: 2,
    Tag.DELTA_DOUBLE_LONG_UNSIGNED: 4,
}
_SIGNED: Final = {
    Tag.INTEGER: 1,
    Tag.LONG: 2,
    Tag.DOUBLE_LONG: 4,
    Tag.LONG64: 8,
    Tag.DELTA_INTEGER: 1,
    Tag.DELTA_LONG: 2,
    Tag.DELTA_DOUBLE_LONG: 4,
}
_FIXED: Final = {Tag.DATE_TIME: 12, Tag.DATE: 5, Tag.TIME: 4, Tag.BCD: 1}
_COUNTED: Final = frozenset({Tag.OCTET_STRING, Tag.VISIBLE_STRING, Tag.UTF8_STRING})
_TAGS: Final = {int(tag): tag for tag in Tag}


def decode(octets: bytes) -> Data:
    """Return the one value that ``octets`` are. Raises DecodeError."""
    reader = Reader(octets)
    data = read(reader)
    reader.done()
    return data


def read(reader: Reader) -> Data:
    """Return the next value. Raises DecodeError, also for what is too deep or has too many elements."""
    return _Decoder(reader).data(0)


class _Decoder:
    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._items = 0

    @property
    def left(self) -> int:
        """Octets that are still to be read."""
        return self._reader.left

    def data(self, depth: int) -> Data:
        tag = _tag(self._reader.octet())
        return self.of(tag, depth)

    def count(self) -> None:
        """Count a value. Raises DecodeError for one too many."""
        self._items += 1
        if self._items > MOST_ITEMS:
            raise DecodeError(f"more than {MOST_ITEMS} values")

    def of(self, tag: Tag, depth: int) -> Data:  # noqa: C901 one branch a type
        """Read the value of a known type."""
        reader = self._reader
        self.count()
        if (size := _UNSIGNED.get(tag)) is not None:
            return Data(tag, reader.unsigned(size))
        if (size := _SIGNED.get(tag)) is not None:
            return Data(tag, reader.signed(size))
        if tag in _COUNTED:
            octets = reader.take(reader.length())
            # Text of other code pages is kept as it is.
            return Data(tag, octets if tag is Tag.OCTET_STRING else octets.decode("utf-8", "backslashreplace"))
        if (size := _FIXED.get(tag)) is not None:
            return Data(tag, reader.take(size))
        match tag:
            case Tag.ARRAY | Tag.STRUCTURE:
                return Data(tag, self._many(reader.length(), depth))
            case Tag.COMPACT_ARRAY:
                return self._compact(depth)
            case Tag.BOOLEAN:
                return Data(tag, reader.octet() != 0)
            case Tag.BIT_STRING:
                bits = reader.length()
                return Data(tag, reader.take((bits + 7) // 8), bits)
            case Tag.FLOAT32:
                return Data(tag, float(struct.unpack(">f", reader.take(4))[0]))
            case Tag.FLOAT64:
                return Data(tag, float(struct.unpack(">d", reader.take(8))[0]))
            case _:
                return Data(tag, None)

    def _many(self, count: int, depth: int) -> tuple[Data, ...]:
        if depth >= MOST_DEPTH:
            raise DecodeError(f"data are nested more than {MOST_DEPTH} deep")
        # Each takes an octet at least: a length that cannot be is not believed.
        if count > self._reader.left:
            raise DecodeError(f"{count} elements in {self._reader.left} octets")
        return tuple(self.data(depth + 1) for _ in range(count))

    def _compact(self, depth: int) -> Data:
        """Read a compact array: the type once, then the contents. It comes out as an array."""
        if depth >= MOST_DEPTH:
            raise DecodeError(f"data are nested more than {MOST_DEPTH} deep")
        template = _Template(self._reader, depth)
        size = self._reader.length()
        end = self._reader.place + size
        if end > self._reader.end:
            raise DecodeError(f"{size} octets of a compact array, and {self._reader.left} are there")
        inner = _Decoder(Reader(self._reader.data, self._reader.place, end))
        inner._items = self._items
        values = []
        while inner._reader.left:
            before = inner._reader.place
            values.append(template.read(inner, depth + 1))
            if inner._reader.place == before:
                raise DecodeError("a compact array of nothing")
        self._items = inner._items
        self._reader.place = end
        return Data(Tag.ARRAY, tuple(values))


class _Template:
    """The type of a compact array's elements."""

    def __init__(self, reader: Reader, depth: int) -> None:
        if depth > MOST_DEPTH:
            raise DecodeError(f"types are nested more than {MOST_DEPTH} deep")
        self.tag = _tag(reader.octet())
        self.parts: tuple[_Template, ...] = ()
        self.count = 1
        if self.tag is Tag.ARRAY:
            self.count = reader.unsigned(2)
            self.parts = (_Template(reader, depth + 1),)
        elif self.tag is Tag.STRUCTURE:
            count = reader.length()
            if count > reader.left:
                raise DecodeError(f"{count} types in {reader.left} octets")
            self.parts = tuple(_Template(reader, depth + 1) for _ in range(count))

    def read(self, decoder: _Decoder, depth: int) -> Data:
        if self.tag is Tag.ARRAY:
            if self.count > decoder.left + 1:
                raise DecodeError(f"{self.count} elements in {decoder.left} octets")
            decoder.count()
            return Data(self.tag, tuple(self.parts[0].read(decoder, depth) for _ in range(self.count)))
        if self.tag is Tag.STRUCTURE:
            decoder.count()
            return Data(self.tag, tuple(part.read(decoder, depth) for part in self.parts))
        return decoder.of(self.tag, depth)


def _tag(octet: int) -> Tag:
    if (tag := _TAGS.get(octet)) is None:
        raise DecodeError(f"there is no type of data {octet}")
    return tag


def encode(data: Data) -> bytes:
    """Return a value in A-XDR. Raises ValueError for one that does not fit its type."""
    return bytes((data.tag,)) + _body(data)


def _body(data: Data) -> bytes:  # noqa: C901 one branch a type
    tag, value = data.tag, data.value
    try:
        if (size := _UNSIGNED.get(tag)) is not None:
            return data.number.to_bytes(size, "big")
        if (size := _SIGNED.get(tag)) is not None:
            return data.number.to_bytes(size, "big", signed=True)
        if tag in _COUNTED:
            return length_of(len(data.octets)) + data.octets
        if (size := _FIXED.get(tag)) is not None and len(data.octets) == size:
            return data.octets
        match tag:
            case Tag.ARRAY | Tag.STRUCTURE:
                return length_of(len(data.items)) + b"".join(map(encode, data.items))
            case Tag.BOOLEAN:
                return b"\x01" if value else b"\x00"
            case Tag.BIT_STRING:
                return length_of(data.bits) + data.octets
            case Tag.FLOAT32 if isinstance(value, float):
                return struct.pack(">f", value)
            case Tag.FLOAT64 if isinstance(value, float):
                return struct.pack(">d", value)
            case Tag.NULL | Tag.DONT_CARE:
                return b""
            case _:
                raise ValueError(f"{tag.name} is not written")
    except (OverflowError, struct.error) as error:
        raise ValueError(f"{value!r} does not fit {tag.name}") from error


def array(*items: Data) -> Data:
    """Return an array."""
    return Data(Tag.ARRAY, items)


def structure(*items: Data) -> Data:
    """Return a structure."""
    return Data(Tag.STRUCTURE, items)


def octet_string(octets: bytes) -> Data:
    """Return a string of octets."""
    return Data(Tag.OCTET_STRING, octets)


def unsigned(number: int, size: int = 1) -> Data:
    """Return a whole number of 1, 2, 4 or 8 octets."""
    tags = {1: Tag.UNSIGNED, 2: Tag.LONG_UNSIGNED, 4: Tag.DOUBLE_LONG_UNSIGNED, 8: Tag.LONG64_UNSIGNED}
    return Data(tags[size], number)


def integer(number: int, size: int = 1) -> Data:
    """Return a whole number with a sign, of 1, 2, 4 or 8 octets."""
    tags = {1: Tag.INTEGER, 2: Tag.LONG, 4: Tag.DOUBLE_LONG, 8: Tag.LONG64}
    return Data(tags[size], number)


def enum(number: int) -> Data:
    """Return one of a list of choices."""
    return Data(Tag.ENUM, number)
