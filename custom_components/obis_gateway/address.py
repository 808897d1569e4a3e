"""Where a gateway is: as people type it, and as it is announced. Knows nothing of Home Assistant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any
from urllib.parse import urlsplit

from yarl import URL

_LONGEST_NAME = 253
_LABEL = re.compile(r"[0-9a-z_](?:[0-9a-z_-]{0,61}[0-9a-z_])?", re.IGNORECASE)
_SCHEMES = {"http": False, "https": True}

type IpAddress = IPv4Address | IPv6Address


class AddressError(ValueError):
    """The text is no address."""


class LinkLocalError(AddressError):
    """An IPv6 address of one cable, without the interface that the cable is at."""


@dataclass(frozen=True, slots=True)
class Address:
    """Host name or IP address (IPv6 without brackets), TCP port, and whether TLS is spoken there."""

    host: str
    port: int
    tls: bool = False

    @classmethod
    def typed(cls, text: str, port: int, *, tls: bool) -> Address:
        """Return what is meant by a host, a host with port or a URL. What it says goes before ``port`` and ``tls``.

        Raises AddressError.
        """
        text = text.strip()
        scheme, separator, rest = text.partition("://")
        if separator:
            if (secure := _SCHEMES.get(scheme.lower())) is None:
                raise AddressError("only http and https are spoken")
            tls = secure
        else:
            rest = text
        if _ip(rest) is not None and ":" in rest and not rest.startswith("["):
            rest = f"[{rest}]"
        try:
            parts = urlsplit(f"//{rest}")
            host, port = parts.hostname or "", port if parts.port is None else parts.port
        except ValueError as error:
            raise AddressError(str(error)) from error
        if parts.username is not None or not 1 <= port <= 65535:
            raise AddressError("a host name or an IP address is wanted")
        _check_host(host)
        return cls(host, port, tls)

    @classmethod
    def announced(cls, addresses: Iterable[IpAddress], port: int, *, tls: bool) -> Address | None:
        """Return the address of a list, newest first, that is most likely reached; None when none can be."""
        usable = [one for one in addresses if not (one.is_link_local or one.is_unspecified or one.is_multicast)]
        # Containers often have no IPv6; loopback is announced by a machine that has no network at all.
        best = min(usable, key=lambda one: (one.is_loopback, one.version), default=None)
        return None if best is None else cls(str(best), port, tls)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Address:
        """Return the address in a config entry's data."""
        return cls(data["host"], data["port"], data.get("tls", False))

    @property
    def data(self) -> dict[str, Any]:
        """The address in a config entry's data."""
        return {"host": self.host, "port": self.port, "tls": self.tls}

    @property
    def is_name(self) -> bool:
        """Whether the host is a name, which finds the machine wherever it moves."""
        return _ip(self.host) is None

    @property
    def is_loopback(self) -> bool:
        """Whether the host is the machine, or the container, that asks."""
        ip = _ip(self.host)
        return self.host == "localhost" if ip is None else ip.is_loopback

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _ip(text: str) -> IpAddress | None:
    try:
        return ip_address(text[1:-1] if text.startswith("[") and text.endswith("]") else text)
    except ValueError:
        return None


def _check_host(host: str) -> None:
    try:
        # As it is asked for: letters beyond ASCII in their encoding.
        name = (URL.build(scheme="http", host=host).raw_host or "").removesuffix(".")
    except ValueError as error:
        raise AddressError(str(error)) from error
    ip = _ip(host)
    if isinstance(ip, IPv6Address) and ip.is_link_local and ip.scope_id is None:
        raise LinkLocalError("an address of one cable needs the interface: fe80::1%eth0")
    labels = name.split(".")
    if ip is None and (len(name) > _LONGEST_NAME or not all(_LABEL.fullmatch(label) for label in labels)):
        raise AddressError("a host name or an IP address is wanted")
