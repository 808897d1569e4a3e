"""The gateway is found, paired and shown; what is shown is true."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from obisgw.simulator.household import Household
from obisgw.simulator.profile import load_profile
from obisgw.simulator.serve import SimulatorOptions
from tests.live.gateway import Gateway, Simulated
from tests.live.installed import DOMAIN, FLOWS, Installed, add_by_address, becomes, flow_of, installed, remove
from tests.mqtt.brokers import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live.home_assistant import HomeAssistant

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]

HOUSE = Simulated("House", seed=11)
FIX = "/api/repairs/issues/fix"
HEATING = Simulated("Heating", "landis-gyr-uh50", seed=12)


async def test_it_is_found_by_itself_and_paired_by_its_code(
    home: HomeAssistant,
    tmp_path: Path,
    can_announce: bool,  # noqa: FBT001
) -> None:
    """A wrong code is said and can be corrected; its new address is followed. Else the user gives the address."""
    async with Gateway(tmp_path / "gateway", (HOUSE,), announce=can_announce) as gateway:
        await gateway.let_in()
        gateway_id = (await gateway.ask("GET", "gateway"))["id"]
        await gateway.meter()
        code = await gateway.code()
        if can_announce:
            flow = await flow_of(home, source="zeroconf", unique_id=gateway_id)
            assert flow["step_id"] == "pair"
            wrong = f"{(int(code.replace(' ', '')) + 1) % 10**6:06}"
            said = await home.rest("POST", f"{FLOWS}/{flow['flow_id']}", {"code": wrong})
            assert said["errors"] == {"code": "wrong_code"}
            ended = await home.rest("POST", f"{FLOWS}/{flow['flow_id']}", {"code": code})
        else:
            ended = await add_by_address(home, gateway.port, code)
        assert (ended["type"], ended["title"]) == ("create_entry", "OBIS Gateway")
        found = Installed(home, gateway, ended["result"]["entry_id"])
        entry = await found.entry()
        assert (entry["state"], entry["source"]) == ("loaded", "zeroconf" if can_announce else "user")
        meter = (await gateway.meter())["id"]
        assert (await found.devices()).keys() == {gateway_id, meter}
        if can_announce:
            await gateway.stop()
            gateway.port = free_port()
            gateway.configure()
            await gateway.start()

            async def followed() -> bool:
                return await found.state(f"{meter}_1_0_1_8_0_255") not in {None, "unavailable"} and (
                    f":{gateway.port}/" in (await found.devices())[gateway_id]["configuration_url"]
                )

            await becomes(followed)
        await remove(found)


def differences(reading: dict[str, Any], entities: dict[str, Any], states: dict[str, Any], meter: str) -> list[str]:
    """Return the registers whose entities do not show what was read."""
    found = []
    for register, text in reading["values"].items():
        entity = entities.get(f"{meter}_{register}")
        if entity is None or entity["disabled_by"] is not None:
            continue
        state = states.get(entity["entity_id"], {"state": None})["state"]
        if state != text and (text is None or not _equal(state, text)):
            found.append(f"{entity['entity_id']}: {state} and not {text}")
    return found


def _equal(state: str | None, text: str) -> bool:
    try:
        return Decimal(state or "") == Decimal(text)
    except ArithmeticError:
        return False


async def test_states_are_what_the_meters_say(home: HomeAssistant, tmp_path: Path) -> None:
    """Digit for digit, and the household's own truth."""
    async with installed(home, tmp_path / "gateway", HOUSE, HEATING) as found:
        entities = await found.entities()
        for place in range(2):

            async def agreed(place: int = place) -> dict[str, Any] | None:
                states, meter = await home.states(), await found.gateway.meter(place)
                return meter if not differences(meter["reading"], entities, states, meter["id"]) else None

            meter = await becomes(agreed)
            device = (await found.devices())[meter["id"]]
            assert (device["name"], device["serial_number"]) == (meter["name"], meter["number"])
            assert device["via_device_id"] is not None
        house = await found.gateway.meter(0)
        truth = Household(HOUSE.seed, SimulatorOptions().start, zone=load_profile(HOUSE.profile).zone)
        assert house["number"] == truth.number
        values = {one["address"]: house["reading"]["values"][one["id"]] for one in house["registers"]}
        clock = datetime.strptime(values["0.9.2"] + values["0.9.1"], "%y%m%d%H%M%S")  # noqa: DTZ007 - the meter's own
        seconds = (clock - truth.start).total_seconds()
        assert Decimal(values["16.7.0"]) * 1000 == truth.power_at(seconds).total
        assert truth.energy_at(seconds).imported <= Decimal(values["1.8.0"]) <= truth.energy_at(seconds + 1).imported


async def test_a_replaced_meter_is_a_new_device_and_the_old_one_can_go(home: HomeAssistant, tmp_path: Path) -> None:
    """The user is told, and asked what becomes of the old one."""
    async with installed(home, tmp_path / "gateway", HOUSE) as found:
        old = (await found.gateway.meter())["id"]
        found.gateway.replace_meter(0, replace(HOUSE, seed=13))

        async def notice() -> dict[str, Any] | None:
            issues = (await home.socket.call("repairs/list_issues"))["issues"]
            ours = [issue for issue in issues if issue["domain"] == DOMAIN]
            return dict(ours[0]) if ours else None

        issue = await becomes(notice)
        assert issue["translation_key"] == "meter_replaced"
        fix = {"handler": DOMAIN, "issue_id": issue["issue_id"]}
        flow = await home.rest("POST", FIX, fix)
        flow = await home.rest("POST", f"{FIX}/{flow['flow_id']}", {"next_step_id": "remove"})
        ended = await home.rest("POST", f"{FIX}/{flow['flow_id']}", {})
        assert ended["type"] == "create_entry"
        meters = {one["id"] for one in (await found.gateway.ask("GET", "meters"))["meters"] if one["available"]}
        (new,) = meters - {old}
        devices = await found.devices()
        assert new in devices
        assert old not in devices
        assert await notice() is None
