"""Messages in and out of their ciphered forms: with the global key, a dedicated key, or the general envelope."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from .buffer import Reader, length_of
from .errors import DecodeError, RepeatedError
from .security import Control, Keys, protect, unprotect

GENERAL_GLOBAL: Final = 0xDB
GENERAL_DEDICATED: Final = 0xDC

# Plain tag: with the global key, with a dedicated key.
_SERVICES: Final = {
    0x01: (0x21, 0x21),
    0x08: (0x28, 0x28),
    0x05: (0x25, 0x45),
    0x06: (0x26, 0x46),
    0x0C: (0x2C, 0x4C),
    0x0D: (0x2D, 0x4D),
    0x0E: (0x2E, 0x4E),
    0xC0: (0xC8, 0xD0),
    0xC1: (0xC9, 0xD1),
    0xC3: (0xCB, 0xD3),
    0xC4: (0xCC, 0xD4),
    0xC5: (0xCD, 0xD5),
    0xC7: (0xCF, 0xD7),
}
_GLOBAL: Final = {forms[0]: plain for plain, forms in _SERVICES.items()}
_DEDICATED: Final = {forms[1]: plain for plain, forms in _SERVICES.items() if forms[1] != forms[0]}
_GENERAL: Final = frozenset({GENERAL_GLOBAL, GENERAL_DEDICATED})
_IN_CLEAR: Final = frozenset({b"\xd8", b"\x0e"})
"""Exceptions come in clear: there may be no common key to say them with."""


class Envelope(Enum):
    """In which form messages are ciphered."""

    GLOBAL = "global"
    DEDICATED = "dedicated"
    GENERAL = "general"
    GENERAL_DEDICATED = "general, dedicated"

    @property
    def dedicated(self) -> bool:
        """Whether a key is drawn for each association."""
        return self in {Envelope.DEDICATED, Envelope.GENERAL_DEDICATED}


@dataclass(slots=True)
class Cipher:
    """Protects the messages of one association. ``counter``: the invocation counter of the next message.

    ``other_counter``: the highest counter of the other end; a message that is not newer is a repetition.
    """

    keys: Keys
    control: Control
    envelope: Envelope
    title: bytes
    other_title: bytes = b""
    counter: int = 0
    other_counter: int = field(default=-1)

    def seal(self, plain: bytes) -> bytes:
        """Return a message in its ciphered form."""
        # INITIATE always goes in the form that needs no agreement.
        envelope = Envelope.GLOBAL if plain[0] in {1, 8} else self.envelope
        dedicated = envelope.dedicated and self.keys.dedicated is not None
        key = self.keys.dedicated if dedicated and self.keys.dedicated is not None else self.keys.encryption
        general = envelope in {Envelope.GENERAL, Envelope.GENERAL_DEDICATED}
        forms = _SERVICES.get(plain[0])
        if forms is None and not general:
            raise ValueError(f"a message {plain[0]:02X} has no ciphered form")
        octets = protect(plain, self.control, key, self.keys.authentication, self.title, self.next_counter())
        if general or forms is None:
            tag = GENERAL_DEDICATED if dedicated else GENERAL_GLOBAL
            return bytes((tag, len(self.title))) + self.title + length_of(len(octets)) + octets
        return bytes((forms[1] if dedicated else forms[0],)) + length_of(len(octets)) + octets

    def next_counter(self) -> int:
        """Return the counter for one message; none is used twice."""
        counter, self.counter = self.counter, self.counter + 1
        if counter > 0xFFFFFFFF:
            raise ValueError("the invocation counter is used up: the keys must be changed")
        return counter

    def open(self, octets: bytes) -> bytes:
        """Return a message in clear. Raises DecodeError for one that is not, or wrongly, protected."""
        if octets[:1] in _IN_CLEAR:
            return octets
        reader = Reader(octets)
        tag = reader.octet()
        expected = None if tag in _GENERAL else _plain_tag(tag)
        title = self.other_title if expected is not None else self._named(reader)
        key = self._dedicated() if envelope_of(tag).dedicated else self.keys.encryption
        if title == self.title:
            raise DecodeError("a ciphered message carries this end's own system title")
        plain, control, counter = unprotect(reader.take(reader.length()), key, self.keys.authentication, title)
        if control & self.control != self.control:
            raise DecodeError("the meter protects its messages less than was agreed")
        if counter <= self.other_counter:
            raise RepeatedError(f"a message with counter {counter} came again")
        self.other_counter = counter
        if expected is not None and plain[:1] != bytes((expected,)):
            raise DecodeError("a ciphered message holds another one than it says")
        return plain

    def _named(self, reader: Reader) -> bytes:
        named = reader.take(reader.length())
        if named and self.other_title and named != self.other_title:
            raise DecodeError("a ciphered message names another system title than the meter's")
        return named or self.other_title

    def _dedicated(self) -> bytes:
        if self.keys.dedicated is None:
            raise DecodeError("a message is ciphered with a dedicated key, and none was agreed")
        return self.keys.dedicated


def _plain_tag(tag: int) -> int:
    plain = _GLOBAL.get(tag, _DEDICATED.get(tag))
    if plain is None:
        raise DecodeError(f"a message {tag:02X} came in clear where it must be ciphered")
    return plain


def is_ciphered(tag: int) -> bool:
    """Tell whether a message with this tag is ciphered."""
    return tag in _GENERAL or tag in _GLOBAL or tag in _DEDICATED


def envelope_of(tag: int) -> Envelope:
    """Return the form of a ciphered message with this tag."""
    if tag in _GENERAL:
        return Envelope.GENERAL if tag == GENERAL_GLOBAL else Envelope.GENERAL_DEDICATED
    return Envelope.DEDICATED if tag in _DEDICATED else Envelope.GLOBAL
