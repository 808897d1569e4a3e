"""The end of a telegram of the P1 port: ``!`` and a CRC-16 (Dutch P1 companion standard, from DSMR 4.0 on)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .block_check import BlockCheck, BlockCheckKind, crc16

# Some adapters print the CRC without its leading zero.
_CRC = re.compile(rb"!([0-9A-Fa-f]{3,4})(?=[^ -~]|\Z)")
_REST_OF_LINE = re.compile(rb"![ -~]{0,8}")
# The companion standard brought the time stamp and the CRC together: who sends this register sends a CRC.
_TIME_STAMP = re.compile(rb"(?:\A|[\r\n])0-0:1\.0\.0\([0-9]{12}[SW]\)")


@dataclass(frozen=True, slots=True)
class EndMark:
    """What stands at ``!``. ``end`` is the position behind it and its CRC; ``whole`` is False where a CRC is missing."""

    check: BlockCheck
    kind: BlockCheckKind | None
    whole: bool
    end: int


def crc_expected(text: bytes, start: int, end: int) -> bool:
    """Return whether the data in ``text[start:end]`` are those of a meter that sends a CRC."""
    return _TIME_STAMP.search(text, start, end) is not None


def read_end_mark(text: bytes, start: int, mark: int) -> EndMark:
    """Return what the end mark at ``mark`` says of the telegram whose identification begins at ``start``.

    The CRC runs from ``/`` to ``!`` inclusive. Where an editor has made CR LF to LF, it is computed over CR LF.
    """
    if (match := _CRC.match(text, mark)) is None:
        rest = _REST_OF_LINE.match(text, mark)
        # What cannot be a CRC and is no next telegram either is the start of a CRC that was cut or damaged.
        lonely = rest is None or rest.group()[1:2] in (b"", b"/", b" ")
        whole = lonely and not crc_expected(text, start, mark)
        return EndMark(BlockCheck.ABSENT, None, whole, mark + 1)
    covered = text[start : mark + 1]
    wanted = int(match[1], 16)
    fits = crc16(covered) == wanted or (b"\r" not in covered and crc16(covered.replace(b"\n", b"\r\n")) == wanted)
    return EndMark(BlockCheck.OK if fits else BlockCheck.BAD, BlockCheckKind.CRC16, whole=True, end=match.end())
