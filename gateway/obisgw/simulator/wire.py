"""The line between a reading device and one or more meters, without I/O: bytes, rates and time in, bytes out.

The caller says when the reading device wrote and what rate its port has; the wire says what reaches it, never before
the last bit of a character would have.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from obisgw.iec62056_21.events import Send, SetLine
from obisgw.iec62056_21.meter import MeterSession
from obisgw.iec62056_21.meter_settings import MeterEvent, StopSending

from .faults import Faults
from .light import Burst, Ear, Track

TICK = 0.010
"""Characters in the middle of a message are handed over this often, seconds; its first and last one at once.

Wake-ups cost the processor time: about 0.3 ms each, whatever they carry."""

_CATCH_UP = 0.05
"""A wake-up later than this moves the meter's answer; a smaller delay is made good."""

_SWITCH_DOUBT = 0.0015
"""How long before the end of its last character a reading device's change of speed is looked for."""

_SWITCH_LOOK = 0.050
"""How often it is looked for before that."""

_SEEN_LATE = 0.003


@dataclass(frozen=True, slots=True)
class Echo:
    """What of its own light the reading device hears: ``share`` of the characters, ``delay`` seconds late."""

    share: float = 1.0
    delay: float = 0.0


class Station:
    """One meter on the wire."""

    def __init__(self, session: MeterSession, faults: Faults | None = None) -> None:
        self.session = session
        self.faults = faults or Faults()
        self.track = Track()
        self.intruder = Track()
        self.ear = Ear((), session.baudrate)
        self.sent_at: float | None = None
        self.clock = float("-inf")

    @property
    def deadline(self) -> float | None:
        """When this meter does something by itself next."""
        times = [at for at in (self.sent_at, self.session.deadline) if at is not None]
        return min(times, default=None)

    def run(self, now: float) -> None:
        """Let the meter do all that is due by ``now``, each at its own time."""
        session = self.session
        while (deadline := self.deadline) is not None and deadline <= now:
            at = max(deadline, self.clock) if now - deadline < _CATCH_UP else now
            self.clock = at
            if self.sent_at is not None and self.sent_at <= now:
                self.sent_at = None
                session.sent(at)
                continue
            for action in session.actions(at):
                match action:
                    case SetLine(baudrate):
                        self.ear.tune(baudrate, at)
                    case Send(data):
                        self.sent_at = self._send(data, at)
                    case StopSending():
                        self.track.cut(at)
                        self.intruder.cut(at)
                        self.sent_at = None
                        session.sent(at)

    def _send(self, data: bytes, at: float) -> float:
        session = self.session
        rate = session.baudrate
        period = 10 / rate
        for late, piece in self.faults.damage(data, session.part, session.readouts, period):
            self.track.add(Burst(at + late, rate, piece))
        other = self.faults.intruder(data, session.part, session.readouts)
        # Two meters never keep the same step.
        self.intruder.add(Burst(at + 0.37 * period, rate, other))
        return max(at + len(data) * period, self.track.free_at)

    def hear(self, now: float) -> None:
        """Let the meter hear what has arrived by ``now``, character by character, because it may change its rate."""
        session = self.session
        while heard := self.ear.hear(now, limit=1):
            at, data = heard[0]
            self.run(at)
            if session.choosing and self.faults.deaf(session.readouts):
                continue
            self.clock = max(self.clock, at)
            session.receive(data, self.clock)
            self.run(at)


class Wire:
    """Several meters and one reading device.

    ``echo`` None: the head does not hear itself. ``half_duplex``: two wires, on which a meter hears the other meters
    and talkers damage each other; a head's light reaches the meter undisturbed.
    """

    def __init__(
        self,
        stations: Sequence[Station],
        *,
        echo: Echo | None = None,
        half_duplex: bool = False,
        seed: int = 0,
        tick: float = TICK,
    ) -> None:
        self.stations = tuple(stations)
        self.client = Track()
        self.tick = tick
        self._echo = echo
        self._reflection = Track()
        self._chance = random.Random(seed)  # noqa: S311 - faults, no secrets
        heard = [track for station in stations for track in (station.track, station.intruder)]
        if echo is not None:
            heard.append(self._reflection)
        elif half_duplex:
            heard.append(self.client)
        self._heard = heard
        self.ear = Ear(heard, 300)
        for station in stations:
            others = [other.track for other in stations if other is not station and half_duplex]
            station.ear.tracks = [self.client, *others]

    def write(self, data: bytes, baudrate: int, now: float, bits: int = 10) -> None:
        """Take what the reading device writes; it leaves at its port's rate, character behind character."""
        self.client.add(Burst(now, baudrate, data, bits))
        self._reflect(Burst(max(now, self.client.free_at - len(data) * bits / baudrate), baudrate, data, bits))

    def _reflect(self, burst: Burst) -> None:
        if self._echo is None:
            return
        start = burst.start + self._echo.delay
        for position in range(len(burst.data)):
            if self._chance.random() < self._echo.share:
                piece = burst.data[position : position + 1]
                self._reflection.add(Burst(start + position * burst.period, burst.baudrate, piece, burst.bits))

    def set_rate(self, baudrate: int, now: float, bits: int = 10) -> None:
        """Take note of the reading device's rate from ``now`` on; what it has not sent yet leaves with that."""
        if baudrate == self.ear.baudrate:
            return
        # The change is seen a little after it happened: a character that began since then is heard at the new rate.
        self.ear.tune(baudrate, now - _SEEN_LATE)
        if self.client.free_at > now:
            unsent = self.client.cut(now)
            self._reflection.cut(now)
            self.write(unsent, baudrate, now, bits)

    def step(self, now: float) -> bytes:
        """Let everything happen that is due by ``now``; return what the reading device hears."""
        for station in self.stations:
            station.hear(now)
            station.run(now)
        heard = b"".join(data for _, data in self.ear.hear(now))
        for track in (*self._heard, self.client):
            track.forget(now - 1)
        return heard

    def deadline(self, now: float) -> float | None:
        """Return when ``step`` is to be called next, or None while nothing is under way."""
        times = [at for station in self.stations if (at := station.deadline) is not None]
        times.extend(at for track in self._heard if (at := _next_hand_over(track, now, self.tick)) is not None)
        if self.client.free_at > now:
            # The meter hears a message when it ends; until then only a change of speed matters.
            doubt = self.client.free_at - _SWITCH_DOUBT
            times.append(min(doubt, now + _SWITCH_LOOK) if doubt > now else self.client.free_at)
        return min(times, default=None)

    def events(self) -> list[tuple[int, MeterEvent]]:
        """Return what happened to the meters since the last call, each with the meter's place on the wire."""
        return [(place, event) for place, station in enumerate(self.stations) for event in station.session.events()]


def _next_hand_over(track: Track, now: float, tick: float) -> float | None:
    """Return when characters of a track are due: the first and the last at once, those between a tick's worth at a time."""
    at = track.next_end(now)
    if at is None or at >= now + tick:
        return at
    burst = next(burst for burst in track.bursts if burst.end >= at)
    if burst.whole(now) == 0 and burst is track.bursts[-1]:
        return at
    return max(at, min(burst.end, burst.start + burst.whole(now + tick) * burst.period))
