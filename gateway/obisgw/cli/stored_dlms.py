"""`obis-gateway profile` and `logbook` of meters that speak DLMS."""

from __future__ import annotations

import json
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from obisgw.reader.dlms_stored import EVENTS, LOAD, DlmsStored
from obisgw.readings.cosem_stored import CosemPeriods, log_entries
from obisgw.readings.load_profile import note_document, utc_text
from obisgw.readings.log_book import entry_document, what_happened

from .dlms_options import dlms_reader
from .show import printable, show_table
from .terminal import out, say

if TYPE_CHECKING:
    import argparse

    from obisgw.dlms.profile import Row
    from obisgw.iec62056_21.vdew.periods import Note

    from .profile import Writer
    from .stored import Access

_NOTES = 5
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


async def read_profile(
    access: Access, options: argparse.Namespace, since: datetime, until: datetime, writer: Writer
) -> None:
    """Read a load profile and write its periods as they come."""
    dlms = dlms_reader(access.reader, options)
    stored = DlmsStored(dlms, options.profile, LOAD, since, until, access.zone, on_trouble=access.trouble)
    periods: CosemPeriods | None = None
    complete = False
    try:
        async with aclosing(stored.run()) as answers:
            async for rows in answers:
                if periods is None and stored.profile is not None:
                    periods = CosemPeriods(stored.profile, since, until)
                for period in periods.of(rows) if periods is not None else ():
                    writer.write(period)
        complete = True
    finally:
        await access.close()
        notes = [] if periods is None else periods.notes
        name = _name(stored)
        if stored.object is not None:
            writer.finish_with(name, stored.cursor, notes, complete=complete)
        if not complete and stored.cursor > since:
            access.say(
                f"broke off: {writer.count} periods have come; --since {utc_text(stored.cursor)} goes on from there"
            )
        elif complete:
            access.say(
                f"{writer.count} periods of {name}" if writer.count else f"{name}: nothing is stored for this time"
            )
        _tell(notes, 0 if periods is None else periods.dropped_notes)


async def read_log_book(access: Access, options: argparse.Namespace, since: datetime | None, until: datetime) -> None:
    """Read a log book and show its entries."""
    dlms = dlms_reader(access.reader, options)
    begin = since or _EARLIEST
    # As a whole: it is short, and decades of it would be many empty slices.
    stored = DlmsStored(
        dlms, options.log, EVENTS, begin, until, access.zone, on_trouble=access.trouble, slice_=until - begin
    )
    rows: list[Row] = []
    complete = False
    try:
        async with aclosing(stored.run()) as answers:
            async for some in answers:
                rows += [row for row in some if row.end is None or begin <= row.end <= until]
        complete = True
    finally:
        await access.close()
        if stored.profile is not None and stored.object is not None:
            entries, notes = log_entries(stored.profile, stored.object.name, rows)
            if options.json:
                document = {
                    "log_book": _name(stored),
                    "entries": [entry_document(entry) for entry in entries],
                    "notes": [note_document(note) for note in notes],
                    "complete": complete,
                }
                out(json.dumps(document, ensure_ascii=False))
            elif entries:
                table = [(utc_text(one.at), printable(what_happened(one)), printable(one.word)) for one in entries]
                show_table(("time", "event", "status"), table)
            if complete and not entries:
                access.say(f"{_name(stored)}: nothing is stored")
            _tell(list(notes), 0)


def _name(stored: DlmsStored) -> str:
    return "the profile" if stored.object is None else stored.object.obis.removesuffix("*255")


def _tell(notes: list[Note], dropped: int) -> None:
    for note in notes[:_NOTES]:
        say(f"not read: {printable(note.raw[:120])!r} ({note.reason})")
    more = len(notes) - _NOTES + dropped
    if more > 0:
        say(f"not read: {more} further lines")
