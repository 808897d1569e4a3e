"""DLMS that comes unasked: data notifications in HDLC frames or M-Bus frames, in clear or ciphered with the owner's key.

Telegrams repeat every few seconds. One that fails a check, has no key or is understood by nobody is told and passed over.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import Final

from . import axdr
from .axdr import Data, Tag
from .block_transfer import GENERAL_BLOCK, BlockCollector
from .buffer import Reader
from .ciphering import GENERAL_DEDICATED, GENERAL_GLOBAL
from .clock import LENGTH, ClockTime, decode_time
from .errors import DecodeError
from .frames import Frame, FrameReceiver, Kind
from .link import LLC_FROM_METER, LLC_TO_METER
from .security import TAG_LENGTH, TITLE_LENGTH, Control, unprotect

_GENERAL_GLO_NOTIFICATIONS: Final = frozenset({GENERAL_GLOBAL, GENERAL_DEDICATED})
_STARTS: Final = frozenset(bytes((tag,)) for tag in (0x0F, 0xC2, GENERAL_BLOCK, GENERAL_GLOBAL, GENERAL_DEDICATED))
_CIPHERED_STARTS: Final = frozenset(bytes((tag, TITLE_LENGTH)) for tag in _GENERAL_GLO_NOTIFICATIONS)
_UNKNOWN: Final = Control.COMPRESSED | 0x0E
_BOTH: Final = Control.AUTHENTICATED | Control.ENCRYPTED
LONGEST_MESSAGE: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Pushed:
    """One notification. ``time``: the meter's, where it sends one; ``title``: of who ciphered it; ``counter`` likewise."""

    body: Data
    time: ClockTime | None = None
    title: bytes | None = None
    counter: int | None = None
    raw: bytes = field(default=b"", repr=False)


class PushTrouble(Enum):
    """Why a telegram came to nothing."""

    DAMAGED = auto()
    NO_KEY = auto()
    WRONG_KEY = auto()
    REPEATED = auto()
    """Its counter is not newer than the last one's: somebody plays back what was recorded, or the meter's clock was set."""
    NOT_UNDERSTOOD = auto()


@dataclass(frozen=True, slots=True)
class PushFailed:
    """A telegram that came to nothing, with what is known of it."""

    trouble: PushTrouble
    detail: str


PushEvent = Pushed | PushFailed


@dataclass(frozen=True, slots=True)
class PushKeys:
    """The owner's keys for what is pushed. Meters that do not authenticate need no ``authentication`` key."""

    encryption: bytes = field(repr=False)
    authentication: bytes = field(default=b"", repr=False)


class NotificationReader:
    """Makes notifications of messages, whatever carried them."""

    def __init__(self, keys: PushKeys | None = None) -> None:
        self._keys = keys
        self._counters: dict[bytes, int] = {}
        self._blocks = BlockCollector()

    def read(self, message: bytes) -> PushEvent | None:
        """Return what a message says; None where it is a part of a longer one."""
        try:
            if message[:1] == bytes((GENERAL_BLOCK,)):
                whole = self._blocks.take(message)
                return None if whole is None else self._read(whole)
            return self._read(message)
        except DecodeError as error:
            return PushFailed(PushTrouble.NOT_UNDERSTOOD, str(error))

    def _read(self, message: bytes) -> PushEvent:
        if not message:
            return PushFailed(PushTrouble.NOT_UNDERSTOOD, "an empty message")
        if message[0] in _GENERAL_GLO_NOTIFICATIONS:
            return self._ciphered(message)
        body, time = notification(message)
        return Pushed(body, time, raw=message)

    def _ciphered(self, message: bytes) -> PushEvent:
        reader = Reader(message)
        reader.octet()
        title = reader.take(reader.length())
        octets = reader.take(reader.length())
        if self._keys is None:
            who = title.hex().upper()
            return PushFailed(PushTrouble.NO_KEY, f"the meter {who} ciphers what it sends, and no key is configured")
        if octets and octets[0] & _UNKNOWN:
            return PushFailed(
                PushTrouble.NOT_UNDERSTOOD, f"its protection {octets[0]:02X} (suite or compression) is not known"
            )
        if not self._keys.authentication and len(octets) > TAG_LENGTH and octets[0] & _BOTH == _BOTH:
            # Many operators give out the encryption key alone: what the tag would prove, the frame's check does.
            octets = bytes((octets[0] & ~Control.AUTHENTICATED,)) + octets[1:-TAG_LENGTH]
        # A key that was right before is not wrong now.
        wrong = PushTrouble.NOT_UNDERSTOOD if title in self._counters else PushTrouble.WRONG_KEY
        try:
            plain, _, counter = unprotect(octets, self._keys.encryption, self._keys.authentication, title, last_suite=1)
        except DecodeError as error:
            return PushFailed(wrong, str(error))
        try:
            body, time = notification(plain)
        except DecodeError as error:
            # Without a tag, a wrong key shows only by its nonsense.
            return PushFailed(wrong, f"what is deciphered means nothing: is the key right? ({error})")
        if counter <= (last := self._counters.get(title, -1)):
            return PushFailed(
                PushTrouble.REPEATED, f"its counter {counter} is not newer than {last}, which came before"
            )
        self._counters[title] = counter
        return Pushed(body, time, title, counter, plain)


def notification(message: bytes) -> tuple[Data, ClockTime | None]:
    """Return body and time of a notification in clear. Raises DecodeError."""
    reader = Reader(message)
    match reader.octet():
        case 0x0F:
            reader.take(4)
            time = _time(reader)
            body = axdr.read(reader)
        case 0xC2:
            time = _time(reader) if reader.octet() else None
            class_id, name, number = reader.unsigned(2), reader.take(6), reader.octet()
            value = axdr.read(reader)
            body = axdr.structure(axdr.unsigned(class_id, 2), axdr.octet_string(name), axdr.integer(number), value)
        case other:
            raise DecodeError(f"a message {other:02X} is no notification")
    # Some meters fill up the last segment.
    if reader.rest().strip(b"\x00"):
        raise DecodeError("octets stand behind the notification")
    return body, time


def _time(reader: Reader) -> ClockTime | None:
    first = reader.peek()
    # A few firmwares put the type of an octet string in front of the length.
    if first == Tag.OCTET_STRING:
        reader.octet()
    length = reader.octet()
    if length == 0:
        return None
    octets = reader.take(length)
    return decode_time(octets) if length == LENGTH else None


class HdlcPush:
    """Notifications in HDLC frames that nobody asked for; segments are put together."""

    def __init__(self, keys: PushKeys | None = None) -> None:
        self._frames = FrameReceiver()
        self._reader = NotificationReader(keys)
        self._message = bytearray()
        self._damaged = 0
        self.events: list[PushEvent] = []

    def receive(self, data: bytes) -> list[PushEvent]:
        """Take octets; return what came of them."""
        frames = (frame for frame in self._frames.receive(data) if frame.kind in {Kind.I, Kind.UI})
        events = [event for frame in frames if (event := self._take(frame)) is not None]
        if self._frames.damaged > self._damaged:
            self._damaged = self._frames.damaged
            events.append(PushFailed(PushTrouble.DAMAGED, "a frame failed its check sequence"))
        return events

    def _take(self, frame: Frame) -> PushEvent | None:
        information = frame.information
        # Each message begins with its link header; some meters leave it out of later segments, as they should.
        if information.startswith((LLC_FROM_METER, LLC_TO_METER)):
            information = information[len(LLC_FROM_METER) :]
            if self._message and (not frame.segmented or information[:2] in _CIPHERED_STARTS):
                self._message.clear()
        elif not self._message and information[:1] not in _STARTS:
            # A later segment: the line was not listened to, or damaged, when the first one came.
            return None if frame.segmented else PushFailed(PushTrouble.DAMAGED, "its beginning was missed")
        self._message += information
        if len(self._message) > LONGEST_MESSAGE:
            self._message.clear()
            return PushFailed(PushTrouble.NOT_UNDERSTOOD, f"a message of more than {LONGEST_MESSAGE} octets")
        if frame.segmented:
            return None
        message = bytes(self._message)
        self._message.clear()
        return self._reader.read(message)

    def quiet(self) -> PushFailed | None:
        """Forget what was begun: the line went quiet. Tell where that was a telegram."""
        self._frames.clear()
        cut = self._frames.damaged > self._damaged or bool(self._message)
        self._damaged = self._frames.damaged
        self._message.clear()
        return PushFailed(PushTrouble.DAMAGED, _CUT) if cut else None


_CUT: Final = "it was cut off"
_START: Final = 0x68
_STOP: Final = 0x16
_HEADER: Final = 4
_FIRST_SEGMENT: Final = 0x00
_LAST_SEGMENT: Final = 0x10
_SEGMENT_NUMBER: Final = 0x0F


class MbusPush:
    """Notifications in long frames of wired M-Bus (EN 13757), as Austrian meters send them on their customer port."""

    def __init__(self, keys: PushKeys | None = None) -> None:
        self._reader = NotificationReader(keys)
        self._buffer = bytearray()
        self._message = bytearray()
        self._next = 0

    def receive(self, data: bytes) -> list[PushEvent]:
        """Take octets; return what came of them."""
        buffer, events = self._buffer, list[PushEvent]()
        buffer += data
        while True:
            start = buffer.find(_START)
            del buffer[: len(buffer) if start < 0 else start]
            if len(buffer) < _HEADER:
                return events
            length = buffer[1]
            if buffer[2] != length or buffer[3] != _START or length < 5:
                del buffer[0]
                continue
            size = length + 6
            if len(buffer) < size:
                return events
            frame = bytes(buffer[:size])
            if frame[-1] != _STOP or sum(frame[_HEADER:-2]) & 0xFF != frame[-2]:
                events.append(PushFailed(PushTrouble.DAMAGED, "an M-Bus frame failed its checksum"))
                del buffer[0]
                continue
            del buffer[:size]
            if (event := self._take(frame[_HEADER:-2])) is not None:
                events.append(event)

    def _take(self, body: bytes) -> PushEvent | None:
        """Take control, address, segment (control information), source and destination, and a part of the message."""
        segment, part = body[2], body[5:]
        number = segment & _SEGMENT_NUMBER
        if number == _FIRST_SEGMENT:
            self._message.clear()
        elif number != self._next:
            self._message.clear()
            self._next = 0
            return PushFailed(PushTrouble.DAMAGED, "a part of the telegram was lost")
        self._next = (number + 1) & _SEGMENT_NUMBER
        self._message += part
        if not segment & _LAST_SEGMENT:
            return None
        message = bytes(self._message)
        self._message.clear()
        self._next = 0
        return self._reader.read(message)

    def quiet(self) -> PushFailed | None:
        """Forget what was begun: the line went quiet. Tell where that was a telegram."""
        cut = len(self._buffer) >= _HEADER or bool(self._message)
        self._buffer.clear()
        self._message.clear()
        self._next = 0
        return PushFailed(PushTrouble.DAMAGED, _CUT) if cut else None


def meter_time(pushed: Pushed) -> datetime | None:
    """Return the meter's local time of a notification."""
    return None if pushed.time is None else pushed.time.local
