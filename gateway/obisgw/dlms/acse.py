"""Opening and releasing an association (ACSE, ISO/IEC 8650-1 as IEC 62056-53 uses it): AARQ, AARE, RLRQ, RLRE."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from .buffer import Reader, length_of
from .errors import DecodeError
from .security import Level

_OID: Final = bytes.fromhex("60857405 08".replace(" ", ""))
"""2.16.756.5.8: the DLMS User Association."""

AARQ: Final = 0x60
AARE: Final = 0x61
RLRQ: Final = 0x62
RLRE: Final = 0x63


class Context(IntEnum):
    """How objects are referred to, and whether messages may be ciphered."""

    LN = 1
    SN = 2
    LN_CIPHERED = 3
    SN_CIPHERED = 4

    @property
    def ciphered(self) -> bool:
        """Whether messages may be ciphered."""
        return self in {Context.LN_CIPHERED, Context.SN_CIPHERED}

    @property
    def short_names(self) -> bool:
        """Whether objects are referred to by short names."""
        return self in {Context.SN, Context.SN_CIPHERED}


_USER: Final = {
    1: "no reason given",
    2: "the application context is not supported",
    3: "the calling title is not recognised",
    7: "the called title is not recognised",
    11: "the authentication mechanism is not recognised",
    12: "an authentication mechanism is required",
    13: "the password or the proof is wrong",
    14: "authentication is required",
}
_PROVIDER: Final = {1: "no reason given", 2: "no common ACSE version"}

ACCEPTED_SO_FAR: Final = 14
"""The diagnostic with which a meter asks for the third and fourth pass of high level security."""


@dataclass(frozen=True, slots=True)
class Request:
    """AARQ. ``value``: password or challenge; ``title``: the client's system title; ``user``: the InitiateRequest."""

    context: Context
    user: bytes = field(repr=False)
    level: Level = Level.LOWEST
    value: bytes = field(default=b"", repr=False)
    title: bytes | None = None

    def encode(self) -> bytes:
        """Return the octets."""
        body = _tlv(0xA1, _tlv(0x06, _OID + bytes((1, self.context))))
        if self.title is not None:
            body += _tlv(0xA6, _tlv(0x04, self.title))
        if self.level is not Level.LOWEST:
            body += _tlv(0x8A, b"\x07\x80") + _tlv(0x8B, _OID + bytes((2, self.level)))
            body += _tlv(0xAC, _tlv(0x80, self.value))
        return _tlv(AARQ, body + _tlv(0xBE, _tlv(0x04, self.user)))


@dataclass(frozen=True, slots=True)
class Response:
    """AARE. ``value``: the meter's challenge; ``title``: its system title; ``user``: what it answers to INITIATE."""

    accepted: bool
    diagnostic: int
    by_provider: bool = False
    context: int = Context.LN
    level: Level = Level.LOWEST
    value: bytes = field(default=b"", repr=False)
    title: bytes | None = None
    user: bytes = field(default=b"", repr=False)

    @property
    def reason(self) -> str:
        """The diagnostic in words."""
        words = _PROVIDER if self.by_provider else _USER
        return words.get(self.diagnostic, f"diagnostic {self.diagnostic}")

    def encode(self) -> bytes:
        """Return the octets."""
        source = 0xA2 if self.by_provider else 0xA1
        body = _tlv(0xA1, _tlv(0x06, _OID + bytes((1, self.context))))
        body += _tlv(0xA2, _tlv(0x02, bytes((0 if self.accepted else 1,))))
        body += _tlv(0xA3, _tlv(source, _tlv(0x02, bytes((self.diagnostic,)))))
        if self.title is not None:
            body += _tlv(0xA4, _tlv(0x04, self.title))
        if self.level.high:
            body += _tlv(0x88, b"\x07\x80") + _tlv(0x89, _OID + bytes((2, self.level)))
            body += _tlv(0xAA, _tlv(0x80, self.value))
        return _tlv(AARE, body + (_tlv(0xBE, _tlv(0x04, self.user)) if self.user else b""))


def _tlv(tag: int, content: bytes) -> bytes:
    return bytes((tag,)) + length_of(len(content)) + content


def _fields(octets: bytes, tag: int, name: str) -> dict[int, bytes]:
    reader = Reader(octets)
    if reader.octet() != tag:
        raise DecodeError(f"no {name}: it begins with {octets[:1].hex()}")
    inner = Reader(reader.take(reader.length()))
    found: dict[int, bytes] = {}
    while inner.left:
        field_tag = inner.octet()
        found[field_tag] = inner.take(inner.length())
    return found


def _inner(content: bytes) -> bytes:
    reader = Reader(content)
    reader.octet()
    return reader.take(reader.length())


def _last_arc(content: bytes) -> int:
    return content[-1] if content else 0


def decode_response(octets: bytes) -> Response:
    """Return an AARE. Raises DecodeError."""
    found = _fields(octets, AARE, "AARE")
    result = _inner(found.get(0xA2, b""))
    source = found.get(0xA3, b"\xa1\x03\x02\x01\x00")
    level = _last_arc(found.get(0x89, b""))
    return Response(
        accepted=result[-1:] == b"\x00",
        diagnostic=_last_arc(_inner(_inner(source))),
        by_provider=source[0] == 0xA2,
        context=_last_arc(found.get(0xA1, b"")),
        level=Level(level) if level in {one.value for one in Level} else Level.LOWEST,
        value=_inner(found[0xAA]) if 0xAA in found else b"",
        title=_inner(found[0xA4]) if 0xA4 in found else None,
        user=_inner(found[0xBE]) if 0xBE in found else b"",
    )


def decode_request(octets: bytes) -> Request:
    """Return an AARQ, for the meter's end. Raises DecodeError."""
    found = _fields(octets, AARQ, "AARQ")
    context, level = _last_arc(found.get(0xA1, b"")), _last_arc(found.get(0x8B, b""))
    if context not in {one.value for one in Context}:
        raise DecodeError(f"application context {context} is not known")
    return Request(
        context=Context(context),
        level=Level(level) if level in {one.value for one in Level} else Level.LOWEST,
        value=_inner(found[0xAC]) if 0xAC in found else b"",
        title=_inner(found[0xA6]) if 0xA6 in found else None,
        user=_inner(found[0xBE]) if 0xBE in found else b"",
    )


def release_request(user: bytes = b"") -> bytes:
    """Return an RLRQ, with a ciphered InitiateRequest where messages are ciphered."""
    return _tlv(RLRQ, _tlv(0x80, b"\x00") + (_tlv(0xBE, _tlv(0x04, user)) if user else b""))


def release_response(user: bytes = b"") -> bytes:
    """Return an RLRE."""
    return _tlv(RLRE, _tlv(0x80, b"\x00") + (_tlv(0xBE, _tlv(0x04, user)) if user else b""))
