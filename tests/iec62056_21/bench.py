"""A session without a line: its clock is moved by hand, and what it does is written down."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from obisgw.iec62056_21.characters import add_parity
from obisgw.iec62056_21.events import Action, Event, Failed, Failure, Received, Send, SetLine


class Session(Protocol):
    """What a bench needs of a session."""

    @property
    def deadline(self) -> float | None: ...
    def actions(self, now: float) -> list[Action]: ...
    def sent(self, now: float) -> None: ...
    def receive(self, data: bytes, now: float) -> None: ...
    def events(self) -> list[Event]: ...


S = TypeVar("S", bound=Session)
E = TypeVar("E", bound=Event)


@dataclass
class Bench(Generic[S]):
    """A session, its clock, and what it did: sent bytes without parity, rates, events."""

    session: S
    now: float = 100.0
    sent: list[bytes] = field(default_factory=list)
    rates: list[int] = field(default_factory=list)
    times: list[tuple[float, str]] = field(default_factory=list)
    log: list[Event] = field(default_factory=list)

    def run(self, until: float | None = None) -> None:
        """Perform actions and let deadlines pass up to ``until``; None performs what is due now."""
        limit = self.now if until is None else until
        for _ in range(1000):
            deadline = self.session.deadline
            if deadline is None or deadline > limit:
                break
            self.now = max(self.now, deadline)
            for action in self.session.actions(self.now):
                match action:
                    case SetLine(baudrate):
                        self.rates.append(baudrate)
                        self.times.append((self.now, f"{baudrate} Bd"))
                    case Send(data):
                        self.times.append((self.now, "send"))
                        self.now += len(data) * 10 / self.rates[-1]
                        self.sent.append(bytes(c & 0x7F for c in data))
                        self.session.sent(self.now)
                        limit = max(limit, self.now)
            self.log += self.session.events()
        self.now = max(self.now, limit)
        self.log += self.session.events()

    def hear(self, data: bytes, after: float = 0.2, *, parity: bool = True) -> None:
        """The meter's characters, read in one piece ``after`` seconds."""
        self.run(self.now + after)
        self.session.receive(add_parity(data) if parity else data, self.now)
        self.run()

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.log if isinstance(event, kind)]

    @property
    def failure(self) -> Failure | None:
        failed = [event for event in self.log if isinstance(event, Failed)]
        return failed[0].failure if failed else None

    @property
    def values(self) -> bytes | None:
        received = [event for event in self.log if isinstance(event, Received)]
        return received[0].telegram.block if received else None
