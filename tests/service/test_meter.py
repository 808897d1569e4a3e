"""One meter: what is published, counted, and said in the log."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from obisgw.config.table import ThresholdSettings
from obisgw.config.values import MeterMode, Quantity
from obisgw.errors import MeterError
from obisgw.readings.derive import EventKind
from obisgw.readings.shown import MeterOptions
from obisgw.readings.thresholds import Threshold
from obisgw.service.edges import HeldBack, Miss, Success
from obisgw.service.meter import MeterRun
from obisgw.service.state import MeterState
from tests.mqtt.samples import reading

from .fakes import FakeClock, FakeMeter, FakePublisher, identity, settings, settled, silence, success


def run_of(*outcomes: Success | Miss, **values: object) -> tuple[MeterRun, FakePublisher]:
    """Return a meter that will answer so, and its publisher."""
    clock, publisher = FakeClock(), FakePublisher()
    return MeterRun(settings(**values), FakeMeter(clock, *outcomes), publisher, MeterState(), clock), publisher  # type: ignore[arg-type]


async def test_a_reading_is_published_with_the_health() -> None:
    """Counts are those since the service started."""
    run, publisher = run_of(success(parity_errors=2, block_check_errors=1))
    await run.read()
    assert publisher.told == [("added", "isk_123"), ("reading", "isk_123")]
    assert publisher.options == MeterOptions(60.0, slot="House", port="/a")
    health = publisher.health
    assert (health.reads, health.failures, health.parity_errors, health.block_check_errors) == (1, 0, 2, 1)
    assert (health.reads_today, health.baudrate, health.switch_margin, health.last_duration) == (1, 9600, 0.04, 2.5)


async def test_each_change_of_state_is_one_log_line(caplog: pytest.LogCaptureFixture) -> None:
    """Not one line a failed readout, and a new one when the trouble is another."""
    caplog.set_level("INFO", "obisgw")
    run, publisher = run_of(
        success(), silence(), silence(), silence(), silence("only the own request came back"), success(), success()
    )
    for _ in range(7):
        await run.read()
    assert [record.message for record in caplog.records] == [
        "House at /a: meter isk_123 (123), 0 registers in 2.5 s",
        "House at /a: no answer",
        "House at /a: only the own request came back",
        "House at /a: read again after 4 failed readouts",
    ]
    assert (publisher.health.failures, publisher.health.silences, publisher.health.last_error) == (4, 4, None)


async def test_trouble_whose_words_change_each_time_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    """Noise is never the same twice; what is to be done about it is."""
    misses = [
        Miss(MeterError(f"the data stopped in the middle: {count} bytes", where="House", hint="check the head"))
        for count in (17, 400, 3)
    ]
    run, _ = run_of(misses[0], silence(), misses[1], silence(), misses[2])
    for _ in range(5):
        await run.read()
    assert [record.message for record in caplog.records] == [
        "House: the data stopped in the middle: 17 bytes (check the head)",
        "House at /a: no answer",
    ]
    assert run.health.last_error == "House: the data stopped in the middle: 3 bytes (check the head)"


async def test_a_silent_meter_is_read_less_and_less_and_then_as_before() -> None:
    """The pause doubles with each failure and is the usual one after the first answer."""
    run, _ = run_of(*[silence()] * 4, success(), every=timedelta(seconds=60), aligned=False)
    pauses = []
    for _ in range(5):
        start = run.due
        await run.read()
        pauses.append(run.due - start)
        run._clock.time = run.due  # type: ignore[attr-defined]
    assert pauses == [60, 120, 240, 480, 60]


async def test_a_meter_that_never_answered_is_no_device() -> None:
    """There is nothing to call unavailable yet."""
    run, publisher = run_of(silence())
    await run.read()
    assert publisher.told == []


async def test_a_replaced_meter_is_a_new_device(caplog: pytest.LogCaptureFixture) -> None:
    """Its number says so; a telegram without number says nothing."""
    run, publisher = run_of(success(), success(identity(None)), success(identity("999")))
    for _ in range(3):
        await run.read()
    assert publisher.told == [
        ("added", "isk_123"),
        ("reading", "isk_123"),
        ("reading", "isk_123"),
        ("added", "isk_999"),
        ("reading", "isk_999"),
    ]
    assert "meter isk_999 stands where isk_123 was" in caplog.text


async def test_a_meter_with_another_number_than_configured_is_not_published() -> None:
    """The head sits on the wrong meter, or the ports were exchanged."""
    run, publisher = run_of(success(identity("999")), success(identity("0123")), number="123")
    await run.read()
    assert publisher.told == []
    assert run.health.last_error is not None
    assert "its number is 999, not 123" in run.health.last_error
    await run.read()
    assert publisher.told == [("added", "isk_0123"), ("reading", "isk_0123")]


async def test_a_battery_meter_is_recognised_and_spared() -> None:
    """Its dialect says so with the first telegram: from then on one read a day."""
    run, publisher = run_of(success(battery=True))
    before = run.schedule
    await run.read()
    assert [before.battery, run.schedule.battery] == [False, True]
    assert run.due == 86_400.0
    assert publisher.options.interval == 86_400.0


async def test_reads_are_counted_by_local_day() -> None:
    """The count starts again at midnight."""
    run, publisher = run_of(success())
    await run.read()
    await run.read()
    assert publisher.health.reads_today == 2
    run._clock.time += 86_400  # type: ignore[attr-defined]
    await run.read()
    assert publisher.health.reads_today == 1


@pytest.mark.parametrize(("every", "published"), [(None, 6), (timedelta(seconds=6), 2)])
async def test_what_a_meter_pushes_is_published_as_often_as_wanted(every: timedelta | None, published: int) -> None:
    """By default every telegram."""
    run, publisher = run_of(*[success()] * 7, mode=MeterMode.D, every=every)
    task = asyncio.create_task(run.listen())
    await settled()
    task.cancel()
    assert publisher.told == [("added", "isk_123"), *[("reading", "isk_123")] * published]
    assert publisher.options == MeterOptions(6.0 if every else None, slot="House", on_request=False, port="/a")


async def test_a_known_meter_is_introduced_before_it_is_read() -> None:
    """After a restart a silent meter is shown as silent, not missing."""
    clock, publisher = FakeClock(), FakePublisher()
    run = MeterRun(settings(name="Mine"), FakeMeter(clock, silence()), publisher, MeterState(identity()), clock)
    await run.read()
    assert publisher.told == [("added", "isk_123"), ("silent", "isk_123")]
    assert publisher.options.name == "Mine"


@pytest.mark.parametrize(("meter", "expected"), [("House", True), ("isk_123", True), ("isk_1", False)])
async def test_a_meter_answers_to_id_and_name(meter: str, expected: bool) -> None:  # noqa: FBT001
    """Both can be asked to be read now."""
    run, _ = run_of(success())
    await run.read()
    assert run.answers_to(meter) is expected


async def test_a_reading_that_is_held_back_is_an_event_once(caplog: pytest.LogCaptureFixture) -> None:
    """Once in a run of failures, with the reason; silence holds nothing back."""
    damaged = [
        Miss(
            MeterError("the data were damaged", where="House"),
            held_back=f"the telegram was damaged: {count} characters",
        )
        for count in (1, 7)
    ]
    run, publisher = run_of(damaged[0], success(), silence(), *damaged, damaged[0], success(), damaged[1])
    for _ in range(8):
        await run.read()
    assert [event.details for event in publisher.events] == [
        (("reason", "the telegram was damaged: 1 characters"),),
        (("reason", "the telegram was damaged: 7 characters"),),
    ]
    assert publisher.told == [
        *[("added", "isk_123"), ("reading", "isk_123"), ("silent", "isk_123")],
        *[("silent", "isk_123"), ("reading_held_back", "isk_123"), *[("silent", "isk_123")] * 2],
        *[("reading", "isk_123"), ("silent", "isk_123"), ("reading_held_back", "isk_123")],
    ]
    assert len(caplog.messages) == 4


async def test_a_push_that_fails_a_check_is_held_back_and_no_trouble_yet() -> None:
    """The next one comes in a moment."""
    run, publisher = run_of(success(), HeldBack("cut"), HeldBack("cut"), success(), mode=MeterMode.D)  # type: ignore[arg-type]
    kept: list[MeterRun] = []
    task = asyncio.create_task(run.listen(kept.append))
    await settled()
    task.cancel()
    assert publisher.told[1:] == [("reading", "isk_123"), ("reading_held_back", "isk_123")]
    assert (run.health.failures, kept) == (0, [run])


async def test_another_meters_reading_is_held_back() -> None:
    """The configured one is known; its device tells."""
    clock, publisher = FakeClock(), FakePublisher()
    meter = FakeMeter(clock, success(identity("999")))
    run = MeterRun(settings(number="123"), meter, publisher, MeterState(identity()), clock)
    await run.read()
    await run.read()
    (event,) = publisher.events
    assert event.details == (("reason", "another meter answers: its number is 999, not 123"),)


async def test_a_meter_that_replaced_another_says_so_with_its_first_reading() -> None:
    """And with no other, also when the number becomes known."""
    run, publisher = run_of(success(identity(None)), success(), success(identity("999")), success(identity("999")))
    told = []
    for _ in range(4):
        await run.read()
        told.append([(event.kind.value, dict(event.details)) for event in publisher.derived.events])
    assert told == [[], [], [("meter_replaced", {"previous_meter": "isk_123", "meter": "isk_999"})], []]


async def test_thresholds_of_the_configuration_come_before_those_of_clients() -> None:
    """One name is one entity; a change is told."""
    wished = [Threshold("high", "Other", above=Decimal(1)), Threshold("low", "Low", below=Decimal(1))]
    own = ThresholdSettings(
        name="High",
        above=Quantity(Decimal(3), "kW"),
        hysteresis=Quantity(Decimal(200), "W"),
        duration=timedelta(minutes=5),
    )
    clock, publisher = FakeClock(), FakePublisher()
    run = MeterRun(
        settings(thresholds=(own,)),
        FakeMeter(clock, success()),
        publisher,
        MeterState(),
        clock,
        thresholds_of=lambda meter_id: tuple(wished) if meter_id == "isk_123" else (),
    )
    await run.read()
    high = Threshold("high", "High", None, Decimal(3), None, "kW", Decimal("0.2"), 300.0)
    assert publisher.options.thresholds == (high, wished[1])
    assert publisher.derived.thresholds == {"high": None, "low": None}
    wished.pop()
    run.introduce()
    assert list(publisher.options.thresholds) == [high]


@pytest.mark.parametrize(("jump", "told"), [(0.0, True), (500_000_000.0, False)])
async def test_a_machine_whose_clock_is_set_does_not_make_it_the_meters(jump: float, *, told: bool) -> None:
    """It was in 1970 until the network told it the time; the meter's own clock went on."""
    start = datetime(2026, 11, 22, 12, tzinfo=UTC)
    clocks = ["0.9.1(120000)", "0.9.1(120100)", "0.9.1(120200)" if jump else "0.9.1(130300)"]
    outcomes = [
        Success(
            replace(
                reading("0.9.2(261122)", clock, at=start + timedelta(seconds=60 * n - (jump if n < 2 else 0.0))),
                steady=1000.0 + 60 * n,
            )
        )
        for n, clock in enumerate(clocks)
    ]
    run, publisher = run_of(*outcomes)
    for _ in outcomes:
        await run.read()
    kinds = [event.kind for event in publisher.derived.events]
    assert (kinds == [EventKind.CLOCK_SET]) is told
