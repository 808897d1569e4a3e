"""The line in real time: a real pseudo-terminal, a real TCP port, real clocks."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from obisgw.errors import ConfigurationError
from obisgw.iec62056_21.characters import add_parity, strip_parity
from obisgw.iec62056_21.messages import Acknowledgement, request
from obisgw.simulator.serve import SimulatorOptions, SimulatorThread

pytestmark = pytest.mark.slow

FAST = "household-fast"
IDENTIFICATION = b"/OBg5VIRTUAL-1\r\n"
LATE = 0.25
"""Seconds: a busy machine wakes late. Its exact pace shows in the cycles that script/bench measures."""


class Port:
    """A reading device's port, opened raw as a serial library does."""

    def __init__(self, path: str, baudrate: int = 300) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        os.set_blocking(self.fd, True)
        self.set_rate(baudrate)

    def set_rate(self, baudrate: int) -> None:
        """Set both directions."""
        settings = termios.tcgetattr(self.fd)
        settings[0] = settings[1] = settings[3] = 0
        settings[2] = termios.CS8 | termios.CREAD | termios.CLOCAL
        settings[4] = settings[5] = getattr(termios, f"B{baudrate}")
        settings[6][termios.VMIN], settings[6][termios.VTIME] = 0, 20
        termios.tcsetattr(self.fd, termios.TCSANOW, settings)

    def write(self, data: bytes) -> float:
        """Write seven-bit characters with parity; return when."""
        at = time.monotonic()
        os.write(self.fd, add_parity(data))
        return at

    def read(self, count: int) -> tuple[bytes, float]:
        """Return so many bytes, or what came until two seconds of silence, and when the last of them came."""
        data, at = b"", time.monotonic()
        while len(data) < count and (piece := os.read(self.fd, count - len(data))):
            data, at = data + piece, time.monotonic()
        return data, at


def hung_up(fd: int) -> bool:
    """Return whether the other side of a terminal is gone: end of file, or EIO."""
    try:
        return os.read(fd, 1) == b""
    except OSError as error:
        return error.errno == errno.EIO


@contextmanager
def opened(path: str, baudrate: int = 300) -> Iterator[Port]:
    """Open a port and close it again."""
    port = Port(path, baudrate)
    try:
        yield port
    finally:
        os.close(port.fd)


def test_a_readout_takes_bits_over_baud_and_the_reaction_times() -> None:
    """Never early, and late by no more than a busy machine wakes."""
    with SimulatorThread(SimulatorOptions(FAST, size=1200)) as simulator, opened(simulator.port) as port:
        # The simulator looks for whoever opens its terminal every 10 ms.
        time.sleep(0.05)
        started = port.write(request())
        identification, at = port.read(len(IDENTIFICATION))
        assert strip_parity(identification) == (IDENTIFICATION, 0)
        line = 5 * 10 / 300 + 0.02 + len(IDENTIFICATION) * 10 / 300
        assert line <= at - started < line + LATE
        started = port.write(Acknowledgement("0", "5").encode())
        time.sleep(0.201)
        port.set_rate(9600)
        first, _ = port.read(1)
        assert first == b"\x82"
        size = len(simulator.simulator.line.wire.stations[0].session.latest_block) + 2
        data, at = port.read(size)
        assert strip_parity(data)[1] == 0
        line = 6 * 10 / 300 + 0.02 + (size + 1) * 10 / 9600
        assert line <= at - started < line + LATE


@pytest.mark.parametrize("rate", [300, 2400, 19200])
def test_at_another_speed_the_data_are_garbage(rate: int) -> None:
    """A push at 9600 Bd."""
    options = SimulatorOptions("household-d", interval=0.5, size=100)
    with SimulatorThread(options) as simulator, opened(simulator.port, rate) as port:
        data, _ = port.read(40)
        assert data
        assert b"OBG5" not in strip_parity(data)[0]
        port.set_rate(9600)
        assert b"OBG5" in strip_parity(port.read(2400)[0])[0]


def test_a_request_at_another_speed_is_not_heard() -> None:
    """And one at 300 Bd afterwards is."""
    with SimulatorThread(FAST) as simulator, opened(simulator.port, 1200) as port:
        port.write(request())
        time.sleep(0.5)
        port.set_rate(300)
        port.write(request())
        assert strip_parity(port.read(len(IDENTIFICATION))[0])[0] == IDENTIFICATION


def test_an_acknowledgement_cut_by_the_change_of_speed_is_lost() -> None:
    """Switched after 100 of its 200 ms: the meter falls back to 300 Bd."""
    with SimulatorThread(FAST) as simulator, opened(simulator.port) as port:
        port.write(request())
        port.read(len(IDENTIFICATION))
        port.write(Acknowledgement("0", "5").encode())
        time.sleep(0.1)
        port.set_rate(9600)
        time.sleep(0.3)
        port.set_rate(300)
        data, _ = port.read(20)
        assert strip_parity(data)[0].startswith(b"\x02F.F(00000000)\r\n")


def test_a_head_hears_its_own_light_as_slow_as_it_sends() -> None:
    """Echo first, then the answer."""
    with SimulatorThread(SimulatorOptions(FAST, echo=1.0)) as simulator, opened(simulator.port) as port:
        time.sleep(0.05)
        started = port.write(request())
        echo, at = port.read(5)
        assert strip_parity(echo)[0] == request()
        assert 5 / 30 <= at - started < 5 / 30 + LATE
        assert strip_parity(port.read(len(IDENTIFICATION))[0])[0] == IDENTIFICATION


def test_tcp_serves_the_same_meter() -> None:
    """With the line's timing; a second connection is refused while there is one."""
    with SimulatorThread(SimulatorOptions(FAST, listen=("127.0.0.1", 0))) as simulator:
        assert simulator.port.startswith("socket://127.0.0.1:")
        address = ("127.0.0.1", int(simulator.port.rpartition(":")[2]))
        with socket.create_connection(address, 3) as connection, socket.create_connection(address, 3) as second:
            assert second.recv(1) == b""
            started = time.monotonic()
            connection.sendall(add_parity(request()))
            heard = b""
            while not heard.endswith(b"\n"):
                heard += connection.recv(100)
            line = 5 / 30 + 0.02 + len(IDENTIFICATION) / 30
            assert line <= time.monotonic() - started < line + LATE
            assert strip_parity(heard)[0] == IDENTIFICATION


def test_an_unplugged_adapter_hangs_up_and_comes_back_under_its_link(tmp_path: Path) -> None:
    """The link goes and returns."""
    link = tmp_path / "head"
    with SimulatorThread(SimulatorOptions(FAST, link=link)) as simulator:
        with opened(str(link)) as port:
            simulator.unplug()
            assert not link.is_symlink()
            assert hung_up(port.fd)
        simulator.replug()
        with opened(str(link)) as port:
            port.write(request())
            assert strip_parity(port.read(len(IDENTIFICATION))[0])[0] == IDENTIFICATION
    assert not link.is_symlink()


def test_a_file_in_the_link_s_place_is_left_alone(tmp_path: Path) -> None:
    """And said in one sentence."""
    taken = tmp_path / "head"
    taken.write_text("mine")
    with (
        pytest.raises(ConfigurationError, match="exists and is no link"),
        SimulatorThread(SimulatorOptions(link=taken)),
    ):
        raise AssertionError("it started")
    assert taken.read_text() == "mine"


async def test_it_runs_in_the_caller_s_loop() -> None:
    """Events tell what the meter did."""
    from obisgw.simulator.serve import Simulator  # noqa: PLC0415 - the one test that needs it

    async with Simulator(FAST) as simulator:
        with opened(simulator.port) as port:
            port.write(request())
            await asyncio.sleep(0.4)
        events = simulator.events()
    assert type(events[0][1]).__name__ == "RequestHeard"
