"""A client and a meter that exchange octets without a line, well or badly."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from obisgw.dlms.association import Association, Event, Security
from obisgw.dlms.frames import client_address, server_address
from obisgw.dlms.link import ClientLink, Closed, Connected, LinkFailed, LinkSettings, LinkState, Message
from obisgw.dlms.meter import MeterAssociation, MeterSecurity, Value
from obisgw.dlms.meter_link import Arrived, LinkClosed, LinkOpened, MeterLink
from obisgw.dlms.negotiation import Parameters
from obisgw.dlms.services import Attribute

CLIENT, SERVER = client_address(16), server_address(1, 17)
Line = Callable[[bytes], bytes]


def clean(octets: bytes) -> bytes:
    return octets


def lossy(seed: int, rate: float = 0.08) -> Line:
    """Lose, cut or damage one frame in so many."""
    chance = random.Random(seed)

    def line(octets: bytes) -> bytes:
        out = b""
        for frame in _frames(octets):
            if chance.random() >= rate:
                out += frame
                continue
            kind = chance.randrange(3)
            if kind == 0:
                continue
            if kind == 1:
                out += frame[: chance.randrange(1, len(frame))]
                continue
            place = chance.randrange(len(frame))
            out += frame[:place] + bytes((frame[place] ^ 1 << chance.randrange(8),)) + frame[place + 1 :]
        return out

    return line


def _frames(octets: bytes) -> list[bytes]:
    frames, place = [], 0
    while place < len(octets):
        size = (int.from_bytes(octets[place + 1 : place + 3], "big") & 0x7FF) + 2
        frames.append(octets[place : place + size])
        place += size
    return frames


@dataclass
class Pair:
    """Both ends. ``ask`` returns what a GET gave."""

    objects: dict[tuple[int, bytes, int], Value]
    security: Security = field(default_factory=Security)
    meter_security: MeterSecurity = field(default_factory=MeterSecurity)
    proposed: Parameters = field(default_factory=Parameters)
    offered: Parameters = field(default_factory=Parameters)
    most: int = 1024
    line: Line = clean
    echo: bool = False
    frames: int = 0

    def __post_init__(self) -> None:
        self.link = ClientLink(LinkSettings(CLIENT, SERVER, self.proposed))
        self.association = Association(self.security)
        self.meter_link = MeterLink(frozenset({SERVER}), self.offered)
        self.meter = MeterAssociation(self.objects, self.meter_security, most=self.most)
        self.now = self.heard = 0.0
        self.events: list[Event] = []
        self.link_events: list[object] = []

    def run(self, until: Callable[[], bool], most: int = 200_000) -> None:
        """Let both ends talk until a condition holds."""
        for _ in range(most):
            if until():
                return
            self._step()
        raise AssertionError(f"nothing comes of it: {self.link.state}, {self.association.state}, {self.events[-3:]}")

    def _step(self) -> None:
        for octets in self.link.actions(self.now):
            self.now += len(octets) / 960
            self.link.sent(self.now)
            self.frames += octets.count(b"\x7e") // 2
            if self.echo:
                self.link.receive(octets, self.now)
            answer = self.line(self._answer(self.line(octets)))
            self.now += len(answer) / 960 + 0.02
            if answer:
                self.link.receive(answer, self.now)
        self._follow()
        if self.link.idle and (message := self.association.outgoing) is not None:
            self.link.send(message)
        elif self.link.deadline is not None and not self.link._out:
            # Only where nothing else happens does time pass.
            self.now = max(self.now, self.link.deadline)

    def _answer(self, octets: bytes) -> bytes:
        """Return what the meter sends."""
        if self.now - self.heard > 1:
            self.meter_link.quiet()
        self.heard = self.now
        answer = self.meter_link.receive(octets)
        for event in self.meter_link.events():
            match event:
                case Arrived(octets=asked):
                    if (reply := self.meter.answer(asked)) is not None:
                        answer += self.meter_link.answer(reply)
                case LinkOpened() | LinkClosed():
                    self.meter.reset()
        return answer

    def _follow(self) -> None:
        for link_event in self.link.events():
            self.link_events.append(link_event)
            match link_event:
                case Message(octets=message):
                    self.association.receive(message)
                case Connected():
                    self.association.open()
                case LinkFailed() | Closed():
                    pass
        self.events += self.association.events()

    def open(self) -> Event:
        """Connect and associate; return how that ended."""
        self.link.connect()
        self.run(lambda: bool(self.events) or self.link.state is LinkState.FAILED)
        assert self.events, self.link_events
        return self.events.pop(0)

    def ask(self, *attributes: Attribute) -> Event:
        """Return what a GET gave."""
        self.association.get(*attributes)
        self.run(lambda: bool(self.events) or self.link.state is LinkState.FAILED)
        assert self.events, self.link_events
        return self.events.pop(0)

    def close(self) -> None:
        """Release and disconnect."""
        self.association.release()
        self.run(lambda: bool(self.events))
        self.link.disconnect()
        self.run(lambda: self.link.state is LinkState.CLOSED)
