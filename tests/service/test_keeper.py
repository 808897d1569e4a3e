"""The store among the publishers: whose past it is, and how far readings lie apart that measure."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from obisgw.config.table import StoreSettings
from obisgw.readings.derive import Derived
from obisgw.readings.shown import MeterOptions
from obisgw.service.clock import boot_id, steady_time
from obisgw.service.keeper import Keeper, keeping_of
from obisgw.store.history import Step
from obisgw.store.quality import Quality
from obisgw.store.rows import RegisterKey
from tests.mqtt.samples import HEALTH, METER, reading

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NAMELESS = replace(METER, id="house", number=None)


@pytest.fixture
async def keeper(tmp_path: Path) -> AsyncIterator[Keeper]:
    """Return a keeper in use."""
    keeper = Keeper(tmp_path, StoreSettings())
    keeper.store.start()
    await keeper.store._resumed.wait()
    yield keeper
    await keeper.store.stop()


def publish(keeper: Keeper, seconds_ago: float, kwh: str, meter: str = METER.id) -> None:
    """Publish a reading that was made some time ago."""
    made = reading(f"1.8.0({kwh}*kWh)", meter=replace(METER, id=meter))
    keeper.publish_reading(replace(made, steady=steady_time() - seconds_ago), Derived(), HEALTH)


async def past(keeper: Keeper, meter: str = METER.id) -> list[tuple[str | None, Quality]]:
    """Return the last two hours by quarter hours."""
    now, key = datetime.now(UTC), RegisterKey(meter, "1_0_1_8_0_255", "kWh")
    points = await keeper.history(key, now - timedelta(hours=2), now, Step.QUARTER, UTC)
    assert points is not None
    return [(None if point.value is None else str(point.value), point.quality) for point in points]


@pytest.mark.parametrize(
    ("interval", "quality"), [(900.0, Quality.MEASURED), (60.0, Quality.INTERPOLATED), (None, Quality.INTERPOLATED)]
)
async def test_readings_measure_what_lies_between_them_by_how_often_a_meter_is_read(
    interval: float | None, quality: Quality, keeper: Keeper
) -> None:
    """A quarter hour between two is usual for one, and an outage for another."""
    keeper.meter_added(METER, MeterOptions(interval, "home"))
    for number in range(8):
        publish(keeper, 7200 - 900 * number, f"{10 + number}.000")
    found = {quality for value, quality in await past(keeper) if value is not None}
    assert found == {quality}


async def test_a_reading_has_its_place_by_when_it_was_made(keeper: Keeper) -> None:
    """On a suspect line it is believed minutes later."""
    keeper.meter_added(METER, MeterOptions(60.0, "home"))
    publish(keeper, 3600, "10.000")
    publish(keeper, 1800, "11.000")
    await asyncio.sleep(0)
    assert [value for value, _ in await past(keeper)][-1] is None
    publish(keeper, 0, "11.000")
    assert [value for value, _ in await past(keeper)][-1] == "11.000"


async def test_a_meters_past_follows_it_when_its_number_becomes_known(keeper: Keeper) -> None:
    """Not to another maker's meter, and not a second time."""
    keeper.meter_added(NAMELESS, MeterOptions(900.0, "home"))
    for number in range(4):
        publish(keeper, 3600 - 900 * number, f"{10 + number}.000", NAMELESS.id)
    keeper.meter_added(METER, MeterOptions(900.0, "home"))
    publish(keeper, 0, "14.000")
    assert len([value for value, _ in await past(keeper) if value is not None]) >= 3
    assert await keeper.store.counters(NAMELESS.id) == []
    keeper.meter_added(replace(METER, id="isk_9", number="9"), MeterOptions(900.0, "home"))
    assert await keeper.store.counters(METER.id) != []


async def test_another_makers_meter_does_not_get_the_past_of_a_nameless_one(keeper: Keeper) -> None:
    """It stands in its place."""
    keeper.meter_added(NAMELESS, MeterOptions(900.0, "home"))
    publish(keeper, 60, "10.000", NAMELESS.id)
    keeper.meter_added(replace(METER, id="emh_1", flag="EMH"), MeterOptions(900.0, "home"))
    assert await keeper.store.counters(NAMELESS.id) != []


def test_years_are_counted_with_their_leap_days() -> None:
    """As the settings say."""
    keeping = keeping_of(StoreSettings(flush=timedelta(minutes=5), raw_days=2, quarter_years=1, hour_years=10))
    assert (keeping.flush, keeping.raw_days, keeping.quarter_days, keeping.hour_days) == (300.0, 2, 366, 3660)


def test_the_run_of_the_machine_has_one_name() -> None:
    """The same for each program that asks."""
    assert boot_id() == boot_id()
    assert len(boot_id()) >= 32
    assert 0 < steady_time() <= steady_time()
