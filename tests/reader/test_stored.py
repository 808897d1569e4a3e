"""A profile over sessions that break: what goes on, what gives up, what is never asked twice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from obisgw.errors import MeterError, PortLostError, RefusedError
from obisgw.iec62056_21.block_check import BlockCheck, BlockCheckKind
from obisgw.iec62056_21.commands import ReadCommand, ReadRequest
from obisgw.iec62056_21.dialects import Dialect, Dialects
from obisgw.iec62056_21.events import AnswerReceived, Failure, RequestFailed, RequestRefused
from obisgw.iec62056_21.identification import Mode
from obisgw.iec62056_21.refusal import NOT_UNDERSTOOD, Refusal, RefusalKind
from obisgw.iec62056_21.telegram import Telegram
from obisgw.iec62056_21.vdew.meter_time import MeterTime
from obisgw.iec62056_21.vdew.profile_reading import ProfileReading
from obisgw.reader.programming import Wish
from obisgw.reader.stored import StoredReader
from obisgw.simulator.household import Household
from obisgw.simulator.profile import load_profile
from tests.reader.scripted import in_moved_time

BERLIN = ZoneInfo("Europe/Berlin")
SINCE, UNTIL = datetime(2026, 1, 10, tzinfo=UTC), datetime(2026, 1, 14, tzinfo=UTC)
DIALECT = Dialects.load().match(None)
EMPTY = Refusal(RefusalKind.EMPTY, "ERROR", "nothing is stored for this time")


def answers() -> Callable[[str], bytes]:
    """What a simulated meter answers to P.01."""
    profile = load_profile("household")
    programming = profile.settings_for(Household(1, datetime(2026, 3, 2, 7), zone=profile.zone)).programming  # noqa: DTZ001
    assert programming is not None
    record = programming.records["P.01"]
    return lambda argument: record(argument, 0.0) or b""


ANSWER = answers()


class Meter:
    """Stands for `Programming`: each session follows its script, one word a question; afterwards all goes well.

    ``answer``; ``half``: half of the blocks, then the session dies; ``lost``: the port does; ``failed``: not proved;
    ``refused``, ``empty``; ``shut``: the session does not even open.
    """

    def __init__(self, *sessions: str) -> None:
        self.sessions = [one.split() for one in sessions]
        self.asked: list[ReadRequest] = []
        self.opened = 0
        self.present = 0
        self.reader = SimpleNamespace(settings=SimpleNamespace(where="meter"), present=self._wait_for_port)
        self.script: list[str] = []
        self.baudrate = 9600

    async def _wait_for_port(self) -> None:
        self.present += 1

    @asynccontextmanager
    async def open(self, _wish: Wish) -> AsyncIterator[Any]:
        self.opened += 1
        self.script = self.sessions.pop(0) if self.sessions else []
        if self.script[:1] == ["shut"]:
            raise MeterError("the meter does not answer", where="meter")
        yield SimpleNamespace(dialect=DIALECT, baudrate=self.baudrate, ask=self.ask, session=None)

    async def ask(self, request: ReadRequest, *, on_part: Callable[[bytes], object]) -> object:
        self.asked.append(request)
        assert request.argument is not None
        text = ANSWER(request.argument)
        match self.script.pop(0) if self.script else "answer":
            case "half":
                for at in range(0, len(text) // 2, 200):
                    on_part(text[at : at + 200])
                raise MeterError("the line went silent", where="meter")
            case "lost":
                raise PortLostError("the port vanished", where="meter")
            case "failed":
                return RequestFailed(request, Failure.BAD_CHECK, "the block check was wrong", 0.0)
            case "refused":
                return RequestRefused(request, NOT_UNDERSTOOD, 0.0)
            case "empty":
                return RequestRefused(request, EMPTY, 0.0)
            case _:
                telegram = Telegram(None, Mode.C, text, BlockCheck.OK, BlockCheckKind.XOR, 0, complete=True, raw=text)
                return AnswerReceived(request, ReadCommand.R5, telegram, 0.0, 0.0)


def read(meter: Meter, since: datetime = SINCE, until: datetime = UNTIL) -> tuple[list[datetime], list[str]]:
    """Ends of the periods that came, in order, and what was said of troubles. Raises what the reading raises."""
    ends: list[datetime] = []
    said: list[str] = []

    def make(dialect: Dialect) -> ProfileReading:
        return ProfileReading(since, until, dialect.stored, MeterTime(BERLIN), dialect.code_of)

    async def run() -> None:
        stored = StoredReader(meter, Wish(), make, on_trouble=said.append)  # type: ignore[arg-type]
        try:
            async for reading in stored.run():
                ends.extend(period.end for period in reading.periods())
        finally:
            if stored.reading is not None:
                ends.extend(period.end for period in stored.reading.periods())

    in_moved_time(run)
    return ends, said


WHOLE, _ = read(Meter())


def test_a_good_line_needs_one_session() -> None:
    """And gives everything."""
    meter = Meter()
    ends, said = read(meter)
    assert len(ends) == 4 * 96
    assert (meter.opened, said) == (1, [])


@pytest.mark.parametrize(
    "sessions",
    [
        ("half",),
        ("answer half",),
        ("lost", "half", "answer half"),
        ("failed answer",),
        ("failed failed failed answer lost",),
        ("half", "shut", "shut", "half", "answer"),
        ("half", "half", "half", "half", "half"),
        ("answer empty",),
    ],
)
def test_a_line_that_breaks_is_gone_on_with(sessions: tuple[str, ...]) -> None:
    """Complete, each period once and in order."""
    meter = Meter(*sessions)
    ends, said = read(meter)
    if "empty" in " ".join(sessions):
        assert set(ends) < set(WHOLE)
    else:
        assert ends == WHOLE
    troubles = sum(word in {"half", "lost", "failed", "shut"} for one in sessions for word in one.split())
    assert len(said) == troubles
    assert ends == sorted(set(ends))


def test_what_came_before_the_break_is_not_asked_for_again() -> None:
    """The next question begins behind it."""
    meter = Meter("half")
    read(meter)
    first, second = (one.argument or "" for one in meter.asked[:2])
    assert first.startswith("02601100100;")
    assert "02601101000" < second.partition(";")[0] < "02601101400"


def test_a_lost_port_is_waited_for() -> None:
    """Until its path is there again."""
    meter = Meter("lost")
    read(meter)
    assert meter.present == 1


def test_a_meter_that_never_answered_is_told_at_once() -> None:
    """The sign-on has had its attempts."""
    with pytest.raises(MeterError, match="does not answer"):
        read(Meter("shut"))


def test_a_line_that_brings_nothing_new_is_given_up() -> None:
    """What had come until then stays."""
    meter = Meter(f"answer {'failed ' * 20}")
    with pytest.raises(MeterError, match="block check"):
        read(meter)
    assert len(meter.asked) == 7


def test_a_refusal_is_told_with_what_to_do() -> None:
    """Not retried: neither R5 nor R6 is known."""
    meter = Meter("refused refused")
    with pytest.raises(RefusedError, match=r"the meter does not give P.01 \(NAK: .*\(it may want a password"):
        read(meter)
    assert [one.commands for one in meter.asked] == [(ReadCommand.R5,), (ReadCommand.R6,)]


def test_a_command_that_was_refused_once_is_not_tried_again() -> None:
    """R6 throughout, after R5 was refused."""
    meter = Meter("refused")
    ends, _ = read(meter)
    assert ends == WHOLE
    assert {one.commands for one in meter.asked[1:]} == {(ReadCommand.R6,)}


def test_slices_fit_the_rate_of_the_session() -> None:
    """Of a meter at 300 Bd, hours and not days."""
    slow, fast = Meter(), Meter()
    slow.baudrate = 300
    read(slow, until=datetime(2026, 1, 11, tzinfo=UTC))
    read(fast, until=datetime(2026, 1, 11, tzinfo=UTC))
    assert (len(slow.asked) > 2, len(fast.asked)) == (True, 1)
