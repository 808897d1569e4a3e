"""The file: what is in it after all that can happen to it."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from obisgw.store.database import Database
from obisgw.store.history import Step, boundaries, composed
from obisgw.store.quality import Point, Quality
from obisgw.store.rows import Batch, PointRow, RegisterKey
from obisgw.store.schema import VERSION
from obisgw.store.store import Keeping, Store
from tests.mqtt.samples import NOON, reading

START = NOON.timestamp()
IMPORT = RegisterKey("isk_12345678", "1_0_1_8_0_255", "kWh")


class Clocks:
    """Both clocks, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def steady(self) -> float:
        return 1000.0 + self.seconds

    def wall(self) -> float:
        return START + self.seconds


async def opened(path: Path, clocks: Clocks, **settings: float) -> Store:
    """Return a store in use."""
    store = Store(path, Keeping(**{"flush": 1000.0, **settings}), steady=clocks.steady, wall=clocks.wall)  # type: ignore[arg-type]
    await store.start()
    return store


def tell(store: Store, clocks: Clocks, *rows: tuple[float, str]) -> None:
    """Record readings of one counter."""
    for seconds, value in rows:
        clocks.seconds = seconds
        store.record(reading(f"1.8.0({value}*kWh)", at=NOON + timedelta(seconds=seconds)), 300.0)


async def test_what_was_recorded_is_there_after_a_restart(tmp_path: Path) -> None:
    """And recording goes on where it ended."""
    clocks = Clocks()
    store = await opened(tmp_path / "store.db", clocks)
    tell(store, clocks, (880, "10.000"), (940, "10.030"), (1780, "10.060"))
    await store.stop()
    store = await opened(tmp_path / "store.db", clocks)
    tell(store, clocks, (1820, "10.080"))
    points = await store.points(IMPORT, int(START), int(START) + 3600, 1)
    assert [(point.at - START, str(point.value)) for point in points] == [(900, "10.010"), (1800, "10.070")]
    assert await store.registers("isk_12345678") == [IMPORT]
    await store.stop()


async def test_a_better_value_replaces_a_worse_one_and_never_the_other_way(tmp_path: Path) -> None:
    """A load profile mends an outage; an interpolation does not undo what was measured."""
    database = Database(tmp_path / "store.db")
    for value, quality in (("1", 1), ("2", 2), ("3", 1), ("4", 3), ("5", 2)):
        database.write(Batch(points=[PointRow(IMPORT, 900, Decimal(value), Quality(quality))]))
    assert [(str(p.value), p.quality) for p in database.points(IMPORT, 0, 900, 1)] == [("4", Quality.MEASURED)]
    database.close()


@pytest.mark.parametrize("damage", [b"no database at all, but long enough to be looked at", b""])
async def test_a_damaged_file_is_set_aside_and_history_begins_anew(
    damage: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Meters are read on; whoever can may mend what was kept."""
    path = tmp_path / "store.db"
    path.write_bytes(damage * 200)
    clocks = Clocks()
    store = await opened(path, clocks)
    tell(store, clocks, (880, "10.000"), (940, "10.030"))
    assert len(await store.points(IMPORT, int(START), int(START) + 3600, 1)) == 1
    await store.stop()
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(errors) == (1 if damage else 0)
    assert path.with_suffix(".damaged").exists() == bool(damage)


async def test_a_full_disk_keeps_what_is_new_in_memory(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is said once, and everything is there when there is room again."""
    clocks = Clocks()
    store = await opened(tmp_path / "store.db", clocks)
    await store.flush()
    assert store._database is not None
    connection = store._database._connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    many = tuple((60.0 * minute, f"{10 + minute / 100:.2f}") for minute in range(4000))
    tell(store, clocks, *many)
    for _ in range(3):
        await store.flush()
    assert "takes nothing" in (store.problem or "")
    assert len([record for record in caplog.records if record.levelno >= logging.ERROR]) == 1
    connection.execute("PRAGMA max_page_count = 1000000")
    points = await store.points(IMPORT, int(START), int(START) + 300_000, 1)
    assert "takes nothing" not in (store.problem or "")
    assert len(points) == 4000 // 15
    await store.stop()


async def test_a_file_of_a_newer_program_is_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Going back to an older version must not destroy years."""
    path = tmp_path / "store.db"
    Database(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    clocks = Clocks()
    store = await opened(path, clocks)
    tell(store, clocks, (880, "10.000"), (940, "10.030"))
    assert await store.points(IMPORT, int(START), int(START) + 3600, 1) == []
    await store.stop()
    assert "is of version" in caplog.text
    assert not path.with_suffix(".damaged").exists()


_VICTIM = """
import asyncio, sys, time
from pathlib import Path
sys.path[:0] = {paths!r}
from obisgw.store.store import Store, Keeping
from tests.mqtt.samples import reading

async def main():
    store = Store(Path(sys.argv[1]), Keeping(flush=0.05), steady=lambda: t[0], wall=lambda: 1_790_000_000.0 + t[0])
    await store.start()
    while True:
        t[0] += 60
        store.record(reading(f"1.8.0({{t[0] / 1000:.3f}}*kWh)"), 300.0)
        print(t[0], flush=True)
        await asyncio.sleep(0.001)

t = [0.0]
asyncio.run(main())
"""


def test_kill_costs_no_more_than_what_was_not_written_yet(tmp_path: Path) -> None:
    """At any moment, again and again: the file is whole and at most a flush behind."""
    paths = [entry for entry in sys.path if entry]
    program = tmp_path / "victim.py"
    program.write_text(textwrap.dedent(_VICTIM.format(paths=paths)))
    for number in range(6):
        path = tmp_path / f"{number}.db"
        with subprocess.Popen([sys.executable, program, path], stdout=subprocess.PIPE, text=True) as victim:
            assert victim.stdout is not None
            for _ in range(150):
                victim.stdout.readline()
            time.sleep(0.013 * number)
            victim.send_signal(signal.SIGKILL)
            told = [float(line) for line in victim.stdout.read().split()]
        database = Database(path)
        (state,) = database._connection.execute("PRAGMA integrity_check").fetchone()
        assert state == "ok"
        points = list(database.points(IMPORT, 0, 2_000_000_000, 1))
        assert points
        assert all(point.value is not None for point in points)
        latest = max(mark.at for mark in database.latest().values())
        # Some fifty readings are recorded between two writes; a slow machine gets a few hundred.
        assert (max(told, default=0) + 1_790_000_000.0 - latest) / 60 < 400
        database.close()


async def test_old_rows_go_and_hours_stay(tmp_path: Path) -> None:
    """Quarter hours for some years, hours for many."""
    clocks = Clocks()
    store = await opened(tmp_path / "store.db", clocks)
    tell(store, clocks, *((60.0 * minute, f"{minute / 100:.2f}") for minute in range(24 * 60)))
    await store.flush()
    assert store._database is not None
    store._database.prune(START + 86_400 * 10, raw_days=1, quarter_days=5, hour_days=20)
    points = await store.points(IMPORT, int(START), int(START) + 86_400, 1)
    assert {point.at % 3600 for point in points} == {0}
    assert store._database._connection.execute("SELECT count(*) FROM reading").fetchone() == (0,)
    await store.stop()


async def test_messages_for_the_broker_wait_in_their_order(tmp_path: Path) -> None:
    """Until they are acknowledged, over restarts, and no more than so many."""
    clocks = Clocks()
    store = await opened(tmp_path / "store.db", clocks)
    for number in range(10):
        store.miss("isk_1", START + number, b"%d" % number)
    await store.stop()
    store = await opened(tmp_path / "store.db", clocks)
    waiting = await store.missed(4)
    assert [row.payload for _, row in waiting] == [b"0", b"1", b"2", b"3"]
    await store.delivered([number for number, _ in waiting])
    assert [row.payload for _, row in await store.missed(2)] == [b"4", b"5"]
    assert store._database is not None
    assert store._database.bound_missed(3) == 3
    assert [row.payload for _, row in await store.missed(9)] == [b"7", b"8", b"9"]
    await store.stop()


@pytest.mark.parametrize(
    ("day", "hours"),
    [(datetime(2026, 3, 29, tzinfo=UTC), 23), (datetime(2026, 10, 25, tzinfo=UTC), 25), (datetime(2026, 7, 1, tzinfo=UTC), 24)],
)  # fmt: skip
def test_days_begin_at_midnight_of_the_zone(day: datetime, hours: int) -> None:
    """Also those of 23 and 25 hours."""
    zone = ZoneInfo("Europe/Berlin")
    first, second = list(boundaries(day - timedelta(hours=3), day + timedelta(hours=30), Step.DAY, zone))[:2]
    assert (second - first) / 3600 == hours


def test_the_best_known_value_stands_at_each_boundary() -> None:
    """What nobody knows is missing."""
    stored = [Point(900, Decimal(1), Quality.INTERPOLATED), Point(1800, Decimal(2), Quality.MEASURED)]
    profile = [Point(900, Decimal("1.1"), Quality.LOAD_PROFILE), Point(1800, Decimal(3), Quality.LOAD_PROFILE)]
    found = list(composed([900, 1800, 2700], stored, profile))
    assert [(point.value, point.quality.words) for point in found] == [
        (Decimal("1.1"), "load profile"),
        (Decimal(2), "measured"),
        (None, "missing"),
    ]


async def test_a_year_of_hours_is_answered_quickly_enough_to_be_asked_often(tmp_path: Path) -> None:
    """By the number of rows that are read: an hour's row is found without reading the quarters in between."""
    database = Database(tmp_path / "store.db")
    rows = [PointRow(IMPORT, 900 * n, Decimal(n), Quality.MEASURED) for n in range(1, 35_041)]
    database.write(Batch(points=rows))
    assert len(list(database.points(IMPORT, 0, 900 * 35_040, 4))) == 8760
    size = await asyncio.to_thread(os.path.getsize, tmp_path / "store.db")
    assert size < 35_040 * 40
    database.close()
