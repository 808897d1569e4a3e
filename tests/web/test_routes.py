"""What each address does, at a real server."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from obisgw.web.edges import BASE
from tests.mqtt.samples import HEALTH, METER

if TYPE_CHECKING:
    from .conftest import Api

LIMIT = {"name": "High load", "register": "16.7.0", "above": "3.5", "unit": "kW", "hysteresis": "0.1", "for": 60}


async def test_the_gateway_describes_itself(api: Api) -> None:
    """Installation, versions, and the way over the broker."""
    status, gateway = await api.ask("GET", "/gateway")
    assert status == 200
    assert gateway["id"] == "0123456789abcdef"
    assert (gateway["slug"], gateway["name"], gateway["version"], gateway["api"]) == (
        "gateway",
        "OBIS Gateway",
        "0.2.0",
        "1.0",
    )
    assert gateway["mqtt"] == {"enabled": True, "connected": False, "problem": "no broker"}
    assert (gateway["stream"], gateway["sequence"]) == (api.feed.stream, api.feed.sequence)


async def test_a_meter_comes_with_registers_and_reading(api: Api) -> None:
    """Everything that a client needs for its entities."""
    status, meters = await api.ask("GET", "/meters")
    assert status == 200
    [meter] = meters["meters"]
    assert (await api.ask("GET", f"/meters/{METER.id}"))[1] == meter
    assert meter["name"] == "Electricity meter 12345678"
    energy = next(one for one in meter["registers"] if one["obis"] == "1-0:1.8.1*255")
    assert energy == {
        "id": "1_0_1_8_1_255",
        "key": "active_energy_import_tariff_1",
        "obis": "1-0:1.8.1*255",
        "address": "1.8.1",
        "name": "Energy import T1",
        "kind": "number",
        "unit": "kWh",
        "device_class": "energy",
        "state_class": "total_increasing",
        "precision": 3,
        "category": None,
        "enabled": True,
        "billing_period": None,
        "translation_key": energy["translation_key"],
        "placeholders": energy["placeholders"],
    }
    assert meter["reading"]["values"]["1_0_1_8_1_255"] == "8000.000"
    assert (await api.ask("GET", f"/meters/{METER.id}/reading"))[1] == meter["reading"]


@pytest.mark.parametrize("name", ["nobody", "%2e%2e", "a%2Fb", "%00", "ä", "x" * 3000, "%F0%9F%98%80", "'\"<script>"])
@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", "/read"), ("PUT", "/adoption")])
async def test_an_unknown_meter_is_a_problem_with_a_remedy(api: Api, name: str, method: str, path: str) -> None:
    """Whatever its name is made of."""
    status, problem = await api.ask(method, f"/meters/{name}{path}")
    assert status in {400, 404}
    assert problem["detail"]
    assert not api.service.asked


async def test_read_now_asks_the_service(api: Api) -> None:
    """And does not wait unless asked to."""
    assert await api.ask("POST", f"/meters/{METER.id}/read") == (202, {"accepted": True})
    assert api.service.asked == [METER.id]


async def test_read_now_can_wait_for_the_reading(api: Api) -> None:
    """It is the one that came after the request."""
    asking = asyncio.create_task(api.ask("POST", f"/meters/{METER.id}/read?wait=10"))
    await api.service.was_asked.wait()
    api.service.read("1.8.0(0012346.000*kWh)")
    status, answer = await asking
    assert status == 200
    assert answer["values"] == {"1_0_1_8_0_255": "12346.000"}


async def test_read_now_says_why_the_meter_was_not_read(api: Api) -> None:
    """With the words of the error, at once."""
    asking = asyncio.create_task(api.ask("POST", f"/meters/{METER.id}/read?wait=10"))
    await api.service.was_asked.wait()
    api.feed.meter_available(METER.id, False, replace(HEALTH, last_error="silent (look at the head)"))  # noqa: FBT003
    status, problem = await asking
    assert (status, problem["detail"]) == (502, "silent (look at the head)")


async def test_read_now_does_not_wait_longer_than_it_may(api: Api) -> None:
    """The readout goes on."""
    status, problem = await api.ask("POST", f"/meters/{METER.id}/read?wait=0")
    assert (status, problem["type"]) == (504, "urn:obis-gateway:problem:read_timeout")


@pytest.mark.parametrize("wait", ["-1", "121", "nan", "inf", "x", "", "1e999"])
async def test_how_long_to_wait_is_a_number_in_bounds(api: Api, wait: str) -> None:
    """Nothing is asked of the meter else."""
    status, problem = await api.ask("POST", f"/meters/{METER.id}/read?wait={wait}")
    assert (status, problem["type"]) == (400, "urn:obis-gateway:problem:invalid_request")
    assert not api.service.asked


async def test_a_meter_that_sends_by_itself_cannot_be_asked(api: Api) -> None:
    """It is said, not tried."""
    push = replace(METER, id="push", number="9")
    api.service.add(push, on_request=False)
    status, problem = await api.ask("POST", "/meters/push/read")
    assert (status, problem["meter"]) == (409, "push")
    status, problem = await api.ask("GET", "/meters/push/reading")
    assert (status, problem["type"]) == (404, "urn:obis-gateway:problem:no_reading")


async def test_adoption_is_of_the_client_that_asks(api: Api) -> None:
    """And told to the service, both ways."""
    assert (await api.ask("PUT", f"/meters/{METER.id}/adoption"))[0] == 204
    assert api.clients.adopted == {METER.id}
    assert api.service.changes == 1
    assert (await api.ask("GET", f"/meters/{METER.id}"))[1]["adopted"] is True
    _, other = api.clients.add("other")
    assert (await api.ask("GET", f"/meters/{METER.id}", token=other))[1]["adopted"] is False
    assert (await api.ask("DELETE", f"/meters/{METER.id}/adoption"))[0] == 204
    assert api.clients.adopted == frozenset()
    assert api.service.changes == 2


async def test_a_meter_that_is_gone_can_be_left(api: Api) -> None:
    """Cleaning up is never an error."""
    assert (await api.ask("DELETE", "/meters/gone/adoption"))[0] == 204


async def test_thresholds_are_replaced_as_a_whole(api: Api) -> None:
    """Their digits stay; the service watches them."""
    path = f"/meters/{METER.id}/thresholds"
    assert await api.ask("GET", path) == (200, {"thresholds": []})
    status, answer = await api.ask("PUT", path, json={"thresholds": [LIMIT]})
    assert status == 200
    [threshold] = answer["thresholds"]
    assert threshold == {**LIMIT, "id": "high_load", "below": None, "source": "client"}
    assert api.service.changes == 1
    meter = (await api.ask("GET", f"/meters/{METER.id}"))[1]
    assert meter["thresholds"] == [threshold]
    assert (await api.ask("PUT", path, json={"thresholds": []}))[1] == {"thresholds": []}
    assert (await api.ask("GET", f"/meters/{METER.id}"))[1]["thresholds"] == []


async def test_another_clients_threshold_of_the_same_name_is_a_conflict(api: Api) -> None:
    """Two entities would have one name."""
    path = f"/meters/{METER.id}/thresholds"
    await api.ask("PUT", path, json={"thresholds": [LIMIT]})
    _, other = api.clients.add("other")
    status, problem = await api.ask("PUT", path, token=other, json={"thresholds": [LIMIT]})
    assert (status, problem["type"]) == (409, "urn:obis-gateway:problem:threshold_conflict")
    assert "High load" in problem["detail"]
    # One's own may be put again.
    assert (await api.ask("PUT", path, json={"thresholds": [LIMIT]}))[0] == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"thresholds": None},
        {"thresholds": [None]},
        {"thresholds": [{}]},
        {"thresholds": [{"name": "x"}]},
        {"thresholds": [{"name": "", "above": "1"}]},
        {"thresholds": [{"name": "x" * 65, "above": "1"}]},
        {"thresholds": [{"name": "a\nb", "above": "1"}]},
        {"thresholds": [{"name": "x", "above": "1", "below": "2"}]},
        {"thresholds": [{"name": "x", "above": True}]},
        {"thresholds": [{"name": "x", "above": "NaN"}]},
        {"thresholds": [{"name": "x", "above": "1e999999999"}]},
        {"thresholds": [{"name": "x", "above": "9" * 100}]},
        {"thresholds": [{"name": "x", "above": []}]},
        {"thresholds": [{"name": "x", "above": "1", "hysteresis": "-1"}]},
        {"thresholds": [{"name": "x", "above": "1", "for": -1}]},
        {"thresholds": [{"name": "x", "above": "1", "for": 1e9}]},
        {"thresholds": [{"name": "x", "above": "1", "for": "60"}]},
        {"thresholds": [{"name": "x", "above": "1", "unit": ""}]},
        {"thresholds": [{"name": "x", "above": "1", "unit": 5}]},
        {"thresholds": [{"name": "x", "above": "1", "unit": "kWh"}]},
        {"thresholds": [{"name": "x", "above": "1", "unit": "kW", "register": "32.7.0"}]},
        {"thresholds": [{"name": "x", "above": "1", "register": 167}]},
        {"thresholds": [{"name": "x", "above": "1", "register": "power"}]},
        {"thresholds": [{"name": f"{count}", "above": "1"} for count in range(51)]},
        {"thresholds": [{"name": "x", "above": "1"}, {"name": "x", "above": "2"}]},
    ],
)
async def test_what_cannot_be_watched_is_refused_with_the_reason(api: Api, body: Any) -> None:
    """And what was watched before stays."""
    path = f"/meters/{METER.id}/thresholds"
    before = (await api.ask("PUT", path, json={"thresholds": [LIMIT]}))[1]
    status, problem = await api.ask("PUT", path, json=body)
    assert status in {400, 409}
    assert problem["detail"]
    assert (await api.ask("GET", path))[1] == before


@pytest.mark.parametrize(
    ("unit", "register"),
    [
        (None, None),
        ("W", None),
        ("MW", "16.7.0"),
        ("kV", "1-0:32.7.0*255"),
        ("kWh", "2.8.0"),
        ("A", "31.7.0"),
        ("A", "C.7.0"),
    ],
)
async def test_a_limit_may_be_of_another_prefix_or_for_a_register_not_seen_yet(
    api: Api, unit: str | None, register: str | None
) -> None:
    """A meter may print more another time, and its unit is not known where it prints none."""
    wanted = {"name": "x", "above": "1", "unit": unit, "register": register}
    assert (await api.ask("PUT", f"/meters/{METER.id}/thresholds", json={"thresholds": [wanted]}))[0] == 200


async def test_a_limit_of_another_quantity_is_refused_with_both_units(api: Api) -> None:
    """It could never be compared, and its entity would be unknown for ever."""
    wanted = {"name": "High load", "above": "1", "unit": "kWh"}
    status, problem = await api.ask("PUT", f"/meters/{METER.id}/thresholds", json={"thresholds": [wanted]})
    assert status == 400
    assert problem["detail"] == (
        "threshold 'High load': 1-0:16.7.0*255 is in kW, which cannot be compared with kWh: "
        "give the limit in the register's unit"
    )


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"[" * 30_000, 400),
        (b'{"thresholds": NaN}', 400),
        (b'"' + b"x" * 70_000 + b'"', 413),
        (json.dumps({"thresholds": "x" * 60_000}).encode(), 400),
    ],
)
async def test_bodies_that_are_no_request_are_problems(api: Api, data: bytes, status: int) -> None:
    """Too large, too deep, no JSON, no UTF-8."""
    answer, problem = await api.ask("PUT", f"/meters/{METER.id}/thresholds", data=data)
    assert answer == status
    assert problem["status"] == status


async def test_an_unknown_charset_is_a_problem(api: Api) -> None:
    """Not a fault of ours."""
    headers = {"Content-Type": "application/json; charset=klingon"}
    assert (await api.ask("POST", "/pair", token=None, data=b"{}", headers=headers))[0] == 400


async def test_diagnostics_hold_no_secret(api: Api) -> None:
    """Neither tokens nor their hashes."""
    status, document = await api.ask("GET", "/diagnostics")
    assert status == 200
    text = json.dumps(document)
    assert api.token not in text
    assert api.clients.list()[0].digest not in text
    assert document["service"] == {"settings": {"meters": 1}}
    assert document["clients"] == 1


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("DELETE", "/gateway", 405),
        ("POST", "/meters", 405),
        ("GET", "/meters/isk_12345678/read", 405),
        ("GET", "/nothing", 404),
        ("GET", "/meters/", 404),
        ("PATCH", "/gateway", 405),
        ("OPTIONS", "/gateway", 405),
        ("GET", "/stream", 400),
    ],
)
async def test_wrong_addresses_and_methods_are_problems(api: Api, method: str, path: str, status: int) -> None:
    """With what to do."""
    answer, problem = await api.ask(method, path)
    assert (answer, problem["status"]) == (status, status)
    assert problem["detail"]


async def test_head_is_answered_like_get_without_a_body(api: Api) -> None:
    """As HTTP wants it."""
    async with api.session.head(f"{api.url}{BASE}/health") as response:
        assert response.status == 200
        assert await response.read() == b""


async def test_a_fault_of_ours_is_said_in_the_log_and_not_to_the_client(
    api: Api, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client learns where to look."""
    monkeypatch.setattr(api.service, "mqtt_state", lambda: 1 / 0)
    status, problem = await api.ask("GET", "/gateway")
    assert (status, problem["type"]) == (500, "urn:obis-gateway:problem:internal")
    assert "division" not in json.dumps(problem)
    assert "ZeroDivisionError" in caplog.text


async def test_every_answer_forbids_what_it_does_not_need(api: Api) -> None:
    """No caching of readings, no framing, no scripts from elsewhere."""
    for path in ("/", "/status.js", f"{BASE}/health", f"{BASE}/nothing"):
        async with api.session.get(f"{api.url}{path}") as response:
            assert response.headers["Cache-Control"] == "no-store"
            assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert "Access-Control-Allow-Origin" not in response.headers


async def test_the_status_page_is_served_without_a_token_and_without_data(api: Api) -> None:
    """Its files are the same for everybody."""
    for path, kind in (("/", "text/html"), ("/status.css", "text/css"), ("/status.js", "text/javascript")):
        async with api.session.get(f"{api.url}{path}") as response:
            assert response.status == 200
            assert response.content_type == kind
            assert METER.id not in await response.text()
