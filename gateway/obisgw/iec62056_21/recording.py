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
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from io import StringIO

from obisgw.errors import ConfigurationError

from .hex_dump import bytes_of_dump

HEADER = "# obis-gateway capture 1"

_CHUNK = re.compile(r"(\d+(?:\.\d+)?) (rx|tx) ((?:[0-9A-Fa-f]{2})*)")
_SEPARATORS = bytes.maketrans(b"\t\n\v\f\r:,;-", b" " * 9)
_HEXADECIMAL = b"0123456789ABCDEFabcdef"
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
    return tuple(_chunks(text))


def _chunks(text: str) -> Iterator[Chunk]:
    for number, line in enumerate(StringIO(text), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _CHUNK.fullmatch(line.strip())
        if match is not None:
            seconds, direction, data = match.groups()
            yield Chunk(float(seconds), Direction(direction), bytes.fromhex(data))
        elif line.endswith("\n"):
            raise ConfigurationError(
                "no chunk of a recording",
                where=f"line {number}",
                hint="a line is: seconds, rx or tx, hexadecimal bytes",
            )


def captured_bytes(capture: bytes) -> bytes:
    """Return the bytes of the line in ``capture``: a recording, a dump, hexadecimal text, or the bytes themselves."""
    capture = capture.removeprefix(_BYTE_ORDER_MARK)
    if capture.startswith(HEADER.encode("ascii")):
        data = bytearray()  # A list of the pieces would take ten times their size.
        for chunk in _chunks(capture.decode("utf-8", "replace")):
            data += chunk.data
        return bytes(data)
    return bytes_of_dump(capture) or _from_hexadecimal(capture) or capture


def received_bytes(capture: bytes) -> bytes:
    """Return what ``captured_bytes`` returns, without what a recording says that the reader sent."""
    if not capture.startswith(HEADER.encode("ascii")):
        return captured_bytes(capture)
    chunks = parse_capture(capture.decode("utf-8", "replace"))
    return b"".join(chunk.data for chunk in chunks if chunk.direction is Direction.RECEIVED)


def _from_hexadecimal(capture: bytes) -> bytes | None:
    text = capture.strip()
    if (digits := _digits(text)) is None:
        return None
    try:
        return bytes.fromhex(digits)
    except ValueError:
        pass  # Some bytes have but one digit.
    data = bytearray()
    for number in digits.split():
        data += bytes.fromhex(number.rjust(len(number) + len(number) % 2, "0"))
    return bytes(data)


def _digits(text: bytes) -> str | None:
    """Return hexadecimal text with blanks for its separators and without prefixes; None where it is something else."""
    plain = text.translate(_SEPARATORS)
    if plain.translate(None, _HEXADECIMAL + b" xX"):
        return None
    plain = plain.replace(b"0x", b"").replace(b"0X", b"")
    return plain.decode("ascii") if plain.strip() and not plain.translate(None, _HEXADECIMAL + b" ") else None
