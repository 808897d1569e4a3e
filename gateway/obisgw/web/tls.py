"""The API's own certificate."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from obisgw.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path


def server_context(certificate: Path, key: Path | None) -> ssl.SSLContext:
    """Return what a server speaks TLS 1.2 and newer with. Raises ConfigurationError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2

    def no_password() -> str:
        raise ConfigurationError(
            "the key is encrypted, and nobody is there to type its password",
            where=str(key or certificate),
            hint="write it without a password, readable by the gateway's user alone",
        )

    for file in (certificate, key):
        if file is not None:
            try:
                file.open("rb").close()
            except OSError as error:
                hint = "the gateway's user must be able to read it"
                raise ConfigurationError(f"cannot be read: {error.strerror}", where=str(file), hint=hint) from error
    try:
        context.load_cert_chain(certificate, key, no_password)
    except (ssl.SSLError, ValueError) as error:
        hint = "PEM files are wanted: the certificate with its chain, and the key that belongs to it"
        problem = "certificate and key cannot be used together"
        raise ConfigurationError(problem, where=str(certificate), hint=hint) from error
    return context
