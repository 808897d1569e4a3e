"""How makers store, as data; and what is wrong with a table of one's own."""

from __future__ import annotations

import pytest

from obisgw.errors import ConfigurationError
from obisgw.iec62056_21.commands import ReadCommand
from obisgw.iec62056_21.dialects import Dialects
from obisgw.iec62056_21.identification import parse_identification
from obisgw.iec62056_21.vdew.form import Column, Layout, ProfileForm, SeasonDigit
from obisgw.iec62056_21.vdew.status import Status
from tests.iec62056_21.vdew.forms import DIALECTS

R1, R2, R5, R6 = ReadCommand.R1, ReadCommand.R2, ReadCommand.R5, ReadCommand.R6


@pytest.mark.parametrize(
    ("identification", "dialect", "commands", "season_digit", "late", "lines"),
    [
        (b"/EMH5\\@01LZQJL0013F", "emh", (R5, R6), SeasonDigit.OWN, 0, None),
        (b"/LGZ5\\2ZMD4054459.B40", "landis-gyr", (R5, R6), SeasonDigit.OWN, 0, None),
        (b"/ELS5\\@V9.30", "elster", (R5, R6), SeasonDigit.OWN, 0, None),
        (b"/ABB5\\@V9.00", "elster", (R5, R6), SeasonDigit.OWN, 0, None),
        (b"/ISK5MT830-T1A32", "iskra", (R6, R5), SeasonDigit.OWN, 0, 8),
        (b"/ACE0\\3k260V01.18", "itron", (R5, R6), SeasonDigit.OWN, 0, None),
        (b"/SLB4\\@DC341TMPBF2ZAK", "itron", (R5, R6), SeasonDigit.OWN, 0, None),
        (b"/SAT6\\2TD3511", "siemens-amis", (R5,), SeasonDigit.OWN, 0, None),
        (b"/MCS5\\@V0050710000051", "metcom", (R5, R6), SeasonDigit.ZERO, 120, None),
        (b"/EKT5CE301v12", "energomera", (R1,), SeasonDigit.OWN, 0, None),
        (b"/XYZ5", "standard", (R5, R6), SeasonDigit.OWN, 0, None),
    ],
)
def test_a_maker_is_asked_in_its_own_way(
    identification: bytes,
    dialect: str,
    commands: tuple[ReadCommand, ...],
    season_digit: SeasonDigit,
    late: int,
    lines: int | None,
) -> None:
    """Found by the identification."""
    parsed = parse_identification(identification)
    assert parsed is not None
    found = DIALECTS.match(parsed)
    form = found.stored
    assert found.name == dialect
    assert (form.commands, form.season_digit, form.late, form.lines_per_block) == (commands, season_digit, late, lines)
    layout, profile = (Layout.DAYS, "EADPE") if dialect == "energomera" else (Layout.HEADERS, "P.01")
    assert (form.layout, form.profile) == (layout, profile)


def stored(text: str) -> ProfileForm:
    """What a dialect of one's own says."""
    return Dialects.load(f'[own]\ndescription = "own"\n[own.stored]\n{text}').named("own").stored


def test_a_table_of_ones_own_says_only_what_differs() -> None:
    """Everything that can be said."""
    form = stored("""
layout = "rows"
profile = "P.02"
log_book = "P.99"
commands = ["R2"]
time_format = "%d.%m.%y"
season_digit = "none"
lines_per_block = 4
longest = 2
late = 30
time_base = "standard"
columns = [["1.5", "kW"]]
row_status = true
period = 30
mean_of_part = false
status_bits = { "01" = "power_back", "80000000" = "clock_set" }
events = { "0a" = "door opened" }
""")
    assert form.commands == (R2,)
    assert form.columns == (Column("1.5", "kW"),)
    assert form.status_bits[1] is Status.POWER_BACK
    assert form.status_bits[0x80000000] is Status.CLOCK_SET
    assert form.status_bits[0x80] is Status.POWER_FAILURE
    assert form.events == {"A": "door opened"}
    assert (form.period, form.longest, form.late, form.mean_of_part, form.row_status) == (30, 2, 30, False, True)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('layuot = "rows"', "unknown key 'layuot' in stored: known are columns, commands"),
        ('layout = "columns"', "'columns' is not a valid Layout"),
        ('commands = ["W1"]', "'W1' is not a valid ReadCommand"),
        ("commands = []", "commands names none"),
        ('profile = "P.01("', "can be no address"),
        ('time_format = "now"', "time_format cannot be 'now'"),
        ("late = 0", "0 is not from 1 to 10000"),
        ('late = "2h"', "late cannot be '2h'"),
        ('season_digit = "two"', "'two' is not a valid SeasonDigit"),
        ('status_bits = { "03" = "reset" }', "status_bits has '03'"),
        ('status_bits = { "zz" = "reset" }', "status_bits has 'zz'"),
        ('status_bits = { "01" = "rest" }', "no flag is named 'rest'"),
        ('events = { "01" = 3 }', "events gives '01' 3"),
        ('columns = [["1.5"]]', "columns has \\['1.5'\\]"),
        ("mean_of_part = 1", "mean_of_part cannot be 1"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(text: str, problem: str) -> None:
    """For whoever writes one."""
    with pytest.raises(ConfigurationError, match=problem):
        stored(text)


def test_a_dialects_stored_must_be_a_table() -> None:
    """Not a word."""
    with pytest.raises(ConfigurationError, match="stored cannot be 'x'"):
        Dialects.load('[own]\nstored = "x"')
