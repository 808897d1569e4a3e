"""A meter on a pseudo-terminal that keeps the line's time. Also a program, so that it takes no processor time of ours."""

from __future__ import annotations

import os
import pty
import select
import sys
import termios
import threading
import time
import tty
from dataclasses import dataclass
from typing import Self

from obisgw.iec62056_21.characters import add_parity
from obisgw.iec62056_21.messages import LINE_END

RATES = {"0": 300, "3": 2400, "4": 4800, "5": 9600, "6": 19200}


def block(text: bytes) -> bytes:
    """Return STX, text, ETX and block check."""
    check = 0
    for character in text + b"\x03":
        check ^= character
    return b"\x02" + text + b"\x03" + bytes((check,))


def household(size: int) -> bytes:
    """Return a data block of about ``size`` characters."""
    lines = [b"0.0.0(12345678)"]
    while sum(map(len, lines)) + 2 * len(lines) < size - 30:
        lines.append(b"1.8.%d(%09.3f*kWh)" % (len(lines), 1234.567 * len(lines)))
    return LINE_END.join([*lines, b"!", b""])


@dataclass
class PacedMeter:
    """Answers ``/?!`` in mode C, each character when the line would have brought it. ``unplug`` closes its end."""

    text: bytes = household(300)
    baud_char: str = "5"
    initial: int = 300
    reaction: float = 0.2
    speed_up: float = 1.0
    """Makes all rates of the line this much faster than the port says."""

    def __post_init__(self) -> None:
        self.master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        self.heard: list[bytes] = []
        self.line_times: list[float] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.unplug()

    def unplug(self) -> None:
        """Vanish, as an adapter does."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        for fd in (self.master, self._slave):
            if fd >= 0:
                os.close(fd)
        self.master = self._slave = -1

    def _listen(self, until: float | None = None) -> tuple[bytes, float]:
        """Return a message and when its last bit arrived."""
        message, start = b"", 0.0
        while not message.endswith((b"\n", b"\x8a", b"\x71")) and not self._stop.is_set():
            if until is not None and time.monotonic() > until:
                return b"", time.monotonic()
            if select.select([self.master], [], [], 0.05)[0]:
                start = start or time.monotonic()
                message += os.read(self.master, 100)
        self.heard.append(message)
        return message, start + len(message) * 10 / (self.initial * self.speed_up)

    def _say(self, message: bytes, baudrate: int, start: float) -> float:
        """Send from ``start`` on; return when the last bit has left."""
        data, character = add_parity(message), 10 / (baudrate * self.speed_up)
        sent = 0
        while sent < len(data) and not self._stop.is_set():
            due = min(len(data), int((time.monotonic() - start) / character))
            if due > sent:
                os.write(self.master, data[sent:due])
                sent = due
            time.sleep(max(0.0, min(start + (sent + 1) * character - time.monotonic(), 0.05)))
        return start + len(data) * character

    def _run(self) -> None:
        while not self._stop.is_set():
            message, end = self._listen()
            if b"?" not in message:
                continue
            begin = end - len(message) * 10 / (self.initial * self.speed_up)
            end = self._say(b"/ISK" + self.baud_char.encode() + b"MT174-0001\r\n", self.initial, end + self.reaction)
            answer, end = self._listen(end + 2)
            rate = RATES.get(chr(answer[2] & 0x7F), self.initial) if len(answer) > 2 else self.initial
            end = self._say(block(self.text), rate, end + self.reaction)
            if termios.tcgetattr(self.master)[4] != getattr(termios, f"B{rate}"):
                self.heard.append(b"wrong rate")
            self.line_times.append(end - begin)


if __name__ == "__main__":
    meter = PacedMeter(household(int(sys.argv[1])), sys.argv[2])
    with meter:
        print(meter.path, flush=True)  # noqa: T201 - what a program is for
        told = 0
        while select.select([sys.stdin], [], [], 0.01)[0] == []:
            while told < len(meter.line_times):
                print(f"{meter.line_times[told]:.6f}", flush=True)  # noqa: T201
                told += 1
