"""The meter's end of the protocol, with the clock moved by hand."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obisgw.iec62056_21.block_check import BlockCheckKind, compute
from obisgw.iec62056_21.characters import CharacterFormat, add_parity, strip_parity
from obisgw.iec62056_21.events import Send, SetLine
from obisgw.iec62056_21.identification import Mode
from obisgw.iec62056_21.messages import Acknowledgement, break_message, request, wake_up
from obisgw.iec62056_21.meter import MeterSession
from obisgw.iec62056_21.meter_settings import (
    Acknowledged,
    AcknowledgementRule,
    Answered,
    BreakHeard,
    FellBack,
    Ignored,
    MeterList,
    MeterSettings,
    RequestHeard,
    StopSending,
    WakeUp,
    Woken,
)

BLOCK = b"1.8.0(000123.4*kWh)\r\n!\r\n"
MESSAGE = b"\x02" + BLOCK + b"\x03\x7e"
C = "/OBG5METER"


class Dialogue:
    """A meter and a clock: what it sends, with the time of the first bit and the rate."""

    def __init__(self, block: bytes = BLOCK, **settings: Any) -> None:
        settings.setdefault("identification", C)
        self.settings = MeterSettings(**settings)
        self.meter = MeterSession(self.settings, lambda _now: block)
        self.now = 0.0
        self.rate = 300
        self.sent: list[tuple[float, int, bytes]] = []

    def say(self, data: bytes, *, rate: int = 300, parity: bool = True) -> None:
        """Let the reading device send, character by character."""
        for character in add_parity(data) if parity else data:
            self.wait(10 / rate)
            self.meter.receive(bytes((character,)), self.now)

    def wait(self, seconds: float) -> list[bytes]:
        """Let time pass; return what the meter began to send in it."""
        end, begun = self.now + seconds, len(self.sent)
        while (due := self.meter.deadline) is not None and due <= end:
            self.now = max(self.now, due)
            for action in self.meter.actions(self.now):
                match action:
                    case SetLine(baudrate):
                        self.rate = baudrate
                    case Send(data):
                        self.sent.append((self.now, self.rate, strip_parity(data)[0]))
                        # The meter's own characters are not waited for: a dialogue reads better in reaction times.
                        self.meter.sent(self.now)
                    case StopSending():
                        raise AssertionError("nothing was under way")
        self.now = end
        return [data for _, _, data in self.sent[begun:]]

    def kinds(self) -> list[type]:
        """Return the kinds of events since the last call."""
        return [type(event) for event in self.meter.events()]


@pytest.mark.parametrize(
    ("asked", "settings", "answers"),
    [
        (b"/?!\r\n", {}, True),
        (b"/?!\r\n", {"address": "4711"}, True),
        (b"/?4711!\r\n", {"address": "4711"}, True),
        (b"/?00004711!\r\n", {"address": "4711"}, True),
        (b"/?4711!\r\n", {"address": "0004711"}, True),
        (b"/?0000!\r\n", {"address": "4711"}, True),
        (b"/?4712!\r\n", {"address": "4711"}, False),
        (b"/?a1!\r\n", {"address": "A1"}, False),
        (b"/?4711!\r\n", {}, False),
        (b"/?4711!\r\n", {"address_ignored": True}, True),
        (b"/?!\r\n", {"address": "4711", "address_required": True}, False),
        (b"/?4711!\r\n", {"address": "4711", "address_required": True}, True),
        (b"/?!", {}, False),
        (b"/?!", {"line_end_required": False}, True),
        (b"\x7f\x7f/?!\r\n", {}, True),
        (b"/?/?!\r\n", {}, True),
        (b"/#!\r\n", {}, False),
        (b"hello\r\n", {}, False),
        (b"\x06050\r\n", {}, False),
    ],
)
def test_a_request_is_answered_when_it_is_meant_for_the_meter(
    asked: bytes,
    settings: dict[str, Any],
    answers: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Address, general call, and form (clause 6.3.1)."""
    dialogue = Dialogue(**settings)
    dialogue.say(asked)
    assert dialogue.wait(1.0) == ([C.encode() + b"\r\n"] if answers else [])


@pytest.mark.parametrize("reaction", [0.02, 0.2, 1.5])
def test_the_reaction_time_runs_from_the_last_bit_heard(reaction: float) -> None:
    """To the first bit sent."""
    dialogue = Dialogue(reaction=reaction)
    dialogue.say(request())
    heard = dialogue.now
    dialogue.wait(3)
    assert dialogue.sent[0][0] == pytest.approx(heard + reaction)


@pytest.mark.parametrize(
    ("z", "rule", "rate"),
    [
        ("5", AcknowledgementRule.ANNOUNCED, 9600),
        ("0", AcknowledgementRule.ANNOUNCED, 300),
        ("4", AcknowledgementRule.ANNOUNCED, 300),
        ("4", AcknowledgementRule.ANY, 4800),
        ("5", AcknowledgementRule.STAY, 300),
    ],
)
@pytest.mark.parametrize("y", ["0", "1", "2"])
def test_the_acknowledgement_sets_the_rate_of_the_data(z: str, rule: AcknowledgementRule, rate: int, y: str) -> None:
    """Of mode C; a meter without programming mode reads out whatever Y is."""
    dialogue = Dialogue(acknowledgement=rule)
    dialogue.say(request())
    dialogue.wait(0.5)
    dialogue.say(Acknowledgement("0", z, y).encode())
    heard = dialogue.now
    assert dialogue.wait(1.0) == [MESSAGE]
    assert dialogue.sent[1][0] == pytest.approx(heard + 0.2)
    assert dialogue.sent[1][1] == rate
    assert dialogue.kinds() == [RequestHeard, Acknowledged, Answered]
    assert dialogue.rate == 300


@pytest.mark.parametrize(
    ("said", "settings"),
    [
        (b"", {}),
        (b"\x06\x00\x00\r\n", {}),
        (b"\x06050\r\n", {"acknowledgement": AcknowledgementRule.IGNORE}),
    ],
)
def test_without_acknowledgement_the_data_come_at_300(said: bytes, settings: dict[str, Any]) -> None:
    """By themselves, 1.5 to 2.2 s after the identification."""
    dialogue = Dialogue(**settings)
    dialogue.say(request())
    dialogue.wait(0.25)
    identified = dialogue.sent[0][0]
    dialogue.say(said)
    assert dialogue.wait(3) == [MESSAGE]
    at, rate, _ = dialogue.sent[1]
    assert rate == 300
    assert 1.5 <= at - identified <= 2.2
    assert FellBack in dialogue.kinds()


def test_a_meter_may_wait_for_its_acknowledgement_for_ever() -> None:
    """Landis+Gyr E350: nothing without it, and a new request is heard all the same."""
    dialogue = Dialogue(fallback=None)
    dialogue.say(request())
    assert len(dialogue.wait(100)) == 1
    dialogue.say(request())
    assert len(dialogue.wait(1)) == 1


def test_mode_a_sends_its_data_at_300_unasked() -> None:
    """Identification, reaction time, data."""
    dialogue = Dialogue(identification="/OBG METER")
    dialogue.say(request())
    assert dialogue.wait(1) == [b"/OBG METER\r\n", MESSAGE]
    assert [rate for _, rate, _ in dialogue.sent] == [300, 300]


def test_mode_b_switches_by_itself() -> None:
    """To the announced rate, and back."""
    dialogue = Dialogue(identification="/LUGCUH50")
    dialogue.say(request())
    dialogue.wait(1)
    assert [rate for _, rate, _ in dialogue.sent] == [300, 2400]
    assert dialogue.rate == 300


def test_mode_d_pushes_again_and_again() -> None:
    """Every interval, whatever is said to it; no STX and no block check."""
    dialogue = Dialogue(mode=Mode.D, start_baudrate=9600, interval=2.0, stx=False, etx=False, check=None)
    dialogue.wait(5)
    dialogue.say(request(), rate=9600)
    dialogue.wait(0.9)
    assert [round(at, 3) for at, _, _ in dialogue.sent] == [0.0, 2.0, 4.0]
    assert dialogue.sent[0][1:] == (9600, C.encode() + b"\r\n" + BLOCK)


def test_the_p1_port_checks_with_crc16() -> None:
    """From the slash to the exclamation mark, four hexadecimal digits."""
    dialogue = Dialogue(
        mode=Mode.D, start_baudrate=115200, stx=False, check=BlockCheckKind.CRC16, format=CharacterFormat.HARDWARE
    )
    (message,) = dialogue.wait(0.1)
    body, _, check = message.rpartition(b"!")
    assert int(check, 16) == compute(BlockCheckKind.CRC16, body + b"!")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, MESSAGE),
        ({"check": BlockCheckKind.SUM7}, MESSAGE[:-1] + bytes((sum(BLOCK + b"\x03") & 0x7F,))),
        ({"check": None}, MESSAGE[:-1]),
        ({"etx": False}, b"\x02" + BLOCK),
        ({"stx": False, "etx": False}, BLOCK),
        ({"before_data": b"?\x06\r\n"}, b"?\x06\r\n" + MESSAGE),
        ({"noise_after": b"\x00\x01"}, MESSAGE + b"\x00\x01"),
    ],
)
def test_the_data_message_is_framed_as_set(settings: dict[str, Any], message: bytes) -> None:
    """The standard's frame, and those of real meters."""
    dialogue = Dialogue(identification="/OBG METER", **settings)
    dialogue.say(request())
    assert dialogue.wait(1)[1] == message


def test_nak_brings_the_data_again_as_often_as_set() -> None:
    """At the rate of the data, within the meter's patience; then the meter listens at 300."""
    dialogue = Dialogue(repeats=2)
    dialogue.say(request())
    dialogue.wait(0.3)
    dialogue.say(Acknowledgement("0", "5").encode())
    assert dialogue.wait(0.3) == [MESSAGE]
    for _ in range(2):
        dialogue.say(b"\x15", rate=9600)
        assert dialogue.wait(0.3) == [MESSAGE]
    dialogue.say(b"\x15", rate=9600)
    assert dialogue.wait(3) == []
    assert {rate for _, rate, _ in dialogue.sent[1:]} == {9600}
    assert dialogue.rate == 300


def test_partial_blocks_wait_for_their_acknowledgement() -> None:
    """EOT ends each but the last, NAK repeats one, and together they are the whole."""
    dialogue = Dialogue(identification="/OBG METER", block_size=10, repeats=1)
    dialogue.say(request())
    blocks = dialogue.wait(1)[1:]
    dialogue.say(b"\x15")
    assert dialogue.wait(1) == blocks
    for _ in range(5):
        dialogue.say(b"\x06")
        blocks += dialogue.wait(1)
    assert [block[-2] for block in blocks] == [4, 4, 3]
    assert b"".join(block[1:-2] for block in blocks) == BLOCK
    assert all(compute(BlockCheckKind.XOR, block[1:-1]) == block[-1] for block in blocks)


@pytest.mark.parametrize("kind", [BlockCheckKind.XOR, BlockCheckKind.SUM7])
def test_a_break_ends_the_data_at_once(kind: BlockCheckKind) -> None:
    """In the middle of a Send: the rest is not sent, and the next request is answered."""
    meter = MeterSession(MeterSettings("/OBG METER"), lambda _now: BLOCK)
    meter.actions(0.0)
    meter.receive(add_parity(request()), 1.0)
    assert [type(action) for action in meter.actions(1.2)] == [Send]
    meter.receive(add_parity(break_message(kind)), 1.4)
    assert [type(action) for action in meter.actions(1.4)] == [StopSending]
    meter.sent(1.4)
    assert meter.actions(5.0) == []
    meter.receive(add_parity(request()), 6.0)
    assert [type(action) for action in meter.actions(6.2)] == [Send]
    assert [type(event) for event in meter.events()] == [RequestHeard, BreakHeard, RequestHeard]


@pytest.mark.parametrize(
    ("nuls", "pause", "answers"),
    [(65, 1.6, True), (65, 1.0, False), (65, 2.5, False), (40, 1.6, False), (0, 1.6, False), (68, 1.5, True)],
)
def test_a_sleeping_meter_wants_its_wake_up(nuls: int, pause: float, answers: bool) -> None:  # noqa: FBT001 - a column
    """Annex B: NULs for 2.1 to 2.3 s, then a pause of 1.5 to 1.7 s."""
    dialogue = Dialogue(wake_up=WakeUp())
    dialogue.say(bytes(nuls))
    dialogue.wait(pause)
    dialogue.say(request())
    assert bool(dialogue.wait(1)) is answers
    assert dialogue.kinds() == ([Woken, RequestHeard] if answers else [Ignored])


def test_nuls_with_gaps_wake_nobody_and_some_need_no_pause() -> None:
    """UH50 takes 40 NULs and the request right behind."""
    dialogue = Dialogue(wake_up=WakeUp())
    for _ in wake_up():
        dialogue.say(b"\0")
        dialogue.wait(0.01)
    dialogue.wait(1.6)
    dialogue.say(request())
    assert dialogue.wait(1) == []
    easy = Dialogue(wake_up=WakeUp(signal=1.3, pause=(0.0, 2.0)))
    easy.say(bytes(40) + request())
    assert len(easy.wait(1)) == 1


def test_other_lists_come_directly_or_by_identification() -> None:
    """EMH's /4!, Kamstrup's /#1 without an exclamation mark, Elster's /2!."""
    lists = {
        "4": MeterList(lambda _now: b"4\r\n!\r\n"),
        "#1": MeterList(lambda _now: b"K\r\n!\r\n", baudrate=1200),
        "2": MeterList(lambda _now: b"2\r\n!\r\n", direct=False),
    }
    for said, rate, first in [
        (b"/4!\r\n", 300, b"\x024"),
        (b"/#1", 1200, b"\x02K"),
        (b"/2!\r\n", 300, b"/OBG"),
    ]:
        dialogue = Dialogue(lists=lists, line_end_required=False)
        dialogue.say(said)
        dialogue.wait(1)
        assert dialogue.sent[0][1] == rate
        assert dialogue.sent[0][2].startswith(first)


def test_some_meters_want_two_requests() -> None:
    """Siemens AMIS, whose port idles at another rate."""
    dialogue = Dialogue(requests_needed=2)
    dialogue.say(request())
    assert dialogue.wait(2) == []
    dialogue.say(request())
    assert len(dialogue.wait(1)) == 1


def test_an_open_session_is_closed_by_the_first_request() -> None:
    """Metcom MCS301 answers SOH B0."""
    dialogue = Dialogue(session_open=True)
    dialogue.say(request())
    assert dialogue.wait(2) == [break_message()]
    dialogue.say(request())
    assert dialogue.wait(1) == [C.encode() + b"\r\n"]


def test_a_request_with_wrong_parity_is_not_answered_unless_the_meter_is_lenient() -> None:
    """Eight-bit characters without parity, from a reading device that set none."""
    strict, lenient = Dialogue(), Dialogue(strict_parity=False)
    for dialogue in (strict, lenient):
        dialogue.say(request(), parity=False)
    assert strict.wait(1) == []
    assert strict.kinds() == [Ignored]
    assert len(lenient.wait(1)) == 1


@given(st.lists(st.binary(max_size=40), max_size=8), st.sampled_from([C, "/OBG METER", "/LUGCUH50"]))
def test_any_bytes_leave_a_meter_that_answers(noise: list[bytes], identification: str) -> None:
    """Noise at any time; after a silence and a break the next request is answered."""
    dialogue = Dialogue(identification=identification, repeats=1)
    for piece in noise:
        dialogue.say(piece, parity=False)
        dialogue.wait(0.7)
    dialogue.wait(10)
    dialogue.say(break_message())
    dialogue.wait(2.5)
    dialogue.say(request())
    assert identification.encode() + b"\r\n" in dialogue.wait(1)
