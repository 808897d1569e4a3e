"""By which names, from which pages and with which tokens the API answers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from obisgw.web import access
from obisgw.web.access import known_host, same_origin

if TYPE_CHECKING:
    from .conftest import Api


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("192.168.1.5", True),
        ("192.168.1.5:8787", True),
        ("[fe80::1%eth0]:8787", True),
        ("[::1]", True),
        ("::1", True),
        ("localhost:8787", True),
        ("LOCALHOST", True),
        ("raspberrypi", True),
        ("raspberrypi.local:8787", True),
        ("pi.fritz.box", True),
        ("pi.lan.", True),
        ("gateway.home.arpa", True),
        ("meter.example.org:8787", True),
        ("", False),
        (":8787", False),
        ("evil.example", False),
        ("local.evil.example", False),
        ("192.168.1.5.evil.example", False),
        ("evillocal.com", False),
        ("127.0.0.1.nip.io:8787", False),
        ("[::1", True),
        ("a b.example", False),
    ],
)
def test_only_names_that_no_stranger_can_have_are_taken(host: str, known: bool) -> None:  # noqa: FBT001
    """Against DNS rebinding."""
    assert known_host(host, ["meter.example.org"]) is known


@pytest.mark.parametrize(
    ("origin", "same"),
    [
        (None, True),
        ("http://pi.local:8787", True),
        ("https://PI.local:8787", True),
        ("http://pi.local", False),
        ("http://evil.example", False),
        ("null", False),
        ("", False),
    ],
)
def test_another_sites_page_is_known_by_its_origin(origin: str | None, same: bool) -> None:  # noqa: FBT001
    """Browsers tell where a request comes from."""
    assert same_origin(origin, "pi.local:8787") is same


PATHS = [
    ("GET", "/gateway"),
    ("GET", "/meters"),
    ("GET", "/meters/isk_12345678"),
    ("GET", "/meters/isk_12345678/reading"),
    ("POST", "/meters/isk_12345678/read"),
    ("PUT", "/meters/isk_12345678/adoption"),
    ("DELETE", "/meters/isk_12345678/adoption"),
    ("GET", "/meters/isk_12345678/thresholds"),
    ("PUT", "/meters/isk_12345678/thresholds"),
    ("GET", "/diagnostics"),
    ("GET", "/openapi.json"),
    ("DELETE", "/token"),
    ("GET", "/nothing"),
    ("GET", "/health/"),
    ("GET", "//health"),
    ("GET", "/pair"),
]


@pytest.mark.parametrize(("method", "path"), PATHS[:-1])
@pytest.mark.parametrize("token", [None, "wrong", ""])
async def test_nothing_is_told_without_a_token(api: Api, method: str, path: str, token: str | None) -> None:
    """Not even whether an address exists."""
    status, problem = await api.ask(method, path, token=token)
    assert status == 401
    assert problem["type"] == "urn:obis-gateway:problem:unauthorized"
    assert "pair" in problem["detail"]
    assert not api.service.asked
    assert not api.service.changes


async def test_health_is_told_to_everybody_and_tells_nothing(api: Api) -> None:
    """Neither version nor meters."""
    assert await api.ask("GET", "/health", token=None) == (200, {"status": "ok", "api": "1.0"})


async def test_a_wrong_name_is_refused_before_the_token_is_looked_at(api: Api) -> None:
    """A rebound page learns nothing, and the owner learns the setting."""
    status, problem = await api.ask("GET", "/gateway", headers={"Host": "evil.example"})
    assert status == 421
    assert "allowed_hosts" in problem["detail"]


@pytest.mark.parametrize(("method", "path"), [("POST", "/pair"), ("DELETE", "/token"), ("GET", "/stream")])
async def test_another_sites_page_changes_nothing(api: Api, method: str, path: str) -> None:
    """Neither guesses codes nor listens."""
    status, problem = await api.ask(method, path, headers={"Origin": "http://evil.example"}, json={})
    assert (status, problem["type"]) == (403, "urn:obis-gateway:problem:forbidden_origin")


async def test_a_code_is_exchanged_for_a_token_once(api: Api) -> None:
    """The token is good at once; the code is not, a second time."""
    body = {"code": api.pairing.open(asyncio.get_running_loop().time()), "name": "Home Assistant"}
    status, paired = await api.ask("POST", "/pair", token=None, json=body)
    assert status == 201
    assert paired["gateway"]["id"] == "0123456789abcdef"
    assert (await api.ask("GET", "/gateway", token=paired["token"]))[0] == 200
    status, problem = await api.ask("POST", "/pair", token=None, json=body)
    assert (status, problem["type"]) == (403, "urn:obis-gateway:problem:no_code")


async def test_wrong_codes_lock_and_say_for_how_long(api: Api) -> None:
    """By the header that programs know."""
    code = api.pairing.open(asyncio.get_running_loop().time())
    body = {"code": f"{(int(code) + 1) % 10**6:06}", "name": "x"}
    statuses = [(await api.ask("POST", "/pair", token=None, json=body))[0] for _ in range(6)]
    assert statuses == [403, 403, 403, 403, 429, 429]
    async with api.session.post(f"{api.url}/api/v1/pair", json=body) as response:
        assert 1 <= int(response.headers["Retry-After"]) <= 60


async def test_a_token_revokes_itself(api: Api) -> None:
    """Its streams end too, with the reason."""
    socket, _ = await api.stream()
    assert (await socket.receive_json(timeout=5))["type"] == "snapshot"
    assert (await api.ask("DELETE", "/token"))[0] == 204
    assert (await api.ask("GET", "/gateway"))[0] == 401
    told = await socket.receive_json(timeout=5)
    assert told["problem"]["type"] == "urn:obis-gateway:problem:unauthorized"
    await socket.receive(timeout=5)
    assert socket.close_code == 4401


async def test_one_address_does_not_take_all_places(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who opens too many streams is refused; closing one helps."""
    monkeypatch.setattr(access, "MOST_OF_ONE_ADDRESS", 3)
    sockets = [(await api.stream())[0] for _ in range(3)]
    status, problem = await api.ask("GET", "/gateway")
    assert (status, problem["type"]) == (503, "urn:obis-gateway:problem:too_many_connections")
    await sockets[0].close()
    # The server learns of the end a moment later.
    assert 200 in [(await api.ask("GET", "/gateway"))[0] for _ in range(100)]
    for socket in sockets:
        await socket.close()
