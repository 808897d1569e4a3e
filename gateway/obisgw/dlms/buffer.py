"""Reading octets in their order, within bounds."""

from __future__ import annotations

from .errors import DecodeError


class Reader:
    """A place in some octets. Every call raises DecodeError where there are too few."""

    __slots__ = ("data", "end", "place")

    def __init__(self, data: bytes, place: int = 0, end: int | None = None) -> None:
        self.data = data
        self.place = place
        self.end = len(data) if end is None else end

    @property
    def left(self) -> int:
        """Octets that are still to be read."""
        return self.end - self.place

    def take(self, count: int) -> bytes:
        """Return the next octets."""
        place = self.place
        if count < 0 or place + count > self.end:
            raise DecodeError(f"{count} octets are wanted at {place}, and {self.end - place} are there")
        self.place = place + count
        return self.data[place : self.place]

    def octet(self) -> int:
        """Return the next octet."""
        place = self.place
        if place >= self.end:
            raise DecodeError(f"an octet is missing at {place}")
        self.place = place + 1
        return self.data[place]

    def peek(self) -> int | None:
        """Return the next octet without taking it; None at the end."""
        return self.data[self.place] if self.place < self.end else None

    def unsigned(self, count: int) -> int:
        """Return a whole number of so many octets."""
        return int.from_bytes(self.take(count), "big")

    def signed(self, count: int) -> int:
        """Return a whole number with a sign."""
        return int.from_bytes(self.take(count), "big", signed=True)

    def length(self) -> int:
        """Return a length as A-XDR and BER write it; at most four octets of it."""
        first = self.octet()
        if first < 0x80:
            return first
        count = first & 0x7F
        if not 1 <= count <= 4:
            raise DecodeError(f"a length of {count} octets at {self.place - 1}")
        return self.unsigned(count)

    def rest(self) -> bytes:
        """Return all that is left."""
        return self.take(self.left)

    def padding(self) -> None:
        """Raise unless nothing but zeros is left: some meters fill up their last block."""
        if self.rest().strip(b"\x00"):
            raise DecodeError(f"octets too many, up to {self.end}")

    def done(self) -> None:
        """Raise unless everything has been read."""
        if self.left:
            raise DecodeError(f"{self.left} octets too many at {self.place}")


def length_of(count: int) -> bytes:
    """Return a length as A-XDR and BER write it."""
    if count < 0x80:
        return bytes((count,))
    octets = count.to_bytes((count.bit_length() + 7) // 8, "big")
    return bytes((0x80 | len(octets),)) + octets
