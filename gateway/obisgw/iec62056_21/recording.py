"""The file format of ``obis-gateway capture``: every byte of a line with time and direction.

::

    # obis-gateway capture 1
    # any remark
    0.000 tx 2f3f210d0a
    0.412 rx 2f49

Seconds count from the first byte. Bytes are in hexadecimal as they were on the line, with parity bits where it has any.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from obisgw.errors import ConfigurationError

from .hex_dump import bytes_of_dump

HEADER = "# obis-gateway capture 1"

_CHUNK = re.compile(r"(\d+(?:\.\d+)?) (rx|tx) ((?:[0-9A-Fa-f]{2})*)")
_HEX = re.compile(rb"(?:0[xX])?([0-9A-Fa-f]+)[\s:,;-]*")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Direction(Enum):
    """Who sent: ``RECEIVED`` from the meter (or the own echo), ``SENT`` by the reader."""

    RECEIVED = "rx"
    SENT = "tx"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes that came or went together, ``seconds`` after the start."""

    seconds: float
    direction: Direction
    data: bytes


def format_chunk(chunk: Chunk) -> str:
    """Return the line of a chunk, without line end."""
    return f"{chunk.seconds:.6f} {chunk.direction.value} {chunk.data.hex()}"


def parse_capture(text: str) -> tuple[Chunk, ...]:
    """Return the chunks of a recording; empty lines and remarks are passed over.

    Raises ``ConfigurationError`` with the number of the line that is no chunk. A last line that was cut, because the
    recording was interrupted, is left out.
    """
    chunks: list[Chunk] = []
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _CHUNK.fullmatch(line.strip())
        if match is not None:
            seconds, direction, data = match.groups()
            chunks.append(Chunk(float(seconds), Direction(direction), bytes.fromhex(data)))
        elif number < len(lines) or text.endswith("\n"):
            raise ConfigurationError(
                "no chunk of a recording",
                where=f"line {number}",
                hint="a line is: seconds, rx or tx, hexadecimal bytes",
            )
    return tuple(chunks)


def captured_bytes(capture: bytes) -> bytes:
    """Return the bytes of the line in ``capture``: a recording, a dump, hexadecimal text, or the bytes themselves."""
    capture = capture.removeprefix(_BYTE_ORDER_MARK)
    if capture.startswith(HEADER.encode("ascii")):
        return b"".join(chunk.data for chunk in parse_capture(capture.decode("utf-8", "replace")))
    return bytes_of_dump(capture) or _from_hexadecimal(capture) or capture


def received_bytes(capture: bytes) -> bytes:
    """Return what ``captured_bytes`` returns, without what a recording says that the reader sent."""
    if not capture.startswith(HEADER.encode("ascii")):
        return captured_bytes(capture)
    chunks = parse_capture(capture.decode("utf-8", "replace"))
    return b"".join(chunk.data for chunk in chunks if chunk.direction is Direction.RECEIVED)


def _from_hexadecimal(capture: bytes) -> bytes | None:
    text = capture.strip()
    try:
        return bytes.fromhex(text.decode("ascii"))
    except ValueError:
        pass  # Other separators, a prefix, or no hexadecimal text at all.
    digits: list[bytes] = []
    position = 0
    while (match := _HEX.match(text, position)) is not None:
        digits.append(match[1].rjust(len(match[1]) + len(match[1]) % 2, b"0"))
        position = match.end()
    if position < len(text) or not digits:
        return None
    return bytes.fromhex(b"".join(digits).decode("ascii"))
