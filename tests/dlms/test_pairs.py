"""Client and meter together: every level of security, small and large frames, windows, and bad lines."""

from __future__ import annotations

import random

import pytest

from obisgw.dlms import axdr
from obisgw.dlms.association import AssociationFailed, Got, Opened, Security
from obisgw.dlms.axdr import Data, Tag
from obisgw.dlms.ciphering import Envelope
from obisgw.dlms.link import LinkState
from obisgw.dlms.meter import MeterSecurity
from obisgw.dlms.negotiation import Parameters
from obisgw.dlms.security import Control, Keys, Level
from obisgw.dlms.services import AccessResult, Attribute, GetResult

from .pairs import Pair, clean, lossy

IMPORT = bytes((1, 0, 1, 8, 0, 255))
ENERGY = Attribute(3, IMPORT, 2)
UNIT = Attribute(3, IMPORT, 3)
LONG = Attribute(1, bytes((0, 0, 96, 1, 0, 255)), 2)
KEYS = Keys(bytes(range(16)), bytes(range(16, 32)))
DEDICATED = Keys(KEYS.encryption, KEYS.authentication, bytes(range(32, 48)))
BOTH = Control.AUTHENTICATED | Control.ENCRYPTED
TITLE = b"MMM\x00\x00\x00\x00\x01"

_CHANCE = random.Random(7)
LONG_VALUE = axdr.octet_string(_CHANCE.randbytes(9000) + b"\x7e" * 40)
OBJECTS: dict[tuple[int, bytes, int], Data] = {
    (3, IMPORT, 2): axdr.unsigned(12_345_678, 4),
    (3, IMPORT, 3): axdr.structure(axdr.integer(0), axdr.enum(30)),
    (1, LONG.name, 2): LONG_VALUE,
}


def pair(**more: object) -> Pair:
    """Return both ends with the objects above."""
    return Pair(dict(OBJECTS), **more)  # type: ignore[arg-type]


LEVELS = [
    pytest.param(Security(), MeterSecurity(), id="lowest"),
    pytest.param(Security(Level.LOW, b"12345678"), MeterSecurity(Level.LOW, b"12345678"), id="password"),
    *(
        pytest.param(Security(level, b"secret", title=TITLE), MeterSecurity(level, b"secret"), id=level.name)
        for level in (Level.MD5, Level.SHA1, Level.SHA256)
    ),
    pytest.param(Security(Level.GMAC, keys=KEYS, title=TITLE), MeterSecurity(Level.GMAC, keys=KEYS), id="GMAC"),
    *(
        pytest.param(
            Security(Level.LOW, b"1", KEYS, control, title=TITLE, counter=7),
            MeterSecurity(Level.LOW, b"1", KEYS, control),
            id=f"ciphered {int(control):02X}",
        )
        for control in (Control.AUTHENTICATED, Control.ENCRYPTED, BOTH)
    ),
    pytest.param(
        Security(Level.GMAC, b"", DEDICATED, BOTH, Envelope.DEDICATED, TITLE),
        MeterSecurity(Level.GMAC, b"", KEYS, BOTH),
        id="GMAC, dedicated key",
    ),
    pytest.param(
        Security(Level.GMAC, b"", KEYS, BOTH, Envelope.GENERAL, TITLE),
        MeterSecurity(Level.GMAC, b"", KEYS, BOTH),
        id="GMAC, general ciphering",
    ),
]


@pytest.mark.parametrize(("security", "meter"), LEVELS)
def test_every_level_of_security_reads(security: Security, meter: MeterSecurity) -> None:
    """Opened, one attribute, several, a long one in blocks, released."""
    both = pair(security=security, meter_security=meter)
    assert isinstance(both.open(), Opened)
    assert both.ask(ENERGY) == Got((GetResult(OBJECTS[3, IMPORT, 2]),))
    assert both.ask(ENERGY, UNIT) == Got((GetResult(OBJECTS[3, IMPORT, 2]), GetResult(OBJECTS[3, IMPORT, 3])))
    assert both.ask(LONG) == Got((GetResult(LONG_VALUE),))
    both.close()
    assert both.link.state is LinkState.CLOSED


@pytest.mark.parametrize("window", [1, 3, 7])
@pytest.mark.parametrize("length", [32, 64, 128, 256, 1024, 2030])
@pytest.mark.parametrize("line", ["clean", "lossy"])
def test_frames_and_windows_as_negotiated(length: int, window: int, line: str) -> None:
    """In both directions; what is lost is sent again without a new association."""
    parameters = Parameters(length, length, window, window)
    both = pair(
        proposed=parameters, offered=parameters, most=4096, line=clean if line == "clean" else lossy(length + window)
    )
    assert isinstance(both.open(), Opened)
    for _ in range(3):
        assert both.ask(LONG) == Got((GetResult(LONG_VALUE),))
    many = tuple(ENERGY for _ in range(40))
    assert both.ask(*many) == Got((GetResult(OBJECTS[3, IMPORT, 2]),) * 40)
    assert both.association.state.name == "OPEN"
    assert sum(type(event).__name__ == "Connected" for event in both.link_events) == 1


def test_each_end_keeps_to_what_the_other_takes() -> None:
    """Lengths differ by direction."""
    both = pair(proposed=Parameters(2030, 2030, 7, 7), offered=Parameters(300, 64, 1, 1), most=4096)
    both.open()
    assert both.link.parameters == Parameters(64, 300, 1, 1)
    assert both.ask(*(ENERGY for _ in range(40))) == Got((GetResult(OBJECTS[3, IMPORT, 2]),) * 40)


def test_a_head_that_hears_itself_changes_nothing() -> None:
    """The addresses tell our own frames from the meter's."""
    both = pair(echo=True)
    both.open()
    assert both.ask(LONG) == Got((GetResult(LONG_VALUE),))


def test_what_the_meter_does_not_have_is_said() -> None:
    """And the others are given."""
    both = pair()
    both.open()
    nothing = Attribute(3, bytes((1, 0, 2, 8, 0, 255)), 2)
    answer = both.ask(ENERGY, nothing)
    assert isinstance(answer, Got)
    assert answer.results[1] == GetResult(None, AccessResult.OBJECT_UNDEFINED)


@pytest.mark.parametrize(
    ("security", "meter", "words", "secret_wrong"),
    [
        (Security(Level.LOW, b"wrong"), MeterSecurity(Level.LOW, b"right"), "the password or the proof is wrong", True),
        (Security(), MeterSecurity(Level.LOW, b"right"), "authentication is required", False),
        (
            Security(Level.MD5, b"wrong", title=TITLE),
            MeterSecurity(Level.MD5, b"right"),
            "does not accept the proof",
            True,
        ),
        (Security(), MeterSecurity(Level.LOWEST, b"", KEYS, BOTH), "application context is not supported", False),
        (
            Security(Level.LOWEST, b"", Keys(bytes(16), bytes(16)), BOTH, title=TITLE),
            MeterSecurity(Level.LOWEST, b"", KEYS, BOTH),
            "deciphering error",
            True,
        ),
    ],
)
def test_a_meter_that_refuses_says_why(
    security: Security, meter: MeterSecurity, words: str, *, secret_wrong: bool
) -> None:
    """A wrong secret is told apart: it is not to be tried again."""
    failed = pair(security=security, meter_security=meter).open()
    assert isinstance(failed, AssociationFailed)
    assert words in failed.reason
    assert failed.secret_wrong is secret_wrong


def test_a_meter_that_does_not_know_the_secret_is_not_believed() -> None:
    """The fourth pass proves the meter to the client."""
    both = pair(
        security=Security(Level.SHA1, b"secret", title=TITLE), meter_security=MeterSecurity(Level.SHA1, b"secret")
    )
    both.link.connect()
    both.run(lambda: both.meter._own is not None)
    both.meter._own = type(both.meter._own)(Level.SHA1, b"x", b"y", secret=b"other")  # type: ignore[misc]
    both.run(lambda: bool(both.events))
    failed = both.events[0]
    assert isinstance(failed, AssociationFailed)
    assert "own proof is wrong" in failed.reason


def test_counters_only_rise_and_a_repeated_message_is_refused() -> None:
    """What was recorded cannot be played again."""
    security = Security(Level.LOW, b"1", KEYS, BOTH, title=TITLE, counter=100)
    both = pair(security=security, meter_security=MeterSecurity(Level.LOW, b"1", KEYS, BOTH))
    both.open()
    both.ask(ENERGY)
    assert both.association.counter == 102
    again = pair(security=security, meter_security=MeterSecurity(Level.LOW, b"1", KEYS, BOTH))
    again.meter._least_counter = 5000
    failed = again.open()
    assert isinstance(failed, AssociationFailed)


def test_a_silent_meter_is_given_up() -> None:
    """After some tries, in words."""
    both = pair(line=lambda _: b"")
    both.link.connect()
    both.run(lambda: both.link.state is LinkState.FAILED)
    assert "does not answer" in str(both.link_events[-1])


def test_data_of_every_type_go_both_ways() -> None:
    """As they are written they are read."""
    samples = [
        axdr.NULL,
        Data(Tag.BOOLEAN, value=True),
        Data(Tag.BIT_STRING, b"\xa0", 3),
        axdr.integer(-5, 8),
        axdr.unsigned(2**64 - 1, 8),
        axdr.octet_string(bytes(200)),
        Data(Tag.VISIBLE_STRING, "EMH"),
        Data(Tag.UTF8_STRING, "Zähler"),
        Data(Tag.FLOAT32, 1.5),
        Data(Tag.FLOAT64, -0.1),
        Data(Tag.DATE_TIME, bytes(12)),
        Data(Tag.DATE, bytes(5)),
        Data(Tag.TIME, bytes(4)),
        axdr.enum(30),
        axdr.array(axdr.structure(axdr.integer(1), axdr.array()), axdr.structure(axdr.integer(2), axdr.array())),
    ]
    for data in samples:
        assert axdr.decode(axdr.encode(data)) == data
