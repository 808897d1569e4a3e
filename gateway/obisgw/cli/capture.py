"""`obis-gateway capture`: every byte of a readout with time and direction, for a test or a report."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from string import digits
from typing import TYPE_CHECKING

from obisgw import __version__
from obisgw.config.values import MeterMode
from obisgw.errors import ConfigurationError
from obisgw.iec62056_21.events import Received
from obisgw.line.trace import Trace
from obisgw.reader.mask import mask_capture
from obisgw.reader.memory import Memory
from obisgw.reader.reader import MeterReader
from obisgw.reader.shared_port import BETWEEN, SharedPort

from .dialect_options import dialects_of
from .ending import run_signed_off
from .line_options import add_line, reader_settings
from .progress import Progress
from .terminal import say
from .values import number

if TYPE_CHECKING:
    import argparse
    from collections.abc import AsyncIterator

    from obisgw.line.port import Port, PortSettings


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_line(parser)
    parser.add_argument("file", type=Path, help="where to write the recording; it must not exist yet")
    parser.add_argument("--mask", action="store_true", help="hide serial numbers, so that it can be shared")
    parser.add_argument(
        "--seconds",
        type=number(0.1, 1_000_000),
        default=60.0,
        metavar="S",
        help="how long to listen in mode D (%(default)s)",
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def run(options: argparse.Namespace) -> int:
    """Record one readout, also one that fails: then the status says so, and the file is there all the same."""
    try:
        file = options.file.open("x", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"the file cannot be written: {error.strerror}", where=str(options.file)) from error
    trace = Trace(file, f"obis-gateway {__version__}", f"format {options.format}")
    try:
        with file:
            status = run_signed_off(_capture(options, trace))
    finally:
        if not trace.received and not trace.sent:
            # The port could not even be opened: nothing is lost, and the next try finds its file free.
            options.file.unlink()
            say(f"{options.file}: not kept, no byte came or went")
        else:
            if options.mask:
                _mask(options.file)
            say(f"{options.file}: recorded; 'obis-gateway decode {options.file}' shows what it says")
    return status


async def _capture(options: argparse.Namespace, trace: Trace) -> None:
    dialects, dialect = dialects_of(options)
    port = _TracedPort(options.port, trace)
    progress = Progress(quiet=options.quiet)
    settings = reader_settings(options, dialect)
    # Nothing learned is used or kept: a recording shows the meter as it meets a stranger.
    reader = MeterReader(port, settings, dialects, Memory(), on_event=progress.tell)
    try:
        if MeterMode(options.mode) is MeterMode.D:
            await _listen(reader, options.seconds)
        else:
            async with progress.of(reader):
                await reader.read()
    finally:
        progress.end()
        await port.close()
        if trace.received or trace.sent:
            say(f"{trace.received} bytes received, {trace.sent} sent")


class _TracedPort(SharedPort):
    """A port whose every byte is recorded, also when it is opened anew."""

    def __init__(self, url: str, trace: Trace) -> None:
        super().__init__(url)
        self._trace = trace

    @asynccontextmanager
    async def use(self, settings: PortSettings, rest: float = BETWEEN) -> AsyncIterator[Port]:
        """Have the port for one readout, recorded."""
        async with super().use(settings, rest) as port:
            port.trace = self._trace
            yield port


def _mask(file: Path) -> None:
    """Replace the recording by one without serial numbers, in one step: the open one must not be left behind."""
    masked = mask_capture(file.read_text("utf-8"), lambda count: "".join(secrets.choice(digits) for _ in range(count)))
    new = file.with_name(file.name + ".masked")
    new.write_text(masked, "utf-8")
    new.replace(file)


async def _listen(reader: MeterReader, seconds: float) -> None:
    count = 0
    try:
        async with asyncio.timeout(seconds), aclosing(reader.pushes()) as events:
            async for event in events:
                count += isinstance(event, Received)
    except TimeoutError:
        say(f"{count} telegrams in {seconds:g} s")
