"""What real meters push, in frames of HDLC and of M-Bus, in clear and ciphered."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obisgw.dlms import axdr
from obisgw.dlms.axdr import Data, Tag
from obisgw.dlms.clock import clock_time
from obisgw.dlms.errors import DecodeError
from obisgw.dlms.frames import Frame, Kind
from obisgw.dlms.push import HdlcPush, MbusPush, Pushed, PushFailed, PushKeys, PushTrouble
from obisgw.dlms.push_body import entries_of
from obisgw.dlms.security import Control, protect

from datetime import UTC, datetime  # isort: skip

PUSHES = sorted((Path(__file__).parent / "pushes").glob("*.hex"))
KEY, AUTHENTICATION, TITLE = bytes(range(16)), bytes(range(16, 32)), b"KFM\x20\x30\x00\x00\x01"

NAME = bytes((1, 0, 1, 8, 0, 255))
BODY = axdr.structure(
    axdr.octet_string(clock_time(datetime(2026, 11, 24, 12, tzinfo=UTC)).encode()),
    *(axdr.octet_string(NAME), axdr.unsigned(1234, 4), axdr.structure(axdr.integer(0), axdr.enum(30))),
    *(
        axdr.octet_string(bytes((1, 0, 32, 7, 0, 255))),
        axdr.unsigned(2301, 2),
        axdr.structure(axdr.integer(-1), axdr.enum(35)),
    ),
)
"""The form of Austrian meters: codes, values, scalers and units in turn."""

PLAIN = b"\x0f\x00\x00\x00\x01\x00" + axdr.encode(BODY)


def recorded(path: Path) -> bytes:
    return bytes.fromhex("".join(path.read_text().split()))


def ciphered(counter: int, key: bytes = KEY, control: Control = Control.AUTHENTICATED | Control.ENCRYPTED) -> bytes:
    octets = protect(PLAIN, control, key, AUTHENTICATED_KEY, TITLE, counter)
    return b"\xdb\x08" + TITLE + b"\x82" + len(octets).to_bytes(2, "big") + octets


AUTHENTICATED_KEY = AUTHENTICATION


def mbus(message: bytes, size: int = 40) -> bytes:
    """Return a message in M-Bus frames."""
    parts = [message[place : place + size] for place in range(0, len(message), size)]
    frames = b""
    for number, part in enumerate(parts):
        last = 0x10 if number == len(parts) - 1 else 0
        body = bytes((0x53, 0xFF, last | number & 0x0F, 0x01, 0x67)) + part
        frames += bytes((0x68, len(body), len(body), 0x68)) + body + bytes((sum(body) & 0xFF, 0x16))
    return frames


@pytest.mark.parametrize("path", PUSHES, ids=[path.stem for path in PUSHES])
@pytest.mark.parametrize("size", [1, 16, 4096])
def test_recorded_pushes_give_what_they_say(path: Path, size: int) -> None:
    """Whole and in pieces: codes, digits, units."""
    octets, push = recorded(path), HdlcPush()
    events = [event for place in range(0, len(octets), size) for event in push.receive(octets[place : place + size])]
    [pushed] = events
    assert isinstance(pushed, Pushed)
    found = [
        (None if one.name is None else "{}-{}:{}.{}.{}*{}".format(*one.name), one.value.text, one.value.unit)
        for one in entries_of(pushed.body)
    ]
    expected = json.loads(path.with_suffix(".json").read_text())["expect"]
    assert found == [(one["obis"], one["value"], one["unit"]) for one in expected]


@pytest.mark.parametrize("path", PUSHES, ids=[path.stem for path in PUSHES])
def test_a_push_cut_anywhere_gives_nothing(path: Path) -> None:
    """And the next one is understood."""
    octets = recorded(path)
    for cut in range(1, len(octets) - 1, 7):
        push = HdlcPush()
        assert not [event for event in push.receive(octets[:cut]) if isinstance(event, Pushed)]
        push.quiet()
        assert [event for event in push.receive(octets) if isinstance(event, Pushed)]


@pytest.mark.parametrize("control", [Control.ENCRYPTED, Control.AUTHENTICATED | Control.ENCRYPTED])
def test_what_is_ciphered_needs_the_owners_key(control: Control) -> None:
    """Over M-Bus frames, as in Austria; without or with a tag."""
    push = MbusPush(PushKeys(KEY, AUTHENTICATION))
    [pushed] = push.receive(mbus(ciphered(7, control=control)))
    assert isinstance(pushed, Pushed)
    assert (pushed.title, pushed.counter) == (TITLE, 7)
    assert [(one.name, one.value.number, one.value.unit) for one in entries_of(pushed.body)[1:]] == [
        (NAME, Decimal(1234), "Wh"),
        (bytes((1, 0, 32, 7, 0, 255)), Decimal("230.1"), "V"),
    ]


@pytest.mark.parametrize(
    ("keys", "message", "trouble"),
    [
        (None, ciphered(7), PushTrouble.NO_KEY),
        (PushKeys(bytes(16), AUTHENTICATION), ciphered(7), PushTrouble.WRONG_KEY),
        (PushKeys(bytes(16)), ciphered(7, control=Control.ENCRYPTED), PushTrouble.WRONG_KEY),
        (None, b"\x0f\x00", PushTrouble.NOT_UNDERSTOOD),
        (None, b"\x99", PushTrouble.NOT_UNDERSTOOD),
    ],
)
def test_what_comes_to_nothing_is_told(keys: PushKeys | None, message: bytes, trouble: PushTrouble) -> None:
    """With what to do about it."""
    [failed] = MbusPush(keys).receive(mbus(message))
    assert isinstance(failed, PushFailed)
    assert failed.trouble is trouble


@pytest.mark.parametrize("control", [0x20, 0x21, 0x30, 0x31])
def test_the_encryption_key_alone_deciphers(control: int) -> None:
    """Many operators give out no other; Austrian meters name suite 0 or 1, which cipher alike."""
    [pushed] = MbusPush(PushKeys(KEY)).receive(mbus(ciphered(7, control=Control(control))))
    assert isinstance(pushed, Pushed)
    assert pushed.body == BODY


def test_suite_1_is_proved_by_its_tag() -> None:
    """As suite 0 is; suite 2 has longer keys, and is not known."""
    push = MbusPush(PushKeys(KEY, AUTHENTICATION))
    good, other = push.receive(mbus(ciphered(7, control=Control(0x31))) + mbus(ciphered(8, control=Control(0x32))))
    assert isinstance(good, Pushed)
    assert isinstance(other, PushFailed)
    assert other.trouble is PushTrouble.NOT_UNDERSTOOD
    assert "protection 32" in other.detail


def test_whoever_begins_to_listen_in_the_middle_waits_for_the_next() -> None:
    """The last segment alone is no message that nobody understands, and no wrong key."""
    message = b"\xe6\xe7\x00" + ciphered(7)
    parts = [message[place : place + 40] for place in range(0, len(message), 40)]
    frames = [
        Frame(b"\xcf", b"\x02\x23", Kind.UI, part, segmented=number + 1 < len(parts)).encode()
        for number, part in enumerate(parts)
    ]
    push = HdlcPush(PushKeys(KEY, AUTHENTICATION))
    [missed] = push.receive(b"".join(frames[1:]))
    assert isinstance(missed, PushFailed)
    assert missed.trouble is PushTrouble.DAMAGED
    [whole] = push.receive(b"".join(frames))
    assert isinstance(whole, Pushed)
    [repeated] = push.receive(b"".join(frames[:-1]) + b"".join(frames))
    assert isinstance(repeated, PushFailed)
    assert repeated.trouble is PushTrouble.REPEATED  # The lost segment before it has spoilt nothing.


def test_what_was_recorded_cannot_be_played_again() -> None:
    """Counters only rise."""
    push = MbusPush(PushKeys(KEY, AUTHENTICATION))
    first, again, newer = push.receive(mbus(ciphered(7)) + mbus(ciphered(7)) + mbus(ciphered(8)))
    assert isinstance(first, Pushed)
    assert isinstance(again, PushFailed)
    assert again.trouble is PushTrouble.REPEATED
    assert isinstance(newer, Pushed)


def test_a_lost_part_of_a_telegram_spoils_it() -> None:
    """The next telegram is whole again."""
    frames = [mbus(PLAIN, 20)[place : place + 31] for place in range(0, len(mbus(PLAIN, 20)), 31)]
    events = MbusPush().receive(b"".join(frames[:1] + frames[2:]) + mbus(PLAIN, 20))
    assert [type(event) for event in events][-1] is Pushed
    assert isinstance(events[0], PushFailed)


def test_segments_of_hdlc_are_put_together() -> None:
    """The segmentation bit tells where a message goes on."""
    message = b"\xe6\xe7\x00" + PLAIN
    parts = [message[place : place + 20] for place in range(0, len(message), 20)]
    octets = b"".join(
        Frame(b"\xcf", b"\x02\x23", Kind.UI, part, segmented=number + 1 < len(parts)).encode()
        for number, part in enumerate(parts)
    )
    [pushed] = HdlcPush().receive(octets)
    assert isinstance(pushed, Pushed)
    assert pushed.body == BODY


@given(st.binary(max_size=300))
def test_any_octets_end_in_an_event_or_nothing(octets: bytes) -> None:
    """Never in an exception."""
    for push in (HdlcPush(PushKeys(KEY)), MbusPush(PushKeys(KEY))):
        for event in push.receive(octets):
            assert isinstance(event, Pushed | PushFailed)


@given(st.binary(max_size=200))
def test_any_data_are_decoded_or_refused(octets: bytes) -> None:
    """Within bounds: a length that cannot be is not believed."""
    try:
        data = axdr.decode(octets)
    except DecodeError:
        return
    entries_of(data)


@pytest.mark.parametrize(
    "octets",
    [
        b"\x01\x84\xff\xff\xff\xff",
        b"\x01\x84\xff\xff\xff\xff" + bytes(100),
        b"\x09\x84\x7f\xff\xff\xff",
        b"\x02\x01" * 40,
        b"\x13\x12\x82\xff\xff",
        b"\x13\x00\x81\x80" + bytes(128),
        b"\x13\x01\xff\xff\x00\x05" + bytes(5),
        b"\x04\x84\xff\xff\xff\xff",
        b"\x09\x85\x00\x00\x00\x00\x01a",
    ],
)
def test_lengths_that_cannot_be_are_refused(octets: bytes) -> None:
    """At once: neither memory nor time goes by what a hostile length says."""
    with pytest.raises(DecodeError):
        axdr.decode(octets)


def test_a_compact_array_is_an_array() -> None:
    """The type stands in front once."""
    octets = bytes((0x13, Tag.STRUCTURE, 2, Tag.UNSIGNED, Tag.LONG_UNSIGNED, 6, 1, 0, 2, 3, 0, 4))
    assert axdr.decode(octets) == axdr.array(
        axdr.structure(axdr.unsigned(1), axdr.unsigned(2, 2)), axdr.structure(axdr.unsigned(3), axdr.unsigned(4, 2))
    )
    assert axdr.decode(bytes((0x13, Tag.LONG_UNSIGNED, 4, 0, 1, 0, 2))).items[1] == Data(Tag.LONG_UNSIGNED, 2)
