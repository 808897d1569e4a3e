"""Who may use the API: tokens, kept as hashes, with the meters and thresholds of each client."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import hmac
import json
import logging
import os
import secrets
import threading
import time
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from obisgw.readings.thresholds import Threshold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

_log = logging.getLogger(__name__)

_FORMAT: Final = 1
_TOKEN_BYTES: Final = 32
MOST_CLIENTS: Final = 100
SEEN_EVERY: Final = 86_400.0
"""Seconds after which a use is written down again: memory cards wear by writing."""


@dataclass(frozen=True, slots=True)
class Client:
    """One token's owner. ``created`` and ``last_used`` are Unix time; the token itself is known to the client alone."""

    id: str
    name: str
    digest: str
    created: float
    last_used: float
    adopted: frozenset[str] = frozenset()
    thresholds: Mapping[str, tuple[Threshold, ...]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Client({self.id}, {self.name})"


class Clients:
    """All clients, in a file that is written whole at each change. Without a path nothing is kept.

    ``on_revoked`` is called with the id of a client whose token holds no more.
    """

    def __init__(self, path: Path | None, *, now: Callable[[], float] = time.time) -> None:
        self._path = path
        self._now = now
        self._clients: dict[str, Client] = {}
        self.on_revoked: list[Callable[[str], None]] = []
        self._changes = 0
        self._written = 0
        self._writing = threading.Lock()
        if path is not None and path.exists():
            self._load(path)

    @property
    def adopted(self) -> frozenset[str]:
        """The meters that some client shows."""
        return frozenset().union(*(client.adopted for client in self._clients.values()))

    def list(self) -> tuple[Client, ...]:
        """Return all clients, the oldest first."""
        return tuple(sorted(self._clients.values(), key=lambda client: (client.created, client.id)))

    def check(self, token: str) -> Client | None:
        """Return the client of a token. Each is compared in the same time, whatever the token."""
        digest = _digest(token)
        found = None
        for client in self._clients.values():
            if hmac.compare_digest(client.digest, digest):
                found = client
        if found is not None and not 0 <= self._now() - found.last_used < SEEN_EVERY:
            found = self._put(replace(found, last_used=self._now()))
        return found

    def add(self, name: str) -> tuple[Client, str]:
        """Return a new client and its token, which is shown this once. The longest unused one makes room."""
        if len(self._clients) >= MOST_CLIENTS:
            oldest = min(self._clients.values(), key=lambda client: client.last_used)
            _log.warning("token %s (%s) is revoked: there are %d", oldest.id, oldest.name, MOST_CLIENTS)
            self.revoke(oldest.id)
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        now = self._now()
        client_id = secrets.token_hex(4)
        while client_id in self._clients:
            client_id = secrets.token_hex(4)
        return self._put(Client(client_id, name, _digest(token), now, now)), token

    def revoke(self, client_id: str) -> bool:
        """Forget a client with its meters and thresholds; False when there is none."""
        if self._clients.pop(client_id, None) is None:
            return False
        self._save()
        for told in self.on_revoked:
            told(client_id)
        return True

    def adopt(self, client_id: str, meter: str) -> None:
        """Note that a client shows a meter."""
        client = self._clients[client_id]
        if meter not in client.adopted:
            self._put(replace(client, adopted=client.adopted | {meter}))

    def leave(self, client_id: str, meter: str) -> None:
        """Note that a client does not show a meter any more."""
        client = self._clients[client_id]
        if meter in client.adopted:
            self._put(replace(client, adopted=client.adopted - {meter}))

    def set_thresholds(self, client_id: str, meter: str, thresholds: Iterable[Threshold]) -> None:
        """Replace a client's thresholds of a meter."""
        client = self._clients[client_id]
        new = {**client.thresholds, meter: tuple(thresholds)}
        kept = {key: values for key, values in new.items() if values}
        if kept != client.thresholds:
            self._put(replace(client, thresholds=kept))

    def thresholds_of(self, meter: str, client_id: str | None = None) -> tuple[Threshold, ...]:
        """Return the thresholds of a meter, of one client or of all; of several with the same id the oldest client's."""
        found: dict[str, Threshold] = {}
        for client in self.list():
            if client_id in {None, client.id}:
                for threshold in client.thresholds.get(meter, ()):
                    found.setdefault(threshold.id, threshold)
        return tuple(found.values())

    # --- the file

    def _put(self, client: Client) -> Client:
        self._clients[client.id] = client
        self._save()
        return client

    def _load(self, path: Path) -> None:
        try:
            document = json.loads(path.read_text("utf-8"))
            self._clients = {one.id: one for one in map(_client, document["clients"])}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
            aside = path.with_suffix(".damaged")
            _log.error("%s cannot be used and is kept as %s: %s (pair again)", path, aside.name, error)
            path.replace(aside)
            self._clients = {}

    def _save(self) -> None:
        """Write the file; aside, where a loop runs: a memory card takes its time, and a reading may just come in."""
        if self._path is None:
            return
        self._changes += 1
        document = {"format": _FORMAT, "clients": [_document(client) for client in self._clients.values()]}
        write = functools.partial(self._write, self._path, json.dumps(document, ensure_ascii=False), self._changes)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            write()
        else:
            loop.run_in_executor(None, write)

    def _write(self, path: Path, text: str, change: int) -> None:
        """Write the file whole or not at all; never an older state over a newer one."""
        with self._writing:
            if change <= self._written:
                return
            new = path.with_suffix(".new")
            try:
                new.unlink(missing_ok=True)
                descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    if os.geteuid() == 0:
                        # Of 'obis-gateway tokens', while the service does not run: its user has to read it.
                        folder = path.parent.stat()
                        os.fchown(descriptor, folder.st_uid, folder.st_gid)
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                new.replace(path)
                self._written = change
            except OSError as error:
                _log.error("%s cannot be written: %s (a new pairing is lost at a restart)", path, error.strerror)


def _digest(token: str) -> str:
    # 256 random bits need no slow hash: nobody can try them all.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _document(client: Client) -> dict[str, Any]:
    return {
        "id": client.id,
        "name": client.name,
        "sha256": client.digest,
        "created": client.created,
        "last_used": client.last_used,
        "adopted": sorted(client.adopted),
        "thresholds": {
            meter: [
                {
                    "id": one.id,
                    "name": one.name,
                    "register": one.register,
                    "above": None if one.above is None else str(one.above),
                    "below": None if one.below is None else str(one.below),
                    "unit": one.unit,
                    "hysteresis": str(one.hysteresis),
                    "seconds": one.seconds,
                }
                for one in thresholds
            ]
            for meter, thresholds in client.thresholds.items()
        },
    }


def _client(document: dict[str, Any]) -> Client:
    own_id, name, digest = document["id"], document["name"], document["sha256"]
    if not isinstance(own_id, str) or not isinstance(name, str) or not isinstance(digest, str):
        raise TypeError("id, name and sha256 are texts")
    adopted = document["adopted"]
    if not isinstance(adopted, list) or not all(isinstance(meter, str) for meter in adopted):
        raise TypeError("adopted is a list of texts")
    return Client(
        own_id,
        name,
        digest,
        float(document["created"]),
        float(document["last_used"]),
        frozenset(adopted),
        {
            meter: tuple(
                Threshold(
                    str(one["id"]),
                    str(one["name"]),
                    one["register"],
                    _number(one["above"]),
                    _number(one["below"]),
                    one["unit"],
                    Decimal(one["hysteresis"]),
                    float(one["seconds"]),
                )
                for one in thresholds
            )
            for meter, thresholds in document["thresholds"].items()
        },
    )


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
