"""The client's end over TCP or UDP (IEC 62056-47): messages with a header, and nothing else to agree on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .link import Closed, Connected, LinkEvent, LinkFailed, LinkState, Message
from .negotiation import Parameters

PORT: Final = 4059
_VERSION: Final = 1
_HEADER: Final = 8
LONGEST_MESSAGE: Final = 0xFFFF
_LONGEST_ANSWER: Final = 30
"""Times ``answer_within``: an answer that trickles in for longer is none."""
_UNASKED: Final = frozenset({b"\x0f", b"\xc2"})
"""Notifications, which a meter may send between question and answer."""


@dataclass(frozen=True, slots=True)
class WrapperSettings:
    """Ports of client and server inside the connection, and how long an answer may take (seconds)."""

    client: int = 16
    server: int = 1
    answer_within: float = 10.0


class WrapperLink:
    """One connection, which is open already. The same face as ``ClientLink``."""

    def __init__(self, settings: WrapperSettings) -> None:
        self.settings = settings
        self.state = LinkState.CLOSED
        self.parameters = Parameters()
        self.retries = 0
        self._out: list[bytes] = []
        self._in = bytearray()
        self._busy = False
        self._waiting_for_sent = False
        self._deadline: float | None = None
        self._latest = 0.0
        self._events: list[LinkEvent] = []

    @property
    def deadline(self) -> float | None:
        """The next moment to call ``actions``; None while octets are being sent, and where nothing is waited for."""
        return None if self._waiting_for_sent else self._deadline

    @property
    def damaged(self) -> int:
        """Messages that failed their checks: TCP has seen to that."""
        return 0

    @property
    def wanted(self) -> int:
        """Octets that must still come before a message can be whole."""
        if len(self._in) < _HEADER:
            return _HEADER - len(self._in)
        return max(1, _HEADER + int.from_bytes(self._in[6:8], "big") - len(self._in))

    @property
    def idle(self) -> bool:
        """Whether a message may be sent."""
        return self.state is LinkState.OPEN and not self._busy

    def events(self) -> list[LinkEvent]:
        """Return what happened since the last call."""
        events, self._events = self._events, []
        return events

    def connect(self) -> None:
        """Be open: the connection below is."""
        self.state = LinkState.OPEN
        self._events.append(Connected(self.parameters))

    def send(self, message: bytes) -> None:
        """Send a message. Raises RuntimeError unless the link is idle."""
        if not self.idle:
            raise RuntimeError("the link is not idle")
        self._busy = True
        self._out.append(wrapped(message, self.settings.client, self.settings.server))

    def disconnect(self) -> None:
        """Be closed."""
        self.state = LinkState.CLOSED
        self._deadline = None
        self._events.append(Closed())

    def actions(self, now: float) -> list[bytes]:
        """Return the octets to send now; at most one piece, then ``sent`` must be called."""
        if self._waiting_for_sent:
            return []
        if not self._out and self._deadline is not None and now >= self._deadline:
            self._fail("the meter does not answer")
        out, self._out = self._out, []
        self._waiting_for_sent = bool(out)
        return out

    def sent(self, now: float) -> None:
        """Tell that the octets have left."""
        self._waiting_for_sent = False
        if self._busy:
            self._deadline = now + self.settings.answer_within
            self._latest = now + _LONGEST_ANSWER * self.settings.answer_within

    def receive(self, data: bytes, now: float) -> None:
        """Take octets that came by ``now``."""
        if self.state is not LinkState.OPEN:
            return
        self._in += data
        while len(self._in) >= _HEADER:
            version, source, destination, length = (int.from_bytes(self._in[n : n + 2], "big") for n in (0, 2, 4, 6))
            if version != _VERSION:
                self._fail("what comes is no wrapped DLMS message")
                return
            if len(self._in) < _HEADER + length:
                break
            message = bytes(self._in[_HEADER : _HEADER + length])
            del self._in[: _HEADER + length]
            ours = (source, destination) == (self.settings.server, self.settings.client)
            if ours and self._busy and message[:1] not in _UNASKED:
                self._busy = False
                self._deadline = None
                self._events.append(Message(message))
        if self._busy:
            self._deadline = min(now + self.settings.answer_within, self._latest)

    def _fail(self, reason: str) -> None:
        self.state = LinkState.FAILED
        self._deadline = None
        self._busy = False
        self._events.append(LinkFailed(reason))


def wrapped(message: bytes, source: int, destination: int) -> bytes:
    """Return a message with its header. Raises ValueError where it is too long."""
    if len(message) > LONGEST_MESSAGE:
        raise ValueError(f"a message of {len(message)} octets")
    return b"".join(number.to_bytes(2, "big") for number in (_VERSION, source, destination, len(message))) + message
