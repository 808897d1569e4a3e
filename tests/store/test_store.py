"""The store in use: what is in it after all that can happen to it."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from obisgw.store.database import Database
from obisgw.store.quality import Point, Quality
from obisgw.store.rows import RegisterKey
from obisgw.store.schema import VERSION
from tests.mqtt.samples import METER, reading

from .hand import IMPORT, START, UP, Hand, minutes, values

if TYPE_CHECKING:
    from pathlib import Path

QUARTERS = {0: None, 15: "10.150", 30: "10.300", 45: "10.450", 60: "10.600"}


def rows(path: Path, statement: str) -> list[tuple[Any, ...]]:
    """Return what a statement finds in the file."""
    database = Database(path, read_only=True)
    try:
        return database.connection.execute(statement).fetchall()
    finally:
        database.close()


def parts(folder: Path) -> list[Path]:
    """Return the files in a folder."""
    return list(folder.iterdir())


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was said aloud."""
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


async def test_what_was_recorded_is_there_after_a_restart(tmp_path: Path) -> None:
    """And recording goes on where it ended."""
    hand = Hand()
    store = await hand.store(tmp_path / "store.db")
    hand.tell(store, (880, "10.000"), (940, "10.030"), (1780, "10.060"))
    await store.stop()
    store = await hand.store(tmp_path / "store.db")
    hand.tell(store, (1820, "10.080"), (2000, "10.080"), (2800, "10.080"))
    assert await values(store) == {15: "10.010", 30: "10.070", 45: "10.080"}
    assert await store.counters(METER.id) == [IMPORT]
    await store.stop()


async def test_readings_that_come_before_the_file_is_read_go_on_from_it(tmp_path: Path) -> None:
    """Meters do not wait for the disk."""
    hand = Hand()
    store = await hand.store(tmp_path / "store.db")
    hand.tell(store, *minutes(15))
    await store.stop()
    store = hand.begun(tmp_path / "store.db")
    hand.tell(store, *minutes(16, first=15))
    assert await values(store) == {15: "10.150", 30: "10.300"}
    await store.stop()


async def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    """Load curves tell who is at home."""
    hand = Hand()
    store = await hand.store(tmp_path / "store.db")
    hand.tell(store, *minutes(20))
    await store.flush()
    assert {stat.S_IMODE(part.stat().st_mode) for part in parts(tmp_path)} == {0o600}
    await store.stop()


async def test_what_is_read_before_the_clock_is_known_is_placed_later(tmp_path: Path) -> None:
    """The machine's clock stands in 1970 until the network tells it the time, over a restart of the program too."""
    hand = Hand(up=30.0, wrong=-START)
    store = await hand.store(tmp_path / "store.db")
    hand.tell(store, *minutes(20))
    assert await values(store) == {}
    await store.stop()
    store = await hand.store(tmp_path / "store.db")
    hand.tell(store, *minutes(20, first=20))
    hand.wrong = 0.0
    hand.tell(store, *minutes(22, first=40))
    await asyncio.sleep(0)
    await until_in_turn(store)
    assert await values(store) == {minute: value for minute, value in QUARTERS.items() if value}
    await store.stop()


async def until_in_turn(store: object) -> None:
    """Wait until readings that have waited are in their place."""
    async with asyncio.timeout(10):
        while not store._in_turn:  # type: ignore[attr-defined]  # noqa: ASYNC110 - a thread's doing
            await asyncio.sleep(0.005)


async def test_readings_whose_time_will_never_be_known_are_let_go(tmp_path: Path) -> None:
    """The machine was started anew before its clock was set; the energy is in what comes after."""
    hand = Hand(up=30.0, wrong=-START)
    store = await hand.store(tmp_path / "store.db")
    hand.tell(store, *minutes(20))
    await store.stop()
    hand.wrong, hand.up = 0.0, UP
    store = await hand.store(tmp_path / "store.db", boot="another")
    hand.tell(store, *minutes(40, first=20))
    assert await values(store) == {30: "10.300", 45: "10.450"}
    await store.stop()


@pytest.mark.parametrize("jump", [3600.0, -3600.0, 30 * 365.25 * 86400.0, -20 * 365.25 * 86400.0])
async def test_a_clock_that_jumps_for_minutes_changes_nothing(jump: float, tmp_path: Path) -> None:
    """Readings wait in the file until it is known when they were."""
    hand = Hand()
    store = await hand.store(tmp_path / "store.db")
    hand.tell(store, *minutes(12))
    await store.flush()
    hand.wrong = jump
    hand.tell(store, *minutes(9, first=12))
    await store.flush()
    hand.wrong = 0.0
    hand.tell(store, *minutes(42, first=21))
    await until_in_turn(store)
    assert await values(store, 3700.0) == {minute: value for minute, value in QUARTERS.items() if value}
    (strange,) = rows(tmp_path / "store.db", f"SELECT count(*) FROM point WHERE abs(quarter * 900 - {START}) > 4000")
    assert strange == (0,)
    await store.stop()


async def test_what_a_clock_that_was_ahead_has_written_is_forgotten(tmp_path: Path) -> None:
    """It had been believed; then it was put right. The counter goes on from what was known before."""
    hand = Hand()
    store = await hand.store(tmp_path / "store.db")
    hand.tell(store, *minutes(31))
    await store.stop()
    hand.wrong = 30 * 365.25 * 86400.0
    store = await hand.store(tmp_path / "store.db", boot="another")
    hand.tell(store, *minutes(15, first=31))
    await store.flush()
    hand.wrong = 0.0
    hand.tell(store, *minutes(32, first=46))
    await until_in_turn(store)
    found = await values(store, 4500.0)
    assert found == {15: "10.150", 30: "10.300", 45: "10.450", 60: "10.600", 75: "10.750"}
    ((latest,),) = rows(tmp_path / "store.db", "SELECT max(quarter) * 900 FROM point")
    assert latest <= START + 4620
    await store.stop()


@pytest.mark.parametrize("damage", [b"no database at all, but long enough to be looked at", b""])
async def test_a_damaged_file_is_set_aside_and_history_begins_anew(
    damage: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Meters are read on; whoever can may mend what was kept. An empty file is a new one."""
    path = tmp_path / "store.db"
    path.write_bytes(damage * 200)
    hand = Hand()
    store = await hand.store(path)
    hand.tell(store, (880, "10.000"), (940, "10.030"))
    assert await values(store) == {15: "10.010"}
    await store.stop()
    assert len(errors(caplog)) == (1 if damage else 0)
    assert path.with_suffix(".damaged").exists() == bool(damage)


async def test_a_file_that_is_damaged_while_it_is_used_costs_its_past_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What is known in memory goes on; each damaged file is kept."""
    path = tmp_path / "store.db"
    hand = Hand()
    store = await hand.store(path)
    for round_ in range(3):
        hand.tell(store, *minutes(40, first=40 * round_))
        await store.flush()
        with path.open("r+b") as file:
            file.write(os.urandom(path.stat().st_size))
        path.with_name("store.db-wal").write_bytes(os.urandom(100_000))
        store._writer._file._database.connection.execute("PRAGMA shrink_memory")  # type: ignore[union-attr]
        await values(store)
    hand.tell(store, *minutes(40, first=120))
    found = await values(store, 9600.0)
    assert found[150] == "11.500"
    assert store.problem is None
    assert len([part for part in parts(tmp_path) if ".damaged" in part.name]) >= 2
    assert all("is kept as" in error for error in errors(caplog))
    await store.stop()


async def test_a_full_disk_keeps_what_is_new_in_memory(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is said once, and everything is there when there is room again."""
    hand = Hand()
    store = await hand.store(tmp_path / "store.db")
    hand.tell(store, (0, "10.000"))
    await store.flush()
    connection = store._writer._file._database.connection  # type: ignore[union-attr]
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    hand.tell(store, *minutes(6000))
    for _ in range(3):
        assert not await store.flush()
    assert "make room on the disk" in errors(caplog)[0]
    assert len(errors(caplog)) == 1
    assert await store.points(IMPORT, [int(START)]) is not None  # What is there can be read.
    assert len(store._writer.batch.readings) <= 1000
    connection.execute("PRAGMA max_page_count = 1000000")
    found = await values(store, 360_000.0)
    assert store.problem is None
    assert len(found) == 6000 // 15 - 1
    assert found[5985] == "69.850"
    await store.stop()


@pytest.mark.parametrize("trouble", ["newer", "a folder"])
async def test_a_file_that_cannot_be_used_is_left_alone_and_said_once(
    trouble: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Going back to an older version must not destroy years. When it is put right, what is new is written."""
    path = tmp_path / "store.db"
    if trouble == "newer":
        Database(path).close()
        with sqlite3.connect(path) as connection:
            connection.execute(f"PRAGMA user_version = {VERSION + 1}")
        connection.close()
    else:
        path.mkdir()
    hand = Hand()
    store = await hand.store(path)
    hand.tell(store, (880, "10.000"), (940, "10.030"))
    for _ in range(3):
        assert not await store.flush()
    assert await store.points(IMPORT, [int(START)]) is None
    assert len(errors(caplog)) == 1
    assert not path.with_suffix(".damaged").exists()
    path.rename(tmp_path / "elsewhere")
    assert await values(store) == {15: "10.010"}
    assert store.problem is None
    await store.stop()


async def test_a_file_that_was_taken_away_is_begun_anew(tmp_path: Path) -> None:
    """Nothing is written to nowhere until the next restart."""
    hand = Hand()
    store = await hand.store(tmp_path / "store.db")
    hand.tell(store, *minutes(20))
    await store.flush()
    for part in parts(tmp_path):
        part.unlink()
    hand.tell(store, *minutes(20, first=20))
    assert await values(store, 2000.0) == {30: "10.300"}
    await store.stop()


async def test_a_meter_that_has_got_its_number_keeps_its_past(tmp_path: Path) -> None:
    """What waits, and what is in the file."""
    hand = Hand()
    store = await hand.store(tmp_path / "store.db")
    hand.tell(store, *minutes(20))
    await store.flush()
    hand.tell(store, *minutes(20, first=20))
    store.rename(METER.id, "isk_9")
    hand.seconds = 2400.0
    store.record(
        replace(reading("1.8.0(10.400*kWh)", meter=replace(METER, id="isk_9", number="9")), steady=UP + 2400), 300.0
    )
    assert await store.counters(METER.id) == []
    assert await store.counters("isk_9") == [RegisterKey("isk_9", "1_0_1_8_0_255", "kWh")]
    points = await store.points(RegisterKey("isk_9", "1_0_1_8_0_255", "kWh"), [int(START) + 900, int(START) + 1800])
    assert points is not None
    assert [str(point.value) for point in points] == ["10.150", "10.300"]
    await store.stop()


async def test_what_is_known_from_elsewhere_fills_holes_and_nothing_else(tmp_path: Path) -> None:
    """A load profile mends an outage; what was measured stays."""
    hand = Hand()
    store = await hand.store(tmp_path / "store.db")
    hand.tell(store, *minutes(16), *minutes(16, first=60))
    filled = [Point(int(START) + 900 * n, 10 + n * Decimal("0.15"), Quality.LOAD_PROFILE) for n in range(1, 5)]
    assert await store.fill(IMPORT, filled)
    points = await store.points(IMPORT, [int(START) + 900 * n for n in range(6)])
    assert points is not None
    assert [point.quality.words for point in points] == [
        "missing", "measured", "load profile", "load profile", "load profile", "measured",
    ]  # fmt: skip
    await store.stop()


async def test_a_fault_of_ours_costs_what_brought_it_about(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is said whole, and what comes next is written."""
    hand = Hand()
    store = await hand.store(tmp_path / "store.db", flush=0.01)
    hand.tell(store, *minutes(2))
    store._writer.batch.latest[IMPORT] = None  # type: ignore[assignment]
    async with asyncio.timeout(10):
        while not errors(caplog):  # noqa: ASYNC110 - a thread's doing
            await asyncio.sleep(0.005)
    hand.tell(store, *minutes(20, first=2))
    assert await values(store) == {15: "10.150"}
    await store.stop()


async def test_the_end_does_not_wait_for_the_disk_where_it_must_not(tmp_path: Path) -> None:
    """What waits is written all the same, by the thread."""
    hand = Hand()
    store = await hand.store(tmp_path / "store.db")
    hand.tell(store, *minutes(20))
    await store.flush()
    hand.tell(store, *minutes(20, first=20))
    store.stop_at_once()
    store.stop_at_once()
    async with asyncio.timeout(10):
        while store._writer._file._database is not None:  # noqa: ASYNC110 - a thread's doing
            await asyncio.sleep(0.005)
    again = await hand.store(tmp_path / "store.db")
    assert await values(again, 1800.0) == {15: "10.150", 30: "10.300"}
    await again.stop()


_VICTIM = """
import asyncio, dataclasses, sys
from pathlib import Path
sys.path[:0] = {paths!r}
from obisgw.store.clocks import Clocks
from obisgw.store.store import Store, Keeping
from tests.mqtt.samples import reading

async def main():
    clocks = Clocks(lambda: t[0], lambda: 1_790_000_000.0 + t[0])
    store = Store(Path(sys.argv[1]), Keeping(flush=0.05), "boot", clocks)
    store.start()
    while True:
        t[0] += 60
        one = dataclasses.replace(reading(f"1.8.0({{t[0] / 1000:.3f}}*kWh)"), steady=t[0])
        store.record(one, 300.0)
        store.messages.miss("isk_1", t[0], t[0], b"%d" % t[0])
        print(t[0], flush=True)
        await asyncio.sleep(0.001)

t = [1000.0]
asyncio.run(main())
"""


@pytest.mark.slow
def test_kill_costs_no_more_than_what_was_not_written_yet(tmp_path: Path) -> None:
    """At any moment, again and again: the file is whole and at most a flush behind."""
    program = tmp_path / "victim.py"
    program.write_text(_VICTIM.format(paths=[entry for entry in sys.path if entry]))
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
        assert database.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        at, value = database.connection.execute("SELECT at, value FROM latest").fetchone()
        steady = at / 1000 - 1_790_000_000.0
        assert float(value) == pytest.approx(steady / 1000)
        missed = [row[0] for row in database.connection.execute("SELECT at / 1000 FROM missed ORDER BY id")]
        assert missed == [1060.0 + 60 * n for n in range(len(missed))]
        # Some fifty readings are recorded between two writes; a slow machine gets a few hundred.
        assert (max(told, default=steady) - steady) / 60 < 400
        database.close()


@pytest.mark.parametrize("after", range(0, 100, 7))
async def test_a_power_failure_leaves_a_whole_file(after: int, tmp_path: Path) -> None:
    """File and log as they are on the disk at any moment: a log that ends in the middle of a transaction."""
    hand = Hand()
    store = await hand.store(tmp_path / "store.db")
    hand.tell(store, *minutes(31))
    await store.flush()
    size = (tmp_path / "store.db-wal").stat().st_size
    hand.tell(store, *minutes(31, first=31))
    await store.flush()
    copy = tmp_path / "after"
    copy.mkdir()
    log = (tmp_path / "store.db-wal").read_bytes()
    (copy / "store.db").write_bytes((tmp_path / "store.db").read_bytes())
    (copy / "store.db-wal").write_bytes(log[: size + (len(log) - size) * after // 100])
    await store.stop()
    database = Database(copy / "store.db")
    assert database.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
    store = await hand.store(copy / "store.db")
    found = await values(store, 1800.0)
    assert found == {15: "10.150", 30: "10.300"}
    await store.stop()
