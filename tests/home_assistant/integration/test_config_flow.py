"""A gateway is found, paired, moved and paired anew; each error says what to do, and is recovered from."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from homeassistant.config_entries import (
    SOURCE_IGNORE,
    SOURCE_REAUTH,
    SOURCE_RECONFIGURE,
    SOURCE_USER,
    SOURCE_ZEROCONF,
    ConfigEntryState,
)
from homeassistant.const import CONF_HOST, CONF_PORT, CONF_TOKEN
from homeassistant.core import HomeAssistant
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo
from homeassistant.setup import async_setup_component
from homeassistant.util.ssl import create_client_context
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.obis_gateway.client import GatewayClient
from custom_components.obis_gateway.const import CONF_ID, CONF_TLS, DOMAIN
from custom_components.obis_gateway.contact import async_discard
from custom_components.obis_gateway.coordinator import client_of
from obisgw.config.table import ApiSettings
from obisgw.web.announce import SERVICE
from tests.home_assistant.integration.elsewhere import Authority, Names, answering, silence
from tests.home_assistant.integration.flows import Flow
from tests.home_assistant.integration.running import RunningGateway, until

CODE = "code"
OTHER_ID = "fedcba9876543210"


@pytest.fixture(scope="session")
def authority() -> Authority:
    """Return an authority that Home Assistant trusts."""
    return Authority.new()


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """Return the name service of the network that Home Assistant is in."""
    made = Names({"gateway.home": "127.0.0.1", "meters.example.org": "127.0.0.1", "localhost": "127.0.0.1"})
    monkeypatch.setattr("homeassistant.helpers.aiohttp_client._async_make_resolver", lambda _: made)
    return made


@pytest.fixture
def trusted(hass: HomeAssistant, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """Let Home Assistant trust the authority, and servers in its process be left in the middle of a handshake."""
    strict = hass.loop.get_exception_handler()
    assert strict is not None

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if not isinstance(context.get("exception"), ssl.SSLError | ConnectionResetError):
            strict(loop, context)

    hass.loop.set_exception_handler(handle)
    context = create_client_context()
    context.load_verify_locations(cadata=authority.pem)
    monkeypatch.setattr("homeassistant.util.ssl._client_context", lambda *_: context)
    return authority


@pytest.fixture(autouse=True)
async def _unloaded(hass: HomeAssistant, gateway: RunningGateway) -> AsyncIterator[None]:
    """Unload what a flow has set up, before the gateway goes."""
    yield
    await hass.async_block_till_done()
    for entry in hass.config_entries.async_loaded_entries(DOMAIN):
        await hass.config_entries.async_unload(entry.entry_id)
    await until(lambda: gateway.streams == 0)


@pytest.fixture
async def other(socket_enabled: None) -> AsyncIterator[RunningGateway]:
    """Return another gateway."""
    running = RunningGateway(id=OTHER_ID)
    await running.start()
    yield running
    await running.stop()


def announced(gateway: RunningGateway, *addresses: str, **properties: Any) -> ZeroconfServiceInfo:
    """Return a gateway's announcement as Home Assistant hands it on."""
    found = [ip_address(one) for one in addresses or (gateway.host,)]
    own = {"id": gateway.id, "name": gateway.info.name, "version": "0.2.0", "api": "1.0", "tls": "0"}
    return ZeroconfServiceInfo(
        ip_address=found[0],
        ip_addresses=found,
        port=gateway.port,
        hostname=f"obis-gateway-{gateway.id}.local.",
        type=SERVICE,
        name=f"OBIS Gateway {gateway.id[:6]}.{SERVICE}",
        properties={**own, **properties},
    )


def address_of(gateway: RunningGateway, **other: Any) -> dict[str, Any]:
    """Return what is typed to reach a gateway."""
    return {CONF_HOST: gateway.host, CONF_PORT: gateway.port, CONF_TLS: False, **other}


def token_names(gateway: RunningGateway) -> list[str]:
    """Return who is paired with a gateway."""
    return [client.name for client in gateway.clients.list()]


def holds(gateway: RunningGateway, entry: MockConfigEntry) -> bool:
    """Tell whether an entry's token is the only one of a gateway, and good."""
    return len(gateway.clients.list()) == 1 and gateway.clients.check(entry.data[CONF_TOKEN]) is not None


async def pairs(flow: Flow, gateway: RunningGateway) -> None:
    """Bring a flow that asks for the code to its end."""
    assert flow.step == "pair", flow.errors
    await flow.send(code=gateway.pair_code())
    assert flow.created
    entry = flow.result["result"]
    assert entry.title == gateway.info.name
    assert entry.unique_id == entry.data[CONF_ID] == gateway.id
    assert entry.options == {}
    assert holds(gateway, entry)
    await flow.hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED


# --- found by itself


async def test_a_gateway_that_is_found_is_paired_by_its_code(hass: HomeAssistant, gateway: RunningGateway) -> None:
    """Six digits are all that is typed."""
    flow = await Flow.begin(hass, SOURCE_ZEROCONF, announced(gateway))
    assert flow.step == "pair"
    assert f"OBIS Gateway** is at 127.0.0.1:{gateway.port}" in flow.text
    assert "sudo obis-gateway pair" in flow.text
    [card] = hass.config_entries.flow.async_progress()
    assert card["context"]["title_placeholders"] == {"name": "OBIS Gateway (127.0.0.1)"}
    assert card["context"]["configuration_url"] == f"http://127.0.0.1:{gateway.port}/"
    assert card["context"]["unique_id"] == gateway.id
    await pairs(flow, gateway)
    [entry] = hass.config_entries.async_entries(DOMAIN)
    assert {**entry.data, CONF_TOKEN: ""} == {
        **address_of(gateway),
        CONF_TOKEN: "",
        CONF_ID: gateway.id,
    }


async def test_a_gateway_that_is_found_and_does_not_answer_gets_its_address_typed(
    hass: HomeAssistant, gateway: RunningGateway
) -> None:
    """An announcement may come from where Home Assistant does not get to."""
    flow = await Flow.begin(hass, SOURCE_ZEROCONF, replace(announced(gateway), port=1))
    await flow.send(code="123456")
    assert (flow.step, flow.errors) == ("user", {"base": "nothing_at_loopback"})
    assert flow.suggested() == {CONF_HOST: "127.0.0.1", CONF_PORT: 1, CONF_TLS: False}
    await flow.send(**address_of(gateway))
    await pairs(flow, gateway)


async def test_a_gateway_is_found_once(hass: HomeAssistant, gateway: RunningGateway) -> None:
    """However often it is announced."""
    await Flow.begin(hass, SOURCE_ZEROCONF, announced(gateway))
    assert (await Flow.begin(hass, SOURCE_ZEROCONF, announced(gateway))).reason == "already_in_progress"
    assert len(hass.config_entries.flow.async_progress()) == 1


async def test_adding_by_address_ends_what_was_found(hass: HomeAssistant, gateway: RunningGateway) -> None:
    """The card goes with the entry."""
    await Flow.begin(hass, SOURCE_ZEROCONF, announced(gateway))
    flow = await Flow.begin(hass, SOURCE_USER)
    await flow.send(**address_of(gateway))
    await pairs(flow, gateway)
    assert hass.config_entries.flow.async_progress() == []


async def test_an_ignored_gateway_stays_ignored_until_it_is_added(hass: HomeAssistant, gateway: RunningGateway) -> None:
    """By its address, as somebody who wants it does."""
    flow = await Flow.begin(hass, SOURCE_ZEROCONF, announced(gateway))
    await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_IGNORE}, data={"unique_id": gateway.id, "title": "Ignored"}
    )
    assert (await Flow.begin(hass, SOURCE_ZEROCONF, announced(gateway))).reason == "already_configured"
    [ignored] = hass.config_entries.async_entries(DOMAIN)
    assert ignored.data == {}
    flow = await Flow.begin(hass, SOURCE_USER)
    await flow.send(**address_of(gateway))
    await pairs(flow, gateway)
    assert hass.config_entries.async_entries(DOMAIN) == [flow.result["result"]]


@pytest.mark.parametrize(
    ("api", "reason", "advice"),
    [
        ("2.0", "gateway_newer", "Update OBIS Gateway in Home Assistant"),
        ("10.3", "gateway_newer", "Update OBIS Gateway in Home Assistant"),
        ("two", "gateway_newer", "Update OBIS Gateway in Home Assistant"),
        ("0.9", "gateway_older", "Update the program on the gateway's machine"),
        ("", "gateway_older", "Update the program on the gateway's machine"),
    ],
)
async def test_a_gateway_of_another_version_says_what_to_update(
    hass: HomeAssistant, gateway: RunningGateway, api: str, reason: str, advice: str
) -> None:
    """And is offered once that is done."""
    flow = await Flow.begin(hass, SOURCE_ZEROCONF, announced(gateway, api=api))
    assert flow.reason == reason
    assert advice in flow.text
    assert f"version {api or 0} " in flow.text
    await pairs(await Flow.begin(hass, SOURCE_ZEROCONF, announced(gateway, api="1.7")), gateway)


@pytest.mark.parametrize("gateway_id", [None, "", "x" * 201, "a\nb", b"0123"])
async def test_an_announcement_that_names_no_gateway_is_left(
    hass: HomeAssistant, gateway: RunningGateway, gateway_id: object
) -> None:
    """Nothing else tells it from others."""
    flow = await Flow.begin(hass, SOURCE_ZEROCONF, announced(gateway, id=gateway_id))
    assert flow.reason == "invalid_announcement"


@pytest.mark.parametrize(
    ("addresses", "host"),
    [
        (("192.168.1.20",), "192.168.1.20"),
        (("192.168.1.20", "10.0.0.7"), "192.168.1.20"),
        (("2001:db8::5", "192.168.1.20"), "192.168.1.20"),
        (("fe80::1", "192.168.1.20"), "192.168.1.20"),
        (("169.254.3.4", "2001:db8::5"), "2001:db8::5"),
        (("127.0.0.1", "192.168.1.20"), "192.168.1.20"),
        (("::1", "2001:db8::5", "fe80::1"), "2001:db8::5"),
        (("127.0.0.1",), "127.0.0.1"),
        (("0.0.0.0", "::", "224.0.0.251", "fd00::7"), "fd00::7"),
    ],
)
async def test_of_several_addresses_the_one_most_likely_reached_is_taken(
    hass: HomeAssistant, gateway: RunningGateway, addresses: tuple[str, ...], host: str
) -> None:
    """IPv4 before IPv6, the newest first, never one of a single cable."""
    flow = await Flow.begin(hass, SOURCE_ZEROCONF, announced(gateway, *addresses))
    shown = f"[{host}]" if ":" in host else host
    assert f"is at {shown}:{gateway.port}." in flow.text
    [card] = hass.config_entries.flow.async_progress()
    assert card["context"]["configuration_url"] == f"http://{shown}:{gateway.port}/"


@pytest.mark.parametrize("addresses", [("fe80::1",), ("169.254.3.4", "fe80::2"), ("0.0.0.0",)])
async def test_an_address_of_one_cable_is_not_offered(
    hass: HomeAssistant, gateway: RunningGateway, addresses: tuple[str, ...]
) -> None:
    """Nobody could connect to it."""
    flow = await Flow.begin(hass, SOURCE_ZEROCONF, announced(gateway, *addresses))
    assert flow.reason == "link_local"


@pytest.mark.parametrize(
    ("name", "shown"),
    [(None, "OBIS Gateway"), ("", "OBIS Gateway"), ("\n\x00", "OBIS Gateway"), ("Zähler\n", "Zähler")],
)
async def test_a_gateway_without_a_name_has_that_of_its_kind(
    hass: HomeAssistant, gateway: RunningGateway, name: str | None, shown: str
) -> None:
    """And control characters do not get through."""
    flow = await Flow.begin(hass, SOURCE_ZEROCONF, announced(gateway, name=name))
    assert f"**{shown}**" in flow.text
    [card] = hass.config_entries.flow.async_progress()
    assert card["context"]["title_placeholders"] == {"name": f"{shown} (127.0.0.1)"}


async def test_another_gateway_at_the_announced_address_is_set_up_as_what_it_is(
    hass: HomeAssistant, gateway: RunningGateway, other: RunningGateway
) -> None:
    """What pairs says who it is, not what was announced."""
    flow = await Flow.begin(hass, SOURCE_ZEROCONF, replace(announced(gateway), port=other.port))
    await pairs(flow, other)


# --- found again: moved


async def test_a_gateway_that_moved_is_followed(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: RunningGateway
) -> None:
    """Without a question, and set up anew."""
    await gateway.stop()
    gateway.settings = ApiSettings(port=0, host="127.0.0.1")
    await gateway.start()
    assert gateway.port != loaded.data[CONF_PORT]
    flow = await Flow.begin(hass, SOURCE_ZEROCONF, announced(gateway))
    assert flow.reason == "already_configured"
    assert loaded.data[CONF_PORT] == gateway.port
    await hass.async_block_till_done()
    assert loaded.state is ConfigEntryState.LOADED
    assert holds(gateway, loaded)


async def test_a_gateway_that_moved_is_followed_before_it_answers(
    hass: HomeAssistant, entry: MockConfigEntry, gateway: RunningGateway
) -> None:
    """The announcement tells enough; also that TLS is spoken now."""
    flow = await Flow.begin(hass, SOURCE_ZEROCONF, announced(gateway, "192.168.1.77", tls="1"))
    assert flow.reason == "already_configured"
    assert (entry.data[CONF_HOST], entry.data[CONF_PORT], entry.data[CONF_TLS]) == ("192.168.1.77", gateway.port, True)


async def test_a_gateway_that_was_down_is_set_up_as_soon_as_it_is_announced(
    hass: HomeAssistant, entry: MockConfigEntry, gateway: RunningGateway
) -> None:
    """Not when the next retry is due."""
    await gateway.stop()
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    await gateway.start()
    assert (await Flow.begin(hass, SOURCE_ZEROCONF, announced(gateway))).reason == "already_configured"
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED


async def test_a_gateway_that_was_updated_is_set_up_as_soon_as_it_is_announced(
    hass: HomeAssistant, entry: MockConfigEntry, gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Newer ones of Home Assistant do not try again by themselves after an old version."""
    with monkeypatch.context() as old:
        old.setattr("obisgw.web.routes.API_VERSION", "0.9")
        await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state in {ConfigEntryState.SETUP_ERROR, ConfigEntryState.SETUP_RETRY}
    assert (await Flow.begin(hass, SOURCE_ZEROCONF, announced(gateway))).reason == "already_configured"
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED


async def test_what_works_is_left_as_it_is(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: RunningGateway
) -> None:
    """A machine with two networks announces now one address, now the other."""
    coordinator = loaded.runtime_data
    for announcement in (announced(gateway), announced(gateway, "192.168.1.77"), announced(gateway, "2001:db8::5")):
        assert (await Flow.begin(hass, SOURCE_ZEROCONF, announcement)).reason == "already_configured"
    await hass.async_block_till_done()
    assert loaded.data[CONF_HOST] == gateway.host
    assert loaded.runtime_data is coordinator


@pytest.mark.parametrize(
    ("known", "tls"),
    [
        # Anybody in the network can announce an end of encryption.
        ("192.168.1.20", "0"),
        # The certificate is made out to the name.
        ("gateway.home", "1"),
    ],
)
async def test_an_announcement_does_not_weaken_tls(
    hass: HomeAssistant, entry: MockConfigEntry, gateway: RunningGateway, known: str, tls: str
) -> None:
    """Only the user may."""
    hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_HOST: known, CONF_TLS: True})
    flow = await Flow.begin(hass, SOURCE_ZEROCONF, announced(gateway, "192.168.1.77", tls=tls))
    assert flow.reason == "already_configured"
    assert (entry.data[CONF_HOST], entry.data[CONF_TLS]) == (known, True)


async def test_a_machine_that_got_the_address_of_another_one_is_not_taken_for_it(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: RunningGateway, other: RunningGateway
) -> None:
    """Its answers do not keep the entry from following its own gateway."""
    await gateway.stop()
    await other.stop()
    other.settings = replace(other.settings, port=gateway.port)
    await other.start()
    gateway.settings = ApiSettings(port=0, host="127.0.0.1")
    await gateway.start()
    await Flow.begin(hass, SOURCE_ZEROCONF, announced(gateway))
    await hass.async_block_till_done()
    assert loaded.data[CONF_PORT] == gateway.port
    assert loaded.state is ConfigEntryState.LOADED


# --- found by its address


@pytest.mark.parametrize(
    ("typed", "host"),
    [
        ("127.0.0.1", "127.0.0.1"),
        (" 127.0.0.1 ", "127.0.0.1"),
        ("127.0.0.1:{port}", "127.0.0.1"),
        ("http://127.0.0.1:{port}/", "127.0.0.1"),
        ("HTTP://Gateway.Home:{port}/api/v1/health?x#y", "gateway.home"),
        ("gateway.home:{port}", "gateway.home"),
    ],
)
async def test_an_address_is_understood_however_it_is_written(
    hass: HomeAssistant, gateway: RunningGateway, typed: str, host: str
) -> None:
    """A port in it goes before the one in the field."""
    flow = await Flow.begin(hass, SOURCE_USER)
    assert (flow.step, flow.errors) == ("user", {})
    assert flow.suggested() == {CONF_PORT: 8787, CONF_TLS: False}
    port = 1 if "{port}" in typed else gateway.port
    await flow.send(host=typed.format(port=gateway.port), port=port, tls=False)
    await pairs(flow, gateway)
    [entry] = hass.config_entries.async_entries(DOMAIN)
    assert (entry.data[CONF_HOST], entry.data[CONF_PORT], entry.data[CONF_TLS]) == (host, gateway.port, False)


PROBLEM = '{"type": "urn:obis-gateway:problem:internal", "status": 500, "detail": "please report it"}'


@pytest.mark.parametrize(
    ("typed", "field", "error", "advice"),
    [
        ({CONF_PORT: 1}, "base", "nothing_at_loopback", "Use the IP address of the gateway's machine"),
        ({CONF_HOST: "localhost", CONF_PORT: 1}, "base", "nothing_at_loopback", "in a container only that container"),
        ({CONF_HOST: "gateway.home", CONF_PORT: 1}, "base", "cannot_connect", "Nothing answers at gateway.home:1."),
        ({CONF_HOST: "gatewya.home"}, CONF_HOST, "unknown_host", "The name gatewya.home is not known"),
        ({CONF_HOST: "my gateway"}, CONF_HOST, "invalid_host", "Examples: 192.168.1.20"),
        ({CONF_HOST: "ftp://gateway.home"}, CONF_HOST, "invalid_host", "Examples: 192.168.1.20"),
        ({CONF_HOST: "gateway.home:99999"}, CONF_HOST, "invalid_host", "Examples: 192.168.1.20"),
        ({CONF_HOST: "me@gateway.home"}, CONF_HOST, "invalid_host", "Examples: 192.168.1.20"),
        ({CONF_HOST: "fe80::1"}, CONF_HOST, "link_local", "Use the IPv4 address or the name"),
        ({CONF_HOST: "meters.example.org"}, CONF_HOST, "forbidden_host", 'add the name to "allowed_hosts"'),
        ({CONF_TLS: True}, "base", "without_tls", "Turn TLS off"),
        ({CONF_HOST: "https://127.0.0.1"}, "base", "without_tls", "Turn TLS off"),
    ],
)
async def test_a_wrong_address_says_what_is_wrong_with_it(
    hass: HomeAssistant, gateway: RunningGateway, typed: dict[str, Any], field: str, error: str, advice: str
) -> None:
    """What was typed stands there still, and the right address goes on."""
    flow = await Flow.begin(hass, SOURCE_USER)
    await flow.send(**address_of(gateway, **typed))
    assert (flow.step, flow.errors) == ("user", {field: error})
    assert advice in flow.text
    assert flow.suggested() == address_of(gateway, **typed)
    await flow.send(**address_of(gateway))
    await pairs(flow, gateway)


@pytest.mark.parametrize(
    ("body", "status", "location", "error", "advice"),
    [
        ("<html>It works!</html>", 200, None, "not_gateway", "is not an OBIS Gateway"),
        ("<html>Not found</html>", 404, None, "not_gateway", "is not an OBIS Gateway"),
        ("", 204, None, "not_gateway", "is not an OBIS Gateway"),
        ("", 302, "http://192.0.2.1/", "not_gateway", "is not an OBIS Gateway"),
        ('{"message": "API running."}', 200, None, "not_gateway", "is not an OBIS Gateway"),
        ("[" * 5000, 200, None, "not_gateway", "is not an OBIS Gateway"),
        ('{"status": "ok", "api": "2.0"}', 200, None, "gateway_newer", "Update OBIS Gateway in Home Assistant"),
        ('{"status": "ok", "api": "0.9"}', 200, None, "gateway_older", "Update the program on the gateway's machine"),
        ('{"status": "ok"}', 200, None, "gateway_older", "version 0 of its API"),
        (PROBLEM, 500, None, "refused", "does not accept this: please report it"),
    ],
)
async def test_what_is_no_gateway_or_another_version_is_told(
    hass: HomeAssistant,
    gateway: RunningGateway,
    body: str,
    status: int,
    location: str | None,
    error: str,
    advice: str,
) -> None:
    """Before any code is asked for."""
    flow = await Flow.begin(hass, SOURCE_USER)
    async with answering(body, status=status, location=location) as port:
        await flow.send(**address_of(gateway, port=port))
    assert (flow.step, flow.errors) == ("user", {"base": error})
    assert advice in flow.text
    await flow.send(**address_of(gateway))
    await pairs(flow, gateway)


async def test_a_crowded_gateway_is_told_from_one_that_is_gone(
    hass: HomeAssistant, gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waiting helps, another address does not."""
    flow = await Flow.begin(hass, SOURCE_USER)
    with monkeypatch.context() as crowd:
        crowd.setattr("obisgw.web.access.MOST_CONNECTIONS", 0)
        await flow.send(**address_of(gateway))
    assert flow.errors == {"base": "too_many_connections"}
    assert "try again in a minute" in flow.text
    await flow.send(**address_of(gateway))
    await pairs(flow, gateway)


async def test_what_does_not_answer_is_waited_for_once(
    hass: HomeAssistant, gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it would answer with TLS is not asked after a time-out."""
    flow = await Flow.begin(hass, SOURCE_USER)
    with monkeypatch.context() as impatient:
        impatient.setitem(GatewayClient._request.__kwdefaults__, "within", 0.2)
        async with silence() as (port, came):
            await flow.send(**address_of(gateway, port=port))
    assert flow.errors == {"base": "nothing_at_loopback"}
    assert len(came) == 1
    await flow.send(**address_of(gateway))
    await pairs(flow, gateway)


# --- TLS


async def serve_with(gateway: RunningGateway, certificate: Path) -> None:
    """Let a gateway speak TLS."""
    await gateway.stop()
    gateway.settings = replace(gateway.settings, certificate=certificate)
    await gateway.start()


async def test_a_gateway_with_a_trusted_certificate_is_paired_over_tls(
    hass: HomeAssistant, gateway: RunningGateway, trusted: Authority, tmp_path: Path
) -> None:
    """Without TLS it is said that it speaks TLS only; https:// in the address is enough then."""
    await serve_with(gateway, trusted.certify("127.0.0.1", folder=tmp_path))
    flow = await Flow.begin(hass, SOURCE_USER)
    await flow.send(**address_of(gateway))
    assert (flow.step, flow.errors) == ("user", {"base": "only_tls"})
    assert "Turn TLS on" in flow.text
    await flow.send(**address_of(gateway, host="https://127.0.0.1"))
    await pairs(flow, gateway)
    [entry] = hass.config_entries.async_entries(DOMAIN)
    assert entry.data[CONF_TLS] is True


async def test_a_certificate_that_is_not_trusted_is_told(
    hass: HomeAssistant, gateway: RunningGateway, trusted: Authority, tmp_path: Path
) -> None:
    """One of an authority that Home Assistant trusts goes on."""
    await serve_with(gateway, Authority.new().certify("127.0.0.1", folder=tmp_path))
    flow = await Flow.begin(hass, SOURCE_USER)
    await flow.send(**address_of(gateway))
    assert flow.errors == {"base": "only_tls"}
    await flow.send(**address_of(gateway, tls=True))
    assert flow.errors == {"base": "certificate_not_trusted"}
    assert "an authority that Home Assistant trusts" in flow.text
    await serve_with(gateway, trusted.certify("127.0.0.1", folder=tmp_path))
    await flow.send(**address_of(gateway, tls=True))
    await pairs(flow, gateway)


async def test_a_certificate_for_a_name_needs_that_name(
    hass: HomeAssistant, gateway: RunningGateway, trusted: Authority, tmp_path: Path
) -> None:
    """An announced gateway has its address only: the form asks for the name."""
    await serve_with(gateway, trusted.certify("gateway.home", folder=tmp_path))
    flow = await Flow.begin(hass, SOURCE_ZEROCONF, announced(gateway, tls="1"))
    await flow.send(code=gateway.pair_code())
    assert (flow.step, flow.errors) == ("user", {"base": "certificate_not_trusted"})
    assert "Use the name that stands in the certificate" in flow.text
    await flow.send(host="gateway.home", port=gateway.port, tls=True)
    await pairs(flow, gateway)


# --- paired by its code


async def ask(hass: HomeAssistant, gateway: RunningGateway) -> Flow:
    """Return a flow that asks for the code."""
    flow = await Flow.begin(hass, SOURCE_USER)
    await flow.send(**address_of(gateway))
    assert (flow.step, flow.errors) == ("pair", {})
    return flow


def wrong(code: str) -> str:
    """Return another code."""
    return f"{(int(code) + 1) % 1_000_000:06}"


async def test_a_mistyped_code_is_told_and_the_right_one_taken(hass: HomeAssistant, gateway: RunningGateway) -> None:
    """As often as the gateway lets one try."""
    flow, code = await ask(hass, gateway), gateway.pair_code()
    for _ in range(4):
        await flow.send(code=wrong(code))
        assert (flow.step, flow.errors) == ("pair", {CODE: "wrong_code"})
        assert "Compare it with what the gateway shows" in flow.text
    await flow.send(code=code)
    assert flow.created


@pytest.mark.parametrize(
    "code", ["", "12345", "1234567", "12345a", "abcdef", "\uff11\uff12\uff13\uff14\uff15\uff16", "12 34 5"]
)
async def test_what_is_no_code_costs_no_try(hass: HomeAssistant, gateway: RunningGateway, code: str) -> None:
    """The gateway counts five wrong ones."""
    flow, right = await ask(hass, gateway), gateway.pair_code()
    for _ in range(6):
        await flow.send(code=code)
        assert (flow.step, flow.errors) == ("pair", {CODE: "invalid_code"})
    await flow.send(code=right)
    assert flow.created


@pytest.mark.parametrize("written", ["{0} {1}", "{0}-{1}", " {0}{1} ", "{0}\u00a0{1}", "{0}.{1}"])
async def test_a_code_may_be_written_in_parts(hass: HomeAssistant, gateway: RunningGateway, written: str) -> None:
    """As the gateway shows it."""
    flow, code = await ask(hass, gateway), gateway.pair_code()
    await flow.send(code=written.format(code[:3], code[3:]))
    assert flow.created


async def test_without_an_open_code_it_is_said_how_to_get_one(hass: HomeAssistant, gateway: RunningGateway) -> None:
    """Nobody asked for one yet, it was used, or it is too old."""
    flow = await ask(hass, gateway)
    await flow.send(code="123456")
    assert (flow.step, flow.errors) == ("pair", {CODE: "no_code"})
    assert 'Run "obis-gateway pair" on the gateway' in flow.text
    await pairs(flow, gateway)


async def test_after_five_wrong_codes_pairing_is_locked_for_so_many_minutes(
    hass: HomeAssistant, gateway: RunningGateway
) -> None:
    """A new code unlocks it."""
    flow, code = await ask(hass, gateway), gateway.pair_code()
    for _ in range(5):
        await flow.send(code=wrong(code))
    assert (flow.step, flow.errors) == ("pair", {CODE: "locked"})
    assert "locked for 1 min" in flow.text
    await flow.send(code=code)
    assert flow.errors == {CODE: "locked"}
    code = gateway.pair_code()
    for _ in range(5):
        await flow.send(code=wrong(code))
    assert "locked for 2 min" in flow.text
    await pairs(flow, gateway)


async def test_a_gateway_that_goes_away_before_the_code_is_looked_for_again(
    hass: HomeAssistant, gateway: RunningGateway
) -> None:
    """At the address that is there still."""
    flow = await ask(hass, gateway)
    await gateway.stop()
    await flow.send(code="123456")
    assert (flow.step, flow.errors) == ("user", {"base": "nothing_at_loopback"})
    assert flow.suggested() == address_of(gateway)
    await gateway.start()
    await flow.send(**address_of(gateway))
    await pairs(flow, gateway)


async def test_a_gateway_of_another_version_is_not_left_with_a_token(
    hass: HomeAssistant, gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was updated between address and code."""
    flow, code = await ask(hass, gateway), gateway.pair_code()
    with monkeypatch.context() as newer:
        newer.setattr("obisgw.web.routes.API_VERSION", "2.0")
        await flow.send(code=code)
    assert (flow.step, flow.errors) == ("user", {"base": "gateway_newer"})
    assert token_names(gateway) == []
    await flow.send(**address_of(gateway))
    await pairs(flow, gateway)


@pytest.mark.parametrize(
    ("location", "name"),
    [
        ("Home", "Home Assistant (Home)"),
        ("  Müllers Höhle ", "Home Assistant (Müllers Höhle)"),
        ("", "Home Assistant"),
        ("\n", "Home Assistant"),
        ("a\tb", "Home Assistant (ab)"),
        ("x" * 100, f"Home Assistant ({'x' * 47})"),
    ],
)
async def test_the_gateway_lists_who_is_paired(
    hass: HomeAssistant, gateway: RunningGateway, location: str, name: str
) -> None:
    """By the name of the home."""
    hass.config.location_name = location
    flow = await ask(hass, gateway)
    await flow.send(code=gateway.pair_code())
    assert flow.created
    assert token_names(gateway) == [name]


# --- set up already


async def test_a_gateway_that_is_set_up_needs_no_code_to_be_told_so(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: RunningGateway
) -> None:
    """At the address where it works."""
    flow = await Flow.begin(hass, SOURCE_USER)
    await flow.send(**address_of(gateway))
    assert flow.reason == "already_configured"
    assert holds(gateway, loaded)


async def test_a_gateway_that_is_set_up_under_another_address_is_known_by_its_code(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: RunningGateway
) -> None:
    """The entry gets the address and keeps its token; the new one is not left over."""
    token = loaded.data[CONF_TOKEN]
    flow = await Flow.begin(hass, SOURCE_USER)
    await flow.send(**address_of(gateway, host="gateway.home"))
    await flow.send(code=gateway.pair_code())
    assert flow.reason == "already_configured"
    assert (loaded.data[CONF_HOST], loaded.data[CONF_TOKEN]) == ("gateway.home", token)
    assert holds(gateway, loaded)
    await hass.async_block_till_done()
    assert loaded.state is ConfigEntryState.LOADED


async def test_adding_again_a_gateway_whose_token_was_revoked_pairs_it_anew(
    hass: HomeAssistant, entry: MockConfigEntry, gateway: RunningGateway
) -> None:
    """And what asked for that is answered."""
    gateway.revoke()
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.SETUP_ERROR
    assert [one["context"]["source"] for one in hass.config_entries.flow.async_progress()] == [SOURCE_REAUTH]
    flow = await ask(hass, gateway)
    await flow.send(code=gateway.pair_code())
    assert flow.reason == "already_configured"
    assert holds(gateway, entry)
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED
    assert hass.config_entries.flow.async_progress() == []


async def test_a_token_that_cannot_be_ended_is_named_in_the_log(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: RunningGateway,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """With what to do."""
    flow = await Flow.begin(hass, SOURCE_USER)
    await flow.send(**address_of(gateway, host="gateway.home"))
    with monkeypatch.context() as broken:
        broken.setattr(gateway.clients, "revoke", lambda _: 1 / 0)
        await flow.send(code=gateway.pair_code())
    assert flow.reason == "already_configured"
    assert f"The gateway at http://gateway.home:{gateway.port}/ keeps a token" in caplog.text
    assert "obis-gateway tokens" in caplog.text


async def test_a_token_that_is_gone_needs_no_end(
    hass: HomeAssistant, gateway: RunningGateway, caplog: pytest.LogCaptureFixture
) -> None:
    """Somebody was quicker, and nothing is left to do."""
    client = client_of(hass, address_of(gateway, token=gateway.new_token()))
    gateway.revoke()
    await async_discard(client)
    assert "token" not in caplog.text


async def test_two_gateways_are_two_entries(
    hass: HomeAssistant, loaded: MockConfigEntry, other: RunningGateway
) -> None:
    """Each with its own token."""
    await pairs(await ask(hass, other), other)
    assert len(hass.config_entries.async_entries(DOMAIN)) == 2


# --- paired anew


async def asks_again(hass: HomeAssistant, entry: MockConfigEntry, gateway: RunningGateway) -> Flow:
    """Return the flow that Home Assistant itself begins when a token is not good any more."""
    gateway.revoke()
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    [found] = hass.config_entries.flow.async_progress()
    assert found["context"]["source"] == SOURCE_REAUTH
    flow = Flow(hass, hass.config_entries.flow, "config")
    await flow._take(hass.config_entries.flow.async_configure(found["flow_id"]))
    assert (flow.step, flow.errors) == ("reauth_confirm", {})
    return flow


async def test_a_revoked_token_is_renewed_by_a_code(
    hass: HomeAssistant, entry: MockConfigEntry, gateway: RunningGateway
) -> None:
    """The entry goes on where it was."""
    flow = await asks_again(hass, entry, gateway)
    assert f"OBIS Gateway** at 127.0.0.1:{gateway.port} does not accept Home Assistant any more" in flow.text
    await flow.send(code=gateway.pair_code())
    assert flow.reason == "reauth_successful"
    assert holds(gateway, entry)
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED
    assert hass.config_entries.flow.async_progress() == []


async def test_each_error_of_pairing_anew_is_told_and_recovered_from(
    hass: HomeAssistant, entry: MockConfigEntry, gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One after another in one form."""
    flow = await asks_again(hass, entry, gateway)
    await flow.send(code="1")
    assert flow.errors == {CODE: "invalid_code"}
    await flow.send(code="123456")
    assert flow.errors == {CODE: "no_code"}
    code = gateway.pair_code()
    for _ in range(4):
        await flow.send(code=wrong(code))
        assert flow.errors == {CODE: "wrong_code"}
    await flow.send(code=wrong(code))
    assert flow.errors == {CODE: "locked"}
    with monkeypatch.context() as old:
        old.setattr("obisgw.web.routes.API_VERSION", "0.9")
        await flow.send(code=code)
    assert flow.errors == {"base": "gateway_older"}
    await gateway.stop()
    await flow.send(code=code)
    assert flow.errors == {"base": "nothing_at_loopback"}
    await gateway.start()
    await flow.send(code=gateway.pair_code())
    assert flow.reason == "reauth_successful"
    assert holds(gateway, entry)


async def test_another_gateway_at_the_address_gets_no_token(
    hass: HomeAssistant, entry: MockConfigEntry, gateway: RunningGateway, other: RunningGateway
) -> None:
    """It was set up anew, or has the address now; with the right address the same form goes on."""
    flow = await asks_again(hass, entry, gateway)
    hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_PORT: other.port})
    await flow.send(code=other.pair_code())
    assert flow.errors == {"base": "wrong_gateway"}
    assert 'choose "Reconfigure"' in flow.text
    assert token_names(other) == []
    hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_PORT: gateway.port})
    await flow.send(code=gateway.pair_code())
    assert flow.reason == "reauth_successful"
    assert holds(gateway, entry)


@pytest.mark.parametrize("state", [ConfigEntryState.LOADED, ConfigEntryState.NOT_LOADED])
async def test_a_token_that_was_good_after_all_is_ended(
    hass: HomeAssistant, entry: MockConfigEntry, gateway: RunningGateway, state: ConfigEntryState
) -> None:
    """None is left over, and the end of the old one is no reason to ask again."""
    if state is ConfigEntryState.LOADED:
        await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done()
    flow = await Flow.of_entry(entry, hass, SOURCE_REAUTH)
    await flow.send(code=gateway.pair_code())
    assert flow.reason == "reauth_successful"
    assert holds(gateway, entry)
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED
    assert hass.config_entries.flow.async_progress() == []


# --- given another address


async def test_a_new_address_is_taken_with_the_token_that_is_there(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: RunningGateway
) -> None:
    """No code, and no other change."""
    before = dict(loaded.data)
    flow = await Flow.of_entry(loaded, hass, SOURCE_RECONFIGURE)
    assert (flow.step, flow.errors) == ("reconfigure", {})
    assert "Where is **OBIS Gateway** now?" in flow.text
    assert flow.suggested() == address_of(gateway)
    await flow.send(**address_of(gateway, host="http://gateway.home"))
    assert flow.reason == "reconfigure_successful"
    assert loaded.data == {**before, CONF_HOST: "gateway.home"}
    await hass.async_block_till_done()
    assert loaded.state is ConfigEntryState.LOADED
    assert holds(gateway, loaded)


@pytest.mark.parametrize(
    ("typed", "field", "error"),
    [
        ({CONF_HOST: "a b"}, CONF_HOST, "invalid_host"),
        ({CONF_HOST: "gatewya.home"}, CONF_HOST, "unknown_host"),
        ({CONF_PORT: 1}, "base", "nothing_at_loopback"),
        ({CONF_TLS: True}, "base", "without_tls"),
    ],
)
async def test_a_wrong_new_address_is_told(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: RunningGateway,
    typed: dict[str, Any],
    field: str,
    error: str,
) -> None:
    """The entry keeps its own until a right one comes."""
    before = dict(loaded.data)
    flow = await Flow.of_entry(loaded, hass, SOURCE_RECONFIGURE)
    await flow.send(**address_of(gateway, **typed))
    assert (flow.step, flow.errors) == ("reconfigure", {field: error})
    assert flow.suggested() == address_of(gateway, **typed)
    assert loaded.data == before
    await flow.send(**address_of(gateway, host="gateway.home"))
    assert flow.reason == "reconfigure_successful"


async def test_another_gateways_address_is_refused(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: RunningGateway, other: RunningGateway
) -> None:
    """Neither its code nor a token that both know makes it this one; and it keeps no token."""
    before = dict(loaded.data)
    flow = await Flow.of_entry(loaded, hass, SOURCE_RECONFIGURE)
    await flow.send(**address_of(other))
    # It does not know the token: it may be this gateway, set up anew or restored.
    assert flow.step == "pair"
    await flow.send(code=other.pair_code())
    assert (flow.step, flow.errors) == ("reconfigure", {"base": "wrong_gateway"})
    assert token_names(other) == []
    assert loaded.data == before
    other.clients = gateway.clients
    await other.stop()
    await other.start()
    await flow.send(**address_of(other))
    assert (flow.step, flow.errors) == ("reconfigure", {"base": "wrong_gateway"})
    assert loaded.data == before
    await flow.send(**address_of(gateway))
    assert flow.reason == "reconfigure_successful"
    assert holds(gateway, loaded)


async def test_a_new_address_and_a_revoked_token_are_one_way(
    hass: HomeAssistant, entry: MockConfigEntry, gateway: RunningGateway
) -> None:
    """The code is asked for where it is needed, and nothing asks for it again."""
    await asks_again(hass, entry, gateway)
    flow = await Flow.of_entry(entry, hass, SOURCE_RECONFIGURE)
    await flow.send(**address_of(gateway, host="gateway.home"))
    assert flow.step == "pair"
    await flow.send(code="123456")
    assert (flow.step, flow.errors) == ("pair", {CODE: "no_code"})
    await gateway.stop()
    await flow.send(code="123456")
    assert (flow.step, flow.errors) == ("reconfigure", {"base": "cannot_connect"})
    await gateway.start()
    await flow.send(**address_of(gateway, host="gateway.home"))
    await flow.send(code=gateway.pair_code())
    assert flow.reason == "reconfigure_successful"
    assert holds(gateway, entry)
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED
    assert hass.config_entries.flow.async_progress() == []


async def test_a_gateway_that_fails_while_it_is_asked_who_it_is_is_asked_again(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its health alone does not tell."""
    flow = await Flow.of_entry(loaded, hass, SOURCE_RECONFIGURE)
    with monkeypatch.context() as broken:
        broken.setattr(gateway, "mqtt_state", lambda: 1 / 0)
        await flow.send(**address_of(gateway))
    assert (flow.step, flow.errors) == ("reconfigure", {"base": "refused"})
    await flow.send(**address_of(gateway))
    assert flow.reason == "reconfigure_successful"


# --- as the frontend does it


async def test_the_frontend_walks_from_the_address_to_the_entry(
    hass: HomeAssistant, gateway: RunningGateway, hass_client: ClientSessionGenerator
) -> None:
    """Over Home Assistant's own API."""
    assert await async_setup_component(hass, "config", {})
    client = await hass_client()

    async def ask(path: str = "", **body: Any) -> dict[str, Any]:
        response = await client.post(f"/api/config/config_entries/flow{path}", json=body)
        assert response.status == 200
        answer: dict[str, Any] = await response.json()
        return answer

    form = await ask(handler=DOMAIN)
    assert [(field["name"], field["required"]) for field in form["data_schema"]] == [
        (CONF_HOST, True),
        (CONF_PORT, True),
        (CONF_TLS, True),
    ]
    form = await ask(f"/{form['flow_id']}", host=f"http://{gateway.host}:{gateway.port}/", port=8787, tls=False)
    assert [field["name"] for field in form["data_schema"]] == [CODE]
    created = await ask(f"/{form['flow_id']}", code=gateway.pair_code())
    assert (created["type"], created["title"]) == ("create_entry", "OBIS Gateway")
    [entry] = hass.config_entries.async_entries(DOMAIN)
    assert holds(gateway, entry)


async def test_the_frontend_may_leave_out_what_is_usual(hass: HomeAssistant, gateway: RunningGateway) -> None:
    """Port and TLS have defaults."""
    flow = await Flow.begin(hass, SOURCE_USER)
    await flow.send(host=f"{gateway.host}:{gateway.port}")
    await pairs(flow, gateway)
