"""What people type for an address, and which one of an announcement is taken."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from custom_components.obis_gateway.address import Address, AddressError, LinkLocalError


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("192.168.1.20", Address("192.168.1.20", 8787)),
        ("  192.168.1.20\t", Address("192.168.1.20", 8787)),
        ("192.168.1.20:9000", Address("192.168.1.20", 9000)),
        ("192.168.1.20/", Address("192.168.1.20", 8787)),
        ("raspberrypi.local", Address("raspberrypi.local", 8787)),
        ("RaspberryPi.local.", Address("raspberrypi.local.", 8787)),
        ("raspberrypi:", Address("raspberrypi", 8787)),
        ("my_pi-2.fritz.box:80", Address("my_pi-2.fritz.box", 80)),
        ("zähler.local", Address("zähler.local", 8787)),
        ("::1", Address("::1", 8787)),
        ("[::1]", Address("::1", 8787)),
        ("[::1]:9000", Address("::1", 9000)),
        ("2001:db8::5", Address("2001:db8::5", 8787)),
        ("fe80::1%eth0", Address("fe80::1%eth0", 8787)),
        ("[fe80::1%eth0]:9000", Address("fe80::1%eth0", 9000)),
        ("http://192.168.1.20:9000/", Address("192.168.1.20", 9000)),
        ("HTTP://pi.local", Address("pi.local", 8787)),
        ("https://pi.local", Address("pi.local", 8787, tls=True)),
        ("https://pi.local:443/api/v1?x=1#y", Address("pi.local", 443, tls=True)),
        ("http://[2001:db8::5]:80/", Address("2001:db8::5", 80)),
        ("https://2001:db8::5", Address("2001:db8::5", 8787, tls=True)),
    ],
)
def test_an_address_is_understood(typed: str, expected: Address) -> None:
    """Host, host with port, or the address of the status page."""
    assert Address.typed(typed, 8787, tls=False) == expected


@pytest.mark.parametrize(("typed", "tls"), [("http://pi.local", False), ("https://pi.local", True), ("pi.local", True)])
def test_a_scheme_says_whether_tls_is_spoken(typed: str, tls: bool) -> None:  # noqa: FBT001
    """Without one the switch does."""
    assert Address.typed(typed, 1, tls=True).tls is tls


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "   ",
        ".",
        "pi..local",
        "-pi",
        "pi-.local",
        "x" * 64,
        ".".join(["x" * 60] * 5),
        "my pi",
        "pi,local",
        "me@pi.local",
        "me:secret@pi.local",
        "\\\\pi",
        "%00",
        "\x00",
        "pi:0",
        "pi:65536",
        "pi:http",
        "[::1",
        "::1]",
        "192.168.1.20%eth0",
        "fe80::1%",
        "fe80::1%a/b",
        "ftp://pi",
        "http://",
        "://pi",
    ],
)
def test_what_is_no_address_is_refused(typed: str) -> None:
    """Before anything is sent."""
    with pytest.raises(AddressError):
        Address.typed(typed, 8787, tls=False)


@pytest.mark.parametrize("typed", ["fe80::1", "[fe80::1]:80", "http://[FE80::1]/"])
def test_an_address_of_one_cable_needs_its_interface(typed: str) -> None:
    """Nobody knows else which cable is meant."""
    with pytest.raises(LinkLocalError):
        Address.typed(typed, 8787, tls=False)


@pytest.mark.parametrize(
    ("address", "text", "is_name", "is_loopback"),
    [
        (Address("192.168.1.20", 8787), "192.168.1.20:8787", False, False),
        (Address("::1", 8787), "[::1]:8787", False, True),
        (Address("127.3.2.1", 80), "127.3.2.1:80", False, True),
        (Address("localhost", 80), "localhost:80", True, True),
        (Address("pi.local", 80), "pi.local:80", True, False),
    ],
)
def test_an_address_is_shown_and_known_as_what_it_is(
    address: Address,
    text: str,
    is_name: bool,  # noqa: FBT001
    is_loopback: bool,  # noqa: FBT001
) -> None:
    """IPv6 in brackets; and it is the same after it was saved."""
    assert (str(address), address.is_name, address.is_loopback) == (text, is_name, is_loopback)
    assert Address.of(address.data) == address


@pytest.mark.parametrize(
    ("found", "host"),
    [
        ([], None),
        (["169.254.1.1", "fe80::1"], None),
        (["10.0.0.2", "10.0.0.1"], "10.0.0.2"),
        (["fd00::1", "10.0.0.1"], "10.0.0.1"),
        (["127.0.0.1", "fd00::1"], "fd00::1"),
        (["::1", "127.0.0.1"], "127.0.0.1"),
    ],
)
def test_of_an_announcement_the_address_most_likely_reached_is_taken(found: list[str], host: str | None) -> None:
    """None of one cable."""
    address = Address.announced([ip_address(one) for one in found], 8787, tls=True)
    assert address == (None if host is None else Address(host, 8787, tls=True))
