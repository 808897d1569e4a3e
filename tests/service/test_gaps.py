"""Filling holes beside everything else: the line's turns, what is remembered, what the log tells."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from obisgw.errors import MeterError, RefusedError
from obisgw.iec62056_21.vdew.periods import Period
from obisgw.iec62056_21.vdew.records import Channel
from obisgw.iec62056_21.vdew.status import Status
from obisgw.obis import ColumnKind, ObisCode
from obisgw.service.gaps import Gaps
from obisgw.service.gateway import Gateway
from obisgw.service.state import State
from obisgw.store.clocks import Clocks
from obisgw.store.quality import Quality
from obisgw.store.rows import RegisterKey, Taken, Value
from obisgw.store.store import Keeping, Store
from tests.mqtt.brokers import until
from tests.service.fakes import FakeClock, FakeMeter, FakePublisher, identity, settings, success

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()
NOW = NOON + 10 * 3600
METER = identity().id
KEY = RegisterKey(METER, "1_0_1_8_0_255", "kWh")
READINGS = (
    (-1800, "1.000"),
    (-900, "1.100"),
    (0, "1.200"),
    (900, "1.300"),
    (9900, "5.000"),
    (10_800, "5.100"),
    (11_700, "5.2"),
)
"""Seconds since noon; the hole is from 12:15 to 15:00."""
TOTAL = Channel("1.29", ObisCode(1, 0, 1, 29, 0, 255), "kWh", ColumnKind.INCREMENT)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """A store with a hole."""
    clocks = Clocks(lambda: NOW, lambda: NOW)
    store = Store(tmp_path / "store.db", Keeping(flush=1000.0), "boot", clocks)
    store.start()
    await store._resumed.wait()
    for seconds, kwh in READINGS:
        taken = Taken(METER, NOON + seconds, 900.0, (Value(KEY, kwh, Decimal(kwh)),))
        store._writer.batch.extend(store._recorder.place(taken, taken.steady))
    yield store
    await store.stop()


def periods(*amounts: str) -> list[Period]:
    """Return quarter hours from 12:15 on."""
    found = []
    for place, amount in enumerate(amounts):
        start, end = (datetime.fromtimestamp(NOON + 900 * (place + number), UTC) for number in (1, 2))
        found.append(Period(start, end, Status(0), (Decimal(amount),), (TOTAL,), end - start, end - start))
    return found


FITS = ("0.100", "0.000", "2.000", "0.200", "0.200", "0.200", "0.200", "0.200", "0.300", "0.300", "0.100")


async def quarters(store: Store) -> list[tuple[str, Quality]]:
    """Return what stands from 12:15 to 15:00."""
    points = await store.points(KEY, [int(NOON) + 900 * number for number in range(1, 13)])
    assert points is not None
    return [(f"{point.value}", point.quality) for point in points]


async def test_a_hole_is_filled_and_not_asked_for_again(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its ends stay as measured; one line tells of it; a restart looks and finds none."""
    clock = FakeClock(NOW)
    meter, gaps = FakeMeter(clock), Gaps(store, tmp_path / "gaps.json", clock)
    meter.answers = [periods(*FITS[:4]), periods(*FITS)[4:]]
    assert gaps.wanted(METER)
    with caplog.at_level(logging.INFO):
        await gaps.fill(METER, meter, "House at /a")
    (asked,) = meter.profile_asked
    assert [f"{one:%H:%M}" for one in asked] == ["11:00", "15:00"]
    values = [
        "1.300",
        "1.400",
        "1.400",
        "3.400",
        "3.600",
        "3.800",
        "4.000",
        "4.200",
        "4.400",
        "4.700",
        "5.000",
        "5.100",
    ]
    assert await quarters(store) == [
        (value, Quality.MEASURED if value in {"1.300", "5.100"} else Quality.LOAD_PROFILE) for value in values
    ]
    day = "2026-11-20"
    assert [record.message for record in caplog.records] == [
        f"House at /a: its history between {day} 12:00 and {day} 15:00 UTC is filled from its load profile: {KEY.name}"
    ]
    again = Gaps(store, tmp_path / "gaps.json", clock)
    await again.fill(METER, meter, "House at /a")
    assert len(meter.profile_asked) == 1
    assert not again.wanted(METER)


async def test_what_does_not_add_up_is_not_used_and_said(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor asked for again."""
    clock = FakeClock(NOW)
    meter, gaps = FakeMeter(clock), Gaps(store, tmp_path / "gaps.json", clock)
    meter.answers = [periods(*FITS[:-1], "0.300")]
    before = await quarters(store)
    await gaps.fill(METER, meter, "House at /a")
    assert await quarters(store) == before
    assert "does not add up (1_0_1_8_0_255: 4.000 in the profile, 3.800 kWh by its counter)" in caplog.text
    await Gaps(store, tmp_path / "gaps.json", clock).fill(METER, meter, "House at /a")
    assert len(meter.profile_asked) == 1


@pytest.mark.parametrize(
    ("error", "pause"),
    [(RefusedError("it has none", where="a", hint="b"), 86_400), (MeterError("no answer", where="a", hint="b"), 600)],
)
async def test_a_meter_that_gives_none_is_left_alone_for_some_time(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture, error: MeterError, pause: float
) -> None:
    """Also by the next start, and the log tells of it once."""
    clock = FakeClock(NOW)
    meter = FakeMeter(clock)
    for _ in range(2):
        gaps = Gaps(store, tmp_path / "gaps.json", clock)
        assert gaps.wanted(METER)
        meter.answers = [error]
        await gaps.fill(METER, meter, "House at /a")
        for one in (gaps, Gaps(store, tmp_path / "gaps.json", clock)):
            assert not one.wanted(METER)
        clock.time += 2 * pause
    assert len(meter.profile_asked) == 2
    assert caplog.text.count(error.problem) == 1


async def test_periods_that_come_twice_count_once(store: Store, tmp_path: Path) -> None:
    """After a break, where the meter is another one to the program: its settings were changed."""
    clock = FakeClock(NOW)
    meter, gaps = FakeMeter(clock), Gaps(store, tmp_path / "gaps.json", clock)
    meter.answers = [periods(*FITS[:4]), MeterError("no answer", where="a", hint="b")]
    await gaps.fill(METER, meter, "House at /a")
    meter.answers = [periods(*FITS)]
    await gaps.fill(METER, meter, "House at /a")
    assert (await quarters(store))[3] == ("3.400", Quality.LOAD_PROFILE)


async def test_a_damaged_memory_is_set_aside(store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """And holes are asked for anew."""
    (tmp_path / "gaps.json").write_text('{"meters": {"a": 1}}')
    gaps = Gaps(store, tmp_path / "gaps.json", FakeClock(NOW))
    assert gaps.wanted(METER)
    assert (tmp_path / "gaps.damaged").exists()
    assert "is kept as gaps.damaged" in caplog.text


class Unhurried(FakeClock):
    """Leaves the disk its time."""

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        await asyncio.sleep(0.05)
        await super().wait(event, seconds)


async def test_readouts_come_first_and_a_hole_is_filled_in_between(store: Store, tmp_path: Path) -> None:
    """The task is taken away in time, and what was read until then is not lost."""
    clock = Unhurried(NOW)
    meter, gaps = FakeMeter(clock, replace(success(), load_profile=True)), Gaps(store, tmp_path / "gaps.json", clock)
    meter.answers, meter.profile_hangs = [periods(*FITS[:4])], True

    def next_answer() -> None:
        if meter.profile_ends:
            meter.answers, meter.profile_hangs = [periods(*FITS)[4:]], False

    meter.on_read = next_answer
    gateway = Gateway(FakePublisher(), State(None), clock, lambda _: meter, gaps=gaps)
    await gateway.configure([settings(every=None)])
    await until((tmp_path / "gaps.json").exists, 10)
    await gateway.stop()
    assert len(meter.profile_asked) == 2
    first_end = meter.profile_ends[0]
    second_read = next(start for start in meter.starts if start > first_end)
    assert second_read - first_end == pytest.approx(2.3, abs=0.5)
    assert (await quarters(store))[3] == ("3.400", Quality.LOAD_PROFILE)


@pytest.mark.parametrize("change", [{"battery": True}, {"load_profile": False}])
async def test_some_meters_are_never_asked(store: Store, tmp_path: Path, change: dict[str, bool]) -> None:
    """Those that live on a battery, and those that are not known to keep a profile."""
    clock = FakeClock(NOW, until=NOW + 4 * 3600)
    one = replace(success(), **{"load_profile": True, **change})  # type: ignore[arg-type]
    meter, gaps = FakeMeter(clock, one), Gaps(store, tmp_path / "gaps.json", clock)
    gateway = Gateway(FakePublisher(), State(None), clock, lambda _: meter, gaps=gaps)
    await gateway.configure([settings()])
    for _ in range(3000):
        await asyncio.sleep(0)
    await gateway.stop()
    assert meter.starts
    assert meter.profile_asked == []
