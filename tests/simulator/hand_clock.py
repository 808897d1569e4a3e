"""A reading device's session and a wire with meters, both moved by one clock that is turned by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from obisgw.iec62056_21.events import Action, Event, Send, SetLine
from obisgw.simulator.wire import Wire


class Session(Protocol):
    """The face of the reading device's sessions."""

    @property
    def finished(self) -> bool: ...
    @property
    def deadline(self) -> float | None: ...
    def actions(self, now: float) -> list[Action]: ...
    def sent(self, now: float) -> None: ...
    def receive(self, data: bytes, now: float) -> None: ...
    def events(self) -> list[Event]: ...


class HandClock:
    """Runs a session against a wire from ``now`` on; keeps every byte either side sent."""

    def __init__(self, wire: Wire, now: float = 100.0) -> None:
        self.wire = wire
        self.now = now
        self.baudrate = 300
        self.heard = bytearray()
        self.rates: list[int] = []
        self._sent_at: float | None = None

    def run(self, session: Session, until: float, stop: Callable[[Event], bool] = lambda _: False) -> list[Event]:
        """Return the session's events until it is finished or the clock has advanced by ``until`` seconds.

        ``stop`` tells of an event whether it is the last one that is waited for.
        """
        end = self.now + until
        events: list[Event] = []
        sent_at = self._sent_at
        while self.now < end:
            for action in session.actions(self.now):
                match action:
                    case SetLine(baudrate):
                        self.baudrate = baudrate
                        self.rates.append(baudrate)
                        self.wire.set_rate(baudrate, self.now)
                    case Send(data):
                        self.wire.write(data, self.baudrate, self.now)
                        sent_at = self.now + len(data) * 10 / self.baudrate
            if data := self.wire.step(self.now):
                self.heard += data
                session.receive(data, self.now)
            new = session.events()
            events += new
            if session.finished or any(map(stop, new)):
                break
            times = [at for at in (sent_at, self.wire.deadline(self.now), session.deadline) if at is not None]
            self.now = max(min(times, default=end), self.now)
            if sent_at is not None and self.now >= sent_at:
                session.sent(sent_at)
                sent_at = None
        self._sent_at = sent_at
        return events + session.events()

    def write(self, data: bytes) -> None:
        """Put bytes on the wire as a reading device at the current rate."""
        self.wire.write(data, self.baudrate, self.now)

    def listen(self, seconds: float) -> bytes:
        """Return what the reading device hears in so many seconds."""
        end, heard = self.now + seconds, b""
        while self.now < end:
            heard += self.wire.step(self.now)
            deadline = self.wire.deadline(self.now)
            self.now = max(self.now, min(end, end if deadline is None else deadline))
        return heard + self.wire.step(self.now)

    def set_rate(self, baudrate: int) -> None:
        """Set the reading device's port."""
        self.baudrate = baudrate
        self.wire.set_rate(baudrate, self.now)
