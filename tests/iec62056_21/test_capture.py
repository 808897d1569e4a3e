"""Recordings as users save them: framed or not, with parity, echo, noise, dialogues, several telegrams."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obisgw.errors import ConfigurationError
from obisgw.iec62056_21.block_check import BlockCheck, BlockCheckKind, crc16, sum7_check, xor_check
from obisgw.iec62056_21.capture import Captured, telegrams_in
from obisgw.iec62056_21.characters import add_parity
from obisgw.iec62056_21.dialects import Dialects
from obisgw.iec62056_21.identification import Mode
from obisgw.iec62056_21.recording import HEADER, Chunk, Direction, format_chunk, parse_capture

DIALECTS = Dialects.load()
DATA = b"0.0.0(12345678)\r\n1.8.0(000123.4*kWh)\r\n"


def framed(data: bytes = DATA + b"!\r\n", end: bytes = b"\x03") -> bytes:
    """``data`` between STX and ETX with the block check of the standard."""
    body = data + end
    return b"\x02" + body + bytes((xor_check(body),))


IDENTIFICATION = b"/XYZ5METER\r\n"
READOUT = IDENTIFICATION + framed()
PUSH = IDENTIFICATION + b"\r\n" + DATA + b"!\r\n"
P1_COVERED = IDENTIFICATION + b"\r\n0-0:1.0.0(240407122854S)\r\n1-0:1.8.0(000123.4*kWh)\r\n!"
P1 = P1_COVERED + f"{crc16(P1_COVERED):04X}\r\n".encode()


def messages(capture: bytes, dialect: str | None = None) -> tuple[Captured, ...]:
    """The messages in ``capture``."""
    return telegrams_in(capture, DIALECTS, DIALECTS.named(dialect) if dialect else None).messages


def only(capture: bytes, dialect: str | None = None) -> Captured:
    """The one message in ``capture``."""
    (message,) = messages(capture, dialect)
    return message


def hexadecimal(data: bytes, form: str) -> bytes:
    """``data`` as hexadecimal text in one of the usual forms."""
    return {
        "plain": data.hex(),
        "blanks": data.hex(" "),
        "colons": data.hex(":").upper(),
        "0x": ", ".join(f"0x{byte:02x}" for byte in data),
        "short": " ".join(f"{byte:x}" for byte in data),
        "lines": "\r\n".join(data.hex(" ", -16).split(" ")) + "\n",
    }[form].encode()


def dump(data: bytes, form: str) -> bytes:
    """``data`` as the usual programs show it; every one has lines of sixteen bytes."""
    lines = []
    for at in range(0, len(data), 16):
        part = data[at : at + 16]
        plain = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in part)
        digits = part.hex(" ")
        match form:
            case "xxd":
                lines.append(f"{at:08x}: {part.hex(' ', -2):<40} {plain}")
            case "hexdump -C":
                lines.append(f"{at:08x}  {digits[:23]:<23}  {digits[24:]:<24} |{plain}|")
            case "hexdump":
                words = part + b"\0" * (len(part) % 2)
                lines.append(
                    f"{at:07x} " + " ".join(f"{b:02x}{a:02x}" for a, b in zip(words[::2], words[1::2], strict=True))
                )
            case "od":
                lines.append(f"{at:07o} {digits}")
            case _:
                lines.append(f"{at:06x} {digits:<48} >{plain}<")
    if form != "xxd":
        end = f"{len(data):07o}" if form == "od" else f"{len(data):07x}"
        lines.append(end)
    return "\n".join(lines).encode() + b"\n"


@pytest.mark.parametrize("form", ["xxd", "hexdump -C", "hexdump", "od", "od with characters"])
@pytest.mark.parametrize("tail", [0, 1, 2, 7])
def test_what_dump_programs_show_is_read(form: str, tail: int) -> None:
    """Offsets and characters are not taken for bytes, whatever stands in the last line."""
    data = READOUT + b"\0" * tail
    assert telegrams_in(dump(data, form), DIALECTS).raw == data


def test_lines_that_a_dump_leaves_out_are_filled() -> None:
    """`hexdump` and `od` show a star in place of lines like the one before: here, of a wake-up."""
    shown = b"00000000  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|\n*\n00000040  2f 3f|/?|\n"
    data = telegrams_in(shown.replace(b"3f|", b"3f  |") + b"00000042\n", DIALECTS).raw
    assert data == b"\0" * 64 + b"/?"


def test_hexadecimal_text_is_no_dump() -> None:
    """Its first group is no offset, or the next one does not fit."""
    assert telegrams_in(b"0000 2f49", DIALECTS).raw == b"\0\0/I"
    assert telegrams_in(b"0000 2f49\n0000 2f49", DIALECTS).raw == b"\0\0/I\0\0/I"


@pytest.mark.parametrize(
    "capture",
    [
        READOUT,
        b"/?!\r\n" + READOUT,
        b"\x7f\x7f\xff/?!\r\n" + READOUT + b"\x7f\x00",
        b"\x00" * 65 + b"/?!\r\n" + READOUT,
        b"/?12345678!\r\n" + IDENTIFICATION + b"\x06050\r\n" + framed(),
        IDENTIFICATION + b"?" + framed(),
        IDENTIFICATION + b"\x06\r\n" + framed(),
        IDENTIFICATION + b"\x02\x7f\x02" + framed()[1:],
        # The first character of STX was lost; the block check still proves the rest.
        IDENTIFICATION + framed()[1:],
        add_parity(b"/?!\r\n" + READOUT),
        b"/?!\r\n" + add_parity(READOUT),
        READOUT.replace(b"\r\n", b"\n"),
        b"\xef\xbb\xbf" + READOUT,
        *(hexadecimal(READOUT, form) for form in ("plain", "blanks", "colons", "0x", "short", "lines")),
    ],
)
def test_a_readout_is_found_in_what_a_user_saved(capture: bytes) -> None:
    """Echo, wake-up, noise, parity, acknowledgement, an editor's line ends, hexadecimal text."""
    telegram = only(capture).telegram
    assert telegram.proved
    assert telegram.check is BlockCheck.OK
    assert telegram.mode is Mode.C
    assert telegram.identification is not None
    assert telegram.identification.model == "METER"
    assert telegram.block.replace(b"\r\n", b"\n") == (DATA + b"!\r\n").replace(b"\r\n", b"\n")


@pytest.mark.parametrize(
    "capture",
    [
        READOUT[:-1] + bytes((READOUT[-1] ^ 1,)),
        READOUT.replace(b"123.4", b"123.5"),
        # ETX came and its block check did not.
        READOUT[:-1],
        # The meter sends a block check: an end mark alone is a telegram that was cut.
        READOUT[:-2],
        READOUT[:-20],
        # Without its beginning nobody knows what was lost.
        READOUT[30:],
        # A block check that does not miss "0.0.".
        READOUT.replace(b"\x020.0.", b""),
        # A block check that fits by chance.
        IDENTIFICATION + framed(DATA + b"\x10\x13!\r\n"),
        P1.replace(b"123.4", b"123.5"),
        P1[:-5],
        P1[:-6],
        PUSH[:-3],
        PUSH[14:],
        PUSH.replace(b"123.4", b"12\x003.4"),
        PUSH.replace(b"123.4", b"12\xb33.4"),
        add_parity(READOUT).replace(add_parity(b"123.4"), b"\x31" + add_parity(b"23.4")),
    ],
)
def test_a_damaged_message_proves_nothing(capture: bytes) -> None:
    """It is shown all the same, to explain what happened."""
    assert not only(capture).telegram.proved


def test_letters_of_eight_bits_are_kept_as_they_are() -> None:
    """Behind an identification they are the meter's, and only their own line is not understood."""
    data = b"0.0.1(M\xfcller)\r\n" + DATA + b"!\r\n"
    telegram = only(IDENTIFICATION + framed(data)).telegram
    assert (telegram.proved, telegram.block) == (True, data)
    assert not only(framed(data)).telegram.proved


def test_a_telegram_without_end_is_taken_apart_and_proves_nothing() -> None:
    """As long as none is: a session ends it at the same length."""
    endless = IDENTIFICATION + framed(b"1.8.0(1*kWh)\r\n" * 6000 + b"!\r\n")
    assert not any(message.telegram.proved for message in messages(endless))


def test_parity_finds_what_the_block_check_cannot() -> None:
    """The same bit flipped in two characters leaves the exclusive or as it was."""
    raw = bytearray(add_parity(READOUT))
    at = raw.index(add_parity(b"123.4"))
    raw[at] ^= 2
    raw[at + 2] ^= 2
    telegram = only(bytes(raw)).telegram
    assert telegram.check is BlockCheck.OK
    assert telegram.parity_errors == 2
    assert not telegram.proved


def test_a_push_without_check_is_whole_with_its_end_mark() -> None:
    """Mode D: identification, data and ``!`` were seen."""
    telegram = only(PUSH).telegram
    assert (telegram.mode, telegram.check, telegram.proved) == (Mode.D, BlockCheck.ABSENT, True)
    assert telegram.block == DATA


def test_a_stream_of_pushes_is_taken_apart() -> None:
    """Joined in the middle of one, cut in the middle of another, and two whole ones."""
    found = messages(PUSH[20:] + PUSH + PUSH[:-25] + PUSH)
    assert [message.telegram.proved for message in found] == [False, True, False, True]


@pytest.mark.parametrize("digits", ["{:04X}", "{:04x}", "{:X}"])
def test_the_crc_of_a_p1_telegram_is_checked(digits: str) -> None:
    """Upper or lower case, and without its leading zero from some adapters."""
    covered = P1_COVERED
    telegram = only(covered + digits.format(crc16(covered)).encode() + b"\r\n").telegram
    assert (telegram.check, telegram.check_kind, telegram.proved) == (BlockCheck.OK, BlockCheckKind.CRC16, True)


def test_a_p1_telegram_that_an_editor_saved_with_lf_is_proved() -> None:
    """The CRC was made over CR LF."""
    assert only(P1.replace(b"\r\n", b"\n")).telegram.proved


def test_extra_lines_behind_the_end_mark_are_no_data() -> None:
    """Gateways add operating seconds and junk."""
    telegram = only(PUSH + b"  25803103\r\n" + b"\xff" * 33 + b"\r\n").telegram
    assert telegram.proved
    assert telegram.block == DATA


def test_a_dialect_may_lack_the_block_check() -> None:
    """Only named in the configuration, or by a model that is known for it."""
    capture = READOUT[:-2]
    assert not only(capture).telegram.proved
    assert only(capture, "no-block-check").telegram.proved


def test_a_sum_proves_an_energomera() -> None:
    """The same bytes are wrong by exclusive or."""
    body = b"ET0PE(68.42)\r\n\x03"
    capture = b"/EKT5CE102Mv01\r\n\x02" + body + bytes((sum7_check(body),))
    message = only(capture)
    assert message.telegram.check_kind is BlockCheckKind.SUM7
    assert message.telegram.proved
    assert not only(capture, "standard").telegram.proved


def test_partial_blocks_are_put_together() -> None:
    """EOT ends a block that another follows; a row may be split between them."""
    first, second = b"P.01(1220823161500)(00)\r\n(0.1", b"8)\r\n"
    message = only(b"\x01R6\x02P.01(;)\x03 " + framed(first, b"\x04") + b"\x06" + framed(second))
    assert message.telegram.block == first + second
    assert message.telegram.proved
    assert message.request == "P.01"
    assert not only(framed(first, b"\x04")).telegram.proved


def test_answers_belong_to_the_request_in_front_of_them() -> None:
    """A request that was damaged asks for nothing that anybody knows."""
    ask = b"\x01R1\x021.8.0()\x03Z"
    answer = framed(b"(0033402.264*kWh)")
    assert only(IDENTIFICATION + ask + answer).request == "1.8.0"
    assert only(IDENTIFICATION + ask[:-1] + b"Y" + answer).request is None


def test_a_recording_of_the_gateway_is_replayed() -> None:
    """Written and read by the same module."""
    chunks = (
        Chunk(0.0, Direction.SENT, b"/?!\r\n"),
        Chunk(0.412, Direction.RECEIVED, READOUT[:20]),
        Chunk(0.5, Direction.RECEIVED, READOUT[20:]),
    )
    text = "\n".join((HEADER, "# kitchen", "", *map(format_chunk, chunks), ""))
    assert parse_capture(text) == chunks
    assert only(text.encode()).telegram.proved


def test_a_recording_that_was_interrupted_loses_its_last_line() -> None:
    """Power went while it was written."""
    assert parse_capture(f"{HEADER}\n0.0 rx 2f\n0.1 r") == (Chunk(0.0, Direction.RECEIVED, b"/"),)


def test_a_recording_with_a_wrong_line_names_it() -> None:
    """The file was edited by hand."""
    with pytest.raises(ConfigurationError, match="line 2"):
        parse_capture(f"{HEADER}\n0.0 xx 2f\n0.1 rx 2f\n")


@given(
    st.one_of(
        st.binary(max_size=300),
        st.lists(
            st.sampled_from(
                [READOUT, PUSH, P1, b"/?!\r\n", b"\x02", b"\x03", b"\x04", b"\x01R1\x02", b"(", b")!", b"\x00"]
            )
        ).map(b"".join),
    )
)
def test_any_bytes_end_in_messages(capture: bytes) -> None:
    """Never an exception, and no message that is not in the recording."""
    found = telegrams_in(capture, DIALECTS)
    for message in found.messages:
        assert message.telegram.raw in found.raw


@given(st.integers(0, len(READOUT) - 1), st.integers(0, 7))
def test_a_flipped_bit_proves_no_other_data(at: int, bit: int) -> None:
    """With parity on the line, every single flipped bit between STX and the block check is found."""
    raw = bytearray(add_parity(READOUT))
    raw[at] ^= 1 << bit
    for message in messages(bytes(raw)):
        if message.telegram.proved:
            assert message.telegram.block == DATA + b"!\r\n"
