"""What both ends of an HDLC link agree on: how long information fields are, and how many frames go unacknowledged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .buffer import Reader
from .errors import DecodeError

DEFAULT_LENGTH: Final = 128
DEFAULT_WINDOW: Final = 1
LONGEST: Final = 2030
"""With a header and three check sequences it fits the frame's length of eleven bits."""

MOST_WINDOW: Final = 7

_FORMAT, _GROUP = 0x81, 0x80
_SEND_LENGTH, _RECEIVE_LENGTH, _SEND_WINDOW, _RECEIVE_WINDOW = 5, 6, 7, 8


@dataclass(frozen=True, slots=True)
class Parameters:
    """What one end sends and receives: octets of an information field, and frames in a row."""

    send_length: int = DEFAULT_LENGTH
    receive_length: int = DEFAULT_LENGTH
    send_window: int = DEFAULT_WINDOW
    receive_window: int = DEFAULT_WINDOW

    def encode(self) -> bytes:
        """Return the information field of SNRM or UA."""
        body = b"".join(
            bytes((name, len(octets))) + octets
            for name, octets in (
                (_SEND_LENGTH, _length(self.send_length)),
                (_RECEIVE_LENGTH, _length(self.receive_length)),
                (_SEND_WINDOW, self.send_window.to_bytes(4, "big")),
                (_RECEIVE_WINDOW, self.receive_window.to_bytes(4, "big")),
            )
        )
        return bytes((_FORMAT, _GROUP, len(body))) + body

    @classmethod
    def decode(cls, information: bytes) -> Parameters:
        """Return what an information field says; what it leaves out has its default. Raises DecodeError."""
        if not information:
            return cls()
        reader = Reader(information)
        if reader.octet() != _FORMAT or reader.octet() != _GROUP:
            raise DecodeError("the link's parameters are of an unknown format")
        reader = Reader(reader.take(reader.octet()))
        found: dict[int, int] = {}
        while reader.left:
            name = reader.octet()
            number = reader.unsigned(reader.octet())
            if number:
                # Nothing at all cannot be meant.
                found[name] = number
        return cls(
            _within(found.get(_SEND_LENGTH, DEFAULT_LENGTH), LONGEST),
            _within(found.get(_RECEIVE_LENGTH, DEFAULT_LENGTH), LONGEST),
            _within(found.get(_SEND_WINDOW, DEFAULT_WINDOW), MOST_WINDOW),
            _within(found.get(_RECEIVE_WINDOW, DEFAULT_WINDOW), MOST_WINDOW),
        )

    def agreed(self, other: Parameters) -> Parameters:
        """Return what holds for this end when the other one says what it sends and receives."""
        return Parameters(
            min(self.send_length, other.receive_length),
            min(self.receive_length, other.send_length),
            min(self.send_window, other.receive_window),
            min(self.receive_window, other.send_window),
        )


MOST: Final = Parameters(LONGEST, LONGEST, MOST_WINDOW, MOST_WINDOW)


def _length(octets: int) -> bytes:
    # One octet up to 255: meters of old stacks know no other form.
    return octets.to_bytes(1 if octets < 0x100 else 2, "big")


def _within(number: int, most: int) -> int:
    return min(max(number, 1), most)
