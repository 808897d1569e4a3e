"""Fast reading: what is published of it, when it runs, and what ends it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from obisgw.config.table import ThresholdSettings
from obisgw.config.values import Quantity
from obisgw.errors import MeterError, PortLostError, RefusedError
from obisgw.iec62056_21.block_check import BlockCheck, BlockCheckKind
from obisgw.iec62056_21.dialects import Dialects
from obisgw.iec62056_21.identification import Mode
from obisgw.iec62056_21.telegram import Telegram
from obisgw.readings.reading import Reading
from obisgw.readings.registers import registers_of
from obisgw.service.edges import FastRound, Success
from obisgw.service.fast import FastMood, FastValues
from obisgw.service.gateway import Gateway
from obisgw.service.state import State

from .fakes import TELEGRAM, FakeClock, FakeMeter, FakePublisher, identity, settings, settled, silence

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from obisgw.config.table import MeterSettings
    from obisgw.readings.reading import Register

STANDARD = Dialects.load().match(None)
AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
FULL = "0.9.1(120000) 0.9.2(260101) 1.8.0(100.5*kWh) 16.7.0(1.250*kW) 32.7.0(230.1*V)"


def registers(text: str) -> tuple[Register, ...]:
    """Data sets set off by blanks."""
    block = text.replace(" ", "\r\n").encode()
    telegram = Telegram(None, Mode.C, block, BlockCheck.OK, BlockCheckKind.XOR, 0, complete=True, raw=block)
    return registers_of(telegram, STANDARD)[0]


def full(text: str = FULL, entry: str = "house", at: datetime = AT) -> Success:
    """A full readout."""
    return Success(Reading(identity(entry), at, 2.0, registers(text), (), TELEGRAM), baudrate=9600)


def fast(text: str, seconds: float = 1.0) -> FastRound:
    """A round of fast registers, so long after the full readout."""
    return FastRound(registers(text), AT + timedelta(seconds=seconds), 9600)


def values_of(reading: Reading) -> dict[str, str]:
    """Values by address."""
    return {register.address: register.value for register in reading.registers}


def keeper(every: float = 5.0, change: str = "200") -> FastValues:
    """A keeper that has a full reading of the time 1000."""
    values = FastValues(every, Quantity(Decimal(change), "W"))
    values.full(full().reading, 1000.0)
    return values


def test_a_fast_value_blanks_no_other() -> None:
    """The time is that of the newest value; never older than the full reading's."""
    values = keeper()
    taken = values.take(fast("16.7.0(2.5*kW)", 3))
    assert taken is not None
    reading, fresh = taken
    assert values_of(reading) == values_of(full().reading) | {"16.7.0": "2.5"}
    assert reading.at == AT + timedelta(seconds=3)
    assert [str(one.code) for one in fresh] == ["1-0:16.7.0*255"]
    taken = values.take(fast("32.7.0(231.0*V)", -3))
    assert taken is not None
    assert values_of(taken[0]) == values_of(full().reading) | {"16.7.0": "2.5", "32.7.0": "231.0"}
    assert taken[0].at == AT + timedelta(seconds=3)


@pytest.mark.parametrize(
    ("text", "now", "due"),
    [
        ("16.7.0(1.250*kW)", 2000.0, False),  # unchanged
        ("16.7.0(1.251*kW)", 1001.0, False),  # changed a little, and too soon
        ("16.7.0(1.251*kW)", 1005.0, True),
        ("16.7.0(1.449*kW)", 1001.0, False),
        ("16.7.0(1.450*kW)", 1001.0, True),  # by 200 W
        ("16.7.0(-0.5*kW)", 1001.0, True),
        ("32.7.0(231.0*V)", 1001.0, False),  # no watts: waits for its time
        ("32.7.0(231.0*V)", 1006.0, True),
        ("16.7.0(----)", 1001.0, True),  # no number any more
        ("14.7.0(50.0*Hz)", 1001.0, True),  # new
        ("16.7.0(1.251*kW)", 900.0, True),  # the machine's clock was set back
    ],
)
def test_changed_values_are_published_now_and_then_and_great_changes_at_once(text: str, now: float, due: bool) -> None:  # noqa: FBT001
    """Unchanged ones never: the recorder of Home Assistant keeps a row for each."""
    values = keeper()
    taken = values.take(fast(text))
    assert taken is not None
    assert values.is_due(taken[1], now) is due


def test_small_changes_add_up() -> None:
    """What counts is the value that was published."""
    values = keeper()
    for seconds, (watts, due) in enumerate(
        ((1350, False), (1440, False), (1450, True), (1500, False), (1250, True)), 1
    ):
        taken = values.take(fast(f"16.7.0({watts}*W)"))
        assert taken is not None
        assert values.is_due(taken[1], 1000.0 + seconds) is due, watts


def test_a_load_that_swings_is_told_once_a_second() -> None:
    """Ten values a second, each far from the one before."""
    values = keeper()
    swinging = [values.take(fast(f"16.7.0({1000 + 900 * (count % 2)}*W)")) for count in range(50)]
    fresh = [taken[1] for taken in swinging if taken is not None]
    assert sum(values.is_due(one, 1000.1 + count / 10) for count, one in enumerate(fresh)) in {4, 5}
    assert values.is_due(fresh[-1], 1005.2, at_once=True)


def test_zero_seconds_publish_each_change() -> None:
    """And nothing that did not change."""
    values = keeper(every=0.0)
    dues = []
    for text in ("16.7.0(1.250*kW)", "16.7.0(1.251*kW)", "16.7.0(1.251*kW)", "16.7.0(1.250*kW)"):
        taken = values.take(fast(text))
        assert taken is not None
        dues.append(values.is_due(taken[1], 1001.0))
    assert dues == [False, True, False, True]


def test_trouble_is_said_once_and_tried_again_later_and_later() -> None:
    """10 s, 20 s, up to ten minutes; a round makes all good."""
    mood = FastMood()
    assert mood.wanted(0.0)
    assert mood.broke_off("noise", 0.0)
    assert not mood.wanted(9.0)
    assert mood.wanted(10.0)
    assert not mood.broke_off("noise", 10.0)
    assert not mood.wanted(29.0)
    for _ in range(10):
        mood.broke_off("noise", 100.0)
    assert not mood.wanted(699.0)
    assert mood.wanted(700.0)
    assert mood.went_well()
    assert not mood.went_well()
    assert mood.broke_off("noise", 1000.0)


def test_a_meter_that_refused_is_asked_again_once_a_day() -> None:
    """Said the first time; what ends it is said as well."""
    mood = FastMood()
    assert mood.refused("no", 1000.0)
    assert not mood.wanted(80_000.0)
    assert mood.wanted(87_400.0)
    assert not mood.refused("no", 87_400.0)
    assert mood.went_well()
    assert mood.off is None


class Rig:
    """A gateway with fake edges; meters by entry."""

    def __init__(self, until: float = 1500.0) -> None:
        self.clock = FakeClock(1000.0, until)
        self.publisher = FakePublisher()
        self.meters: dict[str, FakeMeter] = {}
        self.gateway = Gateway(self.publisher, State(), self.clock, self.edge)

    def edge(self, meter: MeterSettings) -> FakeMeter:
        if meter.entry not in self.meters:
            self.meters[meter.entry] = FakeMeter(self.clock, full(entry=meter.entry.lower()))
            self.meters[meter.entry].rounds_each = [fast("16.7.0(1.250*kW)")]
        return self.meters[meter.entry]


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    """A gateway that is stopped after the test."""
    rig = Rig()
    yield rig
    await rig.gateway.stop()


async def test_full_readouts_keep_their_schedule_and_fast_reading_fills_the_time_between(rig: Rig) -> None:
    """It is left 2.3 s before each: a meter hears nothing for two seconds after its break."""
    await rig.gateway.configure([settings("A", every=MINUTE, fast=("16.7.0",))])
    await settled()
    meter = rig.meters["A"]
    assert meter.starts == [1000.0, *range(1020, 1501, 60)]
    assert meter.fast_starts[:3] == [1002.0, 1022.0, 1082.0]
    assert meter.fast_ends[:3] == [pytest.approx(at - 2.3) for at in (1020, 1080, 1140)]


async def test_what_fast_reading_brings_goes_out_beside_the_full_readings(rig: Rig) -> None:
    """As an update: how reading goes is not told again."""
    rig.meters["A"] = meter = FakeMeter(rig.clock, full())
    meter.rounds = [fast("16.7.0(1.250*kW)"), fast("16.7.0(3.0*kW)", 2), fast("16.7.0(3.001*kW)", 3)]
    await rig.gateway.configure([settings("A", every=MINUTE, fast=("16.7.0",), fast_publish=0.0)])
    await settled(30)
    assert [values_of(reading)["16.7.0"] for reading, _ in rig.publisher.updates] == ["3.0", "3.001"]
    reading, derived = rig.publisher.updates[0]
    assert values_of(reading)["1.8.0"] == "100.5"
    assert derived.events == ()


async def test_a_threshold_is_watched_at_each_round_and_told_at_once(rig: Rig) -> None:
    """Also when the value alone would wait; the ones that nothing was read of stay as they are."""
    rig.meters["A"] = meter = FakeMeter(rig.clock, full())
    meter.rounds = [fast("16.7.0(1.300*kW)", 2), fast("16.7.0(1.310*kW)", 3), fast("16.7.0(1.240*kW)", 4)]
    thresholds = (
        ThresholdSettings(name="High", above=Quantity(Decimal("1.3"), "kW")),
        ThresholdSettings(name="Low voltage", register="32.7.0", below=Quantity(Decimal(235), "V")),
    )
    await rig.gateway.configure([settings("A", every=MINUTE, fast=("16.7.0",), thresholds=thresholds)])
    await settled(30)
    told = [dict(derived.thresholds) for _, derived in rig.publisher.updates]
    assert told == [{"high": True, "low_voltage": True}, {"high": False, "low_voltage": True}]


async def test_the_meter_s_clock_is_not_taken_for_set_because_it_was_not_read(rig: Rig) -> None:
    """Its old reading stands in each update."""
    rig.meters["A"] = meter = FakeMeter(rig.clock, full())
    meter.rounds = [fast("16.7.0(9*kW)", 50 * number) for number in range(1, 5)]
    await rig.gateway.configure([settings("A", every=MINUTE, fast=("16.7.0",), fast_publish=0.0)])
    await settled(30)
    assert rig.publisher.updates
    assert all(derived.events == () for _, derived in rig.publisher.updates)


async def test_the_meter_s_clock_is_compared_at_each_full_reading(rig: Rig) -> None:
    """Its entity appears with the first reading that tells it."""
    rig.meters["A"] = FakeMeter(rig.clock, full(at=AT + timedelta(seconds=7)))
    await rig.gateway.configure([settings("A", every=MINUTE)])
    await settled(30)
    assert rig.publisher.health.clock_deviation == pytest.approx(-7, abs=1)
    assert rig.publisher.options.has_clock


async def test_read_now_ends_fast_reading_and_it_goes_on_after_it(rig: Rig) -> None:
    """At once, not at the next full minute."""
    rig.clock.until = 1003.0
    await rig.gateway.configure([settings("A", every=MINUTE, fast=("16.7.0",))])
    await settled(30)
    meter = rig.meters["A"]
    assert meter.fast_starts == [1002.0]
    assert rig.gateway.read_now("A")
    await settled(30)
    assert meter.starts == [1000.0, 1002.0]
    assert meter.fast_starts == [1002.0, 1004.0]
    assert len(meter.fast_ends) == 1


async def test_other_meters_on_the_port_are_read_in_between(rig: Rig) -> None:
    """Whoever is due first ends it."""
    await rig.gateway.configure(
        [
            settings("A", "/p", address="1", every=timedelta(minutes=5), fast=("16.7.0",)),
            settings("B", "/p", address="2", every=MINUTE),
        ]
    )
    await settled()
    assert rig.meters["B"].starts[:4] == [1002.0, 1020.0, 1080.0, 1140.0]
    assert rig.meters["A"].fast_starts[:3] == [1004.0, 1022.0, 1082.0]
    assert rig.meters["B"].fast_starts == []


async def test_several_fast_meters_on_one_port_have_their_turns(rig: Rig) -> None:
    """Half a minute each."""
    await rig.gateway.configure(
        [
            settings("A", "/p", address="1", every=timedelta(minutes=5), fast=("16.7.0",)),
            settings("B", "/p", address="2", every=timedelta(minutes=5), fast=("16.7.0",)),
        ]
    )
    await settled()
    assert rig.meters["A"].fast_starts[:2] == [1004.0, 1064.0]
    assert rig.meters["B"].fast_starts[:2] == [1034.0, 1094.0]


async def test_a_meter_that_refuses_is_warned_of_once_and_read_fully(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """Until the configuration changes."""
    rig.meters["A"] = meter = FakeMeter(rig.clock, full())
    meter.rounds = [RefusedError("the meter has no programming mode", where="A at /a", hint="none")]
    await rig.gateway.configure([settings("A", every=MINUTE, fast=("16.7.0",))])
    await settled()
    assert len(meter.fast_starts) == 1
    assert len(meter.starts) > 5
    (said,) = [record.message for record in caplog.records]
    assert said.startswith("A at /a: the meter has no programming mode (none); fast reading is off")
    await rig.gateway.configure([settings("A", every=MINUTE, fast=("16.7.0", "1.7.0"))])
    await settled(20)
    assert len(meter.fast_starts) == 2


async def test_noise_ends_a_session_and_not_fast_reading(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """Said once when it begins and once when it ends."""
    caplog.set_level("INFO", "obisgw")
    rig.meters["A"] = meter = FakeMeter(rig.clock, full())
    noise = MeterError("the data were damaged", where="A at /a")
    meter.rounds = [noise, noise, fast("16.7.0(3*kW)")]
    await rig.gateway.configure([settings("A", every=timedelta(minutes=5), fast=("16.7.0",))])
    await settled()
    assert meter.fast_starts[:3] == [1002.0, 1012.0, 1032.0]
    assert [record.message.partition(";")[2] for record in caplog.records if "damaged" in record.message] == [
        " fast reading is tried again by itself"
    ]
    assert "A at /a: fast reading goes on" in caplog.messages
    assert rig.publisher.updates


async def test_a_lost_port_is_the_readout_s_to_tell(rig: Rig) -> None:
    """It is due at once."""
    rig.clock.until = 1003.0
    rig.meters["A"] = meter = FakeMeter(rig.clock, full())
    meter.rounds = [PortLostError("gone", where="/a")]
    await rig.gateway.configure([settings("A", every=MINUTE, fast=("16.7.0",))])
    await settled(40)
    assert meter.starts == [1000.0, 1002.0]


async def test_a_meter_that_is_not_read_any_more_after_fast_reading_is_left_in_peace(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """Full readouts are worth more."""
    rig.meters["A"] = meter = FakeMeter(rig.clock, full(), silence(), silence(), full())
    meter.rounds = [fast("16.7.0(3*kW)")]
    await rig.gateway.configure([settings("A", every=MINUTE, fast=("16.7.0",))])
    await settled()
    assert len(meter.fast_starts) == 1
    assert [message for message in caplog.messages if "fast reading is off" in message]
    assert meter.starts[-1] > 1300


async def test_sessions_that_never_open_in_time_are_told_and_tried_more_rarely(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """The next readout ended each attempt: nothing else would ever say so."""
    rig.meters["A"] = meter = FakeMeter(rig.clock, full())
    await rig.gateway.configure([settings("A", every=MINUTE, fast=("16.7.0",))])
    await settled()
    assert len([message for message in caplog.messages if "no session could be opened in time" in message]) == 1
    assert len(meter.fast_starts) < len(meter.starts)


async def test_a_battery_meter_is_never_read_fast(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever the configuration says."""
    rig.meters["A"] = meter = FakeMeter(rig.clock, Success(full().reading, battery=True))
    await rig.gateway.configure([settings("A", every=MINUTE, fast=("16.7.0",))])
    await settled()
    assert meter.fast_starts == []
    assert [message for message in caplog.messages if "lives on a battery; fast reading is off" in message]


async def test_a_fault_of_ours_ends_fast_reading_alone(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged whole, once; the meter is read on."""
    rig.meters["A"] = meter = FakeMeter(rig.clock, full())
    meter.rounds = [ZeroDivisionError("ours")]
    await rig.gateway.configure([settings("A", every=MINUTE, fast=("16.7.0",))])
    await settled()
    assert len(meter.fast_starts) == 1
    assert [record.exc_info is not None for record in caplog.records if "fault" in record.message] == [True]
    assert len(meter.starts) > 3


async def test_stopping_ends_a_session_under_way(rig: Rig) -> None:
    """Its generator is closed, which says the break."""
    rig.clock.until = 1003.0
    await rig.gateway.configure([settings("A", every=MINUTE, fast=("16.7.0",))])
    await settled(30)
    assert len(rig.meters["A"].fast_starts) == 1
    async with asyncio.timeout(2):
        await rig.gateway.stop()
    assert len(rig.meters["A"].fast_ends) == 1
    assert rig.meters["A"].closed == 1
