"""`obis-gateway logbook`: the events that the meter has kept."""

from __future__ import annotations

import json
from contextlib import aclosing
from typing import TYPE_CHECKING

from obisgw.errors import RefusedError
from obisgw.iec62056_21.vdew.log_reading import LogBookReading
from obisgw.reader.stored import StoredReader
from obisgw.readings.load_profile import note_document, utc_text
from obisgw.readings.log_book import entry_document, what_happened

from .access_options import wish_of
from .dlms_options import asks_dlms
from .ending import run_signed_off
from .show import printable, show_table
from .stored import Access, add_stored, address, moment_of
from .terminal import out, say

if TYPE_CHECKING:
    import argparse

    from obisgw.iec62056_21.dialects import Dialect

_NOTES = 5


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_stored(parser, since="all")
    parser.add_argument(
        "--log", type=address, metavar="CODE", help="which log book (as the meter's dialect says: P.98)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    """Read; raises MeterError, RefusedError or LineError (status 1) when that fails."""
    return run_signed_off(_read(options))


async def _read(options: argparse.Namespace) -> None:
    access = Access(options)
    until = moment_of(options.until, access.zone, access.now) or access.now
    since = moment_of(options.since, access.zone, access.now)

    if asks_dlms(options):
        from .stored_dlms import read_log_book  # noqa: PLC0415 - only where it is asked for

        await read_log_book(access, options, since, until)
        return

    def make(dialect: Dialect) -> LogBookReading:
        if not (options.log or dialect.stored.log_book):
            raise RefusedError(
                f"no log book is known of this kind of meter ({dialect.description})",
                where=options.port,
                hint="name one by --log",
            )
        return LogBookReading(
            since, until, dialect.stored, access.time_of(dialect), dialect.code_of, address=options.log
        )

    stored = StoredReader(access.programming, wish_of(options), make, on_trouble=access.trouble)
    complete = False
    try:
        async with access.progress(stored, lambda: "reading the log book"), aclosing(stored.run()) as answers:
            async for _ in answers:
                pass
        complete = True
    finally:
        await access.close()
        if stored.reading is not None:
            _show(access, stored.reading, complete=complete, as_json=options.json)


def _show(access: Access, reading: LogBookReading, *, complete: bool, as_json: bool) -> None:
    entries = reading.entries()
    if as_json:
        document = {
            "log_book": reading.address,
            "entries": [entry_document(entry) for entry in entries],
            "notes": [note_document(note) for note in reading.notes],
            "complete": complete,
        }
        out(json.dumps(document, ensure_ascii=False))
    elif entries:
        rows = [(utc_text(entry.at), printable(what_happened(entry)), printable(entry.word)) for entry in entries]
        show_table(("time", "event", "status"), rows)
    if not complete and entries:
        access.say(f"broke off: {len(entries)} events have come")
    elif complete and not entries:
        access.say(f"{reading.address}: nothing is stored")
    access.doubt(reading.convention)
    for note in reading.notes[:_NOTES]:
        say(f"not read: {printable(note.raw[:120])!r} ({note.reason})")
