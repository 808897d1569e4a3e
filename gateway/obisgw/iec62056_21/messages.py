"""The messages of the reading device and of programming mode, built and taken apart (IEC 62056-21 clause 6.3)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .block_check import BlockCheckKind, compute
from .characters import ACK, ETX, NAK, NUL, SOH

ACK_MESSAGE = bytes((ACK,))
NAK_MESSAGE = bytes((NAK,))
LINE_END = b"\r\n"

WAKE_UP_TIME = 2.28
"""Annex B wants NULs for 2.1 to 2.3 s without gaps. 65 characters of ten bits at 300 Bd last 2.17 s."""


def request(address: str = "", *, command: str = "?", bang: bool = True, line_end: bool = True) -> bytes:
    """Return the request message ``/?address!`` CR LF and the forms that real meters want.

    ``command`` is the text behind ``/`` (``?``, ``#``, ``2`` for a second list), ``bang`` and ``line_end`` leave out
    the ``!`` (Kamstrup ``/#1``) or CR LF (Energomera's read without session).
    """
    text = f"/{command}{address}{'!' if bang else ''}"
    return text.encode("ascii") + (LINE_END if line_end else b"")


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """ACK V Z Y: protocol control, baud character, mode control."""

    protocol: str = "0"
    baud_char: str = "0"
    mode: str = "0"

    def encode(self) -> bytes:
        """Return the message, seven-bit."""
        return ACK_MESSAGE + f"{self.protocol}{self.baud_char}{self.mode}".encode("ascii") + LINE_END


def wake_up(baudrate: int = 300, bits: int = 10) -> bytes:
    """Return the NULs that wake a sleeping meter; ``bits`` are those of one character, two stop bits make it eleven."""
    return bytes((NUL,)) * min(65 * baudrate // 300, int(WAKE_UP_TIME * baudrate / bits))


def break_message(kind: BlockCheckKind = BlockCheckKind.XOR) -> bytes:
    """Return SOH B0 ETX with its block check: the complete sign-off."""
    body = b"B0" + bytes((ETX,))
    return bytes((SOH,)) + body + bytes((compute(kind, body),))


@dataclass(frozen=True, slots=True)
class Request:
    """A request message as the meter understands it."""

    command: str
    address: str


_REQUEST = re.compile(rb"/(?P<command>\?|[#0-9])(?P<address>[0-9A-Za-z ]{0,32})!?\r?\n?\Z")
_ACKNOWLEDGEMENT = re.compile(rb"\x06(?P<v>[ -~])(?P<z>[ -~])(?P<y>[ -~])\r\n\Z")


def parse_request(message: bytes) -> Request | None:
    """Return the request in ``message`` (seven-bit), or None."""
    if (match := _REQUEST.match(message)) is None:
        return None
    return Request(match["command"].decode("ascii"), match["address"].decode("ascii"))


def parse_acknowledgement(message: bytes) -> Acknowledgement | None:
    """Return the acknowledgement in ``message`` (seven-bit), or None."""
    if (match := _ACKNOWLEDGEMENT.match(message)) is None:
        return None
    return Acknowledgement(*(match[group].decode("ascii") for group in "vzy"))


def addresses_match(asked: str, own: str) -> bool:
    """Whether a meter with the address ``own`` is meant by ``asked``.

    Leading zeros do not count, letter case and blanks do; a missing or all-zero address calls every meter.
    """
    wanted = asked.lstrip("0")
    return not wanted or wanted == own.lstrip("0")
