"""Frames of real meters, whole and in pieces."""

from __future__ import annotations

import pytest

from obisgw.dlms import acse, services
from obisgw.dlms.errors import DecodeError
from obisgw.dlms.frames import FrameReceiver, Kind, decode_frame
from obisgw.dlms.negotiation import Parameters
from obisgw.dlms.services import Conformance

SNRM = bytes.fromhex("7ea00802232193bd647e")
UA = bytes.fromhex("7ea01f21022373e6c781801205019a06019a070400000001080400000001cca27e")
AARQ = bytes.fromhex("7ea02c02232110af9fe6e600601da109060760857405080101be10040e01000000065f1f0400001e1dffffc5e47e")
AARE = bytes.fromhex(
    "7ea0382102233034e7e6e7006129a109060760857405080101a203020100a305a103020100be10040e0800065f1f0400001e1d04c80007b86a7e"
)
"""An Iskraemeco AM550 and its public client."""


def test_a_recorded_sign_on_is_understood() -> None:
    """Link, parameters, request and answer."""
    receiver = FrameReceiver()
    frames = receiver.receive(SNRM + UA + AARQ + AARE)
    assert [frame.kind for frame in frames] == [Kind.SNRM, Kind.UA, Kind.I, Kind.I]
    assert [frame.destination.hex() for frame in frames] == ["0223", "21", "0223", "21"]
    assert Parameters.decode(frames[1].information) == Parameters(154, 154, 1, 1)
    request = acse.decode_request(frames[2].information[3:])
    assert services.decode_initiate_request(request.user).conformance == Conformance(0x001E1D)
    answer = acse.decode_response(frames[3].information[3:])
    assert answer.accepted
    initiate = services.decode_initiate_response(answer.user)
    assert (initiate.most, initiate.vaa) == (0x04C8, 7)
    assert Conformance.SELECTIVE_ACCESS in initiate.conformance


def test_what_is_understood_is_written_as_it_was() -> None:
    """Octet by octet."""
    for octets in (SNRM, UA, AARQ, AARE):
        assert decode_frame(octets[1:-1]).encode() == octets
    request = acse.decode_request(AARQ[12:-3])
    assert request.encode() == AARQ[12:-3]


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_pieces_of_any_size_give_the_same_frames(size: int) -> None:
    """With noise in front, between and behind."""
    octets = b"\x00\x7e\xff" + SNRM + b"\x7e\x7e\x7e" + UA + b"\xa0\x08noise" + AARQ + AARE + b"\x7e\xa0"
    receiver = FrameReceiver()
    frames = [
        frame for place in range(0, len(octets), size) for frame in receiver.receive(octets[place : place + size])
    ]
    assert [frame.kind for frame in frames] == [Kind.SNRM, Kind.UA, Kind.I, Kind.I]


def test_each_flipped_bit_of_a_frame_is_seen() -> None:
    """By the check sequences, or because nothing begins or ends there."""
    for place in range(1, len(AARE) - 1):
        for bit in range(8):
            body = bytearray(AARE[1:-1])
            body[place - 1] ^= 1 << bit
            with pytest.raises(DecodeError):
                decode_frame(bytes(body))


def test_a_frame_whose_check_sequence_holds_a_flag_is_whole() -> None:
    """One in a hundred does; searching for flags would cut it."""
    found = 0
    for number in range(2000):
        octets = decode_frame(SNRM[1:-1]).__class__(b"\x03", b"\x21", Kind.I, number.to_bytes(4, "big")).encode()
        if 0x7E in octets[-3:-1]:
            found += 1
            assert len(FrameReceiver().receive(octets)) == 1
    assert found > 3
