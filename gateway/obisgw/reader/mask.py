"""Hiding who a capture is from: numbers of meters are replaced by invented digits of the same length.

Hidden are the values of data sets that carry a number (0.0.x, C.1.x, C.90.x, 96.1.x, 9.20, 9.21), runs of six digits and more
in the identification, and both wherever else they appear, in requests too. Parity and block checks are adjusted by the
difference, so that what was right stays right and what was wrong stays wrong. Other values are kept: a capture is for
finding out what a meter does. A P1 telegram's CRC-16 is not adjusted.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from obisgw.iec62056_21.block_check import BlockCheckKind, compute
from obisgw.iec62056_21.characters import ETX, SOH, STX, add_parity, strip_parity
from obisgw.iec62056_21.recording import Chunk, Direction, format_chunk, parse_capture

if TYPE_CHECKING:
    from collections.abc import Callable

_NUMBERED = re.compile(
    # Value groups A and B in front and F behind may be there or not.
    rb"(?<![\w.:-])(?:\d{1,3}-\d{1,3}:)?(?:(?:0\.0|C\.1|C\.90|96\.1)(?:\.\d{1,3})?|9\.2[01])(?:[*&]\d{1,3})?\(([^)]*)\)"
)
_IDENTIFICATION = re.compile(rb"/[A-Za-z]{3}[^\r\n]*")
_REQUEST_ADDRESS = re.compile(rb"/\?([0-9A-Za-z ]{1,32})!")
_DIGITS = re.compile(rb"\d{4,}")
_LONG = re.compile(rb"\d{6,}")
_BLOCK = re.compile(rb"[\x01\x02][^\x03\x04]*[\x03\x04].", re.DOTALL)


def mask_capture(text: str, invent: Callable[[int], str]) -> str:
    """Return the capture with its numbers hidden; ``invent(n)`` gives ``n`` digits.

    One number becomes one other number throughout. Raises ``ConfigurationError`` when ``text`` is no capture.
    """
    chunks = parse_capture(text)
    received = b"".join(chunk.data for chunk in chunks if chunk.direction is Direction.RECEIVED)
    sent = b"".join(chunk.data for chunk in chunks if chunk.direction is Direction.SENT)
    secrets = _secrets(strip_parity(received)[0]) | set(_REQUEST_ADDRESS.findall(strip_parity(sent)[0]))
    names = {secret: _invented(secret, invent) for secret in sorted(secrets, key=lambda one: (-len(one), one))}
    streams = {Direction.RECEIVED: _hide(received, names), Direction.SENT: _hide(sent, names)}
    positions = dict.fromkeys(streams, 0)
    masked = iter(chunks)
    lines = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            lines.append(line)
            continue
        chunk = next(masked, None)
        if chunk is None:
            break  # The last line was cut.
        start = positions[chunk.direction]
        end = positions[chunk.direction] = start + len(chunk.data)
        lines.append(format_chunk(Chunk(chunk.seconds, chunk.direction, streams[chunk.direction][start:end])))
    return "\n".join(lines) + "\n"


def _secrets(received: bytes) -> set[bytes]:
    secrets: set[bytes] = set()
    for value in _NUMBERED.findall(received):
        secrets.update(_DIGITS.findall(value))
    for identification in _IDENTIFICATION.findall(received):
        secrets.update(_LONG.findall(identification))
    return secrets


def _invented(secret: bytes, invent: Callable[[int], str]) -> bytes:
    digits = iter(invent(len(secret)))
    return bytes(ord(next(digits)) if 0x30 <= old <= 0x39 else old for old in secret)


def _hide(raw: bytes, names: dict[bytes, bytes]) -> bytes:
    """Replace all names, keep each character's parity as right or wrong as it was, and adjust the block checks."""
    clean, _ = strip_parity(raw)
    if not names:
        return raw
    masked = re.sub(b"|".join(map(re.escape, names)), lambda match: names[match[0]], clean)
    result = bytearray(masked)
    for block in _BLOCK.finditer(clean):
        _adjust(result, clean, block.start(), block.end() - 1)
    proper = add_parity(clean)
    carried = any(character & 0x80 for character in raw)
    new = add_parity(bytes(result))
    for position, character in enumerate(raw):
        if not carried:
            continue
        damaged = (character ^ proper[position]) & 0x80
        result[position] = new[position] ^ damaged
    return bytes(result)


def _adjust(masked: bytearray, clean: bytes, start: int, check: int) -> None:
    # From behind the first SOH or STX to ETX or EOT inclusive.
    if clean[start] not in (SOH, STX) or clean[check - 1] < ETX:
        return
    before, after = clean[start + 1 : check], bytes(masked[start + 1 : check])
    for kind in (BlockCheckKind.XOR, BlockCheckKind.SUM7):
        if compute(kind, before) == clean[check]:
            masked[check] = compute(kind, after)
            return
    masked[check] ^= compute(BlockCheckKind.XOR, before) ^ compute(BlockCheckKind.XOR, after)
