"""A load profile of any length, read slice by slice."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from obisgw.iec62056_21.commands import ReadCommand

from .answer import AnswerParser
from .form import Layout, ProfileForm
from .lines import CodeOf
from .meter_time import Convention, MeterTime
from .parsers import profile_parser
from .periods import Note, Period, PeriodAssembler
from .slices import SlicedReading
from .time_stamps import TimeStamp

_DAY: Final = timedelta(days=1)
_DAY_FORMAT: Final = "%d.%m.%y"


class ProfileReading(SlicedReading):
    """Reads the profile at ``address`` (as the form says where it is None). `periods` gives what has arrived, in order.

    ``since`` and ``until`` are moments with an offset; only whole periods between them are given.
    """

    def __init__(
        self,
        since: datetime,
        until: datetime,
        form: ProfileForm,
        time: MeterTime,
        code_of: CodeOf,
        *,
        address: str | None = None,
        rate: float = 960.0,
    ) -> None:
        form = form if address is None else replace(form, profile=address)
        super().__init__(form.profile, since, until, form, time, rate=rate)
        self._code_of = code_of
        self._assembler = PeriodAssembler(time, since, until, mean_of_part=form.mean_of_part)
        self._parser: AnswerParser = profile_parser(form, code_of)
        self._periods: list[Period] = []
        self._step = timedelta(0)

    @property
    def convention(self) -> Convention:
        """How the meter writes its seasons, as its stamps have shown it."""
        return self._assembler.convention

    @property
    def reached(self) -> datetime:
        """The end of the newest period seen."""
        newest = self._assembler.reached
        return self.cursor if newest is None else max(self.cursor, min(newest, self._to))

    @property
    def notes(self) -> list[Note]:
        """Lines that gave no value."""
        return self._assembler.notes

    @property
    def dropped_notes(self) -> int:
        """How many more there were."""
        return self._assembler.dropped_notes

    def periods(self) -> list[Period]:
        """Return the periods that became known since the last call, in order."""
        periods, self._periods = self._periods, []
        return periods

    def _begin(self) -> None:
        day = None
        if self.form.layout is Layout.DAYS:
            day = self._local(self.cursor).date()
            self._to = self.time.utc(TimeStamp(datetime.combine(day, datetime.min.time()) + _DAY))
        self._parser = profile_parser(self.form, self._code_of, day=day)

    def _argument(self, command: ReadCommand) -> str:
        if self.form.layout is Layout.DAYS:
            return self._local(self.cursor).strftime(self.form.time_format or _DAY_FORMAT)
        return super()._argument(command)

    def _local(self, moment: datetime) -> datetime:
        return self.time.stamp(moment, Convention.BARE).local

    def _take(self, text: bytes) -> None:
        self._assembler.take(self._parser.feed(text))

    def _complete(self) -> datetime | None:
        self._assembler.take(self._parser.finish())
        periods = self._assembler.answered()
        self._periods += periods
        if not periods:
            return None
        self._step = periods[-1].end - periods[-1].start
        return periods[-1].end

    @property
    def _slack(self) -> timedelta:
        return max(self._step * 2, super()._slack)

    def _broken_off(self) -> datetime | None:
        self._assembler.take(self._parser.finish(cut=True))
        self._periods += self._assembler.broken_off()
        return self._assembler.delivered_to

    def _advance(self, to: datetime) -> None:
        # A meter may give more than it was asked for.
        delivered = self._assembler.delivered_to
        super()._advance(to if delivered is None else max(to, delivered))
