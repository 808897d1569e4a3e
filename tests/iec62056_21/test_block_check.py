"""Block check characters: the vectors of the standard's practice and of real meters."""

from __future__ import annotations

from functools import reduce
from operator import xor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obisgw.iec62056_21.block_check import BlockCheckKind, compute, crc16, xor_check


@pytest.mark.parametrize(
    ("covered", "expected"),
    [
        (b"B0\x03", 0x71),
        (b"P0\x02()\x03", 0x60),
        (b"P0\x02(00000000)\x03", 0x60),
        (b"P1\x02()\x03", 0x61),
        (b"R5\x02P.01(;)\x03", 0x23),
        (b"R5\x02P.98(;)\x03", 0x23),
        (b"R6\x02P.01(;)\x03", 0x20),
        (b"R5\x02P.01(02401010000;02401020000)\x03", 0x20),
        (b"R1\x021.8.0()\x03", 0x5A),
        (b"R5\x021.8.0()\x03", 0x5E),
        (b"R5\x020.9.1()\x03", 0x5F),
        (b"(ER0001)\x03", 0x14),
        (b"1.8.0(000123.4*kWh)\r\n!\r\n\x03", 0x7E),
    ],
)
def test_exclusive_or_of_messages(covered: bytes, expected: int) -> None:
    """From behind the first SOH or STX to ETX inclusive."""
    assert compute(BlockCheckKind.XOR, covered) == expected


@pytest.mark.parametrize(("covered", "expected"), [(b"B0\x03", 0x75), (b"P0\x02(777777)\x03", 0x20)])
def test_sum_of_messages(covered: bytes, expected: int) -> None:
    """Energomera: the sum modulo 128 over the same range."""
    assert compute(BlockCheckKind.SUM7, covered) == expected


def test_crc_of_the_p1_port() -> None:
    """CRC-16/ARC: its check value in the catalogue of CRCs is BB3D."""
    assert compute(BlockCheckKind.CRC16, b"123456789") == crc16(b"123456789") == 0xBB3D


@given(st.binary())
def test_folding_is_the_exclusive_or_of_all_bytes(data: bytes) -> None:
    """Of any length, the empty one included."""
    assert xor_check(data) == reduce(xor, data, 0)
