"""What else may answer in a home network: certificates, names, and servers that are no gateways."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Names(AbstractResolver):
    """Name service: address by name; every other name has none."""

    known: dict[str, str] = field(default_factory=dict)

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002
    ) -> list[ResolveResult]:
        if host not in self.known:
            raise OSError(None, f"{host} has no address")
        address = self.known[host]
        return [ResolveResult(hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=0)]

    async def close(self) -> None:
        pass

    real_close = close


@asynccontextmanager
async def answering(body: str, *, status: int = 200, location: str | None = None) -> AsyncIterator[int]:
    """Answer this to every request, whatever it asks for; yields the port."""

    async def handle(_: web.BaseRequest) -> web.Response:
        kind = "application/json" if body.startswith(("{", "[")) else "text/html"
        return web.Response(
            text=body, status=status, content_type=kind, headers={} if location is None else {"Location": location}
        )

    runner = web.ServerRunner(web.Server(handle), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


@asynccontextmanager
async def silence() -> AsyncIterator[tuple[int, list[object]]]:
    """Take connections and never answer; yields the port and who came."""
    came: list[object] = []
    over = asyncio.Event()

    async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(writer)
        await over.wait()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1], came
    over.set()
    server.close()
    await server.wait_closed()


@dataclass(frozen=True)
class Authority:
    """An authority that makes certificates."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def new(cls) -> Authority:
        key = ec.generate_private_key(ec.SECP256R1())
        return cls(key, _certificate(key.public_key(), "Authority", key, "Authority", is_authority=True))

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def certify(self, *names: str, folder: Path) -> Path:
        """Return a file with a certificate for these names and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = _certificate(key.public_key(), names[0], self.key, "Authority", names=names)
        path = folder / f"{names[0]}.pem"
        path.write_bytes(
            made.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return path


_USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)


def _certificate(
    key: ec.EllipticCurvePublicKey,
    subject: str,
    signer: ec.EllipticCurvePrivateKey,
    issuer: str,
    *,
    names: tuple[str, ...] = (),
    is_authority: bool = False,
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    own, authoritys = (x509.SubjectKeyIdentifier.from_public_key(one) for one in (key, signer.public_key()))
    by = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(authoritys)
    builder = builder.add_extension(own, critical=False).add_extension(by, critical=False)
    if is_authority:
        may = dict.fromkeys(_USAGES, False) | {"key_cert_sign": True}
        builder = builder.add_extension(x509.KeyUsage(**may), critical=True)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
    return builder.sign(signer, hashes.SHA256())


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
