"""What simulated meters have stored: the counters' past, rows through every disturbance, makers' forms."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obisgw.errors import ConfigurationError
from obisgw.iec62056_21.vdew.status import Status
from obisgw.simulator.household import Household
from obisgw.simulator.memory_file import memory_of
from obisgw.simulator.profile import load_profile
from obisgw.simulator.recorded import Recorded, Recorder

pytestmark = pytest.mark.slow

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2026, 3, 2, 7)  # noqa: DTZ001 - the household's own clock
HOUSE = Household(1, START, zone=BERLIN)
CALM, WRONG = Recorder(HOUSE), Recorder(HOUSE, wrong_clock=True)
NOW = 5 * 3600 + 100.0
PAST = st.integers(-400 * 86_400, 0)


# --- counters


@given(PAST, PAST)
def test_counters_never_fall_before_the_start_either(one: int, other: int) -> None:
    """At any two seconds of 400 days."""
    before, after = HOUSE.energy_at(min(one, other)), HOUSE.energy_at(max(one, other))
    for name in ("imported_1", "imported_2", "exported_1", "exported_2"):
        assert getattr(before, name) <= getattr(after, name)
    assert after.imported_1 + after.imported_2 == after.imported


def test_the_past_joins_the_present() -> None:
    """No step of more than one watt hour at the start."""
    assert HOUSE.energy_at(0).imported - HOUSE.energy_at(-1).imported <= Decimal("0.002")


def test_closed_billing_periods_are_what_the_past_has() -> None:
    """Each month's end, at local midnight, in summer and in winter."""
    for period in range(1, 13):
        end, energy = HOUSE.billing(0, period)
        assert (end.day, end.hour) == (1, 0)
        assert HOUSE.energy_at(HOUSE.seconds(end)) == energy


def test_past_maxima_are_the_greatest_quarter_hours() -> None:
    """Held against a plain search through one month."""
    maximum = HOUSE.maximum(0, 3)
    begin, end = HOUSE.seconds(datetime(2025, 12, 1)), HOUSE.seconds(datetime(2026, 1, 1))  # noqa: DTZ001
    quarters = [HOUSE.energy_at(second).imported for second in range(begin, end + 1, 900)]
    assert maximum.value == max(later - sooner for sooner, later in pairwise(quarters)) * 4
    assert maximum.at.month == 12


def test_nothing_is_used_without_power() -> None:
    """From the failure to the return."""
    for outage in HOUSE.outages:
        assert HOUSE.energy_at(outage.begin) == HOUSE.energy_at(outage.end)


# --- rows


def rows(recorder: Recorder, since: datetime | None = None, until: datetime | None = None) -> list[Recorded]:
    """Quarter-hours between two moments."""
    return list(recorder.rows(15, since, until, NOW))


ALL = {"calm": rows(CALM), "wrong": rows(WRONG)}


@pytest.mark.parametrize("name", ["calm", "wrong"])
def test_rows_follow_each_other_without_a_gap_in_true_time(name: str) -> None:
    """But for the time without power: so their energies sum to what the counters advanced by."""
    found = ALL[name]
    assert 38_390 <= len(found) <= 38_400
    breaks = [(sooner.end, later.begin) for sooner, later in pairwise(found) if sooner.end != later.begin]
    assert breaks == [(one.begin, one.end) for one in HOUSE.outages]
    used = [HOUSE.energy_at(one.end).imported - HOUSE.energy_at(one.begin).imported for one in found]
    assert sum(used) == HOUSE.energy_at(found[-1].end).imported - HOUSE.energy_at(found[0].begin).imported


def test_rows_tell_what_happened_in_them() -> None:
    """Both changes of the season, resets, power failures, clocks that were set."""
    flags = {name for one in ALL["calm"] for name in one.status.names}
    assert flags == {"season_changed", "reset", "power_failure", "power_back", "clock_set"}
    changes = [one.printed for one in ALL["calm"] if Status.SEASON_CHANGED in one.status]
    assert changes == [datetime(2025, 3, 30, 1, tzinfo=UTC), datetime(2025, 10, 26, 1, tzinfo=UTC)]
    cut = [one for one in ALL["calm"] if one.printed.timestamp() % 900]
    assert [one.status for one in cut] == [Status.POWER_FAILURE] * len(HOUSE.outages)


def test_a_wrong_clock_leaves_stamps_out_and_repeats_others() -> None:
    """18 minutes ahead for a day."""
    stamps = [one.printed for one in ALL["wrong"]]
    assert sum(later <= sooner for sooner, later in pairwise(stamps)) == 1
    assert len(stamps) - len(set(stamps)) in (0, 1)


@given(st.sampled_from(["calm", "wrong"]), st.integers(0, 38_000), st.integers(0, 50))
def test_any_range_is_what_the_whole_has_of_it(name: str, first: int, count: int) -> None:
    """Both ends included, wherever they lie."""
    found = ALL[name]
    since, until = found[first].printed, found[min(first + count, len(found) - 1)].printed
    recorder = CALM if name == "calm" else WRONG
    assert rows(recorder, since, until) == [one for one in found if since <= one.printed <= until]


def test_days_have_23_24_or_25_hours() -> None:
    """From midnight to midnight of the meter's clock."""
    hours = [one.averaged / 3600 for one in CALM.days_of(None, None, NOW)]
    assert (hours.count(23), hours.count(25), set(hours)) == (1, 1, {23, 24, 25})


def test_events_are_those_that_rows_tell_of() -> None:
    """And come with the time that the clock was set to."""
    events = WRONG.events(None, None, NOW)
    assert [one.printed for one in events] == sorted(one.printed for one in events)
    sets = {one.printed: one.after for one in events if one.status is Status.CLOCK_SET}
    wrong = sorted(
        after - before for before, after in sets.items() if after and abs(after - before) > timedelta(minutes=1)
    )
    assert wrong == [timedelta(minutes=-18), timedelta(minutes=18)]
    assert sum(one.status is Status.POWER_FAILURE for one in events) == len(HOUSE.outages)


# --- what is printed


def printed(name: str, address: str, argument: str) -> list[str]:
    """The lines of a simulated meter's answer."""
    profile = load_profile(name)
    household = Household(1, START, resolution=profile.resolution, zone=profile.zone)
    programming = profile.settings_for(household).programming
    assert programming is not None
    answer = programming.records[address](argument, NOW)
    assert answer is not None
    return answer.decode("ascii").splitlines()


@pytest.mark.parametrize(
    ("name", "address", "argument", "first"),
    [
        ("household", "P.01", "02603020100;02603020115", "P.01(0260302010000)(00000000)(15)(4)(1.29)(kWh)(2.29)(kWh)(1.8)(kWh)(2.8)(kWh)"),
        ("household", "P.02", "02602280000;02603010000", "P.02(0260228000000)(00000000)(1440)(2)(1.8)(kWh)(2.8)(kWh)"),
        ("household", "P.01", "02703020100;02703020115", "P.01(ERROR)"),
        ("emh-lzqj-xc", "P.01", "02603020015;02603020030", "P.01(0260302001500)(00000000)(15)(6)(1.5)(kW)(2.5)(kW)(5.5)(kvar)(6.5)(kvar)(7.5)(kvar)(8.5)(kvar)"),
        ("emh-lzqj-xc", "P.98", "02602280000;02602281200", "P.98(0260228065700)(00008020)()(2)(0.9.1)()(0.9.2)()(0065715)(0260228)"),
        ("metcom-mcs301", "P.01", "02507010000;02507010300", "P.01(1250701013000)(08)(15)(4)(1-0:1.5.0)(kW)(1-0:2.5.0)(kW)(1-0:1.8.0)(kWh)(1-0:2.8.0)(kWh)"),
        ("metcom-mcs301", "P.98", "12507010000;12507010300", "P.98(1250701000000)(00)()(2)(0-0:C.11.0)()(0-0:C.11.10)()(17)(0)"),
        ("landis-gyr-e650", "P.01", "12507010015;12507010015", "P.01(1250701001500)(0010)(15)(2)(1.5.0)(kW)(3.5.0)(kvar)"),
        ("elster-as1440", "P.01", "12507010030;12507010030", "P.01(1250701003000)(00)(15)(2)(1-1:1.29.0)(kWh)(1-1:2.29.0)(kWh)"),
        ("siemens-amis", "P.01", "12507010030;", "P.01(1250701003000)(00)(15)(2)(1.5.0)(kW)(2.5.0)(kW)"),
        ("iskra-mt830", "P.01", "2507010030;2507010045;8", "P.01(2507010030)(00)(15)(2)(1-0:1.5.0)(kW)(1-0:2.5.0)(kW)"),
        ("iskra-mt830", "P.01", "2707010030;2707010045;8", "(ER08)"),
        ("itron-dc3", "P.01", "02507010030;02507010100", "P.01(0250701003000)(00)(30)(2)(1.5)(kW)(2.5)(kW)"),
        ("rows-by-r2", "P.01", "25-07-01,00:30;25-07-01,00:45", None),
        ("energomera-ce301", "EADPE", "31.12.19", "(ERR18)"),
        ("energomera-ce301", "EADPE", "yesterday", "(ERR18)"),
    ],
)  # fmt: skip
def test_each_maker_has_its_own_form(name: str, address: str, argument: str, first: str | None) -> None:
    """Codes, season digits, status words, times in requests, and what is said where nothing is stored."""
    lines = printed(name, address, argument)
    if first is None:
        assert lines[0].startswith("P.01(25-07-01,00:30)(")
        assert len(lines) == 2
    else:
        assert lines[0] == first


def test_emh_begins_each_day_with_a_header() -> None:
    """At 00:15."""
    lines = printed("emh-lzqj-xc", "P.01", "02601120000;02601150000")
    stamps = [line[5:18] for line in lines if line.startswith("P.01")]
    assert stamps == ["0260112000000", "0260112001500", "0260113001500", "0260114001500"]


def test_a_day_of_energomera_has_its_tariffs() -> None:
    """They sum to the total."""
    total, *tariffs = (
        Decimal(line.partition("(")[2].rstrip(")")) for line in printed("energomera-ce301", "EADPE", "30.09.25")
    )
    assert sum(tariffs) == total


def test_a_log_book_may_be_out_of_order() -> None:
    """Metcom's."""
    stamps = [line[6:19] for line in printed("metcom-mcs301", "P.98", ";")]
    assert stamps != sorted(stamps)


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({"zone": "UTC", "dayz": 3}, "unknown keys dayz in \\[memory\\]"),
        ({"profiles": {"P.01": {"columns": [], "periode": 15}}}, "unknown keys periode in \\[memory.profiles\\]"),
        ({"log_books": {"P.98": {"style": 1}}}, "unknown keys style in \\[memory.log_books\\]"),
    ],
)
def test_what_is_wrong_with_a_meters_file_is_said(table: dict[str, object], problem: str) -> None:
    """For whoever writes one."""
    with pytest.raises(ConfigurationError, match=problem):
        memory_of("own", table)
