"""Meters on pseudo-terminals with exact line timing, which judge the reading device as a meter would.

A program of its own, sharing no code with the gateway, so that what is measured does not depend on the thing measured:

    python paced_meter.py SPECIFICATION.json

The specification is an object: ``links`` (paths for the pseudo-terminals), ``baud_char``, ``maker``, ``reaction``
(seconds), ``size``, ``tick`` (0: every character comes when its last bit does; else characters are handed over every so
many seconds, and a message's last one at its own time, as adapters with a buffer do) and ``messages``: for every link a
list of files with data messages, sent in turn. One JSON line on standard output tells of each readout; times are of
CLOCK_MONOTONIC, in seconds.

Every character stands at start + n x 10 bits / baud: nothing is slept a character long, so nothing drifts. The reading
device's characters come out of its pseudo-terminal at once; their line time is computed from the arrival. A character
sent while the other end is set to another rate is damaged, as it would be on a line.
"""

from __future__ import annotations

import heapq
import json
import os
import pty
import select
import sys
import termios
import time
import tty
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

BITS = 10
RATES = {"0": 300, "1": 600, "2": 1200, "3": 2400, "4": 4800, "5": 9600, "6": 19200}
SPEEDS = {getattr(termios, f"B{rate}"): rate for rate in RATES.values()}
PATIENCE = 5.0
WATCH = 0.0005
"""How often the other end's rate is looked at while it may change."""


def say(line: str) -> None:
    """Write a line to standard output."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def even(data: bytes) -> bytes:
    """Return the characters with even parity in bit 7."""
    return bytes(byte | (0x80 if byte.bit_count() & 1 else 0) for byte in data)


@dataclass
class Meter:
    """One meter. ``run`` is what it does over time."""

    place: int
    link: str
    identification: bytes
    reaction: float
    tick: float
    messages: list[bytes]
    master: int = -1
    slave: int = -1
    heard: bytearray = field(default_factory=bytearray)
    heard_first: float = 0.0
    heard_end: float = 0.0
    readout: int = 0

    def open(self) -> None:
        """Make the pseudo-terminal and its link."""
        self.master, self.slave = pty.openpty()
        tty.setraw(self.slave)
        os.set_blocking(self.master, False)
        Path(self.link).unlink(missing_ok=True)
        Path(self.link).symlink_to(os.ttyname(self.slave))

    @property
    def rate(self) -> int:
        """The rate that the reading device is set to."""
        return SPEEDS.get(termios.tcgetattr(self.master)[4], 0)

    def hear(self, now: float) -> None:
        """Take what the reading device wrote; its last bit leaves a line time later."""
        data = os.read(self.master, 4096)
        if not self.heard:
            self.heard_first = self.heard_end = now
        self.heard += bytes(byte & 0x7F for byte in data)
        self.heard_end = max(self.heard_end, now) + len(data) * BITS / 300

    def run(self) -> Generator[float, None, None]:
        """Answer for ever; yields the time at which to go on (earlier when something is heard)."""
        while True:
            request_first, request_end = yield from self._request()
            message = self.messages[self.readout % len(self.messages)]
            start = request_end + self.reaction
            identified, garbled = yield from self._send(even(self.identification), start, 300)
            answer = yield from self._acknowledgement(identified)
            if answer is None:
                say(json.dumps({"meter": self.place, "fault": "no acknowledgement"}))
                continue
            baud_char, heard_at, heard_end = answer
            rate = RATES[baud_char]
            start = heard_end + self.reaction
            switched = None
            while switched is None and rate != 300 and time.monotonic() < start:
                if self.rate != 300:
                    switched = time.monotonic()
                else:
                    yield min(start, time.monotonic() + WATCH)
            handed_over, damaged = yield from self._send(even(message), start, rate)
            self.readout += 1
            report = {
                "meter": self.place,
                "readout": self.readout,
                "rate": rate,
                "request": request_first,
                "last_byte": start + len(message) * BITS / rate,
                "handed_over": handed_over,
                "garbled": garbled + damaged,
                "acknowledgement_delay": heard_at
                - (request_end + self.reaction + len(self.identification) * BITS / 300),
                "switch_after": None if switched is None else switched - heard_end,
                "request_size": round((request_end - request_first) * 300 / BITS),
            }
            say(json.dumps(report))

    def _request(self) -> Generator[float, None, tuple[float, float]]:
        self.heard.clear()
        while True:
            yield time.monotonic() + 3600.0
            if self.rate != 300:
                self.heard.clear()
            if self.heard.endswith(b"!\r\n") and b"/?" in self.heard:
                return self.heard_first, self.heard_end

    def _acknowledgement(self, since: float) -> Generator[float, None, tuple[str, float, float] | None]:
        self.heard.clear()
        while time.monotonic() < since + PATIENCE:
            yield since + PATIENCE
            if self.heard.endswith(b"\r\n") and self.heard[:1] == b"\x06":
                # Set to another rate already, the reading device would send what no meter understands.
                return None if self.rate != 300 else (chr(self.heard[2]), self.heard_first, self.heard_end)
        return None

    def _send(self, data: bytes, start: float, rate: int) -> Generator[float, None, tuple[float, int]]:
        """Put characters on the line; returns when the last was handed over, and how many were damaged."""
        period, sent, garbled = BITS / rate, 0, 0
        step = max(1, int(self.tick / period)) if self.tick else 1
        while sent < len(data):
            upto = min(len(data), sent + step)
            due = start + upto * period
            while time.monotonic() < due:
                yield due
            piece = data[sent:upto]
            if self.rate != rate:
                garbled += len(piece)
                piece = bytes(byte ^ 0xA5 for byte in piece)
            os.write(self.master, piece)
            sent = upto
        return time.monotonic(), garbled


def main() -> None:
    """Run the meters of the specification until the process is ended."""
    specification = json.loads(Path(sys.argv[1]).read_text())
    meters = []
    for place, link in enumerate(specification["links"]):
        maker, baud_char = specification["maker"], specification["baud_char"]
        meter = Meter(
            place=place,
            link=link,
            identification=f"/{maker}{baud_char}PACED-{place:04}\r\n".encode(),
            reaction=specification["reaction"],
            tick=specification["tick"],
            messages=[Path(file).read_bytes() for file in specification["messages"][place]],
        )
        meter.open()
        meters.append(meter)
    steps = {meter.master: meter.run() for meter in meters}
    by_master = {meter.master: meter for meter in meters}
    due: list[tuple[float, int]] = []
    latest: dict[int, float] = {}

    def go_on(master: int) -> None:
        latest[master] = next(steps[master])
        heapq.heappush(due, (latest[master], master))

    for master in steps:
        go_on(master)
    say(json.dumps({"ready": True}))
    while True:
        while due and latest[due[0][1]] != due[0][0]:
            heapq.heappop(due)
        now = time.monotonic()
        wait = max(0.0, due[0][0] - now)
        # select takes microseconds where poll takes milliseconds.
        readable = select.select(list(steps), [], [], wait)[0]
        now = time.monotonic()
        for master in readable:
            by_master[master].hear(now)
            go_on(master)
        while due and due[0][0] <= now:
            at, master = heapq.heappop(due)
            if latest[master] == at:
                go_on(master)


if __name__ == "__main__":
    main()
