"""Registers and thresholds of a meter are set; what the gateway says against them is told, and nothing typed is lost."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.const import CONF_PORT
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import InvalidData
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.obis_gateway.const import CONF_REGISTERS, CONF_THRESHOLDS, DOMAIN
from obisgw.obis import Medium
from obisgw.readings.reading import MeterIdentity
from obisgw.readings.thresholds import Threshold
from tests.home_assistant.integration.elsewhere import answering
from tests.home_assistant.integration.flows import Flow
from tests.home_assistant.integration.running import RunningGateway, until
from tests.mqtt.samples import METER

HEAT = MeterIdentity("kam_70000001", "70000001", "KAM", "Kamstrup", "MC", Medium.HEAT)
SECOND = replace(METER, id="isk_87654321", number="87654321")

NO_DAMPING = {"hysteresis": 0, "duration": {"hours": 0, "minutes": 0, "seconds": 0}}
FORM = {"name": "High power", "register": "power", "direction": "above", "limit": 3, "damping": NO_DAMPING}
"""What is typed at least."""

SAVED = {
    "name": "High power",
    "register": None,
    "above": "3",
    "below": None,
    "unit": None,
    "hysteresis": "0",
    "for": 0,
}
"""What is saved for it."""


@pytest.fixture(autouse=True)
async def _unloaded(hass: HomeAssistant, gateway: RunningGateway) -> AsyncIterator[None]:
    """Unload the entry before the gateway goes."""
    yield
    await hass.async_block_till_done()
    for entry in hass.config_entries.async_loaded_entries(DOMAIN):
        await hass.config_entries.async_unload(entry.entry_id)
    await until(lambda: gateway.streams == 0)


def watched(gateway: RunningGateway, meter: MeterIdentity = METER) -> list[Threshold]:
    """Return what the gateway watches for clients."""
    return list(gateway.clients.thresholds_of(meter.id))


async def saved(flow: Flow, entry: MockConfigEntry) -> dict[str, Any]:
    """Return the options that a flow has ended with, and see that the entry works with them."""
    assert flow.created, flow.errors
    await flow.hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED
    return dict(entry.options)


async def add(hass: HomeAssistant, entry: MockConfigEntry, **form: Any) -> Flow:
    """Begin to add a threshold, and submit the form."""
    flow = await (await Flow.options(hass, entry)).choose("add_threshold")
    return await flow.send(**{**FORM, **form})


# --- which meter


async def test_with_one_meter_there_is_nothing_to_choose(hass: HomeAssistant, loaded: MockConfigEntry) -> None:
    """The menu is its own, and has no thresholds to change yet."""
    flow = await Flow.options(hass, loaded)
    assert flow.step == "meter"
    assert "Electricity meter 12345678" in flow.text
    assert flow.result["menu_options"] == ["registers", "add_threshold"]


async def test_of_several_meters_one_is_chosen(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: RunningGateway
) -> None:
    """By its name, with its number where that does not say it."""
    gateway.add_meter(SECOND, name="Heat pump")
    gateway.publish(meter=SECOND)
    await until(lambda: SECOND.id in loaded.runtime_data.data.meters)
    flow = await Flow.options(hass, loaded)
    assert flow.step == "init"
    assert flow.choices("meter") == {METER.id: "Electricity meter 12345678", SECOND.id: "Heat pump (87654321)"}
    await flow.send(meter=SECOND.id)
    assert "Heat pump" in flow.text
    await flow.choose("add_threshold")
    await flow.send(**FORM)
    assert (await saved(flow, loaded))[CONF_THRESHOLDS] == {SECOND.id: [SAVED]}
    assert [one.name for one in watched(gateway, SECOND)] == ["High power"]
    assert watched(gateway) == []


async def test_a_gateway_without_meters_has_no_options_yet(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: RunningGateway
) -> None:
    """It says when there will be some."""
    gateway.remove_meter()
    await until(lambda: not loaded.runtime_data.data.meters)
    flow = await Flow.options(hass, loaded)
    assert flow.reason == "no_meters"
    assert "As soon as it has read one" in flow.text


async def test_a_meter_that_was_not_read_yet_has_no_options_yet(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: RunningGateway
) -> None:
    """Of a heat meter nobody knows which register the power is; of an electricity meter the gateway does."""
    gateway.remove_meter()
    gateway.add_meter(HEAT)
    await until(lambda: list(loaded.runtime_data.data.meters) == [HEAT.id])
    flow = await Flow.options(hass, loaded)
    assert flow.reason == "nothing_known"
    assert "Heat meter 70000001 has not been read" in flow.text
    gateway.remove_meter(HEAT)
    gateway.add_meter(SECOND)
    await until(lambda: list(loaded.runtime_data.data.meters) == [SECOND.id])
    assert (await Flow.options(hass, loaded)).result["menu_options"] == ["add_threshold"]


async def test_an_entry_that_is_not_loaded_has_its_meters_from_the_gateway(
    hass: HomeAssistant, entry: MockConfigEntry, gateway: RunningGateway
) -> None:
    """And where that does not answer, it is asked again by the same form."""
    await gateway.stop()
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    flow = await Flow.options(hass, entry)
    assert (flow.step, flow.errors) == ("init", {"base": "nothing_at_loopback"})
    await flow.send()
    assert (flow.step, flow.errors) == ("init", {"base": "nothing_at_loopback"})
    await gateway.start()
    await flow.send()
    assert flow.step == "meter"
    await flow.choose("add_threshold")
    await flow.send(**FORM)
    assert flow.created
    assert entry.options == {CONF_THRESHOLDS: {METER.id: [SAVED]}}


# --- registers


async def test_registers_that_are_not_shown_can_be_chosen(
    hass: HomeAssistant, loaded: MockConfigEntry, entity_registry: er.EntityRegistry
) -> None:
    """By name and code; those chosen are shown, and those chosen no more leave nothing in the options."""
    flow = await (await Flow.options(hass, loaded)).choose("registers")
    choices = flow.choices(CONF_REGISTERS)
    meter = loaded.runtime_data.data.meters[METER.id]
    assert list(choices) == [one.id for one in meter.registers.values() if not one.enabled]
    assert choices["1_0_1_8_0_1"] == "Energy import billing period 1 (1-0:1.8.0*1)"
    assert flow.suggested() == {CONF_REGISTERS: []}
    entity_id = entity_registry.async_get_entity_id("sensor", DOMAIN, f"{METER.id}_1_0_1_8_0_1")
    assert entity_id is not None
    assert hass.states.get(entity_id) is None
    await flow.send(registers=["1_0_1_8_0_1"])
    assert await saved(flow, loaded) == {CONF_REGISTERS: {METER.id: ["1_0_1_8_0_1"]}}
    state = hass.states.get(entity_id)
    assert state is not None
    assert state.state == "12000.000"
    flow = await (await Flow.options(hass, loaded)).choose("registers")
    assert flow.suggested() == {CONF_REGISTERS: ["1_0_1_8_0_1"]}
    await flow.send(registers=[])
    assert await saved(flow, loaded) == {CONF_REGISTERS: {}}


async def test_a_chosen_register_that_the_meter_has_not_shown_again_stays_chosen(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    """It may come with the next billing."""
    options = {CONF_REGISTERS: {METER.id: ["1_0_1_8_0_99"], SECOND.id: ["1_0_1_8_0_1"]}}
    hass.config_entries.async_update_entry(loaded, options=options)
    flow = await (await Flow.options(hass, loaded)).choose("registers")
    assert flow.choices(CONF_REGISTERS)["1_0_1_8_0_99"] == "1_0_1_8_0_99"
    await flow.send(registers=["1_0_1_8_0_99"])
    assert await saved(flow, loaded) == options


async def test_registers_have_the_names_of_the_installations_language(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    """As their entities have."""
    hass.config.language = "de"
    flow = await (await Flow.options(hass, loaded)).choose("registers")
    assert flow.choices(CONF_REGISTERS)["1_0_1_8_0_1"] == "Zählerstand Bezug Abrechnungsperiode 1 (1-0:1.8.0*1)"


def described(**register: Any) -> str:
    """Return the answer of another program's gateway, with one meter and one register."""
    whole = {"id": "r", "name": "Something", "obis": "1-0:1.8.0*255", "kind": "number", "enabled": False, **register}
    return json.dumps({"stream": "s", "sequence": 1, "meters": [{"id": "m", "registers": [whole]}]})


@pytest.mark.parametrize(
    ("register", "label"),
    [
        ({}, "Something (1-0:1.8.0*255)"),
        ({"obis": None, "address": "B_7"}, "Something (B_7)"),
        ({"translation_key": "nobody_knows"}, "Something (1-0:1.8.0*255)"),
        ({"translation_key": "active_energy_import_billing_period"}, "Something (1-0:1.8.0*255)"),
        ({"translation_key": "active_energy_import"}, "Energy import (1-0:1.8.0*255)"),
        ({"translation_key": "active_energy_import", "obis": None}, "Energy import (r)"),
        (
            {"translation_key": "active_energy_import_billing_period", "placeholders": {"billing_period": "{0}"}},
            "Energy import billing period {0} (1-0:1.8.0*255)",
        ),
    ],
)
async def test_what_a_newer_gateway_names_otherwise_has_its_own_name(
    hass: HomeAssistant, entry: MockConfigEntry, register: dict[str, Any], label: str
) -> None:
    """In no language is it nameless."""
    async with answering(described(**register)) as port:
        hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_PORT: port})
        flow = await Flow.options(hass, entry)
    flow.result = await flow.manager.async_configure(flow.result["flow_id"], {"next_step_id": "registers"})
    assert flow.choices(CONF_REGISTERS) == {"r": label}


# --- thresholds: added


@pytest.mark.parametrize(
    ("form", "expected", "at_gateway"),
    [
        ({}, {}, {"above": Decimal(3)}),
        ({"name": "  High power "}, {}, {}),
        ({"limit": 2.5, "unit": "kW"}, {"above": "2.5", "unit": "kW"}, {"above": Decimal("2.5"), "unit": "kW"}),
        ({"unit": " "}, {}, {}),
        ({"limit": 1e20}, {"above": "100000000000000000000"}, {}),
        ({"limit": 0.001}, {"above": "0.001"}, {}),
        (
            {"direction": "below", "limit": -500, "unit": "W"},
            {"above": None, "below": "-500", "unit": "W"},
            {"above": None, "below": Decimal(-500)},
        ),
        (
            {"register": "1-0:32.7.0*255", "limit": 253, "unit": "V"},
            {"register": "1-0:32.7.0*255", "above": "253", "unit": "V"},
            {"register": "1-0:32.7.0*255"},
        ),
        (
            {"damping": {"hysteresis": 0.2, "duration": {"hours": 1, "minutes": 5, "seconds": 7}}},
            {"hysteresis": "0.2", "for": 3907},
            {"hysteresis": Decimal("0.2"), "seconds": 3907.0},
        ),
        ({"damping": {"hysteresis": 0, "duration": {"days": 1}}}, {"for": 86400}, {"seconds": 86400.0}),
        ({"damping": {"hysteresis": 0, "duration": {"seconds": 1.5}}}, {"for": 1.5}, {"seconds": 1.5}),
    ],
)
async def test_a_threshold_is_set_at_the_gateway_and_saved(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: RunningGateway,
    form: dict[str, Any],
    expected: dict[str, Any],
    at_gateway: dict[str, Any],
) -> None:
    """Its digits are those that were typed."""
    flow = await add(hass, loaded, **form)
    assert await saved(flow, loaded) == {CONF_THRESHOLDS: {METER.id: [{**SAVED, **expected}]}}
    [threshold] = watched(gateway)
    assert threshold.name == "High power"
    assert {name: getattr(threshold, name) for name in at_gateway} == at_gateway


async def test_a_threshold_becomes_a_binary_sensor(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: RunningGateway, entity_registry: er.EntityRegistry
) -> None:
    """With the next reading it is on or off."""
    await saved(await add(hass, loaded, direction="below", limit=0), loaded)
    gateway.publish()
    [entity_id] = [one.entity_id for one in entity_registry.entities.values() if one.unique_id.endswith("high_power")]
    await until(lambda: (state := hass.states.get(entity_id)) is not None and state.state == "on")


async def test_the_form_offers_numbers_with_their_units(hass: HomeAssistant, loaded: MockConfigEntry) -> None:
    """The usual power first, past billing periods last, no texts."""
    flow = await (await Flow.options(hass, loaded)).choose("add_threshold")
    choices = flow.choices("register")
    assert next(iter(choices)) == "power"
    assert list(choices)[-1] == "1-0:1.8.0*1"
    assert choices["1-0:16.7.0*255"] == "Power (1-0:16.7.0*255) · kW"
    assert "1-0:0.2.0*255" not in choices
    assert "Power (as the meter shows it: net, import or total)" in flow.text
    assert flow.suggested() == {"register": "power", "direction": "above", "damping": NO_DAMPING}


async def test_a_heat_meters_limit_is_for_a_register_of_its_list(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: RunningGateway
) -> None:
    """The usual power is that of electricity."""
    gateway.remove_meter()
    gateway.add_meter(HEAT)
    gateway.publish("6-0:1.0.0(12.5*MWh)", "6-0:8.0.0(1.2*kW)", "6-0:8.0.0(9.9*kW)", meter=HEAT)
    await until(lambda: (meter := loaded.runtime_data.data.meters.get(HEAT.id)) is not None and meter.registers)
    flow = await (await Flow.options(hass, loaded)).choose("add_threshold")
    choices = flow.choices("register")
    assert "power" not in choices
    assert len(choices) == 2
    assert flow.suggested()["register"] == next(iter(choices))


async def test_a_number_without_a_unit_can_be_watched(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: RunningGateway
) -> None:
    """A count of power failures, for one."""
    flow = await (await Flow.options(hass, loaded)).choose("add_threshold")
    assert flow.choices("register")["0-0:96.7.0*255"] == "Power failures (0-0:96.7.0*255)"
    await flow.send(**{**FORM, "register": "0-0:96.7.0*255"})
    await saved(flow, loaded)
    assert watched(gateway)[0].register == "0-0:96.7.0*255"


# --- thresholds: refused


@pytest.mark.parametrize(
    ("form", "field", "error", "words"),
    [
        ({"name": ""}, "base", "refused", "'name' is a text of 1 to 64 printable characters"),
        ({"name": "x" * 65}, "base", "refused", "'name' is a text of 1 to 64 printable characters"),
        ({"limit": "inf"}, "base", "refused", "'above' is out of range"),
        ({"limit": "nan"}, "base", "refused", "'above' is out of range"),
        ({"limit": 1e300}, "base", "refused", "threshold 'High power': 'above' is"),
        ({"unit": "kWh"}, "base", "refused", "1-0:16.7.0*255 is in kW, which cannot be compared with kWh"),
        ({"unit": "x" * 17}, "base", "refused", "'unit' is text such as kW"),
        (
            {"damping": {"hysteresis": 0, "duration": {"hours": 25}}},
            "base",
            "refused",
            "'for' is a number of seconds, at most a day",
        ),
        ({"name": "Own"}, "name", "threshold_conflict", "Choose another name"),
        ({"name": "Configured"}, "name", "threshold_conflict", "Choose another name"),
        ({"name": "Somebody else"}, "name", "threshold_conflict", "Choose another name"),
    ],
)
async def test_what_the_gateway_says_against_a_threshold_is_told(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    gateway: RunningGateway,
    form: dict[str, Any],
    field: str,
    error: str,
    words: str,
) -> None:
    """What was typed stands there still, and what was set before stays."""
    gateway.add_meter(thresholds=(Threshold("configured", "Configured", above=Decimal(1)),))
    somebody, _ = gateway.clients.add("Another Home Assistant")
    gateway.clients.set_thresholds(
        somebody.id, METER.id, [Threshold("somebody_else", "Somebody else", above=Decimal(1))]
    )
    gateway.clients_changed()
    own = {**SAVED, "name": "Own"}
    hass.config_entries.async_update_entry(entry, options={CONF_THRESHOLDS: {METER.id: [own]}})
    await hass.config_entries.async_setup(entry.entry_id)
    await until(lambda: len(watched(gateway)) == 2)
    flow = await add(hass, entry, **form)
    assert (flow.step, flow.errors) == ("add_threshold", {field: error})
    assert words in flow.text
    typed = {**FORM, **form}
    suggested = flow.suggested()
    assert {**suggested, "limit": None} == {**typed, "limit": None}
    assert f"{suggested['limit']:g}" == f"{float(typed['limit']):g}"
    assert entry.options == {CONF_THRESHOLDS: {METER.id: [own]}}
    assert {one.name for one in watched(gateway)} == {"Own", "Somebody else"}
    await flow.send(**FORM)
    assert await saved(flow, entry) == {CONF_THRESHOLDS: {METER.id: [own, SAVED]}}
    assert {one.name for one in watched(gateway)} == {"Own", "Somebody else", "High power"}


@pytest.mark.parametrize(
    "form",
    [
        {"register": "1-0:99.9.9*255"},
        {"direction": "sideways"},
        {"limit": "much"},
        {"damping": {"hysteresis": -1, "duration": {"seconds": 1}}},
        {"damping": {"hysteresis": 0, "duration": {"seconds": -1}}},
    ],
)
async def test_what_the_form_does_not_offer_is_not_sent(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: RunningGateway, form: dict[str, Any]
) -> None:
    """Home Assistant itself refuses it."""
    with pytest.raises(InvalidData):
        await add(hass, loaded, **form)
    assert watched(gateway) == []


async def test_a_gateway_that_does_not_answer_costs_nothing_that_was_typed(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: RunningGateway
) -> None:
    """The same form goes on when it does."""
    flow = await (await Flow.options(hass, loaded)).choose("add_threshold")
    await gateway.stop()
    await flow.send(**FORM)
    assert (flow.step, flow.errors) == ("add_threshold", {"base": "nothing_at_loopback"})
    assert flow.suggested() == FORM
    assert loaded.options == {}
    await gateway.start()
    await flow.send(**FORM)
    assert await saved(flow, loaded) == {CONF_THRESHOLDS: {METER.id: [SAVED]}}


# The server's aiohttp arms its heartbeat once more when a client answers the close.
@pytest.mark.parametrize("expected_lingering_timers", [True])
async def test_a_revoked_token_is_renewed_and_the_form_goes_on(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: RunningGateway
) -> None:
    """Home Assistant asks for the code beside it."""
    flow = await (await Flow.options(hass, loaded)).choose("add_threshold")
    gateway.revoke()
    await flow.send(**FORM)
    assert (flow.step, flow.errors) == ("add_threshold", {"base": "token_revoked"})
    assert "Pair again" in flow.text
    await hass.async_block_till_done()
    [asking] = hass.config_entries.flow.async_progress()
    assert asking["context"]["source"] == SOURCE_REAUTH
    await hass.config_entries.flow.async_configure(asking["flow_id"], {"code": gateway.pair_code()})
    await flow.send(**FORM)
    assert await saved(flow, loaded) == {CONF_THRESHOLDS: {METER.id: [SAVED]}}


async def test_a_meter_that_is_gone_is_told(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: RunningGateway
) -> None:
    """Until it is back."""
    flow = await (await Flow.options(hass, loaded)).choose("add_threshold")
    gateway.remove_meter()
    await flow.send(**FORM)
    assert (flow.step, flow.errors) == ("add_threshold", {"base": "unknown_meter"})
    assert "Wait until it has read the meter" in flow.text
    gateway.publish()
    await flow.send(**FORM)
    assert await saved(flow, loaded) == {CONF_THRESHOLDS: {METER.id: [SAVED]}}


# --- thresholds: changed and removed

TWO = [
    SAVED,
    {
        "name": "Feeding in",
        "register": "1-0:16.7.0*255",
        "above": None,
        "below": "-500",
        "unit": "W",
        "hysteresis": "50",
        "for": 3725,
    },
]


@pytest.fixture
async def with_two(hass: HomeAssistant, entry: MockConfigEntry, gateway: RunningGateway) -> MockConfigEntry:
    """Return the entry with two thresholds, set up."""
    hass.config_entries.async_update_entry(entry, options={CONF_THRESHOLDS: {METER.id: TWO}, "of_tomorrow": 1})
    await hass.config_entries.async_setup(entry.entry_id)
    await until(lambda: len(watched(gateway)) == 2)
    return entry


async def test_a_threshold_is_changed(hass: HomeAssistant, with_two: MockConfigEntry, gateway: RunningGateway) -> None:
    """From what is saved, and the others stay."""
    flow = await Flow.options(hass, with_two)
    assert flow.result["menu_options"] == ["registers", "add_threshold", "edit_threshold", "remove_thresholds"]
    await flow.choose("edit_threshold")
    assert flow.choices("name") == {"High power": "High power (> 3)", "Feeding in": "Feeding in (< -500 W)"}
    await flow.send(name="Feeding in")
    form = {
        "name": "Feeding in",
        "register": "1-0:16.7.0*255",
        "direction": "below",
        "limit": -500.0,
        "unit": "W",
        "damping": {"hysteresis": 50.0, "duration": {"hours": 1, "minutes": 2, "seconds": 5}},
    }
    assert (flow.step, flow.suggested()) == ("change_threshold", form)
    await flow.send(**{**form, "name": "High power"})
    assert flow.errors == {"name": "threshold_conflict"}
    assert flow.suggested() == {**form, "name": "High power"}
    await flow.send(**{**form, "limit": -1000})
    options = {CONF_THRESHOLDS: {METER.id: [SAVED, {**TWO[1], "below": "-1000"}]}, "of_tomorrow": 1}
    assert await saved(flow, with_two) == options
    assert {one.name: one.below for one in watched(gateway)} == {"High power": None, "Feeding in": Decimal(-1000)}


async def test_a_threshold_gets_another_name(
    hass: HomeAssistant, with_two: MockConfigEntry, gateway: RunningGateway
) -> None:
    """The one of the old name is gone."""
    flow = await (await Flow.options(hass, with_two)).choose("edit_threshold")
    await flow.send(name="High power")
    assert flow.suggested() == {**FORM, "limit": 3.0}
    await flow.send(**{**FORM, "name": "Very high power"})
    assert (await saved(flow, with_two))[CONF_THRESHOLDS][METER.id] == [{**SAVED, "name": "Very high power"}, TWO[1]]
    assert {one.name for one in watched(gateway)} == {"Very high power", "Feeding in"}


async def test_thresholds_written_short_by_hand_can_be_changed(
    hass: HomeAssistant, entry: MockConfigEntry, gateway: RunningGateway
) -> None:
    """The API lets what is usual be left out; a register that was not seen yet stays."""
    short = [{"name": "a", "above": 3}, {"name": "b", "below": 1.5, "register": "2.7.0", "hysteresis": 0.5}]
    hass.config_entries.async_update_entry(entry, options={CONF_THRESHOLDS: {METER.id: short}})
    await hass.config_entries.async_setup(entry.entry_id)
    await until(lambda: len(watched(gateway)) == 2)
    flow = await (await Flow.options(hass, entry)).choose("edit_threshold")
    assert flow.choices("name") == {"a": "a (> 3)", "b": "b (< 1.5)"}
    await flow.send(name="b")
    assert flow.choices("register")["2.7.0"] == "2.7.0"
    form = flow.suggested()
    assert form["damping"]["hysteresis"] == 0.5
    await flow.send(**form)
    await saved(flow, entry)
    assert entry.options[CONF_THRESHOLDS][METER.id] == [
        {**SAVED, "name": "a", "above": 3},
        {**SAVED, "name": "b", "above": None, "below": "1.5", "register": "2.7.0", "hysteresis": "0.5"},
    ]


async def test_a_threshold_that_was_removed_meanwhile_is_added_again(
    hass: HomeAssistant, with_two: MockConfigEntry, gateway: RunningGateway
) -> None:
    """In another window; what is typed here is wanted."""
    flow = await (await Flow.options(hass, with_two)).choose("edit_threshold")
    await flow.send(name="High power")
    other = await (await Flow.options(hass, with_two)).choose("remove_thresholds")
    await other.send(thresholds=["High power"])
    await saved(other, with_two)
    await flow.send(**FORM)
    assert (await saved(flow, with_two))[CONF_THRESHOLDS][METER.id] == [TWO[1], SAVED]


async def test_thresholds_are_removed(hass: HomeAssistant, with_two: MockConfigEntry, gateway: RunningGateway) -> None:
    """One after the other, at the gateway too; the last leaves nothing in the options."""
    flow = await (await Flow.options(hass, with_two)).choose("remove_thresholds")
    await gateway.stop()
    await flow.send(thresholds=["High power"])
    assert (flow.step, flow.errors) == ("remove_thresholds", {"base": "nothing_at_loopback"})
    assert flow.suggested() == {"thresholds": ["High power"]}
    assert with_two.options[CONF_THRESHOLDS] == {METER.id: TWO}
    await gateway.start()
    await flow.send(thresholds=["High power"])
    assert (await saved(flow, with_two))[CONF_THRESHOLDS] == {METER.id: TWO[1:]}
    assert [one.name for one in watched(gateway)] == ["Feeding in"]
    flow = await (await Flow.options(hass, with_two)).choose("remove_thresholds")
    await flow.send(thresholds=["Feeding in"])
    assert await saved(flow, with_two) == {CONF_THRESHOLDS: {}, "of_tomorrow": 1}
    assert watched(gateway) == []


async def test_two_windows_do_not_undo_each_other(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: RunningGateway
) -> None:
    """Each saves what it changed."""
    first = await (await Flow.options(hass, loaded)).choose("registers")
    second = await (await Flow.options(hass, loaded)).choose("add_threshold")
    third = await (await Flow.options(hass, loaded)).choose("add_threshold")
    await second.send(**FORM)
    await saved(second, loaded)
    await first.send(registers=["1_0_1_8_0_1"])
    await saved(first, loaded)
    await third.send(**{**FORM, "name": "Third"})
    assert await saved(third, loaded) == {
        CONF_REGISTERS: {METER.id: ["1_0_1_8_0_1"]},
        CONF_THRESHOLDS: {METER.id: [SAVED, {**SAVED, "name": "Third"}]},
    }
    assert {one.name for one in watched(gateway)} == {"High power", "Third"}


# --- as the frontend does it


async def test_the_frontend_gets_every_form(
    hass: HomeAssistant, with_two: MockConfigEntry, hass_client: ClientSessionGenerator
) -> None:
    """What a form is made of can be written as JSON, and what comes back is understood."""
    assert await async_setup_component(hass, "config", {})
    client = await hass_client()

    async def ask(path: str = "", **body: Any) -> dict[str, Any]:
        response = await client.post(f"/api/config/config_entries/options/flow{path}", json=body)
        assert response.status == 200
        answer: dict[str, Any] = await response.json()
        return answer

    menu = await ask(handler=with_two.entry_id)
    assert menu["type"] == "menu"
    for step in ("registers", "add_threshold", "remove_thresholds"):
        flow = await ask(handler=with_two.entry_id)
        form = await ask(f"/{flow['flow_id']}", next_step_id=step)
        assert (form["type"], form["step_id"]) == ("form", step)
        assert form["data_schema"]
    choice = await ask(f"/{menu['flow_id']}", next_step_id="edit_threshold")
    form = await ask(f"/{choice['flow_id']}", name="Feeding in")
    fields = {field["name"]: field for field in form["data_schema"]}
    assert list(fields) == ["name", "register", "direction", "limit", "unit", "damping"]
    assert fields["limit"]["description"] == {"suggested_value": -500.0}
    assert [field["name"] for field in fields["damping"]["schema"]] == ["hysteresis", "duration"]
    answer = await ask(
        f"/{form['flow_id']}",
        name="Feeding in",
        register="power",
        direction="below",
        limit=-600,
        damping={"hysteresis": 0, "duration": {"hours": 0, "minutes": 5, "seconds": 0}},
    )
    assert answer["type"] == "create_entry"
    assert with_two.options[CONF_THRESHOLDS][METER.id][1] == {
        **SAVED,
        "name": "Feeding in",
        "above": None,
        "below": "-600",
        "for": 300,
    }
