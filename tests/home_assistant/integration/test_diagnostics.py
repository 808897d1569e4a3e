"""Diagnostics help to find a fault, and tell nobody whose meter it is."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
    get_diagnostics_for_device,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.obis_gateway.const import CONF_REGISTERS, CONF_THRESHOLDS
from custom_components.obis_gateway.devices import async_device_of
from custom_components.obis_gateway.models import Health, Meter, Reading, Register
from custom_components.obis_gateway.redaction import STARS, Redaction
from obisgw.readings.thresholds import Threshold
from tests.home_assistant.integration.conftest import set_up
from tests.home_assistant.integration.running import LINES, RunningGateway, until
from tests.mqtt.samples import METER

# A stream that is broken off leaves the server's own heartbeat behind.
pytestmark = pytest.mark.parametrize("expected_lingering_timers", [True])

NUMBER = "12345678"
GARDEN = replace(METER, id="lug_00876543", number="00876543", flag="LUG")
ADAPTER = "usb-FTDI_FT232R_USB_UART_A9000001-if00-port0"
ERROR = (
    f"House 12345678 at /dev/serial/by-id/{ADAPTER}: another meter answers: its number is 876543, not 1234 5678 "
    "(put the head on the right meter, or see http://pi:secret@192.168.7.5:8123/x; mail anna@example.org)"
)
SETTINGS = {
    "version": "0.2.0",
    "system": "Linux-6.1.0-18-arm64-aarch64-with-glibc2.36",
    "settings": {
        "mqtt": {"host": "broker.example.org", "port": 1883, "username": "anna", "password": "hunter2", "tls": False},
        "api": {"port": 8787, "allowed_hosts": ["gateway.example.org"], "certificate": "/etc/ssl/anna/key.pem"},
        "gateway": {"id": "anna", "name": "Anna's 2nd gateway", "state_dir": "/home/anna/state", "log_level": "info"},
    },
    "meters": [
        {
            "id": METER.id,
            "model": "MT174",
            "settings": {
                "entry": "House 12",
                "name": "House 12",
                "port": f"/dev/serial/by-id/{ADAPTER}",
                "address": "0012345678",
                "number": NUMBER,
                "every": 60.0,
            },
            "due": "2026-11-22T12:01:00.000+00:00",
            "health": {"last_error": ERROR, "parity_errors": 3},
        },
        {"settings": {"port": "/dev/ttyUSB0", "name": "Garden"}},
    ],
}
SECRETS = (
    NUMBER,
    "1234 5678",
    "00876543",
    "876543",
    "isk_",
    "A9000001",
    "192.168.7.5",
    "secret",
    "hunter2",
    "anna",
    "example.org",
    "House 12",
    "2nd gateway",
    "99887766",
    "0123456789abcdef",
    "127.0.0.1",
    "7788990011",
)


def without(document: Any, *more: str) -> str:
    """Return a dump's text after having looked through it for everything that is nobody's business."""
    text = json.dumps(document)
    found = [secret for secret in (*SECRETS, *more) if secret.casefold() in text.casefold()]
    assert found == []
    return text


@pytest.fixture
async def loaded(
    hass: HomeAssistant, gateway: RunningGateway, entry: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> MockConfigEntry:
    """Return an entry whose gateway names secrets wherever there is room for them."""
    monkeypatch.setattr(gateway, "diagnostics", lambda: SETTINGS)
    limit = Threshold("t_12345678", "Limit of 12345678", "16.7.0", above=Decimal(3))
    gateway.add_meter(METER, name="House 12345678", thresholds=(limit,))
    gateway.publish(*LINES, "96.1.1(7788990011)", "0.0.9(ISK99887766)", "C.90.1(99887766)")
    gateway.publish("6.8(123.456*kWh)", "9.20(00876543)", meter=GARDEN)
    gateway.fail(ERROR)
    hass.config_entries.async_update_entry(
        entry,
        title="Cellar 12",
        options={
            CONF_REGISTERS: {METER.id: ["0_0_96_1_1_255"]},
            CONF_THRESHOLDS: {METER.id: [{"name": "Limit 12345678", "above": "3"}]},
        },
    )
    await set_up(hass, entry)
    return entry


async def test_nothing_in_them_tells_whose_meter_it_is(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """No token, address, number or name; neither as a value nor inside a text."""
    dump = await get_diagnostics_for_config_entry(hass, hass_client, loaded)
    without(dump, loaded.data["token"], gateway.feed.stream, "Cellar 12", loaded.entry_id)


async def test_what_helps_is_in_them(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """Versions, how reading goes, which registers there are, and the error without its names."""
    dump: Any = await get_diagnostics_for_config_entry(hass, hass_client, loaded)
    assert dump["gateway"] == {"name": "OBIS Gateway", "version": "0.2.0", "api": "1.0"}
    assert dump["connection"]["streaming"] is True
    assert dump["entry"]["registers"] == [1]
    house, garden = dump["meters"]
    assert (house["meter"], garden["meter"]) == ("meter 1", "meter 2")
    assert (house["name"], house["model"], house["available"]) == (STARS, "MT174", False)
    assert house["health"]["failures"] == 2
    assert "another meter answers: its number is **REDACTED**, not **REDACTED**" in house["problem"]
    assert "(put the head on the right meter, or see **REDACTED**; mail **REDACTED**)" in house["problem"]
    values = {register["code"]: register["value"] for register in house["registers"]}
    assert values["1-0:1.8.0*255"] == "12345.600"
    assert values["1-0:16.7.0*255"] == "-0.530"
    assert values["1-0:0.0.0*255"] == STARS
    assert values["B_7"] == "77"
    settings = dump["gateway_says"]["service"]["settings"]
    assert settings["mqtt"]["port"] == 1883
    assert settings["gateway"]["log_level"] == "info"
    meters = dump["gateway_says"]["service"]["meters"]
    assert meters[0]["due"] == "2026-11-22T12:01:00.000+00:00"
    assert (meters[1]["settings"]["port"], meters[1]["settings"]["name"]) == ("/dev/ttyUSB0", "Garden")
    assert dump["gateway_says"]["service"]["system"] == "Linux-6.1.0-18-arm64-aarch64-with-glibc2.36"


async def test_one_meter_has_its_own(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """The gateway's device has those of all."""
    device = async_device_of(hass, loaded.entry_id, GARDEN.id)
    assert device is not None
    dump: Any = await get_diagnostics_for_device(hass, hass_client, loaded, device)
    without(dump, loaded.data["token"], gateway.feed.stream)
    assert [meter["meter"] for meter in dump["meters"]] == ["meter 2"]
    assert "gateway_says" not in dump
    hub = async_device_of(hass, loaded.entry_id, gateway.id)
    assert hub is not None
    dump = await get_diagnostics_for_device(hass, hass_client, loaded, hub)
    assert len(dump["meters"]) == 2
    assert "gateway_says" in dump


async def test_a_gateway_that_is_away_still_has_them(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """That is when they are wanted; with the reason and without its address."""
    await gateway.stop()
    await loaded.runtime_data.async_refresh()
    dump: Any = await get_diagnostics_for_config_entry(hass, hass_client, loaded)
    without(dump, loaded.data["token"], gateway.feed.stream)
    assert dump["gateway_says"]["error"].startswith("Cannot connect to host")
    assert dump["connection"]["available"] is False
    assert dump["connection"]["error"].startswith("Cannot connect to host")
    assert len(dump["meters"]) == 2


async def test_an_entry_that_could_not_be_set_up_has_the_reason(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """And its device too."""
    device = async_device_of(hass, loaded.entry_id, METER.id)
    assert device is not None
    assert await hass.config_entries.async_unload(loaded.entry_id)
    await gateway.stop()
    assert not await hass.config_entries.async_setup(loaded.entry_id)
    for dump in (
        await get_diagnostics_for_config_entry(hass, hass_client, loaded),
        await get_diagnostics_for_device(hass, hass_client, loaded, device),
    ):
        without(dump, loaded.data["token"], "Cellar 12")
        assert dump["state"] == "setup_retry"
        assert "does not answer" in str(dump["reason"])
    assert await hass.config_entries.async_unload(loaded.entry_id)


async def test_a_replaced_meter_is_not_told_either(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """Its number stands in the words of the gateway."""
    new = replace(METER, id="isk_55443322", number="55443322")
    gateway.replace_meter(new)
    await until(lambda: loaded.runtime_data.known.sequence == gateway.feed.sequence)
    dump: Any = await get_diagnostics_for_config_entry(hass, hass_client, loaded)
    text = without(dump, "55443322")
    assert "meter 3 stands in its place" in text
    assert dump["notices"] == ["meter_replaced"]


# --- what may be written


def redaction() -> Redaction:
    """Return what knows one meter and one token."""
    registers = {"x": Register("x", "x"), "e": Register("e", "e", unit="kWh")}
    reading = Reading(values={"x": "AB123", "e": "12345678"})
    meter = Meter("isk_4711", "Meter 4711", "4711", registers=registers, reading=reading, health=Health())
    return Redaction(("t0ken", None, ""), (meter,))


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("the token is T0KEN.", "the token is **REDACTED**."),
        ("isk_4711 is silent", "meter 1 is silent"),
        ("number 4711", "number **REDACTED**"),
        ("AB123", STARS),
        ("no answer in 12.5 s at 9600 Bd", "no answer in 12.5 s at 9600 Bd"),
        ("2026-11-22 12:01:05", "2026-11-22 12:01:05"),
        ("since 2026-11-22 12:01", "since 2026-11-22 12:01"),
        ("on 2026-11-22 99887766", "on **REDACTED**"),
        ("2026-11-22T12:01:00.000Z", "2026-11-22T12:01:00.000Z"),
        ("/dev/ttyUSB0: busy", "/dev/ttyUSB0: busy"),
        ("/dev/serial/by-path/pci-0:1.2-port0: busy", "**REDACTED**: busy"),
        ("socket://user:pw@10.0.0.7:4000 closed", "**REDACTED** closed"),
        ("host 10.0.0.7", "host **REDACTED**"),
        ("host fe80:0:0:1::7", "host **REDACTED**"),
        ("host attic.fritz.box", "host **REDACTED**"),
        ("MAC b8:27:eb:12:34:56", "MAC **REDACTED**"),
        ("1-0:1.8.0*255", "1-0:1.8.0*255"),
        ("serial ABCD1234EF", "serial **REDACTED**"),
        ("", ""),
        (None, None),
    ],
)
def test_a_text_is_shown_without(written: str | None, shown: str | None) -> None:
    """What may be secret; what helps stays."""
    assert redaction().text(written) == shown


@pytest.mark.parametrize(
    ("document", "shown"),
    [
        ({"token": "x", "number": 7, "other": 7}, {"token": STARS, "number": STARS, "other": 7}),
        ({"password": None, "tls": True}, {"password": None, "tls": True}),
        ({"isk_4711": [{"name": "Attic"}, {"name": "Attic 2"}]}, {"meter 1": [{"name": "Attic"}, {"name": STARS}]}),
        ({"count": 4711, "counts": (1, 2.5)}, {"count": STARS, "counts": [1, 2.5]}),
        ({"address": {"street": "x"}}, {"address": STARS}),
    ],
)
def test_a_document_is_shown_without(document: dict[str, Any], shown: dict[str, Any]) -> None:
    """By its keys, and by what is known, also among the keys."""
    assert redaction().tree(document) == shown


@pytest.mark.parametrize(
    ("unit", "value", "shown"),
    [
        ("kWh", "12345678", "12345678"),
        (None, "12345678", STARS),
        (None, "0004", "0004"),
        (None, "00000000", "00000000"),
    ],
)
def test_a_value_is_shown_if_it_is_a_quantity(unit: str | None, value: str, shown: str) -> None:
    """A text may be a number of the meter, unless it is short or empty."""
    assert redaction().value(Register("y", "y", unit=unit), value) == shown
    assert redaction().value(Register("y", "y", unit=unit), None) is None
