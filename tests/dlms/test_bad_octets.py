"""Octets that nobody meant: every decoder gives a value or says what is wrong, within bounds of time and memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from obisgw.dlms import acse, axdr, services, short_names
from obisgw.dlms.association import Association, Security
from obisgw.dlms.axdr import Data, Tag
from obisgw.dlms.block_transfer import BlockCollector
from obisgw.dlms.buffer import Reader
from obisgw.dlms.ciphering import Cipher, Envelope
from obisgw.dlms.clock import decode_time
from obisgw.dlms.errors import DecodeError
from obisgw.dlms.frames import FrameReceiver, check_sequence, decode_frame
from obisgw.dlms.meter import MeterAssociation, MeterSecurity
from obisgw.dlms.negotiation import Parameters
from obisgw.dlms.objects import objects_of
from obisgw.dlms.profile import Profile, columns_of
from obisgw.dlms.push import HdlcPush, MbusPush, NotificationReader, PushKeys
from obisgw.dlms.push_body import entries_of
from obisgw.dlms.security import Control, Keys, Level
from obisgw.dlms.services import Attribute, Refusal
from obisgw.dlms.values import ScalerUnit, shown

pytestmark = pytest.mark.slow

KEYS = Keys(bytes(range(16)), bytes(range(16, 32)), bytes(range(32, 48)))
BOTH = Control.AUTHENTICATED | Control.ENCRYPTED
TITLE, OTHER = b"MMM\x00\x00\x00\x00\x01", b"OBG\x00\x00\x00\x00\x01"


def _open(octets: bytes) -> object:
    return Cipher(KEYS, BOTH, Envelope.GLOBAL, TITLE, b"").open(octets)


def _profile_rows(octets: bytes) -> object:
    data = axdr.decode(octets)
    columns = columns_of(axdr.array(*(_column(n) for n in range(1, 3))))
    return list(Profile(columns, 900, {bytes(6): ScalerUnit(1, "Wh")}, UTC).rows(data))


def _column(number: int) -> Data:
    class_id = 8 if number == 1 else 3
    return axdr.structure(axdr.unsigned(class_id, 2), axdr.octet_string(bytes(6)), axdr.integer(2), axdr.unsigned(0, 2))


DECODERS: dict[str, Callable[[bytes], object]] = {
    "frame": decode_frame,
    "link parameters": Parameters.decode,
    "AARE": acse.decode_response,
    "AARQ": acse.decode_request,
    "InitiateRequest": services.decode_initiate_request,
    "InitiateResponse": services.decode_initiate_response,
    "GET response": services.decode_get_response,
    "SET response": services.decode_set_response,
    "ACTION response": services.decode_action_response,
    "READ response": short_names.decode_read_response,
    "joined READ results": lambda octets: short_names.joined_results(Reader(octets), 1),
    "exception": lambda octets: str(services.exception_response(octets)) + services.service_error(octets),
    "data": axdr.decode,
    "shown data": lambda octets: shown(axdr.decode(octets), ScalerUnit(-3, "Wh")),
    "scaler and unit": lambda octets: ScalerUnit.of(axdr.decode(octets)),
    "objects": lambda octets: objects_of(axdr.decode(octets)),
    "objects by short names": lambda octets: short_names.short_objects_of(axdr.decode(octets)),
    "columns": lambda octets: columns_of(axdr.decode(octets)),
    "rows": _profile_rows,
    "time": decode_time,
    "ciphered message": _open,
    "block": lambda octets: BlockCollector().take(octets),
    "notification": lambda octets: NotificationReader(PushKeys(bytes(16))).read(octets),
    "pushed list": lambda octets: entries_of(axdr.decode(octets)),
}

FIRST = {
    "frame": b"\xa0",
    "link parameters": b"\x81\x80",
    "AARE": b"\x61",
    "AARQ": b"\x60",
    "InitiateRequest": b"\x01",
    "InitiateResponse": b"\x08",
    "GET response": b"\xc4",
    "SET response": b"\xc5",
    "ACTION response": b"\xc7",
    "READ response": b"\x0c",
    "exception": b"\xd8",
    "ciphered message": b"\xdb",
    "block": b"\xe0",
    "notification": b"\x0f",
}

VALUES = st.recursive(
    st.one_of(
        st.just(axdr.NULL),
        st.integers(0, 255).map(axdr.unsigned),
        st.integers(-128, 127).map(axdr.integer),
        st.integers(0, 255).map(axdr.enum),
        st.integers(0, 2**16 - 1).map(lambda n: axdr.unsigned(n, 2)),
        st.integers(0, 2**32 - 1).map(lambda n: axdr.unsigned(n, 4)),
        st.integers(-(2**63), 2**63 - 1).map(lambda n: axdr.integer(n, 8)),
        st.binary(max_size=14).map(axdr.octet_string),
        st.binary(min_size=6, max_size=6).map(axdr.octet_string),
        st.binary(min_size=12, max_size=12).map(axdr.octet_string),
        st.floats().map(lambda number: Data(Tag.FLOAT64, number)),
        st.text(max_size=5).map(lambda text: Data(Tag.VISIBLE_STRING, text)),
        st.integers(-128, 127).map(lambda n: Data(Tag.DELTA_INTEGER, n)),
    ),
    lambda inner: st.lists(inner, max_size=5).flatmap(
        lambda items: st.sampled_from([axdr.array(*items), axdr.structure(*items)])
    ),
    max_leaves=25,
)


@pytest.mark.parametrize("name", DECODERS)
@settings(max_examples=60, deadline=1000)
@given(octets=st.binary(max_size=80), begun=st.booleans())
def test_any_octets_give_a_value_or_a_reason(name: str, octets: bytes, *, begun: bool) -> None:
    """Also those that begin as they should."""
    with suppress(DecodeError, Refusal):
        DECODERS[name](FIRST.get(name, b"") + octets if begun else octets)


@pytest.mark.parametrize("name", [name for name in DECODERS if name not in FIRST and name != "time"])
@settings(max_examples=60, deadline=1000)
@given(data=VALUES)
@example(
    axdr.array(
        axdr.structure(
            axdr.unsigned(3), axdr.unsigned(0), axdr.octet_string(bytes(6)), axdr.array(axdr.array(axdr.structure()))
        )
    )
)
@example(axdr.structure(axdr.integer(1)))
@example(axdr.array(axdr.structure(axdr.octet_string(bytes.fromhex("00010101ff000000000000ff")), axdr.NULL)))
def test_any_data_give_a_value_or_a_reason(name: str, data: Data) -> None:
    """Well formed, and of another shape than is expected."""
    with suppress(DecodeError, Refusal):
        DECODERS[name](axdr.encode(data))


HUGE = [
    pytest.param(b"\x01\x84\xff\xff\xff\xff", id="an array of four thousand millions"),
    pytest.param(b"\x01\x01" * 40_000 + b"\x00", id="arrays in arrays"),
    pytest.param(
        b"\x13" + b"\x01\xff\xff" * 3 + b"\x00\x83\x01\x00\x00" + bytes(65_536), id="a compact array of nothing"
    ),
    pytest.param(
        b"\x13" + b"\x01\xff\xff" * 3 + b"\x02\x00" + b"\x83\x01\x00\x00" + bytes(65_536),
        id="a compact array of empty structures",
    ),
    pytest.param(b"\x13" + b"\x02\x02" * 15 + b"\x00" * 40, id="types in types"),
    pytest.param(b"\x04\x84\xff\xff\xff\xff", id="a string of bits without end"),
    pytest.param(b"\x09\x84\x7f\xff\xff\xff" + bytes(100), id="a string without end"),
    pytest.param(b"\x09\xff" + bytes(200), id="a length of 127 octets"),
]


@pytest.mark.parametrize("octets", HUGE)
def test_lengths_that_cannot_be_are_refused_at_once(octets: bytes) -> None:
    """Without the memory that they ask for."""
    begun = time.process_time()
    with pytest.raises(DecodeError):
        axdr.decode(octets)
    assert time.process_time() - begun < 3


@settings(max_examples=100, deadline=1000)
@given(pieces=st.lists(st.binary(max_size=60) | st.just(b"\x7e\xa0\x08\x02#!\x93\xbdd~"), max_size=12))
def test_streams_of_any_octets_only_lose_what_was_damaged(pieces: list[bytes]) -> None:
    """The good frame is found by every receiver, and no receiver fails."""
    receiver, hdlc, mbus = FrameReceiver(), HdlcPush(PushKeys(bytes(16))), MbusPush()
    for piece in pieces:
        receiver.receive(piece)
        hdlc.receive(piece)
        mbus.receive(piece)
        assert receiver.wanted >= 1
    receiver.clear()
    assert len(receiver.receive(b"\x7e\xa0\x08\x02#!\x93\xbdd~")) == 1


def test_noise_that_looks_like_beginnings_of_frames_costs_little() -> None:
    """Each flag may begin a frame of two thousand octets."""
    receiver, begun = FrameReceiver(), time.process_time()
    for _ in range(40):
        receiver.receive(b"\x7e\xa7\xff" * 400)
    assert time.process_time() - begun < 5


@settings(max_examples=80, deadline=1000)
@given(messages=st.lists(st.binary(max_size=60), max_size=6), level=st.sampled_from(Level), ciphered=st.booleans())
def test_a_client_takes_any_message_at_any_time(messages: list[bytes], level: Level, *, ciphered: bool) -> None:
    """It refuses or fails, and says so."""
    security = Security(level, b"secret", KEYS, BOTH if ciphered else Control(0), Envelope.GLOBAL, TITLE)
    association = Association(security)
    association.open()
    for message in messages:
        for first in (message, b"\x61" + message, b"\xc4\x01\xc1\x00" + message, b"\xe0" + message):
            association.receive(first)
            if association.idle:
                association.get(Attribute(3, bytes(6), 2))
    assert all(str(event) for event in association.events())


@settings(max_examples=80, deadline=1000)
@given(messages=st.lists(st.binary(max_size=60), max_size=6))
def test_a_meter_takes_any_message_at_any_time(messages: list[bytes]) -> None:
    """It answers, or says nothing."""
    meter = MeterAssociation({(3, bytes(6), 2): axdr.unsigned(1)}, MeterSecurity())
    client = Association(Security())
    client.open()
    request = client.outgoing
    assert request is not None
    meter.answer(request)
    for message in messages:
        for octets in (message, b"\xc0\x01" + message, b"\xc0\x03" + message, b"\xc3\x01" + message, b"\x60" + message):
            meter.answer(octets)


def test_a_frame_with_good_checks_and_bad_addresses_is_refused() -> None:
    """An address that never ends, a control field that is none, a format of another type."""
    for header in (b"\xa0\x0a\x02\x02\x02\x02\x02\x02", b"\xa0\x07\x03\x21\xff", b"\xb0\x08\x03\x21\x10\x00"):
        body = header + check_sequence(header)
        with pytest.raises(DecodeError):
            decode_frame(body)
