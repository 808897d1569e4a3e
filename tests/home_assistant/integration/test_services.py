"""The actions: a reading now, and what was read as documents and tables, digit for digit."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import Any

import pytest
import voluptuous as vol
from homeassistant.config_entries import ConfigEntryDisabler
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.service import async_get_all_descriptions
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.obis_gateway.const import DOMAIN
from custom_components.obis_gateway.devices import async_device_of
from custom_components.obis_gateway.models import Register
from custom_components.obis_gateway.names import async_namer
from tests.home_assistant.integration.running import RunningGateway, until
from tests.home_assistant.integration.seen import entity_id, registered
from tests.mqtt.samples import METER

ENERGY = "1_0_1_8_0_255"
GARDEN = replace(METER, id="isk_87654321", number="87654321")

# A stream that is broken off leaves the server's own heartbeat behind.
pytestmark = pytest.mark.parametrize("expected_lingering_timers", [True])


async def act(hass: HomeAssistant, action: str, /, **data: Any) -> Any:
    """Return an action's response."""
    return await hass.services.async_call(DOMAIN, action, data, blocking=True, return_response=True)


async def refusal(hass: HomeAssistant, action: str, /, **data: Any) -> str | None:
    """Return by which key an action is refused, before anything is asked."""
    with pytest.raises(ServiceValidationError) as caught:
        await act(hass, action, **data)
    assert caught.value.translation_domain == DOMAIN
    return caught.value.translation_key


def device(hass: HomeAssistant, entry: MockConfigEntry, meter: str = METER.id) -> str:
    """Return the id of a meter's device."""
    found = async_device_of(hass, entry.entry_id, meter)
    assert found is not None
    return found.id


@pytest.fixture
async def two(hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry) -> MockConfigEntry:
    """Return the entry with two meters."""
    gateway.publish("1.8.0(0000007.100*kWh)", "0.0.0(87654321)", meter=GARDEN)
    await until(lambda: registered(hass, "sensor", ENERGY, GARDEN.id))
    return loaded


# --- read now


async def test_a_reading_is_waited_for_and_returned(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """With the digits of the line, units, names and codes."""
    gateway.on_read = lambda _: gateway.publish("1.8.0(0033402.260*kWh)", "F.F(00000000)", "1.8.1(0000001.000*kWh)")
    response = await act(hass, "read_now", device_id=device(hass, loaded))
    (reading,) = response["readings"]
    registers = reading.pop("registers")
    assert reading == {
        "meter": METER.id,
        "name": "Electricity meter 12345678",
        "number": "12345678",
        "manufacturer": "Iskraemeco",
        "model": "MT174",
        "medium": "electricity",
        "device_id": device(hass, loaded),
        "time": "2026-11-22T12:02:00.000+00:00",
        "duration": 4.25,
        "tariff": None,
    }
    assert registers[ENERGY] == {
        "name": "Energy import",
        "code": "1-0:1.8.0*255",
        "value": "33402.260",
        "unit": "kWh",
        "time": None,
    }
    assert [register["value"] for register in registers.values()] == ["33402.260", "00000000", "1.000"]
    assert gateway.asked == [METER.id]


async def test_names_are_in_the_language_of_this_home_assistant(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """As those of the entities; a name that nobody has translated is the gateway's."""
    hass.config.language = "de"
    response = await act(hass, "export_readings", device_id=device(hass, loaded))
    registers = response["meters"][0]["registers"]
    assert registers["1_0_1_8_2_255"]["name"] == "Zählerstand Bezug T2"


@pytest.mark.parametrize(
    ("key", "placeholders"), [(None, {}), ("of_a_newer_gateway", {}), ("active_energy_import_tariff", {"other": "1"})]
)
async def test_a_name_that_nobody_has_translated_is_the_gateways(
    hass: HomeAssistant, loaded: MockConfigEntry, key: str | None, placeholders: dict[str, str]
) -> None:
    """It may be newer than this integration."""
    name_of = await async_namer(hass)
    assert name_of(Register("x", "As it says", translation_key=key, placeholders=placeholders)) == "As it says"


async def test_without_a_wish_for_it_nothing_is_returned(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """The states follow, also where the gateway does not tell by itself."""
    gateway.drop_streams()
    await until(lambda: not loaded.runtime_data.streaming)
    gateway.on_read = lambda _: gateway.publish("1.8.0(0033402.260*kWh)")
    target = {"entity_id": entity_id(hass, "sensor", ENERGY)}
    assert await hass.services.async_call(DOMAIN, "read_now", {}, blocking=True, target=target) is None
    assert hass.states.get(entity_id(hass, "sensor", ENERGY)).state == "33402.260"  # type: ignore[union-attr]


async def test_an_area_means_the_meters_in_it(
    hass: HomeAssistant, gateway: RunningGateway, two: MockConfigEntry
) -> None:
    """Each once, and nothing else that is there."""
    area = ar.async_get(hass).async_create("Cellar")
    for meter in (METER.id, GARDEN.id):
        dr.async_get(hass).async_update_device(device(hass, two, meter), area_id=area.id)
    stranger = MockConfigEntry(domain="other")
    stranger.add_to_hass(hass)
    other = dr.async_get(hass).async_get_or_create(config_entry_id=stranger.entry_id, identifiers={("other", "1")})
    dr.async_get(hass).async_update_device(other.id, area_id=area.id)
    gateway.on_read = lambda meter: gateway.publish(meter=METER if meter == METER.id else GARDEN)
    response = await act(hass, "read_now", area_id=area.id, entity_id=entity_id(hass, "sensor", ENERGY))
    assert sorted(gateway.asked) == [METER.id, GARDEN.id]
    assert [reading["meter"] for reading in response["readings"]] == [METER.id, GARDEN.id]
    garage = ar.async_get(hass).async_create("Garage")
    assert await refusal(hass, "read_now", area_id=garage.id) == "no_meter_targeted"
    assert await refusal(hass, "read_now") == "no_meter_targeted"


async def test_an_entity_that_was_moved_to_an_area_stands_for_its_meter(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """As Home Assistant takes it everywhere."""
    area = ar.async_get(hass).async_create("Cellar")
    er.async_get(hass).async_update_entity(entity_id(hass, "sensor", ENERGY), area_id=area.id)
    response = await act(hass, "export_readings", area_id=area.id)
    assert [meter["meter"] for meter in response["meters"]] == [METER.id]


async def test_what_is_no_meter_is_refused(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """Before anything is asked, with the reason."""
    stranger = MockConfigEntry(domain="other")
    stranger.add_to_hass(hass)
    other = dr.async_get(hass).async_get_or_create(
        config_entry_id=stranger.entry_id, identifiers={("other", "1")}, name="Lamp"
    )
    assert await refusal(hass, "read_now", device_id=[device(hass, loaded), other.id]) == "no_meter"
    assert await refusal(hass, "read_now", device_id="nobody") == "no_meter"
    assert await refusal(hass, "read_now", device_id=device(hass, loaded, gateway.id)) == "gateway_no_meter"
    assert await refusal(hass, "read_now", entity_id="sun.sun") == "no_meter_entity"
    assert gateway.asked == []


async def test_a_meter_that_the_gateway_has_no_more_is_refused(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """Its device may be there still."""
    gone = dr.async_get(hass).async_get_or_create(
        config_entry_id=loaded.entry_id, identifiers={(DOMAIN, "isk_1")}, name="Old meter"
    )
    assert await refusal(hass, "read_now", device_id=gone.id) == "meter_gone"


@pytest.mark.parametrize("action", ["read_now", "export_readings"])
async def test_a_gateway_that_is_not_set_up_is_named(hass: HomeAssistant, loaded: MockConfigEntry, action: str) -> None:
    """Unloaded or disabled: the actions stay, and say so."""
    meter = device(hass, loaded)
    await hass.config_entries.async_set_disabled_by(loaded.entry_id, ConfigEntryDisabler.USER)
    with pytest.raises(ServiceValidationError) as caught:
        await act(hass, action, device_id=meter)
    assert caught.value.translation_key == "not_loaded"
    assert caught.value.translation_placeholders == {
        "device": "Electricity meter 12345678",
        "gateway": "OBIS Gateway",
    }


async def test_a_meter_that_sends_by_itself_cannot_be_asked(
    hass: HomeAssistant, gateway: RunningGateway, two: MockConfigEntry
) -> None:
    """Nor are those beside it."""
    gateway.add_meter(GARDEN, on_request=False)
    await until(lambda: not two.runtime_data.meter(GARDEN.id).on_request)
    both = [device(hass, two), device(hass, two, GARDEN.id)]
    assert await refusal(hass, "read_now", device_id=both) == "not_on_request"
    assert gateway.asked == []


async def test_why_a_meter_was_not_read_is_said(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """With the gateway's words."""
    gateway.on_read = lambda _: gateway.fail("House at /dev/ttyUSB0: the meter does not answer (look at the head)")
    with pytest.raises(HomeAssistantError) as caught:
        await act(hass, "read_now", device_id=device(hass, loaded))
    assert caught.value.translation_key == "read_failed"
    assert str(caught.value) == (
        "Electricity meter 12345678 could not be read: House at /dev/ttyUSB0: the meter does not answer "
        "(look at the head)"
    )


async def test_a_reading_that_does_not_come_in_time_is_said(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """It goes on at the gateway."""
    with pytest.raises(HomeAssistantError) as caught:
        await act(hass, "read_now", device_id=device(hass, loaded), wait=1)
    assert caught.value.translation_key == "read_timeout"
    assert "within 1 seconds" in str(caught.value)


async def test_a_gateway_that_is_away_is_said(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """What was read before can still be exported, marked as old."""
    await gateway.stop()
    with pytest.raises(HomeAssistantError) as caught:
        await act(hass, "read_now", device_id=device(hass, loaded))
    assert caught.value.translation_key == "cannot_connect"
    await loaded.runtime_data.async_refresh()
    response = await act(hass, "export_readings")
    assert response["meters"][0]["available"] is False
    assert response["meters"][0]["registers"][ENERGY]["value"] == "12345.600"


async def test_a_token_that_was_revoked_asks_for_a_new_pairing(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """Where the stream has not noticed yet."""
    listeners, gateway.clients.on_revoked = gateway.clients.on_revoked, []
    gateway.revoke()
    gateway.clients.on_revoked = listeners
    with pytest.raises(HomeAssistantError) as caught:
        await act(hass, "read_now", device_id=device(hass, loaded))
    assert caught.value.translation_key == "invalid_auth"
    await until(lambda: any(loaded.async_get_active_flows(hass, {"reauth"})))


async def test_of_several_all_failures_are_said(
    hass: HomeAssistant, gateway: RunningGateway, two: MockConfigEntry
) -> None:
    """One alone by its own words; what was read is shown all the same."""
    both = [device(hass, two), device(hass, two, GARDEN.id)]

    def read(meter: str) -> None:
        if meter == METER.id:
            gateway.publish("1.8.0(0012400.000*kWh)")
        else:
            gateway.fail("no answer", meter=GARDEN)

    gateway.on_read = read
    with pytest.raises(HomeAssistantError, match="Electricity meter 87654321 could not be read: no answer"):
        await act(hass, "read_now", device_id=both)
    await until(lambda: hass.states.get(entity_id(hass, "sensor", ENERGY)).state == "12400.000")
    gateway.on_read = lambda meter: gateway.fail("no answer", meter=METER if meter == METER.id else GARDEN)
    with pytest.raises(HomeAssistantError) as caught:
        await act(hass, "read_now", device_id=both)
    assert caught.value.translation_key == "several_failed"
    assert str(caught.value) == (
        "2 of 2 meters could not be read. Electricity meter 12345678 could not be read: no answer; "
        "Electricity meter 87654321 could not be read: no answer"
    )


@pytest.mark.parametrize(
    ("action", "data"),
    [
        ("read_now", {"wait": 0}),
        ("read_now", {"wait": 121}),
        ("read_now", {"write": "1.8.0"}),
        ("export_readings", {"format": "xml"}),
    ],
)
async def test_nonsense_is_refused(
    hass: HomeAssistant, loaded: MockConfigEntry, action: str, data: dict[str, Any]
) -> None:
    """Before anything is done."""
    with pytest.raises(vol.Invalid):
        await act(hass, action, device_id=device(hass, loaded), **data)


# --- export


async def test_all_meters_are_exported(hass: HomeAssistant, two: MockConfigEntry) -> None:
    """With registers whose entities are disabled, and without asking any meter."""
    response = await act(hass, "export_readings")
    house, garden = response["meters"]
    assert (house["meter"], house["available"], house["tariff"]) == (METER.id, True, None)
    assert house["registers"]["1_0_1_8_0_1"] == {
        "name": "Energy import billing period 1",
        "code": "1-0:1.8.0*1",
        "value": "12000.000",
        "unit": "kWh",
        "time": None,
    }
    assert er.async_get(hass).async_get(entity_id(hass, "sensor", "1_0_1_8_0_1")).disabled_by is not None  # type: ignore[union-attr]
    assert garden["registers"][ENERGY]["value"] == "7.100"


@pytest.mark.parametrize(
    "wanted",
    ["1.8.0", "1-0:1.8.0*255", "1-0:1.8.0", "1_0_1_8_0_255", " 1.8.0 ", ["1.8.0"], ["1.8.0", "1-0:1.8.0"]],
)
async def test_a_register_is_named_in_any_way(hass: HomeAssistant, loaded: MockConfigEntry, wanted: object) -> None:
    """Short, whole, or by the id of its entity."""
    response = await act(hass, "export_readings", registers=wanted)
    assert ENERGY in response["meters"][0]["registers"]
    assert {one["code"].partition("*")[0] for one in response["meters"][0]["registers"].values()} == {"1-0:1.8.0"}


async def test_a_register_that_was_not_read_is_said(hass: HomeAssistant, two: MockConfigEntry) -> None:
    """One that only the other meter has is none that is missing."""
    assert await refusal(hass, "export_readings", registers=["1.8.0", "1.8.3"]) == "unknown_register"
    response = await act(hass, "export_readings", registers=["16.7.0"])
    assert [list(meter["registers"]) for meter in response["meters"]] == [["1_0_16_7_0_255"], []]


async def test_a_table_has_one_line_for_each_register(
    hass: HomeAssistant, gateway: RunningGateway, two: MockConfigEntry
) -> None:
    """As RFC 4180 has it: names with commas and quotes come back as they were."""
    gateway.add_meter(METER, name='House, "upstairs"')
    await until(lambda: two.runtime_data.meter(METER.id).name.startswith("House"))
    response = await act(
        hass,
        "export_readings",
        format="csv",
        registers=["1.8.0", "16.7.0"],
        device_id=[device(hass, two), device(hass, two, GARDEN.id)],
    )
    assert response.keys() == {"csv"}
    assert response["csv"].startswith("meter,meter_name,meter_number,time,code,register,name,value,unit,own_time\r\n")
    rows = list(csv.DictReader(io.StringIO(response["csv"])))
    assert [(row["meter_name"], row["code"], row["value"], row["unit"]) for row in rows] == [
        ('House, "upstairs"', "1-0:1.8.0*255", "12345.600", "kWh"),
        ('House, "upstairs"', "1-0:16.7.0*255", "-0.530", "kW"),
        ('House, "upstairs"', "1-0:1.8.0*1", "12000.000", "kWh"),
        ("Electricity meter 87654321", "1-0:1.8.0*255", "7.100", "kWh"),
    ]
    assert rows[0]["time"] == "2026-11-22T12:01:00.000+00:00"


async def test_a_meter_that_was_not_read_yet_is_listed(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """Without values, beside one that was."""
    gateway.add_meter(GARDEN)
    await until(lambda: async_device_of(hass, loaded.entry_id, GARDEN.id))
    _, garden = (await act(hass, "export_readings"))["meters"]
    assert (garden["meter"], garden["time"], garden["registers"]) == (GARDEN.id, None, {})


async def test_without_a_reading_there_is_nothing_to_export(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """The gateway was started just now."""
    await gateway.restart()
    await until(lambda: loaded.runtime_data.meter(METER.id).reading is None)
    assert await refusal(hass, "export_readings") == "no_reading"


async def test_without_a_gateway_there_is_nothing_to_export(hass: HomeAssistant, loaded: MockConfigEntry) -> None:
    """The actions are there all the same."""
    assert await hass.config_entries.async_unload(loaded.entry_id)
    assert await refusal(hass, "export_readings") == "nothing_loaded"


async def test_actions_are_described(hass: HomeAssistant, loaded: MockConfigEntry) -> None:
    """For the form in Home Assistant: targets, fields, what they return."""
    described = (await async_get_all_descriptions(hass))[DOMAIN]
    assert described["read_now"]["response"] == {"optional": True}
    assert described["export_readings"]["response"] == {"optional": False}
    for action, fields in (("read_now", {"wait"}), ("export_readings", {"format", "registers"})):
        assert described[action]["target"] == {
            "device": [{"integration": DOMAIN}],
            "entity": [{"integration": DOMAIN}],
        }
        assert described[action]["fields"].keys() == fields
