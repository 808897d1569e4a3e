"""The stream: taken up again where it broke, left to polling where it cannot be had, said once each way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any

import pytest
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant, callback
from homeassistant.util.dt import utcnow
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed

from custom_components.obis_gateway import push
from custom_components.obis_gateway.client import GatewayConnectionError
from custom_components.obis_gateway.coordinator import CHECK_EVERY, POLL_EVERY
from tests.home_assistant.integration.conftest import entry_for, set_up
from tests.home_assistant.integration.impostor import Impostor, meter_document, reading_document
from tests.home_assistant.integration.running import RunningGateway, until
from tests.home_assistant.integration.seen import faults, registered, state
from tests.mqtt.samples import METER

ENERGY = "1_0_1_8_0_255"

# A stream that is broken off leaves the server's own heartbeat behind.
pytestmark = pytest.mark.parametrize("expected_lingering_timers", [True])


def said(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Return what the integration has said above debugging."""
    return [
        (record.levelname, record.getMessage())
        for record in caplog.records
        if record.name.startswith("custom_components.obis_gateway") and record.levelname != "DEBUG"
    ]


class Waits:
    """Takes note of pauses instead of making them; from the last one nobody returns."""

    def __init__(self, most: int) -> None:
        self.made: list[float] = []
        self._most = most

    async def __call__(self, seconds: float) -> None:
        self.made.append(seconds)
        if len(self.made) >= self._most:
            await asyncio.Event().wait()
        await asyncio.sleep(0)

    @property
    def done(self) -> bool:
        return len(self.made) >= self._most


def waiting(monkeypatch: pytest.MonkeyPatch, most: int) -> Waits:
    """Let the pauses between attempts be noted, up to the last of ``most``."""
    waits = Waits(most)
    monkeypatch.setattr("custom_components.obis_gateway.Push", partial(push.Push, sleep=waits))
    return waits


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let attempts follow each other at once."""
    monkeypatch.setattr(push, "RETRY_FIRST", 0.01)
    monkeypatch.setattr(push, "RETRY_LONGEST", 0.05)


@pytest.fixture
async def impostor(socket_enabled: None) -> AsyncIterator[Impostor]:
    """Return a server at a gateway's place."""
    async with Impostor().serving() as serving:
        yield serving


@pytest.fixture
def paired(hass: HomeAssistant, impostor: Impostor) -> MockConfigEntry:
    """Return an entry for it."""
    entry = entry_for(RunningGateway())
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, data={**entry.data, "port": impostor.port})
    return entry


async def test_a_reading_is_shown_as_it_is_made(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """Without a poll."""
    gateway.publish("1.8.0(0012399.000*kWh)")
    await until(lambda: state(hass, "sensor", ENERGY).state == "12399.000")


@pytest.mark.usefixtures("soon")
async def test_a_line_that_breaks_now_and_then_is_taken_up_without_a_word(
    hass: HomeAssistant,
    gateway: RunningGateway,
    entry: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Entities stay available, and what was missed is shown."""
    monkeypatch.setattr(push, "STEADY_AFTER", 0.0)
    await set_up(hass, entry)
    states: list[str] = []
    hass.bus.async_listen("state_changed", callback(lambda event: states.append(event.data["new_state"].state)))
    gateway.drop_streams()
    gateway.publish("1.8.0(0012399.000*kWh)")
    await until(lambda: state(hass, "sensor", ENERGY).state == "12399.000")
    await until(lambda: entry.runtime_data.streaming)
    assert STATE_UNAVAILABLE not in states
    assert said(caplog) == []


@pytest.mark.usefixtures("soon")
async def test_a_gateway_that_is_off_is_said_once_and_once_that_it_is_back(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    """However often it is tried in between; no error, since a restart is none."""
    await gateway.stop()
    await until(lambda: state(hass, "sensor", ENERGY).state == STATE_UNAVAILABLE)
    for _ in range(3):
        await loaded.runtime_data.async_refresh()
    await gateway.restart()
    gateway.publish("1.8.0(0012399.000*kWh)")
    await until(lambda: state(hass, "sensor", ENERGY).state == "12399.000")
    await until(lambda: loaded.runtime_data.streaming)
    messages = [message for _, message in said(caplog)]
    assert {level for level, _ in said(caplog)} == {"INFO"}
    assert [message for message in messages if "is not available" in message] == messages[:1]
    assert [message for message in messages if message.endswith("is available again")] == [
        "OBIS Gateway is available again"
    ]


@pytest.mark.usefixtures("soon")
async def test_the_stream_may_find_the_gateway_back_before_the_poll(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """Within its pause, not that of polling."""
    await gateway.stop()
    await until(lambda: not loaded.runtime_data.last_update_success)
    await gateway.start()
    await until(lambda: loaded.runtime_data.streaming)
    assert state(hass, "sensor", ENERGY).state == "12345.600"


async def test_a_gateway_without_a_stream_is_polled(
    hass: HomeAssistant,
    impostor: Impostor,
    paired: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As behind a proxy that knows no WebSocket; it is said once."""
    waits = waiting(monkeypatch, 4)
    impostor.streams = False
    assert await hass.config_entries.async_setup(paired.entry_id)
    await until(lambda: waits.done)
    assert [level for level, _ in said(caplog)] == ["INFO"]
    assert "is asked every half minute, since it does not tell: no stream: 404" in said(caplog)[0][1]
    impostor.meters = [meter_document(reading=reading_document([{"id": ENERGY}], "2.000"))]
    async_fire_time_changed(hass, utcnow() + POLL_EVERY * 2)
    await until(lambda: state(hass, "sensor", ENERGY, "abc_1").state == "2.000")


async def test_a_gateway_that_tells_is_asked_rarely(
    hass: HomeAssistant, impostor: Impostor, paired: MockConfigEntry
) -> None:
    """Once in a quarter of an hour, to be sure."""
    await set_up(hass, paired)
    await until(lambda: impostor.sockets)
    for _ in range(CHECK_EVERY):
        await paired.runtime_data.async_refresh()
    assert impostor.asked.count("GET meters") == 1
    await paired.runtime_data.async_refresh()
    assert impostor.asked.count("GET meters") == 2


async def test_a_poll_that_fails_beside_a_stream_that_works_is_no_failure(
    hass: HomeAssistant, impostor: Impostor, paired: MockConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    """What the stream tells is known."""
    await set_up(hass, paired)
    await until(lambda: impostor.sockets)
    paired.runtime_data.client.meters = _fails  # type: ignore[method-assign]
    for _ in range(CHECK_EVERY + 1):
        await paired.runtime_data.async_refresh()
    assert paired.runtime_data.last_update_success
    assert said(caplog) == []


async def _fails() -> Any:
    raise GatewayConnectionError("no answer in time")


@pytest.mark.usefixtures("soon")
async def test_what_was_missed_is_asked_for(hass: HomeAssistant, impostor: Impostor, paired: MockConfigEntry) -> None:
    """From the last message that was taken, of the same run of the gateway."""
    impostor.sequence = 7
    await set_up(hass, paired)
    await until(lambda: impostor.sockets)
    assert impostor.subscriptions == [{"type": "subscribe", "stream": "run", "since": 7}]
    await impostor.tell({"type": "reading", "sequence": 8, "meter": "abc_1", "reading": {}, "health": {}})
    await until(lambda: paired.runtime_data.known.heard == 8)
    impostor.sequence = 8
    await impostor.sockets[0].close()
    await until(lambda: len(impostor.subscriptions) == 2)
    assert impostor.subscriptions[1] == {"type": "subscribe", "stream": "run", "since": 8}
    await until(lambda: paired.runtime_data.streaming)


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("streams", [True, False])
async def test_a_gateway_that_was_set_back_is_shown_as_it_is_now(
    hass: HomeAssistant,
    impostor: Impostor,
    paired: MockConfigEntry,
    streams: bool,  # noqa: FBT001
) -> None:
    """Its run is the same and its numbers are lower: nothing may stand still until they are reached again."""
    impostor.sequence = 7
    await set_up(hass, paired)
    await until(lambda: impostor.sockets)
    document = meter_document()
    document["reading"] = reading_document(document["registers"], "0.500")
    impostor.sequence, impostor.streams, impostor.meters = 2, streams, [document]
    impostor.told = [impostor.snapshot(complete=False)]
    await impostor.sockets[0].close()
    await until(lambda: not paired.runtime_data.streaming)
    if streams:
        await until(lambda: paired.runtime_data.streaming)
    else:
        await paired.runtime_data.async_refresh()
    assert state(hass, "sensor", ENERGY, "abc_1").state == "0.500"
    if streams:
        reading = reading_document([{"id": ENERGY}], "0.600")
        await impostor.tell({"type": "reading", "sequence": 3, "meter": "abc_1", "reading": reading, "health": {}})
        await until(lambda: state(hass, "sensor", ENERGY, "abc_1").state == "0.600")


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize(
    "told",
    [
        {"type": "reading", "sequence": 9, "meter": "abc_1", "reading": {}, "health": {}},
        {"type": "reading", "sequence": 8, "meter": "abc_1", "reading": []},
        {"type": "reading", "sequence": 8},
        {"type": "reading", "sequence": "8", "meter": "abc_1"},
        {"type": "event", "sequence": 8, "meter": "abc_1", "event_type": 5},
        '{"type": "reading", "sequence": 8, "met',
        "[]",
        "[" * 100_000,
    ],
)
async def test_after_what_cannot_be_understood_all_is_asked_for(
    hass: HomeAssistant, impostor: Impostor, paired: MockConfigEntry, told: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """It would come again from the same place on; nothing of it is shown, and no fault is left in the log."""
    impostor.sequence = 7
    await set_up(hass, paired)
    await until(lambda: impostor.sockets)
    await impostor.tell(told)
    await until(lambda: len(impostor.subscriptions) == 2)
    assert impostor.subscriptions[1] == {"type": "subscribe", "stream": "run", "since": None}
    await until(lambda: paired.runtime_data.streaming)
    assert [level for level, _ in said(caplog)] == ["INFO"]


async def test_what_a_newer_gateway_tells_is_passed_over(
    hass: HomeAssistant, impostor: Impostor, paired: MockConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    """It is counted, and the next message is understood."""
    await set_up(hass, paired)
    await until(lambda: impostor.sockets)
    reading = reading_document([{"id": ENERGY}], "2.000", of_tomorrow=True)
    await impostor.tell(
        {"type": "weather", "sequence": 1, "of": ["tomorrow"]},
        {"type": "event", "sequence": 2, "meter": "abc_1", "event_type": "meter_waved", "details": {}},
        {"type": "reading", "sequence": 3, "meter": "abc_1", "reading": reading, "health": {}},
    )
    await until(lambda: state(hass, "sensor", ENERGY, "abc_1").state == "2.000")
    assert state(hass, "event", "events", "abc_1").state == "unknown"
    assert said(caplog) == []


async def test_what_was_told_before_is_passed_over(
    hass: HomeAssistant, impostor: Impostor, paired: MockConfigEntry
) -> None:
    """Numbers tell it."""
    impostor.sequence = 7
    await set_up(hass, paired)
    await until(lambda: impostor.sockets)
    old, new = (reading_document([{"id": ENERGY}], value) for value in ("1.500", "2.000"))
    await impostor.tell(
        {"type": "reading", "sequence": 8, "meter": "abc_1", "reading": new, "health": {}},
        {"type": "reading", "sequence": 7, "meter": "abc_1", "reading": old, "health": {}},
        {"type": "reading", "sequence": 8, "meter": "abc_1", "reading": old, "health": {}},
        {"type": "reading", "sequence": 9, "meter": "xyz_9", "reading": old, "health": {}},
        {"type": "availability", "sequence": 10, "meter": "xyz_9", "available": False},
    )
    await until(lambda: paired.runtime_data.known.heard == 10)
    assert state(hass, "sensor", ENERGY, "abc_1").state == "2.000"
    assert registered(hass, "sensor", ENERGY, "xyz_9") is None


async def test_a_line_that_flaps_is_taken_up_less_and_less_often(
    hass: HomeAssistant,
    impostor: Impostor,
    paired: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Polling goes on in between, and one line says it."""
    waits = waiting(monkeypatch, 10)
    impostor.flaps = True
    assert await hass.config_entries.async_setup(paired.entry_id)
    await until(lambda: waits.done)
    wanted = [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]
    assert all(0.8 * want <= made <= 1.2 * want for made, want in zip(waits.made, wanted, strict=True))
    assert len(impostor.subscriptions) == 10
    assert [level for level, _ in said(caplog)] == ["INFO"]
    assert paired.runtime_data.last_update_success


async def test_a_subscription_that_worked_makes_the_next_pause_short(
    hass: HomeAssistant, impostor: Impostor, paired: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many failed before it."""
    waits = waiting(monkeypatch, 5)
    impostor.flaps = True
    assert await hass.config_entries.async_setup(paired.entry_id)
    await until(lambda: len(impostor.subscriptions) >= 3)
    monkeypatch.setattr(push, "STEADY_AFTER", 0.0)
    await until(lambda: waits.done)
    assert min(waits.made[1:]) <= 1.2
    assert waits.made[-1] <= 2 * 1.2


async def test_that_a_line_is_steady_again_is_said(
    hass: HomeAssistant,
    impostor: Impostor,
    paired: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Once, as that it was not."""
    waiting(monkeypatch, 100)
    impostor.flaps = True
    assert await hass.config_entries.async_setup(paired.entry_id)
    await until(lambda: said(caplog))
    impostor.flaps = False
    await until(lambda: impostor.sockets and paired.runtime_data.streaming)
    monkeypatch.setattr(push, "STEADY_AFTER", 0.0)
    for sequence in (1, 2):
        await impostor.tell({"type": "reading", "sequence": sequence, "meter": "abc_1", "reading": {}, "health": {}})
    await until(lambda: paired.runtime_data.known.heard == 2)
    assert [message for _, message in said(caplog)][1:] == ["OBIS Gateway tells again what happens"]


@pytest.mark.usefixtures("soon")
async def test_a_token_that_is_revoked_ends_the_stream_and_asks_for_a_new_pairing(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    """Entities are unavailable until then, and it is not tried any more."""
    gateway.revoke()
    await until(lambda: any(loaded.async_get_active_flows(hass, {"reauth"})))
    assert state(hass, "sensor", ENERGY).state == STATE_UNAVAILABLE
    await hass.async_block_till_done()
    assert gateway.streams == 0
    assert [level for level, _ in said(caplog)] == ["INFO"]
    assert loaded.state is ConfigEntryState.LOADED


@pytest.mark.usefixtures("soon")
async def test_a_gateway_that_is_updated_too_far_says_so(
    hass: HomeAssistant, impostor: Impostor, paired: MockConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    """An error, since something is to be done; back at its version, it works."""
    await set_up(hass, paired)
    await until(lambda: impostor.sockets)
    impostor.gateway = {"api": "2.0"}
    await impostor.sockets[0].close()
    await until(lambda: not paired.runtime_data.last_update_success)
    assert state(hass, "sensor", ENERGY, "abc_1").state == STATE_UNAVAILABLE
    assert said(caplog) == [
        ("ERROR", "OBIS Gateway is not available: the gateway speaks version 2.0 of the API, and 1 is wanted")
    ]
    assert paired.runtime_data.last_exception.translation_key == "gateway_newer"
    impostor.gateway = {}
    await until(lambda: paired.runtime_data.streaming)
    assert state(hass, "sensor", ENERGY, "abc_1").state == "1.000"


async def test_a_fault_of_ours_is_said_with_its_trace_and_polling_goes_on(
    hass: HomeAssistant,
    impostor: Impostor,
    paired: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Once, not at each attempt."""
    waits = waiting(monkeypatch, 3)
    monkeypatch.setattr("custom_components.obis_gateway.known.Known.welcome", None)
    assert await hass.config_entries.async_setup(paired.entry_id)
    await until(lambda: waits.done)
    assert [level for level, _ in said(caplog)] == ["ERROR", "INFO"]
    assert paired.runtime_data.last_update_success
    caplog.clear()


async def test_a_fault_of_one_listener_does_not_keep_others_from_the_reading(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said with its trace."""

    def fails() -> None:
        raise RuntimeError("of a test")

    stop = loaded.runtime_data.async_add_listener(fails, METER.id)
    gateway.publish("1.8.0(0012399.000*kWh)")
    await until(lambda: state(hass, "sensor", ENERGY).state == "12399.000")
    assert "a listener failed" in caplog.text
    assert loaded.runtime_data.streaming
    stop()
    caplog.clear()


@pytest.fixture(autouse=True)
def _no_fault(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail on what the log holds of faults."""
    yield
    assert faults(caplog) == []
