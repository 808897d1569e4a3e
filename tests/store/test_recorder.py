"""What is written of readings."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from obisgw.store.quality import Quality
from obisgw.store.quarters import Mark, points_between
from obisgw.store.recorder import Recorder
from obisgw.store.rows import Batch
from tests.mqtt.samples import NOON, reading

START = NOON.timestamp()


def taken(*rows: tuple[float, str], close: float = 300.0, recorder: Recorder | None = None) -> Batch:
    """Return what is written of readings of one counter: seconds since noon, and kWh."""
    recorder, batch = recorder or Recorder(), Batch()
    for seconds, value in rows:
        one = reading(f"1.8.0({value}*kWh)", at=NOON + timedelta(seconds=seconds))
        batch.extend(recorder.take(one, 1000.0 + seconds, START + seconds, close))
    return batch


def points(batch: Batch) -> list[tuple[float, str, Quality]]:
    """Return what stands at the boundaries: minutes since noon, value, quality."""
    return [((row.at - START) / 60, str(row.value), row.quality) for row in batch.points]


def test_a_boundary_lies_between_two_readings() -> None:
    """The counter is taken to rise evenly between them."""
    batch = taken((880, "10.000"), (940, "10.030"))
    assert points(batch) == [(15.0, "10.010", Quality.MEASURED)]


def test_an_outage_is_filled_evenly_and_says_so() -> None:
    """The sum is right, its spread over time is not known."""
    batch = taken((890, "10.000"), (890 + 3600, "14.000"))
    assert [(minute, quality) for minute, _, quality in points(batch)] == [
        (15.0, Quality.INTERPOLATED),
        (30.0, Quality.INTERPOLATED),
        (45.0, Quality.INTERPOLATED),
        (60.0, Quality.INTERPOLATED),
    ]
    assert points(batch)[0][1] == "10.011"


def test_a_counter_that_stands_still_is_known_all_the_time() -> None:
    """A night without feeding in, with the gateway off."""
    batch = taken((890, "10.000"), (890 + 3600, "10.000"))
    assert {(value, quality) for _, value, quality in points(batch)} == {("10.000", Quality.MEASURED)}


def test_a_reading_at_the_boundary_is_that_boundary() -> None:
    """Readouts are aligned to the clock."""
    assert points(taken((840, "10.000"), (900, "10.040"))) == [(15.0, "10.040", Quality.MEASURED)]


def test_a_counter_that_began_anew_leaves_a_hole() -> None:
    """Nobody knows what it counted before it fell."""
    assert points(taken((880, "10.000"), (940, "0.030"), (1840, "0.930"))) == [(30.0, "0.890", Quality.INTERPOLATED)]


def test_only_changes_are_kept_of_a_reading() -> None:
    """A row holds what is new."""
    batch = taken((0, "10.000"), (60, "10.000"), (120, "10.001"))
    assert [[text for _, text in row.changes] for row in batch.readings] == [["10.000"], ["10.001"]]


def test_what_is_read_before_the_clock_is_known_is_placed_later() -> None:
    """The machine's clock stood in 1970."""
    recorder, batch = Recorder(), Batch()
    for seconds, value in ((880.0, "10.000"), (940.0, "10.030")):
        batch.extend(recorder.take(reading(f"1.8.0({value}*kWh)"), seconds, seconds))
    assert not batch
    batch.extend(recorder.take(reading("1.8.0(10.060*kWh)"), 1000.0, START + 1000.0))
    assert points(batch) == [(15.0, "10.010", Quality.MEASURED)]
    assert [row.at - START for row in batch.readings] == [880.0, 940.0, 1000.0]


def test_the_next_run_goes_on_from_the_last_value() -> None:
    """A restart of a minute costs nothing."""
    before = taken((860, "10.000"))
    recorder = Recorder()
    recorder.resume({key: Mark(row.at, row.value) for key, row in before.latest.items()})
    assert points(taken((920, "10.030"), recorder=recorder)) == [(15.0, "10.020", Quality.MEASURED)]


def test_years_between_two_readings_are_bounded() -> None:
    """Four hundred days are filled at most."""
    years = list(points_between(Mark(START, Decimal(1)), Mark(START + 10 * 365 * 86400, Decimal(2))))
    assert len(years) == 4 * 24 * 400
