"""Programming mode over a port: opened with attempts, left with a break, refused passwords remembered."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from obisgw.errors import MeterError, PortLostError, RefusedError
from obisgw.iec62056_21.commands import ReadRequest
from obisgw.iec62056_21.dialects import Dialects
from obisgw.iec62056_21.events import AnswerReceived, RequestRefused
from obisgw.iec62056_21.meter_programming import PasswordHeard, SessionEnded
from obisgw.iec62056_21.meter_settings import AcknowledgementRule, BreakHeard
from obisgw.iec62056_21.password import Password, PasswordLevel
from obisgw.reader.conversation import Conversation
from obisgw.reader.memory import Memory, Spoken
from obisgw.reader.programming import Programming, Wish
from obisgw.reader.refused import is_marked, mark_of
from obisgw.secret import Secret
from tests.reader.scripted import in_moved_time
from tests.reader.wire_line import line_of, reader_on

DIALECTS = Dialects.load()
RIGHT = Password(Secret("12345678"))
WRONG = Password(Secret("87654321"))
BREAK = b"\x01B0\x03q"


async def value(talk: Conversation, address: str = "1.8.0") -> bytes:
    """Ask for a register and return the answer."""
    outcome = await talk.ask(ReadRequest(address))
    assert isinstance(outcome, AnswerReceived), outcome
    return outcome.telegram.block


def test_registers_are_asked_for_one_after_another_and_the_meter_is_signed_off() -> None:
    """The meter hears the break, and 2 s pass before anybody signs on again."""

    async def test() -> None:
        async with line_of() as line:
            reader = reader_on(line, DIALECTS)
            async with Programming(reader).open(Wish()) as talk:
                assert (await value(talk)).startswith(b"1.8.0(")
                assert (await value(talk, "2.8.0")).startswith(b"2.8.0(")
            left = asyncio.get_running_loop().time()
            assert line.written[-1][1] == BREAK
            await reader.read()
            signed_on = next(at for at, data in line.written if at > left)
            assert signed_on - left >= 2.0
            assert len(line.of(BreakHeard)) == 1

    in_moved_time(test)


@pytest.mark.parametrize("after", [0.1, 1.3, 1.55, 1.8, 2.5])
def test_a_cancelled_session_is_signed_off_at_the_meter_s_speed(after: float) -> None:
    """At any moment: in the request there is nothing to leave, from the acknowledgement on the meter hears a break."""

    async def test() -> None:
        async with line_of() as line:
            reader = reader_on(line, DIALECTS)

            async def talk() -> None:
                async with Programming(reader).open(Wish(hasty=True)) as conversation:
                    while True:
                        await value(conversation)

            task = asyncio.create_task(talk())
            await asyncio.sleep(after)
            task.cancel()
            began = asyncio.get_running_loop().time()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert asyncio.get_running_loop().time() - began < 1.0
            await asyncio.sleep(1)
            meter = line.wire.stations[0].session
            assert meter.baudrate == 300
            await reader.read()

    in_moved_time(test)


def test_an_owner_s_error_signs_off_as_well() -> None:
    """Whatever ends the block."""

    async def test() -> None:
        async with line_of() as line:
            with pytest.raises(ZeroDivisionError):
                async with Programming(reader_on(line, DIALECTS)).open(Wish()):
                    _ = 1 / 0
            await asyncio.sleep(0.1)
            assert len(line.of(BreakHeard)) == 1

    in_moved_time(test)


def test_a_meter_without_programming_mode_says_so() -> None:
    """Its readout came instead: one attempt, and what to do about it."""

    async def test() -> None:
        async with line_of("household-4800") as line:
            with pytest.raises(RefusedError, match="has no programming mode") as caught:
                async with Programming(reader_on(line, DIALECTS)).open(Wish()):
                    raise AssertionError("it opened")
            assert "full readouts" in str(caught.value)

    in_moved_time(test)


@pytest.mark.parametrize("rule", [AcknowledgementRule.IGNORE, AcknowledgementRule.ANNOUNCED])
def test_a_meter_that_does_not_answer_to_that_is_asked_twice(rule: AcknowledgementRule) -> None:
    """It is read well at this speed: it falls back to 300 Bd, or says nothing at all, and has no such mode."""

    async def test() -> None:
        async with line_of() as line:
            meter = line.wire.stations[0].session
            memory = Memory()
            await reader_on(line, DIALECTS, memory).read()
            meter.settings = replace(meter.settings, acknowledgement=rule)
            assert meter._dialogue is not None
            meter._dialogue.programming = replace(meter._dialogue.programming, asks=False)
            began = asyncio.get_running_loop().time()
            with pytest.raises(RefusedError, match="has no programming mode"):
                async with Programming(reader_on(line, DIALECTS, memory)).open(Wish()):
                    raise AssertionError("it opened")
            assert asyncio.get_running_loop().time() - began < 40
            await asyncio.sleep(2)
            meter.settings = replace(meter.settings, acknowledgement=AcknowledgementRule.ANNOUNCED)
            await reader_on(line, DIALECTS, memory).read()

    in_moved_time(test)


def test_a_silent_meter_is_tried_as_often_as_for_a_readout() -> None:
    """And then told in the same words."""

    async def test() -> None:
        async with line_of(faults=("silence",)) as line:
            with pytest.raises(MeterError, match="does not answer"):
                async with Programming(reader_on(line, DIALECTS)).open(Wish()):
                    raise AssertionError("it opened")

    in_moved_time(test)


def test_the_right_password_opens() -> None:
    """And is on the line once."""

    async def test() -> None:
        async with line_of("household-password") as line:
            async with Programming(reader_on(line, DIALECTS)).open(Wish(RIGHT)) as talk:
                assert (await value(talk)).startswith(b"1.8.0(")
            assert [event.accepted for event in line.said if isinstance(event, PasswordHeard)] == [True]

    in_moved_time(test)


def test_without_a_password_a_locked_register_is_refused() -> None:
    """The session itself opens."""

    async def test() -> None:
        async with (
            line_of("household-password") as line,
            Programming(reader_on(line, DIALECTS)).open(Wish()) as talk,
        ):
            outcome = await talk.ask(ReadRequest("1.8.0"))
            assert isinstance(outcome, RequestRefused)

    in_moved_time(test)


def test_a_refused_password_is_not_said_again_until_it_is_another_one(tmp_path: Path) -> None:
    """Over a restart; neither the file, nor an error, nor a log line holds it."""

    async def test() -> None:
        path = tmp_path / "line.json"
        async with line_of("household-password") as line:

            async def open_with(password: Password, *, again: bool = False) -> bytes:
                memory = Memory(path)
                try:
                    async with Programming(reader_on(line, DIALECTS, memory)).open(Wish(password, again=again)) as talk:
                        return await value(talk)
                finally:
                    memory.save()

            def heard() -> int:
                return sum(isinstance(event, PasswordHeard) for event in line.said)

            with pytest.raises(RefusedError, match="refused the password") as first:
                await open_with(WRONG)
            assert heard() == 1
            with pytest.raises(RefusedError, match="refused the password before") as second:
                await open_with(WRONG)
            assert heard() == 1
            with pytest.raises(RefusedError, match="refused the password"):
                await open_with(WRONG, again=True)
            assert heard() == 2
            assert await open_with(RIGHT)
            assert heard() == 3
            for text in (str(first.value), str(second.value), repr(first.value), path.read_text()):
                assert WRONG.secret.reveal() not in text
                assert RIGHT.secret.reveal() not in text
            assert json.loads(path.read_text())["spoken"]

    in_moved_time(test)


def test_the_lock_out_is_named() -> None:
    """Landis+Gyr locks for up to a day: the owner must know it before he tries again."""

    async def test() -> None:
        async with line_of("landis-gyr-e650") as line:
            with pytest.raises(RefusedError, match="24 hours"):
                async with Programming(reader_on(line, DIALECTS)).open(Wish(WRONG)):
                    raise AssertionError("it opened")

    in_moved_time(test)


def test_what_was_learned_is_used_the_next_time(tmp_path: Path) -> None:
    """The command that the meter understands, also after a restart."""

    async def test() -> None:
        async with line_of("emh-lzqj") as line:
            memory = Memory(tmp_path / "line.json")
            async with Programming(reader_on(line, DIALECTS, memory)).open(Wish()) as talk:
                await value(talk)
            memory.save()
            assert Memory(tmp_path / "line.json").spoken("wire", "") == Spoken(command="R5")

    in_moved_time(test)


def test_a_session_is_kept_while_nothing_is_asked() -> None:
    """Energomera would end it after 1.5 s."""

    async def test() -> None:
        async with line_of("energomera-ce301") as line:
            wish = Wish(Password(Secret("777777"), PasswordLevel.P2), keep_alive=True)
            async with Programming(reader_on(line, DIALECTS)).open(wish) as talk:
                now = asyncio.get_running_loop().time
                for _ in range(3):
                    outcome = await talk.ask(ReadRequest("ET0PE"), not_before=now() + 10)
                    assert isinstance(outcome, AnswerReceived)
            assert line.of(SessionEnded) == []

    in_moved_time(test)


def test_a_lost_port_ends_the_session() -> None:
    """Nothing can be said to the meter any more, and that hides nothing."""

    async def test() -> None:
        async with line_of() as line:

            async def lose_it() -> None:
                async with Programming(reader_on(line, DIALECTS)).open(Wish()) as talk:
                    await value(talk)
                    line.lost = True
                    await value(talk)

            with pytest.raises(PortLostError):
                await lose_it()

    in_moved_time(test)


def test_closing_in_order_says_the_break_and_waits_for_it() -> None:
    """Afterwards nothing can be asked."""

    async def test() -> None:
        async with line_of() as line, Programming(reader_on(line, DIALECTS)).open(Wish()) as talk:
            await value(talk)
            await talk.close()
            assert line.written[-1][1] == BREAK
            with pytest.raises(MeterError, match="over"):
                await value(talk)

    in_moved_time(test)


def test_a_mark_tells_whether_a_password_is_the_refused_one() -> None:
    """By password and level; what is no mark marks nothing."""
    mark = mark_of(WRONG)
    assert is_marked(WRONG, mark)
    assert not is_marked(RIGHT, mark)
    assert not is_marked(Password(WRONG.secret, PasswordLevel.P2), mark)
    assert mark_of(WRONG) != mark
    for none in (None, "", "x:y", ":", mark[:-1]):
        assert not is_marked(WRONG, none)
