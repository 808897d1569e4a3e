"""Readouts with attempts: what is tried, remembered, refused and said. On a line in moved time, and on a real one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from obisgw.config.values import LineFormat
from obisgw.errors import MeterError, PortLostError, PortMissingError
from obisgw.iec62056_21.characters import add_parity, strip_parity
from obisgw.iec62056_21.dialects import Dialects
from obisgw.iec62056_21.events import Failure, Received
from obisgw.iec62056_21.meter_settings import BreakHeard, FellBack
from obisgw.iec62056_21.plan import LinePlan
from obisgw.line.port import PortSettings
from obisgw.reader.memory import RETRY_FASTER, Memory
from obisgw.reader.reader import MeterReader, ReaderSettings
from obisgw.reader.shared_port import SharedPort
from obisgw.simulator.serve import Simulator
from tests.line.paced import PacedMeter, block, household
from tests.reader.scripted import FakeLine, in_moved_time, until

pytestmark = pytest.mark.slow

DIALECTS = Dialects.load()
IDENTIFICATION = b"/ABC5TEST\r\n"
DATA = block(household(120))
BREAK = b"\x01B0\x03q"


class FakeMeterLine(FakeLine):
    """A line with a meter: ``answer`` gives the reply to a message (seven-bit) at the present rate, 0.2 s later."""

    format = LineFormat.SOFTWARE_7E1
    bits = 10
    can_set_rate = True
    is_open = True
    busy = False
    url = "fake"

    def __init__(self, answer: Callable[[bytes, int], bytes], *, echo: bool = False) -> None:
        super().__init__()
        self.answer = answer
        self.echo = echo
        self.rates: list[int] = []

    def write_now(self, data: bytes) -> float:
        """Let the meter hear, and answer after its reaction time."""
        end = super().write_now(data)
        if self.echo:
            self.arriving.append((end, data))
        reply = add_parity(self.answer(strip_parity(data)[0], self.baudrate))
        self.arriving += [(end + 0.2 + (place + 1) / 960, reply[place : place + 1]) for place in range(len(reply))]
        return end

    async def set_rate(self, baudrate: int) -> None:
        """Note the rate."""
        self.rates.append(baudrate)
        await super().set_rate(baudrate)

    @asynccontextmanager
    async def use(self, _: PortSettings) -> AsyncIterator[FakeMeterLine]:
        """Be the shared port as well."""
        yield self

    @property
    def heard(self) -> list[bytes]:
        """What was written, seven-bit."""
        return [strip_parity(data)[0] for _, data in self.written]


def mode_c(message: bytes, _: int) -> bytes:
    """Answer as a meter in mode C does."""
    if message.startswith(b"/?"):
        return IDENTIFICATION
    return DATA if message.startswith(b"\x06") else b""


def reader_of(line: FakeMeterLine, memory: Memory | None = None, **settings: Any) -> MeterReader:
    """Return a reader on the line."""
    return MeterReader(
        cast("SharedPort", line), ReaderSettings("Cellar at fake", **settings), DIALECTS, memory or Memory()
    )


def test_a_readout_is_remembered_and_the_next_one_uses_it() -> None:
    """The size lets the pump sleep."""

    async def test() -> None:
        line, memory = FakeMeterLine(mode_c), Memory()
        first = await reader_of(line, memory).read()
        assert first.telegram.proved
        assert first.telegram.raw.endswith(add_parity(DATA)[-5:])
        assert (first.baudrate, first.echo, first.attempts, first.switch_margin) == (9600, 0, (), 0.04)
        learned = memory.recall("fake", "")
        assert learned is not None
        assert (learned.size, learned.plan) == (len(DATA), LinePlan())
        before = line.wake_ups
        await reader_of(line, memory).read()
        assert line.wake_ups - before < before

    in_moved_time(test)


def test_silence_is_tried_again_and_then_told() -> None:
    """Twice at once, then behind a break, then with a wake-up; the user learns where to look."""

    async def test() -> None:
        line = FakeMeterLine(lambda *_: b"")
        reader = reader_of(line)
        with pytest.raises(MeterError, match="does not answer") as caught:
            await reader.read()
        assert "Cellar at fake" in str(caught.value)
        assert line.heard == [b"/?!\r\n"] * 2 + [BREAK, b"/?!\r\n"] + [b"\0" * 65, b"/?!\r\n"]
        assert {attempt.failure for attempt in reader.attempts} == {Failure.SILENCE}

    in_moved_time(test)


def test_an_echo_alone_is_told_from_silence() -> None:
    """The head works; the meter does not."""

    async def test() -> None:
        with pytest.raises(MeterError, match="hears itself"):
            await reader_of(FakeMeterLine(lambda *_: b"", echo=True)).read()

    in_moved_time(test)


def test_an_echo_is_noticed_and_kept() -> None:
    """As a property of the head."""

    async def test() -> None:
        memory = Memory()
        readout = await reader_of(FakeMeterLine(mode_c, echo=True), memory).read()
        assert readout.echo == 5
        learned = memory.recall("fake", "")
        assert learned is not None
        assert learned.echo == 5

    in_moved_time(test)


def only_at_300(message: bytes, _: int) -> bytes:
    """Send data only to whoever asks for 300 Bd."""
    if message.startswith(b"\x06") and message[2:3] != b"0":
        return b""
    return mode_c(message, 300)


def test_what_worked_after_failures_is_what_comes_first_next_time() -> None:
    """The ladder is climbed down once."""

    async def test() -> None:
        line, memory = FakeMeterLine(only_at_300), Memory()
        readout = await reader_of(line, memory).read()
        assert readout.attempts
        assert readout.baudrate == 300
        line.written.clear()
        again = await reader_of(line, memory).read()
        assert again.attempts == ()
        assert line.heard == [b"/?!\r\n", b"\x06000\r\n"]

    in_moved_time(test)


def test_a_slow_plan_is_put_to_the_test_after_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """One noisy hour does not make a meter slow for ever."""

    async def test() -> None:
        line, memory = FakeMeterLine(only_at_300), Memory()
        await reader_of(line, memory).read()
        line.answer = mode_c
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + RETRY_FASTER + 1)
        assert (await reader_of(line, memory).read()).baudrate == 9600

    in_moved_time(test)


def test_a_plan_that_works_no_more_is_given_up() -> None:
    """Another meter may be at the port: it is read as an unknown one."""

    async def test() -> None:
        line, memory = FakeMeterLine(mode_c), Memory()
        await reader_of(line, memory).read()
        learned = memory.recall("fake", "")
        assert learned is not None
        memory.remember("fake", "", replace(learned, plan=LinePlan(acknowledge=False)))
        readout = await reader_of(line, memory).read()
        assert len(readout.attempts) == 1
        assert readout.plan.acknowledge

    in_moved_time(test)


def test_a_break_before_a_retry_is_sent_at_the_rate_the_meter_has() -> None:
    """And once more at the first rate."""

    async def test() -> None:
        damaged = [DATA[:-9] + b"9" + DATA[-8:]] * 4

        def answer(message: bytes, rate: int) -> bytes:
            if message == b"\x15" or message.startswith(b"\x06"):
                return damaged.pop() if damaged else DATA
            return mode_c(message, rate)

        line = FakeMeterLine(answer)
        readout = await reader_of(line).read()
        assert [attempt.failure for attempt in readout.attempts] == [Failure.BAD_CHECK] * len(readout.attempts)
        assert len(readout.rejected) == 4
        assert line.heard.count(BREAK) == 2 * len(readout.attempts)

    in_moved_time(test)


@pytest.mark.parametrize(("limit", "asked"), [(4800, b"\x06040\r\n"), (300, b"\x06000\r\n"), (19200, b"\x06050\r\n")])
def test_no_rate_beyond_the_limit_is_asked_for(limit: int, asked: bytes) -> None:
    """The meter's own rate stays where it is within."""

    async def test() -> None:
        line = FakeMeterLine(mode_c)
        await reader_of(line, max_baudrate=limit).read()
        assert line.heard[1] == asked

    in_moved_time(test)


def test_a_line_that_keeps_its_rate_is_asked_for_no_other() -> None:
    """Raw serial servers stay at 300."""

    async def test() -> None:
        line = FakeMeterLine(mode_c)
        line.can_set_rate = False
        readout = await reader_of(line).read()
        assert line.heard[1] == b"\x06000\r\n"
        assert set(line.rates) == {300}
        assert readout.baudrate == 300

    in_moved_time(test)


def test_another_meter_than_the_expected_one_is_no_reading() -> None:
    """Its number is told, and nothing of it handed on."""

    async def test() -> None:
        def reader(number: str) -> MeterReader:
            return MeterReader(
                cast("SharedPort", FakeMeterLine(mode_c)),
                ReaderSettings("Cellar at fake", number=number),
                DIALECTS,
                Memory(),
                number_of=lambda telegram, _: telegram.block[6:14].decode(),
            )

        with pytest.raises(MeterError, match="found meter 12345678 instead of meter 99"):
            await reader("99").read()
        assert (await reader("00 12345678").read()).number == "12345678"

    in_moved_time(test)


async def test_a_readout_over_a_real_line_keeps_its_time(tmp_path: Path) -> None:
    """Request to last byte in the line's own time, at a rate that changes."""
    shared: SharedPort
    with PacedMeter(initial=2400, baud_char="5") as meter:
        shared = SharedPort(meter.path)
        memory = Memory(tmp_path / "line.json")
        reader = MeterReader(shared, ReaderSettings("x", baudrate=2400), DIALECTS, memory)
        for _ in range(2):
            readout = await reader.read()
            assert readout.telegram.proved
        await shared.close()
    assert b"wrong rate" not in meter.heard
    assert Memory(tmp_path / "line.json").recall(meter.path, "") is not None


async def test_a_port_lost_in_the_middle_is_told_and_not_read_on() -> None:
    """What came so far is no reading."""
    with PacedMeter(text=household(2000), initial=2400) as meter:
        shared = SharedPort(meter.path)
        reader = MeterReader(shared, ReaderSettings("x", baudrate=2400), DIALECTS, Memory())
        task = asyncio.create_task(reader.read())
        await until(lambda: reader.session is not None and reader.session.received > 100)
        await asyncio.to_thread(meter.unplug)
        with pytest.raises(PortLostError):
            await task
        with pytest.raises(PortMissingError):
            await reader.read()
        await shared.close()


async def test_a_cancelled_readout_signs_off_and_gives_the_port_back() -> None:
    """The meter hears the break; the port can be used at once."""
    with PacedMeter(text=household(400), initial=2400, baud_char="3") as meter:
        shared = SharedPort(meter.path)
        reader = MeterReader(shared, ReaderSettings("x", baudrate=2400), DIALECTS, Memory())
        task = asyncio.create_task(reader.read())
        await until(lambda: reader.session is not None and reader.session.received > 100)
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - started < 1.0
        async with shared.use(PortSettings()) as port:
            assert port.is_open
        await until(lambda: any(strip_parity(message)[0].endswith(BREAK) for message in meter.heard))
        await shared.close()


@pytest.mark.parametrize("state", ["REQUEST", "IDENTIFICATION", "REACTION", "ACKNOWLEDGE", "DATA"])
async def test_after_a_readout_that_was_given_up_the_next_one_succeeds(state: str) -> None:
    """Wherever it was cancelled: the meter is told, and does not go on at 300 Bd into the next readout."""
    async with Simulator("household-fast") as simulator:
        shared = SharedPort(simulator.port)
        reader = MeterReader(shared, ReaderSettings("x"), DIALECTS, Memory())
        task = asyncio.create_task(reader.read())
        await until(lambda: reader.session is not None and reader.session._state.name == state)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await shared.close()
        shared = SharedPort(simulator.port)
        readout = await MeterReader(shared, ReaderSettings("x"), DIALECTS, Memory()).read()
        await shared.close()
    assert (readout.attempts, readout.baudrate) == ((), 9600)
    assert not any(isinstance(event, FellBack) for _, event in simulator.events())


async def test_a_meter_that_answers_somebody_who_is_gone_is_told_to_stop() -> None:
    """The program that asked was killed: a break ends the readout at 300 Bd that the meter has begun."""
    async with Simulator("household-fast") as simulator:
        shared = SharedPort(simulator.port)
        async with shared.use(PortSettings()) as port:
            await port.write(add_parity(b"/?!\r\n"))
            await asyncio.sleep(2.6)
        await shared.close()
        shared = SharedPort(simulator.port)
        readout = await MeterReader(shared, ReaderSettings("x"), DIALECTS, Memory()).read()
        await shared.close()
    assert (readout.attempts, readout.baudrate) == ((), 9600)
    events = [event for _, event in simulator.events()]
    assert [type(event) for event in events if isinstance(event, FellBack | BreakHeard)] == [FellBack, BreakHeard]


async def test_a_meter_that_waits_for_a_nak_is_given_its_time_from_then_on() -> None:
    """The first request behind its data is not heard; the ones after that come later, and are."""
    async with Simulator("household-nak") as simulator:
        shared = SharedPort(simulator.port)
        reader = MeterReader(shared, ReaderSettings("x"), DIALECTS, Memory())
        failed = [len((await reader.read()).attempts) for _ in range(3)]
        await shared.close()
    assert failed == [0, 1, 0]


def test_a_meter_that_sends_all_the_time_is_named_soon() -> None:
    """Asked at 300 Bd it is garbage without end; what it wants is mode D."""

    async def test() -> None:
        line = FakeMeterLine(lambda *_: b"")
        line.busy = True
        noise = bytes.fromhex("a50825a589a1083d")
        line.arriving = [(100.0 + at / 10, noise[at % 8 : at % 8 + 1]) for at in range(3000)]
        with pytest.raises(MeterError) as error:
            await reader_of(line).read()
        assert "the line is never silent" in str(error.value)
        assert "set `mode: D`" in str(error.value)
        assert asyncio.get_running_loop().time() < 130.0

    in_moved_time(test)


def test_pushed_telegrams_come_as_they_are_sent() -> None:
    """Mode D: no request, one telegram after another, at the rate the dialect or the owner says."""

    async def test() -> None:
        line = FakeMeterLine(lambda *_: b"")
        push = add_parity(b"/ESY5Q3DA1024\r\n\r\n1-0:1.8.0*255(00001234.567*kWh)\r\n!\r\n")
        line.arriving = [(100 + 2 * count + place / 960, push[place : place + 1])
                         for count in range(3) for place in range(len(push))]  # fmt: skip
        reader = reader_of(line)
        got: list[Any] = []
        async with aclosing(reader.pushes()) as pushes:
            async for event in pushes:
                got.append(event)
                if len(got) == 2:
                    break
        assert [type(event) for event in got] == [Received, Received]
        assert line.written == []
        assert line.rates in ([], [9600])

    in_moved_time(test)
