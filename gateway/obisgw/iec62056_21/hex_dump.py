"""Captures that a user made with a dump program: `xxd`, `hexdump` with or without ``-C``, `od -t x1`.

A line is an offset, bytes in hexadecimal and perhaps their characters. It is a dump only when each offset is the number
of bytes in front of it; so plain hexadecimal text is never taken for one.
"""

from __future__ import annotations

import re

_LINE = re.compile(rb"[ \t]*([0-9A-Fa-f]{4,16})(:?)(?:[ \t]+(.*))?")
_NOT_EMPTY = re.compile(rb"[^\r\n]*[^ \t\r\n][^\r\n]*")
_CHARACTERS = re.compile(rb"[ \t]+(?:\|.*\||>.*<)[ \t]*\Z")
_WORDS = re.compile(rb"[0-9A-Fa-f]{4}(?:[ \t]+[0-9A-Fa-f]{4})*[ \t]*")
_MOST = 16_000_000
_BYTES = re.compile(rb"(?:[0-9A-Fa-f]{2}[ \t]*)*")


def bytes_of_dump(text: bytes) -> bytes | None:
    """Return the bytes that the dump ``text`` shows, None where it is no dump. Offsets are hexadecimal or octal."""
    if _LINE.match(text) is None:
        return None
    return next((data for base in (16, 8) if (data := _bytes(text, base)) is not None), None)


def _bytes(text: bytes, base: int) -> bytes | None:
    data = bytearray()
    line_before = b""
    repeated, sure, ended = False, False, False
    for found in _NOT_EMPTY.finditer(text):
        line = found.group()
        if line.strip() == b"*" and line_before:
            repeated = True
            continue
        if (match := _LINE.fullmatch(line)) is None:
            return None
        if ended:
            return None
        offset, colon, rest = _number(match[1], base), match[2], match[3] or b""
        shown = _shown(rest, xxd=bool(colon))
        if shown is None:
            return None
        if repeated and len(data) < offset <= _MOST:
            # Lines like the one before are left out.
            data += line_before * ((offset - len(data)) // len(line_before))
        repeated = False
        if not shown and offset == len(data) - 1:
            del data[-1:]  # `hexdump` fills its last word.
        if offset != len(data):
            return None
        sure = sure or bool(colon) or bool(data) or _CHARACTERS.search(rest) is not None
        ended = not shown  # The last line is the size alone.
        data += shown
        line_before = shown or line_before
    return bytes(data) if sure else None


def _shown(rest: bytes, *, xxd: bool) -> bytes | None:
    """Return the bytes in one line behind its offset."""
    # `xxd` sets off the characters by two blanks, the others by a frame.
    digits = rest.partition(b"  ")[0] if xxd else _CHARACTERS.sub(b"", rest)
    if _BYTES.fullmatch(digits) is None:
        return None
    shown = bytes.fromhex(digits.decode("ascii"))
    if not xxd and _WORDS.fullmatch(digits):
        shown = b"".join(shown[at + 1 : at + 2] + shown[at : at + 1] for at in range(0, len(shown), 2))
    return shown


def _number(offset: bytes, base: int) -> int:
    try:
        return int(offset, base)
    except ValueError:
        return -1
