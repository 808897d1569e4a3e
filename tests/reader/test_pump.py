"""The pump: order of actions, moments of reading, few wake-ups, sign-off."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from obisgw.errors import PortLostError
from obisgw.iec62056_21.events import Action, EchoSeen, Event, Send, SetLine
from obisgw.reader.pump import pump
from tests.reader.scripted import FakeLine, ScriptedSession, in_moved_time


async def run(session: ScriptedSession, line: FakeLine) -> list[Event]:
    """Pump until the end."""
    return [event async for event in pump(session, line)]


def paced(start: float, count: int, baudrate: int) -> list[tuple[float, bytes]]:
    """Return ``count`` characters as the line brings them."""
    return [(start + (index + 1) * 10 / baudrate, b"x") for index in range(count)]


def test_the_last_bit_of_a_message_has_left_before_the_next_action() -> None:
    """Send waits for the line; the speed changes only afterwards, and both are told their time."""

    async def test() -> None:
        session = ScriptedSession([(100.0, Send(b"123456")), (100.24, SetLine(9600))], size=0)
        line = FakeLine()
        await run(session, line)
        assert [what for what, _ in session.log] == ["sent"]
        assert session.log[0][1] == pytest.approx(100.2)
        assert line.baudrate == 9600

    in_moved_time(test)


def test_what_came_before_the_session_is_no_answer() -> None:
    """Left-over characters are thrown away."""

    async def test() -> None:
        session = ScriptedSession(size=1)
        line = FakeLine([(99.0, b"old"), (101.0, b"n")])
        await run(session, line)
        assert session.got == b"n"

    in_moved_time(test)


@pytest.mark.parametrize("baudrate", [300, 2400, 4800, 9600])
def test_the_end_of_known_size_is_seen_at_its_last_byte_with_few_wake_ups(baudrate: int) -> None:
    """With 1,200 characters to come nobody looks before they can be there."""

    async def test() -> None:
        session = ScriptedSession(size=1200, known=True)
        line = FakeLine(paced(100.5, 1200, baudrate), baudrate)
        await run(session, line)
        assert asyncio.get_running_loop().time() == pytest.approx(100.5 + 12000 / baudrate, abs=1e-6)
        # At 300 Bd the session's patience of five seconds is renewed by what is read at its end.
        assert line.wake_ups <= 6 + 2 * (12000 / baudrate) / 4

    in_moved_time(test)


@pytest.mark.parametrize(("baudrate", "most"), [(300, 420), (2400, 320), (4800, 240), (9600, 160)])
def test_the_end_of_unknown_size_is_seen_in_time(baudrate: int, most: int) -> None:
    """A share of five in a thousand of the cycle, and a bounded number of wake-ups."""

    async def test() -> None:
        began = 100.0
        session = ScriptedSession(size=1200)
        line = FakeLine(paced(101.5, 1200, baudrate), baudrate)
        await run(session, line)
        end = 101.5 + 12000 / baudrate
        late = asyncio.get_running_loop().time() - end
        assert late <= 0.005 * (end - began)
        assert line.wake_ups <= most

    in_moved_time(test)


def test_a_short_answer_is_seen_at_once() -> None:
    """An identification must be answered in time: its characters are looked at one by one."""

    async def test() -> None:
        session = ScriptedSession(size=20)
        await run(session, FakeLine(paced(101.0, 20, 300)))
        assert asyncio.get_running_loop().time() == pytest.approx(101.0 + 200 / 300, abs=1e-6)

    in_moved_time(test)


def test_no_sleep_passes_the_deadline_and_bytes_count_before_it() -> None:
    """Characters that arrived before the deadline are received before the session gives up."""

    async def test() -> None:
        session = ScriptedSession(size=100, known=True, patience=2.0)
        await run(session, FakeLine([(100.5, b"xx"), (101.0, b"yy")]))
        assert [what for what, _ in session.log[-2:]] == ["received 2", "gave up"]
        assert [at for _, at in session.log[-2:]] == pytest.approx([102.5, 104.5])

    in_moved_time(test)


def test_events_come_out_in_order() -> None:
    """What the session says is handed on."""

    async def test() -> None:
        session = ScriptedSession(size=1, happened=[EchoSeen(1), EchoSeen(2)])
        assert await run(session, FakeLine([(101.0, b"x")])) == [EchoSeen(1), EchoSeen(2)]

    in_moved_time(test)


def test_a_cancelled_pump_signs_off() -> None:
    """The break is on the line, to its last bit, before the task has ended."""

    async def test() -> None:
        session, line = ScriptedSession(patience=60.0), FakeLine()
        task = asyncio.create_task(run(session, line))
        await asyncio.sleep(1.0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [data for _, data in line.written] == [b"bye"]
        assert line.written[0][0] == pytest.approx(101.0)
        assert asyncio.get_running_loop().time() == pytest.approx(101.1)

    in_moved_time(test)


def test_whoever_stops_listening_signs_off() -> None:
    """Closing the generator is enough."""

    async def test() -> None:
        session, line = ScriptedSession(happened=[EchoSeen(1)]), FakeLine()
        async with aclosing(pump(session, line)) as events:
            async for _ in events:
                break
        assert [data for _, data in line.written] == [b"bye"]

    in_moved_time(test)


def test_a_sign_off_at_another_speed_waits_for_the_message_under_way() -> None:
    """Between acknowledgement and change of speed: the meter hears the break only where it will listen."""

    async def test() -> None:
        farewell: list[Action] = [SetLine(9600), Send(b"bye")]
        session = ScriptedSession([(100.0, Send(b"123456"))], sign_off=farewell, patience=60.0)
        line = FakeLine()
        task = asyncio.create_task(run(session, line))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert line.baudrate == 9600
        at, message = line.written[-1]
        assert message == b"bye"
        assert at == pytest.approx(100.2)

    in_moved_time(test)


def test_a_meter_without_a_session_gets_no_break() -> None:
    """There is nothing to leave."""

    async def test() -> None:
        session, line = ScriptedSession(sign_off=[], patience=60.0), FakeLine()
        task = asyncio.create_task(run(session, line))
        await asyncio.sleep(1.0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert line.written == []

    in_moved_time(test)


def test_a_lost_port_ends_the_pump() -> None:
    """The loss is told, and that the break cannot be sent does not hide it."""

    async def test() -> None:
        line = FakeLine()
        line.lost_at = 103.0
        with pytest.raises(PortLostError):
            await run(ScriptedSession(patience=60.0), line)

    in_moved_time(test)
