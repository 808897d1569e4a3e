"""What the API says of the past."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from obisgw.store.quality import Point, Quality
from obisgw.store.rows import RegisterKey
from tests.mqtt.samples import METER

if TYPE_CHECKING:
    from .conftest import Api

IMPORT = RegisterKey(METER.id, "1_0_1_8_0_255", "kWh")
NOON = 1_795_348_800
"""2026-11-22 12:00 UTC."""


@pytest.fixture
def past(api: Api) -> Api:
    """Return the API with a counter's past of two hours, and a hole."""
    points = [
        Point(NOON + 900 * n, Decimal(f"10.{n:03}"), Quality.MEASURED if n else Quality.INTERPOLATED)
        for n in range(9)
        if n != 5
    ]
    api.service.past = {IMPORT: points}
    return api


async def test_counters_that_have_a_history_are_named(past: Api) -> None:
    """With their units."""
    status, answer = await past.ask("GET", f"/meters/{METER.id}/history")
    assert (status, answer) == (200, {"registers": [{"register": "1_0_1_8_0_255", "unit": "kWh"}]})


async def test_a_counter_stands_at_each_boundary_with_its_quality(past: Api) -> None:
    """What nobody knows is null."""
    query = "register=1_0_1_8_0_255&from=2026-11-22T12:00:00Z&to=2026-11-22T13:30:00%2B00:00&step=quarter"
    status, answer = await past.ask("GET", f"/meters/{METER.id}/history?{query}")
    assert (status, answer["unit"], answer["step"]) == (200, "kWh", "quarter")
    assert [(point["at"][11:16], point["value"], point["quality"]) for point in answer["points"]] == [
        ("12:00", "10.000", "interpolated"),
        ("12:15", "10.001", "measured"),
        ("12:30", "10.002", "measured"),
        ("12:45", "10.003", "measured"),
        ("13:00", "10.004", "measured"),
        ("13:15", None, "missing"),
        ("13:30", "10.006", "measured"),
    ]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("step=week", "quarter, hour or day"),
        ("from=yesterday", "is a time such as"),
        ("from=2026-11-22T12:00:00Z&to=2026-11-21T12:00:00Z", "lies behind"),
        ("from=1990-01-01T00:00:00Z&step=quarter", "at most 40000 boundaries"),
        ("from=0001-01-01T00:00:00Z", "is a time such as"),
        ("to=9999-12-31T23:59:59Z&step=day", "is a time such as"),
        ("from=2026-02-30", "is a time such as"),
        ("zone=Mars/Olympus", "name of a time zone"),
        ("zone=../../etc/passwd", "name of a time zone"),
    ],
)
async def test_a_question_that_cannot_be_answered_says_why(past: Api, query: str, words: str) -> None:
    """As a problem document."""
    status, answer = await past.ask("GET", f"/meters/{METER.id}/history?{query}")
    assert status == 400
    assert words in answer["detail"]


async def test_where_nothing_is_kept_the_remedy_is_said(api: Api) -> None:
    """The store is switched off."""
    status, answer = await api.ask("GET", f"/meters/{METER.id}/history")
    assert status == 404
    assert "'store'" in answer["detail"]


async def test_a_file_that_has_trouble_is_told_from_a_past_that_nobody_knows(past: Api) -> None:
    """503: later it may be read."""
    past.service.history_troubled = True
    status, answer = await past.ask("GET", f"/meters/{METER.id}/history?register=1_0_1_8_0_255")
    assert (status, answer["type"]) == (503, "urn:obis-gateway:problem:history_trouble")
    past.service.past = None
    status, _ = await past.ask("GET", f"/meters/{METER.id}/history")
    assert status == 503


async def test_a_century_of_days_is_answered_at_once(past: Api) -> None:
    """Days begin in the zone that is asked for."""
    query = "register=1_0_1_8_0_255&from=2000-01-01T00:00:00Z&to=2100-01-01T00:00:00Z&step=day&zone=Europe/Berlin"
    status, answer = await past.ask("GET", f"/meters/{METER.id}/history?{query}")
    assert (status, len(answer["points"])) == (200, 36_525)
    assert answer["points"][0] == {"at": "2000-01-01T23:00:00Z", "value": None, "quality": "missing"}


async def test_a_register_without_history_is_told_from_a_meter_that_is_unknown(past: Api) -> None:
    """A voltage has none."""
    _, answer = await past.ask("GET", f"/meters/{METER.id}/history?register=1_0_32_7_0_255")
    assert answer["type"].endswith("no_history")
    _, answer = await past.ask("GET", "/meters/nobody/history")
    assert answer["type"].endswith("unknown_meter")
