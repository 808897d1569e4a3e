"""General block transfer (tag E0): one message in numbered blocks, above whatever carries them."""

from __future__ import annotations

from typing import Final

from .buffer import Reader
from .errors import DecodeError

GENERAL_BLOCK: Final = 0xE0
_LAST: Final = 0x80
_WINDOW_OF_ONE: Final = 0x01
MOST_EMPTY: Final = 8
LONGEST: Final = 4 * 1024 * 1024


class BlockCollector:
    """Puts blocks together."""

    def __init__(self) -> None:
        self._message = bytearray()
        self._next = 1
        self._empty = 0
        self._own = 1
        self.acknowledgement = b""
        """What asks for the next block; whoever only listens does not send it."""

    def take(self, octets: bytes) -> bytes | None:
        """Take one block; return the message when it is whole. Raises DecodeError where one is missing."""
        reader = Reader(octets)
        if reader.octet() != GENERAL_BLOCK:
            raise DecodeError("no block of a general block transfer")
        control, number = reader.octet(), reader.unsigned(2)
        reader.unsigned(2)
        part = reader.take(reader.length())
        if number == 1:
            # A first block begins anew, whatever came before.
            self._message.clear()
        elif number != self._next:
            wanted, self._next = self._next, 1
            self._message.clear()
            raise DecodeError(f"block {number} came in place of {wanted}")
        self._next = number + 1
        self._message += part
        self._empty = 0 if part else self._empty + 1
        if self._empty > MOST_EMPTY:
            raise DecodeError(f"{self._empty} blocks of nothing, and no end")
        # The request went in one piece, which counts as our first block.
        self._own = self._own + 1 if number > 1 else 2
        numbers = (self._own & 0xFFFF).to_bytes(2, "big") + number.to_bytes(2, "big")
        self.acknowledgement = bytes((GENERAL_BLOCK, _LAST | _WINDOW_OF_ONE)) + numbers + b"\x00"
        if len(self._message) > LONGEST:
            raise DecodeError(f"a message of more than {LONGEST} octets")
        if not control & _LAST:
            return None
        message = bytes(self._message)
        self._message.clear()
        self._next = 1
        return message
