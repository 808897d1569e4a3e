"""Ciphering of suite 0 and the answers to challenges (IEC 62056-53 clause 5; Green Book 9.2).

Keys and challenges never appear in a text form. The invocation counter only rises: whoever keeps it must keep it for ever.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import Final

from .errors import DecodeError

TAG_LENGTH: Final = 12
KEY_LENGTH: Final = 16
TITLE_LENGTH: Final = 8
CHALLENGE_LENGTH: Final = 16


class Level(IntEnum):
    """How a client proves itself: the standard's authentication mechanisms."""

    LOWEST = 0
    LOW = 1
    HIGH = 2
    MD5 = 3
    SHA1 = 4
    GMAC = 5
    SHA256 = 6

    @property
    def high(self) -> bool:
        """Whether it needs the four passes of high level security."""
        return self >= Level.HIGH


class Control(IntFlag):
    """The security control octet. The suite is in its low bits; only suite 0 is known."""

    AUTHENTICATED = 0x10
    ENCRYPTED = 0x20
    BROADCAST = 0x40
    COMPRESSED = 0x80


NOTHING: Final = Control(0)
"""Messages in clear."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The owner's keys of 16 octets. ``dedicated`` is drawn for one association."""

    encryption: bytes = field(repr=False)
    authentication: bytes = field(repr=False)
    dedicated: bytes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for key in (self.encryption, self.authentication, self.dedicated):
            if key is not None and len(key) != KEY_LENGTH:
                raise ValueError(f"a key has {KEY_LENGTH} octets, and one of {len(key)} was given")


def protect(plain: bytes, control: Control, key: bytes, authentication: bytes, title: bytes, counter: int) -> bytes:
    """Return control octet, counter, ciphered octets and tag of one message of the system with this ``title``."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415 - heavy

    head = bytes((control,)) + counter.to_bytes(4, "big")
    vector = title + head[1:]
    cipher = Cipher(algorithms.AES(key), modes.GCM(vector)).encryptor()
    if not control & Control.ENCRYPTED:
        cipher.authenticate_additional_data(head[:1] + authentication + plain)
        cipher.finalize()
        return head + plain + cipher.tag[:TAG_LENGTH]
    if control & Control.AUTHENTICATED:
        cipher.authenticate_additional_data(head[:1] + authentication)
    octets = cipher.update(plain) + cipher.finalize()
    return head + octets + (cipher.tag[:TAG_LENGTH] if control & Control.AUTHENTICATED else b"")


def unprotect(
    octets: bytes, key: bytes, authentication: bytes, title: bytes, *, last_suite: int = 0
) -> tuple[bytes, Control, int]:
    """Return a message in clear, how it was protected, and its counter. Raises DecodeError where its tag is wrong.

    ``last_suite``: 1 where that is taken as well; it ciphers as suite 0 does, and differs in how keys are agreed.
    """
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - heavy
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415

    if len(octets) < 5:
        raise DecodeError("a ciphered message is too short")
    if len(title) != TITLE_LENGTH:
        raise DecodeError(f"a system title has {TITLE_LENGTH} octets, and the sender's has {len(title)}")
    if octets[0] & 0x0F > last_suite:
        raise DecodeError(f"security suite {octets[0] & 0x0F} is not known")
    control, counter = Control(octets[0] & 0xF0), int.from_bytes(octets[1:5], "big")
    if control & Control.COMPRESSED:
        raise DecodeError("compressed messages are not known")
    vector, body = title + octets[1:5], octets[5:]
    first = octets[:1]
    if not control & Control.AUTHENTICATED:
        if not control & Control.ENCRYPTED:
            return body, control, counter
        # Without a tag, the counter mode inside is all there is; its blocks begin with two.
        plain = Cipher(algorithms.AES(key), modes.CTR(vector + b"\x00\x00\x00\x02")).decryptor()
        return plain.update(body) + plain.finalize(), control, counter
    if len(body) < TAG_LENGTH:
        raise DecodeError("a ciphered message is too short for its tag")
    body, tag = body[:-TAG_LENGTH], body[-TAG_LENGTH:]
    decryptor = Cipher(algorithms.AES(key), modes.GCM(vector, tag, min_tag_length=TAG_LENGTH)).decryptor()
    try:
        if control & Control.ENCRYPTED:
            decryptor.authenticate_additional_data(first + authentication)
            return decryptor.update(body) + decryptor.finalize(), control, counter
        decryptor.authenticate_additional_data(first + authentication + body)
        decryptor.finalize()
    except InvalidTag as error:
        raise DecodeError("the tag of a ciphered message is wrong: another key, or damage") from error
    return body, control, counter


def challenge() -> bytes:
    """Return octets that nobody can guess."""
    return secrets.token_bytes(CHALLENGE_LENGTH)


@dataclass(frozen=True, slots=True)
class Pass:
    """What an answer to a challenge is made of. ``own`` and ``other`` are the titles of who answers and who asked.

    ``asked`` is the challenge that is answered, ``given`` the one that was sent the other way.
    """

    level: Level
    asked: bytes = field(repr=False)
    given: bytes = field(repr=False)
    own: bytes = b""
    other: bytes = b""
    secret: bytes = field(default=b"", repr=False)
    keys: Keys | None = None

    def answer(self, counter: int) -> bytes:
        """Return the answer. Raises ValueError for a level that has none of its own."""
        match self.level:
            case Level.MD5:
                return hashlib.md5(self.asked + self.secret).digest()  # noqa: S324 - the standard's
            case Level.SHA1:
                return hashlib.sha1(self.asked + self.secret).digest()  # noqa: S324 - the standard's
            case Level.SHA256:
                return hashlib.sha256(self.secret + self.own + self.other + self.asked + self.given).digest()
            case Level.GMAC if self.keys is not None:
                keys = self.keys
                protected = protect(
                    self.asked, Control.AUTHENTICATED, keys.encryption, keys.authentication, self.own, counter
                )
                return protected[:5] + protected[-TAG_LENGTH:]
            case _:
                raise ValueError(f"authentication mechanism {self.level.value} has no answer that is known")

    def right(self, answer: bytes) -> bool:
        """Tell whether an answer is the right one."""
        counter = int.from_bytes(answer[1:5], "big") if self.level is Level.GMAC else 0
        return hmac.compare_digest(self.answer(counter), answer)
