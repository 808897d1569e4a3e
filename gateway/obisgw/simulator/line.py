"""The wire's edge: a pseudo-terminal or a TCP port, one timer, one loop. All timing is the wire's.

A pseudo-terminal shows the speed that the reading device has set; TCP does not, so its port is taken to follow the
meter unless a fixed rate is given, as a plain serial server's is.
"""

from __future__ import annotations

import asyncio
import os
import select
import termios
import tty
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from obisgw.errors import ConfigurationError

from .wire import Wire

_RATES = {getattr(termios, name): int(name[1:]) for name in dir(termios) if name.startswith("B") and name[1:].isdigit()}
_OPEN_CHECK = 0.010
"""How often a closed pseudo-terminal is looked at, seconds: nothing tells that somebody opened it."""

_COOKED_FOR = 0.2
"""How long a reading device may take from opening the terminal to setting it raw."""


class Line(ABC):
    """A wire that lives in real time. Used as an asynchronous context manager."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.overruns = 0
        """Bytes the reading device did not fetch in time."""
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._due = float("inf")

    @property
    @abstractmethod
    def port(self) -> str:
        """What the reading device opens: a path or ``socket://host:port``."""

    @abstractmethod
    async def open(self) -> None:
        """Make the port appear."""

    @abstractmethod
    def close(self) -> None:
        """Make the port vanish, as an adapter does that is unplugged."""

    @abstractmethod
    def _look(self, now: float) -> None:
        """Tell the wire the rate of the reading device's port."""

    @abstractmethod
    def _hand_over(self, data: bytes) -> None:
        """Give bytes to the reading device, or drop them when nobody has opened the port."""

    async def __aenter__(self) -> Self:
        await self.open()
        self.step()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self.close()

    def step(self) -> None:
        """Let the wire do what is due, and set the timer for the next time."""
        now = self._loop.time()
        self._look(now)
        if data := self.wire.step(now):
            self._hand_over(data)
        deadline = self.wire.deadline(now)
        due = float("inf") if deadline is None else deadline
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if due != float("inf"):
            self._timer = self._loop.call_at(due, self.step)


class PtyLine(Line):
    """A pseudo-terminal; ``link`` is a symbolic link to it, made and removed with it."""

    def __init__(self, wire: Wire, link: Path | None = None) -> None:
        super().__init__(wire)
        self.link = link
        self._master: int | None = None
        self._name = ""
        self._poll = select.poll()
        self._opened = False
        self._opened_at = 0.0
        self._unready = False
        self._check: asyncio.TimerHandle | None = None

    @property
    def port(self) -> str:
        """Path of the link, or of the terminal itself."""
        return str(self.link) if self.link is not None else self._name

    @property
    def plugged(self) -> bool:
        """Whether the terminal exists."""
        return self._master is not None

    async def open(self) -> None:
        """Make the terminal, raw, and the link to it."""
        master, slave = os.openpty()
        tty.setraw(slave)
        self._name = os.ttyname(slave)
        os.close(slave)
        os.set_blocking(master, False)
        self._master = master
        self._poll = select.poll()
        self._poll.register(master, select.POLLIN)
        if self.link is not None:
            self._make_link(self.link)
        self._look_for_reader()

    def _make_link(self, link: Path) -> None:
        if link.exists() and not link.is_symlink():
            self.close()
            raise ConfigurationError("exists and is no link", where=str(link), hint="give another path to --link")
        new = link.with_name(f".{link.name}.{os.getpid()}")
        try:
            new.symlink_to(self._name)
            new.replace(link)
        except OSError as error:
            self.close()
            raise ConfigurationError(
                f"cannot make the link: {error.strerror}", where=str(link), hint="give a path in a folder you may write"
            ) from error

    def close(self) -> None:
        """Take terminal and link away; who has it open sees a hang-up."""
        if self._check is not None:
            self._check.cancel()
        if self.link is not None and self.link.is_symlink() and str(self.link.readlink()) == self._name:
            self.link.unlink()
        if self._master is not None:
            self._loop.remove_reader(self._master)
            os.close(self._master)
            self._master = None
            self._opened = False

    def _look_for_reader(self) -> None:
        """Without a reader the master would report a hang-up without end, so it is looked at now and then."""
        self._check = None
        if self._master is None:
            return
        if any(event & select.POLLHUP for _, event in self._poll.poll(0)):
            self._check = self._loop.call_later(_OPEN_CHECK, self._look_for_reader)
            return
        self._opened, self._opened_at = True, self._loop.time()
        self._loop.add_reader(self._master, self._read)
        self.step()

    def _read(self) -> None:
        assert self._master is not None  # noqa: S101 - the reader is removed with it
        now = self._loop.time()
        try:
            data = os.read(self._master, 4096)
        except BlockingIOError:
            return
        except OSError:
            # EIO: the last one who had it open has closed it.
            self._loop.remove_reader(self._master)
            self._opened = False
            self._look_for_reader()
            return
        rate, bits, cooked = self._settings()
        if cooked and now - self._opened_at < _COOKED_FOR:
            # The terminal's own echo of a push, before the reading device has made it raw.
            return
        self.wire.set_rate(rate, now, bits)
        self.wire.write(data, rate, now, bits)
        self.step()

    def _settings(self) -> tuple[int, int, bool]:
        assert self._master is not None  # noqa: S101 - callers saw to it
        _, _, cflag, lflag, _, ospeed, _ = termios.tcgetattr(self._master)
        bits = 11 if cflag & termios.CSTOPB else 10
        return _RATES.get(ospeed, 300), bits, bool(lflag & termios.ECHO)

    def _look(self, now: float) -> None:
        if self._master is not None and self._opened:
            rate, bits, cooked = self._settings()
            self._unready = cooked and now - self._opened_at < _COOKED_FOR
            self.wire.set_rate(rate, now, bits)

    def _hand_over(self, data: bytes) -> None:
        if self._master is None or not self._opened or self._unready:
            return
        try:
            written = os.write(self._master, data)
        except BlockingIOError:
            written = 0
        except OSError:
            # The reading device has just closed it; _read notices.
            return
        self.overruns += len(data) - written


class TcpLine(Line):
    """A TCP port for one reading device at a time; ``baudrate`` None follows the meter, as an ideal head would."""

    def __init__(self, wire: Wire, host: str, port: int, baudrate: int | None = None) -> None:
        super().__init__(wire)
        self._host, self._port = host, port
        self._baudrate = baudrate
        self._server: asyncio.Server | None = None
        self._transport: asyncio.Transport | None = None

    @property
    def port(self) -> str:
        """The URL that serial libraries open."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"socket://{host}:{self._port}"

    async def open(self) -> None:
        """Listen; port 0 takes any free one."""
        try:
            self._server = await self._loop.create_server(lambda: _Connection(self), self._host, self._port)
        except OSError as error:
            raise ConfigurationError(
                f"cannot listen: {error.strerror}", where=f"{self._host}:{self._port}", hint="take another port"
            ) from error
        self._port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Stop listening and drop the connection."""
        if self._server is not None:
            self._server.close()
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    def connected(self, transport: asyncio.Transport) -> None:
        """Take a reading device, unless there is one."""
        if self._transport is not None:
            transport.abort()
            return
        self._transport = transport
        self.step()

    def gone(self, transport: asyncio.BaseTransport | None) -> None:
        """Take note that a connection is over."""
        if transport is self._transport:
            self._transport = None

    def wrote(self, transport: asyncio.BaseTransport | None, data: bytes) -> None:
        """Put the reading device's bytes on the wire."""
        if transport is self._transport:
            now = self._loop.time()
            self._look(now)
            self.wire.write(data, self.wire.ear.baudrate, now)
            self.step()

    def _look(self, now: float) -> None:
        rate = self._baudrate or next(
            (one.session.baudrate for one in self.wire.stations if one.track.free_at > now),
            max(one.session.baudrate for one in self.wire.stations),
        )
        self.wire.set_rate(rate, now)

    def _hand_over(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)


class _Connection(asyncio.Protocol):
    def __init__(self, line: TcpLine) -> None:
        self._line = line
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a stream server makes no other
        self._transport = transport
        self._line.connected(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        with suppress(ValueError):
            self._line.gone(self._transport)

    def data_received(self, data: bytes) -> None:
        self._line.wrote(self._transport, data)
