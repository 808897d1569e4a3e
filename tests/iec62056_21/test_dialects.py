"""Deviations of meters are data: one file, checked when it is loaded."""

from __future__ import annotations

import pytest

from obisgw.errors import ConfigurationError
from obisgw.iec62056_21.block_check import BlockCheckKind
from obisgw.iec62056_21.dialects import STANDARD, Dialects
from obisgw.iec62056_21.identification import parse_identification
from obisgw.obis import Medium

DIALECTS = Dialects.load()


@pytest.mark.parametrize(
    ("identification", "name"),
    [
        (b"/LUGCUH50", "landis-gyr-ultraheat"),
        (b"/SIEC2WR5", "siemens-2wr5"),
        (b"/SIE32WR5", "siemens-2wr5"),
        (b"/SIE5TD3511", "siemens-amis"),
        (b"/SAT6\\2TD3511", "siemens-amis"),
        (b"/SAT5EM133", STANDARD),
        (b"/KAM0MCC", "kamstrup-multical"),
        (b"/KAM 685-382-OB-33", "kamstrup-382"),
        (b"/KAM5", "kamstrup"),
        (b"/EKT5CE301v12", "energomera"),
        (b"/EMR5\\2CE2089.1", "energomera"),
        (b"/TPC5NEVAMT324.2307", "neva"),
        (b"/LGZ4ZMF100AC.M27", "landis-gyr-e350-m27"),
        (b"/LGZ4ZMF100AC.M26", "landis-gyr"),
        (b"/EMH5----eHZ-E0018E", "emh-ehz"),
        (b"/EMH5\\@01LZQJL0013F", "emh"),
        (b"/HAG5eHZ010C_EHZ1vA02", "hager-ehz"),
        (b"/PAF5EC3gr00006", "pafal"),
        (b"/ZPA5\\2AM363801C0269", "zpa-am363"),
        (b"/Els6\\2EK280", "elster-ek280"),
        (b"/ISk5MT174-0001", "iskra"),
    ],
)
def test_an_identification_chooses_its_dialect(identification: bytes, name: str) -> None:
    """By maker and model; whoever is not known keeps to the standard."""
    parsed = parse_identification(identification)
    assert parsed is not None
    assert DIALECTS.match(parsed).name == name


def test_nobody_identified_keeps_to_the_standard() -> None:
    """Answers without identification."""
    standard = DIALECTS.match(None)
    assert standard.name == STANDARD
    assert standard.block_checks == (BlockCheckKind.XOR,)
    assert standard.block_check_required
    assert standard.medium is Medium.ELECTRICITY


def test_every_dialect_is_described_and_can_be_named() -> None:
    """What `check-config` and the reference show of them."""
    for name in DIALECTS.names:
        assert DIALECTS.named(name).description


def test_a_name_that_is_none_says_which_there_are() -> None:
    """A slip in the configuration."""
    with pytest.raises(ConfigurationError, match="landis-gyr-ultraheat"):
        DIALECTS.named("ultraheat")


def test_pafal_marks_current_values_with_00() -> None:
    """With other makers the same text is billing period 0."""
    assert str(DIALECTS.named("pafal").code_of("1.8.0*00")) == "1-0:1.8.0*255"
    assert str(DIALECTS.named(STANDARD).code_of("1.8.0*00")) == "1-0:1.8.0*0"


def test_units_are_assumed_by_code() -> None:
    """An eHZ prints energy without unit, for every tariff."""
    ehz = DIALECTS.named("emh-ehz")
    assert ehz.unit_of(1, 0, 1, 8) == "kWh"
    assert ehz.unit_of(1, 0, 1, 7) is None


def test_an_owner_adds_dialects_and_changes_ours() -> None:
    """The owner's file comes first; addresses that are no codes get theirs."""
    own = Dialects.load(
        """
        [my-old-meter]
        description = "Landis+Gyr ZMR120"
        manufacturers = ["LGZ"]
        model = "^ZMR"
        addresses = { "8.1.1" = "1-0:1.8.1*255" }

        [energomera]
        description = "mine, by exclusive or"
        manufacturers = ["EKT"]
        """
    )
    parsed = parse_identification(b"/LGZ4ZMR120")
    assert parsed is not None
    dialect = own.match(parsed)
    assert dialect.name == "my-old-meter"
    assert str(dialect.code_of("8.1.1")) == "1-0:1.8.1*255"
    assert own.named("energomera").block_checks == (BlockCheckKind.XOR,)
    assert own.named("neva") == DIALECTS.named("neva")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[a", "not valid TOML"),
        ("a = 1", "one table"),
        ("[A]", "no dialect"),
        ("[a]\nbaudrate = 300", "unknown key 'baudrate'"),
        ('[a]\nmanufacturers = ["lgz"]', "three capital letters"),
        ('[a]\nmanufacturers = "LGZ"', "manufacturers cannot be 'LGZ'"),
        ('[a]\nmodel = "("', "see the other dialects"),
        ('[a]\nmedium = "steam"', "steam"),
        ('[a]\nblock_checks = ["md5"]', "md5"),
        ("[a]\nstop_bits = 3", "stop_bits is 3"),
        ("[a]\nstop_bits = true", "stop_bits cannot be True"),
        ('[a]\nwake_up = "yes"', "wake_up cannot be 'yes'"),
        ('[a]\nbaud_char = "Z"', "stands for no rate"),
        ("[a]\ndata_baudrate = 1", "out of 300 to 115200"),
        ('[a]\nmode = "F"', "F"),
        ('[a]\naddresses = { "1" = "1.8.0" }', "A-B:C.D.E"),
        ('[a]\nunits = { "1.8.0" = "kWh" }', "A-B:C.D"),
    ],
)
def test_a_file_with_a_mistake_says_where(text: str, problem: str) -> None:
    """The name of the file and of the dialect, and what is wrong."""
    with pytest.raises(ConfigurationError, match="the owner's dialects") as caught:
        Dialects.load(text)
    assert problem in str(caught.value)
