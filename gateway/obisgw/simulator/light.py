"""Characters on the line as light: who talks when and how fast, and what an ear at some speed makes of it.

A character is a start bit (0), eight bits from the lowest, and a stop bit (1); the idle line is 1, and of several
talkers the 0 wins. Times are seconds, rates baud. An ear at the talker's rate gets the characters; at another rate it
samples the bits that really pass, as a UART does.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

_EPSILON = 1e-7


def _low_runs(character: int) -> tuple[tuple[int, int], ...]:
    bits = [0, *(character >> place & 1 for place in range(8)), 1]
    runs, start = [], None
    for place, bit in enumerate(bits):
        if bit == 0 and start is None:
            start = place
        elif bit == 1 and start is not None:
            runs.append((start, place))
            start = None
    return tuple(runs)


_LOW_RUNS = tuple(_low_runs(character) for character in range(256))


@dataclass(frozen=True, slots=True)
class Burst:
    """Characters sent without a gap from ``start`` on; ``bits`` a character, stop bits included."""

    start: float
    baudrate: int
    data: bytes
    bits: int = 10

    @property
    def period(self) -> float:
        """Seconds a character."""
        return self.bits / self.baudrate

    @property
    def end(self) -> float:
        """When the last bit has left."""
        return self.start + len(self.data) * self.period

    def whole(self, now: float) -> int:
        """Return how many characters have left entirely by ``now``."""
        return max(0, min(len(self.data), int((now - self.start + _EPSILON) / self.period)))


class Track:
    """All that one talker sends. Bursts never overlap: a later one waits for the earlier."""

    def __init__(self) -> None:
        self.bursts: deque[Burst] = deque()

    @property
    def free_at(self) -> float:
        """When the last burst has left."""
        return self.bursts[-1].end if self.bursts else float("-inf")

    def add(self, burst: Burst) -> Burst:
        """Send a burst, not before the earlier ones have left; return it as it will be."""
        placed = burst
        if self.free_at > burst.start:
            placed = Burst(self.free_at, burst.baudrate, burst.data, burst.bits)
        if placed.data:
            self.bursts.append(placed)
        return placed

    def cut(self, now: float) -> bytes:
        """Drop every character that has not left entirely by ``now``; return them."""
        kept: deque[Burst] = deque()
        dropped = b""
        for burst in self.bursts:
            count = burst.whole(now)
            dropped += burst.data[count:]
            if count:
                kept.append(Burst(burst.start, burst.baudrate, burst.data[:count], burst.bits))
        self.bursts = kept
        return dropped

    def forget(self, before: float) -> None:
        """Drop bursts that ended before a moment."""
        while self.bursts and self.bursts[0].end < before:
            self.bursts.popleft()

    def next_end(self, now: float) -> float | None:
        """Return when the next character after ``now`` has left entirely, or None."""
        for burst in self.bursts:
            count = burst.whole(now)
            if count < len(burst.data):
                return burst.start + (count + 1) * burst.period
        return None


class Ear:
    """A receiver at some rate, which hears the light of several tracks."""

    def __init__(self, tracks: Iterable[Track], baudrate: int) -> None:
        self.tracks = list(tracks)
        self._baudrate = baudrate
        self._position = -1e12
        self._aligned = True

    @property
    def baudrate(self) -> int:
        """The rate the ear samples with."""
        return self._baudrate

    def tune(self, baudrate: int, now: float) -> None:
        """Change the rate. What is left of a character under way at ``now`` is heard with the new one."""
        if baudrate == self._baudrate:
            return
        self._baudrate = baudrate
        for burst in self._live(now):
            begun = burst.start + burst.whole(self._position) * burst.period
            if begun < now - _EPSILON:
                self._position, self._aligned = max(self._position, now), False

    def hear(self, until: float, limit: int | None = None) -> list[tuple[float, bytes]]:
        """Return what has been heard by ``until`` as pieces with the time of their last bit.

        ``limit`` 1 returns after one character, so that the rate may change behind it.
        """
        heard: list[tuple[float, bytes]] = []
        while True:
            live = self._live(until)
            if not live:
                # Nothing is on the line up to now, and what comes later starts later.
                self._position, self._aligned = max(self._position, until), True
                return heard
            step = self._plain(live, until, limit) if self._clear(live) else self._sampled(live, until)
            if step is None:
                return heard
            heard.append(step)
            if limit is not None and len(heard) >= limit:
                return heard

    def _live(self, until: float) -> list[Burst]:
        position = self._position + _EPSILON
        return [
            burst for track in self.tracks for burst in track.bursts if burst.start < until and burst.end > position
        ]

    def _clear(self, live: list[Burst]) -> bool:
        if not self._aligned or any(burst.baudrate != self._baudrate for burst in live):
            return False
        if len(live) == 1:
            return True
        live.sort(key=lambda burst: burst.start)
        return all(one.end <= other.start + _EPSILON for one, other in pairwise(live))

    def _plain(self, live: list[Burst], until: float, limit: int | None) -> tuple[float, bytes] | None:
        for burst in live:
            first, last = burst.whole(self._position), burst.whole(until)
            if last > first:
                if limit is not None:
                    last = min(last, first + limit)
                self._position = burst.start + last * burst.period
                return self._position, burst.data[first:last]
        return None

    def _sampled(self, live: list[Burst], until: float) -> tuple[float, bytes] | None:
        if self._aligned:
            # The character under way is heard from its start.
            first = min(burst.start + burst.whole(self._position) * burst.period for burst in live)
            self._position, self._aligned = max(self._position, first), False
        lows = self._lows(live, until)
        starts = [low[0] for low in lows]
        edge_index = bisect_right(starts, self._position - _EPSILON)
        if edge_index == len(lows):
            self._position = max(self._position, until)
            return None
        edge = starts[edge_index]
        if self._falls_in_step(live, edge):
            self._position, self._aligned = edge, True
            return self._plain(live, until, 1)
        bit = 1 / self._baudrate
        done = edge + 9.5 * bit
        if done > until:
            self._position = edge
            return None

        def low(at: float) -> int:
            index = bisect_right(starts, at) - 1
            return int(index >= 0 and at < lows[index][1])

        self._position = done
        if low(edge + bit / 2):
            character = sum((1 - low(edge + (place + 1.5) * bit)) << place for place in range(8))
            return done, bytes((character,))
        # A flicker shorter than half a bit is no start bit.
        self._position = edge + bit / 2
        return self._sampled(live, until)

    def _falls_in_step(self, live: list[Burst], edge: float) -> bool:
        if any(burst.baudrate != self._baudrate for burst in live) or len(live) > 1:
            return False
        count = (edge - live[0].start) / live[0].period
        return abs(count - round(count)) < 1e-4

    def _lows(self, live: list[Burst], until: float) -> list[tuple[float, float]]:
        """Return the stretches of light, merged, from the position to the character under way at ``until``."""
        runs: list[tuple[float, float]] = []
        for burst in live:
            bit = 1 / burst.baudrate
            first = max(0, burst.whole(self._position) - 1)
            for index in range(first, min(len(burst.data), burst.whole(until) + 1)):
                start = burst.start + index * burst.period
                runs.extend((start + low * bit, start + high * bit) for low, high in _LOW_RUNS[burst.data[index]])
        runs.sort()
        merged: list[tuple[float, float]] = []
        for start, end in runs:
            if merged and start <= merged[-1][1] + _EPSILON:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        return merged
