"""General block transfer (tag E0): one message in numbered blocks, above whatever carries them."""

from __future__ import annotations

from typing import Final

from .buffer import Reader
from .errors import DecodeError

GENERAL_BLOCK: Final = 0xE0
_LAST: Final = 0x80
LONGEST: Final = 4 * 1024 * 1024


class BlockCollector:
    """Puts blocks together."""

    def __init__(self) -> None:
        self._message = bytearray()
        self._next = 1

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
        if len(self._message) > LONGEST:
            raise DecodeError(f"a message of more than {LONGEST} octets")
        if not control & _LAST:
            return None
        message = bytes(self._message)
        self._message.clear()
        self._next = 1
        return message
