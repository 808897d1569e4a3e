"""A house in use: automations, actions, options, diagnostics; broken lines and revoked tokens."""

from __future__ import annotations

import asyncio
import contextlib
import json
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession, ClientWebSocketResponse

from tests.live.gateway import Simulated
from tests.live.home_assistant import Refused
from tests.live.installation import ROOT
from tests.live.installed import FLOWS, Cabled, becomes, flow_of, installed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.live.home_assistant import HomeAssistant

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]

FAST = Simulated("House", seed=21, options=("--speed", "1800", "--start", "2026-03-02T21:00"))
"""Half an hour a second: the tariff changes after 16 s and 32 s in turn."""

OPTIONS = "/api/config/config_entries/options/flow"
CHANGES_WITHIN = 60
TARIFFS = {"t1", "t2"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(instance: HomeAssistant, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cabled]:
    """A meter whose time goes fast, in Home Assistant."""
    async with installed(instance, tmp_path_factory.mktemp("house") / "gateway", FAST) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="session")
async def meter(house: Cabled) -> str:
    """The meter's id."""
    return str((await house.gateway.meter())["id"])


@pytest_asyncio.fixture(loop_scope="session")
async def blueprints(home: HomeAssistant) -> list[str]:
    """All our blueprints, saved as the dialog that imports them does; returns their paths."""
    folder = ROOT / "custom_components" / "obis_gateway" / "blueprints" / "automation"
    paths = [str(file.relative_to(folder)) for file in sorted(folder.rglob("*.yaml"))]
    for path in paths:
        text = (folder / path).read_text("utf-8")
        await home.socket.call("blueprint/save", domain="automation", path=path, yaml=text, allow_override=True)
    listed = await home.socket.call("blueprint/list", domain="automation")
    assert {path for path in paths if "error" not in listed[path]} == set(paths)
    return paths


async def automate(home: HomeAssistant, name: str, **automation: Any) -> None:
    """Save an automation, as the editor does."""
    body = {"alias": name, **automation}
    await home.rest("POST", f"/api/config/automation/config/{name}", body)


async def fired(events: asyncio.Queue[Any], seconds: float = CHANGES_WITHIN) -> dict[str, Any]:
    """Return the next event's data."""
    async with asyncio.timeout(seconds):
        return dict((await events.get())["data"])


async def is_one_of(house: Cabled, unique_id: str, states: set[str]) -> str | None:
    """Return an entity's state if it is one of these."""
    state = await house.state(unique_id)
    return state if state in states else None


async def test_counters_fit_the_energy_dashboard(home: HomeAssistant, house: Cabled, meter: str) -> None:
    """As grid consumption by tariff, return to grid and power; nothing is found wrong with them."""
    statistics = {one["statistic_id"]: one for one in await home.socket.call("recorder/list_statistic_ids")}
    ids = {code: await house.entity_id(f"{meter}_1_0_{code}_255") for code in ("1_8_1", "1_8_2", "2_8_0", "16_7_0")}
    assert {statistics[one]["unit_class"] for code, one in ids.items() if code != "16_7_0"} == {"energy"}
    grid = {"type": "grid", "stat_cost": None, "stat_compensation": None, "cost_adjustment_day": 0}
    price = {"entity_energy_price": None, "entity_energy_price_export": None, "number_energy_price_export": None}
    sources = [
        {**grid, **price, "stat_energy_from": ids["1_8_1"], "stat_energy_to": ids["2_8_0"], "number_energy_price": 0.3}
        | {"stat_rate": ids["16_7_0"]},
        {**grid, **price, "stat_energy_from": ids["1_8_2"], "stat_energy_to": None, "number_energy_price": 0.2},
    ]
    await home.socket.call("energy/save_prefs", energy_sources=sources)
    found = await home.socket.call("energy/validate")
    issues = {issue["type"] for group in found["energy_sources"] for issue in group}
    # There are none before the first full five minutes.
    assert issues <= {"statistics_not_defined"}, found
    await home.socket.call("energy/save_prefs", energy_sources=[])


async def test_a_tariff_change_starts_automations(
    home: HomeAssistant, house: Cabled, meter: str, blueprints: list[str]
) -> None:
    """By our own trigger, by the event entity, by the sensor's state, and by the blueprint that starts an appliance."""
    tariff, happened = await house.entity_id(f"{meter}_tariff"), await house.entity_id(f"{meter}_events")
    triggers = {
        "own": {"trigger": "obis_gateway.tariff_changed", "target": {"entity_id": tariff}},
        "event": {
            "trigger": "event.received",
            "target": {"entity_id": happened},
            "options": {"event_type": ["tariff_switched"]},
        },
        "state": {"trigger": "state", "entity_id": tariff, "not_from": ["unavailable", "unknown"]},
    }
    for name, trigger in triggers.items():
        await automate(home, name, triggers=[trigger], actions=[{"event": f"live_{name}"}])
    appliance = "input_boolean." + (await home.socket.call("input_boolean/create", name="Washing machine"))["id"]
    (starting,) = [one for one in blueprints if "low_tariff" in one]
    async with (
        home.socket.subscribed("subscribe_events", event_type="live_own") as own,
        home.socket.subscribed("subscribe_events", event_type="live_event") as event,
        home.socket.subscribed("subscribe_events", event_type="live_state") as state,
    ):
        before = await becomes(partial(is_one_of, house, f"{meter}_tariff", TARIFFS))
        (after,) = TARIFFS - {before}
        chosen = {"tariff": tariff, "low": [after], "appliance": {"entity_id": appliance}}
        await automate(home, "blueprint", use_blueprint={"path": starting, "input": chosen})
        for events in (own, event, state):
            await fired(events)

    async def started() -> bool:
        return bool((await home.states())[appliance]["state"] == "on")

    # It may have been added just behind a change.
    await becomes(started, CHANGES_WITHIN)
    for name in (*triggers, "blueprint"):
        await home.rest("DELETE", f"/api/config/automation/config/{name}")


async def test_read_now_answers_with_the_reading(home: HomeAssistant, house: Cabled, meter: str) -> None:
    """By the action, for the device; what is no meter is said in a sentence that can be translated."""
    device = (await house.devices())[meter]["id"]
    before = (await house.gateway.meter())["reading"]["at"]
    (answer,) = (await home.act("obis_gateway", "read_now", device_id=device))["readings"]
    assert (answer["meter"], answer["device_id"]) == (meter, device)
    assert datetime.fromisoformat(answer["time"]) > datetime.fromisoformat(before)
    assert answer["registers"]["1_0_1_8_0_255"]["unit"] == "kWh"
    # Home Assistant's own record of what the user is told.
    home.expected.append("none is no meter of an OBIS Gateway")
    with pytest.raises(Refused) as refused:
        await home.act("obis_gateway", "read_now", device_id="none")
    assert refused.value.code == "service_validation_error"
    assert refused.value.error["translation_domain"] == "obis_gateway"


async def test_the_button_asks_the_meter(home: HomeAssistant, house: Cabled, meter: str) -> None:
    """And is pressed without error."""
    target = {"entity_id": await house.entity_id(f"{meter}_read_now")}
    await home.socket.call("call_service", domain="button", service="press", target=target)


async def option(house: Cabled, step: str, values: dict[str, Any]) -> None:
    """Take one step of the meter's options."""
    flow = await house.home.rest("POST", OPTIONS, {"handler": house.entry_id})
    flow = await house.home.rest("POST", f"{OPTIONS}/{flow['flow_id']}", {"next_step_id": step})
    ended = await house.home.rest("POST", f"{OPTIONS}/{flow['flow_id']}", values)
    assert ended["type"] == "create_entry", ended

    async def is_loaded() -> bool:
        return bool((await house.entry())["state"] == "loaded")

    await becomes(is_loaded)


@pytest.mark.usefixtures("home")
async def test_options_show_one_more_register_and_watch_a_limit(house: Cabled, meter: str) -> None:
    """The register's entity is enabled; the limit is set at the gateway and is a binary sensor here."""
    registers = (await house.gateway.meter())["registers"]
    hidden = next(one["id"] for one in registers if not one["enabled"] and one["kind"] == "number")
    assert (await house.entities())[f"{meter}_{hidden}"]["disabled_by"] == "integration"
    await option(house, "registers", {"registers": [hidden]})
    value = (await house.gateway.meter())["reading"]["values"][hidden]
    await becomes(partial(is_one_of, house, f"{meter}_{hidden}", {value}))

    limit = {"name": "Anything used", "register": "1-0:1.8.0*255", "direction": "above", "limit": 1, "unit": "kWh"}
    limit["damping"] = {"hysteresis": 0, "duration": {"seconds": 0}}
    await option(house, "add_threshold", limit)
    (set_there,) = (await house.gateway.meter())["thresholds"]
    assert (set_there["name"], set_there["above"], set_there["source"]) == ("Anything used", "1", "client")
    await becomes(partial(is_one_of, house, f"{meter}_threshold_{set_there['id']}", {"on"}))

    await option(house, "remove_thresholds", {"thresholds": ["Anything used"]})
    await option(house, "registers", {"registers": []})
    assert (await house.gateway.meter())["thresholds"] == []
    assert f"{meter}_threshold_{set_there['id']}" not in await house.entities()


async def test_diagnostics_hold_no_secret(home: HomeAssistant, house: Cabled) -> None:
    """Neither token nor address nor serial number."""
    async with ClientSession(home.url, headers={"Authorization": f"Bearer {home.tokens['access_token']}"}) as session:
        address = f"/api/diagnostics/config_entry/{house.entry_id}"
        async with session.get(address) as answer:
            assert answer.status == 200
            text = await answer.text()
    number = (await house.gateway.meter())["number"]
    assert house.gateway.token is not None
    stored = json.loads((home.folder / ".storage" / "core.config_entries").read_text("utf-8"))
    (token,) = [one["data"]["token"] for one in stored["data"]["entries"] if one["domain"] == "obis_gateway"]
    for secret in (token, house.gateway.token, number, str(house.gateway.folder)):
        assert secret not in text
    assert json.loads(text)["data"]


async def test_system_health_tells_of_the_gateway(home: HomeAssistant, house: Cabled) -> None:
    """That it can be reached, what it is, and how many meters can be read."""
    version = (await house.gateway.ask("GET", "gateway"))["version"]
    async with home.socket.subscribed("system_health/info") as events:
        told = (await events.get())["data"]["obis_gateway"]["info"]
        assert told | {"reachable": None} == {
            "reachable": None,
            "version": version,
            "api_version": "1.0",
            "stream": True,
            "meters": 1,
            "meters_available": 1,
        }
        async with asyncio.timeout(20):
            while (update := await events.get()).get("domain") != "obis_gateway":
                pass
    assert (update["key"], update["success"], update["data"]) == ("reachable", True, "ok")


async def test_the_icon_is_our_own(home: HomeAssistant) -> None:
    """Home Assistant serves it from the integration's folder."""
    token = (await home.socket.call("brands/access_token"))["token"]
    async with ClientSession(home.url) as session:
        address = "/api/brands/integration/obis_gateway/icon.png"
        async with session.get(address, params={"token": token}) as answer:
            assert answer.status == 200
            served = await answer.read()
    assert served == (ROOT / "custom_components" / "obis_gateway" / "brand" / "icon.png").read_bytes()


async def test_nothing_is_lost_over_a_broken_line(home: HomeAssistant, house: Cabled, meter: str) -> None:
    """What happened meanwhile comes with its own time, in order and once, by the stream's numbers."""
    happened = await house.entity_id(f"{meter}_events")
    shown: list[tuple[str, str]] = []

    async def take(changes: asyncio.Queue[Any]) -> None:
        while True:
            state = (await changes.get())["data"]["new_state"]
            if state["entity_id"] == happened and state["attributes"].get("event_type"):
                event = state["attributes"]["event_type"], state["attributes"]["at"]
                if event not in shown[-1:]:
                    shown.append(event)

    async with home.socket.subscribed("subscribe_events", event_type="state_changed") as changes, told(house) as events:
        taking = asyncio.create_task(take(changes))
        # The meter's clock runs away: that is an event with each reading.
        first = await events.get()
        house.cable.pull()
        await becomes(partial(is_one_of, house, f"{meter}_tariff", {"unavailable"}))
        missed = [await events.get() for _ in range(3)]
        await house.cable.plug()
        last = [await events.get() for _ in range(2)]

        async def all_shown() -> bool:
            return len(shown) >= 6 and _of(last[-1]) in shown

        await becomes(all_shown)
        taking.cancel()
    expected = [_of(event) for event in (first, *missed, *last)]
    begin = shown.index(expected[0])
    assert shown[begin : begin + len(expected)] == expected


def _of(event: dict[str, Any]) -> tuple[str, str]:
    return event["event_type"], event["at"].replace("Z", "000+00:00")


@contextlib.asynccontextmanager
async def told(house: Cabled) -> AsyncIterator[asyncio.Queue[Any]]:
    """Give the events that the gateway tells to a client of its own, whose line does not break."""
    queue: asyncio.Queue[Any] = asyncio.Queue()
    headers = {"Authorization": f"Bearer {house.gateway.token}"}

    async def listen(socket: ClientWebSocketResponse) -> None:
        async for message in socket:
            if (document := message.json())["type"] == "event":
                queue.put_nowait(document)

    async with (
        ClientSession(f"http://127.0.0.1:{house.gateway.port}", headers=headers) as session,
        session.ws_connect("/api/v1/stream") as socket,
    ):
        await socket.send_json({"type": "subscribe"})
        listening = asyncio.create_task(listen(socket))
        yield queue
        listening.cancel()


@pytest.mark.usefixtures("home")
async def test_the_gateway_may_be_restarted(house: Cabled, meter: str) -> None:
    """Entities are unavailable while it is away, and back with it; the log has no more than information."""
    await house.gateway.stop()
    await becomes(partial(is_one_of, house, f"{meter}_tariff", {"unavailable"}))
    await house.gateway.start()
    await becomes(partial(is_one_of, house, f"{meter}_tariff", TARIFFS))


async def test_a_disabled_entry_shows_nothing_and_leaves_its_meters(
    home: HomeAssistant, house: Cabled, meter: str
) -> None:
    """So that MQTT may show them; enabled again, all is as before."""

    async def adopted() -> bool:
        return f"shows {meter}" in await house.gateway.command("tokens")

    await becomes(adopted)
    await home.socket.call("config_entries/disable", entry_id=house.entry_id, disabled_by="user")
    assert (await house.entry())["state"] == "not_loaded"
    assert await house.state(f"{meter}_tariff") is None
    assert not await adopted()
    await home.socket.call("config_entries/disable", entry_id=house.entry_id, disabled_by=None)
    await becomes(partial(is_one_of, house, f"{meter}_tariff", TARIFFS))
    await becomes(adopted)


async def test_home_assistant_may_be_restarted(home: HomeAssistant, house: Cabled, meter: str) -> None:
    """It ends in time and without complaint, and shows the meter again."""
    tariff, entities = await house.entity_id(f"{meter}_tariff"), await house.entities()
    await home.stop()
    await home.start()
    await becomes(partial(is_one_of, house, f"{meter}_tariff", TARIFFS))
    assert (await house.entities()).keys() == entities.keys()
    assert (await home.states())[tariff]["attributes"]["options"]


async def test_a_revoked_token_is_asked_for_again(home: HomeAssistant, house: Cabled, meter: str) -> None:
    """The user types a new code, and all is as before."""
    (token,) = await house.gateway.tokens()
    await house.gateway.command("tokens", "revoke", token)
    flow = await flow_of(home, source="reauth")
    assert flow["step_id"] == "reauth_confirm"
    ended = await home.rest("POST", f"{FLOWS}/{flow['flow_id']}", {"code": await house.gateway.code()})
    assert (ended["type"], ended["reason"]) == ("abort", "reauth_successful")
    await becomes(partial(is_one_of, house, f"{meter}_tariff", TARIFFS))
    assert len(await house.gateway.tokens()) == 1
