"""The blueprints load as Home Assistant imports them, and do what they say with the integration's entities."""

from __future__ import annotations

import re
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from homeassistant.components.automation.helpers import async_get_blueprints
from homeassistant.components.blueprint import Blueprint
from homeassistant.components.blueprint.importer import _get_github_import_url
from homeassistant.const import __version__
from homeassistant.core import CoreState, HomeAssistant, ServiceCall
from homeassistant.helpers.selector import validate_selector
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
    async_mock_service,
)

from custom_components.obis_gateway.devices import async_device_of
from tests.home_assistant.integration.conftest import set_up
from tests.home_assistant.integration.running import RunningGateway, until
from tests.home_assistant.integration.seen import entity_id, state
from tests.mqtt.samples import METER

ROOT = Path(__file__).parents[3]
FOLDER = Path("custom_components/obis_gateway/blueprints/automation/obis_gateway")
NAMES = sorted(path.name for path in (ROOT / FOLDER).glob("*.yaml"))
GUIDE = ROOT / "docs/guides/blueprints.md"
HOME = "https://github.com/obis-gateway/obis-gateway/blob/main/"
NEW = replace(METER, id="isk_87654321", number="87654321")

# A stream that is broken off leaves the server's own heartbeat behind.
pytestmark = pytest.mark.parametrize("expected_lingering_timers", [True])

type Use = Callable[..., Awaitable[list[ServiceCall]]]


@pytest.fixture
def folder(hass: HomeAssistant, tmp_path: Path) -> Path:
    """Return the configuration of a Home Assistant that has imported the blueprints."""
    shutil.copytree(ROOT / FOLDER, tmp_path / "blueprints/automation/obis_gateway")
    hass.config.config_dir = str(tmp_path)
    return tmp_path


@pytest.fixture
async def use(hass: HomeAssistant, loaded: MockConfigEntry, folder: Path) -> Use:
    """Return what makes an automation of a blueprint, and notes what it does."""
    runs = async_mock_service(hass, "test", "ran")

    async def make(name: str, **inputs: Any) -> list[ServiceCall]:
        use_blueprint = {"path": f"obis_gateway/{name}.yaml", "input": inputs}
        config = {"alias": "Test", "use_blueprint": use_blueprint}
        assert await async_setup_component(hass, "automation", {"automation": [config]})
        await hass.async_block_till_done()
        assert state_of(hass, "automation.test") == "on"
        return runs

    return make


def state_of(hass: HomeAssistant, entity: str) -> str | None:
    found = hass.states.get(entity)
    return None if found is None else found.state


def do(**data: str) -> list[dict[str, Any]]:
    """Return actions that are noted."""
    return [{"action": "test.ran", "data": data}]


async def taken(hass: HomeAssistant, gateway: RunningGateway, entry: MockConfigEntry) -> None:
    """Return when all that the gateway has told was taken and acted upon."""
    await until(lambda: entry.runtime_data.known.sequence == gateway.feed.sequence)
    await hass.async_block_till_done()


async def later(hass: HomeAssistant, **time: float) -> None:
    """Let time pass."""
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(**time))
    await hass.async_block_till_done()


# --- as files


async def test_all_load(hass: HomeAssistant, folder: Path) -> None:
    """From the versions on that the integration takes."""
    assert await async_setup_component(hass, "automation", {})
    blueprints = await async_get_blueprints(hass).async_get_blueprints()
    ours = {path: found for path, found in blueprints.items() if path.startswith("obis_gateway/")}
    assert sorted(ours) == [f"obis_gateway/{name}" for name in NAMES]
    for path, blueprint in ours.items():
        assert isinstance(blueprint, Blueprint), blueprint
        assert blueprint.validate() is None, f"{path} does not fit {__version__}"
        about = blueprint.data["blueprint"]
        assert about["homeassistant"]["min_version"] == "2026.6.0"
        for field in blueprint.inputs.values():
            validate_selector(field["selector"])


@pytest.mark.parametrize("name", NAMES)
def test_each_names_where_it_comes_from(name: str) -> None:
    """So that Home Assistant can load it anew."""
    text = (ROOT / FOLDER / name).read_text("utf-8")
    assert f"source_url: {HOME}{FOLDER}/{name}\n" in text
    raw = _get_github_import_url(f"{HOME}{FOLDER}/{name}")
    assert raw == f"https://raw.githubusercontent.com/obis-gateway/obis-gateway/main/{FOLDER}/{name}"


def test_the_guide_has_a_link_to_import_each() -> None:
    """And to nothing that is not there."""
    links = re.findall(
        r"\((https://my\.home-assistant\.io/redirect/blueprint_import/[^)]*)\)", GUIDE.read_text("utf-8")
    )
    named = [parse_qs(urlsplit(link).query)["blueprint_url"][0] for link in links]
    assert sorted(named) == [f"{HOME}{FOLDER}/{name}" for name in NAMES]


# --- start on the low tariff


def tariff(number: int) -> tuple[str, ...]:
    """Return the lines of a meter that says by itself which tariff it counts in."""
    return (f"96.14.0({number:04})", "1.8.0(1*kWh)", "1.8.1(1*kWh)", "1.8.2(1*kWh)")


@pytest.fixture
async def loaded(hass: HomeAssistant, gateway: RunningGateway, entry: MockConfigEntry) -> MockConfigEntry:
    """Return the entry with a meter that counts in tariff 1."""
    gateway.publish(*tariff(1), "16.7.0(0.530*kW)")
    await set_up(hass, entry)
    assert state(hass, "sensor", "tariff").state == "t1"
    return entry


@pytest.fixture
async def washing_machine(hass: HomeAssistant) -> str:
    """Return an appliance that is off, and a sign that it is loaded."""
    config = {"washing_machine": {"initial": False}, "is_loaded": {"initial": True}}
    assert await async_setup_component(hass, "homeassistant", {})
    assert await async_setup_component(hass, "input_boolean", {"input_boolean": config})
    return "input_boolean.washing_machine"


@pytest.mark.parametrize("switch_off", [False, True])
async def test_an_appliance_starts_on_the_low_tariff(
    hass: HomeAssistant,
    gateway: RunningGateway,
    loaded: MockConfigEntry,
    use: Use,
    washing_machine: str,
    *,
    switch_off: bool,
) -> None:
    """And ends with it, if that is wished."""
    await use(
        "start_on_low_tariff",
        tariff=entity_id(hass, "sensor", "tariff"),
        appliance={"entity_id": washing_machine},
        switch_off=switch_off,
    )
    gateway.publish(*tariff(2))
    await taken(hass, gateway, loaded)
    assert state_of(hass, washing_machine) == "on"
    gateway.publish(*tariff(1))
    await taken(hass, gateway, loaded)
    assert state_of(hass, washing_machine) == ("off" if switch_off else "on")


async def test_it_does_not_start_when_the_meter_only_comes_back(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry, use: Use, washing_machine: str
) -> None:
    """In the middle of the low tariff; nor between two tariffs that are both low."""
    gateway.publish(*tariff(2))
    await taken(hass, gateway, loaded)
    tariff_sensor = entity_id(hass, "sensor", "tariff")
    appliance = {"entity_id": washing_machine}
    await use("start_on_low_tariff", tariff=tariff_sensor, appliance=appliance, low=["t2", "t3"], switch_off=True)
    gateway.fail()
    await until(lambda: state(hass, "sensor", "tariff").state == "unavailable")
    gateway.publish(*tariff(2))
    gateway.publish(*tariff(3))
    await taken(hass, gateway, loaded)
    assert state_of(hass, washing_machine) == "off"
    gateway.publish(*tariff(1))
    gateway.publish(*tariff(3))
    await taken(hass, gateway, loaded)
    assert state_of(hass, washing_machine) == "on"


async def test_it_starts_only_if_the_conditions_hold(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry, use: Use, washing_machine: str
) -> None:
    """The washing machine has to be loaded."""
    is_loaded = {"condition": "state", "entity_id": "input_boolean.is_loaded", "state": "on"}
    await use(
        "start_on_low_tariff",
        tariff=entity_id(hass, "sensor", "tariff"),
        appliance={"entity_id": washing_machine},
        conditions=[is_loaded],
    )
    hass.states.async_set("input_boolean.is_loaded", "off")
    gateway.publish(*tariff(2))
    await taken(hass, gateway, loaded)
    assert state_of(hass, washing_machine) == "off"
    hass.states.async_set("input_boolean.is_loaded", "on")
    for number in (1, 2):
        gateway.publish(*tariff(number))
        await taken(hass, gateway, loaded)
    assert state_of(hass, washing_machine) == "on"


# --- high power


async def test_high_power_is_told_when_it_lasts(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry, use: Use
) -> None:
    """The limit is in W, the meter prints kW."""
    power = entity_id(hass, "sensor", "1_0_16_7_0_255")
    warn = do(power="{{ power }}", limit="{{ limit }}", minutes="{{ minutes }}", meter="{{ meter }}")
    runs = await use("warn_on_high_power", power=power, limit=3000, minutes=5, warn=warn)
    gateway.publish("16.7.0(3.100*kW)")
    await taken(hass, gateway, loaded)
    await later(hass, minutes=4)
    gateway.publish("16.7.0(2.900*kW)")
    await taken(hass, gateway, loaded)
    await later(hass, minutes=6)
    assert runs == []
    gateway.publish("16.7.0(3.200*kW)")
    await taken(hass, gateway, loaded)
    gateway.publish("16.7.0(3.5014*kW)")
    await taken(hass, gateway, loaded)
    await later(hass, minutes=6)
    (run,) = runs
    assert run.data["limit"] == 3000
    assert run.data["minutes"] == 5
    assert run.data["meter"] == "Electricity meter 12345678"
    assert run.data["power"] in {3200, 3501}


async def test_a_meter_that_falls_silent_is_no_high_power(
    hass: HomeAssistant,
    gateway: RunningGateway,
    loaded: MockConfigEntry,
    use: Use,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nor does the log complain."""
    power = entity_id(hass, "sensor", "1_0_16_7_0_255")
    runs = await use("warn_on_high_power", power=power, limit=3000, minutes=5, warn=do())
    gateway.publish("16.7.0(3.100*kW)")
    await taken(hass, gateway, loaded)
    gateway.fail()
    await taken(hass, gateway, loaded)
    await later(hass, minutes=6)
    assert runs == []
    assert not [record for record in caplog.records if "numeric_state" in record.getMessage()]


async def test_by_itself_it_is_a_notification(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry, use: Use
) -> None:
    """Without any action being chosen."""
    notes = async_mock_service(hass, "persistent_notification", "create")
    await use("warn_on_high_power", power=entity_id(hass, "sensor", "1_0_16_7_0_255"), minutes=0)
    gateway.publish("16.7.0(3.100*kW)")
    await taken(hass, gateway, loaded)
    assert notes[0].data == {
        "title": "Electricity meter 12345678: high power",
        "message": "More than 3000 W for 0 minutes; now it is 3100 W.",
    }


# --- silent


@pytest.mark.parametrize(("minutes", "told"), [(0, ["silent", "again"]), (30, [])])
async def test_a_silent_meter_is_told_and_its_return(
    hass: HomeAssistant,
    gateway: RunningGateway,
    loaded: MockConfigEntry,
    use: Use,
    minutes: int,
    told: list[str],
) -> None:
    """A short silence is neither."""
    value = entity_id(hass, "sensor", "1_0_1_8_0_255")
    said = {kind: do(what=kind, meter="{{ meter }}") for kind in ("silent", "again")}
    runs = await use("warn_when_silent", value=value, minutes=minutes, warn=said["silent"], again=said["again"])
    gateway.fail()
    await taken(hass, gateway, loaded)
    assert state_of(hass, value) == "unavailable"
    await later(hass, minutes=minutes / 2)
    gateway.publish(*tariff(1))
    await taken(hass, gateway, loaded)
    await later(hass, minutes=2 * minutes)
    assert [run.data["what"] for run in runs] == told
    assert {run.data["meter"] for run in runs} <= {"Electricity meter 12345678"}


async def test_a_silence_is_told_after_its_time(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry, use: Use
) -> None:
    """Once."""
    value = entity_id(hass, "sensor", "1_0_1_8_0_255")
    runs = await use("warn_when_silent", value=value, minutes=30, warn=do(minutes="{{ minutes }}"))
    gateway.fail()
    await taken(hass, gateway, loaded)
    await later(hass, minutes=29)
    assert runs == []
    await later(hass, minutes=31)
    await later(hass, minutes=90)
    assert [dict(run.data) for run in runs] == [{"minutes": 30}]


@pytest.mark.parametrize("returns", [False, True])
async def test_a_silence_that_began_before_the_start_is_told(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry, use: Use, *, returns: bool
) -> None:
    """When it is still there as long after; a meter that is read meanwhile is fine."""
    value = entity_id(hass, "sensor", "1_0_1_8_0_255")
    gateway.fail()
    await taken(hass, gateway, loaded)
    hass.set_state(CoreState.not_running)
    runs = await use("warn_when_silent", value=value, minutes=30, warn=do(silent="yes"), again=do(again="yes"))
    await hass.async_start()
    await until(lambda: hass.states.get("automation.test").attributes["current"] == 1)  # type: ignore[union-attr]
    if returns:
        gateway.publish(*tariff(1))
        await taken(hass, gateway, loaded)
        await later(hass, minutes=31)
        assert runs == []
    else:
        async_fire_time_changed(hass, dt_util.utcnow() + timedelta(minutes=31))
        await until(lambda: runs)
        assert [dict(run.data) for run in runs] == [{"silent": "yes"}]


# --- replaced


async def test_a_replaced_meter_is_told_once(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry, use: Use
) -> None:
    """With the name and the number of the old one."""
    runs = await use("tell_when_replaced", tell=do(meter="{{ meter }}", number="{{ number }}"))
    gateway.replace_meter(NEW)
    await taken(hass, gateway, loaded)
    assert [dict(run.data) for run in runs] == [{"meter": "Electricity meter 12345678", "number": 12345678}]
    assert await hass.config_entries.async_reload(loaded.entry_id)
    await until(lambda: loaded.runtime_data.streaming)
    assert len(runs) == 1
    assert async_device_of(hass, loaded.entry_id, METER.id) is not None
