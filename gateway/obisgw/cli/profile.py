"""`obis-gateway profile`: the load profile that the meter has kept."""

from __future__ import annotations

import csv
import io
import json
import sys
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from obisgw.errors import ConfigurationError
from obisgw.iec62056_21.vdew.profile_reading import ProfileReading
from obisgw.reader.stored import StoredReader
from obisgw.readings.load_profile import column_names, csv_row, note_document, period_document, utc_text

from .access_options import wish_of
from .dlms_options import asks_dlms
from .ending import run_signed_off
from .show import printable
from .stored import Access, add_stored, address, moment_of
from .terminal import out, say

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from obisgw.iec62056_21.dialects import Dialect
    from obisgw.iec62056_21.vdew.periods import Note, Period
    from obisgw.iec62056_21.vdew.records import Channel

_SINCE = timedelta(days=1)
_NOTES = 5


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_stored(parser, since="1d")
    parser.add_argument(
        "--profile", type=address, metavar="CODE", help="which profile (as the meter's dialect says: P.01)"
    )
    parser.add_argument(
        "--format", dest="output", choices=("csv", "json"), default="csv", help="of the output (%(default)s)"
    )
    parser.add_argument(
        "--printed", action="store_true", help="CSV with values as the meter prints them, not with energies"
    )


def run(options: argparse.Namespace) -> int:
    """Read; raises MeterError, RefusedError or LineError (status 1) when that fails."""
    return run_signed_off(_read(options))


async def _read(options: argparse.Namespace) -> None:
    access = Access(options)
    until = moment_of(options.until, access.zone, access.now) or access.now
    since = moment_of(options.since, access.zone, access.now) or until - _SINCE
    if since >= until:
        raise ConfigurationError(
            f"nothing lies between {utc_text(since)} and {utc_text(until)}",
            where="--since",
            hint="--since is before --until",
        )

    def make(dialect: Dialect) -> ProfileReading:
        return ProfileReading(
            since, until, dialect.stored, access.time_of(dialect), dialect.code_of, address=options.profile
        )

    writer: Writer = _Json(since, until) if options.output == "json" else _Csv(printed=options.printed)
    if asks_dlms(options):
        from .stored_dlms import read_profile  # noqa: PLC0415 - only where it is asked for

        await read_profile(access, options, since, until, writer)
        return
    stored = StoredReader(access.programming, wish_of(options), make, on_trouble=access.trouble)
    complete = False
    try:
        async with access.progress(stored, lambda: _progress(stored, writer.count)), aclosing(stored.run()) as answers:
            async for reading in answers:
                for period in reading.periods():
                    writer.write(period)
        complete = True
    finally:
        await access.close()
        if stored.reading is not None:
            for period in stored.reading.periods():
                writer.write(period)
            reading = stored.reading
            writer.finish_with(reading.address, reading.cursor, reading.notes, complete=complete)
            _tell(access, stored.reading, writer.count, complete=complete)


def _progress(stored: StoredReader[ProfileReading], count: int) -> str:
    reading = stored.reading
    if reading is None:
        return "waiting for the meter"
    session = stored.conversation.session if stored.conversation is not None else None
    rate = f" at {session.baudrate} Bd" if session is not None and session.baudrate else ""
    received = f", {session.received} bytes{rate}" if session is not None else ", the line is broken"
    return f"{reading.share:4.0%}  {count} periods, up to {utc_text(reading.reached)}{received}"


def _tell(access: Access, reading: ProfileReading, count: int, *, complete: bool) -> None:
    """Say what came of it."""
    if not complete and (count or reading.cursor > reading.since):
        access.say(f"broke off: {count} periods have come; --since {utc_text(reading.cursor)} goes on from there")
    elif complete:
        access.say(
            f"{count} periods of {reading.address}" if count else f"{reading.address}: nothing is stored for this time"
        )
    access.doubt(reading.convention)
    for note in reading.notes[:_NOTES]:
        say(f"not read: {printable(note.raw[:120])!r} ({note.reason})")
    more = len(reading.notes) - _NOTES + reading.dropped_notes
    if more > 0:
        say(f"not read: {more} further lines")


class Writer(Protocol):
    """Where periods go. ``count`` of them have gone."""

    count: int

    def write(self, period: Period) -> None:
        """Write one."""

    def finish_with(self, name: str, read_to: datetime, notes: Sequence[Note], *, complete: bool) -> None:
        """Write what comes behind them."""


class _Csv:
    """Comma-separated values; a meter that changes its columns gets a new line of names."""

    def __init__(self, *, printed: bool) -> None:
        self.count = 0
        self._printed = printed
        self._channels: tuple[Channel, ...] | None = None

    def write(self, period: Period) -> None:
        if period.channels != self._channels:
            self._channels = period.channels
            self._line(["start", "end", "status", *column_names(period.channels, printed=self._printed)])
        self._line(csv_row(period, printed=self._printed))
        self.count += 1

    def finish_with(self, name: str, read_to: datetime, notes: Sequence[Note], *, complete: bool) -> None:
        del name, read_to, notes, complete

    def _line(self, cells: list[str]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="").writerow(cells)
        out(text.getvalue())


class _Json:
    """One JSON object, each period on its line; it is whole also where the reading broke off."""

    def __init__(self, since: datetime, until: datetime) -> None:
        self.count = 0
        self._head = {"since": utc_text(since), "until": utc_text(until)}

    def write(self, period: Period) -> None:
        self._begin() if not self.count else out(",")
        sys.stdout.write(json.dumps(period_document(period), ensure_ascii=False))
        self.count += 1

    def finish_with(self, name: str, read_to: datetime, notes: Sequence[Note], *, complete: bool) -> None:
        if not self.count:
            self._begin()
        tail = {
            "profile": name,
            "complete": complete,
            "read_to": utc_text(read_to.astimezone(UTC)),
            "notes": [note_document(note) for note in notes],
        }
        out(f"{'' if not self.count else chr(10)}], {json.dumps(tail, ensure_ascii=False)[1:]}")

    def _begin(self) -> None:
        out(f'{json.dumps(self._head)[:-1]}, "periods": [')
