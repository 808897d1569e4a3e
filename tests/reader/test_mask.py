"""Masked captures tell what the meter does, not whose it is."""

from __future__ import annotations

import itertools
import re

import pytest

from obisgw.iec62056_21.block_check import BlockCheckKind, compute
from obisgw.iec62056_21.characters import add_parity, strip_parity
from obisgw.iec62056_21.recording import Chunk, Direction, format_chunk, parse_capture
from obisgw.reader.mask import mask_capture


def invent(count: int) -> str:
    """Return digits that are easy to see."""
    return "".join(itertools.islice(itertools.cycle("9876543210"), count))


def framed(text: bytes, kind: BlockCheckKind) -> bytes:
    """Return a data message."""
    body = text + b"\x03"
    return b"\x02" + body + bytes((compute(kind, body),))


def recorded(received: bytes, sent: bytes = b"/?!\r\n", piece: int = 7) -> str:
    """Return a capture of both directions, cut into pieces."""
    lines = ["# obis-gateway capture 1", format_chunk(Chunk(0.0, Direction.SENT, sent))]
    lines += [
        format_chunk(Chunk(start / 1000, Direction.RECEIVED, received[start : start + piece]))
        for start in range(0, len(received), piece)
    ]
    return "\n".join(lines) + "\n# 1.0 baud 300\n"


def received(text: str) -> bytes:
    """Return what was received in a capture."""
    return b"".join(chunk.data for chunk in parse_capture(text) if chunk.direction is Direction.RECEIVED)


@pytest.mark.parametrize(
    "address", ["0.0.0", "0.0", "1-0:0.0.0*255", "C.1.0", "C.1", "0-0:96.1.0", "96.1.1", "9.20", "9.21"]
)
@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_numbers_of_meters_are_hidden(address: str, piece: int) -> None:
    """In their data sets, however the bytes were cut, keeping letters and length."""
    block = framed(f"{address}(1EMH0012345678)\r\n1.8.0(000123.4*kWh)\r\n!\r\n".encode(), BlockCheckKind.XOR)
    masked = received(mask_capture(recorded(add_parity(block), piece=piece), invent))
    clean, errors = strip_parity(masked)
    assert errors == 0
    assert f"{address}(1EMH9876543210)".encode() in clean
    assert b"1.8.0(000123.4*kWh)" in clean
    assert clean[-1] == compute(BlockCheckKind.XOR, clean[1:-1])


@pytest.mark.parametrize(
    "data_set",
    ["1.0.0(2401311200)", "0.1.0(0023)", "0.1.2(2401010000)", "10.0.0(12345678)", "0.9.1(120000)", "0.2.0(123456)"],
)
def test_other_values_stay(data_set: str) -> None:
    """Clocks, counters and versions are what a capture is for."""
    capture = recorded(framed(f"{data_set}\r\n!\r\n".encode(), BlockCheckKind.XOR))
    assert mask_capture(capture, invent) == capture


@pytest.mark.parametrize("kind", [BlockCheckKind.XOR, BlockCheckKind.SUM7])
@pytest.mark.parametrize("carried", [True, False])
def test_a_right_block_check_stays_right_and_a_wrong_one_wrong(kind: BlockCheckKind, carried: bool) -> None:  # noqa: FBT001
    """So that a masked capture replays to the same verdict."""
    good = framed(b"0.0.0(12345678)\r\n!\r\n", kind)
    bad = good[:-1] + bytes((good[-1] ^ 0x11,))
    for message, right in ((good, True), (bad, False)):
        raw = add_parity(message) if carried else message
        clean = strip_parity(received(mask_capture(recorded(raw), invent)))[0]
        assert b"(98765432)" in clean
        assert (clean[-1] == compute(kind, clean[1:-1])) is right


def test_a_damaged_character_stays_damaged() -> None:
    """Wrong parity is evidence."""
    raw = bytearray(add_parity(framed(b"0.0.0(12345678)\r\n!\r\n", BlockCheckKind.XOR)))
    raw[9] ^= 0x80
    masked = received(mask_capture(recorded(bytes(raw)), invent))
    assert [position for position, byte in enumerate(masked) if byte.bit_count() & 1] == [9]


def test_the_number_is_hidden_in_identification_request_and_elsewhere() -> None:
    """One number becomes one other number throughout."""
    answer = b"/EMH4\\@01LZQJ0012345678\r\n" + framed(
        b"0.0.0(0012345678)\r\nF.F(0012345678)\r\n!\r\n", BlockCheckKind.XOR
    )
    text = mask_capture(recorded(answer, b"/?0012345678!\r\n"), invent)
    everything = b"".join(chunk.data for chunk in parse_capture(text))
    assert b"0012345678" not in everything
    assert everything.count(b"9876543210") == 4


def test_times_directions_remarks_and_lengths_stay() -> None:
    """Only digits change."""
    before = recorded(framed(b"0.0.0(12345678)\r\n!\r\n", BlockCheckKind.XOR))
    after = mask_capture(before, invent)
    hexadecimal = re.compile(r"(?<=[rt]x )[0-9a-f]+")
    assert hexadecimal.sub(lambda match: "." * len(match[0]), before) == hexadecimal.sub(
        lambda match: "." * len(match[0]), after
    )
    assert before != after
