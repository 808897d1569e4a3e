"""Both ends of the protocol against each other: every simulated meter, without I/O, the clock moved by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from obisgw.iec62056_21.dialects import Dialects
from obisgw.iec62056_21.events import Event, Failed, Received
from obisgw.iec62056_21.identification import Mode
from obisgw.iec62056_21.ladder import next_plan
from obisgw.iec62056_21.plan import LinePlan
from obisgw.iec62056_21.session import PushSession, ReadoutSession, SessionSettings
from obisgw.iec62056_21.telegram import Telegram
from obisgw.simulator.profile import load_profile, profile_names
from obisgw.simulator.serve import Simulator, SimulatorOptions
from tests.simulator.hand_clock import HandClock

if TYPE_CHECKING:
    from obisgw.iec62056_21.meter_settings import MeterSettings

pytestmark = pytest.mark.slow

DIALECTS = Dialects.load()
READ = [name for name in profile_names() if load_profile(name).settings.effective_mode is not Mode.D]
PUSHED = [name for name in profile_names() if name not in READ]


def session_settings(meter: MeterSettings) -> SessionSettings:
    """Return what an owner would configure for this meter."""
    return SessionSettings(address=meter.address, wake_up=meter.wake_up is not None, format=meter.format)


def read(clock: HandClock, attempts: int = 8) -> tuple[Telegram | None, list[Event]]:
    """Read the wire's meter as the service does: attempt after attempt, each with the plan the ladder gives."""
    meter = clock.wire.stations[0].session.settings
    plan: LinePlan | None = LinePlan()
    events: list[Event] = []
    for attempt in range(1, attempts + 1):
        assert plan is not None
        session = ReadoutSession(session_settings(meter), plan, DIALECTS)
        events += clock.run(session, 300)
        match events[-1]:
            case Received(telegram):
                return telegram, events
            case Failed(failure):
                plan = next_plan(plan, failure, session.identification, attempt)
                if plan is None:
                    break
            case other:
                raise AssertionError(f"a session ended with {other}")
    return None, events


@pytest.mark.parametrize("name", READ)
def test_every_meter_is_read_and_its_data_are_those_it_sent(name: str) -> None:
    """In at most eight attempts, with nothing configured but address and wake-up."""
    wire = Simulator(SimulatorOptions(profile=name)).wire()
    telegram, events = read(HandClock(wire))
    assert telegram is not None, events
    assert telegram.proved
    # Where no ETX follows, the line end behind "!" is not part of the block.
    assert telegram.block.rstrip() == wire.stations[0].session.latest_block.rstrip()


@pytest.mark.parametrize("name", PUSHED)
def test_every_push_is_received(name: str) -> None:
    """Each telegram of 20 seconds, proved."""
    wire = Simulator(SimulatorOptions(profile=name)).wire()
    meter = wire.stations[0].session.settings
    session = PushSession(session_settings(meter), meter.start_baudrate, DIALECTS)
    events = HandClock(wire).run(session, 20)
    received = [event.telegram for event in events if isinstance(event, Received)]
    assert len(received) >= 20 / meter.interval - 1
    assert all(telegram.proved for telegram in received)


@pytest.mark.parametrize("mode", [Mode.A, Mode.B, Mode.C])
@pytest.mark.parametrize("name", ["household", "household-a", "household-b", "household-d"])
def test_any_household_can_be_read_in_any_mode(name: str, mode: Mode) -> None:
    """Its identification announces the mode asked for."""
    wire = Simulator(SimulatorOptions(profile=name, mode=mode)).wire()
    telegram, events = read(HandClock(wire), attempts=1)
    assert telegram is not None, events
    assert telegram.mode is mode


def test_the_cycle_takes_the_line_s_time() -> None:
    """Bits over baud, both reactions of 200 ms and the reader's own 200 ms."""
    wire = Simulator(SimulatorOptions(size=1200)).wire()
    clock = HandClock(wire)
    _, events = read(clock)
    took = next(event.at for event in events if isinstance(event, Received)) - 100.0
    identification = len("/OBG5VIRTUAL-1\r\n") * 10 / 300
    line = (
        5 / 30 + 0.2 + identification + 0.2 + 0.2 + 0.2 + (len(wire.stations[0].session.latest_block) + 3) * 10 / 9600
    )
    assert took == pytest.approx(line, rel=0.005)


@pytest.mark.parametrize("share", [1.0, 0.5])
@pytest.mark.parametrize("name", ["household", "household-a", "household-b", "household-fast", "landis-gyr-uh50"])
def test_an_echo_changes_nothing(name: str, share: float) -> None:
    """Whole or in parts."""
    wire = Simulator(SimulatorOptions(profile=name, echo=share)).wire()
    telegram, events = read(HandClock(wire))
    assert telegram is not None, events
    assert telegram.block == wire.stations[0].session.latest_block


def test_each_of_several_meters_answers_to_its_address() -> None:
    """Three households on one line."""
    simulator = Simulator(SimulatorOptions(addresses=("1", "2", "3")))
    clock = HandClock(simulator.wire())
    for address, house in zip("123", simulator.households, strict=True):
        session = ReadoutSession(SessionSettings(address=address), LinePlan(), DIALECTS)
        (telegram,) = [event.telegram for event in clock.run(session, 60) if isinstance(event, Received)]
        assert f"0.0.0({house.number})".encode() in telegram.block
        clock.listen(1)


@pytest.mark.parametrize(
    "fault",
    [
        "silence@1",
        "no-data@1",
        "deaf",
        "bad-check@1",
        "cut=0.5@1",
        "noise-before=20",
        "late=1",
        "lose-first@1",
        "nul-flood=50@1",
    ],
)
def test_a_fault_that_passes_is_survived(fault: str) -> None:
    """By another attempt, and the data are the meter's."""
    wire = Simulator(SimulatorOptions(faults=(fault,))).wire()
    telegram, events = read(HandClock(wire))
    assert telegram is not None, events
    assert telegram.block == wire.stations[0].session.latest_block


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("fault", ["flip=0.004", "non-ascii=0.01", "insert=0.01", "noise-between=5", "second-meter"])
def test_a_damaged_telegram_is_never_proved(fault: str, seed: int) -> None:
    """One attempt each, with other damage every time."""
    wire = Simulator(SimulatorOptions(faults=(fault,), seed=seed)).wire()
    telegram, _ = read(HandClock(wire), attempts=1)
    if telegram is not None and telegram.proved:
        assert telegram.block == wire.stations[0].session.latest_block
