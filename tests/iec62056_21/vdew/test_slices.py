"""Long times asked for in slices: what fits the line, what a broken line costs, what meters do with a range."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from obisgw.iec62056_21.commands import ReadCommand
from obisgw.iec62056_21.refusal import NOT_UNDERSTOOD, Refusal, RefusalKind
from obisgw.iec62056_21.vdew.form import Column, Layout, ProfileForm, SeasonDigit
from obisgw.iec62056_21.vdew.log_reading import LogBookReading
from obisgw.iec62056_21.vdew.meter_time import Convention, MeterTime, TimeBase
from obisgw.iec62056_21.vdew.periods import Period
from obisgw.iec62056_21.vdew.profile_reading import ProfileReading
from obisgw.iec62056_21.vdew.time_stamps import TimeStamp, parse_time_stamp
from obisgw.readings.load_profile import quantities
from obisgw.simulator.household import Household
from obisgw.simulator.profile import load_profile
from tests.iec62056_21.vdew.forms import DIALECTS, STANDARD

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2026, 3, 2, 7)  # noqa: DTZ001 - the household's own clock
NOW = 1000.0
Answer = Callable[[str], bytes]


def moment(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    """A local time in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def meter(name: str) -> tuple[Household, dict[str, Answer]]:
    """A simulated meter's memory: answers by address."""
    profile = load_profile(name)
    household = Household(1, START, resolution=profile.resolution, zone=profile.zone)
    programming = profile.settings_for(household).programming
    assert programming is not None

    def bound(address: str) -> Answer:
        record = programming.records[address]
        return lambda argument: record(argument, NOW) or b""

    return household, {address: bound(address) for address in programming.records}


def reading(dialect: str, since: str, until: str, zone: ZoneInfo = BERLIN, rate: float = 960.0) -> ProfileReading:
    """A reading of a meter of that dialect."""
    chosen = DIALECTS.named(dialect)
    time = MeterTime(zone, chosen.stored.time_base)
    return ProfileReading(moment(since, zone), moment(until, zone), chosen.stored, time, chosen.code_of, rate=rate)


def read_all(one: ProfileReading, answer: Answer) -> tuple[list[Period], list[str]]:
    """Everything, over a good line, and what was asked."""
    asked, found = [], []
    while (request := one.next_request()) is not None:
        assert request.argument is not None
        asked.append(request.argument)
        one.answered(answer(request.argument))
        found += one.periods()
        assert len(asked) < 500
    return found, asked


def total(found: list[Period], column: int = 0) -> Decimal:
    """The sum of a column."""
    values = [period.values[column] for period in found]
    return sum((value for value in values if isinstance(value, Decimal)), Decimal(0))


def used(household: Household, since: datetime, until: datetime) -> Decimal:
    """What the counter advanced by."""
    begin, end = ((one - household.moment(0)).total_seconds() for one in (since, until))
    return household.energy_at(end).imported - household.energy_at(begin).imported


def test_a_month_is_complete_and_sums_to_the_counters_difference() -> None:
    """35 days over the change to winter time, in few slices."""
    household, answers = meter("household")
    one = reading("standard", "2025-10-01", "2025-11-05")
    found, asked = read_all(one, answers["P.01"])
    assert len(found) == 35 * 96 + 4
    assert total(found) == used(household, one.since, one.until)
    assert found[-1].values[2] == household.energy_at((one.until - household.moment(0)).total_seconds()).imported
    assert len(asked) <= 6
    assert asked[0] == "12509302300;12510020000"  # an hour earlier: the meter's summer is not known yet
    assert asked[1].startswith("12510020000;")


@pytest.mark.parametrize("partial", [False, True], ids=["R5", "R6"])
@pytest.mark.parametrize("seed", range(5))
def test_a_line_that_breaks_five_times_costs_nothing_but_time(partial: bool, seed: int) -> None:  # noqa: FBT001
    """Complete, in order, nothing twice; what had come in proved blocks is not asked for again."""
    household, answers = meter("household")
    one = reading("standard", "2025-12-01", "2026-01-05", rate=240.0)
    chance = random.Random(seed)
    breaks, found, cost = 5, [], 0
    while (request := one.next_request()) is not None:
        assert request.argument is not None
        text = answers["P.01"](request.argument)
        if breaks and chance.random() < 0.7:
            breaks -= 1
            cut = chance.randrange(len(text)) // 300 * 300 if partial else 0
            for at in range(0, cut, 300):
                one.part(text[at : at + 300])
            one.broken()
            cost += cut
        else:
            one.answered(text)
            cost += len(text)
        found += one.periods()
    assert breaks == 0
    assert [period.start for period in found[1:]] == [period.end for period in found[:-1]]
    assert (found[0].start, found[-1].end) == (one.since, one.until)
    assert total(found) == used(household, one.since, one.until)
    # Blocks that had arrived were not asked for again, but for a period or two at each seam.
    assert cost < 35 * 96 * 44 + 20 * 200


@pytest.mark.parametrize(
    ("name", "dialect", "since", "until", "zone"),
    [
        ("emh-lzqj-xc", "emh", "2026-02-13T12:00", "2026-02-17", "Europe/Berlin"),
        ("emh-lzqj-xc", "emh", "2025-03-28", "2025-04-02", "Europe/Berlin"),
        ("metcom-mcs301", "metcom", "2025-10-20", "2025-10-30", "Europe/Berlin"),
        ("landis-gyr-e650", "landis-gyr", "2025-03-28", "2025-04-02", "Europe/Berlin"),
        ("elster-as1440", "elster", "2025-10-20", "2025-10-30", "Europe/Berlin"),
        ("siemens-amis", "siemens-amis", "2025-09-10", "2025-09-20", "Europe/Berlin"),
        ("iskra-mt830", "iskra", "2025-03-28", "2025-04-02", "Europe/Ljubljana"),
        ("iskra-mt830", "iskra", "2025-10-25", "2025-10-28", "Europe/Ljubljana"),
        ("itron-dc3", "itron", "2025-06-01", "2025-07-05", "Europe/Berlin"),
        ("energomera-ce301", "energomera", "2025-10-20", "2025-11-10", "Europe/Moscow"),
        ("rows-by-r2", "profile-by-rows", "2025-10-20", "2025-10-30", "Europe/Istanbul"),
    ],
)
def test_every_makers_profile_sums_to_the_counters_difference(
    name: str, dialect: str, since: str, until: str, zone: str
) -> None:
    """To the last digit: through power failures, a wrong clock, both changes of the season, late answers."""
    household, answers = meter(name)
    one = reading(dialect, since, until, ZoneInfo(zone))
    found, _ = read_all(one, answers[one.address])
    amounts = [quantities(period)[0].amount for period in found]
    assert sum((one for one in amounts if isinstance(one, Decimal)), Decimal(0)) == used(
        household, one.since, one.until
    )
    assert not one.notes
    assert all(sooner.end <= later.start for sooner, later in pairwise(found))


def test_asking_for_more_than_the_meter_remembers_ends() -> None:
    """Two years of a memory of 400 days: some empty slices, then all there is."""
    _, answers = meter("household")
    found, asked = read_all(reading("standard", "2024-03-01", "2026-03-02T07:00"), answers["P.01"])
    assert len(asked) < 100
    assert found[0].start >= moment("2025-01-26")
    assert found[-1].end == moment("2026-03-02T07:00")


@pytest.mark.parametrize(
    ("rate", "columns", "longest"), [(960.0, 4, 18), (30.0, 4, 0.6), (1920.0, 1, 31), (11520.0, 20, 5)]
)
def test_slices_fit_line_and_meter(rate: float, columns: int, longest: float) -> None:
    """No answer takes much longer than a minute, or is larger than that of a minute at 9600 Bd."""
    one = reading("standard", "2026-01-01", "2026-02-01", rate=rate)
    sizes = []
    while (request := one.next_request()) is not None:
        begin, end = one.cursor, one._to
        first = MeterTime(BERLIN).stamp(begin + timedelta(minutes=15), Convention.SEASONS).local
        names = "".join(f"({n + 1}.29)(kWh)" for n in range(columns))
        text = f"P.01(0{first:%y%m%d%H%M%S})(00)(15)({columns}){names}\r\n"
        text += ("(00.000)" * columns + "\r\n") * ((end - begin) // timedelta(minutes=15))
        one.answered(text.encode())
        sizes.append((len(text), (end - begin) / timedelta(days=1)))
        assert request.commands == (ReadCommand.R5,)
    assert max(size for size, _ in sizes) <= max(rate * 62, 4000)
    assert max(size for size, _ in sizes) < 60_000
    assert max(days for _, days in sizes) <= longest + 0.1


def test_a_bad_line_makes_slices_smaller_and_a_good_one_greater_again() -> None:
    """By halves down to an hour, and then by twos."""
    _, answers = meter("household")
    one = reading("standard", "2026-01-01", "2026-02-01")
    spans = []
    for _ in range(7):
        one.next_request()
        spans.append(one._to - one.cursor)
        assert not one.broken()
    assert spans[-1] == timedelta(hours=1)
    assert one.breaks == 7
    good = []
    for _ in range(4):
        request = one.next_request()
        assert request is not None
        assert request.argument is not None
        good.append(one._to - one.cursor)
        one.answered(answers["P.01"](request.argument))
    assert [span / timedelta(hours=1) for span in good] == [1, 2, 4, 8]
    assert one.breaks == 0


def test_a_meter_that_gives_only_so_many_rows_is_asked_again() -> None:
    """What an answer lacks at its end may be more than it holds."""
    _, answers = meter("household")

    def short(argument: str) -> bytes:
        return b"".join(answers["P.01"](argument).splitlines(keepends=True)[:60])

    found, asked = read_all(reading("standard", "2026-01-10", "2026-01-13"), short)
    assert len(found) == 3 * 96
    assert len(asked) < 12


def test_a_meter_that_gives_everything_is_asked_once() -> None:
    """Whatever range it was asked for."""
    _, answers = meter("household")
    found, asked = read_all(
        reading("standard", "2026-02-01", "2026-02-20"), lambda _argument: answers["P.01"]("02601010000;02602250000")
    )
    assert len(asked) == 1
    assert len(found) == 19 * 96 - 1  # one quarter-hour without power


# --- what stands in a request


@pytest.mark.parametrize(
    ("form", "zone", "since", "learned", "argument"),
    [
        (ProfileForm(), "Europe/Berlin", "2026-01-10", None, "02601100000;02601101200"),
        (ProfileForm(), "Europe/Berlin", "2026-07-10", None, "12607092300;12607101200"),
        (ProfileForm(), "Europe/Berlin", "2026-07-10", "1260709120000", "12607100000;12607101200"),
        (ProfileForm(), "Europe/Berlin", "2026-07-10", "0260709120000", "02607092300;02607101100"),
        (ProfileForm(), "Europe/Berlin", "2026-07-10", "2260709120000", "22607092200;22607101000"),
        (ProfileForm(), "Europe/Berlin", "2026-07-10", "260709120000", "12607100000;12607101200"),
        (ProfileForm(season_digit=SeasonDigit.ZERO, late=120), "Europe/Berlin", "2026-07-10", None, "02607092200;02607101200"),
        (ProfileForm(season_digit=SeasonDigit.NONE), "Europe/Berlin", "2026-07-10", None, "2607100000;2607101200"),
        (ProfileForm(season_digit=SeasonDigit.NONE, time_format="%y-%m-%d,%H:%M"), "Europe/Istanbul", "2024-07-13", None, "24-07-13,00:00;24-07-13,12:00"),
        (ProfileForm(commands=(ReadCommand.R6,), lines_per_block=8), "Europe/Berlin", "2026-01-10", None, "02601100000;02601101200;8"),
        (ProfileForm(lines_per_block=8), "Europe/Berlin", "2026-01-10", None, "02601100000;02601101200"),
        (ProfileForm(), "Australia/Lord_Howe", "2026-01-10", "1260109120000", "12601100000;12601101200"),
        (ProfileForm(), "Australia/Lord_Howe", "2026-01-10", "0260109120000", "02601092330;02601101130"),
    ],
)  # fmt: skip
def test_a_request_speaks_the_meters_convention(
    form: ProfileForm, zone: str, since: str, learned: str | None, argument: str
) -> None:
    """Season digits as the meter's own, or as its dialect says; before they are known, an hour more."""
    begin = moment(since, ZoneInfo(zone))
    end = begin + timedelta(hours=12)
    one = ProfileReading(begin, end, form, MeterTime(ZoneInfo(zone)), STANDARD.code_of)
    if learned is not None:
        one.next_request()
        one.part(f"P.01({learned})(00)(15)(1)(1.29)(kWh)\r\n(1)\r\n".encode())
        one.broken()
    request = one.next_request()
    assert request is not None
    assert request.argument == argument


def test_a_meter_in_standard_time_is_asked_by_its_own_clock_from_the_second_slice_on() -> None:
    """And the first one asks for an hour more, so that nothing is missing."""
    _, answers = meter("itron-dc3")
    found, asked = read_all(reading("itron", "2025-07-01", "2025-07-10"), answers["P.01"])
    assert (asked[0][0], asked[1][0]) == ("1", "0")
    assert found[0].start == moment("2025-07-01")
    assert len(found) == 9 * 48


def test_days_are_asked_for_by_their_date() -> None:
    """Energomera: one request a day."""
    form = ProfileForm(Layout.DAYS, "EADPE", commands=(ReadCommand.R1,), columns=(Column("1.29", "kWh"),))
    one = ProfileReading(moment("2026-03-28"), moment("2026-03-31"), form, MeterTime(BERLIN), STANDARD.code_of)
    found, asked = read_all(one, lambda argument: f"EADPE({argument[:2]})".encode())
    assert asked == ["28.03.26", "29.03.26", "30.03.26"]
    assert [(period.end - period.start) / timedelta(hours=1) for period in found] == [24, 23, 24]
    assert [str(period.values[0]) for period in found] == ["28", "29", "30"]


# --- refusals


def test_the_next_command_is_tried_where_one_is_refused() -> None:
    """R5, then R6, then it is over."""
    one = reading("standard", "2026-01-10", "2026-01-11")
    assert one.next_request().commands == (ReadCommand.R5,)  # type: ignore[union-attr]
    assert one.refused(NOT_UNDERSTOOD)
    assert one.next_request().commands == (ReadCommand.R6,)  # type: ignore[union-attr]
    assert not one.refused(NOT_UNDERSTOOD)


@pytest.mark.parametrize(
    ("kind", "goes_on"),
    [
        (RefusalKind.EMPTY, True),
        (RefusalKind.TRUNCATED, True),
        (RefusalKind.ACCESS, False),
        (RefusalKind.LOCKED, False),
        (RefusalKind.BUSY, False),
        (RefusalKind.VALUE, False),
        (RefusalKind.FAULT, False),
        (RefusalKind.OTHER, False),
    ],
)
def test_refusals_that_leave_a_way_are_taken_as_such(kind: RefusalKind, goes_on: bool) -> None:  # noqa: FBT001
    """Nothing stored is no failure, too much is asked for in halves; the rest is for the owner."""
    one = reading("standard", "2026-01-10", "2026-01-20")
    one.next_request()
    before = one._to - one.cursor
    assert one.refused(Refusal(kind, "ER", "")) is goes_on
    if kind is RefusalKind.EMPTY:
        assert one.cursor == moment("2026-01-11")
    elif kind is RefusalKind.TRUNCATED:
        one.next_request()
        assert one._to - one.cursor == before / 2


# --- log books


def test_a_log_book_is_asked_for_at_once_and_by_halves_over_a_bad_line() -> None:
    """Each event once, sorted, two of the same moment in the meter's order."""
    _, answers = meter("metcom-mcs301")
    dialect = DIALECTS.named("metcom")
    one = LogBookReading(
        moment("2025-06-01"), moment("2026-03-02T07:00"), dialect.stored, MeterTime(BERLIN), dialect.code_of
    )
    asked = 0
    while (request := one.next_request()) is not None:
        asked += 1
        text = answers["P.98"](request.argument or "")
        if asked in (1, 3):
            one.part(text[: len(text) // 2])
            one.broken()
        else:
            one.answered(text)
    entries = one.entries()
    printed = answers["P.98"](";").decode().splitlines()
    wanted = [line for line in printed if moment("2025-06-01") <= MeterTime(BERLIN).utc(_stamp(line)) <= one.until]
    assert sorted(entry.raw for entry in entries) == sorted(wanted)
    assert [entry.at for entry in entries] == sorted(entry.at for entry in entries)


def _stamp(line: str) -> TimeStamp:
    match = re.search(r"\(([0-9]+)\)", line)
    assert match is not None
    stamp = parse_time_stamp(match[1])
    assert stamp is not None
    return stamp


def test_the_whole_log_book_is_asked_for_without_a_range() -> None:
    """P.98(;)."""
    one = LogBookReading(None, moment("2026-03-02"), ProfileForm(), MeterTime(BERLIN), STANDARD.code_of)
    request = one.next_request()
    assert request is not None
    assert (request.address, request.argument) == ("P.98", ";")
    one.answered(b"P.98(1220906115553)(00000080)()(0)\r\nP.98(1220906115553)(00000080)()(0)\r\n")
    assert one.next_request() is None
    assert len(one.entries()) == 2


def test_a_profile_of_another_name_is_asked_for_and_understood() -> None:
    """P.02, days of totals."""
    household, answers = meter("household")
    one = ProfileReading(
        moment("2026-02-01"), moment("2026-02-11"), replace(ProfileForm(), time_base=TimeBase.LOCAL),
        MeterTime(BERLIN), STANDARD.code_of, address="P.02",
    )  # fmt: skip
    found, _ = read_all(one, answers["P.02"])
    assert len(found) == 10
    end = (one.until - household.moment(0)).total_seconds()
    assert found[-1].values[0] == household.energy_at(end).imported
