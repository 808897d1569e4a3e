"""The messages a meter sends, built as its settings say (IEC 62056-21 clause 6.3)."""

from __future__ import annotations

from .block_check import BlockCheckKind, compute
from .characters import EOT, ETX, STX, add_parity
from .meter_settings import MeterSettings


def identification_message(settings: MeterSettings) -> bytes:
    """Return the identification with its line end."""
    return settings.identification.encode("latin-1") + settings.identification_end


def data_messages(settings: MeterSettings, block: bytes) -> list[bytes]:
    """Return the data message, or its partial blocks: all but the last end with EOT."""
    size = settings.block_size or max(len(block), 1)
    pieces = [block[start : start + size] for start in range(0, len(block), size)] or [b""]
    last = len(pieces) - 1
    return [framed(settings, piece, last=place == last) for place, piece in enumerate(pieces)]


def pushed_message(settings: MeterSettings, block: bytes) -> bytes:
    """Return what a mode D meter sends: identification and data, P1 meters with a CRC behind the ``!``."""
    line = identification_message(settings)
    if settings.check is not BlockCheckKind.CRC16:
        return line + (framed(settings, block, last=True) if settings.stx or settings.etx else block)
    covered = line + block[: block.rfind(b"!") + 1]
    return covered + b"%04X\r\n" % compute(BlockCheckKind.CRC16, covered)


def encode(settings: MeterSettings, data: bytes) -> bytes:
    """Return the characters as they go out, with parity where the meter has it."""
    return add_parity(data) if settings.format.software_parity else data


def framed(settings: MeterSettings, piece: bytes, *, last: bool) -> bytes:
    """Return a data message, or a part of one that ends with EOT."""
    body = piece
    if settings.etx or not last:
        body += bytes((ETX if last else EOT,))
        if settings.check is not None:
            body += bytes((compute(settings.check, body),))
    return (bytes((STX,)) if settings.stx else b"") + body
