"""What happens at a meter is an event, once, whatever comes between."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from homeassistant.components.event import ATTR_EVENT_TYPE, ATTR_EVENT_TYPES
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, State, callback
from homeassistant.helpers.event import async_track_state_change_event
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.obis_gateway import push
from custom_components.obis_gateway.const import EVENT_TYPES
from obisgw.readings.derive import EventKind
from tests.home_assistant.integration.conftest import set_up
from tests.home_assistant.integration.running import RunningGateway, until
from tests.home_assistant.integration.seen import entity_id, state
from tests.mqtt.samples import METER

KEY = "events"

# A stream that is broken off leaves the server's own heartbeat behind.
pytestmark = pytest.mark.parametrize("expected_lingering_timers", [True])


def heard(hass: HomeAssistant) -> list[State]:
    """Return a list that grows with each event of the meter."""
    states: list[State] = []

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        new = event.data["new_state"]
        # Its last event is its state again when the gateway is back.
        if new and new.state not in {STATE_UNAVAILABLE, STATE_UNKNOWN, *(one.state for one in states)}:
            states.append(new)

    async_track_state_change_event(hass, entity_id(hass, "event", KEY), note)
    return states


async def test_each_event_is_told_with_what_it_is_about(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """Type, details, and the time at which it was seen at the meter."""
    assert state(hass, "event", KEY).state == STATE_UNKNOWN
    assert state(hass, "event", KEY).attributes[ATTR_EVENT_TYPES] == list(EVENT_TYPES)
    gateway.happen(EventKind.TARIFF_SWITCHED, previous_tariff="t1", tariff="t2")
    await until(lambda: state(hass, "event", KEY).state != STATE_UNKNOWN)
    attributes = state(hass, "event", KEY).attributes
    assert attributes[ATTR_EVENT_TYPE] == "tariff_switched"
    assert (attributes["previous_tariff"], attributes["tariff"]) == ("t1", "t2")
    assert attributes["at"] == gateway.time.isoformat()


async def test_a_replaced_meter_tells_so_itself(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """Automations wait there; the new meter's entity is only just being made."""
    new = replace(METER, id="isk_87654321", number="87654321")
    events = heard(hass)
    gateway.replace_meter(new)
    await until(lambda: events)
    assert events[0].attributes[ATTR_EVENT_TYPE] == "meter_replaced"
    assert events[0].attributes["previous_meter"] == METER.id


def test_all_events_of_the_gateway_are_known() -> None:
    """The lists of both sides are equal."""
    assert {kind.value for kind in EventKind} == set(EVENT_TYPES)


async def test_events_of_a_meter_that_cannot_be_read_are_told(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """A reading that is held back is why it cannot be read."""
    states = heard(hass)
    gateway.fail("the block check is wrong")
    gateway.happen(EventKind.READING_HELD_BACK, reason="the block check is wrong")
    await until(lambda: states)
    assert states[0].attributes["reason"] == "the block check is wrong"


async def test_what_happened_while_the_line_was_broken_is_told_afterwards(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In its order, each once, though the poll in between has shown the newest reading."""
    monkeypatch.setattr(push, "RETRY_FIRST", 0.05)
    states = heard(hass)
    gateway.happen(EventKind.POWER_FAILURE, counters="C.7.0 = 5")
    await until(lambda: len(states) == 1)
    gateway.drop_streams()
    await until(lambda: not loaded.runtime_data.streaming)
    gateway.happen(EventKind.TARIFF_SWITCHED, previous_tariff="t1", tariff="t2")
    gateway.time += timedelta(minutes=5)
    gateway.happen(EventKind.TARIFF_SWITCHED, previous_tariff="t2", tariff="t1")
    await loaded.runtime_data.async_refresh()
    await until(lambda: len(states) == 3)
    await until(lambda: loaded.runtime_data.streaming)
    assert [one.attributes.get("tariff") for one in states] == [None, "t2", "t1"]
    assert states[1].attributes["at"] < states[2].attributes["at"]


async def test_a_restart_of_the_gateway_does_not_repeat_events(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its messages are counted from one again."""
    monkeypatch.setattr(push, "RETRY_FIRST", 0.05)
    states = heard(hass)
    gateway.happen(EventKind.CLOCK_SET, by="+60 s")
    await until(lambda: len(states) == 1)
    await gateway.restart()
    await until(lambda: loaded.runtime_data.known.stream == gateway.feed.stream and loaded.runtime_data.streaming)
    gateway.happen(EventKind.CLOCK_SET, by="+61 s")
    await until(lambda: len(states) == 2)
    assert [one.attributes["by"] for one in states] == ["+60 s", "+61 s"]


async def test_the_last_event_is_known_after_a_reload(
    hass: HomeAssistant, gateway: RunningGateway, entry: MockConfigEntry
) -> None:
    """And is not told a second time."""
    await set_up(hass, entry)
    gateway.happen(EventKind.BILLING_RESET, count="12")
    await until(lambda: state(hass, "event", KEY).state != STATE_UNKNOWN)
    before = state(hass, "event", KEY)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await until(lambda: entry.runtime_data.streaming)
    assert state(hass, "event", KEY).state == before.state
    assert state(hass, "event", KEY).attributes["count"] == "12"
