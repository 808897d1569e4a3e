"""What the owner is told in the list of repairs, when it is over by itself, and what can be done about it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
from homeassistant.components.repairs import DOMAIN as REPAIRS
from homeassistant.components.repairs import ConfirmRepairFlow
from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed, flush_store
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.obis_gateway import memory, notices, problems, repairs
from custom_components.obis_gateway.const import DOMAIN
from custom_components.obis_gateway.damage import LEAST, WINDOW
from custom_components.obis_gateway.devices import async_device_of
from custom_components.obis_gateway.issues import GUIDES
from custom_components.obis_gateway.models import Meter
from obisgw.mqtt.topics import device_id
from obisgw.readings.derive import EventKind
from obisgw.readings.reading import Health
from obisgw.readings.shown import GatewayInfo
from tests.docs.pages import ROOT, anchors
from tests.home_assistant.integration.conftest import entry_for, set_up
from tests.home_assistant.integration.impostor import Impostor, meter_document
from tests.home_assistant.integration.running import RunningGateway, until
from tests.mqtt.samples import HEALTH, METER

NEW = replace(METER, id="isk_87654321", number="87654321")
MINUTE = 60.0
HOUR = 60 * MINUTE

# A stream that is broken off leaves the server's own heartbeat behind.
pytestmark = pytest.mark.parametrize("expected_lingering_timers", [True])


class HandClock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> HandClock:
    """Return the clock of the integration."""
    made = HandClock()
    monkeypatch.setattr(problems, "monotonic", made)
    return made


async def wait(hass: HomeAssistant, clock: HandClock, seconds: float) -> None:
    """Let so much time pass, at the end of which is a look at everything."""
    clock.now += seconds
    async_fire_time_changed(hass, dt_util.utcnow() + problems.LOOK_EVERY + timedelta(seconds=1))
    await hass.async_block_till_done()


async def taken(hass: HomeAssistant, gateway: RunningGateway, entry: MockConfigEntry) -> None:
    """Return when all that the gateway has told was taken."""
    await until(lambda: entry.runtime_data.known.sequence == gateway.feed.sequence)
    await hass.async_block_till_done()


def said(hass: HomeAssistant) -> dict[str, ir.IssueEntry]:
    """Return the notices that stand in the list, by the names of their texts."""
    return {
        str(issue.translation_key): issue
        for issue in ir.async_get(hass).issues.values()
        if issue.domain == DOMAIN and issue.active and issue.dismissed_version is None
    }


def changes(hass: HomeAssistant) -> list[str]:
    """Return a list that grows with every change of a notice."""
    seen: list[str] = []
    hass.bus.async_listen(ir.EVENT_REPAIRS_ISSUE_REGISTRY_UPDATED, lambda event: seen.append(event.data["action"]))
    return seen


@dataclass
class Fix:
    """A fix flow, walked over Home Assistant's API as the frontend does."""

    client: Any
    flow_id: str
    step: dict[str, Any]

    async def submit(self, **answer: str) -> dict[str, Any]:
        """Go on, and return the next step."""
        response = await self.client.post(f"/api/repairs/issues/fix/{self.flow_id}", json=answer)
        assert response.status == HTTPStatus.OK, await response.text()
        self.step = await response.json()
        return self.step


async def fix(hass: HomeAssistant, hass_client: ClientSessionGenerator, key: str) -> Fix:
    """Begin to fix what was said."""
    assert await async_setup_component(hass, REPAIRS, {})
    client = await hass_client()
    body = {"handler": DOMAIN, "issue_id": said(hass)[key].issue_id}
    response = await client.post("/api/repairs/issues/fix", json=body)
    assert response.status == HTTPStatus.OK, await response.text()
    step = await response.json()
    return Fix(client, step["flow_id"], step)


# --- silent


async def test_a_silent_meter_is_said_and_taken_back(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry, clock: HandClock
) -> None:
    """Since when, why, and no sooner than it matters."""
    gateway.fail("House at /dev/ttyUSB0: the meter does not answer (look at the head)")
    await taken(hass, gateway, loaded)
    await wait(hass, clock, 14 * MINUTE)
    assert said(hass) == {}
    await wait(hass, clock, 2 * MINUTE)
    issue = said(hass)["meter_silent"]
    assert issue.is_fixable
    assert issue.translation_placeholders == {
        "meter": "Electricity meter 12345678",
        "gateway": "OBIS Gateway",
        "reason": "House at /dev/ttyUSB0: the meter does not answer (look at the head)",
        "since": dt_util.as_local(gateway.time).strftime("%Y-%m-%d %H:%M"),
    }
    gateway.publish()
    await taken(hass, gateway, loaded)
    assert said(hass) == {}


@pytest.mark.parametrize(
    ("interval", "after"),
    [(10.0, 15 * MINUTE), (60.0, 15 * MINUTE), (900.0, 45 * MINUTE), (86400.0, 72 * HOUR), (None, HOUR)],
)
async def test_it_is_three_intervals_and_not_less_than_matters(
    hass: HomeAssistant,
    gateway: RunningGateway,
    loaded: MockConfigEntry,
    clock: HandClock,
    interval: float | None,
    after: float,
) -> None:
    """A meter that decides itself when it sends has an hour."""
    gateway.add_meter(interval=interval)
    await taken(hass, gateway, loaded)
    await wait(hass, clock, after - 1)
    assert said(hass) == {}
    await wait(hass, clock, 2)
    assert list(said(hass)) == ["meter_silent"]


async def test_the_same_trouble_again_is_no_news(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry, clock: HandClock
) -> None:
    """Numbers in what the gateway says are not; another trouble is."""
    await wait(hass, clock, HOUR)
    seen = changes(hass)
    for number in range(5):
        gateway.fail(f"unreadable characters: {number + 3} bytes")
        await taken(hass, gateway, loaded)
        await wait(hass, clock, MINUTE)
    assert seen == ["update"]
    gateway.fail("there is no such port")
    await taken(hass, gateway, loaded)
    assert seen == ["update", "update"]
    assert said(hass)["meter_silent"].translation_placeholders["reason"] == "there is no such port"  # type: ignore[index]


async def test_clocks_of_gateway_and_home_assistant_may_differ(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry, clock: HandClock
) -> None:
    """Readings of last year that come now are no silence."""
    gateway.time -= timedelta(days=365)
    for _ in range(20):
        gateway.publish()
        await taken(hass, gateway, loaded)
        await wait(hass, clock, MINUTE)
    assert said(hass) == {}


async def test_a_meter_that_sends_by_itself_cannot_be_asked(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry, clock: HandClock
) -> None:
    """What can be done about it is told without steps to click."""
    gateway.add_meter(on_request=False, interval=None)
    await taken(hass, gateway, loaded)
    await wait(hass, clock, 2 * HOUR)
    assert said(hass)["meter_silent_unasked"].is_fixable is False


async def test_a_gateway_that_is_away_says_nothing_of_its_meters(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry, clock: HandClock
) -> None:
    """When it is back it has to read them first."""
    await gateway.stop()
    await loaded.runtime_data.async_refresh()
    assert not loaded.runtime_data.last_update_success
    await wait(hass, clock, HOUR)
    assert said(hass) == {}
    await gateway.restart()
    await loaded.runtime_data.async_refresh()
    await hass.async_block_till_done()
    await wait(hass, clock, 14 * MINUTE)
    assert said(hass) == {}
    await wait(hass, clock, 2 * MINUTE)
    assert list(said(hass)) == ["meter_silent"]


async def test_a_silence_outlives_a_restart(
    hass: HomeAssistant,
    gateway: RunningGateway,
    loaded: MockConfigEntry,
    clock: HandClock,
    hass_storage: dict[str, Any],
) -> None:
    """It is said at once, as it was, until a reading comes; what was ignored stays ignored."""
    gateway.fail("no answer")
    await taken(hass, gateway, loaded)
    await wait(hass, clock, HOUR)
    before = said(hass)["meter_silent"]
    saved = hass_storage[f"{DOMAIN}.{loaded.entry_id}"] = await written(hass, loaded)
    assert await hass.config_entries.async_unload(loaded.entry_id)
    assert said(hass) == {}
    hass.data.pop(memory._MEMORIES)
    hass_storage[f"{DOMAIN}.{loaded.entry_id}"] = saved
    await set_up(hass, loaded)
    after = said(hass)["meter_silent"]
    assert replace(after, created=before.created) == before
    ir.async_get(hass).async_ignore(DOMAIN, after.issue_id, ignore=True)
    assert await hass.config_entries.async_reload(loaded.entry_id)
    await until(lambda: loaded.runtime_data.streaming)
    await wait(hass, clock, MINUTE)
    assert said(hass) == {}
    gateway.publish()
    await taken(hass, gateway, loaded)
    await wait(hass, clock, HOUR)
    assert list(said(hass)) == ["meter_silent"]


@pytest.mark.parametrize(
    ("was_read", "restarts"),
    [
        (False, ((0, []), (2, []), (2, ["meter_silent"]))),
        # A clock that is set back makes nobody silent.
        (True, ((-7, []), (2, []), (2, ["meter_silent"]))),
    ],
)
async def test_a_meter_that_is_read_once_a_day_is_watched_over_restarts(
    hass: HomeAssistant,
    gateway: RunningGateway,
    loaded: MockConfigEntry,
    clock: HandClock,
    hass_storage: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    restarts: tuple[tuple[int, list[str]], ...],
    *,
    was_read: bool,
) -> None:
    """Else one that is restarted every other day would never say that it is silent."""
    now = 1_800_000_000.0
    monkeypatch.setattr(memory, "time", lambda: now)
    gateway.add_meter(interval=24 * HOUR)
    if was_read:
        gateway.publish()
    else:
        await gateway.restart()
        await until(lambda: loaded.runtime_data.streaming and loaded.runtime_data.meter(METER.id).reading is None, 10)
    await hass.config_entries.async_reload(loaded.entry_id)
    await until(lambda: loaded.runtime_data.streaming)
    for days, silent in restarts:
        saved = await written(hass, loaded)
        assert await hass.config_entries.async_unload(loaded.entry_id)
        hass.data.pop(memory._MEMORIES)
        hass_storage[f"{DOMAIN}.{loaded.entry_id}"] = saved
        now = max(now, 1_800_000_000.0) + days * 24 * HOUR
        clock.now = 17.0
        await set_up(hass, loaded)
        assert list(said(hass)) == silent


async def written(hass: HomeAssistant, entry: MockConfigEntry) -> dict[str, Any]:
    """Return what is written of an entry, as it lies in the file."""
    kept = await memory.async_memory(hass, entry.entry_id)
    await flush_store(kept._store)
    document = {"version": 1, "minor_version": 1, "key": kept._store.key, "data": kept._document()}
    return json.loads(json.dumps(document))


async def test_a_meter_that_is_shown_no_more_is_not_silent(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry, clock: HandClock
) -> None:
    """It was taken out of the configuration."""
    await wait(hass, clock, HOUR)
    assert list(said(hass)) == ["meter_silent"]
    gateway.remove_meter()
    await taken(hass, gateway, loaded)
    assert said(hass) == {}


async def test_a_silent_meter_is_read_to_see_whether_it_helped(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    gateway: RunningGateway,
    loaded: MockConfigEntry,
    clock: HandClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the reason where it did not, and as often as it takes."""
    await wait(hass, clock, HOUR)
    monkeypatch.setattr(repairs, "READ_WITHIN", 0.05)
    flow = await fix(hass, hass_client, "meter_silent")
    assert flow.step["step_id"] == "confirm"
    assert (await flow.submit())["errors"] == {"base": "read_timeout"}
    gateway.on_read = lambda _: gateway.fail("only an echo: turn the head")
    step = await flow.submit()
    assert step["errors"] == {"base": "read_failed"}
    assert step["description_placeholders"]["error"] == "only an echo: turn the head"
    await gateway.stop()
    assert (await flow.submit())["errors"] == {"base": "cannot_connect"}
    await gateway.start()
    monkeypatch.setattr(repairs, "READ_WITHIN", 5)
    gateway.on_read = lambda _: gateway.publish()
    assert (await flow.submit())["type"] == "create_entry"
    await until(lambda: loaded.runtime_data.streaming, 10)
    await wait(hass, clock, MINUTE)
    assert said(hass) == {}


async def test_a_fix_that_came_too_late_ends(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    gateway: RunningGateway,
    loaded: MockConfigEntry,
    clock: HandClock,
) -> None:
    """The meter was taken away meanwhile."""
    await wait(hass, clock, HOUR)
    flow = await fix(hass, hass_client, "meter_silent")
    gateway.remove_meter()
    await taken(hass, gateway, loaded)
    step = await flow.submit()
    assert (step["type"], step["reason"]) == ("abort", "not_loaded")


async def test_a_fix_with_a_token_that_was_revoked_asks_for_a_new_pairing(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    gateway: RunningGateway,
    loaded: MockConfigEntry,
    clock: HandClock,
) -> None:
    """And says so."""
    await wait(hass, clock, HOUR)
    flow = await fix(hass, hass_client, "meter_silent")
    listeners, gateway.clients.on_revoked = gateway.clients.on_revoked, []
    gateway.revoke()
    gateway.clients.on_revoked = listeners
    step = await flow.submit()
    assert (step["type"], step["reason"]) == ("abort", "invalid_auth")
    await until(lambda: any(loaded.async_get_active_flows(hass, {"reauth"})))


async def test_what_the_gateway_refuses_is_said(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    gateway: RunningGateway,
    loaded: MockConfigEntry,
    clock: HandClock,
) -> None:
    """It may know better whether the meter can be asked."""
    await wait(hass, clock, HOUR)
    flow = await fix(hass, hass_client, "meter_silent")
    gateway.feed._meters[METER.id].options = replace(gateway.feed._meters[METER.id].options, on_request=False)
    step = await flow.submit()
    assert step["errors"] == {"base": "refused"}
    assert "sends by itself" in step["description_placeholders"]["error"]


# --- misplaced


class Readouts:
    """Readouts of a meter, each with so many damaged characters."""

    def __init__(self, hass: HomeAssistant, gateway: RunningGateway, entry: MockConfigEntry) -> None:
        self._hass, self._gateway, self._entry = hass, gateway, entry
        self.health = HEALTH

    async def come(self, *damaged: int) -> None:
        """Publish them."""
        for characters in damaged:
            self.health = replace(
                self.health, reads=self.health.reads + 1, parity_errors=self.health.parity_errors + characters
            )
            self._gateway.publish(health=self.health)
        await taken(self._hass, self._gateway, self._entry)


@pytest.fixture
async def readouts(hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry) -> Readouts:
    """Return what publishes readouts."""
    return Readouts(hass, gateway, loaded)


async def test_a_misplaced_head_is_said_and_taken_back(hass: HomeAssistant, readouts: Readouts) -> None:
    """By the share of damaged readouts; between much and little it stays as it is."""
    await readouts.come(*[9] * (LEAST - 1))
    assert said(hass) == {}
    await readouts.come(9)
    assert said(hass)["head_misplaced"].translation_placeholders == {
        "meter": "Electricity meter 12345678",
        "gateway": "OBIS Gateway",
    }
    await readouts.come(*[0] * (WINDOW - 4))
    assert list(said(hass)) == ["head_misplaced"]
    await readouts.come(0)
    assert said(hass) == {}
    await readouts.come(*[9, 0, 0] * 7)
    assert said(hass) == {}


@pytest.mark.parametrize(
    ("damaged", "misplaced"), [((1,) * 30, False), ((2,) * 30, False), ((3,) * 10, True), ((0, 40) * 10, True)]
)
async def test_a_character_now_and_then_is_noise(
    hass: HomeAssistant, readouts: Readouts, damaged: tuple[int, ...], *, misplaced: bool
) -> None:
    """Any head has some."""
    await readouts.come(*damaged)
    assert ("head_misplaced" in said(hass)) is misplaced


async def test_a_gateway_that_begins_to_count_anew_is_no_damage(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry, readouts: Readouts
) -> None:
    """Its counts begin from 0."""
    readouts.health = replace(HEALTH, reads=500, parity_errors=500)
    await readouts.come(*[0] * 9)
    await gateway.restart()
    await until(lambda: loaded.runtime_data.streaming and loaded.runtime_data.meter(METER.id).reading is None, 10)
    readouts.health = Health()
    await readouts.come(*[0] * 9)
    assert said(hass) == {}
    await readouts.come(*[9] * 10)
    assert list(said(hass)) == ["head_misplaced"]


async def test_failed_readouts_count(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry, readouts: Readouts
) -> None:
    """Telegrams with a bad block check as well."""
    for number in range(1, LEAST + 1):
        gateway.fail("damaged", failures=HEALTH.failures + number, block_check_errors=7 * number)
    await taken(hass, gateway, loaded)
    assert list(said(hass)) == ["head_misplaced"]


async def test_a_head_that_was_put_right_is_tried(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    gateway: RunningGateway,
    loaded: MockConfigEntry,
    readouts: Readouts,
) -> None:
    """The telegram has to come undamaged."""
    await readouts.come(*[9] * LEAST)
    flow = await fix(hass, hass_client, "head_misplaced")

    def read(characters: int) -> None:
        readouts.health = replace(
            readouts.health,
            reads=readouts.health.reads + 1,
            parity_errors=readouts.health.parity_errors + characters,
        )
        gateway.publish(health=readouts.health)

    gateway.on_read = lambda _: read(4)
    step = await flow.submit()
    assert step["errors"] == {"base": "still_damaged"}
    assert step["description_placeholders"]["characters"] == "4"
    gateway.on_read = lambda _: read(0)
    assert (await flow.submit())["type"] == "create_entry"
    await readouts.come(*[0] * 9)
    assert said(hass) == {}
    await readouts.come(*[9] * LEAST)
    assert list(said(hass)) == ["head_misplaced"]


async def test_damage_outlives_a_restart(
    hass: HomeAssistant,
    gateway: RunningGateway,
    loaded: MockConfigEntry,
    readouts: Readouts,
    hass_storage: dict[str, Any],
) -> None:
    """Until enough has come undamaged."""
    await readouts.come(*[9] * LEAST)
    saved = await written(hass, loaded)
    assert await hass.config_entries.async_unload(loaded.entry_id)
    hass.data.pop(memory._MEMORIES)
    hass_storage[f"{DOMAIN}.{loaded.entry_id}"] = saved
    await set_up(hass, loaded)
    assert list(said(hass)) == ["head_misplaced"]
    await readouts.come(*[0] * (LEAST - 1))
    assert list(said(hass)) == ["head_misplaced"]
    await readouts.come(0)
    assert said(hass) == {}


async def test_a_head_on_a_meter_that_sends_by_itself_is_not_tried(
    hass: HomeAssistant, gateway: RunningGateway, readouts: Readouts
) -> None:
    """Its next telegrams tell."""
    gateway.add_meter(on_request=False)
    await readouts.come(*[9] * LEAST)
    assert said(hass)["head_misplaced_unasked"].is_fixable is False


# --- replaced


@pytest.fixture
async def replaced(hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry) -> MockConfigEntry:
    """Return the entry after another meter has answered in the place of one."""
    dr.async_get(hass).async_update_device(device(hass, loaded).id, name_by_user="Old meter")
    gateway.replace_meter(NEW)
    await taken(hass, gateway, loaded)
    return loaded


def device(hass: HomeAssistant, entry: MockConfigEntry, meter: str = METER.id) -> dr.DeviceEntry:
    """Return a meter's device."""
    found = async_device_of(hass, entry.entry_id, meter)
    assert found is not None
    return found


async def test_a_replaced_meter_is_asked_about(
    hass: HomeAssistant, replaced: MockConfigEntry, clock: HandClock
) -> None:
    """With both numbers; that the old one is silent is no news any more."""
    await wait(hass, clock, 10 * MINUTE)
    issue = said(hass)["meter_replaced"]
    assert issue.translation_placeholders == {
        "meter": "Old meter",
        "number": "12345678",
        "new_meter": "Electricity meter 87654321",
        "new_number": "87654321",
    }
    assert list(said(hass)) == ["meter_replaced"]


@pytest.mark.parametrize("seen", ["event", "state"])
async def test_the_old_device_can_be_kept(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    gateway: RunningGateway,
    replaced: MockConfigEntry,
    seen: str,
) -> None:
    """Then nobody asks again, whatever the gateway says."""
    flow = await fix(hass, hass_client, "meter_replaced")
    assert (flow.step["type"], flow.step["menu_options"]) == ("menu", ["keep", "remove"])
    assert (await flow.submit(next_step_id="keep"))["type"] == "create_entry"
    if seen == "event":
        gateway.happen(EventKind.METER_REPLACED, meter=NEW, previous_meter=METER.id)
        await taken(hass, gateway, replaced)
    assert await hass.config_entries.async_reload(replaced.entry_id)
    await until(lambda: replaced.runtime_data.streaming)
    assert said(hass) == {}
    assert device(hass, replaced).name_by_user == "Old meter"


async def test_the_old_device_can_be_removed(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    gateway: RunningGateway,
    replaced: MockConfigEntry,
) -> None:
    """It does not come back by a reload, though the gateway still names it."""
    flow = await fix(hass, hass_client, "meter_replaced")
    step = await flow.submit(next_step_id="remove")
    assert (step["type"], step["step_id"]) == ("form", "remove")
    assert (await flow.submit())["type"] == "create_entry"
    for _ in range(2):
        assert async_device_of(hass, replaced.entry_id, METER.id) is None
        assert said(hass) == {}
        assert METER.id in gateway.feed
        assert await hass.config_entries.async_reload(replaced.entry_id)
        await until(lambda: replaced.runtime_data.streaming)
    assert device(hass, replaced, NEW.id).serial_number == "87654321"


async def test_a_meter_that_is_read_again_is_not_replaced(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    gateway: RunningGateway,
    replaced: MockConfigEntry,
) -> None:
    """Heads were mixed up; the question goes, and an answer under way removes nothing."""
    flow = await fix(hass, hass_client, "meter_replaced")
    await flow.submit(next_step_id="remove")
    gateway.replace_meter(METER, before=NEW)
    await taken(hass, gateway, replaced)
    assert said(hass)["meter_replaced"].translation_placeholders["number"] == "87654321"  # type: ignore[index]
    step = await flow.submit()
    assert (step["type"], step["reason"]) == ("abort", "read_again")
    assert device(hass, replaced)


async def test_an_old_device_that_was_removed_elsewhere_is_not_asked_about(
    hass: HomeAssistant, gateway: RunningGateway, replaced: MockConfigEntry
) -> None:
    """As by its own page."""
    dr.async_get(hass).async_remove_device(device(hass, replaced).id)
    await hass.async_block_till_done()
    assert said(hass) == {}


async def test_a_question_outlives_restarts_of_both(
    hass: HomeAssistant,
    gateway: RunningGateway,
    replaced: MockConfigEntry,
    hass_storage: dict[str, Any],
) -> None:
    """Then the gateway does not name the old meter any more."""
    saved = await written(hass, replaced)
    assert await hass.config_entries.async_unload(replaced.entry_id)
    hass.data.pop(memory._MEMORIES)
    hass_storage[f"{DOMAIN}.{replaced.entry_id}"] = saved
    await gateway.restart()
    assert METER.id not in gateway.feed
    await set_up(hass, replaced)
    assert list(said(hass)) == ["meter_replaced"]


async def test_a_meter_that_was_replaced_while_nobody_listened_is_asked_about(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """The event is lost, the state is not."""
    assert await hass.config_entries.async_unload(loaded.entry_id)
    gateway.replace_meter(NEW)
    await set_up(hass, loaded)
    assert list(said(hass)) == ["meter_replaced"]


async def test_a_question_is_asked_once(hass: HomeAssistant, replaced: MockConfigEntry) -> None:
    """Automations tell of it: not again with each reload."""
    seen = changes(hass)
    assert await hass.config_entries.async_reload(replaced.entry_id)
    await until(lambda: replaced.runtime_data.streaming)
    assert seen == []
    assert list(said(hass)) == ["meter_replaced"]


async def test_a_question_goes_with_its_entry(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    replaced: MockConfigEntry,
    hass_storage: dict[str, Any],
) -> None:
    """Removed with all that was written of it; what is still open ends."""
    hass_storage[f"{DOMAIN}.{replaced.entry_id}"] = await written(hass, replaced)
    flow = await fix(hass, hass_client, "meter_replaced")
    await hass.config_entries.async_remove(replaced.entry_id)
    await hass.async_block_till_done()
    assert said(hass) == {}
    assert f"{DOMAIN}.{replaced.entry_id}" not in hass_storage
    assert (await flow.submit(next_step_id="keep"))["type"] == "create_entry"


async def test_an_entry_that_is_disabled_says_nothing(hass: HomeAssistant, replaced: MockConfigEntry) -> None:
    """Its owner knows."""
    await hass.config_entries.async_set_disabled_by(replaced.entry_id, ConfigEntryDisabler.USER)
    assert said(hass) == {}
    await hass.config_entries.async_set_disabled_by(replaced.entry_id, None)
    await until(lambda: replaced.state is ConfigEntryState.LOADED and replaced.runtime_data.streaming)
    assert list(said(hass)) == ["meter_replaced"]


async def test_other_integrations_are_left_alone(hass: HomeAssistant, replaced: MockConfigEntry) -> None:
    """Their entries come and go, and their notices are theirs."""
    stranger = MockConfigEntry(domain="other")
    stranger.add_to_hass(hass)
    data: dict[str, str | int | float | None] = {"entry_id": replaced.entry_id}
    ir.async_create_issue(
        hass, "other", "x", data=data, is_fixable=False, severity=ir.IssueSeverity.WARNING, translation_key="x"
    )
    await hass.config_entries.async_remove(stranger.entry_id)
    assert list(said(hass)) == ["meter_replaced"]
    await hass.config_entries.async_remove(replaced.entry_id)
    assert ir.async_get(hass).async_get_issue("other", "x") is not None


@pytest.mark.parametrize(
    "data", [None, {}, {"entry_id": "gone", "kind": "meter_silent"}, {"kind": "of_a_newer_version"}]
)
async def test_a_notice_that_nobody_knows_any_more_ends_with_a_click(
    hass: HomeAssistant, data: dict[str, str | int | float | None] | None
) -> None:
    """There is nothing left to be done."""
    assert isinstance(await repairs.async_create_fix_flow(hass, "x", data), ConfirmRepairFlow)


# --- versions


@pytest.fixture
async def impostor(socket_enabled: None) -> AsyncIterator[Impostor]:
    """Return a gateway of any version."""
    async with Impostor().serving() as served:
        yield served


def entry_of(hass: HomeAssistant, impostor: Impostor) -> MockConfigEntry:
    """Return an entry of it, not set up."""
    data = {"host": "127.0.0.1", "port": impostor.port, "token": "t", "tls": False, "id": "0123456789abcdef"}
    entry = MockConfigEntry(domain=DOMAIN, title="Cellar", unique_id="0123456789abcdef", data=data)
    entry.add_to_hass(hass)
    return entry


async def test_a_gateway_that_is_too_old_is_set_up_when_it_was_updated(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, impostor: Impostor
) -> None:
    """By a step, at once; Home Assistant would try again by itself, later."""
    impostor.gateway = {"api": "0.9"}
    entry = entry_of(hass, impostor)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    issue = said(hass)["gateway_older"]
    assert issue.severity is ir.IssueSeverity.ERROR
    assert issue.translation_placeholders == {"meter": "", "gateway": "Cellar", "api": "0.9", "wanted": "1.0"}
    flow = await fix(hass, hass_client, "gateway_older")
    step = await flow.submit()
    assert step["errors"] == {"base": "still_apart"}
    assert "0.9" in step["description_placeholders"]["error"]
    assert step["description_placeholders"]["gateway"] == "Cellar"
    impostor.gateway = {}
    assert (await flow.submit())["type"] == "create_entry"
    assert said(hass) == {}


async def test_a_gateway_that_is_too_new_wants_this_side_to_be_updated(hass: HomeAssistant, impostor: Impostor) -> None:
    """There is nothing to click; when it fits the notice goes."""
    impostor.gateway = {"api": "2.1"}
    entry = entry_of(hass, impostor)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert said(hass)["gateway_newer"].is_fixable is False
    impostor.gateway = {}
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert said(hass) == {}


async def test_a_gateway_that_is_updated_too_far_while_it_runs_is_said(hass: HomeAssistant, impostor: Impostor) -> None:
    """And taken back when it is put right."""
    entry = entry_of(hass, impostor)
    await set_up(hass, entry)
    impostor.gateway = {"api": "2.0"}
    entry.runtime_data.streaming = False
    await entry.runtime_data.async_refresh()
    await hass.async_block_till_done()
    assert list(said(hass)) == ["gateway_newer"]
    impostor.gateway = {}
    await entry.runtime_data.async_refresh()
    await hass.async_block_till_done()
    assert said(hass) == {}


@pytest.mark.parametrize(
    ("api", "outdated"), [("1", True), ("1.0", True), ("1.1", False), ("1.7", False), ("1.x", True)]
)
async def test_a_gateway_that_lacks_something_should_be_updated(
    hass: HomeAssistant, impostor: Impostor, monkeypatch: pytest.MonkeyPatch, api: str, *, outdated: bool
) -> None:
    """It is shown all the same."""
    monkeypatch.setattr(notices, "WANTED_MINOR", 1)
    impostor.gateway = {"api": api, "version": "0.1.0"}
    entry = entry_of(hass, impostor)
    await set_up(hass, entry)
    assert ("gateway_outdated" in said(hass)) is outdated
    if outdated:
        assert str(said(hass)["gateway_outdated"].learn_more_url).endswith("/integration.md#versions")


async def test_two_hundred_silent_meters_are_said_once_each(
    hass: HomeAssistant, impostor: Impostor, clock: HandClock
) -> None:
    """And not again each minute."""
    impostor.meters = [meter_document(f"abc_{number}", registers=0) for number in range(200)]
    await set_up(hass, entry_of(hass, impostor))
    await wait(hass, clock, HOUR)
    seen = changes(hass)
    await wait(hass, clock, MINUTE)
    assert seen == []
    silent = [issue for issue in ir.async_get(hass).issues.values() if issue.translation_key == "meter_silent"]
    assert len(silent) == 200


# --- shown twice


@pytest.fixture
def by_mqtt(hass: HomeAssistant) -> dr.DeviceEntry:
    """Return the device that MQTT discovery has made of the meter."""
    entry = MockConfigEntry(domain="mqtt")
    entry.add_to_hass(hass)
    return dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id, identifiers={("mqtt", device_id(METER.id))}, name="By MQTT"
    )


async def test_a_meter_that_mqtt_shows_too_is_said(
    hass: HomeAssistant, loaded: MockConfigEntry, clock: HandClock, by_mqtt: dr.DeviceEntry
) -> None:
    """Not while the gateway withdraws it; and taken back as soon as that has happened."""
    await wait(hass, clock, MINUTE)
    await wait(hass, clock, MINUTE)
    assert said(hass) == {}
    await wait(hass, clock, MINUTE)
    assert said(hass)["shown_by_mqtt"].translation_placeholders == {
        "meter": "Electricity meter 12345678",
        "gateway": "OBIS Gateway",
        "topic": "obis_gateway_isk_12345678",
    }
    dr.async_get(hass).async_remove_device(by_mqtt.id)
    await hass.async_block_till_done()
    assert said(hass) == {}


async def test_a_device_that_is_disabled_is_none(
    hass: HomeAssistant, loaded: MockConfigEntry, clock: HandClock, by_mqtt: dr.DeviceEntry
) -> None:
    """Its owner has settled it that way."""
    dr.async_get(hass).async_update_device(by_mqtt.id, disabled_by=dr.DeviceEntryDisabler.USER)
    for _ in range(5):
        await wait(hass, clock, MINUTE)
    assert said(hass) == {}


async def test_the_gateway_is_told_again_that_the_meter_is_shown_here(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    gateway: RunningGateway,
    loaded: MockConfigEntry,
    clock: HandClock,
    by_mqtt: dr.DeviceEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Until the other device is gone; where it stays, it is said why that can be."""
    for _ in range(4):
        await wait(hass, clock, MINUTE)
    monkeypatch.setattr(repairs, "WITHDRAWN_WITHIN", 0.1)
    flow = await fix(hass, hass_client, "shown_by_mqtt")
    assert (await flow.submit())["errors"] == {"base": "still_there"}
    await gateway.stop()
    assert (await flow.submit())["errors"] == {"base": "cannot_connect"}
    await gateway.start()
    monkeypatch.setattr(repairs, "WITHDRAWN_WITHIN", 5)
    adopted: list[bool] = []
    told = gateway.clients_changed

    def changed() -> None:
        adopted.append(METER.id in gateway.clients.adopted)
        told()
        if adopted[-1]:
            # The broker hands it on a moment later.
            hass.loop.call_later(0.05, dr.async_get(hass).async_remove_device, by_mqtt.id)

    monkeypatch.setattr(gateway, "clients_changed", changed)
    assert (await flow.submit())["type"] == "create_entry"
    assert adopted == [False, True]
    assert said(hass) == {}


async def test_a_token_that_was_revoked_cannot_tell(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    gateway: RunningGateway,
    loaded: MockConfigEntry,
    clock: HandClock,
    by_mqtt: dr.DeviceEntry,
) -> None:
    """Nor can an entry that is not loaded any more."""
    for _ in range(4):
        await wait(hass, clock, MINUTE)
    first = await fix(hass, hass_client, "shown_by_mqtt")
    second = await fix(hass, hass_client, "shown_by_mqtt")
    listeners, gateway.clients.on_revoked = gateway.clients.on_revoked, []
    gateway.revoke()
    gateway.clients.on_revoked = listeners
    step = await first.submit()
    assert (step["type"], step["reason"]) == ("abort", "invalid_auth")
    assert await hass.config_entries.async_unload(loaded.entry_id)
    step = await second.submit()
    assert (step["type"], step["reason"]) == ("abort", "not_loaded")


# --- two gateways


async def test_a_meter_at_two_gateways_is_said_by_the_second(
    hass: HomeAssistant, gateway: RunningGateway, loaded: MockConfigEntry
) -> None:
    """Until it shows the meter itself."""
    attic = RunningGateway(id="fedcba9876543210", info=GatewayInfo("attic", "Attic", "0.2.0"))
    attic.publish()
    await attic.start()
    second = entry_for(attic)
    second.add_to_hass(hass)
    await set_up(hass, second)
    issue = said(hass)["two_gateways"]
    assert issue.translation_placeholders == {
        "meter": "",
        "meters": METER.id,
        "gateway": "Attic",
        "other": "OBIS Gateway",
    }
    assert issue.data == {"entry_id": second.entry_id, "kind": "two_gateways", "meter": ""}
    gateway.remove_meter()
    await taken(hass, gateway, loaded)
    await second.runtime_data.async_refresh()
    attic.publish()
    await taken(hass, attic, second)
    assert said(hass) == {}
    assert await hass.config_entries.async_unload(second.entry_id)
    await attic.stop()


def test_of_many_meters_some_are_named() -> None:
    """The list of repairs is no book."""
    left = {f"abc_{number}": "Attic" for number in range(14)}
    entry = MockConfigEntry(domain=DOMAIN, title="Cellar")
    meters = notices.two_gateways(entry, left).placeholders["meters"]
    assert meters.startswith("abc_0, abc_1, ")
    assert meters.endswith("abc_9, +4")


# --- where more is told


def test_each_notice_links_to_a_page_that_is_there(device_registry: dr.DeviceRegistry, hass: HomeAssistant) -> None:
    """And to the heading about it."""
    entry = MockConfigEntry(domain=DOMAIN, title="Cellar")
    entry.add_to_hass(hass)
    about = device_registry.async_get_or_create(config_entry_id=entry.entry_id, identifiers={(DOMAIN, "abc_1")})
    meter = Meter("abc_1", "Meter")
    said = (
        notices.silent(meter, about, "", "Cellar", None),
        notices.misplaced(meter, about, "Cellar"),
        notices.replaced("abc_1", about, "abc_2", None),
        notices.shown_by_mqtt("abc_1", about, "Cellar"),
        notices.two_gateways(entry, {"abc_1": "Attic"}),
        notices.versions_apart(entry, "0.9", newer=False),
        notices.versions_apart(entry, "2.0", newer=True),
    )
    for issue in said:
        name, _, anchor = issue.guide.partition("#")
        page = ROOT / "docs/guides" / name
        assert page.exists()
        assert not anchor or anchor in anchors(page)
    assert GUIDES == "https://github.com/obis-gateway/obis-gateway/blob/main/docs/guides"


# --- what diagnostics tell of it


async def test_the_registry_holds_no_number_of_a_meter(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    gateway: RunningGateway,
    replaced: MockConfigEntry,
    clock: HandClock,
    by_mqtt: dr.DeviceEntry,
) -> None:
    """Home Assistant adds its part of each notice to every diagnostics file, and writes it down."""
    gateway.fail("another meter answers: its number is 12345678", meter=NEW)
    await taken(hass, gateway, replaced)
    for _ in range(4):
        await wait(hass, clock, HOUR)
    assert said(hass).keys() >= {"meter_replaced", "meter_silent", "shown_by_mqtt"}
    assert await async_setup_component(hass, "diagnostics", {})
    client = await hass_client()
    response = await client.get(f"/api/diagnostics/config_entry/{replaced.entry_id}")
    text = await response.text()
    assert "meter_silent_" in text
    for secret in ("12345678", "87654321", "isk_", replaced.data["token"]):
        assert secret not in text
