"""The meter's end of an HDLC link, for tests and the simulator."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import DecodeError
from .frames import Frame, FrameReceiver, Kind
from .link import LLC_FROM_METER, LLC_TO_METER
from .negotiation import Parameters


@dataclass(frozen=True, slots=True)
class Arrived:
    """A client's message, without its LLC header; ``client`` is the octets of its address."""

    client: bytes
    octets: bytes


@dataclass(frozen=True, slots=True)
class LinkOpened:
    """A client has opened the link."""

    client: bytes


@dataclass(frozen=True, slots=True)
class LinkClosed:
    """The link is closed."""


MeterLinkEvent = Arrived | LinkOpened | LinkClosed


class MeterLink:
    """One link at a time. ``receive`` returns the octets to answer; ``answer`` gives the message that is asked for.

    ``addresses``: all server addresses to which it listens, as octets of the line.
    """

    def __init__(self, addresses: frozenset[bytes], offered: Parameters = Parameters()) -> None:  # noqa: B008 - frozen
        self.offered = offered
        self.open = False
        self.parameters = Parameters()
        self._addresses = addresses
        self._receiver = FrameReceiver()
        self._client = b""
        self._server = b""
        self._sent = 0
        self._awaited = 0
        self._incoming = bytearray()
        self._segments: list[bytes] = []
        self._acknowledged = 0
        self._first = 0
        """N(S) of the first segment of the answer."""
        self._next = 0
        self._events: list[MeterLinkEvent] = []
        self._last_unnumbered = b""

    def events(self) -> list[MeterLinkEvent]:
        """Return what happened since the last call."""
        events, self._events = self._events, []
        return events

    def receive(self, data: bytes) -> bytes:
        """Take octets and return those to send."""
        return b"".join(self._take(frame) for frame in self._receiver.receive(data))

    def quiet(self) -> None:
        """Forget a frame that did not end."""
        self._receiver.clear()

    def close(self) -> None:
        """Be as after the inactivity time-out."""
        self.open = False
        self._segments = []
        self._incoming.clear()

    def answer(self, message: bytes) -> bytes:
        """Return the first frames of an answer; the rest goes as the client acknowledges."""
        octets, size = LLC_FROM_METER + message, self.parameters.send_length
        self._segments = [octets[place : place + size] for place in range(0, len(octets), size)]
        self._acknowledged = self._next = 0
        self._first = self._sent
        return self._window()

    # --- inside

    def _take(self, frame: Frame) -> bytes:
        if frame.destination not in self._addresses:
            return b""
        match frame.kind:
            case Kind.SNRM:
                return self._opened(frame)
            case Kind.DISC:
                was_open, self.open = self.open, False
                self._client, self._server = frame.source, frame.destination
                if was_open:
                    self._events.append(LinkClosed())
                return self._put(Kind.UA if was_open else Kind.DM)
            case _ if not self.open or frame.source != self._client:
                self._client, self._server = frame.source, frame.destination
                return self._put(Kind.DM) if frame.poll else b""
            case Kind.I:
                return self._information(frame)
            case Kind.RR:
                return self._ready(frame)
            case _:
                return b""

    def _opened(self, frame: Frame) -> bytes:
        try:
            asked = Parameters.decode(frame.information)
        except DecodeError:
            return b""
        self._client, self._server = frame.source, frame.destination
        self.parameters = self.offered.agreed(asked)
        self.open = True
        self._sent = self._awaited = 0
        self._segments = []
        self._incoming.clear()
        self._events.append(LinkOpened(frame.source))
        return self._put(Kind.UA, self.parameters.encode())

    def _information(self, frame: Frame) -> bytes:
        if len(frame.information) > self.parameters.receive_length:
            return self._put(Kind.FRMR, b"\x00\x00\x04")
        if frame.sent != self._awaited:
            # A repetition, or one was lost in front: say which is wanted, or answer again.
            return self._ready(frame) if frame.poll else b""
        self._awaited = (self._awaited + 1) % 8
        self._segments = []
        self._incoming += frame.information
        if frame.segmented:
            return self._put(Kind.RR) if frame.poll else b""
        message = bytes(self._incoming).removeprefix(LLC_TO_METER)
        self._incoming.clear()
        self._events.append(Arrived(frame.source, message))
        return b""

    def _ready(self, frame: Frame) -> bytes:
        """Go on with the answer from where the client awaits it."""
        if not self._segments:
            return self._put(Kind.RR) if frame.poll else b""
        acknowledged = (frame.awaited - self._first) % 8
        # Modulo 8 within the window that is under way.
        done = self._acknowledged + (acknowledged - self._acknowledged) % 8
        if done > self._next:
            return self._put(Kind.FRMR, b"\x00\x00\x08")
        self._acknowledged = self._next = done
        self._sent = frame.awaited
        if self._acknowledged >= len(self._segments):
            return self._put(Kind.RR)
        return self._window()

    def _window(self) -> bytes:
        last = min(len(self._segments), self._acknowledged + self.parameters.send_window)
        frames = []
        while self._next < last:
            more = self._next + 1 < len(self._segments)
            frames.append(self._put(Kind.I, self._segments[self._next], poll=self._next + 1 == last, segmented=more))
            self._next += 1
            self._sent = (self._sent + 1) % 8
        return b"".join(frames)

    def _put(self, kind: Kind, information: bytes = b"", *, poll: bool = True, segmented: bool = False) -> bytes:
        frame = Frame(self._client, self._server, kind, information, self._sent, self._awaited, poll, segmented)
        return frame.encode()
