"""Mode D: telegrams that come unasked, found in an endless stream."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obisgw.iec62056_21.block_check import BlockCheck, crc16, xor_check
from obisgw.iec62056_21.characters import CharacterFormat, add_parity, strip_parity
from obisgw.iec62056_21.dialects import Dialects
from obisgw.iec62056_21.events import Event, Failure, Identified, Received, Rejected, SetLine
from obisgw.iec62056_21.session import PushSession, SessionSettings

DIALECTS = Dialects.load()
HEADER = b"/XYZ5METER\r\n\r\n"
DATA = b"1-0:0.0.0*255(12345678)\r\n1-0:1.8.0*255(001234.5678*kWh)\r\n1-0:1.7.255*255(0000.12*kW)\r\n"
PUSH = HEADER + DATA + b"!\r\n"
P1_BODY = HEADER + DATA + b"!"
P1 = P1_BODY + f"{crc16(P1_BODY):04X}".encode() + b"\r\n"


def listen(
    *pieces: bytes, gap: float = 0.01, parity: bool = True, quiet: float = 10.0
) -> list[Received | Rejected | Event]:
    """Events of a push session that hears ``pieces`` one after the other and then silence."""
    form = CharacterFormat.SOFTWARE_7E1 if parity else CharacterFormat.HARDWARE
    session = PushSession(SessionSettings(format=form), 9600, DIALECTS)
    now = 5.0
    assert session.actions(now) == [SetLine(9600)]
    for piece in pieces:
        now += gap
        while session.deadline is not None and session.deadline <= now:
            session.actions(session.deadline)
        session.receive(add_parity(piece) if parity else piece, now)
    end = now + quiet
    while session.deadline is not None and session.deadline <= end:
        session.actions(session.deadline)
    return [event for event in session.events() if not isinstance(event, Identified)]


def blocks(events: list[Event]) -> list[bytes]:
    """The data of the proved telegrams."""
    return [event.telegram.block.strip() for event in events if isinstance(event, Received)]


@pytest.mark.parametrize(
    "stream",
    [
        PUSH,
        HEADER + DATA + b"!",
        HEADER + DATA + b"!\n",
        HEADER.replace(b"\r\n\r\n", b"\r\n") + DATA + b"!\r\n",
        HEADER + DATA[:-2] + b"!\r\n",
        b"00.1*kWh)\r\n1-0:2.8.0(1)\r\n!\r\n" + PUSH,
        b"\xff\x00\x7f/?!\r\n" + PUSH,
        PUSH + b"0001234\r\n" + b"\xff" * 33,
        HEADER + b"\x02" + DATA + b"!\r\n\x03" + bytes((xor_check(DATA + b"!\r\n\x03"),)),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 4096])
def test_a_telegram_is_found_whole_whatever_stands_around_it(stream: bytes, size: int) -> None:
    """Joined in the middle, with junk before and behind, in any pieces."""
    pieces = [stream[i : i + size] for i in range(0, len(stream), size)]
    assert blocks(listen(*pieces)) == [DATA.strip()]


def test_telegrams_follow_each_other_without_end() -> None:
    """Every one to four seconds."""
    assert len(blocks(listen(*[PUSH] * 20, gap=2))) == 20


@pytest.mark.parametrize("cut", range(len(HEADER), len(HEADER + DATA)))
def test_a_cut_telegram_is_rejected_when_the_next_begins(cut: int) -> None:
    """Nothing of it is proved, and the next is not lost."""
    events = listen(PUSH[:cut], PUSH)
    assert [event.failure for event in events if isinstance(event, Rejected)] == [Failure.CUT]
    assert blocks(events) == [DATA.strip()]


def test_a_telegram_that_stops_is_rejected_after_the_gap() -> None:
    """Five seconds of silence inside a telegram end it."""
    assert [type(event) for event in listen(PUSH[:60])] == [Rejected]


@pytest.mark.parametrize("position", range(len(HEADER), len(PUSH) - 3))
def test_a_damaged_character_is_seen_by_its_parity(position: int) -> None:
    """Mode D has no block check; parity is all there is."""
    damaged = bytearray(add_parity(PUSH))
    damaged[position] ^= 0x01
    session = PushSession(SessionSettings(), 9600, DIALECTS)
    session.actions(0.0)
    session.receive(bytes(damaged), 1.0)
    while session.deadline is not None:
        session.actions(session.deadline)
    assert blocks(session.events()) == []


def test_a_telegram_that_lost_a_character_is_unlike_the_others() -> None:
    """Parity does not see what is not there."""
    short = PUSH.replace(b"001234.5678", b"00124.5678")
    events = listen(PUSH, short, PUSH, gap=2)
    assert [type(event) for event in events] == [Received, Rejected, Received]


def test_a_new_form_is_taken_when_the_next_telegram_confirms_it() -> None:
    """A meter that begins to feed in shows a sign for the first time."""
    other = PUSH.replace(b"0000.12*kW", b"-0000.12*kW")
    events = listen(PUSH, other, other, PUSH, other, gap=2)
    assert [type(event) for event in events] == [Received, Rejected, Received, Received, Received]


def test_a_meter_that_sends_two_kinds_in_turn_is_read_whole() -> None:
    """Hager's eHZ010C sends its counter and its power in telegrams of their own."""
    other = HEADER + b"1-0:1.7.0*255(000001.2964)\r\n!\r\n"
    events = listen(PUSH, other, PUSH, other, PUSH, other, gap=2)
    assert [type(event) for event in events] == [Received, Rejected, Received, Received, Received, Received]


def test_a_damaged_first_telegram_does_not_keep_the_good_ones_away() -> None:
    """The good form wins as soon as it comes twice."""
    short = PUSH.replace(b"001234.5678", b"00124.5678")
    events = listen(short, PUSH, PUSH, gap=2)
    assert [type(event) for event in events] == [Received, Rejected, Received]


def test_a_p1_telegram_is_proved_by_its_crc() -> None:
    """Eight-bit characters and CRC-16 behind the mark."""
    (event,) = listen(P1, parity=False)
    assert isinstance(event, Received)
    assert event.telegram.check is BlockCheck.OK


@pytest.mark.parametrize(
    "stream",
    [
        P1.replace(b"1234.5", b"1235.5"),
        P1[:-6] + b"0000\r\n",
        P1[:-4] + b"?7\r\n",
        P1[:-6] + b"Q\r\n",
    ],
)
def test_a_p1_telegram_with_a_wrong_crc_is_rejected(stream: bytes) -> None:
    """Also when the CRC itself is what was damaged."""
    (event,) = listen(stream, parity=False)
    assert isinstance(event, Rejected)


def test_once_a_crc_was_seen_a_telegram_without_one_is_damaged() -> None:
    """A line that lost exactly the CRC does not make the telegram good."""
    events = listen(P1, PUSH, P1, parity=False)
    assert [type(event) for event in events] == [Received, Rejected, Received]


def test_a_p1_telegram_that_lost_its_crc_is_known_by_its_time_stamp() -> None:
    """The companion standard brought both together."""
    events = listen(HEADER + b"0-0:1.0.0(261122120000W)\r\n" + DATA + b"!\r\n", parity=False)
    assert [type(event) for event in events] == [Rejected]


def test_a_crc_may_miss_its_leading_zero() -> None:
    """One adapter prints three digits."""
    body = next(
        candidate for n in range(100_000) if crc16(candidate := HEADER + b"1-0:1.8.0(%06d*kWh)\r\n!" % n) < 0x1000
    )
    (event,) = listen(body + f"{crc16(body):03X}".encode() + b"\r\n", parity=False)
    assert isinstance(event, Received)


def test_an_endless_telegram_is_rejected_and_the_next_is_read() -> None:
    """Memory is bounded."""
    events = listen(HEADER, *[b"1.8.0(1)\r\n" * 100] * 70, PUSH)
    assert [event.failure for event in events if isinstance(event, Rejected)] == [Failure.TOO_LONG]
    assert blocks(events) == [DATA.strip()]


def test_floods_of_nul_leave_nothing_behind() -> None:
    """A line held low reads as NULs for ever."""
    session = PushSession(SessionSettings(), 9600, DIALECTS)
    session.actions(0.0)
    for n in range(200):
        session.receive(b"\0" * 1000, float(n))
    session.receive(add_parity(PUSH), 300.0)
    assert blocks(session.events()) == [DATA.strip()]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=100), max_size=10))
def test_any_bytes_end_in_events_and_never_in_a_value_that_was_not_on_the_line(pieces: list[bytes]) -> None:
    """No exception, whatever comes."""
    heard = strip_parity(add_parity(b"".join(pieces)))[0]
    for block in blocks(listen(*pieces)):
        assert block in heard


def test_an_eighth_bit_that_is_no_parity_stays() -> None:
    """A letter of eight bits is no other letter of seven; on a line with parity, damage stays damage."""
    body = HEADER + b"0-0:96.13.0*255(M\xfcller)\r\n" + DATA + b"!"
    (received,) = listen(body + f"{crc16(body):04X}\r\n".encode(), parity=False)
    assert isinstance(received, Received)
    assert b"M\xfcller" in received.telegram.block
    telegram = body + f"{crc16(body):04X}\r\n".encode()
    session = PushSession(SessionSettings(), 9600, DIALECTS)
    session.receive(telegram, 1.0)
    assert [event.telegram for event in session.events() if isinstance(event, Received)] == [received.telegram]
    damaged = bytearray(add_parity(PUSH))
    damaged[30] ^= 0x80
    session = PushSession(SessionSettings(), 9600, DIALECTS)
    session.receive(bytes(damaged), 1.0)
    assert [event.telegram.parity_errors for event in session.events() if isinstance(event, Rejected)] == [1]
