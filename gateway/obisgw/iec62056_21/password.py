"""How a password is said to a meter (IEC 62056-21 clause 6.3.9: P1 in clear, P2 by the maker's algorithm)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from obisgw.secret import Secret


class PasswordLevel(Enum):
    """P1: in clear. P2: the result of the maker's algorithm on the operand that the meter sent."""

    P1 = "P1"
    P2 = "P2"


class P2Algorithm(Enum):
    """Makers' algorithms for P2."""

    PLAIN = "plain"
    """The password itself (Siemens AMIS)."""

    CRC32 = "crc32"
    """CRC-32 of the password, begun with the operand in place of all ones and not inverted (Energomera)."""


@dataclass(frozen=True, slots=True)
class Password:
    """A password and how it is said."""

    secret: Secret
    level: PasswordLevel = PasswordLevel.P1

    def answer(self, operand: str, algorithm: P2Algorithm | None) -> Secret | None:
        """Return what goes into the brackets of P1 or P2; None where it cannot be made of this operand."""
        if self.level is PasswordLevel.P1 or algorithm is P2Algorithm.PLAIN:
            return self.secret
        if algorithm is None:
            return None
        try:
            start = int(operand, 16)
        except ValueError:
            return None
        return Secret(f"{crc32(self.secret.reveal().encode('latin-1'), start & 0xFFFFFFFF):08X}")


def is_password(text: str) -> bool:
    """Whether a text can stand in the brackets of P1: printable, without brackets, ``/`` and ``!``, at most 32."""
    return 0 < len(text) <= 32 and all(" " <= character <= "~" and character not in "()/!" for character in text)


def crc32(data: bytes, start: int) -> int:
    """Return the reflected CRC-32 (polynomial 04C11DB7) begun with ``start`` and not inverted at its end."""
    crc = start
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0xEDB88320 if crc & 1 else 0)
    return crc
