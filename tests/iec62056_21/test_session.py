"""A readout, dialogue by dialogue, with a clock moved by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obisgw.iec62056_21.block_check import BlockCheck, xor_check
from obisgw.iec62056_21.characters import CharacterFormat, add_parity, strip_parity
from obisgw.iec62056_21.data_sets import parse_data_sets
from obisgw.iec62056_21.dialects import Dialects
from obisgw.iec62056_21.events import EchoSeen, Failure, Identified, Rejected, Send, SetLine
from obisgw.iec62056_21.identification import Mode
from obisgw.iec62056_21.messages import wake_up
from obisgw.iec62056_21.plan import LinePlan
from obisgw.iec62056_21.session import ReadoutSession, SessionSettings
from tests.iec62056_21.bench import Bench

DIALECTS = Dialects.load()
DATA = b"F.F(00000000)\r\n0.0.0(12345678)\r\n1.8.0(001234.567*kWh)\r\n2.8.0(000000.000*kWh)\r\n!\r\n"
IDENTIFICATION = b"/XYZ5METER\r\n"


def message(data: bytes = DATA, end: bytes = b"\x03") -> bytes:
    """STX, data, ETX and the block check."""
    return b"\x02" + data + end + bytes((xor_check(data + end),))


def bench(plan: LinePlan | None = None, **options: object) -> Bench[ReadoutSession]:
    made = Bench(ReadoutSession(SessionSettings(**options), plan or LinePlan(), DIALECTS))  # type: ignore[arg-type]
    made.run()
    return made


def test_mode_c_acknowledges_after_the_reaction_time_and_switches_when_the_last_bit_has_left() -> None:
    """Clause 6.4.3: request, identification, acknowledgement 050, data at 9600 Bd."""
    line = bench()
    assert line.sent == [b"/?!\r\n"]
    line.hear(IDENTIFICATION)
    identified = line.now
    line.run(line.now + 0.45)
    assert line.sent[1:] == [b"\x06050\r\n"]
    (acknowledged, _), (switched, rate) = line.times[-2:]
    assert acknowledged - identified == pytest.approx(0.2)
    assert switched - acknowledged == pytest.approx(0.2 + 0.04)
    assert rate == "9600 Bd"
    line.hear(message())
    assert line.values == DATA
    assert line.session.finished


def test_a_maker_with_a_lower_case_letter_is_acknowledged_after_20_ms_and_switched_to_at_once() -> None:
    """Such meters may answer 20 ms after the acknowledgement, so the line must be ready before."""
    line = bench()
    line.hear(b"/ISk5MT174-0001\r\n")
    identified = line.now
    line.run(line.now + 0.3)
    (acknowledged, _), (switched, _) = line.times[-2:]
    assert acknowledged - identified == pytest.approx(0.02)
    assert switched - (acknowledged + 0.2) < 0.02


def test_a_blank_line_behind_the_identification_delays_the_acknowledgement() -> None:
    """The reaction time begins when the meter has ended; but not for ever: after 1.5 s it falls back to 300 Bd."""
    line = bench()
    line.hear(IDENTIFICATION)
    line.hear(b"\r\n", after=0.066)
    blank = line.now
    line.run(line.now + 0.45)
    assert line.times[-2][0] - blank == pytest.approx(0.2)
    noisy = bench()
    noisy.hear(IDENTIFICATION)
    identified = noisy.now
    while len(noisy.sent) == 1 and noisy.now < identified + 2:
        noisy.hear(b"\x7f", after=0.03)
    assert noisy.times[-1][0] - identified <= 1.05


def test_a_mode_that_the_owner_insists_on_is_taken_in_place_of_the_offer() -> None:
    """Mode A of a meter that offers C is its fall-back; mode B changes speed at once."""
    fallback = bench(mode=Mode.A)
    fallback.hear(IDENTIFICATION)
    fallback.run(fallback.now + 1.5)
    fallback.hear(message())
    assert fallback.values == DATA
    assert fallback.rates == [300]
    assert len(fallback.sent) == 1
    at_once = bench(mode=Mode.B)
    at_once.hear(IDENTIFICATION)
    at_once.hear(message())
    assert at_once.values == DATA
    assert at_once.rates == [300, 9600]


def test_mode_a_may_end_without_a_block_check_but_not_with_a_damaged_end() -> None:
    """In mode A the frame's end may be missing; an ETX that noise changed is another matter."""
    line = bench()
    line.hear(b"/XYZ METER\r\n")
    line.hear(b"\x02" + DATA)
    line.run(line.now + 2)
    assert line.values == DATA.rstrip()
    damaged = bench()
    damaged.hear(b"/XYZ METER\r\n")
    damaged.hear(b"\x02" + DATA + b"\x13\x21")
    damaged.run(damaged.now + 2)
    assert damaged.values is None
    assert damaged.failure is Failure.CUT


def test_baud_character_zero_needs_no_change_of_speed() -> None:
    """The meter goes on at 300 Bd."""
    line = bench()
    line.hear(b"/ACE0\\3k260V01.18\r\n")
    line.run(line.now + 0.45)
    assert line.sent[1:] == [b"\x06000\r\n"]
    line.hear(b"\x06000\r\n")  # echo of the acknowledgement
    line.hear(message())
    assert line.values == DATA
    assert line.rates == [300]


def test_mode_a_gets_no_acknowledgement() -> None:
    """An acknowledgement would collide with the data that follow by themselves."""
    line = bench()
    line.hear(b"/KAM 685-382\r\n")
    line.hear(message(), after=1.4)
    assert line.sent == [b"/?!\r\n"]
    assert line.values == DATA


def test_mode_b_changes_speed_without_acknowledgement() -> None:
    """The letter C stands for 2400 Bd."""
    line = bench(plan=LinePlan())
    line.hear(b"/XYZCMETER\r\n")
    line.run()
    assert line.rates == [300, 2400]
    line.hear(message())
    assert line.sent == [b"/?!\r\n"]
    assert line.values == DATA


@pytest.mark.parametrize(
    "before",
    [
        b"/?!\r\n",
        b"\x7f\x7f\x7f\x7f\x7f/?!\r\n",
        b"\xff\x00\x80",
        b"?!\r\n",
        b"/?",
        b"/?\r\n",
        b"\x00" * 40,
        b"\r\n",
    ],
)
def test_what_comes_before_the_identification_does_not_hide_it(before: bytes) -> None:
    """Echo whole, cut and damaged; noise."""
    line = bench()
    line.hear(before + IDENTIFICATION)
    assert [event.identification.raw for event in line.of(Identified)] == ["/XYZ5METER"]


def test_an_identification_that_lost_its_first_character_is_read() -> None:
    """Heat meters and heads lose the "/" after the long silence."""
    line = bench()
    line.hear(IDENTIFICATION[1:])
    assert [event.identification.raw for event in line.of(Identified)] == ["/XYZ5METER"]


def test_the_echo_is_told() -> None:
    """A head that hears its own light is a fact for the user."""
    line = bench()
    line.hear(b"/?!\r\n" + IDENTIFICATION)
    assert line.of(EchoSeen) == [EchoSeen(5)]


@pytest.mark.parametrize(
    ("heard", "failure"),
    [
        (b"", Failure.SILENCE),
        (b"/?!\r\n", Failure.ECHO_ONLY),
        (b"\x12\x55\x7f\x01" * 5, Failure.GARBAGE),
        (b"\x00" * 30, Failure.GARBAGE),
        (b"/" + b"A" * 1024, Failure.GARBAGE),
        (b"\x01B0\x03q", Failure.SESSION_OPEN),
    ],
)
def test_without_an_identification_the_failure_says_what_was_heard(heard: bytes, failure: Failure) -> None:
    """Silence, echo and noise want different remedies."""
    line = bench()
    line.hear(heard)
    line.run(line.now + 30)
    assert line.failure is failure
    assert line.session.finished


def signed_on(identification: bytes = IDENTIFICATION, **options: object) -> Bench[ReadoutSession]:
    """A session that has just switched to the data rate."""
    line = bench(None, **options)
    line.hear(identification)
    line.run(line.now + 0.5)
    return line


@pytest.mark.parametrize("before", [b"", b"?", b"\x06\r\n", b"\x00\x00", b"\x7f\x12\x11", b"\x02?"])
def test_what_comes_before_the_data_is_passed_over(before: bytes) -> None:
    """AS1440 sends "?" or ACK CR LF before STX; noise can even hold an STX."""
    line = signed_on()
    line.hear(before + message())
    assert line.values == DATA


def test_a_lost_stx_costs_nothing_when_the_block_check_is_right() -> None:
    """STX is no part of the block check."""
    line = signed_on()
    line.hear(message()[1:])
    assert line.values == DATA


@pytest.mark.parametrize("first", [b"x", b"1", b"\x12", b"\x00\x12", b"?\r\nx"])
def test_a_damaged_stx_costs_nothing_when_the_block_check_is_right(first: bytes) -> None:
    """The first character behind a change of speed is the one that is heard wrongly."""
    line = signed_on()
    line.hear(first + message()[1:])
    assert line.values == DATA


def test_pushed_telegrams_that_follow_a_request_are_not_collected_for_ever() -> None:
    """Asked at its own speed, a push meter seems to name itself; behind its end mark no block check comes."""
    line = bench(LinePlan(start_baudrate=9600))
    push = b"/ESY5Q3D\r\n\r\n" + DATA
    for _ in range(3):
        line.hear(push, after=1.2)
    assert line.failure is Failure.CUT
    assert line.values is None


def test_more_than_stx_is_missed_where_the_block_check_misses_nothing() -> None:
    """The exclusive or of what is lost can be nothing: the number would stand under the address "0"."""
    data = b"0.0.0(12345678)\r\n1.8.0(001234.567*kWh)\r\n!\r\n"
    line = signed_on()
    line.hear(message(data)[1:])
    assert line.values == data
    line = signed_on()
    line.hear(message(data)[5:])
    line.run(line.now + 5)
    assert (line.failure, line.values) == (Failure.START_LOST, None)


def test_data_behind_another_identification_are_not_this_meters() -> None:
    """Twice the same name is one meter; a push meter's in front of it is another."""
    line = signed_on()
    line.hear(IDENTIFICATION + message())
    assert line.values == DATA
    line = signed_on(b"/ESY5Q3D\r\n")
    line.hear(IDENTIFICATION + message())
    assert (line.failure, line.values) == (Failure.GARBAGE, None)


def test_an_empty_list_is_no_damage() -> None:
    """The utility has switched the list off: asking again for the same brings no more."""
    line = signed_on()
    line.hear(message(b"!\r\n"))
    assert (line.failure, line.values) == (Failure.REFUSED, None)


def test_a_missed_beginning_is_told_apart_from_noise() -> None:
    """The meter was faster than the change of speed; a repeat by NAK does not help when it is not given."""
    line = signed_on()
    line.hear(message()[20:])
    line.run(line.now + 0.3)
    line.hear(message()[20:])
    assert line.failure is Failure.START_LOST


def test_a_missed_beginning_is_told_of_a_meter_that_repeats_nothing() -> None:
    """Most meters ignore NAK: what is missing still shows that the line changed its speed too late."""
    line = signed_on()
    line.hear(message()[20:])
    line.run(line.now + 10)
    assert line.failure is Failure.START_LOST


def test_partial_blocks_are_acknowledged_and_joined() -> None:
    """A data set may be split between blocks."""
    line = signed_on()
    line.hear(message(DATA[:40], b"\x04"))
    line.run(line.now + 0.3)
    assert line.sent[-1] == b"\x06"
    line.hear(message(DATA[40:]))
    assert line.values == DATA


def test_a_wrong_block_check_is_answered_by_one_nak() -> None:
    """The repeat counts when it is right."""
    line = signed_on()
    line.hear(message()[:-1] + b"\x00")
    line.run(line.now + 0.3)
    assert line.sent[-1] == b"\x15"
    line.hear(message())
    assert line.values == DATA


def test_a_wrong_block_check_that_is_not_repeated_ends_the_attempt() -> None:
    """Many meters ignore NAK."""
    line = signed_on()
    line.hear(message()[:-1] + b"\x00")
    line.run(line.now + 10)
    assert line.failure is Failure.BAD_CHECK
    assert line.values is None


def test_two_equal_bits_flipped_pass_the_block_check_and_fail_by_parity() -> None:
    """An exclusive or does not see pairs; parity sees each."""
    good = bytearray(add_parity(message()))
    good[20] ^= 1
    good[30] ^= 1
    line = signed_on()
    line.run(line.now + 0.2)
    line.session.receive(bytes(good), line.now)
    line.run(line.now + 5)
    assert line.values is None
    assert line.failure is Failure.BAD_CHECK


def test_a_meter_that_sends_no_parity_is_proved_by_its_block_check() -> None:
    """Some meters send 8N1 in truth."""
    line = bench()
    line.hear(IDENTIFICATION, parity=False)
    line.run(line.now + 0.5)
    line.hear(message(), parity=False)
    assert line.values == DATA


@pytest.mark.parametrize("form", [CharacterFormat.SOFTWARE_7E1, CharacterFormat.HARDWARE], ids=["7e1", "8n1"])
def test_an_eighth_bit_that_is_no_parity_stays(form: CharacterFormat) -> None:
    """A letter of eight bits is no other letter of seven. The block check is right with or without its eighth bit."""
    data = b"0.0.1(M\xfcller)\r\n" + DATA
    for check in (xor_check(data + b"\x03"), xor_check(data + b"\x03") & 0x7F):
        line = bench(format=form)
        line.hear(IDENTIFICATION, parity=False)
        line.run(line.now + 0.5)
        line.hear(b"\x02" + data + b"\x03" + bytes((check,)), parity=False)
        assert line.values == data
        data_sets, unparsed = parse_data_sets(data)
        assert [item.raw for item in unparsed] == ["0.0.1(M\xfcller)"]
        assert len(data_sets) == 4


def test_parity_that_a_port_without_parity_hands_on_is_taken_off() -> None:
    """The owner said 8n1, the meter sends 7E1 all the same."""
    line = bench(format=CharacterFormat.HARDWARE)
    line.hear(IDENTIFICATION, parity=False)
    line.run(line.now + 0.5)
    line.hear(message(), parity=True)
    assert line.values == DATA


@pytest.mark.parametrize("cut", range(1, len(message())))
def test_a_message_cut_anywhere_proves_nothing(cut: int) -> None:
    """Not even when only the block check is missing."""
    line = signed_on()
    line.hear(message()[:cut])
    line.run(line.now + 20)
    assert line.values is None
    assert line.failure in {Failure.CUT, Failure.NO_DATA, Failure.GARBAGE, Failure.STAYED_SLOW}


def test_a_meter_that_goes_on_at_300_after_a_silence_is_listened_for_there() -> None:
    """It ignored the acknowledgement; its own time-out starts a readout at the initial rate."""
    line = signed_on()
    line.run(line.now + 3.6)
    assert line.rates[-1] == 300
    line.hear(message(), after=0.5)
    assert line.values == DATA


def test_slow_unreadable_characters_mean_that_the_meter_stayed_at_300() -> None:
    """At 9600 Bd each of its characters looks like a few broken ones."""
    line = signed_on()
    for _ in range(8):
        line.hear(b"\x00\xe0\x00", after=0.033, parity=False)
    assert line.failure is Failure.STAYED_SLOW


def test_no_data_at_either_speed() -> None:
    """The identification came and then nothing."""
    line = signed_on()
    line.run(line.now + 30)
    assert line.failure is Failure.NO_DATA


def test_an_endless_telegram_ends_the_attempt() -> None:
    """Memory is bounded by the longest readout there is."""
    line = signed_on()
    line.hear(b"\x02")
    for _ in range(70):
        line.hear(b"1.8.0(1)\r\n" * 100, after=0.1)
    assert line.failure is Failure.TOO_LONG


def test_there_is_no_total_time_out() -> None:
    """Months of history at 300 Bd take minutes; only the gap between characters counts."""
    line = signed_on()
    whole = message()
    for character in whole:
        line.hear(bytes((character,)), after=1.4)
    assert line.values == DATA


def test_a_sleeping_meter_is_woken() -> None:
    """Annex B: NULs for 2.1 to 2.3 s, 1.5 to 1.7 s of silence, then the request."""
    line = bench(wake_up=True)
    line.run(line.now + 2)
    assert line.sent == [b"\0" * 65, b"/?!\r\n"]
    (_, _), (woken, _), (asked, _) = line.times
    assert 2.1 <= 65 * 10 / 300 <= 2.3
    assert 1.5 <= asked - woken - 65 * 10 / 300 <= 1.7


@pytest.mark.parametrize(("bits", "baudrate"), [(10, 300), (11, 300), (10, 2400), (11, 2400)])
def test_a_wake_up_lasts_2_1_to_2_3_seconds_in_any_format(bits: int, baudrate: int) -> None:
    """Annex B; two stop bits make a character eleven bits long."""
    assert 2.1 <= len(wake_up(baudrate, bits)) * bits / baudrate <= 2.3


def test_a_break_precedes_a_retry_and_waits_until_the_line_is_quiet() -> None:
    """A meter that ignores the break and goes on sending could not hear a request."""
    line = bench(LinePlan(break_first=True))
    assert line.sent == [b"\x01B0\x03q"]
    for _ in range(10):
        line.hear(b"1.8.0(1)\r\n", after=0.5)
    assert len(line.sent) == 1
    line.run(line.now + 2)
    assert line.sent[1:2] == [b"/?!\r\n"]


def test_the_device_address_is_in_the_request() -> None:
    """Several meters may share a line."""
    line = bench(address="00000201")
    assert line.sent == [b"/?00000201!\r\n"]


def test_without_acknowledgement_the_meter_falls_back_to_mode_a() -> None:
    """The last step of the ladder."""
    line = bench(LinePlan(acknowledge=False))
    line.hear(IDENTIFICATION)
    line.hear(message(), after=2.2)
    assert line.sent == [b"/?!\r\n"]
    assert line.values == DATA


def test_a_meter_that_waits_for_no_acknowledgement_is_not_interrupted() -> None:
    """It announces a rate and sends its data at once."""
    line = bench()
    line.hear(IDENTIFICATION)
    line.hear(message()[:8], after=0.05)
    line.hear(message()[8:], after=0.3)
    assert line.sent == [b"/?!\r\n"]
    assert line.values == DATA


def test_data_that_arrive_together_with_the_identification_are_kept() -> None:
    """Networks and sleeping pumps deliver both in one piece."""
    line = bench()
    line.hear(b"/KAM METER\r\n" + message())
    assert line.values == DATA


def test_data_without_an_identification_are_read() -> None:
    """EMH and old Metcom answer their table requests with STX at once."""
    line = bench(dialect=DIALECTS.named("emh-table"))
    line.hear(message())
    assert line.values == DATA


def test_data_of_a_request_that_was_given_up_are_not_taken_for_the_answer() -> None:
    """A mode C meter that nobody acknowledged sends them at 300 Bd: a break ends that, and what comes then is believed."""
    line = bench()
    line.hear(message()[:8], after=1.8)
    assert line.failure is Failure.GARBAGE
    line = bench(LinePlan(break_first=True))
    line.run(line.now + 3)
    line.hear(message())
    assert line.values == DATA


def test_any_chopping_gives_the_same_events() -> None:
    """Byte by byte as well as in one piece."""
    line = bench()
    for character in b"\x7f/?!\r\n" + IDENTIFICATION:
        line.hear(bytes((character,)), after=0.033)
    line.run(line.now + 0.5)
    for character in b"?" + message():
        line.hear(bytes((character,)), after=0.001)
    assert line.values == DATA


def test_hardware_parity_sends_and_takes_seven_bit_characters() -> None:
    """The driver makes the parity then."""
    line = bench(format=CharacterFormat.HARDWARE)
    assert line.session.deadline is not None
    line.hear(IDENTIFICATION, parity=False)
    line.run(line.now + 0.5)
    line.hear(message(), parity=False)
    assert line.values == DATA


def test_the_expected_size_tells_how_long_nothing_can_be_decided() -> None:
    """The pump may sleep until the last character can be there."""
    line = signed_on(expected_size=len(message()))
    line.hear(message()[:10])
    assert line.session.wanted == len(message()) - 9 - 1
    line.hear(message()[10:])
    assert line.values == DATA


@pytest.mark.parametrize("head", range(2, 60))
def test_data_of_unknown_size_never_end_sooner_than_their_grammar_allows(head: int) -> None:
    """The pump looks again when they can have ended: never later than they do."""
    whole = message(b"0.0.0(1)\r\n1.8.0(000123.4*kWh)\r\n1.6.1(1.0*kW)(24-11-22 12:00)\r\n!\r\n")
    line = signed_on()
    line.hear(whole[:head])
    rest = len(whole) - head
    assert 1 <= line.session.least <= rest
    if rest <= 5:
        assert line.session.least == rest


def test_aborting_leaves_the_meter_with_a_break() -> None:
    """A session left open would make the meter deaf."""
    line = signed_on()
    assert line.session.abort() == [Send(add_parity(b"\x01B0\x03q"))]
    assert line.session.finished


def test_aborting_before_the_change_of_speed_says_the_break_at_the_new_one() -> None:
    """The meter changes with the acknowledgement's last bit: at the old speed it would hear nothing."""
    line = bench()
    line.hear(IDENTIFICATION)
    line.run(line.now + 0.2)
    assert line.sent[-1] == b"\x06050\r\n"
    assert line.session.abort() == [SetLine(9600), Send(add_parity(b"\x01B0\x03q"))]


def test_aborting_before_the_acknowledgement_stays_at_the_old_speed() -> None:
    """The meter has not been told to change it."""
    line = bench()
    line.hear(IDENTIFICATION)
    assert line.session.abort() == [Send(add_parity(b"\x01B0\x03q"))]


def test_aborting_before_the_identification_sends_a_break_as_well() -> None:
    """The meter was asked: it would go on and send all its data at 300 Bd to nobody."""
    line = bench()
    assert line.session.abort() == [Send(add_parity(b"\x01B0\x03q"))]


def test_aborting_while_nothing_was_asked_sends_nothing() -> None:
    """Not before the request, not after the end, and not to a meter on a battery."""
    assert ReadoutSession(SessionSettings(), LinePlan(), DIALECTS).abort() == []
    failed = bench()
    failed.run(failed.now + 10)
    assert failed.session.abort() == []
    assert bench(dialect=DIALECTS.named("gas-meter")).session.abort() == []


def test_unreadable_characters_that_never_end_are_not_waited_for() -> None:
    """A meter that sends unasked at another speed is never silent."""
    line = bench(LinePlan(break_first=True))
    began = line.now
    while line.failure is None and line.now < began + 60:
        line.hear(bytes((0xA5, 0x08, 0x25, 0xA5, 0x89, 0xA1, 0x08, 0x3D)), after=1.0, parity=False)
    assert line.failure is Failure.UNASKED
    assert line.now - began < 15
    assert line.sent == [b"\x01B0\x03q", b"/?!\r\n"]


def test_readable_characters_are_waited_for_until_they_begin_again() -> None:
    """A readout at 300 Bd takes minutes; pushes at the rate of the request have no end. Meters may hear it all the same."""
    line = bench(LinePlan(break_first=True))
    for _ in range(100):
        line.hear(b"1.8.0(000123.4)\r\n", after=0.6)
    assert line.sent == [b"\x01B0\x03q"]
    line.hear(b"!\r\n\x03A", after=0.5)
    line.run(line.now + 2)
    assert line.sent[1:2] == [b"/?!\r\n"]
    line = bench(LinePlan(break_first=True))
    for _ in range(10):
        line.hear(b"/XYZ5M\r\n\r\n1.8.0(1)\r\n!\r\n", after=1.2)
    assert line.sent[1:2] == [b"/?!\r\n"]


def test_the_rejected_telegram_is_kept_for_whoever_explains() -> None:
    """Nothing received is lost silently."""
    line = signed_on()
    line.hear(message()[:60])
    line.run(line.now + 5)
    rejected = [event for event in line.log if isinstance(event, Rejected)]
    assert rejected[0].telegram.block == DATA[:59]
    assert rejected[0].telegram.check is BlockCheck.ABSENT
    assert not rejected[0].telegram.proved


@settings(max_examples=300, deadline=None)
@given(chunks=st.lists(st.tuples(st.binary(max_size=80), st.floats(0, 3)), max_size=12), start=st.booleans())
def test_any_bytes_end_in_events_and_never_in_a_value(chunks: list[tuple[bytes, float]], start: bool) -> None:  # noqa: FBT001
    """Noise ends by itself, in bounded time, without an exception and without a telegram."""
    line = signed_on() if start else bench()
    for data, after in chunks:
        line.run(line.now + after)
        line.session.receive(data, line.now)
        line.run()
    line.run(line.now + 700)
    assert line.session.finished
    heard = strip_parity(b"".join(data for data, _ in chunks))[0]
    assert line.values is None or line.values in heard


@settings(max_examples=200, deadline=None)
@given(position=st.integers(0, len(message()) - 1), bit=st.integers(0, 7))
def test_no_single_flipped_bit_gives_another_value(position: int, bit: int) -> None:
    """Either the very data, or none."""
    damaged = bytearray(add_parity(message()))
    damaged[position] ^= 1 << bit
    line = signed_on()
    line.run(line.now + 0.2)
    line.session.receive(bytes(damaged), line.now)
    line.run(line.now + 30)
    assert line.values in {None, DATA}


def test_plans_differ_only_where_they_say() -> None:
    """A plan is plain data."""
    assert replace(LinePlan(), baud_char="0") == LinePlan(baud_char="0")
