"""What the service does with readings that are odd: held back, told, read again at once, and never for ever."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from obisgw.config.values import MeterMode
from obisgw.obis import Medium
from obisgw.readings.derive import EventKind
from obisgw.readings.reading import MeterIdentity
from obisgw.service.edges import Success
from obisgw.service.gateway import Gateway
from obisgw.service.judge import MOST_UNPROVED, Judge
from obisgw.service.meter import MeterRun
from obisgw.service.options import connection_of
from obisgw.service.state import MeterState, State
from tests.mqtt.samples import reading

from .fakes import FakeClock, FakeMeter, FakePublisher, settings, settled

if TYPE_CHECKING:
    from pathlib import Path

START = datetime(2026, 1, 1, tzinfo=UTC)
METER = MeterIdentity("isk_1", "1", "ISK", "Iskraemeco", "MT174", Medium.ELECTRICITY)
OTHER = replace(METER, id="isk_2", number="2")
NAMELESS = replace(METER, id="house", number=None)


def said(kwh: float, meter: MeterIdentity = METER, *, battery: bool = False, parity: str = "0") -> Success:
    """Return a readout of one counter and a text."""
    lines = (f"0.0.0({meter.number or ''})", f"1.8.0({kwh:010.3f}*kWh)", f"0.1.0({parity})")
    made = reading(*lines, at=START, meter=meter)
    return Success(made, battery=battery)


def usual(count: int, meter: MeterIdentity = METER, *, battery: bool = False) -> list[Success]:
    """Return so many readouts, 13 Wh apart."""
    return [said(1234.567 + 0.013 * n, meter, battery=battery) for n in range(count)]


class Rig:
    """One meter with a judge."""

    def __init__(self, *outcomes: Success, path: Path | None = None, **values: object) -> None:
        self.clock = FakeClock(START.timestamp())
        self.publisher = FakePublisher()
        self.judge = Judge(path, self.clock)
        self.state = MeterState()
        self.meter = FakeMeter(self.clock, *outcomes)
        self.run = MeterRun(
            settings(**values),  # type: ignore[arg-type]
            self.meter,
            self.publisher,
            self.state,
            self.clock,
            judge=self.judge,
        )
        self.pauses: list[float] = []

    async def read(self, times: int) -> None:
        """Read so often, each time when it is due."""
        for _ in range(times):
            self.pauses.append(self.run.due - self.clock.now())
            self.clock.time = max(self.clock.time, self.run.due)
            await self.run.read()

    @property
    def readings(self) -> int:
        return self.publisher.told.count(("reading", "isk_1"))


async def test_an_odd_reading_is_held_back_told_and_read_again_at_once(caplog: pytest.LogCaptureFixture) -> None:
    """The next one shows that it was damage: nothing wrong was published, and the meter stayed available."""
    rig = Rig(*usual(4), said(1900), *usual(20)[5:])
    await rig.read(4)
    told = len(rig.publisher.told)
    assert rig.readings == 3
    await rig.read(1)
    assert rig.publisher.told[told:] == [("available", "isk_1"), ("reading_held_back", "isk_1")]
    assert (rig.publisher.health.held_back, rig.publisher.health.last_held_back) == (
        1,
        "1.8.0: the counter rose faster than the connection can carry (001234.606 -> 001900.000)",
    )
    assert dict(rig.publisher.events[0].details) == {
        "reason": "the counter rose faster than the connection can carry",
        "register": "1.8.0",
        "previous_value": "001234.606",
        "value": "001900.000",
    }
    (line,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert "House at /a: held back, and read again: 1.8.0" in line
    assert "001234.606 -> 001900.000" in line
    await rig.read(4)
    assert rig.pauses[-4:] == [0, 0, 0, 0]
    assert rig.publisher.told[told + 2 :] == [("reading", "isk_1")]


async def test_the_same_oddity_is_told_once_until_a_reading_is_published_whole(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A damaged line must not fill the log."""
    rig = Rig(*usual(4), *[said(1900 + 100 * n) for n in range(12)], *usual(1))
    await rig.read(14)
    assert len([record for record in caplog.records if "held back" in record.getMessage()]) == 1
    assert [event.kind for event in rig.publisher.events] == [EventKind.READING_HELD_BACK]
    assert rig.publisher.health.held_back >= 5


async def test_a_meter_is_not_read_again_without_end() -> None:
    """After some readouts in a row it waits for its schedule, and is judged on."""
    rig = Rig(*usual(4), *[said(1900 + 100 * n) for n in range(40)])
    await rig.read(20)
    again = [pause == 0 for pause in rig.pauses[5:]]
    assert sum(again) <= 8
    assert again[-4:] == [False] * 4


async def test_a_meter_that_is_odd_does_not_starve_others_at_its_port() -> None:
    """They are read by their schedules."""
    clock, publisher = FakeClock(1000.0, 2200.0), FakePublisher()
    odd = [said(1000.0 + 500.0 * n) for n in range(400)]
    meters = {"A": FakeMeter(clock, *odd), "B": FakeMeter(clock, *usual(400, OTHER))}
    gateway = Gateway(
        publisher, State(), clock, lambda meter: meters[meter.entry], judge=Judge(None, clock)
    )  # fmt: skip
    minute = timedelta(minutes=1)
    await gateway.configure(
        [settings("A", "/p", address="1", every=minute), settings("B", "/p", address="2", every=minute)]
    )
    await settled(2000)
    await gateway.stop()
    starts = meters["B"].starts
    assert len(starts) >= 20
    assert all(later - earlier <= 75 for earlier, later in pairwise(starts[1:]))
    assert publisher.told.count(("reading", "isk_2")) >= 18
    assert len(meters["A"].starts) <= 40


async def test_a_battery_meter_is_read_again_once_at_most() -> None:
    """Each readout shortens its life."""
    odd = [said(5000 + 1000 * n, battery=True) for n in range(6)]
    rig = Rig(*usual(3, battery=True), *odd, reads_a_day=4)
    await rig.read(9)
    assert [pause == 0 for pause in rig.pauses[4:]] == [True, False, False, False, False]
    rig = Rig(*usual(2, battery=True))
    await rig.read(1)
    assert rig.readings == 1, "its first telegram waits for no second one"


async def test_the_next_push_confirms_although_it_falls_into_the_pause() -> None:
    """A meter that sends unasked is not asked."""
    high = [said(1900), said(1900.013)]
    rig = Rig(*usual(2), *high, *usual(1), mode=MeterMode.D, every=timedelta(hours=1))
    rig.meter.takes = 1800.0
    task = asyncio.create_task(rig.run.listen())
    await settled()
    task.cancel()
    await asyncio.wait((task,))
    assert rig.readings == 2
    assert rig.publisher.events[-1].kind is EventKind.READING_HELD_BACK


async def test_a_counter_that_began_anew_is_told_when_it_is_believed(caplog: pytest.LogCaptureFixture) -> None:
    """It is left out until it has stayed there for long; all else is published meanwhile."""
    caplog.set_level(logging.INFO, "obisgw")
    fallen = [said(0.113 + 0.013 * n) for n in range(60)]
    rig = Rig(*usual(4), *fallen)
    await rig.read(4)
    before = rig.readings
    await rig.read(50)
    kinds = [event.kind for event in rig.publisher.events]
    assert kinds == [EventKind.READING_HELD_BACK, EventKind.COUNTER_RESTARTED]
    restarted = dict(rig.publisher.events[1].details)
    assert (restarted["register"], restarted["previous_value"]) == ("1.8.0", "001234.606")
    assert float(restarted["value"]) < 1
    assert rig.readings > before + 25
    assert len([r for r in caplog.records if "confirmed by another readout: 1.8.0" in r.getMessage()]) == 1


async def test_another_meter_is_met_anew_and_confirmed_before_it_is_shown() -> None:
    """One telegram with a damaged number makes no device."""
    damaged = replace(METER, id="isk_7", number="7")
    rig = Rig(*usual(3), said(1234.606, damaged), *usual(2), *usual(3, OTHER))
    await rig.read(6)
    assert {meter for _, meter in rig.publisher.told} == {"isk_1"}
    await rig.read(3)
    assert ("added", "isk_2") in rig.publisher.told
    assert ("added", "isk_7") not in rig.publisher.told
    assert [event.kind for event in rig.publisher.derived.events] in ([], [EventKind.METER_REPLACED])
    assert rig.state.identity == OTHER


async def test_what_is_known_of_a_meter_stays_when_its_number_becomes_known() -> None:
    """A fall of its counter is seen all the same."""
    rig = Rig(*usual(8, NAMELESS)[:4], *usual(8)[4:7], said(0.01))
    await rig.read(7)
    assert ("added", "isk_1") in rig.publisher.told
    readings = rig.readings
    assert readings >= 1
    await rig.read(1)
    assert rig.readings == readings
    assert rig.publisher.health.held_back == 1


async def test_a_restart_remembers_what_counters_said(tmp_path: Path) -> None:
    """A single 0 after it can not pass; the meter's own first telegram need not be read twice."""
    path = tmp_path / "checks.json"
    rig = Rig(*usual(20), path=path)
    await rig.read(10)
    rig.judge.write(rig.judge.text())
    again = Rig(said(0), *usual(20)[12:], path=path)
    again.clock.time = rig.clock.time + 3600
    again.run.due = again.clock.now()
    again.state.identity = METER
    await again.read(1)
    assert again.readings == 0
    await again.read(4)
    assert again.readings == 1
    usually = Rig(*usual(20)[12:], path=path)
    usually.clock.time = rig.clock.time + 3600
    usually.run.due = usually.clock.now()
    await usually.read(1)
    assert usually.readings == 1


@pytest.mark.parametrize("clock", [0.0, -3600.0, 30 * 365.25 * 86400.0])
async def test_a_clock_that_was_wrong_at_the_start_costs_a_second_telegram_at_most(
    clock: float, tmp_path: Path
) -> None:
    """It begins in 1970, was set back, or is decades ahead: how much time has passed is not known."""
    path = tmp_path / "checks.json"
    rig = Rig(*usual(20), path=path)
    await rig.read(10)
    rig.judge.write(rig.judge.text())
    again = Rig(*(said(1200 + n / 100) for n in range(5)), path=path)
    again.clock.time = rig.clock.time + clock if clock else 0.0
    again.run.due = again.clock.now()
    await again.read(3)
    assert again.readings >= 1


@pytest.mark.parametrize("content", ["", "[]", '{"meters": {"isk_1": {"registers": 7}}}', "\x00" * 100])
async def test_a_damaged_memory_is_kept_aside_and_checking_begins_anew(
    content: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Said once."""
    path = tmp_path / "checks.json"
    path.write_text(content, "utf-8")
    rig = Rig(*usual(3), path=path)
    await rig.read(3)
    assert rig.readings == 2
    assert path.with_suffix(".damaged").exists()
    assert len([record for record in caplog.records if "is kept as checks.damaged" in record.getMessage()]) == 1


async def test_a_full_disk_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """And when it is over, the file is written."""
    judge = Judge(tmp_path / "missing" / "checks.json", FakeClock())
    for _ in range(3):
        judge.write("{}")
    assert len(caplog.records) == 1
    (tmp_path / "missing").mkdir()
    judge.write("{}")
    assert json.loads((tmp_path / "missing" / "checks.json").read_text()) == {}


async def test_numbers_that_come_damaged_are_not_remembered_for_ever() -> None:
    """A noisy line over years."""
    rig = Rig(*usual(3))
    await rig.read(3)
    for number in range(500):
        other = replace(METER, id=f"isk_9{number}", number=f"9{number}")
        rig.judge.take(said(5, other).reading, connection_of(settings()), damaged=0, battery=False)
    assert len(rig.judge._checkers) <= MOST_UNPROVED + 2
    assert list(json.loads(rig.judge.text())["meters"]) == ["isk_1"]
    await rig.read(1)
    assert rig.readings == 3
