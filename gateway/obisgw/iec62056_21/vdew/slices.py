"""Asking for a long time in slices that fit line and meter, and going on after a broken line.

Sans-IO: `next_request` says what to ask for; what comes back is told by `part`, `answered`, `empty`, `broken` and
`refused`. What has arrived is not asked for again: a slice that broke off is continued behind the newest period that it
has brought, and slices become smaller while the line is bad and greater while it is good.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime, timedelta
from typing import Final

from obisgw.iec62056_21.commands import ReadCommand, ReadRequest
from obisgw.iec62056_21.refusal import Refusal, RefusalKind

from .form import ProfileForm, SeasonDigit
from .meter_time import Convention, MeterTime
from .time_stamps import Season, TimeStamp, format_time_stamp

_FIRST: Final = timedelta(days=1)
_LEAST: Final = timedelta(hours=1)
_USUAL_DAY: Final = 3500
"""Characters of 96 rows with four columns."""

_EMPTY_MOST: Final = timedelta(days=7)
"""A slice of a time of which nothing is known: data may begin in it."""

_SECONDS: Final = 60.0
"""So long may one answer take on the line: a damaged character costs as much again."""

_CHARACTERS: Final = 57_600
_BOLD: Final = 16
_CAREFUL: Final = 2
"""By how much a slice may be longer than the one before it; once a line was bad, it may be so again."""

_HOUR: Final = timedelta(hours=1)
_ZERO: Final = timedelta(0)


class SlicedReading(ABC):
    """What is read of ``since`` to ``until``. ``rate`` in characters a second sizes the slices.

    ``cursor``: everything before it has been answered. ``breaks``: slices in a row that brought nothing new.
    """

    def __init__(
        self, address: str, since: datetime, until: datetime, form: ProfileForm, time: MeterTime, *, rate: float = 960.0
    ) -> None:
        self.address = address
        self.since = since
        self.until = until
        self.cursor = since
        self.rate = rate
        self.breaks = 0
        self.characters = 0
        self.form = form
        self.time = time
        self._commands = list(form.commands)
        self._to = since
        self._span = min(_FIRST, timedelta(days=form.longest))
        self._growth = _BOLD
        self._a_day: float | None = None
        self._fed = 0
        self._asked: ReadRequest | None = None

    @property
    @abstractmethod
    def convention(self) -> Convention:
        """How the meter writes its seasons, as far as is known."""

    @property
    def share(self) -> float:
        """How much of the time asked for is done, 0 to 1."""
        whole = self.until - self.since
        return 1.0 if whole <= _ZERO else min(1.0, (self.reached - self.since) / whole)

    @property
    @abstractmethod
    def reached(self) -> datetime:
        """How far the answer under way has come."""

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to ask for."""
        return self.cursor >= self.until

    def next_request(self) -> ReadRequest | None:
        """Return what to ask for now; None when all is answered."""
        if self.finished:
            return None
        self._fed = 0
        span = self._span if self._a_day is not None else min(self._span, self._usual_span())
        self._to = min(self.cursor + span, self.until)
        self._begin()
        command = self._commands[0]
        self._asked = ReadRequest(self.address, self._argument(command), (command,))
        return self._asked

    def part(self, text: bytes) -> None:
        """Take a proved block of the answer under way."""
        self._fed += len(text)
        self.characters += len(text)
        self._take(text)

    def answered(self, text: bytes) -> None:
        """Take the whole proved answer; what has come in parts is not taken twice."""
        self.part(text[self._fed :])
        self._fed = len(text)
        before = self.cursor
        newest = self._complete()
        self.breaks = 0
        if newest is None or newest <= before:
            # Nothing new: the meter has no more of this slice.
            self._advance(self._to)
            self._grow()
            return
        days = (newest - before) / _FIRST
        self._a_day = max(len(text) / days, 1.0)
        # Some meters give only so many rows: what an answer lacks at its end is asked for again.
        self._advance(newest if self._to - newest > self._slack else self._to)
        self._grow()

    def empty(self) -> None:
        """Take note that the meter has nothing in the slice that was asked for."""
        self.answered(b"")

    def broken(self) -> bool:
        """Take note that the answer broke off or could not be proved; tell whether it brought anything new."""
        before = self.cursor
        delivered = self._broken_off()
        if delivered is not None:
            self._advance(delivered)
        if self.cursor > before:
            self.breaks = 0
        else:
            self.breaks += 1
            self._span = max(self._span / 2, _LEAST)
        self._growth = _CAREFUL
        return self.cursor > before

    def refused(self, refusal: Refusal) -> bool:
        """Take note of a refusal; tell whether there is another way to go on."""
        match refusal.kind:
            case RefusalKind.EMPTY:
                self.empty()
                return True
            case RefusalKind.COMMAND if len(self._commands) > 1:
                self._commands.pop(0)
                return True
            case RefusalKind.TRUNCATED if self._span > _LEAST:
                self._span = max(self._span / 2, _LEAST)
                return True
            case _:
                return False

    # --- what subclasses know

    @abstractmethod
    def _begin(self) -> None:
        """Prepare for an answer."""

    @abstractmethod
    def _take(self, text: bytes) -> None:
        """Take a proved piece of it."""

    @abstractmethod
    def _complete(self) -> datetime | None:
        """End a complete answer; return the end of the newest that it brought."""

    @abstractmethod
    def _broken_off(self) -> datetime | None:
        """End an answer that broke off; return up to where it is as good as complete."""

    @property
    def _slack(self) -> timedelta:
        """What an answer may lack at its end without being asked for again; nothing new then ends it."""
        return _LEAST

    # --- slices

    def _usual_span(self) -> timedelta:
        """Return what to ask for where nothing is known of the size of answers."""
        return max(_FIRST * (self.rate * _SECONDS / _USUAL_DAY), _LEAST)

    def _advance(self, to: datetime) -> None:
        self.cursor = max(self.cursor, to)

    def _grow(self) -> None:
        longest = timedelta(days=self.form.longest)
        if self._a_day is not None:
            fitting = _FIRST * (min(self.rate * _SECONDS, _CHARACTERS) / self._a_day)
            self._span = min(max(fitting, _LEAST), longest, self._span * self._growth)
        else:
            self._span = min(self._span * 2, _EMPTY_MOST, longest)

    def _argument(self, command: ReadCommand) -> str:
        text = f"{self._stamp(self._from())};{self._stamp(self._to)}"
        if command.partial and self.form.lines_per_block is not None:
            text += f";{self.form.lines_per_block}"
        return text

    def _from(self) -> datetime:
        """Return from when to ask: earlier where the meter begins late, or may take our hour for another one."""
        doubtful = self.convention is Convention.UNKNOWN and self.form.season_digit is SeasonDigit.OWN
        pad = _HOUR if doubtful and self.time.in_summer(self.cursor) else _ZERO
        return self.cursor - max(timedelta(minutes=self.form.late), pad)

    def _stamp(self, moment: datetime) -> str:
        convention = Convention.BARE if self.form.season_digit is not SeasonDigit.OWN else self.convention
        if convention is Convention.BARE and self.form.season_digit is SeasonDigit.OWN:
            # Meters that print no digit take one all the same (EMH's P.02).
            convention = Convention.SEASONS
        stamp = self.time.stamp(moment, convention)
        if self.form.season_digit is SeasonDigit.ZERO:
            own = self.convention if self.convention is Convention.STANDARD else Convention.BARE
            stamp = TimeStamp(self.time.stamp(moment, own).local, Season.STANDARD)
        if self.form.time_format is not None:
            return stamp.local.strftime(self.form.time_format)
        return format_time_stamp(stamp)
