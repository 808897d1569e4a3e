"""A line on which a meter sends DLMS unasked: its frames, and a pseudo-terminal that carries them in pieces."""

from __future__ import annotations

import itertools
import os
import pty
import threading
import tty
from pathlib import Path
from typing import Self

from obisgw.dlms.frames import Frame, Kind
from obisgw.dlms.security import Control, protect

KEY, AUTHENTICATION, TITLE = bytes(range(16)), bytes(range(16, 32)), b"KFM\x20\x30\x00\x00\x01"
BOTH = Control.AUTHENTICATED | Control.ENCRYPTED
_LLC = b"\xe6\xe7\x00"


def recorded(name: str) -> bytes:
    """Return a real meter's frames."""
    return bytes.fromhex("".join((Path(__file__).parent / "pushes" / f"{name}.hex").read_text().split()))


def notification_of(frame: bytes) -> bytes:
    """Return the notification that one recorded frame carries."""
    start = frame.index(_LLC) + len(_LLC)
    return frame[start:-3]


def ciphered(plain: bytes, counter: int, key: bytes = KEY, control: Control = BOTH) -> bytes:
    """Return a notification as a meter ciphers it with its owner's key."""
    octets = protect(plain, control, key, AUTHENTICATION, TITLE, counter)
    return b"\xdb\x08" + TITLE + b"\x82" + len(octets).to_bytes(2, "big") + octets


def hdlc(message: bytes, size: int = 120) -> bytes:
    """Return a message in HDLC frames."""
    message = _LLC + message
    parts = [message[place : place + size] for place in range(0, len(message), size)]
    return b"".join(
        Frame(b"\xcf", b"\x02\x23", Kind.UI, part, segmented=number + 1 < len(parts)).encode()
        for number, part in enumerate(parts)
    )


def mbus(message: bytes, size: int = 120) -> bytes:
    """Return a message in M-Bus frames."""
    parts = [message[place : place + size] for place in range(0, len(message), size)]
    frames = b""
    for number, part in enumerate(parts):
        last = 0x10 if number == len(parts) - 1 else 0
        body = bytes((0x53, 0xFF, last | number & 0x0F, 0x01, 0x67)) + part
        frames += bytes((0x68, len(body), len(body), 0x68)) + body + bytes((sum(body) & 0xFF, 0x16))
    return frames


class PushLine:
    """Carries messages in pieces: once by ``send``, or ``endless`` ones in turn, for whoever begins to listen some time."""

    def __init__(self, *endless: bytes, size: int = 23, pause: float = 0.001, between: float = 1.0) -> None:
        self._endless, self._size, self._pause, self._between = endless, size, pause, between
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        os.close(self._master)
        os.close(self._slave)

    def send(self, octets: bytes) -> None:
        """Send octets in pieces."""
        for place in range(0, len(octets), self._size):
            os.write(self._master, octets[place : place + self._size])
            self._stop.wait(self._pause)

    def _run(self) -> None:
        for octets in itertools.cycle(self._endless):
            if self._stop.wait(self._between):
                return
            self.send(octets)
