"""The doors of the API: by which name, from which page, with which token, and how many at once."""

from __future__ import annotations

import ipaddress
import socket
from collections import Counter
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from .edges import BASE
from .problems import Problem, ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .clients import Client, Clients

_ASKING: Final[ContextVar[Client | None]] = ContextVar("client", default=None)
OPEN: Final = frozenset({f"{BASE}/health", f"{BASE}/pair"})
"""What answers without a token."""

STREAM: Final = f"{BASE}/stream"
_LOCAL: Final = ("localhost", "local", "lan", "home", "internal", "home.arpa", "fritz.box", "localdomain")
"""Names that no public name server gives to anybody."""

MOST_CONNECTIONS: Final = 200
MOST_OF_ONE_ADDRESS: Final = 100
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def known_host(host: str, allowed: Iterable[str]) -> bool:
    """Tell whether a Host header may name this machine.

    Against DNS rebinding: a page from the internet can make a browser send requests to this machine, but under that
    page's own name. Addresses, names of this machine, names of home networks and those of the configuration are good.
    """
    name = _without_port(host).lower().rstrip(".")
    if not name:
        return False
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        pass
    else:
        return True
    own = socket.gethostname().lower()
    if "." not in name or name == own:
        return True  # A single word is resolved in the home network only.
    if any(name == known or name.endswith(f".{known}") for known in _LOCAL):
        return True
    return name in {_without_port(one).lower().rstrip(".") for one in allowed}


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if host.count(":") == 1 else host


def same_origin(origin: str | None, host: str) -> bool:
    """Tell whether a browser's request comes from our own page; other programs send no Origin."""
    return origin is None or urlsplit(origin).netloc.lower() == host.lower()


def asking() -> Client | None:
    """Return whose request is being answered; None where no token was shown."""
    return _ASKING.get()


def client() -> Client:
    """Return whose request is being answered; nothing but what is in ``OPEN`` is reached without one."""
    if (found := _ASKING.get()) is None:
        raise RuntimeError("no client has been let in")
    return found


def token_of(request: web.Request) -> str | None:
    """Return the token in the Authorization header."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def doors(clients: Clients, allowed_hosts: Iterable[str]) -> Middleware:
    """Return the middleware that lets in: right name, own page, token."""
    allowed = tuple(allowed_hosts)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        host = request.headers.get("Host", "")
        if not known_host(host, allowed):
            detail = f"'{host[:100]}' is no name of this machine: use its address, or add the name to 'allowed_hosts'"
            raise ProblemError(Problem.FORBIDDEN_HOST, detail)
        guarded = request.method not in _SAFE or request.path == STREAM
        if guarded and not same_origin(request.headers.get("Origin"), host):
            raise ProblemError(Problem.FORBIDDEN_ORIGIN, "the request comes from another web site's page")
        if request.path.startswith("/api/") and request.path not in OPEN:
            token = token_of(request)
            found = None if token is None else clients.check(token)
            # Browsers cannot send a header with a WebSocket: they show their token in the first message.
            if found is None and (token is not None or request.path != STREAM):
                detail = "the token is missing, wrong or revoked: pair again ('obis-gateway pair' shows a code)"
                headers = {"WWW-Authenticate": "Bearer"}
                raise ProblemError(Problem.UNAUTHORIZED, detail, headers=headers)
            _ASKING.set(found)
        return await handler(request)

    return middleware


def crowd() -> Middleware:
    """Return the middleware that bounds the requests under way, streams among them, in all and of one address."""
    present: Counter[str] = Counter()

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        address = request.remote or ""
        if present.total() >= MOST_CONNECTIONS or present[address] >= MOST_OF_ONE_ADDRESS:
            raise ProblemError(Problem.TOO_MANY_CONNECTIONS, "close some, and try again in a minute")
        present[address] += 1
        try:
            return await handler(request)
        finally:
            present[address] -= 1
            if not present[address]:
                del present[address]

    return middleware
