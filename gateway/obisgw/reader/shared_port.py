"""A port that several meters share, one after another, and that may be unplugged and come back."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from obisgw.line.port import Port, PortSettings, open_port
from obisgw.line.trouble import is_device

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_log = logging.getLogger(__name__)

WATCH = 1.0
"""A lost port is let go so soon, even unused: while it is held, the adapter comes back under another name."""

LOOK_AGAIN = 0.5
"""How often a port that is gone is looked for: its path only, nothing is opened."""

BETWEEN = 0.2
"""No request sooner after the last character of what came before: meters need this time to return to their start."""

TALKING = 3
"""So many characters in that time are a meter that sends, at 300 Bd half of what it could; fewer are a spark."""

SETTLE = 0.2
"""udev sets owner and links a moment after the device has appeared."""


class SharedPort:
    """One port. It is opened when first used, stays open and locked between readouts, and is opened anew when lost."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._lock = asyncio.Lock()
        self._port: Port | None = None
        self._watch: asyncio.Task[None] | None = None
        self._free_at = 0.0
        self.busy = False
        """Whether the port was opened anew for this use, and characters came though nobody had asked for them."""

    @property
    def is_open(self) -> bool:
        """Whether the port is held at the moment."""
        return self._port is not None and self._port.is_open

    @asynccontextmanager
    async def use(self, settings: PortSettings, rest: float = BETWEEN) -> AsyncIterator[Port]:
        """Have the port for one readout; others wait, and no request follows sooner than ``rest`` seconds.

        Raises ``LineError`` when it cannot be opened.
        """
        async with self._lock:
            before = self._port
            port = await self._opened(settings)
            loop = asyncio.get_running_loop()
            if port is not before:
                # Nobody knows what the meter was doing before: the standard wants silence in front of a request.
                self._free_at = loop.time() + BETWEEN
                port.take()  # Heads that wake up by DTR say something of their own.
            await asyncio.sleep(self._free_at - loop.time())
            self.busy = port is not before and len(port.take()) >= TALKING
            try:
                yield port
            finally:
                self._free_at = loop.time() + rest
                if port.is_open:
                    port.rest()
                else:
                    await self._close()

    async def close(self) -> None:
        """Give the port back to the system."""
        async with self._lock:
            await self._close()

    async def present(self) -> None:
        """Return as soon as the path leads to a device. Network ports are always taken for present."""
        missed = False
        while is_device(self.url) and not Path(self.url).exists():  # noqa: ASYNC240 - the kernel answers from memory
            missed = True
            await asyncio.sleep(LOOK_AGAIN)
        if missed:
            await asyncio.sleep(SETTLE)

    async def _opened(self, settings: PortSettings) -> Port:
        port = self._port
        if port is not None and (not port.is_current() or port.settings != settings):
            await self._close()
        if self._port is None:
            self._port = await open_port(self.url, settings)
            self._watch = asyncio.create_task(self._watch_over(), name=f"watch {self.url}")
        return self._port

    async def _close(self) -> None:
        port, self._port = self._port, None
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.cancel()
        if port is not None:
            await port.close()

    async def _watch_over(self) -> None:
        """Let go of a port that vanished while nobody used it."""
        while (port := self._port) is not None:
            await asyncio.sleep(WATCH)
            if not self._lock.locked() and not port.is_current():
                async with self._lock:
                    self._watch = None
                    await self._close()
                return


class Ports:
    """Every port in use, once: two names of one adapter give the same ``SharedPort``."""

    def __init__(self) -> None:
        self._ports: dict[str, SharedPort] = {}

    def of(self, url: str) -> SharedPort:
        """Return the port of ``url``."""
        key = url
        if is_device(url):
            try:
                key = str(Path(url).resolve())
            except (OSError, RuntimeError):
                _log.debug("%s cannot be resolved", url)
        known = self._ports.get(key)
        if known is None:
            known = self._ports[key] = SharedPort(url)
        return known

    async def close(self) -> None:
        """Give all ports back."""
        for port in self._ports.values():
            await port.close()
