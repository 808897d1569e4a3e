"""Ports that several meters share, and that come and go."""

from __future__ import annotations

import asyncio
import os
import pty
import tty
from pathlib import Path

import pytest

from obisgw.config.values import LineFormat
from obisgw.errors import PortLostError, PortMissingError
from obisgw.line.port import PortSettings
from obisgw.reader.shared_port import Ports, SharedPort
from tests.reader.scripted import until

pytestmark = pytest.mark.slow

SETTINGS = PortSettings()


class Head:
    """An adapter behind a link, to be plugged and unplugged."""

    def __init__(self, folder: Path) -> None:
        self.link = folder / "head"
        self.master = -1
        self.plug()

    def plug(self) -> None:
        """Come back as another device."""
        self.master, slave = pty.openpty()
        tty.setraw(slave)
        self.link.symlink_to(os.ttyname(slave))
        os.close(slave)

    def unplug(self) -> None:
        """Vanish."""
        os.close(self.master)
        self.link.unlink()


@pytest.fixture
def head(tmp_path: Path) -> Head:
    """Return a plugged adapter."""
    return Head(tmp_path)


async def test_a_meter_has_its_reaction_time_between_two_readouts(head: Head) -> None:
    """The first character of the second comes 0.2 s after the last of the first."""
    shared = SharedPort(str(head.link))
    loop = asyncio.get_running_loop()
    async with shared.use(SETTINGS):
        ended = loop.time()
    async with shared.use(SETTINGS):
        assert loop.time() - ended >= 0.2
    await shared.close()


async def test_characters_that_nobody_asked_for_are_noticed_when_the_port_is_opened(head: Head) -> None:
    """And only then: later there is no silence to be listened to. One character is a spark."""
    shared = SharedPort(str(head.link))
    busy = []
    asyncio.get_running_loop().call_later(0.1, os.write, head.master, b"1.8.0(")
    async with shared.use(SETTINGS):
        busy.append(shared.busy)
    os.write(head.master, b"later")
    async with shared.use(SETTINGS):
        busy.append(shared.busy)
    await shared.close()
    asyncio.get_running_loop().call_later(0.1, os.write, head.master, b"\xff")
    async with shared.use(SETTINGS):
        busy.append(shared.busy)
    await shared.close()
    assert busy == [True, False, False]


async def test_readouts_follow_one_another_on_one_open_port(head: Head) -> None:
    """The second waits for the first, and the port is opened once."""
    shared = SharedPort(str(head.link))
    order: list[str] = []
    ports = []

    async def read(name: str) -> None:
        async with shared.use(SETTINGS) as port:
            ports.append(port)
            order.append(f"{name} begins")
            await asyncio.sleep(0.01)
            order.append(f"{name} ends")

    await asyncio.gather(read("first"), read("second"))
    assert order == ["first begins", "first ends", "second begins", "second ends"]
    assert ports[0] is ports[1]
    await shared.close()
    assert not shared.is_open


async def test_other_settings_open_the_port_anew(head: Head) -> None:
    """Meters on one line may want different characters."""
    shared = SharedPort(str(head.link))
    async with shared.use(SETTINGS) as first:
        pass
    async with shared.use(PortSettings(format=LineFormat.SOFTWARE_7E2)) as second:
        assert second is not first
        assert second.format is LineFormat.SOFTWARE_7E2
    await shared.close()


async def test_an_adapter_that_came_back_is_used_at_once(head: Head) -> None:
    """Also as another device behind the same link."""
    shared = SharedPort(str(head.link))
    async with shared.use(SETTINGS) as port:
        head.unplug()
        await port.wait(None)
        with pytest.raises(PortLostError):
            port.take()
    with pytest.raises(PortMissingError):
        async with shared.use(SETTINGS):
            pass
    waiting = asyncio.create_task(shared.present())
    await asyncio.sleep(0.01)
    assert not waiting.done()
    loop = asyncio.get_running_loop()
    head.plug()
    plugged = loop.time()
    await waiting
    async with shared.use(SETTINGS) as port:
        assert port.is_current()
    assert loop.time() - plugged < 2.0
    await shared.close()


async def test_an_unused_port_that_vanished_is_let_go(head: Head) -> None:
    """While it is held, the adapter would come back under another name."""
    shared = SharedPort(str(head.link))
    async with shared.use(SETTINGS):
        pass
    head.unplug()
    await until(lambda: shared._port is None)
    await shared.close()


def test_two_names_of_one_adapter_are_one_port(head: Head, tmp_path: Path) -> None:
    """Else they would lock each other out."""
    other = tmp_path / "other"
    other.symlink_to(head.link)
    ports = Ports()
    assert ports.of(str(head.link)) is ports.of(str(other)) is ports.of(os.path.realpath(other))
    assert ports.of("socket://a:1") is ports.of("socket://a:1")
    assert ports.of("socket://a:1") is not ports.of("socket://a:2")
