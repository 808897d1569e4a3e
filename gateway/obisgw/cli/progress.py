"""Progress of a readout on a terminal's standard error: bytes, rate and time left."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from obisgw.iec62056_21.events import EchoSeen, Failed, Identified

from .show import printable
from .terminal import say

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from obisgw.iec62056_21.events import Event
    from obisgw.reader.reader import MeterReader

STEP = 0.5
BITS = 10


class Progress:
    """Tells how a readout goes. ``quiet`` leaves only what failed."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._live = sys.stderr.isatty() and not quiet and os.environ.get("TERM") != "dumb"
        self._shown = False

    def tell(self, event: Event) -> None:
        """Say what happened."""
        match event:
            case Identified(identification):
                self._say(f"the meter names itself {printable(identification.raw)}")
            case EchoSeen():
                self._say("the head hears its own light (that is filtered out)")
            case Failed(failure, detail):
                self._say(f"attempt failed: {failure.value}, {detail}")
            case _:
                return

    @asynccontextmanager
    async def of(self, reader: MeterReader) -> AsyncIterator[None]:
        """Show the reader's progress for as long as the context lasts."""
        task = asyncio.create_task(self._show(reader)) if self._live else None
        try:
            yield
        finally:
            if task is not None:
                task.cancel()
            self.end()

    def done(self, size: int, seconds: float, baudrate: int, failed: int) -> None:
        """Say what the readout took."""
        tries = f", after {failed} failed attempt{'s' if failed > 1 else ''}" if failed else ""
        self._say(f"{size} bytes in {seconds:.1f} s, data at {baudrate} Bd{tries}")

    def end(self) -> None:
        """Remove the line of progress."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._shown = False

    def _say(self, text: str) -> None:
        if not self._quiet:
            self.end()
            say(text)

    async def _show(self, reader: MeterReader) -> None:
        while True:
            await asyncio.sleep(STEP)
            if (session := reader.session) is None:
                continue
            text = progress_text(session.received, session.settings.expected_size, session.baudrate)
            columns = os.get_terminal_size(sys.stderr.fileno()).columns
            sys.stderr.write(f"\r{fitted(text, columns)}\x1b[K")
            sys.stderr.flush()
            self._shown = True


def fitted(text: str, columns: int) -> str:
    """Return as much of the text as one line holds: a line that wraps could not be written over. 0: not known."""
    return text[: columns - 1] if columns else text


def progress_text(received: int, expected: int | None, baudrate: int | None) -> str:
    """Return bytes, rate, and the time left where the size of the meter's telegram is known."""
    if not received or not baudrate:
        return "waiting for the meter"
    rate = baudrate / BITS
    if expected is None or received >= expected:
        return f"{received} bytes at {baudrate} Bd ({rate:.0f} a second); how many will come is not known yet"
    left = (expected - received) / rate
    return f"{received} of {expected} bytes at {baudrate} Bd ({rate:.0f} a second), {left:.0f} s left"
