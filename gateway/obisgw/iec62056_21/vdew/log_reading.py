"""A log book, read whole or from a moment on."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from obisgw.iec62056_21.commands import ReadCommand

from .form import ProfileForm
from .lines import CodeOf
from .log_lines import LogBookParser, LogEntry, LogRecord
from .meter_time import Convention, MeterTime
from .periods import MOST_NOTES, Note
from .records import Damaged
from .slices import SlicedReading
from .time_stamps import parse_time_stamp

_BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MOST: Final = 100_000
"""More entries than any meter holds."""


class LogBookReading(SlicedReading):
    """Reads the log book at ``address`` (as the form says where it is None); ``since`` None reads all of it.

    It is asked for at once: log books have some hundred lines. A line that broke brings what is missing by halves.
    """

    def __init__(
        self,
        since: datetime | None,
        until: datetime,
        form: ProfileForm,
        time: MeterTime,
        code_of: CodeOf,
        *,
        address: str | None = None,
        rate: float = 960.0,
    ) -> None:
        form = form if address is None else replace(form, log_book=address)
        super().__init__(form.log_book, since or _BEGINNING, until, form, time, rate=rate)
        self.notes: list[Note] = []
        self._code_of = code_of
        self._all = since is None
        self._span = self.until - self.since
        self._convention = Convention.UNKNOWN
        self._parser = LogBookParser(form, time, code_of)
        self._answer: list[LogRecord] = []
        self._counted: Counter[str] = Counter()
        self._entries: list[LogEntry] = []

    @property
    def convention(self) -> Convention:
        """How the meter writes its seasons, as its stamps have shown it."""
        return self._convention

    @property
    def reached(self) -> datetime:
        """How far the answers have come."""
        return self.cursor

    def entries(self) -> list[LogEntry]:
        """Return what is known of the log book, sorted by time; entries of one moment in the meter's order."""
        return sorted(self._entries, key=lambda entry: entry.at)

    def _usual_span(self) -> timedelta:
        return self.until - self.since

    def _grow(self) -> None:
        self._span *= 2

    def _begin(self) -> None:
        self._parser = LogBookParser(self.form, self.time, self._code_of)
        self._answer = []

    def _argument(self, command: ReadCommand) -> str:
        if self._all and self.cursor == self.since and self._to == self.until:
            return ";"
        return super()._argument(command)

    def _take(self, text: bytes) -> None:
        self._answer += self._parser.feed(text)[: max(_MOST - len(self._answer), 0)]

    def _complete(self) -> datetime | None:
        self._answer += self._parser.finish()
        self._settle()
        return None

    def _broken_off(self) -> datetime | None:
        self._answer += self._parser.finish(cut=True)
        self._settle()
        return None

    def _settle(self) -> None:
        """Take the entries of an answer that are not known yet: the same line twice in one answer is two events."""
        seen: Counter[str] = Counter()
        for record in self._answer:
            if isinstance(record, LogEntry):
                seen[record.raw] += 1
                stamp = parse_time_stamp(record.stamp)
                if stamp is not None:
                    self._convention = self.time.convention(stamp, self._convention)
                inside = self._all or self.since <= record.at <= self.until
                if inside and seen[record.raw] > self._counted[record.raw]:
                    self._entries.append(record)
            elif isinstance(record, Damaged):
                note = Note(None, record.raw, record.reason)
                if len(self.notes) < MOST_NOTES and note not in self.notes:
                    self.notes.append(note)
        self._counted |= seen
        self._answer = []
