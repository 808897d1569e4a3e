"""What is written of readings."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from obisgw.store.quality import Quality
from obisgw.store.quarters import Course, Mark
from obisgw.store.recorder import MOST_REGISTERS, Recorder, taken_of
from obisgw.store.rows import Batch, RegisterKey
from tests.mqtt.samples import METER, NOON, reading

START = NOON.timestamp()
IMPORT = RegisterKey(METER.id, "1_0_1_8_0_255", "kWh")


def placed(*rows: tuple[float, str], recorder: Recorder | None = None) -> Batch:
    """Return what is written of readings of one line each: seconds since noon, and the line."""
    recorder, batch = recorder or Recorder(), Batch()
    for seconds, line in rows:
        one = reading(line, at=NOON + timedelta(seconds=seconds))
        batch.extend(recorder.place(taken_of(one, seconds), START + seconds))
    return batch


def test_a_boundary_lies_between_two_readings() -> None:
    """A row of its counter, and the newest value for the next start."""
    batch = placed((880, "1.8.0(10.000*kWh)"), (940, "1.8.0(10.030*kWh)"))
    assert [(row.register, row.at - START, str(row.value), row.quality) for row in batch.points] == [
        (IMPORT, 900, "10.010", Quality.MEASURED)
    ]
    assert batch.latest == {IMPORT: Mark(START + 940, Decimal("10.030"))}


def test_only_changes_are_kept_of_a_reading() -> None:
    """A row holds what is new, with the digits of the line."""
    batch = placed((0, "1.8.0(010.000*kWh)"), (60, "1.8.0(010.000*kWh)"), (120, "1.8.0(010.001*kWh)"))
    assert [[text for _, text in row.changes] for row in batch.readings] == [["010.000"], ["010.001"]]


def test_a_history_is_of_counters_of_quantities() -> None:
    """Not of what is momentary, of texts, and of what only counts events."""
    batch = Batch()
    recorder = Recorder()
    for seconds in (880, 940):
        lines = ("16.7.0(00.530*kW)", "0.0.0(12345678)", "C.7.0(0004)", "2.8.0(1.000*kWh)", "B_7(77)")
        batch.extend(recorder.place(taken_of(reading(*lines), seconds), START + seconds))
    assert {row.register.name for row in batch.points} == {"1_0_2_8_0_255"}
    assert len(batch.readings[0].changes) == 5


def test_another_unit_makes_another_counter() -> None:
    """A thousand times as much is no consumption."""
    batch = placed((880, "1.8.0(10.000*kWh)"), (940, "1.8.0(10030*Wh)"), (1000, "1.8.0(10031*Wh)"))
    assert batch.points == []
    assert {key.unit for key in batch.latest} == {"kWh", "Wh"}


def test_the_next_run_goes_on_from_the_last_value() -> None:
    """A restart of a minute costs nothing."""
    recorder = Recorder()
    recorder.resume({IMPORT: Course(Mark(START + 860, Decimal("10.000")))})
    batch = placed((920, "1.8.0(10.030*kWh)"), recorder=recorder)
    assert [(row.at - START, str(row.value), row.quality) for row in batch.points] == [
        (900, "10.020", Quality.MEASURED)
    ]


def test_a_meter_that_has_got_its_number_keeps_its_course() -> None:
    """The same counter under another name."""
    recorder = Recorder()
    placed((880, "1.8.0(10.000*kWh)"), recorder=recorder)
    recorder.rename(METER.id, "isk_9")
    one = reading("1.8.0(10.030*kWh)", meter=METER.__class__("isk_9", "9", "ISK", None, None, METER.medium))
    batch = recorder.place(taken_of(one, 940), START + 940)
    assert [(row.register.meter, str(row.value)) for row in batch.points] == [("isk_9", "10.010")]


def test_a_meter_that_prints_ever_new_registers_is_bounded() -> None:
    """The file must not grow without end."""
    recorder, batch = Recorder(), Batch()
    for number in range(3):
        lines = [f"X{number}_{n}({n})" for n in range(MOST_REGISTERS // 2)]
        batch.extend(recorder.place(taken_of(reading(*lines), number), START + number))
    assert sum(len(row.changes) for row in batch.readings) == MOST_REGISTERS
