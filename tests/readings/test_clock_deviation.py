"""How far a meter's clock is from ours, whatever the line and the season do."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from obisgw.iec62056_21.block_check import BlockCheck, BlockCheckKind
from obisgw.iec62056_21.dialects import Dialects
from obisgw.iec62056_21.identification import Mode
from obisgw.iec62056_21.telegram import Telegram
from obisgw.obis import Medium
from obisgw.readings.clock_deviation import clock_deviation
from obisgw.readings.reading import MeterIdentity, Reading
from obisgw.readings.registers import registers_of

STANDARD = Dialects.load().match(None)
METER = MeterIdentity("isk_1", "1", "ISK", "Iskraemeco", "MT174", Medium.ELECTRICITY)
WINTER = datetime(2026, 1, 15, 11, 0, 0, tzinfo=UTC)
SUMMER = datetime(2026, 7, 15, 10, 0, 0, tzinfo=UTC)


def berlin(at: float) -> float:
    """An hour east of UTC, two from April to October."""
    return 7200.0 if 4 <= datetime.fromtimestamp(at, UTC).month <= 10 else 3600.0


def reading(lines: str, at: datetime, duration: float = 100.0) -> Reading:
    """A reading whose last byte came at ``at``; lines are set off by blanks."""
    block = lines.replace(" ", "\r\n").encode()
    telegram = Telegram(None, Mode.C, block, BlockCheck.OK, BlockCheckKind.XOR, 0, complete=True, raw=block)
    registers, unparsed = registers_of(telegram, STANDARD)
    return Reading(METER, at, duration, registers, unparsed, telegram)


@pytest.mark.parametrize(
    ("lines", "at", "deviation"),
    [
        ("0.9.1(120000) 0.9.2(260115)", WINTER, 0.0),
        ("0.9.1(120007) 0.9.2(260115)", WINTER, 7.0),
        ("0.9.1(115950) 0.9.2(260115)", WINTER, -10.0),
        ("0.9.1(12:00:05) 0.9.2(26-01-15)", WINTER, 5.0),
        ("0.9.1(120005) 0.9.2(260715)", SUMMER, 5.0),
        ("0.9.1(110005) 0.9.2(260715)", SUMMER, 5.0),  # a meter that knows no summer time
        ("0.9.1(100005) 0.9.2(260715)", SUMMER, 5.0),  # one that runs by UTC
        ("0.9.1(1120005) 0.9.2(1260715)", SUMMER, 5.0),  # summer, and it says so
        ("0.9.1(0110005) 0.9.2(0260715)", SUMMER, 5.0),  # winter all year, and it says so
        ("0.9.1(0120005) 0.9.2(0260715)", SUMMER, 3605.0),  # says winter and shows summer: an hour wrong
        ("0.9.1(2100005) 0.9.2(2260715)", SUMMER, 5.0),
        ("0.9.1(1120005) 0.9.2(1260115)", WINTER, -3595.0),
        ("1.0.0(2601151200)", WINTER, 30.0),  # minutes only: half of one on average
        ("1.8.0(1*kWh)", WINTER, None),
        ("0.9.1(000000) 0.9.2(000000)", WINTER, None),
    ],
)
def test_the_deviation_is_that_of_the_clock_and_not_of_the_season(
    lines: str, at: datetime, deviation: float | None
) -> None:
    """Without a season digit the whole hours that come nearest are taken."""
    found = clock_deviation(reading(lines, at), 1_000_000, berlin)
    assert found == (None if deviation is None else pytest.approx(deviation, abs=1))


@pytest.mark.parametrize("baudrate", [300, 2400, 9600])
@pytest.mark.parametrize("behind", [0, 10, 100])
def test_the_line_s_time_is_taken_off(baudrate: int, behind: int) -> None:
    """At 300 Bd a hundred lines take a minute, and the clock was right when it was printed."""
    more = " ".join(f"1.8.{number}(000123.456*kWh)" for number in range(behind))
    lines = f"F.F(00) 0.9.2(260115) 0.9.1(120000) {more}".strip()
    characters = len(lines.replace(" ", "\r\n")) - lines.replace(" ", "\r\n").index("0.9.1(")
    end = datetime.fromtimestamp(WINTER.timestamp() + characters * 10 / baudrate, UTC)
    assert clock_deviation(reading(lines, end), baudrate, berlin) == pytest.approx(0, abs=1)


def test_a_date_of_yesterday_at_midnight_is_no_day() -> None:
    """The time was printed a moment after the date."""
    midnight = datetime(2026, 1, 14, 23, 0, 5, tzinfo=UTC)
    found = clock_deviation(reading("0.9.2(260114) 0.9.1(000005)", midnight), 1_000_000, berlin)
    assert found == pytest.approx(0, abs=1)


def test_a_clock_that_was_never_set_is_far_off() -> None:
    """And told so: it is the owner who can have it set."""
    found = clock_deviation(reading("0.9.2(000101) 0.9.1(010000)", WINTER), 1_000_000, berlin)
    assert found is not None
    assert found < -800_000_000
