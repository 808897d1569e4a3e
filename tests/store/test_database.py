"""The file by itself: versions, qualities, what is deleted when."""

from __future__ import annotations

import sqlite3
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from obisgw.store import database as module
from obisgw.store import past
from obisgw.store.database import MOST_PRUNED, Database, UnusableDatabaseError
from obisgw.store.quality import Quality
from obisgw.store.quarters import Mark
from obisgw.store.rows import Batch, PointRow, ReadingRow
from obisgw.store.schema import STEPS, VERSION

from .hand import IMPORT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAY = 86_400
YEAR = 366
QUARTERS_A_DAY = 96


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """Return a new file."""
    database = Database(tmp_path / "store.db")
    yield database
    database.close()


def quarters(database: Database) -> list[int]:
    """Return at which quarter hours there are rows."""
    return [row[0] for row in database.connection.execute("SELECT quarter FROM point ORDER BY quarter")]


def fill(database: Database, days: int) -> None:
    """Write a row at each quarter hour, and a reading at each hour, of so many days."""
    points = [PointRow(IMPORT, 900 * n, Decimal(n), Quality.MEASURED) for n in range(days * QUARTERS_A_DAY)]
    readings = [ReadingRow(IMPORT.meter, 3600.0 * n, ((IMPORT, str(n)),)) for n in range(days * 24)]
    database.write(Batch(points=points, readings=readings), "boot")


def test_a_better_value_replaces_a_worse_one_and_never_the_other_way(database: Database) -> None:
    """A load profile mends an outage; an interpolation does not undo what was measured."""
    for value, quality in (("1", 1), ("2", 2), ("3", 1), ("4", 3), ("5", 2)):
        database.write(Batch(points=[PointRow(IMPORT, 900, Decimal(value), Quality(quality))]), "boot")
    (point,) = past.points(database, IMPORT, [900])
    assert (str(point.value), point.quality) == ("4", Quality.MEASURED)


def test_nothing_of_a_batch_is_written_where_a_part_cannot_be(database: Database) -> None:
    """Nor are names remembered that the file does not know."""
    bad = Batch(points=[PointRow(IMPORT, 900, Decimal(1), Quality.MEASURED)], placed=["no number"])  # type: ignore[list-item]
    bad.readings.append(ReadingRow("m", float("nan"), ()))
    with pytest.raises(ValueError, match="NaN"):
        database.write(bad, "boot")
    assert quarters(database) == []
    assert database.meters == ()
    database.write(Batch(latest={IMPORT: Mark(900.0, Decimal(1))}), "boot")
    assert past.counters(database, IMPORT.meter) == [IMPORT]


def test_quarter_hours_go_after_some_years_and_hours_after_many(database: Database) -> None:
    """Readings after days."""
    fill(database, 10)
    database.prune(10 * DAY, raw_days=2, quarter_days=5, hour_days=8)
    left = quarters(database)
    assert left[0] == 2 * QUARTERS_A_DAY
    assert all(quarter % 4 == 0 for quarter in left if quarter < 5 * QUARTERS_A_DAY)
    assert left[-5 * QUARTERS_A_DAY :] == list(range(5 * QUARTERS_A_DAY, 10 * QUARTERS_A_DAY))
    assert database.connection.execute("SELECT min(at) FROM reading").fetchone() == (8 * DAY * 1000,)


def test_a_clock_that_is_decades_ahead_does_not_cost_the_past(database: Database) -> None:
    """Each time, two days of it at most; and back in the present, nothing more."""
    fill(database, 30)
    keep = {"raw_days": 14, "quarter_days": 20, "hour_days": 25}
    database.prune(30 * DAY, **keep)
    before = quarters(database)
    database.prune(30 * YEAR * DAY, **keep)
    assert quarters(database) == [
        quarter for quarter in before
        if quarter >= (5 * DAY + MOST_PRUNED) // 900 and (quarter % 4 == 0 or quarter >= (10 * DAY + MOST_PRUNED) // 900)
    ]  # fmt: skip
    after = quarters(database)
    database.prune(30 * DAY, **keep)
    assert quarters(database) == after


def test_readings_are_bounded_in_number_too(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A meter that sends each second."""
    monkeypatch.setattr(module, "MOST_READINGS", 10)
    fill(database, 1)
    database.prune(1 * DAY, raw_days=14, quarter_days=YEAR, hour_days=YEAR)
    assert database.connection.execute("SELECT count(*), min(at) FROM reading").fetchone() == (10, 14 * 3_600_000)


def test_what_was_written_by_a_clock_that_was_ahead_is_forgotten(database: Database) -> None:
    """Counters stand where the newest row left has them; one that has none is met anew."""
    fill(database, 2)
    database.write(Batch(latest={IMPORT: Mark(2.0 * DAY, Decimal(500))}), "boot")
    database.set_back(1 * DAY + 1000)
    assert quarters(database)[-1] == QUARTERS_A_DAY + 1
    assert past.courses(database)[IMPORT].mark == Mark(900.0 * (QUARTERS_A_DAY + 1), Decimal(QUARTERS_A_DAY + 1))
    database.set_back(-1.0)
    assert past.courses(database) == {}


def test_an_older_file_becomes_one_of_now_step_by_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step is whole or not done: what fails in the middle is tried again by the next start."""
    path = tmp_path / "store.db"
    fill(database := Database(path), 1)
    database.close()
    steps = (*STEPS, ("ALTER TABLE meter ADD COLUMN place TEXT", "no statement"))
    monkeypatch.setattr(module, "STEPS", steps)
    monkeypatch.setattr(module, "VERSION", len(steps))
    with pytest.raises(sqlite3.OperationalError):
        Database(path)
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
        assert "place" not in [row[1] for row in connection.execute("PRAGMA table_info(meter)")]
    connection.close()
    monkeypatch.setattr(module, "STEPS", (*STEPS, steps[-1][:1]))
    database = Database(path)
    assert database.connection.execute("PRAGMA user_version").fetchone() == (len(steps),)
    assert len(quarters(database)) == QUARTERS_A_DAY
    database.close()


def test_who_only_reads_changes_nothing_and_needs_no_rights(tmp_path: Path) -> None:
    """A file that was closed well, in a folder that nobody may write to; one that is in use."""
    path = tmp_path / "store.db"
    fill(database := Database(path), 1)
    reader = Database(path, read_only=True)
    assert len(quarters(reader)) == QUARTERS_A_DAY
    reader.close()
    database.close()
    tmp_path.chmod(0o500)
    reader = Database(path, read_only=True)
    assert len(quarters(reader)) == QUARTERS_A_DAY
    with pytest.raises(sqlite3.OperationalError):
        reader.connection.execute("DELETE FROM point")
    reader.close()
    tmp_path.chmod(0o700)
    assert sorted(part.name for part in tmp_path.iterdir()) == ["store.db"]
    with pytest.raises(UnusableDatabaseError, match="is not there"):
        Database(tmp_path / "other.db", read_only=True)


def test_a_year_is_answered_from_few_rows(database: Database) -> None:
    """A counter that stands still at night, and one outage of weeks: rows where it bends."""
    fill(database, 365)
    points = past.points(database, IMPORT, range(0, 365 * DAY, 3600))
    assert len(points) == 365 * 24
    assert {point.quality for point in points} == {Quality.MEASURED}
    size = database.connection.execute(
        "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
    ).fetchone()
    assert size[0] < 365 * QUARTERS_A_DAY * 30
