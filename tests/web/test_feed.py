"""Every change as a numbered message, made once for all clients."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from obisgw.readings.derive import DerivedState, EventKind, MeterEvent, derive
from obisgw.readings.shown import MeterOptions
from obisgw.web import feed as feeds
from obisgw.web.feed import Feed, Kind
from tests.mqtt.samples import HEALTH, METER, NOON, reading

OTHER = replace(METER, id="isk_2", number="2")


def added(*meters: Any) -> Feed:
    """Return a feed with these meters, each in a slot of its own."""
    feed = Feed()
    for meter in meters or (METER,):
        feed.meter_added(meter, MeterOptions(60, f"slot {meter.id}"))
    return feed


def read(feed: Feed, *lines: str, state: DerivedState | None = None, meter: Any = METER) -> DerivedState:
    """Hand on a reading."""
    made = reading(*lines, meter=meter)
    renewed, derived = derive(state or DerivedState(), made)
    feed.publish_reading(made, derived, HEALTH)
    return renewed


def told(feed: Feed, since: int = 0) -> list[dict[str, Any]]:
    """Return the messages behind ``since``."""
    return [json.loads(message.text) for message in feed.after(since)]


def test_messages_are_numbered_from_one_without_a_gap() -> None:
    """A client sees by the numbers that it missed nothing."""
    feed = added(METER, OTHER)
    read(feed, "1.8.0(1*kWh)")
    read(feed, "1.8.0(2*kWh)")
    assert [message.sequence for message in feed.after(0)] == list(range(1, feed.sequence + 1))
    assert [document["sequence"] for document in told(feed)] == list(range(1, feed.sequence + 1))


def test_a_register_is_described_before_its_first_value() -> None:
    """A client never meets a value that it does not know."""
    feed = added()
    read(feed, "1.8.0(1*kWh)")
    since = feed.sequence
    read(feed, "1.8.0(2*kWh)", "2.8.0(1*kWh)")
    kinds = [document["type"] for document in told(feed, since)]
    assert kinds == ["meter", "reading"]
    known: set[str] = set()
    for document in told(feed):
        if document["type"] == "meter":
            known |= {register["id"] for register in document["description"]["registers"]}
        if document["type"] == "reading":
            assert set(document["reading"]["values"]) <= known


def test_what_is_known_already_is_not_told_again() -> None:
    """A minute's reading is one message."""
    feed = added()
    state = read(feed, "1.8.0(1*kWh)")
    since = feed.sequence
    read(feed, "1.8.0(2*kWh)", state=state)
    assert [document["type"] for document in told(feed, since)] == ["reading"]


def test_a_register_that_one_telegram_lacks_stays() -> None:
    """Its entity is not to come and go."""
    feed = added()
    read(feed, "1.8.0(1*kWh)", "2.8.0(1*kWh)")
    read(feed, "1.8.0(2*kWh)")
    meter = feed.meter(METER.id)
    assert meter is not None
    assert [register["obis"] for register in meter["registers"]] == ["1-0:1.8.0*255", "1-0:2.8.0*255"]
    assert set(meter["reading"]["values"]) == {"1_0_1_8_0_255"}


def test_values_have_the_digits_of_the_line() -> None:
    """No float rounds them; a number that is none is null."""
    feed = added()
    read(feed, "1.8.0(0012345.600*kWh)", "2.8.0(12A4*kWh)", "0.2.0(V1.07)")
    values = told(feed)[-1]["reading"]["values"]
    assert values == {"1_0_1_8_0_255": "12345.600", "1_0_2_8_0_255": None, "1_0_0_2_0_255": "V1.07"}


def test_a_unit_that_changes_is_told_and_one_left_out_is_not() -> None:
    """A meter that was set anew prints MWh."""
    feed = added()
    read(feed, "1.8.0(1*kWh)")
    since = feed.sequence
    read(feed, "1.8.0(1)")
    assert [document["type"] for document in told(feed, since)] == ["reading"]
    since = feed.sequence
    read(feed, "1.8.0(1*MWh)")
    described = told(feed, since)[0]
    assert described["description"]["registers"][0]["unit"] == "MWh"


def test_registers_do_not_grow_without_end() -> None:
    """A faulty meter or line may print ever new addresses."""
    feed = added()
    for hundred in range(12):
        read(feed, *(f"X{hundred * 100 + place}(1)" for place in range(100)))
    meter = feed.meter(METER.id)
    assert meter is not None
    assert len(meter["registers"]) == feeds.MOST_REGISTERS
    assert set(meter["reading"]["values"]) <= {register["id"] for register in meter["registers"]}


def test_events_follow_their_reading() -> None:
    """And have the meter's name and what they are about."""
    feed = added()
    state = read(feed, "0.2.2(1)", "F.F(00)", "1.8.1(1*kWh)", "1.8.2(1*kWh)")
    since = feed.sequence
    read(feed, "F.F(01)", state=state)
    kinds = [(document["type"], document.get("event_type")) for document in told(feed, since)]
    assert kinds == [("reading", None), ("event", "error_register_changed")]
    assert told(feed, since)[-1]["details"]["value"] == "01"


def test_an_event_apart_from_a_reading_is_told() -> None:
    """A reading that was held back."""
    feed = added()
    feed.publish_event(METER.id, MeterEvent(EventKind.READING_HELD_BACK, NOON, (("reason", "noise"),)))
    assert told(feed)[-1] == {
        "type": "event",
        "sequence": 2,
        "meter": METER.id,
        "event_type": "reading_held_back",
        "at": "2026-11-22T12:00:00.000Z",
        "details": {"reason": "noise"},
    }


def test_a_meter_that_cannot_be_read_says_why_until_it_can() -> None:
    """With the words of the error."""
    feed = added()
    feed.meter_available(METER.id, False, replace(HEALTH, last_error="House: silent (look at the head)"))  # noqa: FBT003
    assert told(feed)[-1]["available"] is False
    assert told(feed)[-1]["problem"] == "House: silent (look at the head)"
    read(feed, "1.8.0(1*kWh)")
    meter = feed.meter(METER.id)
    assert meter is not None
    assert (meter["available"], meter["problem"]) == (True, None)


def test_a_replaced_meter_becomes_unavailable() -> None:
    """Its device stays with its history; the new one is another."""
    feed = Feed()
    feed.meter_added(METER, MeterOptions(60, "House"))
    read(feed, "1.8.0(1*kWh)")
    feed.meter_added(OTHER, MeterOptions(60, "House"))
    before = feed.meter(METER.id)
    assert before is not None
    assert before["available"] is False
    assert OTHER.id in before["problem"]
    assert before["replaced_by"] == OTHER.id
    assert told(feed)[-1]["description"]["replaced_by"] == OTHER.id
    assert feed.meters == (METER.id, OTHER.id)


def test_a_meter_that_stands_in_its_place_again_is_not_replaced() -> None:
    """Heads are mixed up and put back."""
    feed = Feed()
    for meter in (METER, OTHER, METER):
        feed.meter_added(meter, MeterOptions(60, "House"))
    again, other = feed.meter(METER.id), feed.meter(OTHER.id)
    assert again is not None
    assert other is not None
    assert (again["replaced_by"], other["replaced_by"]) == (None, METER.id)


def test_a_removed_meter_is_gone() -> None:
    """And told so once."""
    feed = added()
    feed.meter_removed(METER.id)
    feed.meter_removed(METER.id)
    assert feed.meters == ()
    assert METER.id not in feed
    assert [document["type"] for document in told(feed)] == ["meter", "meter_removed"]


def test_a_meter_in_two_slots_stays_one_with_its_first_options() -> None:
    """On a shared line, or at two heads."""
    feed = Feed()
    feed.meter_added(METER, MeterOptions(60, "one", name="One"))
    feed.meter_added(METER, MeterOptions(900, "two", name="Two"))
    meter = feed.meter(METER.id)
    assert meter is not None
    assert (meter["name"], meter["interval"]) == ("One", 60)


def test_the_same_options_again_are_no_news() -> None:
    """Meters are introduced at each reload."""
    feed = added()
    feed.meter_added(METER, MeterOptions(60, f"slot {METER.id}"))
    assert feed.sequence == 1
    feed.meter_added(METER, MeterOptions(30, f"slot {METER.id}"))
    assert told(feed)[-1]["description"]["interval"] == 30


def test_the_ring_forgets_the_oldest_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever saw less than it holds must take all anew."""
    monkeypatch.setattr(feeds, "RING", 10)
    feed = added()
    state = DerivedState()
    for count in range(20):
        state = read(feed, f"1.8.0({count}*kWh)", state=state)
    last = feed.sequence
    assert [message.sequence for message in feed.after(last - 10)] == list(range(last - 9, last + 1))
    assert feed.holds(feed.stream, last - 10)
    assert not feed.holds(feed.stream, last - 11)
    assert feed.holds(feed.stream, last)
    assert not feed.holds(feed.stream, last + 1)
    assert not feed.holds("another run", last)


def test_the_rings_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Large meters fill it with fewer messages."""
    monkeypatch.setattr(feeds, "RING_CHARACTERS", 5000)
    feed = added()
    for count in range(20):
        read(feed, *(f"1.8.{tariff}({count}*kWh)" for tariff in range(30)))
    assert sum(len(message.text) for message in list(feed._ring)[1:]) <= 5000
    assert next(reversed(list(feed.after(0)))).kind is Kind.READING


def test_an_empty_feed_holds_the_present() -> None:
    """A client of a gateway without meters waits, and asks for nothing."""
    feed = Feed()
    assert feed.holds(feed.stream, 0)
    assert not feed.holds(feed.stream, 1)
    assert not feed.holds(feed.stream, -1)
    assert list(feed.after(0)) == []


async def test_all_who_wait_wake_at_a_change() -> None:
    """And those who have seen less do not wait at all."""
    feed = Feed()
    waiting = [asyncio.create_task(feed.changed(0)) for _ in range(3)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    feed.meter_added(METER, MeterOptions(60, "one"))
    async with asyncio.timeout(1):
        await asyncio.gather(*waiting, feed.changed(0))


def test_runs_have_names_of_their_own() -> None:
    """Sequences of another run mean nothing."""
    assert Feed().stream != Feed().stream


def test_an_update_is_a_reading_with_the_health_as_it_was() -> None:
    """Clients need to know nothing new: all values, one message."""
    feed = added()
    state = read(feed, "1.8.0(1*kWh)", "16.7.0(1.0*kW)")
    since = feed.sequence
    made = reading("1.8.0(1*kWh)", "16.7.0(2.0*kW)")
    feed.publish_update(made, derive(state, made)[1])
    (document,) = told(feed, since)
    assert document["type"] == Kind.READING
    assert sorted(document["reading"]["values"].values()) == ["1", "2.0"]
    assert document["health"]["reads"] == HEALTH.reads
    known = feed.meter(METER.id)
    assert known is not None
    assert known["available"] is True
