"""Changing a meter: what may be said, with whose word, and what becomes of it."""

from __future__ import annotations

from datetime import datetime

import pytest

from obisgw.iec62056_21.dialects import Dialects
from obisgw.iec62056_21.events import SessionClosed
from obisgw.iec62056_21.identification import parse_identification
from obisgw.iec62056_21.opening import Access
from obisgw.iec62056_21.password import Password
from obisgw.iec62056_21.plan import LinePlan
from obisgw.iec62056_21.settings import SessionSettings
from obisgw.iec62056_21.writing import (
    Change,
    Changed,
    ChangeRefused,
    ChangeUnconfirmed,
    WritingSession,
    clock_changes,
    parse_change,
    refused_for_good,
)
from obisgw.permission import WritePermission
from obisgw.secret import Secret
from tests.iec62056_21.bench import Bench
from tests.iec62056_21.dialogues import ACK, BREAK, NAK, answer, asked, operand

DIALECTS = Dialects.load()
TIME = Change("W5", "0.9.1", "123000")
DATE = Change("W5", "0.9.2", "260302")


def writing(*changes: Change, identification: bytes = b"/EMH5\\@01LZQJ\r\n") -> Bench[WritingSession]:
    """A session with a password, whose P0 has come."""
    permission = WritePermission("House", changes)
    access = Access(Password(Secret("00000000")))
    line = Bench(WritingSession(SessionSettings(), LinePlan(), DIALECTS, access, changes, permission))
    line.run()
    line.hear(identification)
    line.run(line.now + 0.5)
    line.hear(operand(b""))
    line.run(line.now + 0.5)
    line.hear(ACK)
    line.run(line.now + 0.5)
    return line


def test_changes_are_said_one_after_another_and_the_meter_signed_off() -> None:
    """Each after the acknowledgement of the one before."""
    line = writing(TIME, DATE)
    assert line.sent[-1] == asked("W5", b"0.9.1(123000)")
    line.hear(ACK)
    line.run(line.now + 0.5)
    assert line.sent[-1] == asked("W5", b"0.9.2(260302)")
    line.hear(ACK)
    line.run(line.now + 0.5)
    assert line.sent[-1] == BREAK
    assert [(type(one), one.change) for one in line.session.outcomes] == [(Changed, TIME), (Changed, DATE)]
    assert len(line.of(SessionClosed)) == 1


@pytest.mark.parametrize(
    ("heard", "kind", "words"),
    [
        (NAK, ChangeRefused, "did not understand"),
        (answer(b"(ERROR)"), ChangeRefused, "refused"),
        (answer(b"(ER0007)"), ChangeRefused, "ER0007"),
        (b"", ChangeUnconfirmed, "did not answer"),
        (answer(b"(ERROR)")[:-1] + b"\x00", ChangeUnconfirmed, "damaged"),
        (answer(b"0.9.1(1)"), ChangeUnconfirmed, "data"),
        (BREAK, ChangeUnconfirmed, "ended the session"),
    ],
)
def test_a_change_that_is_not_acknowledged_is_not_said_again_and_ends_it(
    heard: bytes, kind: type[object], words: str
) -> None:
    """It may have been made: what follows it is not tried."""
    line = writing(TIME, DATE)
    if heard:
        line.hear(heard)
    line.run(line.now + 10)
    (outcome,) = line.session.outcomes
    assert isinstance(outcome, kind)
    assert words in (str(outcome.refusal) if isinstance(outcome, ChangeRefused) else repr(outcome))
    assert [message[1:3] for message in line.sent].count(b"W5") == 1
    assert line.session.finished
    assert (line.sent[-1] == BREAK) is (heard != BREAK)


def test_a_permission_is_for_the_changes_that_were_shown() -> None:
    """For no other, and for no more."""
    permission = WritePermission("House", (TIME,))
    for changes in ((DATE,), (TIME, DATE), ()):
        with pytest.raises(PermissionError, match="not the ones"):
            WritingSession(SessionSettings(), LinePlan(), DIALECTS, Access(), changes, permission)


@pytest.mark.parametrize(
    ("dialect", "text", "forbidden"),
    [
        ("siemens-amis", "W5 P.01(00000000)", True),
        ("siemens-amis", "W5 L.98(00000000)", True),
        ("standard", "W5 P.01()", True),
        ("standard", "W5 P.98()", True),
        ("emh", "W5 1-0:P.01()", True),
        ("emh", "W5 1-0:99.1.0()", True),
        ("standard", "W5 0.9.1(123000)", False),
        ("standard", "W1 P.01(1)", False),
    ],
)
def test_what_erases_stored_data_is_refused_for_good(dialect: str, text: str, forbidden: bool) -> None:  # noqa: FBT001
    """On Siemens AMIS, W5 P.01 with the password in its brackets erases the load profile."""
    change = parse_change(text)
    assert change is not None
    assert (refused_for_good(change, DIALECTS.named(dialect)) is not None) is forbidden


def test_a_session_says_nothing_of_what_is_refused_for_good() -> None:
    """Also when whoever made it did not ask before."""
    line = writing(TIME, Change("W5", "P.01", "00000000"))
    line.run(line.now + 5)
    assert not any(message[1:2] == b"W" for message in line.sent)
    assert [type(one) for one in line.session.outcomes] == [ChangeRefused]
    assert line.sent[-1] == BREAK


@pytest.mark.parametrize(
    "text", ["", "R5 1.8.0()", "W5 0.9.1", "W5(1)", "W6 0.9.1(1)", "W5 0.9.1(1)(2)", "W5 0.9.1(\x03)", "B0", "P1 x(1)"]
)
def test_what_is_no_change(text: str) -> None:
    """Only W1, W2, W5 and E2, with one value that cannot end the message."""
    assert parse_change(text) is None


@pytest.mark.parametrize(
    ("identification", "changes"),
    [
        (rb"/EMH5\@01LZQJ", ["W5 0.9.1(070809)", "W5 0.9.2(260302)"]),
        (b"/ISk5ME162-0033", ["W2 C003(260302070809)"]),
        (b"/EKT5CE301v12", ["W1 TIME_(07:08:09)", "W1 DATE_(01.02.03.26)"]),
    ],
)
def test_the_clock_is_set_in_the_maker_s_way(identification: bytes, changes: list[str]) -> None:
    """National commands where the meter announces them, the formatted code C003, Energomera's names."""
    parsed = parse_identification(identification)
    time = datetime(2026, 3, 2, 7, 8, 9)  # noqa: DTZ001 - the meter's local time
    assert [str(one) for one in clock_changes(DIALECTS.match(parsed), parsed, time)] == changes
