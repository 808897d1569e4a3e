"""One open port: a serial line of this machine, or one reached over the network. The only module that uses serialx.

Local devices are read when the reader asks, straight from the kernel's buffer, because wake-ups cost processor time;
what arrives meanwhile waits there. Their speed is changed without serialx's ``reconfigure_port``, which throws away
what was received and not yet read.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import logging
import os
import stat
import termios
from typing import TYPE_CHECKING, Any

import serialx
from serialx.common import UnknownUriScheme

from obisgw.errors import ConfigurationError, LineError

from .settings import CHARACTER, IN_SOFTWARE, PortSettings
from .trouble import holders, in_use, is_device, lost, open_trouble, shown

if TYPE_CHECKING:
    from .trace import Trace

__all__ = ["Port", "PortSettings", "open_port"]

_log = logging.getLogger(__name__)

HEAD_POWER_UP = 0.1
"""Heads powered from DTR or RTS need a moment before they hear and speak."""

DRAIN_MAX = 1.0
"""A driver that does not report an empty transmitter by then is not waited for: the computed time stands."""

CONNECT_MAX = 10.0
_READ_MAX = 65536
_UNREAD_MAX = 1 << 20
"""Only network ports can get there, between readouts: they are not paused."""

_PTY_MAJORS = range(136, 144)
_MEMORY_MAJOR = 1
"""``/dev/null`` and its kin, which every program has open."""


class Port(asyncio.Protocol):
    """An open port, locked for this process alone. Made by ``open_port``.

    ``format`` is what the port really does: software parity where the hardware cannot do seven bits.
    ``can_set_rate``: False for ``socket://``, whose far end keeps its rate whatever is asked.
    ``trace``: notes every byte while it is set. Every method raises ``PortLostError`` once the port is gone.
    """

    def __init__(self, url: str, settings: PortSettings) -> None:
        self.url = url
        self.settings = settings
        self.format = settings.format
        self.baudrate = settings.baudrate
        self.can_set_rate = not url.startswith(("socket://", "tcp://"))
        self.trace: Trace | None = None
        self._loop = asyncio.get_running_loop()
        self._transport: serialx.BaseSerialTransport | None = None
        self._fd: int | None = None
        self._pty = False
        self._paused = False
        self._received = bytearray()
        self._waiter: asyncio.Future[None] | None = None
        self._lost = False
        self._cause: BaseException | None = None
        self._drain: asyncio.Future[float] | None = None

    @property
    def bits(self) -> int:
        """Bits of one character on the line, start and stop bits included."""
        data, parity, stop = CHARACTER[self.format]
        return 1 + data + (parity != "N") + stop

    def line_time(self, characters: int) -> float:
        """Return the seconds that ``characters`` take on the line at the present rate."""
        return characters * self.bits / self.baudrate

    @property
    def is_open(self) -> bool:
        """Whether the port can be used."""
        return self._transport is not None and not self._lost

    def is_current(self) -> bool:
        """Whether the path still leads to the device that is open: adapters come back as another device."""
        if self._fd is None:
            return self.is_open
        try:
            return self.is_open and os.path.samestat(os.stat(self.url), os.fstat(self._fd))  # noqa: PTH116
        except OSError:
            return False

    # --- asyncio.Protocol

    def data_received(self, data: bytes) -> None:
        """Keep what came, and wake whoever waits for it."""
        self._note_received(data)
        self._received += data
        del self._received[:-_UNREAD_MAX]
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Remember the end of the port."""
        self._lost, self._cause = True, exc
        self._wake()

    # --- reading

    def take(self) -> bytes:
        """Return everything received so far, without waiting."""
        if self._paused and self._fd is not None and not self._lost:
            self._read_kernel()
        if self._received:
            data = bytes(self._received)
            self._received.clear()
            return data
        self._check()
        return b""

    async def wait(self, until: float | None) -> None:
        """Return as soon as something was received, or at the time ``until``."""
        self._check()
        if self._received:
            return
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        self._waiter = waiter = self._loop.create_future()
        timer = None if until is None else self._loop.call_at(until, self._wake)
        try:
            await waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()

    async def sleep(self, until: float) -> None:
        """Return at the time ``until``; what is received meanwhile stays with the kernel where it can."""
        self._check()
        if not self._paused and self._fd is not None and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        await asyncio.sleep(until - self._loop.time())

    def rest(self) -> None:
        """Forget what was received and listen no more until something is asked of the port."""
        if self.is_open and not self._paused and self._fd is not None and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        self._received.clear()

    def _read_kernel(self) -> None:
        assert self._fd is not None  # noqa: S101 - the caller looked
        try:
            data = os.read(self._fd, _READ_MAX)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._lost, self._cause = True, error
            return
        if data:
            self._note_received(data)
            self._received += data
        else:
            self._lost = True

    def _note_received(self, data: bytes) -> None:
        if self.trace is not None:
            self.trace.rx(data, self._loop.time())

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _check(self) -> serialx.BaseSerialTransport:
        if self._transport is None or self._lost:
            raise lost(self.url, self._cause)
        return self._transport

    # --- writing and speed

    def write_now(self, data: bytes) -> float:
        """Hand ``data`` to the driver and return when their last bit should leave, computed from the rate."""
        start = self._loop.time()
        transport = self._check()
        if self.trace is not None:
            self.trace.tx(data, start)
        try:
            transport.write(data)
        except (OSError, serialx.SerialException) as error:
            raise lost(self.url, error) from error
        return start + self.line_time(len(data))

    async def write(self, data: bytes) -> float:
        """Send ``data``; return, once it is past, when their last bit left.

        That is the later of the time computed from the rate and of the driver's word that its transmitter is empty.
        Some drivers say so when the adapter's own buffer is still full, pseudo-terminals at once.
        """
        computed = self.write_now(data)
        await self.sleep(computed)
        drained = await self._drained()
        return computed if drained is None else max(computed, drained)

    async def _drained(self) -> float | None:
        if self._fd is None or self._pty:
            return None
        self._check()
        if self._drain is not None and not self._drain.done():
            return None  # An earlier one hangs in the driver; one thread a port is enough.
        self._drain = self._loop.run_in_executor(None, self._drain_now, self._fd)
        try:
            return await asyncio.wait_for(asyncio.shield(self._drain), DRAIN_MAX)
        except TimeoutError:
            self._drain.add_done_callback(_forget)
            return None
        except (OSError, termios.error) as error:
            raise lost(self.url, error) from error

    def _drain_now(self, fd: int) -> float:
        termios.tcdrain(fd)
        return self._loop.time()

    async def set_rate(self, baudrate: int) -> None:
        """Change the rate in both directions, losing nothing that was received.

        Where the far end cannot follow (``can_set_rate``) only the computed times change.
        """
        transport = self._check()
        if baudrate == self.baudrate:
            return
        if self._fd is not None:
            await self._set_local(self._fd, baudrate)
        elif self.can_set_rate:
            try:
                await transport.reconfigure_port(baudrate=baudrate)
            except (OSError, serialx.SerialException) as error:
                raise lost(self.url, error) from error
        self.baudrate = baudrate
        if self.trace is not None:
            self.trace.baud(baudrate, self._loop.time())

    async def _set_local(self, fd: int, baudrate: int) -> None:
        try:
            if self._pty:
                _set_speed(fd, baudrate)
            else:
                # An adapter that died takes seconds to say so.
                await self._loop.run_in_executor(None, _set_speed, fd, baudrate)
        except (OSError, termios.error) as error:
            raise lost(self.url, error) from error

    # --- life

    async def close(self) -> None:
        """Release the port. What is not sent yet is still sent."""
        transport, self._transport = self._transport, None
        if transport is None:
            return
        if self._fd is not None and not self._lost and not self._pty:
            try:
                fcntl.ioctl(self._fd, termios.TIOCNXCL)
            except OSError as error:
                _log.debug("%s: the exclusive lock was gone: %s", self.url, error)
        self._fd = None
        if self._lost:
            transport.abort()
        else:
            transport.close()
        await transport.wait_closed()

    async def connect(self) -> None:
        """Open the port; ``open_port`` calls this once."""
        data_bits, parity, stop_bits = CHARACTER[self.format]
        options: dict[str, Any] = {} if is_device(self.url) else {"connect_timeout": CONNECT_MAX}
        transport, _ = await serialx.create_serial_connection(
            self._loop,
            lambda: self,
            self.url,
            baudrate=self.baudrate,
            byte_size=data_bits,
            parity=serialx.Parity(parity),
            stopbits=serialx.StopBits(stop_bits),
            dtr_on_open=serialx.PinState.convert(self.settings.dtr),
            rts_on_open=serialx.PinState.convert(self.settings.rts),
            **options,
        )
        self._transport = transport
        if is_device(self.url):
            self._take_over(transport)
            if not self._pty:
                await asyncio.sleep(HEAD_POWER_UP)

    def _take_over(self, transport: serialx.BaseSerialTransport) -> None:
        fd = transport.serial.fileno()
        self._fd = fd
        self._pty = os.major(os.fstat(fd).st_rdev) in _PTY_MAJORS
        if not self._pty:
            # The lock of serialx is only seen by programs that ask for it; this one keeps the others out as well. On a
            # pseudo-terminal it would outlive a killed process.
            fcntl.ioctl(fd, termios.TIOCEXCL)
        attributes = termios.tcgetattr(fd)
        data_bits, parity, _ = CHARACTER[self.format]
        seven = attributes[2] & termios.CSIZE == termios.CS7
        even = bool(attributes[2] & termios.PARENB)
        # A pseudo-terminal carries whole characters: eight bits need no parity there.
        if (data_bits == 7) != seven or ((parity == "E") != even and not (self._pty and data_bits == 8)):
            raise OSError(errno.EINVAL, "the port cannot do this format")
        if parity == "E":
            attributes[0] |= termios.INPCK  # A damaged character becomes NUL, which no block check lets pass.
        # One: reading an empty buffer is then told from a port that hung up.
        attributes[6][termios.VMIN], attributes[6][termios.VTIME] = 1, 0
        termios.tcsetattr(fd, termios.TCSANOW, attributes)


async def open_port(url: str, settings: PortSettings) -> Port:
    """Open and lock a port: ``/dev/…``, ``socket://``, ``rfc2217://`` or ``esphome://``.

    A port that cannot do seven bits with parity (pseudo-terminals, cheap adapters) is opened with eight bits, and the
    parity is left to software. Raises ``PortMissingError``, ``PortPermissionError``, ``PortInUseError`` or another
    ``LineError``, each with its remedy.
    """
    port = Port(url, settings)
    if is_device(url):
        _refuse_shared(url)
    try:
        try:
            await port.connect()
        except (OSError, termios.error) as error:
            if settings.format not in IN_SOFTWARE or error.args[0] != errno.EINVAL:
                raise
            await port.close()
            port = Port(url, settings)
            port.format = IN_SOFTWARE[settings.format]
            _log.info("%s cannot do %s; parity is made by software", url, settings.format.value)
            await port.connect()
    except (OSError, termios.error, serialx.SerialException, ImportError, ValueError) as error:
        await port.close()
        raise _opening_failed(url, error) from error
    except BaseException:
        await port.close()
        raise
    return port


def _opening_failed(url: str, error: Exception) -> LineError | ConfigurationError:
    if isinstance(error, ImportError | UnknownUriScheme):
        if url.startswith("esphome://"):
            hint = "this needs one library more: `pip install 'serialx[esphome]'`"
        else:
            hint = "a port is /dev/…, socket://host:port, rfc2217://host:port or esphome://host"
        return ConfigurationError("this kind of port cannot be opened", where=shown(url), hint=hint)
    if isinstance(error, termios.error):
        error = OSError(*error.args)
    return open_trouble(url, error)


def _refuse_shared(url: str) -> None:
    """Refuse a serial device that another process reads: each would get a part of the bytes."""
    try:
        status = os.stat(url)  # noqa: PTH116
    except OSError:
        return  # Opening says it better.
    major = os.major(status.st_rdev)
    if not stat.S_ISCHR(status.st_mode) or major in _PTY_MAJORS or major == _MEMORY_MAJOR:
        return
    others = [holder for holder in holders(url) if holder[0] != os.getpid()]
    if others:
        raise in_use(url, others)


def _set_speed(fd: int, baudrate: int) -> None:
    speed = getattr(termios, f"B{baudrate}", None)
    if speed is None:
        raise OSError(errno.EINVAL, f"{baudrate} Bd is no rate of serial ports")
    attributes = termios.tcgetattr(fd)
    attributes[4] = attributes[5] = speed
    termios.tcsetattr(fd, termios.TCSANOW, attributes)


def _forget(drain: asyncio.Future[float]) -> None:
    if not drain.cancelled():
        drain.exception()
