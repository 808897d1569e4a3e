"""HDLC frames (IEC 62056-46 clause 6, frame format type 3): found by their length, checked, taken apart, made."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from .errors import DecodeError

FLAG: Final = 0x7E
_FORMAT: Final = 0xA000
_SEGMENTED: Final = 0x0800
_LENGTH: Final = 0x07FF
LONGEST: Final = _LENGTH
_POLL: Final = 0x10
_MOST_ADDRESS: Final = 4


def _table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0x8408 if crc & 1 else crc >> 1
        table.append(crc)
    return tuple(table)


_CRC: Final = _table()


def check_sequence(data: bytes) -> bytes:
    """Return the check sequence (CRC-16/X-25) of octets, as it stands on the line."""
    crc = 0xFFFF
    for byte in data:
        crc = (crc >> 8) ^ _CRC[(crc ^ byte) & 0xFF]
    return (crc ^ 0xFFFF).to_bytes(2, "little")


class Kind(Enum):
    """The kinds of frames, with the control field less sequence numbers and the poll bit."""

    I = 0x00  # noqa: E741 - the standard's name
    RR = 0x01
    RNR = 0x05
    REJ = 0x09
    SNRM = 0x83
    DISC = 0x43
    UA = 0x63
    DM = 0x0F
    FRMR = 0x87
    UI = 0x03


_UNNUMBERED: Final = {kind.value: kind for kind in (Kind.SNRM, Kind.DISC, Kind.UA, Kind.DM, Kind.FRMR, Kind.UI)}
_SUPERVISORY: Final = {kind.value: kind for kind in (Kind.RR, Kind.RNR, Kind.REJ)}


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame. Addresses are the octets of the line; ``sent`` and ``awaited`` are N(S) and N(R), 0 to 7."""

    destination: bytes
    source: bytes
    kind: Kind
    information: bytes = b""
    sent: int = 0
    awaited: int = 0
    poll: bool = True
    segmented: bool = False

    def encode(self) -> bytes:
        """Return the frame with both its flags. Raises ValueError where it would be too long."""
        control = self.kind.value | (_POLL if self.poll else 0)
        if self.kind is Kind.I:
            control |= self.sent << 1 | self.awaited << 5
        elif self.kind in _SUPERVISORY.values():
            control |= self.awaited << 5
        header = self.destination + self.source + bytes((control,))
        length = 2 + len(header) + 2 + (len(self.information) + 2 if self.information else 0)
        if length > LONGEST:
            raise ValueError(f"a frame of {length} octets")
        head = (_FORMAT | (_SEGMENTED if self.segmented else 0) | length).to_bytes(2, "big") + header
        head += check_sequence(head)
        body = head + self.information + check_sequence(head + self.information) if self.information else head
        return b"\x7e" + body + b"\x7e"


def decode_frame(body: bytes) -> Frame:
    """Return the frame between two flags. Raises DecodeError, also for wrong check sequences."""
    if len(body) < 7:
        raise DecodeError(f"a frame of {len(body)} octets")
    form = int.from_bytes(body[:2], "big")
    if form & 0xF000 != _FORMAT:
        raise DecodeError(f"frame format {body[0]:02X} is not of type 3")
    if form & _LENGTH != len(body):
        raise DecodeError(f"the frame says {form & _LENGTH} octets and has {len(body)}")
    if check_sequence(body[:-2]) != body[-2:]:
        raise DecodeError("the frame check sequence is wrong")
    destination = _address(body, 2)
    source = _address(body, 2 + len(destination))
    place = 2 + len(destination) + len(source)
    control = body[place]
    information = b""
    if len(body) > place + 3:
        if check_sequence(body[: place + 1]) != body[place + 1 : place + 3]:
            raise DecodeError("the header check sequence is wrong")
        information = body[place + 3 : -2]
    return _frame(destination, source, control, information, segmented=bool(form & _SEGMENTED))


def _address(body: bytes, place: int) -> bytes:
    for count in range(1, _MOST_ADDRESS + 1):
        if place + count > len(body) - 3:
            break
        if body[place + count - 1] & 1:
            return body[place : place + count]
    raise DecodeError("an address of the frame does not end")


def _frame(destination: bytes, source: bytes, control: int, information: bytes, *, segmented: bool) -> Frame:
    poll = bool(control & _POLL)
    if not control & 1:
        sent, awaited = control >> 1 & 7, control >> 5
        return Frame(destination, source, Kind.I, information, sent, awaited, poll, segmented)
    if (kind := _SUPERVISORY.get(control & 0x0F)) is not None:
        return Frame(destination, source, kind, information, 0, control >> 5, poll, segmented)
    if (kind := _UNNUMBERED.get(control & ~_POLL)) is not None:
        return Frame(destination, source, kind, information, 0, 0, poll, segmented)
    raise DecodeError(f"control field {control:02X} is of no known frame")


class FrameReceiver:
    """Finds frames in octets that come in any pieces: by their length, since any octet of one may look like a flag.

    What belongs to no good frame is passed over; ``damaged`` counts frames that were begun and failed their checks.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.damaged = 0

    @property
    def wanted(self) -> int:
        """Octets that must still come before a frame can be whole."""
        buffer = self._buffer
        if len(buffer) < 3:
            return max(1, 9 - len(buffer))
        return max(1, (int.from_bytes(buffer[1:3], "big") & _LENGTH) + 2 - len(buffer))

    def receive(self, data: bytes) -> list[Frame]:
        """Return the frames that are whole now."""
        buffer = self._buffer
        buffer += data
        frames: list[Frame] = []
        while True:
            start = buffer.find(FLAG)
            del buffer[: len(buffer) if start < 0 else start]
            # Flags may fill the time between frames, and one may end a frame and begin the next.
            while len(buffer) > 1 and buffer[1] == FLAG:
                del buffer[0]
            if len(buffer) < 3:
                return frames
            length = int.from_bytes(buffer[1:3], "big")
            if length & 0xF000 != _FORMAT or length & _LENGTH < 7:
                del buffer[0]
                continue
            size = length & _LENGTH
            if len(buffer) < size + 2:
                return frames
            frame = self._frame(bytes(buffer[1 : size + 1]), closed=buffer[size + 1] == FLAG)
            if frame is None:
                # Its length may be what was damaged: the next flag inside it may begin a good one.
                del buffer[0]
                continue
            frames.append(frame)
            del buffer[: size + 1]

    def _frame(self, body: bytes, *, closed: bool) -> Frame | None:
        if closed:
            try:
                return decode_frame(body)
            except DecodeError:
                self.damaged += 1
                return None
        self.damaged += 1
        return None

    def clear(self) -> None:
        """Forget what has come of a frame: the line went quiet in the middle of it."""
        if len(self._buffer) > 1:
            self.damaged += 1
        self._buffer.clear()


def client_address(number: int) -> bytes:
    """Return a client's address as it stands in frames: one octet."""
    return bytes((number << 1 | 1,))


def server_address(logical: int, physical: int | None = None, *, size: int | None = None) -> bytes:
    """Return a server's address: logical device and physical device in 1, 2 or 4 octets."""
    if physical is None:
        return bytes((logical << 1 | 1,))
    if size == 4 or logical > 0x7F or physical > 0x7F:
        parts = (logical >> 7, logical & 0x7F, physical >> 7, physical & 0x7F)
        return bytes((*(part << 1 for part in parts[:3]), parts[3] << 1 | 1))
    return bytes((logical << 1, physical << 1 | 1))
