"""What `obis-gateway profile` and `logbook` have in common: options, times, and how the reading goes on."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sys
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

from obisgw.iec62056_21.commands import is_address
from obisgw.iec62056_21.events import EchoSeen, Event, Failed, Identified
from obisgw.iec62056_21.vdew.meter_time import Convention, MeterTime, TimeBase
from obisgw.reader.memory import Memory
from obisgw.reader.programming import Programming
from obisgw.reader.reader import MeterReader
from obisgw.reader.shared_port import SharedPort
from obisgw.service.folder import state_folder

from .access_options import add_access
from .dialect_options import dialects_of
from .dlms_options import add_dlms
from .line_options import add_line, reader_settings
from .progress import STEP, fitted
from .show import printable
from .terminal import say
from .zones import zone_named

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from obisgw.iec62056_21.dialects import Dialect
    from obisgw.reader.stored import StoredReader

_AGO = re.compile(r"([0-9]{1,5})(min|h|d|w)")
_UNITS = {"min": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def add_stored(parser: argparse.ArgumentParser, *, since: str) -> None:
    """Add line, times, zone and password."""
    add_line(parser, format_option="--line-format")
    parser.add_argument(
        "--since",
        type=point_in_time,
        metavar="TIME",
        help=f"from then on: 2026-03-01, 2026-03-01T07:00 or 7d ({since})",
    )
    parser.add_argument("--until", type=point_in_time, metavar="TIME", help="up to then (now)")
    parser.add_argument(
        "--timezone", metavar="NAME", help="zone of the meter's clock, as Europe/Berlin (this machine's)"
    )
    parser.add_argument(
        "--meter-time",
        choices=[base.value for base in TimeBase],
        help="what the meter's clock shows where its times have no season digit: wall clock, standard time all year, UTC",
    )
    add_access(parser)
    add_dlms(parser, password=False)
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def point_in_time(text: str) -> datetime | timedelta:
    """Return a date and time that ISO 8601 writes as ``text``, or how long ago ``7d`` is."""
    if match := _AGO.fullmatch(text):
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"'{text}' is no date and time, as 2026-03-01 or 2026-03-01T07:00, and no time ago, as 7d"
        ) from None


def moment_of(point: datetime | timedelta | None, zone: tzinfo, now: datetime) -> datetime | None:
    """Return the moment in UTC; a time without an offset is of the zone."""
    match point:
        case None:
            return None
        case timedelta():
            return now - point
        case _:
            return (point if point.tzinfo is not None else point.replace(tzinfo=zone)).astimezone(UTC)


def address(text: str) -> str:
    """Return an address as it can stand in a command."""
    if not is_address(text):
        raise argparse.ArgumentTypeError(f"'{text}' can be no address: up to 32 characters without ( ) / and !")
    return text


def _has_seasons(zone: tzinfo, now: datetime) -> bool:
    return len({(now + timedelta(days=30 * month)).astimezone(zone).utcoffset() for month in range(12)}) > 1


class Access:
    """Reader, zone and times that the options ask for. ``close`` gives the port back."""

    def __init__(self, options: argparse.Namespace) -> None:
        dialects, dialect = dialects_of(options)
        self.quiet = options.quiet
        self.zone = zone_named(options.timezone)
        self.now = datetime.now(UTC)
        self.port = SharedPort(options.port)
        memory = Memory(state_folder(None, os.environ) / "line.json")
        self.reader = MeterReader(self.port, reader_settings(options, dialect), dialects, memory, on_event=self._tell)
        self.programming = Programming(self.reader)
        self._named = options.timezone is not None
        self._base = None if options.meter_time is None else TimeBase(options.meter_time)
        self._shown = False

    def time_of(self, dialect: Dialect) -> MeterTime:
        """Return the meter's clock."""
        return MeterTime(self.zone, self._base or dialect.stored.time_base)

    def trouble(self, text: str) -> None:
        """Say what broke off."""
        self.say(f"{self.reader.settings.where}: {text}")

    def doubt(self, convention: Convention) -> None:
        """Say where the times may be wrong because nobody has named the meter's zone."""
        if convention is Convention.SEASONS and not self._named and not _has_seasons(self.zone, self.now):
            self.say("the meter has summer time and this machine's zone has none: name the meter's by --timezone")

    def say(self, text: str) -> None:
        """Say something, unless nothing is to be said."""
        if not self.quiet:
            self._clear()
            say(text)

    async def close(self) -> None:
        """Give the port back."""
        self._clear()
        await self.port.close()

    @asynccontextmanager
    async def progress(self, stored: StoredReader[Any], words: Callable[[], str]) -> AsyncIterator[None]:
        """Show ``words`` on a terminal's standard error, again and again."""
        live = sys.stderr.isatty() and not self.quiet and os.environ.get("TERM") != "dumb"
        task = asyncio.create_task(self._show(stored, words)) if live else None
        try:
            yield
        finally:
            if task is not None:
                task.cancel()
            self._clear()

    async def _show(self, stored: StoredReader[Any], words: Callable[[], str]) -> None:
        while True:
            await asyncio.sleep(STEP)
            text = words() if stored.reading is not None else "waiting for the meter"
            columns = os.get_terminal_size(sys.stderr.fileno()).columns
            sys.stderr.write(f"\r{fitted(text, columns)}\x1b[K")
            sys.stderr.flush()
            self._shown = True

    def _clear(self) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._shown = False

    def _tell(self, event: Event) -> None:
        match event:
            case Identified(identification):
                self.say(f"the meter names itself {printable(identification.raw)}")
            case EchoSeen():
                self.say("the head hears its own light (that is filtered out)")
            case Failed(failure, detail):
                self.say(f"attempt failed: {failure.value}, {detail}")
            case _:
                return
