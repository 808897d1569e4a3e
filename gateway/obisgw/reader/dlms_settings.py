"""How a meter is reached and asked in DLMS: addresses, level of security, the owner's keys."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from obisgw.config.values import KeyUse, Protection, SecurityLevel, Transport
from obisgw.dlms.association import Security
from obisgw.dlms.ciphering import Envelope
from obisgw.dlms.frames import client_address, server_address
from obisgw.dlms.security import NOTHING, Control, Keys, Level
from obisgw.iec62056_21.password import Password, PasswordLevel
from obisgw.secret import Secret

if TYPE_CHECKING:
    from obisgw.dlms.link import LinkSettings
    from obisgw.dlms.negotiation import Parameters

DIRECT_BAUDRATE: Final = 9600
NETWORK_BAUDRATE: Final = 1_000_000
"""Over a network nothing waits for characters to pass."""

PUBLIC_CLIENT: Final = 16
OWN_TITLE: Final = b"OBGGATEW"
"""The client's system title where none is given: most meters take any."""

_LEVELS: Final = {
    SecurityLevel.LOWEST: Level.LOWEST,
    SecurityLevel.LOW: Level.LOW,
    SecurityLevel.MD5: Level.MD5,
    SecurityLevel.SHA1: Level.SHA1,
    SecurityLevel.GMAC: Level.GMAC,
    SecurityLevel.SHA256: Level.SHA256,
}
_CONTROLS: Final = {
    Protection.NONE: NOTHING,
    Protection.AUTHENTICATED: Control.AUTHENTICATED,
    Protection.ENCRYPTED: Control.ENCRYPTED,
    Protection.BOTH: Control.AUTHENTICATED | Control.ENCRYPTED,
}


@dataclass(frozen=True, slots=True)
class DlmsSettings:
    """One meter's DLMS settings. ``secret``: password or shared secret; keys are 32 hexadecimal digits.

    ``logical`` and ``physical`` are the server's addresses, in as many octets as are needed or said. ``insist``: mode E is asked for although the identification
    does not offer it.
    """

    transport: Transport = Transport.OPTICAL
    client: int = PUBLIC_CLIENT
    logical: int = 1
    physical: int | None = None
    address_octets: int | None = None
    level: SecurityLevel = SecurityLevel.LOWEST
    secret: Secret | None = None
    encryption_key: Secret | None = None
    authentication_key: Secret | None = None
    protection: Protection = Protection.NONE
    key_use: KeyUse = KeyUse.GLOBAL
    title: bytes = OWN_TITLE
    short_names: bool = False
    insist: bool = False

    @property
    def counted(self) -> bool:
        """Whether messages carry an invocation counter."""
        return self.protection is not Protection.NONE or self.level is SecurityLevel.GMAC

    def security(self, counter: int) -> Security:
        """Return how the client proves itself, with the first invocation counter that it may use."""
        keys = None
        if self.encryption_key is not None:
            encryption = bytes.fromhex(self.encryption_key.reveal())
            # Without an authentication key it is not used: encryption alone does not need it.
            other = bytes(16) if self.authentication_key is None else bytes.fromhex(self.authentication_key.reveal())
            dedicated = secrets.token_bytes(16) if self.key_use is KeyUse.DEDICATED else None
            keys = Keys(encryption, other, dedicated)
        secret = b"" if self.secret is None else secret_octets(self.secret.reveal())
        return Security(
            _LEVELS[self.level],
            secret,
            keys,
            _CONTROLS[self.protection],
            Envelope(self.key_use.value),
            self.title,
            counter,
            self.short_names,
        )

    def link(self, client: int, proposed: Parameters, baudrate: int, answer_within: float, tries: int) -> LinkSettings:
        """Return the settings of an HDLC link."""
        # Not at the top: a wrapper needs no link.
        from obisgw.dlms.link import LinkSettings  # noqa: PLC0415

        server = server_address(self.logical, self.physical, size=self.address_octets)
        return LinkSettings(client_address(client), server, proposed, answer_within, baudrate, tries)

    @property
    def fingerprint(self) -> Password:
        """All secrets as one, to be marked where the meter refuses them (`refused.mark_of`)."""
        parts = (self.secret, self.encryption_key, self.authentication_key)
        text = "\x00".join("" if one is None else one.reveal() for one in parts)
        return Password(Secret(f"{self.client}\x00{self.level.value}\x00{text}"), PasswordLevel.P1)


def secret_octets(text: str) -> bytes:
    """Return a secret's octets: ``0x…`` is hexadecimal, for secrets that are no text."""
    if text.startswith("0x"):
        try:
            return bytes.fromhex(text[2:])
        except ValueError:
            pass
    return text.encode("utf-8", "surrogateescape")
