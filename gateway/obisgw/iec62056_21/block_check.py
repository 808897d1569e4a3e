"""Block check characters (IEC 62056-21 clause 6.3 with ISO 1155, and the makers that sum instead)."""

from __future__ import annotations

from enum import Enum


class BlockCheck(Enum):
    """What the block check said of a message."""

    OK = "ok"
    ABSENT = "absent"
    BAD = "bad"


class BlockCheckKind(Enum):
    """How a block check is computed, always over seven-bit characters."""

    XOR = "xor"
    SUM7 = "sum7"
    CRC16 = "crc16"
    """The P1 port's CRC-16/ARC over ``/`` to ``!``, eight-bit."""


def xor_check(data: bytes) -> int:
    """Return the exclusive or of all bytes."""
    # Folding halves of one big integer is some thirty times faster than a loop over bytes.
    size = len(data)
    value = int.from_bytes(data, "big")
    while size > 1:
        half = (size + 1) // 2
        value = (value >> (8 * half)) ^ (value & ((1 << (8 * half)) - 1))
        size = half
    return value


def sum7_check(data: bytes) -> int:
    """Return the sum of all bytes modulo 128 (Energomera; some Kamstrup)."""
    return sum(data) & 0x7F


def compute(kind: BlockCheckKind, data: bytes) -> int:
    """Return the check of ``data``, which runs from behind the first SOH or STX to ETX or EOT inclusive."""
    match kind:
        case BlockCheckKind.XOR:
            return xor_check(data)
        case BlockCheckKind.SUM7:
            return sum7_check(data)
        case BlockCheckKind.CRC16:
            return crc16(data)


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
        table.append(crc)
    return tuple(table)


_CRC_TABLE = _crc_table()


def crc16(data: bytes) -> int:
    """Return the CRC-16/ARC (polynomial 8005 reflected, initial value 0) of the P1 port."""
    crc = 0
    for byte in data:
        crc = (crc >> 8) ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc
