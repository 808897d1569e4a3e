"""The telegrams of real meters, from the line to Home Assistant's states: all registers of all of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from homeassistant.const import STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from custom_components.obis_gateway.const import CONF_REGISTERS, DOMAIN
from obisgw.iec62056_21.capture import telegrams_in
from obisgw.iec62056_21.dialects import Dialects
from obisgw.obis import Medium
from obisgw.readings.reading import MeterIdentity
from obisgw.readings.registers import registers_of
from tests.corpus import TELEGRAMS
from tests.home_assistant.integration.conftest import entry_for, set_up
from tests.home_assistant.integration.running import RunningGateway
from tests.home_assistant.said import warnings_of
from tests.mqtt.samples import METER

DIALECTS = Dialects.load()
SNAPSHOT = Path(__file__).parent / "snapshots" / "household.json"


async def test_all_registers_of_real_meters_are_shown(
    hass: HomeAssistant, socket_enabled: None, caplog: pytest.LogCaptureFixture
) -> None:
    """With the digits of the line and a name, and without a word of warning."""
    gateway = RunningGateway()
    for place, case in enumerate(case for case in TELEGRAMS if not case.refused):
        meter = MeterIdentity(f"abc_{place}", str(place), "ABC", "Maker", case.name, Medium(case.about["medium"]))
        for message in telegrams_in(case.raw, DIALECTS).messages:
            registers, _ = registers_of(message.telegram, message.dialect, message.request)
            if registers:
                gateway.publish(*registers, meter=meter)
    await gateway.start()
    known = {meter_id: gateway.feed.meter(meter_id) or {} for meter_id in gateway.feed.meters}
    chosen = {meter_id: [one["id"] for one in document["registers"]] for meter_id, document in known.items()}
    entry = entry_for(gateway, options={CONF_REGISTERS: chosen})
    entry.add_to_hass(hass)
    await set_up(hass, entry)
    await hass.async_block_till_done()

    registry, wrong, shown = er.async_get(hass), {}, 0
    for meter_id, document in known.items():
        for register in document["registers"]:
            entity_id = registry.async_get_entity_id("sensor", DOMAIN, f"{meter_id}_{register['id']}")
            state = None if entity_id is None else hass.states.get(entity_id)
            value = document["reading"]["values"].get(register["id"])
            shown += 1
            if state is None or state.state != ((value or "")[:255] or STATE_UNKNOWN) or "{" in state.name:
                wrong[meter_id, register["id"]] = value, state
    assert wrong == {}
    assert shown > 1500
    assert [text for text in warnings_of(caplog.records) if "has not been tested by Home Assistant" not in text] == []
    await gateway.stop()


async def test_one_meter_is_shown_as_it_was(hass: HomeAssistant, gateway: RunningGateway) -> None:
    """What changes here changes in people's homes: look at the difference, then delete the file to write it anew."""
    gateway.publish("1.8.0(0012345.600*kWh)", "1.8.1(0008000.000*kWh)", "1.8.2(0004345.600*kWh)", "1.6.1(3.42*kW)")
    entry = entry_for(gateway, options={CONF_REGISTERS: {METER.id: ["1_0_0_2_0_255"]}})
    entry.add_to_hass(hass)
    await set_up(hass, entry)
    shown = {}
    for entity in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id):
        state = hass.states.get(entity.entity_id)
        shown[entity.entity_id] = {
            "unique_id": entity.unique_id,
            "translation_key": entity.translation_key,
            "category": entity.entity_category and str(entity.entity_category),
            "disabled": entity.disabled,
            "state": state and state.state,
            "attributes": state and {str(key): str(value) for key, value in state.attributes.items()},
        }
    found = json.dumps(shown, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    if not SNAPSHOT.exists():
        SNAPSHOT.write_text(found, "utf-8")
        pytest.fail(f"{SNAPSHOT} was missing and is written: look at it, and add it")
    assert found == SNAPSHOT.read_text("utf-8")
