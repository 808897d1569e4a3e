"""Answers of meters that store without VDEW's headers."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Final

from .answer import AnswerParser, HeaderedParser
from .form import Layout, ProfileForm
from .lines import CodeOf, groups_in, is_nothing
from .records import Damaged, Header, NoEntries, Record
from .status import NONE, parse_status
from .time_stamps import TimeStamp, parse_time_stamp

_DAY: Final = 1440


def profile_parser(form: ProfileForm, code_of: CodeOf, *, day: date | None = None) -> AnswerParser:
    """Return what takes one answer of this form apart; ``day`` is the one asked for where requests ask for a day."""
    match form.layout:
        case Layout.HEADERS:
            return HeaderedParser(form, code_of)
        case Layout.ROWS:
            return StampedRowParser(form, code_of)
        case Layout.DAYS:
            return DayParser(form, code_of, day or date.min)


class StampedRowParser(AnswerParser):
    """Rows with their own time stamps: ``P.01(24-07-13,13:00)(v1)…(status)``."""

    def _read(self, line: str, records: list[Record]) -> None:
        groups = groups_in(line)
        if groups is None:
            records.append(Damaged(line, "brackets do not pair"))
            return
        address, texts = groups[0][0], [text for _, text in groups]
        stamp = parse_time_stamp(texts[0])
        if any(one for one, _ in groups[1:]) or (address and not self._is_wanted(address)):
            records.append(Damaged(line, "not what was asked for"))
        elif is_nothing(texts):
            records.append(NoEntries(line))
        elif stamp is None:
            records.append(Damaged(line, f"{texts[0]!r} is no time"))
        else:
            self._take(stamp, texts[1:], line, records)

    def _take(self, stamp: TimeStamp, cells: list[str], line: str, records: list[Record]) -> None:
        form, status = self._form, NONE
        if form.row_status and cells:
            status = parse_status(cells.pop(), form.status_bits)
        if not cells or (form.columns and len(cells) != len(form.columns)):
            wanted = len(form.columns) or "one or more"
            records.append(Damaged(line, f"{len(cells)} values where {wanted} belong"))
            return
        header = Header(stamp, status, form.period, self._columns(len(cells)), line)
        records.append(header)
        records.extend(self._row(header, 0, cells, line))


class DayParser(AnswerParser):
    """Values of one day, which the request named: ``EADPE(12.34)``, further tariffs in further brackets or lines.

    The meter repeats the name where the request had it.
    """

    def __init__(self, form: ProfileForm, code_of: CodeOf, day: date) -> None:
        super().__init__(form, code_of)
        self._end = datetime.combine(day, time()) + timedelta(days=1)
        self._cells: list[str] = []
        self._texts: list[str] = []

    def _read(self, line: str, records: list[Record]) -> None:
        groups = groups_in(line)
        if groups is None:
            records.append(Damaged(line, "brackets do not pair"))
        elif any(address not in ("", self._form.profile) for address, _ in groups):
            records.append(Damaged(line, "not what was asked for"))
        elif not self._cells and is_nothing([text for _, text in groups]):
            records.append(NoEntries(line))
        else:
            self._cells += [text for _, text in groups]
            self._texts.append(line)

    def finish(self, *, cut: bool = False) -> list[Record]:
        """Return the day's row; none where the answer was broken off."""
        records = super().finish(cut=cut)
        cells = self._cells[: len(self._form.columns) or None]
        if cut or not cells:
            return records
        raw = " ".join(self._texts)
        header = Header(TimeStamp(self._end), NONE, self._form.period or _DAY, self._columns(len(cells)), raw)
        return [*records, header, *self._row(header, 0, cells, raw)]
