"""Tokens: shown once, kept as hashes, revoked at once."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from obisgw.readings.thresholds import Threshold
from obisgw.web.clients import MOST_CLIENTS, SEEN_EVERY, Clients

if TYPE_CHECKING:
    from pathlib import Path

LIMIT = Threshold("high", "High", "16.7.0", above=Decimal("3.50"), unit="kW", hysteresis=Decimal("0.1"), seconds=60)


def test_a_token_lets_in_whom_it_was_given_to(tmp_path: Path) -> None:
    """Also after a restart."""
    clients = Clients(tmp_path / "tokens.json")
    client, token = clients.add("Home Assistant")
    assert clients.check(token) == client
    again = Clients(tmp_path / "tokens.json").check(token)
    assert again is not None
    assert (again.id, again.name) == (client.id, "Home Assistant")


@pytest.mark.parametrize("token", ["", "x", "ä", "\udc80", "0" * 100_000])
def test_another_token_lets_nobody_in(token: str) -> None:
    """Whatever it is made of."""
    clients = Clients(None)
    clients.add("one")
    assert clients.check(token) is None


def test_the_file_holds_no_token_and_is_the_owners_alone(tmp_path: Path) -> None:
    """Who reads it cannot use the API by it."""
    path = tmp_path / "tokens.json"
    client, token = Clients(path).add("one")
    assert token not in path.read_text()
    assert client.digest in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert token not in repr(client)
    assert client.digest not in repr(client)


def test_a_revoked_token_holds_no_more(tmp_path: Path) -> None:
    """And what it had adopted is free again; whoever serves is told."""
    clients = Clients(tmp_path / "tokens.json")
    client, token = clients.add("one")
    clients.adopt(client.id, "isk_1")
    told: list[str] = []
    clients.on_revoked.append(told.append)
    assert clients.revoke(client.id)
    assert not clients.revoke(client.id)
    assert told == [client.id]
    assert clients.check(token) is None
    assert clients.adopted == frozenset()
    assert Clients(tmp_path / "tokens.json").list() == ()


def test_a_meter_is_adopted_as_long_as_one_client_shows_it() -> None:
    """Two Home Assistants may show the same meter."""
    clients = Clients(None)
    one, _ = clients.add("one")
    two, _ = clients.add("two")
    clients.adopt(one.id, "isk_1")
    clients.adopt(two.id, "isk_1")
    clients.leave(one.id, "isk_1")
    assert clients.adopted == {"isk_1"}
    clients.leave(two.id, "isk_1")
    assert clients.adopted == frozenset()


def test_thresholds_are_kept_with_their_digits(tmp_path: Path) -> None:
    """3.50 stays 3.50, also after a restart."""
    clients = Clients(tmp_path / "tokens.json")
    client, _ = clients.add("one")
    clients.set_thresholds(client.id, "isk_1", [LIMIT])
    again = Clients(tmp_path / "tokens.json")
    assert again.thresholds_of("isk_1") == (LIMIT,)
    assert str(again.thresholds_of("isk_1", client.id)[0].above) == "3.50"
    assert again.thresholds_of("isk_1", "another") == ()
    again.set_thresholds(client.id, "isk_1", [])
    assert again.thresholds_of("isk_1") == ()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b'{"clients": 1}',
        b'{"clients": [{}]}',
        b'{"clients": [{"id": 1, "name": "x", "sha256": "y"}]}',
        b'{"clients": [{"id": "1", "name": "x", "sha256": "y", "adopted": "z", "created": 0, "last_used": 0}]}',
        json.dumps(
            {
                "clients": [
                    {
                        "id": "1",
                        "name": "x",
                        "sha256": "y",
                        "created": 0,
                        "last_used": 0,
                        "adopted": [],
                        "thresholds": {"isk_1": [{"id": "a", "name": "a", "register": None, "above": "NaN"}]},
                    }
                ]
            }
        ).encode(),
    ],
)
def test_a_damaged_file_is_kept_aside(content: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody is let in by it, it is said, and pairing works again."""
    path = tmp_path / "tokens.json"
    path.write_bytes(content)
    clients = Clients(path)
    assert clients.list() == ()
    assert path.with_suffix(".damaged").read_bytes() == content
    assert "pair again" in caplog.text
    clients.add("one")
    assert len(Clients(path).list()) == 1


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The token holds until the restart."""
    clients = Clients(tmp_path / "missing" / "tokens.json")
    _, token = clients.add("one")
    assert clients.check(token) is not None
    assert "cannot be written" in caplog.text


def test_use_is_noted_once_a_day(tmp_path: Path) -> None:
    """Memory cards wear by writing."""
    now = [0.0]
    clients = Clients(tmp_path / "tokens.json", now=lambda: now[0])
    _, token = clients.add("one")
    written = (tmp_path / "tokens.json").stat().st_mtime_ns
    now[0] = SEEN_EVERY - 1
    clients.check(token)
    assert (tmp_path / "tokens.json").stat().st_mtime_ns == written
    now[0] = SEEN_EVERY
    client = clients.check(token)
    assert client is not None
    assert client.last_used == SEEN_EVERY
    assert Clients(tmp_path / "tokens.json").list()[0].last_used == SEEN_EVERY


def test_a_clock_set_back_is_no_reason_to_write_at_each_use(tmp_path: Path) -> None:
    """A Pi boots in the past."""
    now = [1e9]
    clients = Clients(tmp_path / "tokens.json", now=lambda: now[0])
    _, token = clients.add("one")
    now[0] = 0.0
    first = clients.check(token)
    assert first is not None
    assert first.last_used == 0.0
    assert clients.check(token) is first


def test_tokens_do_not_grow_without_end(caplog: pytest.LogCaptureFixture) -> None:
    """The one that was not used for longest makes room."""
    now = [0.0]
    clients = Clients(None, now=lambda: now[0])
    made = []
    for count in range(MOST_CLIENTS + 1):
        now[0] = float(count)
        made.append(clients.add(f"{count}")[0])
    assert len(clients.list()) == MOST_CLIENTS
    assert clients.list()[0].id == made[1].id
    assert "is revoked" in caplog.text


def test_the_file_is_its_folders_owners_although_root_wrote_it(tmp_path: Path) -> None:
    """As `obis-gateway tokens revoke` does while the service does not run: afterwards its user reads it."""
    user = 12345 if os.geteuid() == 0 else os.geteuid()
    os.chown(tmp_path, user, -1)
    path = tmp_path / "tokens.json"
    Clients(path).add("one")
    assert path.stat().st_uid == user
    assert path.stat().st_mode & 0o777 == 0o600
