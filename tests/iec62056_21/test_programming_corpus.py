"""Recorded dialogues of programming mode, held again by our session: the same bytes go out, and the values come in."""

from __future__ import annotations

import pytest

from obisgw.iec62056_21.characters import CharacterFormat
from obisgw.iec62056_21.commands import Command, ReadCommand, ReadRequest, parse_command
from obisgw.iec62056_21.data_sets import parse_data_sets
from obisgw.iec62056_21.dialects import Dialects
from obisgw.iec62056_21.events import AnswerReceived, Failed, Failure, RequestRefused, SessionOpened
from obisgw.iec62056_21.opening import Access
from obisgw.iec62056_21.password import Password, PasswordLevel
from obisgw.iec62056_21.plan import LinePlan
from obisgw.iec62056_21.programming import ProgrammingSession
from obisgw.iec62056_21.settings import SessionSettings
from obisgw.readings.registers import registers_of
from obisgw.secret import Secret
from tests.corpus import TELEGRAMS, Case, brackets
from tests.iec62056_21.bench import Bench
from tests.iec62056_21.dialogues import SUM, XOR

DIALECTS = Dialects.load()
DIALOGUES = [case for case in TELEGRAMS if case.about["kind"].startswith("dialogue")]
ANSWERS = [case for case in TELEGRAMS if case.about["identification"] is None and case.about.get("segments")]


class Script:
    """What the reading device said in a recording, and what it got."""

    def __init__(self, case: Case) -> None:
        segments = [(one["dir"], case.raw[one["from"] : one["to"]]) for one in case.about["segments"]]
        self.said = [data for who, data in segments if who == "tx"]
        self.got = [data for who, data in segments if who == "rx"]
        self.commands = [one for data in self.said if (one := parse_command(data, (XOR, SUM))) is not None]

    @property
    def address(self) -> str:
        return self.said[0][2:].partition(b"!")[0].decode()

    @property
    def password(self) -> Password | None:
        said = [one.argument for one in self.commands if one.name == "P1"]
        return Password(Secret(said[0]), PasswordLevel.P1) if said else None

    @property
    def requests(self) -> list[ReadRequest]:
        return [_request(one) for one in self.commands if one.name.startswith("R")]


def _request(command: Command) -> ReadRequest:
    return ReadRequest(command.address, command.argument, (ReadCommand(command.name),))


def held(case: Case) -> tuple[Bench[ProgrammingSession], Script]:
    """Hold a dialogue again: whenever our session has said something, the meter says what it said then."""
    script = Script(case)
    session = ProgrammingSession(
        SessionSettings(address=script.address, format=CharacterFormat.HARDWARE),
        LinePlan(),
        DIALECTS,
        Access(script.password),
    )
    for one in script.requests:
        session.ask(one)
    session.close()
    line = Bench(session)
    line.run()
    for data in script.got:
        line.hear(data, parity=False)
        line.run(line.now + 0.5)
    line.run(line.now + 3)
    return line, script


@pytest.mark.parametrize("case", [case for case in DIALOGUES if not case.refused], ids=str)
def test_a_recorded_dialogue_is_held_again(case: Case) -> None:
    """Byte for byte what the recorded reader sent, with a break at its end; value for value what the meter said."""
    line, script = held(case)
    # One recording stops before its reader signed off.
    assert line.sent[: len(script.said)] == script.said
    assert len(line.of(SessionOpened)) == 1
    found = []
    for event in line.log:
        if isinstance(event, AnswerReceived):
            for data_set in parse_data_sets(event.telegram.block)[0]:
                pairs = [(one.value, one.unit) for one in data_set.brackets]
                found.append((event.request.address, data_set.address, pairs))
        elif isinstance(event, RequestRefused):
            found.append((event.request.address, "", [(event.refusal.text, None)]))
    assert found == [(entry["request"], entry["address"], brackets(entry)) for entry in case.expect]


@pytest.mark.parametrize("case", [case for case in DIALOGUES if not case.refused], ids=str)
def test_the_registers_of_a_dialogue_have_the_codes_that_its_description_names(case: Case) -> None:
    """An answer without address belongs to what was asked for; an error's number is no register."""
    line, _ = held(case)
    codes = []
    for event in line.of(AnswerReceived):
        dialect = DIALECTS.match(event.telegram.identification)
        registers, _ = registers_of(event.telegram, dialect, event.request.address)
        codes += [None if one.code is None else str(one.code) for one in registers]
    assert codes == [entry["obis"] for entry in case.expect if not entry.get("error")]


@pytest.mark.parametrize("case", [case for case in DIALOGUES if case.refused], ids=str)
def test_a_dialogue_that_failed_gives_no_reading(case: Case) -> None:
    """A wrong block check of P0, and BEL in place of the password's acknowledgement."""
    line, script = held(case)
    assert line.of(AnswerReceived) == []
    assert line.failure in {Failure.BAD_CHECK, Failure.PASSWORD}
    assert sum(message.startswith(b"\x01P1") for message in line.sent) <= 1
    assert script.password is not None


def test_a_password_answered_by_bel_is_refused() -> None:
    """The second half of the same recording, behind a P0 whose check is right."""
    case = next(case for case in DIALOGUES if case.refused)
    script = Script(case)
    good = script.got[1][:-1] + b"\x60"
    line = Bench(
        ProgrammingSession(
            SessionSettings(address=script.address, format=CharacterFormat.HARDWARE),
            LinePlan(),
            DIALECTS,
            Access(script.password),
        )
    )
    line.run()
    for data in (script.got[0], good, script.got[2]):
        line.hear(data, parity=False)
        line.run(line.now + 0.5)
    line.run(line.now + 3)
    assert line.failure is Failure.PASSWORD
    assert [event.failure for event in line.of(Failed)] == [Failure.PASSWORD]
    assert sum(message.startswith(b"\x01P1") for message in line.sent) == 1


@pytest.mark.parametrize("case", ANSWERS, ids=str)
def test_a_recorded_exchange_gives_what_its_description_says(case: Case) -> None:
    """A profile in partial blocks, and an error."""
    script = Script(case)
    line = Bench(ProgrammingSession(SessionSettings(format=CharacterFormat.HARDWARE), LinePlan(), DIALECTS))
    line.run()
    for data in (b"/EMH5\\@01LZQJL0014F\r\n", b"\x01P0\x02()\x03\x60"):
        line.hear(data, parity=False)
        line.run(line.now + 0.5)
    before = len(line.sent)
    for one in script.requests:
        line.session.ask(one)
    line.run(line.now + 0.3)
    for data in script.got:
        line.hear(data, parity=False)
        line.run(line.now + 0.3)
    assert line.sent[before:] == script.said
    if case.about.get("expect_error"):
        assert [event.refusal.text for event in line.of(RequestRefused)] == [entry["value"] for entry in case.expect]
        return
    (answered,) = line.of(AnswerReceived)
    rows = [one for one in parse_data_sets(answered.telegram.block)[0] if not one.address]
    expected = case.about["expect_profile"][0]["rows"]
    assert [[one.value for one in row.brackets] for row in rows] == [row["values"] for row in expected]
