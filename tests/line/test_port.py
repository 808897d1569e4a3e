"""Ports on real pseudo-terminals and sockets: reading, speed, locks, loss."""

from __future__ import annotations

import asyncio
import fcntl
import io
import os
import pty
import subprocess
import sys
import termios
import threading
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from obisgw.config.values import LineFormat
from obisgw.errors import ConfigurationError, PortInUseError, PortLostError, PortMissingError
from obisgw.line import port as line_port
from obisgw.line.port import PortSettings, open_port
from obisgw.line.trace import Trace


class Terminal:
    """Both ends of a pseudo-terminal; ``path`` is what the port opens."""

    def __init__(self) -> None:
        self.master, slave = pty.openpty()
        tty.setraw(slave)
        self.path = os.ttyname(slave)
        os.close(slave)

    def close(self) -> None:
        """Hang up."""
        if self.master >= 0:
            os.close(self.master)
            self.master = -1


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    """Yield a pseudo-terminal."""
    terminal = Terminal()
    yield terminal
    terminal.close()


def speeds(terminal: Terminal) -> list[int]:
    """Return input and output speed as the meter's side sees them."""
    return termios.tcgetattr(terminal.master)[4:6]


async def test_bytes_go_both_ways_and_eight_bits_of_them(terminal: Terminal) -> None:
    """Nothing is translated, not even CR, NUL and XON."""
    port = await open_port(terminal.path, PortSettings())
    every = bytes(range(256))
    os.write(terminal.master, every)
    received = b""
    while len(received) < 256:
        await port.wait(None)
        received += port.take()
    port.write_now(every)
    await port.close()
    assert received == every
    assert os.read(terminal.master, 1000) == every


async def test_writing_takes_the_time_of_the_line(terminal: Terminal) -> None:
    """A pseudo-terminal drains at once; the port computes when the last bit would have left."""
    port = await open_port(terminal.path, PortSettings(baudrate=2400))
    loop = asyncio.get_running_loop()
    start = loop.time()
    left = await port.write(b"123456")
    end = loop.time()
    await port.close()
    assert left - start == pytest.approx(6 * 10 / 2400, abs=0.005)
    assert end >= left


@pytest.mark.parametrize("asleep", [False, True])
async def test_a_change_of_speed_loses_nothing_received(terminal: Terminal, asleep: bool) -> None:  # noqa: FBT001
    """Neither what the port holds nor what the kernel holds."""
    port = await open_port(terminal.path, PortSettings())
    loop = asyncio.get_running_loop()
    os.write(terminal.master, b"before")
    if asleep:
        await port.sleep(loop.time() + 0.01)
    else:
        await port.wait(loop.time() + 1)
    await port.set_rate(9600)
    os.write(terminal.master, b" after")
    await port.sleep(loop.time() + 0.01)
    received = port.take()
    seen = speeds(terminal)
    await port.close()
    assert received == b"before after"
    assert seen == [termios.B9600, termios.B9600]
    assert port.baudrate == 9600


async def test_what_comes_during_a_sleep_waits_for_take(terminal: Terminal) -> None:
    """A sleeping port is not woken by characters."""
    port = await open_port(terminal.path, PortSettings())
    loop = asyncio.get_running_loop()
    loop.call_later(0.01, os.write, terminal.master, b"xy")
    start = loop.time()
    await port.sleep(start + 0.05)
    assert loop.time() >= start + 0.05
    assert port.take() == b"xy"
    assert port.take() == b""
    await port.close()


@pytest.mark.parametrize("doing", ["waiting", "sleeping", "writing"])
async def test_a_hang_up_is_told_whatever_the_port_does(terminal: Terminal, doing: str) -> None:
    """The end of the other side is PortLostError, never silence."""
    port = await open_port(terminal.path, PortSettings())
    loop = asyncio.get_running_loop()
    loop.call_later(0.02, terminal.close)
    match doing:
        case "waiting":
            await port.wait(None)
        case "sleeping":
            await port.sleep(loop.time() + 0.05)
        case _:
            await port.write(b"12")
    with pytest.raises(PortLostError, match="vanished") as caught:
        port.take()
    await port.close()
    assert terminal.path in str(caught.value)
    assert caught.value.hint is not None


async def test_a_closed_port_says_so(terminal: Terminal) -> None:
    """Using it afterwards is told, not ignored."""
    port = await open_port(terminal.path, PortSettings())
    await port.close()
    await port.close()
    assert not port.is_open
    with pytest.raises(PortLostError):
        port.write_now(b"x")


async def test_a_port_that_another_process_holds_names_it(terminal: Terminal) -> None:
    """The lock of another program is met by its name and number."""
    code = (
        "import fcntl,os,sys; f=os.open(sys.argv[1], os.O_RDWR|os.O_NOCTTY); fcntl.flock(f, fcntl.LOCK_EX);"
        "print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(  # noqa: ASYNC220 - it only holds the port
        [sys.executable, "-c", code, terminal.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(PortInUseError) as caught:
            await open_port(terminal.path, PortSettings())
        assert f"(process {holder.pid})" in str(caught.value)
        assert "python" in str(caught.value)
        holder.communicate(b"")


async def test_the_port_is_locked_and_given_back(terminal: Terminal) -> None:
    """A second opening fails while the first lasts."""
    port = await open_port(terminal.path, PortSettings())
    with pytest.raises(PortInUseError):
        await open_port(terminal.path, PortSettings())
    await port.close()
    again = await open_port(terminal.path, PortSettings())
    await again.close()


@pytest.fixture
def adapters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pseudo-terminals pass for adapters."""
    monkeypatch.setattr(line_port, "_PTY_MAJORS", range(0))


@pytest.mark.usefixtures("adapters")
async def test_an_adapter_is_written_to_drained_and_switched(terminal: Terminal) -> None:
    """With a real device the driver has a say in when the last bit has left."""
    port = await open_port(terminal.path, PortSettings(baudrate=2400))
    loop = asyncio.get_running_loop()
    start = loop.time()
    left = await port.write(b"123456")
    await port.set_rate(9600)
    seen = speeds(terminal)
    await port.close()
    assert start + 6 * 10 / 2400 <= left <= loop.time()
    assert seen == [termios.B9600, termios.B9600]


@pytest.mark.usefixtures("adapters")
async def test_a_driver_that_hangs_in_drain_is_not_waited_for(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The computed time stands, and no second thread joins the first."""
    hang = threading.Event()
    calls: list[int] = []

    def drain(fd: int) -> None:
        calls.append(fd)
        hang.wait(5)

    port = await open_port(terminal.path, PortSettings(baudrate=9600))
    monkeypatch.setattr(termios, "tcdrain", drain)
    monkeypatch.setattr(line_port, "DRAIN_MAX", 0.05)
    start = asyncio.get_running_loop().time()
    first = await port.write(b"123456")
    second = await port.write(b"123456")
    hang.set()
    await port.close()
    assert first - start == pytest.approx(60 / 9600, abs=0.005)
    assert second > first
    assert len(calls) == 1


@pytest.mark.usefixtures("adapters")
async def test_other_programs_are_kept_out_even_without_a_lock(terminal: Terminal) -> None:
    """TIOCEXCL is set while the port is open. Root may still open it, so the flag itself is looked at."""
    slave = os.open(terminal.path, os.O_RDWR | os.O_NOCTTY)
    port = await open_port(terminal.path, PortSettings())
    flag = bytearray(4)
    tiocgexcl = 0x80045440
    fcntl.ioctl(slave, tiocgexcl, flag)
    during = int.from_bytes(flag, sys.byteorder)
    await port.close()
    fcntl.ioctl(slave, tiocgexcl, flag)
    os.close(slave)
    assert (during, int.from_bytes(flag, sys.byteorder)) == (1, 0)


@pytest.mark.parametrize("url", ["/dev/no-such-port", "/dev/serial/by-id/usb-nobody-if00-port0"])
async def test_a_missing_port_says_how_to_find_others(url: str) -> None:
    """Not there is its own error."""
    with pytest.raises(PortMissingError, match="no such port") as caught:
        await open_port(url, PortSettings())
    assert "obis-gateway ports" in str(caught.value)


async def test_a_file_is_no_port(tmp_path: Path) -> None:
    """A path that is no serial device is told as that."""
    file = tmp_path / "file"
    file.write_bytes(b"")
    with pytest.raises(Exception, match="no serial port"):
        await open_port(str(file), PortSettings())


@pytest.mark.parametrize(
    ("asked", "got", "bits"),
    [
        (LineFormat.HARDWARE_7E1, LineFormat.SOFTWARE_7E1, 10),
        (LineFormat.HARDWARE_7E2, LineFormat.SOFTWARE_7E2, 11),
        (LineFormat.SOFTWARE_7E1, LineFormat.SOFTWARE_7E1, 10),
        (LineFormat.SOFTWARE_7E2, LineFormat.SOFTWARE_7E2, 11),
        (LineFormat.HARDWARE_8N1, LineFormat.HARDWARE_8N1, 10),
    ],
)
async def test_where_seven_bits_cannot_be_had_software_makes_the_parity(
    terminal: Terminal, asked: LineFormat, got: LineFormat, bits: int
) -> None:
    """A pseudo-terminal cannot do 7E1, at the second opening no better than at the first."""
    for _ in range(2):
        port = await open_port(terminal.path, PortSettings(format=asked))
        assert port.format is got
        assert port.bits == bits
        await port.close()


async def test_the_path_may_lead_to_another_device_after_a_replug(terminal: Terminal, tmp_path: Path) -> None:
    """A link that now shows elsewhere makes the open port outdated."""
    link = tmp_path / "head"
    link.symlink_to(terminal.path)
    port = await open_port(str(link), PortSettings())
    assert port.is_current()
    other = Terminal()
    link.unlink()
    link.symlink_to(other.path)
    assert not port.is_current()
    link.unlink()
    assert not port.is_current()
    await port.close()
    other.close()


async def test_a_capture_has_every_byte_with_its_direction(terminal: Terminal) -> None:
    """What goes over the port is what the file has, with the changes of speed."""
    port = await open_port(terminal.path, PortSettings(baudrate=9600))
    file = io.StringIO()
    port.trace = Trace(file, "port /dev/pts/x")
    await port.write(b"/?!\r\n")
    os.write(terminal.master, b"/ABC")
    await port.wait(None)
    port.take()
    await port.set_rate(300)
    await port.close()
    lines = file.getvalue().splitlines()
    assert lines[:3] == ["# obis-gateway capture 1", "# port /dev/pts/x", "0.000000 tx 2f3f210d0a"]
    assert [line.split(" ", 1)[1] for line in lines[3:]] == ["rx 2f414243", lines[4].split(" ", 1)[1]]
    assert lines[4].endswith("baud 300")


class Far(asyncio.Protocol):
    """The far end of a socket, which sends back what it gets."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Echo, or hang up when told so."""
        if data == b"bye":
            self.transport.close()
        self.transport.write(data)


async def test_a_socket_is_a_port_whose_rate_stays() -> None:
    """Reading, writing and loss as with a device, but no change of rate."""
    server = await asyncio.get_running_loop().create_server(Far, "127.0.0.1", 0)
    number = server.sockets[0].getsockname()[1]
    port = await open_port(f"socket://127.0.0.1:{number}", PortSettings(baudrate=9600))
    assert not port.can_set_rate
    await port.set_rate(300)
    await port.set_rate(9600)
    await port.write(b"hello")
    await port.wait(None)
    assert port.take() == b"hello"
    await port.write(b"bye")
    with pytest.raises(PortLostError):
        await port.wait(None)
    await port.close()
    server.close()
    await server.wait_closed()


async def test_nobody_at_the_other_end_is_a_missing_port() -> None:
    """A refused connection says what to check."""
    server = await asyncio.get_running_loop().create_server(Far, "127.0.0.1", 0)
    number = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    with pytest.raises(PortMissingError, match="no connection") as caught:
        await open_port(f"socket://127.0.0.1:{number}", PortSettings())
    assert "check host" in str(caught.value)


async def test_an_unknown_kind_of_address_is_told() -> None:
    """A URL that no library serves is the owner's to change; its secrets are not shown."""
    with pytest.raises(ConfigurationError, match="rfc2217") as caught:
        await open_port("carrier-pigeon://loft?key=secret", PortSettings())
    assert "secret" not in str(caught.value)
