"""Fast registers on a simulated line, in moved time: how often they come, and what meters refuse."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from itertools import pairwise

import pytest

from obisgw.errors import MeterError, RefusedError
from obisgw.iec62056_21.dialects import Dialects
from obisgw.iec62056_21.meter_settings import BreakHeard
from obisgw.iec62056_21.password import Password
from obisgw.reader.programming import Programming
from obisgw.secret import Secret
from obisgw.service.edges import FastRound
from obisgw.service.fast_line import FastLine
from tests.reader.scripted import in_moved_time
from tests.reader.wire_line import WireLine, line_of, reader_on

DIALECTS = Dialects.load()


def fast_on(line: WireLine, *names: str, every: float = 0.0, password: str | None = None) -> FastLine:
    """Fast registers of the line's meter."""
    secret = None if password is None else Password(Secret(password))
    return FastLine(Programming(reader_on(line, DIALECTS)), names, every, secret, "Cellar at wire")


async def some(fast: FastLine, count: int) -> list[FastRound]:
    """The first rounds."""
    rounds: list[FastRound] = []
    async with aclosing(fast.rounds()) as coming:
        async for one in coming:
            rounds.append(one)
            if len(rounds) == count:
                break
    return rounds


def values(one: FastRound) -> dict[str, str]:
    """Values by code."""
    return {str(register.code): register.value for register in one.registers}


@pytest.mark.parametrize(("profile", "reaction", "least"), [("household-fast", 0.02, 8.0), ("household", 0.2, 3.0)])
def test_one_register_comes_as_often_as_the_meter_answers(profile: str, reaction: float, least: float) -> None:
    """At 9600 Bd: eight times a second from a meter that reacts in 20 ms, three times from one that takes 200."""

    async def test() -> None:
        async with line_of(profile, reaction=reaction) as line:
            times = []
            async with aclosing(fast_on(line, "16.7.0").rounds()) as coming:
                async for _ in coming:
                    times.append(asyncio.get_running_loop().time())
                    if len(times) == 30:
                        break
            assert 29 / (times[-1] - times[0]) >= least
            await asyncio.sleep(0.1)
            assert len(line.of(BreakHeard)) == 1

    in_moved_time(test)


def test_rounds_keep_their_pace() -> None:
    """Every two seconds, whatever the answers take."""

    async def test() -> None:
        async with line_of() as line:
            times = []
            async with aclosing(fast_on(line, "16.7.0", "32.7.0", every=2.0).rounds()) as coming:
                async for one in coming:
                    assert set(values(one)) == {"1-0:16.7.0*255", "1-0:32.7.0*255"}
                    times.append(asyncio.get_running_loop().time())
                    if len(times) == 6:
                        break
            gaps = [later - sooner for sooner, later in pairwise(times[1:])]
            assert gaps == pytest.approx([2.0] * 4, abs=0.05)

    in_moved_time(test)


def test_a_register_that_is_refused_is_left_out_and_said(caplog: pytest.LogCaptureFixture) -> None:
    """The others go on."""

    async def test() -> None:
        async with line_of() as line:
            rounds = await some(fast_on(line, "16.7.0", "99.9.9"), 3)
            assert [set(values(one)) for one in rounds] == [{"1-0:16.7.0*255"}] * 3
        (said,) = caplog.messages
        assert "99.9.9 is refused" in said

    in_moved_time(test)


def test_a_meter_that_refuses_them_all_says_what_to_do() -> None:
    """It wants its password; a maker's default is named."""

    async def test() -> None:
        async with line_of("household-password") as line:
            with pytest.raises(RefusedError, match="none of its fast registers"):
                await some(fast_on(line, "16.7.0"), 1)
        async with line_of("energomera-ce301") as line:
            with pytest.raises(
                RefusedError, match=r"access denied.*set 'password_file' \(its maker's default is 777777"
            ):
                await some(fast_on(line, "16.7.0"), 1)

    in_moved_time(test)


def test_with_its_password_the_meter_answers() -> None:
    """From a file, in the configuration."""

    async def test() -> None:
        async with line_of("household-password") as line:
            (one,) = await some(fast_on(line, "16.7.0", password="12345678"), 1)
            assert "1-0:16.7.0*255" in values(one)

    in_moved_time(test)


def test_energomera_s_names_become_the_codes_that_were_meant() -> None:
    """In one group read; of all tariffs the total is what 1.8.0 means."""

    async def test() -> None:
        async with line_of("energomera-ce301") as line:
            fast = fast_on(line, "16.7.0", "1.8.0", "FREQU", every=5.0, password="777777")
            rounds = await some(fast, 3)
            for one in rounds:
                named = {str(register.code or register.address) for register in one.registers}
                assert named == {"1-0:16.7.0*255", "1-0:1.8.0*255", "FREQU"}
            assert sum(message.startswith(b"\x01R1\x02GRPNM(") for _, message in line.written) >= 3

    in_moved_time(test)


def test_neva_is_asked_in_hexadecimal() -> None:
    """And answers so."""

    async def test() -> None:
        async with line_of("taipit-neva") as line:
            (one,) = await some(fast_on(line, "16.7.0", password="00000000"), 1)
            assert set(values(one)) == {"1-0:16.7.0*255"}

    in_moved_time(test)


def test_an_answer_without_address_belongs_to_what_was_asked_for() -> None:
    """Iskra's meters answer with the bracket alone."""

    async def test() -> None:
        async with line_of("iskra-mt174") as line:
            (one,) = await some(fast_on(line, "1.7.0", "32.7.0"), 1)
            assert set(values(one)) == {"1-0:1.7.0*255", "1-0:32.7.0*255"}

    in_moved_time(test)


@pytest.mark.parametrize("fault", ["flip=0.02", "silence@%9", "bad-check@%5", "echo"])
def test_noise_costs_rounds_and_gives_no_wrong_value(fault: str) -> None:
    """Every value has the form of the meter's; what cannot be proved is not told."""

    async def test() -> None:
        options = {"echo": 0.7} if fault == "echo" else {"faults": (fault,)}
        async with line_of(seed=3, **options) as line:
            rounds: list[FastRound] = []
            fast = fast_on(line, "0.0.0", "C.7.0")
            for _ in range(20):
                try:
                    async with aclosing(fast.rounds()) as coming:
                        async for one in coming:
                            rounds.append(one)
                            if len(rounds) >= 20:
                                break
                except MeterError:
                    continue
                if len(rounds) >= 20:
                    break
            assert len(rounds) >= 20
            for one in rounds:
                assert values(one).items() <= {"1-0:0.0.0*255": "33231510", "0-0:96.7.0*255": "0003"}.items()

    in_moved_time(test)


def test_a_battery_meter_is_left_at_once() -> None:
    """A heat meter that happens to have the mode."""

    async def test() -> None:
        async with line_of() as line:
            dialect = DIALECTS.named("gas-meter")
            fast = FastLine(Programming(reader_on(line, DIALECTS, dialect=dialect)), ("1.8.0",), 0.0, None, "Cellar")
            with pytest.raises(RefusedError, match="battery"):
                await some(fast, 1)

    in_moved_time(test)
