"""The integration's own trigger, and core's for power, in automations as users write them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from homeassistant.components.labs import async_update_preview_feature
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.trigger import async_get_all_descriptions
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_mock_service

from custom_components.obis_gateway.const import DOMAIN
from custom_components.obis_gateway.devices import async_device_of
from tests.home_assistant.integration.conftest import set_up
from tests.home_assistant.integration.running import RunningGateway, until
from tests.home_assistant.integration.seen import entity_id, registered, state
from tests.mqtt.samples import METER

GARDEN = replace(METER, id="isk_87654321", number="87654321")
LOW, HIGH = "0.2.2(2)", "0.2.2(1)"

# A stream that is broken off leaves the server's own heartbeat behind.
pytestmark = pytest.mark.parametrize("expected_lingering_timers", [True])

type Automate = Callable[..., Awaitable[list[ServiceCall]]]


def tariff(number: int, energy: str = "1") -> tuple[str, ...]:
    """Return the lines of a meter that says by itself which tariff it counts in."""
    return (f"96.14.0({number:04})", f"1.8.0({energy}*kWh)", "1.8.1(1*kWh)", "1.8.2(1*kWh)")


@pytest.fixture
async def automate(hass: HomeAssistant) -> Automate:
    """Return what sets an automation up and notes each time that it runs."""
    runs = async_mock_service(hass, "test", "ran")

    async def make(trigger: dict[str, Any]) -> list[ServiceCall]:
        said = {"said": "{{ trigger }}", "state": "{{ trigger.to_state.state if 'to_state' in trigger }}"}
        action = {"action": "test.ran", "data": said}
        config = {"alias": "Test", "triggers": [trigger], "actions": [action]}
        assert await async_setup_component(hass, "automation", {"automation": [config]})
        await hass.async_block_till_done()
        return runs

    return make


def device(hass: HomeAssistant, entry: MockConfigEntry, meter: str = METER.id) -> str:
    """Return the id of a meter's device."""
    found = async_device_of(hass, entry.entry_id, meter)
    assert found is not None
    return found.id


async def taken(hass: HomeAssistant, gateway: RunningGateway, entry: MockConfigEntry) -> None:
    """Return when all that the gateway has told was taken and acted upon."""
    await until(lambda: entry.runtime_data.known.sequence == gateway.feed.sequence)
    await hass.async_block_till_done()


@pytest.fixture
async def loaded(hass: HomeAssistant, gateway: RunningGateway, entry: MockConfigEntry) -> MockConfigEntry:
    """Return the entry with two meters that count in tariff 1."""
    gateway.publish(*tariff(1))
    gateway.publish(*tariff(1), meter=GARDEN)
    await set_up(hass, entry)
    assert state(hass, "sensor", "tariff").state == "t1"
    return entry


async def test_it_fires_when_the_tariff_changes(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry, automate: Automate
) -> None:
    """Once for each change, with what it was before."""
    trigger = {"trigger": "obis_gateway.tariff_changed", "target": {"device_id": device(hass, loaded)}}
    runs = await automate(trigger)
    gateway.publish(*tariff(1, "2"))
    gateway.publish(*tariff(2, "3"))
    gateway.publish(*tariff(2, "4"))
    gateway.publish(*tariff(2), meter=GARDEN)
    await taken(hass, gateway, loaded)
    (run,) = runs
    said = run.data["said"]
    expected = {
        "platform": "obis_gateway.tariff_changed",
        "device_id": device(hass, loaded),
        "meter": METER.id,
        "meter_name": "Electricity meter 12345678",
        "from_tariff": "t1",
        "to_tariff": "t2",
        "description": "tariff of Electricity meter 12345678 changed from t1 to t2",
    }
    assert {key: said[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("options", "fired"),
    [
        ({}, ["t2", "t3", "t1"]),
        ({"to": "t2"}, ["t2"]),
        ({"to": ["t2", "t1"]}, ["t2", "t1"]),
        ({"from": ["t2"]}, ["t3"]),
        ({"from": ["t2"], "to": ["t1"]}, []),
        ({"from": ["t1", "t2"], "to": ["t2", "t3"]}, ["t2", "t3"]),
    ],
)
async def test_it_fires_only_as_wished(
    hass: HomeAssistant,
    gateway: RunningGateway,
    loaded: MockConfigEntry,
    automate: Automate,
    options: dict[str, Any],
    fired: list[str],
) -> None:
    """From and to can each be left open."""
    target = {"entity_id": entity_id(hass, "sensor", "tariff")}
    runs = await automate({"trigger": "obis_gateway.tariff_changed", "target": target, "options": options})
    for number in (2, 3, 1):
        gateway.publish(*tariff(number))
        await taken(hass, gateway, loaded)
    assert [run.data["said"]["to_tariff"] for run in runs] == fired


async def test_an_area_stands_for_the_meters_in_it(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry, automate: Automate
) -> None:
    """Also for those that are put there later."""
    area = ar.async_get(hass).async_create("Cellar")
    runs = await automate({"trigger": "obis_gateway.tariff_changed", "target": {"area_id": area.id}})
    gateway.publish(*tariff(2))
    await taken(hass, gateway, loaded)
    assert runs == []
    dr.async_get(hass).async_update_device(device(hass, loaded, GARDEN.id), area_id=area.id)
    gateway.publish(*tariff(1))
    gateway.publish(*tariff(2), meter=GARDEN)
    await taken(hass, gateway, loaded)
    assert [run.data["said"]["meter"] for run in runs] == [GARDEN.id]


async def test_a_silence_is_no_change_and_hides_none(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry, automate: Automate
) -> None:
    """The first reading afterwards tells."""
    runs = await automate({"trigger": "obis_gateway.tariff_changed", "target": {"device_id": device(hass, loaded)}})
    gateway.fail()
    gateway.publish(*tariff(1, "2"))
    await taken(hass, gateway, loaded)
    assert runs == []
    gateway.fail()
    await until(lambda: state(hass, "sensor", "tariff").state == "unavailable")
    gateway.publish(*tariff(2))
    await taken(hass, gateway, loaded)
    assert len(runs) == 1


async def test_a_change_while_the_entry_was_loaded_anew_is_told(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry, automate: Automate
) -> None:
    """And without a stream as well."""
    runs = await automate({"trigger": "obis_gateway.tariff_changed", "target": {"device_id": device(hass, loaded)}})
    assert await hass.config_entries.async_unload(loaded.entry_id)
    gateway.publish(*tariff(2))
    await hass.async_block_till_done()
    assert runs == []
    await set_up(hass, loaded)
    await hass.async_block_till_done()
    assert [run.data["said"]["to_tariff"] for run in runs] == ["t2"]
    gateway.drop_streams()
    await until(lambda: not loaded.runtime_data.streaming)
    gateway.publish(*tariff(1))
    await loaded.runtime_data.async_refresh()
    await hass.async_block_till_done()
    assert [run.data["said"]["to_tariff"] for run in runs] == ["t2", "t1"]


async def test_the_automation_may_be_there_before_the_gateway(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry, automate: Automate
) -> None:
    """As at each start of Home Assistant; what is the tariff then is no change."""
    meter = device(hass, loaded)
    assert await hass.config_entries.async_unload(loaded.entry_id)
    runs = await automate({"trigger": "obis_gateway.tariff_changed", "target": {"device_id": meter}})
    gateway.publish(*tariff(2))
    await set_up(hass, loaded)
    gateway.publish(*tariff(1))
    await taken(hass, gateway, loaded)
    assert [run.data["said"]["to_tariff"] for run in runs] == ["t1"]


async def test_an_automation_that_is_off_does_not_listen(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry, automate: Automate
) -> None:
    """Nor does it keep the gateway busy."""
    before = len(loaded.runtime_data._listeners)
    runs = await automate({"trigger": "obis_gateway.tariff_changed", "target": {"device_id": device(hass, loaded)}})
    assert len(loaded.runtime_data._listeners) == before + 1
    await hass.services.async_call("automation", "turn_off", {"entity_id": "automation.test"}, blocking=True)
    assert len(loaded.runtime_data._listeners) == before
    gateway.publish(*tariff(2))
    await taken(hass, gateway, loaded)
    await set_up_again(hass, loaded)
    assert runs == []


async def set_up_again(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Load an entry anew."""
    assert await hass.config_entries.async_unload(entry.entry_id)
    await set_up(hass, entry)


@pytest.mark.parametrize(
    ("target", "options", "said"),
    [
        ({}, {}, "choose at least one meter"),
        ({"entity_id": "sensor.other"}, {}, "OBIS Gateway: sensor.other"),
        ("lamp", {}, "OBIS Gateway: Lamp"),
        ("meter", {"to": []}, "length"),
        ("meter", {"from": "t1", "to": "t1"}, "a change from t1 to t1 is none"),
        ("meter", {"until": "t1"}, "until"),
    ],
)
async def test_nonsense_is_said_when_the_automation_is_saved(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    automate: Automate,
    caplog: pytest.LogCaptureFixture,
    target: dict[str, str] | str,
    options: dict[str, Any],
    said: str,
) -> None:
    """And not when nothing happens for years."""
    stranger = MockConfigEntry(domain="other")
    stranger.add_to_hass(hass)
    lamp = dr.async_get(hass).async_get_or_create(
        config_entry_id=stranger.entry_id, identifiers={("other", "1")}, name="Lamp"
    )
    er.async_get(hass).async_get_or_create("sensor", "other", "1", suggested_object_id="other")
    if isinstance(target, str):
        target = {"device_id": lamp.id if target == "lamp" else device(hass, loaded)}
    await automate({"trigger": "obis_gateway.tariff_changed", "target": target, "options": options})
    assert said in caplog.text


async def test_it_is_described(hass: HomeAssistant, loaded: MockConfigEntry, automate: Automate) -> None:
    """For the editor: which meters, and which tariffs to choose from."""
    await automate({"trigger": "obis_gateway.tariff_changed", "target": {"device_id": device(hass, loaded)}})
    described = (await async_get_all_descriptions(hass))["obis_gateway.tariff_changed"]
    assert described is not None
    assert described["target"] == {"entity": [{"integration": DOMAIN, "domain": ["sensor"], "device_class": ["enum"]}]}
    assert described["fields"].keys() == {"from", "to"}
    assert described["fields"]["to"]["selector"]["select"]["options"][:2] == ["t1", "t2"]


# --- core's trigger


def above(entity: str, limit: float, unit: str) -> dict[str, Any]:
    """Return core's trigger for power above a limit."""
    value = {"number": limit, "unit_of_measurement": unit}
    return {
        "trigger": "power.crossed_threshold",
        "target": {"entity_id": entity},
        "options": {"threshold": {"type": "above", "value": value}},
    }


@pytest.mark.parametrize(("limit", "unit"), [(3, "kW"), (3000, "W")])
async def test_power_fits_the_trigger_of_home_assistant(
    hass: HomeAssistant,
    gateway: RunningGateway,
    loaded: MockConfigEntry,
    automate: Automate,
    limit: float,
    unit: str,
) -> None:
    """Whatever unit the meter prints. In 2026.6 it is still to be switched on in Home Assistant's labs."""
    assert await async_setup_component(hass, "labs", {})
    with suppress(ValueError):
        await async_update_preview_feature(hass, "automation", "new_triggers_conditions", enabled=True)
    gateway.publish("16.7.0(0.530*kW)")
    await until(lambda: registered(hass, "sensor", "1_0_16_7_0_255"))
    await until(lambda: state(hass, "sensor", "1_0_16_7_0_255").state == "0.530")
    runs = await automate(above(entity_id(hass, "sensor", "1_0_16_7_0_255"), limit, unit))
    for power in ("2.999", "3.001", "3.100", "-0.530", "4.000"):
        gateway.publish(f"16.7.0({power}*kW)")
        await taken(hass, gateway, loaded)
    assert [run.data["state"] for run in runs] == [3.001, 4.0]
