"""A failed readout says in words what was seen and what to do."""

from __future__ import annotations

import pytest

from obisgw.errors import MeterError, RefusedError
from obisgw.iec62056_21.characters import CharacterFormat, add_parity
from obisgw.iec62056_21.dialects import Dialects
from obisgw.iec62056_21.events import Failure
from obisgw.iec62056_21.identification import parse_identification
from obisgw.iec62056_21.push import PushSession
from obisgw.iec62056_21.settings import SessionSettings
from obisgw.reader.explain import Attempt, explain, explain_silence, protocol_in

IDENTIFICATION = parse_identification(b"/ISk5MT174-0001")


def attempt(failure: Failure, *, sample: bytes = b"", known: bool = False) -> Attempt:
    """Return one failed attempt."""
    return Attempt(failure, "as seen", sample, IDENTIFICATION if known else None, 0)


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (Failure.SILENCE, "does not answer"),
        (Failure.ECHO_ONLY, "hears itself"),
        (Failure.GARBAGE, "unreadable"),
        (Failure.UNASKED, "never silent"),
        (Failure.NO_DATA, "sends no data"),
        (Failure.STAYED_SLOW, "max_baudrate"),
        (Failure.START_LOST, "beginning of what the meter"),
        (Failure.CUT, "stopped in the middle"),
        (Failure.BAD_CHECK, "damaged"),
        (Failure.TOO_LONG, "did not end"),
        (Failure.REFUSED, "refused"),
        (Failure.SESSION_OPEN, "earlier session"),
    ],
)
def test_every_failure_has_words_a_place_and_a_hint(failure: Failure, words: str) -> None:
    """None of them is only a name."""
    error = explain([attempt(failure)], "Cellar at /dev/ttyUSB0")
    assert words in str(error)
    assert str(error).startswith("Cellar at /dev/ttyUSB0: ")
    assert error.hint
    assert isinstance(error, RefusedError if failure is Failure.REFUSED else MeterError)


def test_a_serial_server_at_another_rate_is_thought_of() -> None:
    """Silence is then mostly that; once the meter has answered, its rate is right."""
    said = [explain([attempt(failure)], "x", fixed_rate=True).hint or "" for failure in (Failure.SILENCE, Failure.CUT)]
    assert ["the serial server must have the meter's rate" in hint for hint in said] == [True, False]


def test_the_attempt_that_came_furthest_is_told() -> None:
    """Later silence does not hide that data came damaged."""
    error = explain([attempt(Failure.BAD_CHECK, known=True), attempt(Failure.SILENCE)], "x")
    assert "damaged" in str(error)
    assert "2 attempts" in str(error)


@pytest.mark.parametrize(
    ("sample", "name"),
    [
        (b"\x00\x1b\x1b\x1b\x1b\x01\x01\x01\x01\x76\x05", "SML"),
        (b"\x7e\xa0\x07\x03\x21\x93\x0f\x01\x7e", "HDLC"),
        (b"\x7e\xa0\x08\x03\x21\x93\x0f\x01\x7e", None),
        (b"\x7e\x20\x07\x03\x21\x93\x0f\x01\x7e", None),
        (b"\xff\x68\x03\x03\x68\x08\x00\x72\x7a\x16", "M-Bus"),
        (add_parity(b"/EBZ5DD3\r\n\r\n1-0:1.8.0*255(000123.4*kWh)\r\n"), "D"),
        (b"\x7e\x68\x02\x03\x1b\x1b", None),
        (b"", None),
    ],
)
def test_other_protocols_are_known_by_their_frames(sample: bytes, name: str | None) -> None:
    """A start byte alone proves nothing: lengths must fit."""
    assert protocol_in(sample) == name


def test_another_protocol_is_named_to_the_user() -> None:
    """In place of a bare failure."""
    error = explain([attempt(Failure.GARBAGE, sample=b"\x1b\x1b\x1b\x1b\x01\x01\x01\x01")], "x")
    assert "SML" in str(error)


def listened(
    heard: bytes, *, baudrate: int = 9600, form: CharacterFormat = CharacterFormat.SOFTWARE_7E1
) -> PushSession:
    """Return a session in mode D that heard this."""
    session = PushSession(SessionSettings(format=form), baudrate, Dialects.load())
    session.actions(0.0)
    session.receive(heard, 1.0)
    return session


@pytest.mark.parametrize(
    ("session", "problem", "hint"),
    [
        (None, "nothing has come for 60 s", "check the head's place; most meters must be asked"),
        (listened(b""), "nothing has come for 60 s", "check the head's place"),
        (
            listened(bytes.fromhex("ce3131353d8db521"), baudrate=2400),
            "8 characters have come in 60 s at 2400 Bd, but no telegram; the last were ce 31 31 35 3d 8d b5 21",
            "another speed: try `baudrate` 9600, 4800, 300, 115200 with `format: 8n1`;",
        ),
        (listened(b"\x1b\x1b\x1b\x1b\x01\x01\x01\x01"), "8 characters have come", "this is SML"),
        (
            listened(b"1.8.0(1*kWh)\r\n" * 4),
            "56 characters have come",
            "they can be read: the line that names the meter",
        ),
        (
            listened(add_parity(b"/XYZ5M\r\n1.8.0(1*kWh)\r\n"), form=CharacterFormat.HARDWARE),
            "22 characters have come",
            "they carry parity: leave `format` at `software-7e1`",
        ),
    ],
    ids=["not listened", "silence", "another speed", "SML", "no identification", "parity"],
)
def test_a_push_meter_that_is_not_understood_is_explained(session: PushSession | None, problem: str, hint: str) -> None:
    """What came, and what to try: silence is only said where there was silence."""
    error = explain_silence(session, 0, 60.0, "Cellar")
    assert str(error).startswith(f"Cellar: {problem}")
    assert (error.hint or "").startswith(hint)


def test_what_came_before_the_last_telegram_does_not_count() -> None:
    """Afterwards it was silent."""
    session = listened(b"\xff" * 40)
    assert explain_silence(session, 40, 60.0, "Cellar").problem == "nothing has come for 60 s"
