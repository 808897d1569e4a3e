"""The client's end of an HDLC link (IEC 62056-46 clause 6.4): connecting, segments, windows, lost frames.

The client asks and the meter answers: one message each at a time. What is lost is found by polling, and only that is
sent again; the association above does not notice. Times are given; nothing is waited for here.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from .errors import DecodeError
from .frames import Frame, FrameReceiver, Kind
from .negotiation import MOST, Parameters

LLC_TO_METER: Final = b"\xe6\xe6\x00"
LLC_FROM_METER: Final = b"\xe6\xe7\x00"

MOST_TRIES: Final = 6
"""Polls without any progress before the link is given up."""

_CLOSING_TRIES: Final = 1

_MORE_WITHIN: Final = 0.3
"""Seconds until the next frame of a meter that may send one more, besides its time on the line."""

_MOST_FRUITLESS: Final = 100
"""Frames in a row that bring nothing new before the link is given up: a meter must not keep us busy for ever."""
_BUSY_COSTS: Final = 5
"""A busy meter's RNR counts as so many of them, and lasts an answer's time."""

LONGEST_MESSAGE: Final = 4 * 1024 * 1024
"""A meter that never ends its message is stopped there."""


class LinkState(Enum):
    """Where a link stands."""

    CLOSED = auto()
    CONNECTING = auto()
    OPEN = auto()
    CLOSING = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """Addresses as octets of the line, what is proposed, and how long an answer may take (seconds).

    ``answer_within`` counts from the end of what was sent; what is sent and received takes its time on the line as well,
    at ``baudrate`` (0: none, as over a network). ``tries``: polls without any progress before the link is given up.
    """

    client: bytes
    server: bytes
    proposed: Parameters = MOST
    answer_within: float = 2.0
    baudrate: int = 9600
    tries: int = MOST_TRIES


@dataclass(frozen=True, slots=True)
class Connected:
    """The link is open. ``parameters`` are this end's."""

    parameters: Parameters


@dataclass(frozen=True, slots=True)
class Message:
    """The meter's message, without its LLC header."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class Closed:
    """The link is closed as it should be."""


@dataclass(frozen=True, slots=True)
class LinkFailed:
    """The link is lost. ``reason`` says why, for people."""

    reason: str


LinkEvent = Connected | Message | Closed | LinkFailed


class ClientLink:
    """One link. ``actions`` gives octets to send; ``sent`` must be told when they have left."""

    def __init__(self, settings: LinkSettings) -> None:
        self.settings = settings
        self.state = LinkState.CLOSED
        self.parameters = Parameters()
        self.retries = 0
        self._receiver = FrameReceiver()
        self._events: list[LinkEvent] = []
        self._out: deque[bytes] = deque()
        self._segments: list[bytes] = []
        """Information fields of our message that is under way."""
        self._next = 0
        """Which of them is sent next."""
        self._acknowledged = 0
        self._sent = 0
        """V(S), V(R) below: the standard's variables, modulo 8."""
        self._awaited = 0
        self._incoming = bytearray()
        self._busy = False
        self._tries = 0
        self._fruitless = 0
        self._heard = 0
        """Frames since we spoke last."""
        self._last_word: Frame | None = None
        """The frame with which the meter gave us the word last; once more it means nothing, until we ask again."""
        self._waiting_for_sent = False
        self._deadline: float | None = None
        self._latest = 0.0
        """How far octets that make no frame may put off the deadline."""

    # --- the face

    @property
    def deadline(self) -> float | None:
        """The next moment to call ``actions``; None while octets are being sent, and where nothing is waited for."""
        return None if self._waiting_for_sent else self._deadline

    @property
    def wanted(self) -> int:
        """Octets that must still come before a frame can be whole."""
        return self._receiver.wanted

    @property
    def damaged(self) -> int:
        """Frames that failed their checks."""
        return self._receiver.damaged

    @property
    def idle(self) -> bool:
        """Whether a message may be sent."""
        return self.state is LinkState.OPEN and not self._busy

    def events(self) -> list[LinkEvent]:
        """Return what happened since the last call."""
        events, self._events = self._events, []
        return events

    def connect(self) -> None:
        """Begin to open the link."""
        if self.state not in {LinkState.CLOSED, LinkState.FAILED}:
            raise RuntimeError(f"the link is {self.state.name}")
        self.state = LinkState.CONNECTING
        self._sent = self._awaited = self._tries = self._fruitless = 0
        self._last_word = None
        self._receiver.clear()
        self._busy = False
        self._segments = []
        self._incoming.clear()
        self._put(Kind.SNRM, self.settings.proposed.encode())

    def send(self, message: bytes) -> None:
        """Send a message. Raises RuntimeError unless the link is idle."""
        if not self.idle:
            raise RuntimeError("the link is not idle")
        octets, size = LLC_TO_METER + message, self.parameters.send_length
        self._segments = [octets[place : place + size] for place in range(0, len(octets), size)]
        self._next = self._acknowledged = 0
        self._incoming.clear()
        self._busy = True
        self._tries = self._fruitless = 0
        self._fill_window()

    def disconnect(self) -> None:
        """Begin to close the link, whatever its state."""
        if self.state is LinkState.CLOSED:
            return
        self.state = LinkState.CLOSING
        self._out.clear()
        self._tries = 0
        self._busy = False
        self._put(Kind.DISC)

    def actions(self, now: float) -> list[bytes]:
        """Return the octets to send now; at most one piece, then ``sent`` must be called."""
        if self._waiting_for_sent:
            return []
        if not self._out and self._deadline is not None and now >= self._deadline:
            self._timed_out()
        if not self._out:
            return []
        piece = b"".join(self._out)
        self._out.clear()
        self._waiting_for_sent = True
        return [piece]

    def sent(self, now: float) -> None:
        """Tell that the octets have left."""
        self._waiting_for_sent = False
        self._heard = 0
        self._wait(now)

    def receive(self, data: bytes, now: float) -> None:
        """Take octets that came by ``now``."""
        frames = self._receiver.receive(data)
        for frame in frames:
            # Our own frames come back where the head hears itself.
            if frame.destination == self.settings.client and frame.source == self.settings.server:
                self._take(frame, now)
        if not frames and self._deadline is not None:
            # Something is coming: a frame that has begun may end.
            later = now + self._line_time(self._receiver.wanted) + 0.5
            self._deadline = max(self._deadline, min(later, self._latest))

    # --- inside

    def _put(self, kind: Kind, information: bytes = b"", *, poll: bool = True, segmented: bool = False) -> None:
        settings = self.settings
        frame = Frame(settings.server, settings.client, kind, information, self._sent, self._awaited, poll, segmented)
        self._out.append(frame.encode())

    def _fill_window(self) -> None:
        """Put as many segments as the meter takes; the last one of them gives it the word."""
        window = self.parameters.send_window
        last = min(len(self._segments), self._acknowledged + window)
        while self._next < last:
            more = self._next + 1 < len(self._segments)
            self._put(Kind.I, self._segments[self._next], poll=self._next + 1 == last, segmented=more)
            self._next += 1
            self._sent = (self._sent + 1) % 8

    def _take(self, frame: Frame, now: float) -> None:
        match self.state, frame.kind:
            case LinkState.CONNECTING, Kind.UA:
                self._opened(frame)
            case LinkState.CONNECTING, Kind.DM:
                self._fail("the meter refuses the link (DM): is the client's or the server's address right?")
            case LinkState.CLOSING, Kind.UA | Kind.DM:
                self.state = LinkState.CLOSED
                self._deadline = None
                self._events.append(Closed())
            case LinkState.OPEN, Kind.I:
                self._information(frame, now)
            case LinkState.OPEN, Kind.RR | Kind.RNR | Kind.REJ:
                self._supervisory(frame, now)
            case LinkState.OPEN, Kind.DM:
                self._fail("the meter has closed the link (DM)")
            case LinkState.OPEN, Kind.FRMR:
                self._fail(f"the meter rejects a frame (FRMR {frame.information.hex()})")
            case _:
                pass  # An answer that comes late, or twice.

    def _opened(self, frame: Frame) -> None:
        try:
            granted = Parameters.decode(frame.information)
        except DecodeError:
            # It is open all the same; what everybody takes is the least that it can have meant.
            granted = Parameters()
        self.parameters = self.settings.proposed.agreed(granted)
        self.state = LinkState.OPEN
        self._deadline = None
        self._sent = self._awaited = 0
        self._events.append(Connected(self.parameters))

    def _acknowledge(self, awaited: int) -> bool | None:
        """Take an acknowledgement; tell whether anything new was acknowledged, None for a wrong or an old one."""
        outstanding = self._next - self._acknowledged
        new = outstanding - (self._sent - awaited) % 8
        if new < 0:
            return None
        self._acknowledged += new
        return new > 0

    def _supervisory(self, frame: Frame, now: float) -> None:
        if frame == self._last_word:
            self._went_nowhere(1)
            return
        progress = self._acknowledge(frame.awaited)
        if not self._busy:
            self._deadline = None
            return
        self._last_word = frame if frame.poll else self._last_word
        if progress:
            self._went_on()
        elif not self._went_nowhere(_BUSY_COSTS if frame.kind is Kind.RNR else 1):
            return
        if frame.kind is Kind.RNR:
            self._tries = 0
            self._wait(now)
        elif progress is not None and self._acknowledged < len(self._segments):
            # What was not acknowledged is sent again, from there on.
            self.retries += self._next - self._acknowledged
            self._sent = frame.awaited
            self._next = self._acknowledged
            self._fill_window()
        elif frame.poll:
            # The meter gives the word back without an answer yet, or its answer was lost.
            self._ask_on()

    def _information(self, frame: Frame, now: float) -> None:
        if not self._busy:
            return
        if frame == self._last_word and frame.sent != self._awaited:
            self._went_nowhere(1)
            return
        acknowledged = self._acknowledge(frame.awaited)
        self._last_word = frame if frame.poll else self._last_word
        # Whoever has not heard the whole question cannot have answered it.
        heard = acknowledged is not None and self._acknowledged == len(self._segments)
        if frame.sent == self._awaited and heard:
            self._awaited = (self._awaited + 1) % 8
            self._incoming += frame.information
            if frame.information or not frame.segmented:
                self._went_on()
            elif not self._went_nowhere(1):
                return
            if len(self._incoming) > LONGEST_MESSAGE:
                self._fail(f"the meter's message has more than {LONGEST_MESSAGE} octets")
                return
            if not frame.segmented:
                self._complete()
                return
        elif not self._went_nowhere(1):
            return
        self._answer(frame, now)

    def _answer(self, frame: Frame, now: float) -> None:
        """Take the word where the meter gives it, and where it forgot to."""
        self._heard += 1
        if frame.poll:
            # Ours again: acknowledge, and ask for what is missing.
            self._ask_on()
        elif self._heard < self.parameters.receive_window:
            self._wait(now)
        else:
            # Its window is full, and it forgot to give us the word: if nothing more comes, we take it.
            self._deadline = now + self._line_time(self.parameters.receive_length + 32) + _MORE_WITHIN

    def _ask_on(self) -> None:
        # Of several frames that came together only the last needs an answer.
        if not self._out:
            self._put(Kind.RR)

    def _complete(self) -> None:
        message = bytes(self._incoming)
        self._incoming.clear()
        self._busy = False
        self._deadline = None
        self._segments = []
        self._next = self._acknowledged = 0
        if message.startswith((LLC_FROM_METER, LLC_TO_METER)):
            message = message[len(LLC_FROM_METER) :]
        self._events.append(Message(message))

    def _went_on(self) -> None:
        self._tries = self._fruitless = 0

    def _went_nowhere(self, cost: int) -> bool:
        """Count a frame that brings nothing new; tell whether the link still holds."""
        self._fruitless += cost
        if self._fruitless > _MOST_FRUITLESS:
            self._fail("the meter answers, and nothing comes of it")
            return False
        return True

    def _wait(self, now: float) -> None:
        if self.state not in {LinkState.CLOSED, LinkState.FAILED} and (self._busy or self.state is not LinkState.OPEN):
            # Some paths hand on a frame only when it is whole.
            answer = self._line_time(self.parameters.receive_length + 32)
            self._deadline = now + self.settings.answer_within + answer
            self._latest = self._deadline + self.settings.answer_within + answer

    def _line_time(self, octets: int) -> float:
        return octets * 10 / self.settings.baudrate if self.settings.baudrate else 0.0

    def _timed_out(self) -> None:
        self._receiver.clear()
        self._last_word = None
        self._tries += 1
        self.retries += 1
        # Whoever closes loses nothing by it: a meter that is gone is not waited for long.
        if self._tries > (
            min(_CLOSING_TRIES, self.settings.tries) if self.state is LinkState.CLOSING else self.settings.tries
        ):
            if self.state is LinkState.CLOSING:
                # Nobody answers any more: it is closed all the same.
                self.state = LinkState.CLOSED
                self._deadline = None
                self._events.append(Closed())
                return
            self._fail(
                "the meter does not answer any more" if self.state is LinkState.OPEN else "the meter does not answer"
            )
            return
        match self.state:
            case LinkState.CONNECTING:
                # Meters that do not know how to negotiate answer an SNRM without parameters.
                self._put(Kind.SNRM, self.settings.proposed.encode() if self._tries % 2 == 0 else b"")
            case LinkState.CLOSING:
                self._put(Kind.DISC)
            case _:
                # Which frames arrived, and which answer is waiting, the meter's RR or I tells.
                self._put(Kind.RR)

    def _fail(self, reason: str) -> None:
        self.state = LinkState.FAILED
        self._deadline = None
        self._out.clear()
        self._busy = False
        self._events.append(LinkFailed(reason))
