"""Programming mode by maker: what the dialects say, and how an owner's file may say it."""

from __future__ import annotations

import pytest

from obisgw.errors import ConfigurationError
from obisgw.iec62056_21.commands import ReadCommand, ReadRequest, group_read
from obisgw.iec62056_21.dialects import Dialects
from obisgw.iec62056_21.identification import parse_identification
from obisgw.iec62056_21.password import P2Algorithm

DIALECTS = Dialects.load()
R1, R5, R6 = ReadCommand.R1, ReadCommand.R5, ReadCommand.R6


@pytest.mark.parametrize(
    ("identification", "commands", "inactivity", "default"),
    [
        (rb"/EMH5\@01LZQJL0013F", (R5, R6, R1), 60, "00000000"),
        (b"/EMH4ITZ", (R5, R6, R1), 60, None),
        (rb"/LGZ5\2ZMD4054459.B40", (R5, R6, R1), 60, None),
        (rb"/LGZ5\2ZMG410400", (R5, R6, R1), 60, None),
        (rb"/ELS5\@V9.30", (R5, R6, R1), 60, None),
        (b"/Els6EK280", (R1,), 60, None),
        (b"/ISk5ME162-0033", (R1, R5, R6), 60, None),
        (rb"/ISK5\2MT382-1008", (R1, R5, R6), 60, None),
        (rb"/ACE0\3k260V01.18", (R1, R5, R6), 60, None),
        (rb"/ITR5\2SL7000", (R1, R5, R6), 60, None),
        (rb"/SLB4\@DC341TMPBF2ZAK", (R5, R6, R1), 60, None),
        (rb"/SAT6\2TD3511", (R5, R1), 10, None),
        (rb"/MCS5\@V0050710000051", (R5, R6, R1), 60, None),
        (b"/EKT5CE301v12", (R1,), 1.5, "777777"),
        (rb"/EMR5\2CE2089.1", (R1,), 1.5, "777777"),
        (b"/TPC5NEVAMT324.2307", (R1,), 60, "00000000"),
        (b"/LEM5EM4T", (R5, R6, R1), 60, "00000000"),
        (b"/nzr4SEM16", (R5, R6, R1), 60, None),
        (b"/ABB61KGL923390R0003", (R1, R5, R6), 60, None),
    ],
)
def test_each_maker_s_meters_are_asked_in_their_own_way(
    identification: bytes, commands: tuple[ReadCommand, ...], inactivity: float, default: str | None
) -> None:
    """Commands in the order in which they are tried, the time-out of a session, and the maker's password as advice."""
    parsed = parse_identification(identification)
    assert parsed is not None
    programming = DIALECTS.match(parsed).programming
    assert programming.commands_for(parsed) == commands
    assert programming.inactivity == inactivity
    assert programming.default_password == default


@pytest.mark.parametrize(
    ("dialect", "text", "address"),
    [
        ("standard", "16.7.0", "16.7.0"),
        ("metcom", "1-0:1.8.0", "1-0:1.8.0"),
        ("energomera", "1.8.0", "ET0PE"),
        ("energomera", "1-0:14.7.0", "FREQU"),
        ("energomera", "POWPP", "POWPP"),
        ("energomera", "1.8.0*01", "1.8.0*01"),
        ("neva", "16.7.0", "100700FF"),
        ("neva", "15.8.128", "0F0880FF"),
        ("neva", "0F0880FF", "0F0880FF"),
    ],
)
def test_a_register_is_asked_for_by_the_address_that_the_meter_knows(dialect: str, text: str, address: str) -> None:
    """OBIS codes as they are, Energomera's names, NEVA's hexadecimal digits."""
    request = DIALECTS.named(dialect).request_for(text)
    assert request.address == address
    assert request.name == text


def test_makers_ways_with_p2_and_what_is_never_written() -> None:
    """AMIS erases its profile at W5 P.01 with a password in the brackets."""
    amis = DIALECTS.named("siemens-amis").programming
    assert amis.p2 is P2Algorithm.PLAIN
    assert "W5 P.01" in amis.never
    assert amis.lockout
    assert DIALECTS.named("energomera").programming.p2 is P2Algorithm.CRC32
    assert DIALECTS.named("landis-gyr").programming.lockout


def test_lis_200_is_always_asked_with_its_argument() -> None:
    """2:300.0(1)."""
    assert DIALECTS.named("elster-ek280").programming.argument == "1"


def test_a_group_read_holds_as_many_names_as_fit() -> None:
    """160 characters with the frame."""
    assert group_read(("ET0PE", "VOLTA")) == ReadRequest("GRPNM", "ET0PE()VOLTA()", (R1,))
    with pytest.raises(ValueError, match="160"):
        group_read(tuple(f"NAM{number:02d}" for number in range(30)))


def test_an_owner_s_file_may_say_it_all() -> None:
    """In a table of its own inside the dialect."""
    dialects = Dialects.load(
        """
        [cellar]
        manufacturers = ["XYZ"]
        [cellar.programming]
        inactivity = 5
        commands = ["R5"]
        argument = "0A"
        pause = 0.3
        p2 = "crc32"
        default_password = "1234"
        hexadecimal = true
        never = ["W5 P.01"]
        clock = ["W2 C003(%y%m%d%H%M%S)"]
        [cellar.programming.names]
        "1-0:1.8.0*255" = "TOTAL"
        [cellar.programming.errors]
        E1 = ["access", "no"]
        """
    )
    programming = dialects.named("cellar").programming
    assert (programming.inactivity, programming.pause, programming.argument) == (5.0, 0.3, "0A")
    assert programming.names == {"1-0:1.8.0*255": "TOTAL"}
    assert programming.errors == {"E1": ("access", "no")}


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("commands = ['R7']", "R7"),
        ("inactivity = 0", "inactivity"),
        ("inactivity = true", "inactivity"),
        ("pause = 2.0", "pause"),
        ("argument = 'ü'", "argument"),
        ("p2 = 'des'", "des"),
        ("default_password = '('", "default_password"),
        ("names = { '1.8.0' = 'X' }", "names"),
        ("errors = { E1 = ['angry', 'no'] }", "errors"),
        ("never = ['P.01']", "P.01"),
        ("passwort = '1'", "passwort"),
    ],
)
def test_what_an_owner_s_file_may_not_say(lines: str, problem: str) -> None:
    """Named with the dialect it stands in."""
    with pytest.raises(ConfigurationError, match=problem):
        Dialects.load(f"[cellar]\n[cellar.programming]\n{lines}\n")
    with pytest.raises(ConfigurationError, match="programming"):
        Dialects.load("[cellar]\nprogramming = 1\n")
