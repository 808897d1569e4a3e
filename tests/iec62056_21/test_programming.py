"""A session of programming mode, dialogue by dialogue, with a clock moved by hand."""

from __future__ import annotations

import pytest

from obisgw.iec62056_21.commands import ReadCommand, ReadRequest
from obisgw.iec62056_21.events import (
    AnswerReceived,
    Event,
    Failed,
    Failure,
    PartReceived,
    Received,
    Rejected,
    RequestFailed,
    RequestRefused,
    SessionClosed,
    SessionOpened,
    SetLine,
)
from obisgw.iec62056_21.opening import Access
from obisgw.iec62056_21.plan import LinePlan
from obisgw.iec62056_21.programming import ProgrammingSession
from obisgw.iec62056_21.refusal import RefusalKind
from tests.iec62056_21.bench import Bench
from tests.iec62056_21.dialogues import ACK, BREAK, NAK, answer, asked, opened, operand, request, session

R1, R5, R6 = ReadCommand.R1, ReadCommand.R5, ReadCommand.R6
ENERGY = b"1.8.0(0033402.264*kWh)"
UPPER = b"/XYZ5METER\r\n"


def texts(line: Bench[ProgrammingSession]) -> list[bytes]:
    """What the answers say, in order."""
    return [event.telegram.block for event in line.of(AnswerReceived)]


def ends(line: Bench[ProgrammingSession]) -> list[Event]:
    """The events that end a session or a request."""
    kinds = Failed | SessionClosed | RequestRefused | RequestFailed
    return [event for event in line.log if isinstance(event, kinds)]


def test_a_session_asks_for_programming_mode_and_closes_with_a_break() -> None:
    """ACK 0 5 1 at 300 Bd, P0 at 9600 Bd, one command, SOH B0."""
    line = opened()
    assert line.sent == [b"/?!\r\n", b"\x06051\r\n"]
    assert line.rates == [300, 9600]
    assert [(event.operand, event.accepted) for event in line.of(SessionOpened)] == [("", None)]
    line.session.ask(request("1.8.0"))
    line.run(line.now + 0.1)
    assert line.sent[2:] == [asked("R1", b"1.8.0()")]
    line.hear(answer(ENERGY))
    assert texts(line) == [ENERGY]
    line.session.close()
    line.run(line.now + 0.5)
    assert line.sent[3:] == [BREAK]
    assert [type(event) for event in ends(line)] == [SessionClosed]
    assert line.session.finished


def test_the_owner_goes_on_asking_in_the_open_session() -> None:
    """Each after the one before, not sooner than it was to be."""
    line = opened()
    line.session.ask(request("1.8.0"))
    line.session.ask(request("2.8.0"))
    assert line.session.waiting == 2
    line.run(line.now + 0.1)
    line.hear(answer(ENERGY))
    line.run(line.now + 0.1)
    line.hear(answer(b"2.8.0(1*kWh)"))
    line.session.ask(request("16.7.0"), not_before=line.now + 5)
    line.run(line.now + 4.9)
    assert line.session.waiting == 1
    assert len(line.sent) == 4
    line.run(line.now + 0.2)
    assert line.sent[4:] == [asked("R1", b"16.7.0()")]


@pytest.mark.parametrize(("identification", "pause"), [(b"/ISk5ME162-0033\r\n", 0.02), (UPPER, 0.2)])
def test_a_command_follows_an_answer_after_the_reaction_time(identification: bytes, pause: float) -> None:
    """20 ms for makers with a lower-case third letter, else 200 ms."""
    line = opened(identification=identification)
    line.session.ask(request("1.8.0"))
    line.session.ask(request("2.8.0"))
    line.run(line.now + 0.1)
    line.hear(answer(ENERGY))
    heard = line.now
    line.run(line.now + 0.3)
    assert line.times[-1][0] - heard == pytest.approx(pause)


def hasty_answer(line: Bench[ProgrammingSession]) -> float:
    """Ask, answer, ask again; return the time from the answer to the next command."""
    line.session.ask(request("1.8.0"))
    line.hear(answer(ENERGY), after=0.0)
    heard = line.now
    line.run(line.now + 0.25)
    return line.times[-1][0] - heard


def in_haste(line: Bench[ProgrammingSession]) -> bool:
    return line.session.hasty


def test_haste_shortens_the_pause_until_the_meter_does_not_hear() -> None:
    """40 ms; a command that was missed is said again with patience, and the second one ends haste for good."""
    line = opened(Access(hasty=True), UPPER)
    line.session.ask(request("1.8.0"))
    line.run(line.now + 0.1)
    assert hasty_answer(line) == pytest.approx(0.04)
    line.run(line.now + 2.5)
    assert in_haste(line)
    assert line.sent[-1] == line.sent[-2] == asked("R1", b"1.8.0()")
    assert hasty_answer(line) == pytest.approx(0.04)
    line.run(line.now + 2.5)
    assert not in_haste(line)
    assert hasty_answer(line) == pytest.approx(0.2)


def test_a_command_lost_by_noise_now_and_then_does_not_end_haste() -> None:
    """Ten answers in between."""
    line = opened(Access(hasty=True), UPPER)
    line.session.ask(request("1.8.0"))
    line.run(line.now + 0.1)
    for _ in range(3):
        line.run(line.now + 2.5)
        for _ in range(12):
            assert hasty_answer(line) == pytest.approx(0.04)
    assert line.session.hasty


@pytest.mark.parametrize(
    ("first", "said"),
    [
        (operand(b"00000000"), "00000000"),
        (operand(b""), ""),
        (operand(None), ""),
        (b"\x06\r\n", None),
        (b"\x06", None),
        (b"?" + operand(b"1"), "1"),
        (b"\x06\r\n" + operand(b"1"), "1"),
        (b"\x06051\r\n" + operand(b"1"), "1"),
        (b"\x06051\r\n\x06\r\n", None),
        (b"\x0605\r\n" + operand(b"1"), "1"),
    ],
)
def test_what_opens_a_session(first: bytes, said: str | None) -> None:
    """P0 with and without operand; AS1440's acknowledgement; the echo of our own in front of either."""
    line = session()
    line.hear(first)
    line.run(line.now + 1.5)
    assert [event.operand for event in line.of(SessionOpened)] == [said]


def test_an_operand_that_follows_an_acknowledgement_is_waited_for() -> None:
    """Half a second."""
    line = session()
    line.hear(b"\x06\r\n")
    line.hear(operand(b"7"), after=0.4)
    assert [event.operand for event in line.of(SessionOpened)] == ["7"]


def test_a_damaged_operand_is_asked_for_again_and_then_given_up() -> None:
    """NAK twice; the meter is left with a break."""
    damaged = operand(b"00000000")[:-1] + b"\x61"
    line = session()
    line.hear(damaged)
    line.run(line.now + 0.1)
    assert line.sent[-1] == NAK
    line.hear(operand(b"00000000"))
    assert len(line.of(SessionOpened)) == 1
    line = session()
    for _ in range(3):
        line.hear(damaged)
        line.run(line.now + 0.1)
    line.run(line.now + 1)
    assert line.failure is Failure.BAD_CHECK
    assert line.sent[-3:] == [NAK, NAK, BREAK]


def test_a_meter_that_answers_with_a_readout_has_no_programming_mode() -> None:
    """The readout is taken, and the session is over."""
    line = session()
    line.hear(answer(b"1.8.0(000001.2*kWh)\r\n!\r\n"))
    line.run(line.now + 1)
    assert [event.telegram.block for event in line.of(Received)] == [b"1.8.0(000001.2*kWh)\r\n!\r\n"]
    assert line.failure is Failure.NO_PROGRAMMING
    assert line.sent[-1] == BREAK


@pytest.mark.parametrize("identification", [b"/KAM 685-382\r\n", b"/LUGCUH50\r\n"])
def test_only_mode_c_has_programming_mode(identification: bytes) -> None:
    """Meters of modes A and B are asked for nothing."""
    line = session(identification=identification)
    assert line.failure is Failure.NO_PROGRAMMING
    assert line.sent[-1].endswith(b"/?!\r\n")


@pytest.mark.parametrize(
    ("heard", "failure"),
    [
        (BREAK, Failure.REFUSED),
        (answer(b"(ER0005)"), Failure.REFUSED),
        (NAK, Failure.REFUSED),
        (b"\x01P0\x02(", Failure.CUT),
    ],
)
def test_a_refused_session_says_so(heard: bytes, failure: Failure) -> None:
    """The ladder decides whether it is tried again."""
    line = session()
    line.hear(heard)
    line.run(line.now + 5)
    assert line.failure is failure


def test_a_meter_that_stayed_at_300_is_left_with_a_break_at_both_speeds() -> None:
    """Nobody knows which one it has."""
    line = session()
    line.run(line.now + 10)
    assert line.failure is Failure.NO_DATA
    assert line.rates[-3:] == [9600, 300, 9600]
    assert line.sent[-2:] == [BREAK, BREAK]


def test_partial_blocks_are_acknowledged_and_joined() -> None:
    """R6: a row may be split between two blocks; each proved one is told at once."""
    line = opened()
    line.session.ask(request("P.01", ";", R6))
    line.run(line.now + 0.1)
    assert line.sent[-1] == asked("R6", b"P.01(;)")
    line.hear(answer(b"P.01(1220823161500)(00)(15)(1)(1.5)(kW)\r\n(0.1", b"\x04"))
    line.run(line.now + 0.1)
    assert line.sent[-1] == ACK
    line.hear(ACK, after=0.01)  # The head hears itself.
    line.hear(answer(b"8374)\r\n"))
    assert texts(line) == [b"P.01(1220823161500)(00)(15)(1)(1.5)(kW)\r\n(0.18374)\r\n"]
    assert len(line.of(PartReceived)) == 1


def test_a_damaged_part_is_asked_for_again() -> None:
    """NAK brings the same block, and what came before it stands."""
    line = opened()
    line.session.ask(request("P.01", ";", R6))
    line.run(line.now + 0.1)
    line.hear(answer(b"(1)", b"\x04"))
    line.run(line.now + 0.1)
    line.hear(answer(b"(2)", b"\x04")[:-1] + b"\x7f")
    line.run(line.now + 0.1)
    assert line.sent[-1] == NAK
    line.hear(answer(b"(2)", b"\x04"))
    line.run(line.now + 0.1)
    line.hear(answer(b"(3)"))
    assert texts(line) == [b"(1)(2)(3)"]
    assert [event.text for event in line.of(PartReceived)] == [b"(1)", b"(2)"]


def test_a_part_that_does_not_come_fails_the_request_and_not_the_session() -> None:
    """What came is the owner's; what is missing is asked for anew, in the same session."""
    line = opened()
    line.session.ask(request("P.01", ";", R6))
    line.run(line.now + 0.1)
    line.hear(answer(b"(1)", b"\x04"))
    line.run(line.now + 15)
    assert [event.failure for event in line.of(RequestFailed)] == [Failure.CUT]
    assert line.sent[-2:] == [NAK, NAK]
    line.session.ask(request("P.01", "2;", R6))
    line.run(line.now + 0.1)
    line.hear(answer(b"(2)"))
    assert texts(line) == [b"(2)"]


def test_a_damaged_answer_is_repeated_by_nak_then_by_the_command_then_given_up() -> None:
    """Two NAKs, a second of silence, the command again; never a wrong value."""
    bad = answer(ENERGY)[:-1] + b"\x01"
    line = opened()
    line.session.ask(request("1.8.0"))
    line.run(line.now + 0.1)
    for _ in range(6):
        line.hear(bad)
        line.run(line.now + 1.2)
    command = asked("R1", b"1.8.0()")
    assert line.sent[2:] == [command, NAK, NAK, command, NAK, NAK]
    assert [event.failure for event in line.of(RequestFailed)] == [Failure.BAD_CHECK]
    assert texts(line) == []
    assert not line.session.finished


def test_a_character_with_wrong_parity_is_not_excused_by_the_block_check() -> None:
    """Two equal bits flipped leave the exclusive or as it was."""
    line = opened()
    line.session.ask(request("1.8.0"))
    line.run(line.now + 0.1)
    damaged = bytearray(c | (0x80 if c.bit_count() & 1 else 0) for c in answer(ENERGY))
    damaged[8] ^= 1
    damaged[9] ^= 1
    line.hear(bytes(damaged), parity=False)
    line.run(line.now + 0.1)
    assert texts(line) == []
    assert line.sent[-1] == NAK
    assert len(line.of(Rejected)) == 1


@pytest.mark.parametrize("cut", range(1, len(answer(ENERGY))))
def test_an_answer_cut_anywhere_gives_nothing(cut: int) -> None:
    """Not even when only the block check is missing."""
    line = opened()
    line.session.ask(request("1.8.0"))
    line.run(line.now + 0.1)
    line.hear(answer(ENERGY)[:cut])
    line.run(line.now + 60)
    assert texts(line) == []
    assert line.failure is Failure.NO_DATA or line.of(RequestFailed)


def test_nak_of_the_meter_repeats_the_command_and_then_tries_the_next() -> None:
    """Three times R1, then R5, which is remembered."""
    line = opened()
    line.session.ask(request("1.8.0"))
    line.run(line.now + 0.1)
    for _ in range(3):
        line.hear(NAK)
        line.run(line.now + 0.5)
    assert line.sent[2:] == [asked("R1", b"1.8.0()")] * 3 + [asked("R5", b"1.8.0()")]
    line.hear(answer(ENERGY))
    assert line.session.command is R5
    line.session.ask(request("2.8.0"))
    line.run(line.now + 0.1)
    assert line.sent[-1] == asked("R5", b"2.8.0()")


@pytest.mark.parametrize("refusal", [b"\x06", answer(b"(ERROR)"), answer(b"(ER0001)"), answer(b"1.8.0(ERROR)")])
def test_a_command_that_the_meter_does_not_know_is_followed_by_the_next(refusal: bytes) -> None:
    """R1, R5, R6; EMH answers R1 with a bare ACK."""
    line = opened()
    line.session.ask(request("1.8.0"))
    line.run(line.now + 0.1)
    for _ in range(2):
        line.hear(refusal)
        line.run(line.now + 0.5)
    assert [message[1:3] for message in line.sent[2:]] == [b"R1", b"R5", b"R6"]
    line.hear(refusal)
    line.run(line.now + 0.5)
    assert [event.refusal.kind for event in line.of(RequestRefused)] in ([RefusalKind.COMMAND], [RefusalKind.OTHER])
    assert not line.session.finished


def test_an_error_of_one_register_says_nothing_against_a_command_that_worked() -> None:
    """The next register is asked for at once, with the same command."""
    line = opened()
    line.session.ask(request("1.8.0"))
    line.session.ask(request("1.8.9"))
    line.run(line.now + 0.1)
    line.hear(answer(ENERGY))
    line.run(line.now + 0.1)
    line.hear(answer(b"(ER02)"))
    assert [event.refusal.text for event in line.of(RequestRefused)] == ["ER02"]
    assert len(line.sent) == 4


def test_meters_that_announce_the_german_extension_are_asked_by_r5_first() -> None:
    r"""The escape "\@" stands for R5 and R6."""
    line = opened(identification=b"/EMH5\\@01LZQJL0013F\r\n")
    line.session.ask(request("1.8.0"))
    line.run(line.now + 0.3)
    assert line.sent[-1] == asked("R5", b"1.8.0()")


def test_a_remembered_command_comes_first() -> None:
    """From an earlier session."""
    line = opened(Access(command=R6))
    line.session.ask(request("1.8.0"))
    line.run(line.now + 0.3)
    assert line.sent[-1] == asked("R6", b"1.8.0()")


def test_nothing_stored_is_told_apart_from_a_refused_command() -> None:
    """P.01(ERROR): no entries in this time."""
    line = opened()
    line.session.ask(request("P.01", "02401010000;02401020000", R5, R6))
    line.run(line.now + 0.1)
    line.hear(answer(b"P.01(ERROR)"))
    assert [event.refusal.kind for event in line.of(RequestRefused)] == [RefusalKind.EMPTY]
    assert len(line.sent) == 3


def test_an_unanswered_command_is_repeated_and_the_meter_left_with_a_break() -> None:
    """Each command of the ladder twice."""
    line = opened()
    line.session.ask(request("1.8.0"))
    line.run(line.now + 30)
    commands = [message[1:3] for message in line.sent[2:]]
    assert commands == [b"R1", b"R1", b"R5", b"R5", b"R6", b"R6", b"B0"]
    assert line.failure is Failure.NO_DATA


def test_a_late_answer_is_not_taken_for_another_register_s() -> None:
    """After a silence, an answer that names what was asked before is passed over."""
    line = opened()
    line.session.ask(request("1.8.0"))
    line.session.ask(request("2.8.0"))
    line.run(line.now + 0.1)
    line.run(line.now + 2.2)  # The command was repeated.
    line.hear(answer(ENERGY))
    line.run(line.now + 0.1)
    line.hear(answer(ENERGY))
    line.hear(answer(b"2.8.0(7*kWh)"))
    assert texts(line) == [ENERGY, b"2.8.0(7*kWh)"]


@pytest.mark.parametrize("stage", ["opening", "ready", "answering", "behind an answer"])
def test_a_meter_that_hangs_up_ends_the_session(stage: str) -> None:
    """No break follows: the meter has left by itself. What came before it stands."""
    line = session() if stage == "opening" else opened()
    if stage in {"answering", "behind an answer"}:
        line.session.ask(request("1.8.0"))
        line.run(line.now + 0.1)
    line.hear((answer(ENERGY) if stage == "behind an answer" else b"") + BREAK)
    line.run(line.now + 1)
    assert line.failure is (Failure.REFUSED if stage == "opening" else Failure.ENDED)
    assert texts(line) == ([ENERGY] if stage == "behind an answer" else [])
    assert BREAK not in line.sent


def test_a_session_that_nobody_uses_is_closed_before_the_meter_ends_it() -> None:
    """After 48 of the standard's 60 s."""
    line = opened()
    start = line.now
    line.run(line.now + 58)
    assert [event.idle for event in line.of(SessionClosed)] == [True]
    assert line.sent[-1] == BREAK
    assert 40 < line.times[-1][0] - start < 55


def test_a_session_that_is_to_be_kept_repeats_its_last_request() -> None:
    """AMIS ends a session after 10 s; nobody hears of the answers."""
    line = opened(Access(keep_alive=True), b"/SAT6\\2TD3511\r\n")
    line.session.ask(request("1.8.0"))
    line.run(line.now + 0.3)
    for _ in range(4):
        line.hear(answer(ENERGY))
        line.run(line.now + 6)
    assert len(texts(line)) == 1
    assert [message[1:3] for message in line.sent[2:]] == [b"R5"] * 5
    assert ends(line) == []


def test_after_a_gap_longer_than_the_meter_s_time_out_nothing_is_said() -> None:
    """A machine that slept: the meter is back at 300 Bd and hears no command."""
    line = opened()
    line.now += 4000
    line.session.ask(request("1.8.0"))
    line.run(line.now + 1)
    assert line.failure is Failure.ENDED
    assert len(line.sent) == 2


@pytest.mark.parametrize(
    ("until", "actions"),
    [
        ("request", [BREAK]),
        ("acknowledgement", [SetLine(9600), BREAK]),
        ("opening", [BREAK]),
        ("answering", [BREAK]),
    ],
)
def test_aborting_leaves_the_meter_with_a_break_at_its_speed(until: str, actions: list[object]) -> None:
    """Also between the acknowledgement and the change of speed."""
    line = session(identification=None) if until in {"request", "acknowledgement"} else session()
    if until == "acknowledgement":
        line.hear(UPPER)
        line.run(line.now + 0.21)
    elif until == "answering":
        line = opened()
        line.session.ask(request("1.8.0"))
        line.run(line.now + 0.1)
    done = [
        action if isinstance(action, SetLine) else bytes(c & 0x7F for c in action.data)
        for action in line.session.abort()
    ]
    assert done == actions
    assert line.session.finished


@pytest.mark.parametrize("pieces", [1, 3])
@pytest.mark.parametrize("lost", [set[int](), {0}, {3}, {1, 2, 5}, {0, 3}, {11}, {12}, {10, 11, 12}, {0, 1, 2, 3}])
def test_the_own_command_that_comes_back_is_no_answer(lost: set[int], pieces: int) -> None:
    """Whole, or with holes."""
    line = opened()
    line.session.ask(request("1.8.0"))
    line.run(line.now + 0.1)
    command = asked("R1", b"1.8.0()")
    echo = bytes(character for place, character in enumerate(command) if place not in lost)
    heard = echo + answer(ENERGY)
    for start in range(0, len(heard), pieces):
        line.hear(heard[start : start + pieces], after=0.001)
    line.run(line.now + 0.1)
    assert texts(line) == [ENERGY]


def test_a_request_holds_nothing_but_printable_text() -> None:
    """Nobody can hide the end of a message, and a second command behind it, in an address."""
    for address in ("1.8.0()\x03", "a\x02", "", "1.8.0(", "ü", "a" * 33, "!", "1/2"):
        with pytest.raises(ValueError, match="no address"):
            ReadRequest(address)
    for argument in ("\x03", ")\r\n", "ü", "!"):
        with pytest.raises(ValueError, match="no argument"):
            ReadRequest("P.01", argument)


def test_nothing_can_be_asked_in_a_session_that_ends() -> None:
    """Our own mistake, so it raises."""
    line = opened()
    line.session.close()
    with pytest.raises(RuntimeError, match="ends"):
        line.session.ask(request("1.8.0"))


@pytest.mark.parametrize("step", [1, 2, 7, 100])
def test_any_chopping_of_the_characters_gives_the_same(step: int) -> None:
    """P0, an answer with a lost STX, a refusal."""
    line = session(plan=LinePlan())
    for message in (operand(b"1"), answer(ENERGY)[1:], answer(b"(ER02)")):
        if line.of(SessionOpened):
            line.session.ask(request("1.8.0"))
            line.run(line.now + 0.1)
        for start in range(0, len(message), step):
            line.hear(message[start : start + step], after=0.001)
        line.run(line.now + 0.05)
    assert texts(line) == [ENERGY]
    assert len(line.of(RequestRefused)) == 1
