"""Holes in the history, filled from a simulated meter's own memory at its line's pace."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from obisgw.iec62056_21.dialects import Dialects
from obisgw.service.gaps import Gaps
from obisgw.service.keeper import NAME
from obisgw.service.line_edge import LineEdges
from obisgw.simulator.serve import Simulator, SimulatorOptions, SimulatorThread
from obisgw.store.clocks import Clocks
from obisgw.store.database import Database
from obisgw.store.quality import Quality
from obisgw.store.recorder import Recorder
from obisgw.store.rows import RegisterKey, Taken, Value
from obisgw.store.store import Keeping, Store
from tests.mqtt.brokers import until
from tests.service.fakes import FakeClock, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from obisgw.simulator.household import Household

pytestmark = pytest.mark.slow

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = 3600
MINUTE = 60


def truth_of(household: Household) -> Callable[[float, str], Decimal]:
    """Return what the meter's counters showed at a moment in Unix time."""
    start = household.moment(0).timestamp()

    def truth(at: float, register: str) -> Decimal:
        energy = household.energy_at(at - start)
        return energy.imported if register.startswith("1_0_1_") else energy.exported

    return truth


def remembered(
    path: Path, household: Household, meter: str, begin: float, end: float, hole: tuple[float, float]
) -> None:
    """Make a store with a reading each minute but for a hole. Times in Unix seconds."""
    truth, recorder = truth_of(household), Recorder()
    database = Database(path)
    keys = [RegisterKey(meter, name, "kWh") for name in ("1_0_1_8_0_255", "1_0_2_8_0_255")]
    at = begin
    while at < end:
        if not hole[0] <= at < hole[1]:
            values = tuple(Value(key, f"{truth(at, key.name)}", truth(at, key.name)) for key in keys)
            database.write(recorder.place(Taken(meter, at, 150.0, values), at), "boot")
        at += MINUTE
    database.close()


async def test_a_hole_over_the_end_of_summer_time_is_what_the_meter_remembers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each quarter hour of import and export, through the hour that the clock shows twice."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    change = datetime(2025, 10, 26, 1, tzinfo=UTC).timestamp()
    async with Simulator(SimulatorOptions("household-fast", zone=BERLIN)) as line:
        (household,) = line.households
        begin, end = change - 5 * HOUR, change + 8 * HOUR
        remembered(tmp_path / NAME, household, "m", begin, end, (change - 3.4 * HOUR, change + 5.1 * HOUR))
        now = change + 9 * HOUR
        store = Store(tmp_path / NAME, Keeping(), "boot", Clocks(lambda: now, lambda: now))
        store.start()
        edge = LineEdges(Dialects.load(), tmp_path).edge_of(settings(port=line.port))
        gaps = Gaps(store, tmp_path / "gaps.json", FakeClock(now))
        assert gaps.wanted("m")
        await gaps.fill("m", edge, "House")
        await edge.close()
        wanted = [int(begin) + 900 * number for number in range(5, 48)]
        seen: set[Quality] = set()
        for name in ("1_0_1_8_0_255", "1_0_2_8_0_255"):
            points = await store.points(RegisterKey("m", name, "kWh"), wanted)
            assert points is not None
            for point in points:
                seen.add(point.quality)
                value, truth = point.value, truth_of(household)(point.at, name)
                assert value is not None
                # Measured ends lie between two readings of a minute's distance.
                allowed = 0 if point.quality is Quality.LOAD_PROFILE else Decimal("0.02")
                assert abs(value - truth) <= allowed, (name, datetime.fromtimestamp(point.at, UTC), point, truth)
        await store.stop()
    assert seen == {Quality.MEASURED, Quality.LOAD_PROFILE}


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[SimulatorThread]:
    """A meter whose clock shows the time."""
    now = datetime.now(BERLIN).replace(tzinfo=None)
    start = now.replace(minute=0, second=0, microsecond=0)
    options = SimulatorOptions(
        "household-fast", link=tmp_path / "meter", start=start, ahead=(now - start).total_seconds(), zone=BERLIN
    )
    with SimulatorThread(options) as simulator:
        yield simulator


async def test_the_service_fills_the_hole_of_an_outage_between_its_readouts(
    tmp_path: Path, simulator: SimulatorThread
) -> None:
    """It goes on reading meanwhile, and `history` then tells the meter's truth as of its load profile."""
    (household,) = simulator.simulator.households
    name = f"obg_{household.number}"
    now = datetime.now(UTC).timestamp() // MINUTE * MINUTE
    begin, hole = now - 16 * HOUR, (now - 14.2 * HOUR, now - 4.3 * HOUR)
    (tmp_path / "state").mkdir()
    remembered(tmp_path / "state" / NAME, household, name, begin, now - 2 * HOUR, hole)
    file = tmp_path / "obis-gateway.yaml"
    file.write_text(
        f"port: {simulator.port}\nevery: 10s\naligned: false\nmqtt: {{host: 127.0.0.1, port: 9}}\napi: {{enabled: false}}\n"
        f"gateway: {{state_dir: {tmp_path}/state}}\n"
    )
    environment = {key: value for key, value in os.environ.items() if key != "JOURNAL_STREAM"} | {"TZ": "Europe/Berlin"}
    with (tmp_path / "log").open("wb") as log:
        service = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "obisgw", "run", "--config", str(file)), stderr=log, env=environment
        )
    try:
        await until(lambda: "filled from its load profile" in (tmp_path / "log").read_text(), 60)
    finally:
        service.send_signal(signal.SIGTERM)
        await service.wait()
    command = ["history", "--config", str(file), "--step", "quarter", "--format", "json"]
    since, to = ((datetime.fromtimestamp(at, UTC)).isoformat() for at in hole)
    history = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "obisgw", *command, name, "--since", since, "--until", to),
        stdout=subprocess.PIPE,
        env=environment,
    )
    told, _ = await history.communicate()
    documents: list[dict[str, Any]] = json.loads(told)
    truth = truth_of(household)
    checked = 0
    for document in documents:
        if document["register"] not in {"1-0:1.8.0*255", "1-0:2.8.0*255", "1.8.0", "2.8.0"}:
            continue
        register = "1_0_1_8_0_255" if "1.8.0" in document["register"] else "1_0_2_8_0_255"
        for point in document["points"]:
            at = datetime.fromisoformat(point["at"]).timestamp()
            assert (point["quality"], Decimal(point["value"])) == ("load profile", truth(at, register)), point
            checked += 1
    assert checked == 2 * len(range(int(-(-hole[0] // 900)), int(hole[1] // 900) + 1))
