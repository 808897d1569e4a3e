"""Meters on pseudo-terminals that do wrong first and well later, each a script of a few lines on the line's time."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import random
import re
import termios
import tty
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from obisgw.iec62056_21.characters import add_parity
from obisgw.simulator.light import Burst, Ear, Track

RATE = 9600
IDENTIFICATION = b"/OBg5BAD\r\n"
"""Third letter lower case: it may answer after 20 ms. It announces the rate that is asked at."""

POISON = "666666"
"""In every value that was damaged or is no value, so that none of them is taken for a good one."""

Registers = dict[str, str | None]


def block(text: bytes, *, end: bytes = b"\x03") -> bytes:
    """Return STX, the text, ETX (or another end) and the right block check, without parity."""
    check = 0
    for character in text + end:
        check ^= character & 0x7F
    return b"\x02" + text + end + bytes((check,))


def telegram(*lines: str) -> bytes:
    """Return a data block of these lines."""
    return "".join(f"{line}\r\n" for line in (*lines, "!")).encode("latin-1")


def heard(bursts: Iterable[Burst], baudrate: int = RATE) -> bytes:
    """Return what an ear at that rate makes of all bursts together."""
    tracks = []
    for burst in bursts:
        track = Track()
        track.add(burst)
        tracks.append(track)
    return b"".join(data for _, data in Ear(tracks, baudrate).hear(1e6))


class Line:
    """A pseudo-terminal under a symbolic link, from the meter's side."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._master = self._slave = -1
        self._received = b""
        self._arrived = asyncio.Event()
        self.open()

    def open(self) -> None:
        """Make a terminal and lead the link there."""
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        fcntl.fcntl(self._master, fcntl.F_SETFL, os.O_NONBLOCK)
        asyncio.get_running_loop().add_reader(self._master, self._read)
        new = self.path.with_suffix(".new")
        new.symlink_to(os.ttyname(self._slave))
        new.rename(self.path)

    def unplug(self) -> None:
        """Take it away, as an adapter vanishes."""
        self.path.unlink(missing_ok=True)
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._master)
        os.close(self._slave)
        self._master = self._slave = -1

    def close(self) -> None:
        """End."""
        if self._master >= 0:
            self.unplug()

    def hold(self, *, stopped: bool) -> None:
        """Let the line take nothing any more, or everything again."""
        termios.tcflow(self._slave, termios.TCOOFF if stopped else termios.TCOON)

    def steal(self) -> bytes:
        """Read what is on its way to the gateway, as another program with the port open would."""
        count = int.from_bytes(fcntl.ioctl(self._slave, termios.FIONREAD, b"\0\0\0\0"), "little")
        return os.read(self._slave, count) if count else b""

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            self._received += os.read(self._master, 4096)
        self._arrived.set()

    async def heard(self, *, within: float | None = None) -> bytes:
        """Return the next message of the gateway without parity; empty when none came in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                while True:
                    text = bytes(character & 0x7F for character in self._received)
                    for end in (b"\r\n", b"B0\x03q", b"\x15"):
                        if end in text:
                            length = text.index(end) + len(end)
                            self._received = self._received[length:]
                            return text[:length]
                    self._arrived.clear()
                    await self._arrived.wait()
        return b""

    async def one(self, *, within: float) -> bytes:
        """Return the next character; none when none came in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                while not self._received:
                    self._arrived.clear()
                    await self._arrived.wait()
        first, self._received = self._received[:1], self._received[1:]
        return bytes(character & 0x7F for character in first)

    async def request(self) -> str:
        """Return the address of the next request; what comes in front of it is passed over."""
        while (match := re.search(rb"/\?([^!]*)!", await self.heard())) is None:
            pass
        return match[1].decode()

    async def say(self, data: bytes, *, rate: int = RATE, raw: bool = False) -> None:
        """Send characters at their rate; ``raw`` as they are, else with parity."""
        data = data if raw else add_parity(data)
        loop = asyncio.get_running_loop()
        start, sent = loop.time(), 0
        while sent < len(data) and self._master >= 0:
            due = min(len(data), int((loop.time() - start) * rate / 10) + 1)
            if due > sent:
                # Held up by a reader that is slower than the line; a real one would lose characters.
                with contextlib.suppress(BlockingIOError):
                    sent += os.write(self._master, data[sent:due])
            await asyncio.sleep(0.005)


@dataclass
class Meter:
    """One case's meter: asked (or by itself, where it pushes), it does its ``fault`` until it is healed, then well."""

    line: Line
    number: str
    fault: Callable[[Meter], Awaitable[None]]
    chance: random.Random
    pushes: bool = False
    good: list[Registers] = field(default_factory=list)
    """Every telegram that it sent whole and unharmed, as it must be published."""
    readouts: int = 0
    asked: str = ""
    """The address in the request."""
    numbers: dict[str, str] = field(default_factory=dict)
    """By address, where several meters are at this line."""
    exchanges: int = 0
    healed: asyncio.Event = field(default_factory=asyncio.Event)

    async def live(self) -> None:
        """Answer, or push, for ever."""
        while True:
            if self.pushes:
                await asyncio.sleep(0.2)
            else:
                self.asked = await self.line.request()
            self.readouts += 1
            await (self.well() if self.healed.is_set() else self.fault(self))

    async def identify(self) -> None:
        """Identify itself, and wait for the acknowledgement as long as a meter does."""
        await asyncio.sleep(0.02)
        await self.line.say(IDENTIFICATION)
        await self.line.heard(within=1.5)
        await asyncio.sleep(0.02)

    async def well(self) -> None:
        """Do all as it should be."""
        if self.pushes:
            await self.line.say(self.pushed())
        else:
            await self.identify()
            await self.line.say(self.truth())

    def pushed(self) -> bytes:
        """Return a good telegram as push meters send it."""
        return IDENTIFICATION + b"\r\n" + self.truth()[1:-2]

    def truth(self, *more: str, number: str | None = None, **published: str | None) -> bytes:
        """Return a good message with new values and note it; ``more`` data sets are published as ``published``."""
        number = number or self.numbers.get(self.asked, self.number)
        energy, power = f"{len(self.good) + 1:06d}.{self.chance.randrange(1000):03d}", f"{self.chance.randrange(10)}.5"
        values = {"active_energy_import": energy.lstrip("0"), "active_power_import": power}
        self.good.append({"identification_number": number, **values, **published})
        return block(telegram(f"0.0.0({number})", f"1.8.0({energy}*kWh)", f"1.7.0({power}*kW)", *more))

    def poison(self) -> bytes:
        """Return a message with values that must never be published: something is done to it."""
        energy = (f"1.8.{tariff}({POISON}.{tariff}*kWh)" for tariff in range(3))
        return block(telegram(f"0.0.0({self.number})", *energy, f"1.7.0({POISON}*kW)"))

    def noise(self, count: int) -> bytes:
        """Return random characters."""
        return self.chance.randbytes(count)
