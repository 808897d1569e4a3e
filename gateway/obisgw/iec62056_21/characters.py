"""Seven-bit characters with even parity, carried over an eight-bit line (IEC 62056-21 clause 5).

7E1 and 8N1 have the same ten bits, so a line opened 8N1 can carry 7E1 characters whose parity bit is made and checked
here. That serves adapters and pseudo-terminals that cannot do 7E1, and it shows which character was damaged.
"""

from __future__ import annotations

from enum import Enum

STX = 0x02
ETX = 0x03
EOT = 0x04
ACK = 0x06
LF = 0x0A
CR = 0x0D
NAK = 0x15
SOH = 0x01
NUL = 0x00

_WITH_PARITY = bytes(c | (0x80 if (c & 0x7F).bit_count() & 1 else 0) for c in (i & 0x7F for i in range(256)))
_WITHOUT_PARITY = bytes(i & 0x7F for i in range(256))
_ODD = bytes(i for i in range(256) if i.bit_count() & 1)


class CharacterFormat(Enum):
    """How characters travel between this process and the line.

    ``SOFTWARE_7E1`` and ``SOFTWARE_7E2``: the port is 8N1 (8N2), parity is made and checked here.
    ``HARDWARE``: the port itself removes parity (7E1, 7E2, 8E1 by the driver), or there is none (8N1).
    """

    SOFTWARE_7E1 = "software-7e1"
    SOFTWARE_7E2 = "software-7e2"
    HARDWARE = "hardware"

    @property
    def software_parity(self) -> bool:
        """Whether bit 7 carries the parity."""
        return self is not CharacterFormat.HARDWARE


def add_parity(data: bytes) -> bytes:
    """Return the characters with even parity in bit 7."""
    return data.translate(_WITH_PARITY)


def without_parity(data: bytes) -> bytes:
    """Return the seven-bit characters, whatever their eighth bit."""
    return data.translate(_WITHOUT_PARITY)


def strip_parity(data: bytes) -> tuple[bytes, int]:
    """Return the seven-bit characters and the number of those whose parity was wrong."""
    return without_parity(data), len(data) - len(data.translate(None, _ODD))


def parity_errors(data: bytes) -> list[int]:
    """Return the positions of characters with wrong parity."""
    return [position for position, character in enumerate(data) if character.bit_count() & 1]
