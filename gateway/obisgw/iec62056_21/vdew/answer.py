"""A load profile's answer taken apart (VDEW's specification 2.1, and makers' own forms).

::

    KZ(ZSTs13)(S)(RP)(z)(KZ1)(E1)…(KZz)(Ez)      header: time, status, period, columns with their units
    (Mw1)(Mw2)…(Mwz)                             one row a period
    KZ(…)…                                       a new header after a gap or a change of status

Text comes in blocks; a row may be split over two of them. A line that is no row and no header is kept and named, never
read as values; it takes its period's place all the same, for the meter counts by lines.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from obisgw.obis import ColumnKind, column_kind, home_assistant_unit

from .cells import parse_cell
from .form import Column, ProfileForm
from .lines import CodeOf, Lines, groups_in, is_nothing, same_address
from .records import Channel, Damaged, Header, NoEntries, Record, Row, Value
from .status import parse_status
from .time_stamps import parse_time_stamp

_MOST_COLUMNS: Final = 256
_LONGEST_PERIOD: Final = 366 * 1440


class AnswerParser(ABC):
    """Takes one answer's blocks in order; `finish` after the last."""

    def __init__(self, form: ProfileForm, code_of: CodeOf) -> None:
        self._form = form
        self._code_of = code_of
        self._lines = Lines()

    def feed(self, block: bytes) -> list[Record]:
        """Take the text of one proved block (seven-bit); return what is whole."""
        records: list[Record] = []
        for line in self._lines.feed(block, rest_is_whole=block[:1] == b"(" and self._is_whole(self._lines.rest)):
            self._read(line, records)
        return records

    def finish(self, *, cut: bool = False) -> list[Record]:
        """Return what the last line holds; ``cut``: the answer was broken off, and so may that line be."""
        records: list[Record] = []
        for line in self._lines.finish():
            if not cut:
                self._read(line, records)
        return records

    def _is_whole(self, line: str) -> bool:
        """Whether a line that had no end so far is a whole row: some meters end blocks without CR LF."""
        del line
        return False

    @abstractmethod
    def _read(self, line: str, records: list[Record]) -> None:
        """Take one line that is not empty."""

    def _is_wanted(self, address: str) -> bool:
        return same_address(address, self._form.profile, self._code_of)

    def _channel(self, address: str, unit: str | None) -> Channel:
        code = self._code_of(address.strip(" "))
        shown = home_assistant_unit(unit or None, code)
        return Channel(address, code, shown, column_kind(code, shown))

    def _columns(self, count: int) -> tuple[Channel, ...]:
        """Return channels for values that the meter gives no names."""
        named = [*self._form.columns[:count], *(Column(str(n + 1)) for n in range(len(self._form.columns), count))]
        return tuple(self._channel(column.address, column.unit) for column in named)

    def _row(self, header: Header, index: int, cells: Sequence[str], raw: str) -> Iterator[Record]:
        """Return a row, behind a note where one of its cells is no value."""
        values: list[Value] = []
        channels = header.channels
        for place, text in enumerate(cells):
            cell = parse_cell(text)
            value: Value = cell.number
            kind = channels[place].kind
            if kind is ColumnKind.TEXT or (value is None and not cell.missing and channels[place].code is None):
                value = text.strip(" ") or None
            elif value is None and not cell.missing:
                yield Damaged(raw, f"{text!r} is no number")
            elif cell.unit is not None:
                channels = self._with_unit(channels, place, cell.unit)
            values.append(value)
        if channels is not header.channels:
            header = Header(header.stamp, header.status, header.period, channels, header.raw)
        yield Row(header, index, tuple(values), raw)

    def _with_unit(self, channels: tuple[Channel, ...], place: int, unit: str) -> tuple[Channel, ...]:
        """Return the channels with the unit that a row prints itself."""
        channel = self._channel(channels[place].address, unit)
        return channels if channel == channels[place] else (*channels[:place], channel, *channels[place + 1 :])


class HeaderedParser(AnswerParser):
    """VDEW's own form."""

    def __init__(self, form: ProfileForm, code_of: CodeOf) -> None:
        super().__init__(form, code_of)
        self._header: Header | None = None
        self._size = 0
        self._index = 0
        self._known: tuple[tuple[str, ...], tuple[Channel, ...]] = ((), ())

    def _is_whole(self, line: str) -> bool:
        return self._header is not None and line[:1] == "(" and line[-1:] == ")" and line.count("(") == self._size

    def _read(self, line: str, records: list[Record]) -> None:
        header, size = self._header, self._size
        if header is not None and line[0] == "(" and line[-1] == ")" and line.count("(") == size == line.count(")"):
            cells = line[1:-1].split(")(")
            if len(cells) == size:
                # Nearly all lines.
                self._take(header, cells, line, records)
                return
        self._read_slowly(line, records)

    def _take(self, header: Header, cells: Sequence[str], raw: str, records: list[Record]) -> None:
        records.extend(self._row(header, self._index, cells, raw))
        self._index += 1

    def _read_slowly(self, line: str, records: list[Record]) -> None:
        """Take a line with a header, with several rows, or with faults."""
        groups = groups_in(line)
        if groups is None:
            self._damaged(line, "brackets do not pair", records)
            return
        starts = [place for place, (address, _) in enumerate(groups) if address]
        if starts and starts[0] and not self._is_wanted(groups[starts[0]][0]):
            self._damaged(line, "text between brackets", records)
            return
        bounds = [*([] if starts[:1] == [0] else [0]), *starts, len(groups)]
        for begin, stop in pairwise(bounds):
            self._data_set(groups[begin][0], [text for _, text in groups[begin:stop]], line, records)

    def _data_set(self, address: str, texts: list[str], line: str, records: list[Record]) -> None:
        if not address:
            self._rows(texts, line, records)
        elif not self._is_wanted(address):
            self._header = None
            records.append(Damaged(line, f"{address[:32]!r} was not asked for"))
        elif is_nothing(texts):
            records.append(NoEntries(line))
        else:
            self._take_header(texts, line, records)

    def _take_header(self, texts: list[str], line: str, records: list[Record]) -> None:
        self._header, self._index = None, 0
        problem, period, size = _header_problem(texts, self._form.period)
        stamp = parse_time_stamp(texts[0])
        if problem or stamp is None:
            records.append(Damaged(line, problem or f"{texts[0]!r} is no time"))
            return
        names = tuple(texts[4 : 4 + 2 * size])
        if names != self._known[0]:
            channels = tuple(self._channel(*names[at : at + 2]) for at in range(0, len(names), 2))
            self._known = names, channels
        status = parse_status(texts[1], self._form.status_bits)
        self._header, self._size = Header(stamp, status, period, self._known[1], line), size
        records.append(self._header)
        if behind := texts[4 + 2 * size :]:
            # EMH may print the first values behind the header.
            for at in range(0, len(behind), size):
                self._rows(behind[at : at + size], "".join(f"({text})" for text in behind[at : at + size]), records)

    def _rows(self, texts: list[str], line: str, records: list[Record]) -> None:
        header, size = self._header, self._size
        if header is None:
            nothing = not records and is_nothing(texts)
            records.append(NoEntries(line) if nothing else Damaged(line, "values without a header"))
        elif len(texts) != size:
            self._damaged(line, f"{len(texts)} values where {size} belong", records)
        else:
            self._take(header, texts, line, records)

    def _damaged(self, line: str, reason: str, records: list[Record]) -> None:
        records.append(Damaged(line, reason))
        self._index += 1


def _header_problem(texts: list[str], period: int | None) -> tuple[str, int | None, int]:
    """Return what is wrong with a header ("" where nothing is), its period in minutes and its number of columns."""
    if len(texts) < 4:
        return "a header has at least time, status, period and number of columns", None, 0
    minutes, count = texts[2].strip(" "), texts[3].strip(" ")
    if minutes and not (minutes.isascii() and minutes.isdigit() and 0 < int(minutes[:9]) <= _LONGEST_PERIOD):
        return f"{minutes!r} is no period in minutes", None, 0
    if not (count.isascii() and count.isdigit() and 0 < int(count[:9]) <= _MOST_COLUMNS):
        return f"{count!r} is no number of columns", None, 0
    size = int(count)
    if len(texts) < 4 + 2 * size or (len(texts) - 4 - 2 * size) % size:
        return f"a header of {size} columns has {4 + 2 * size} brackets, not {len(texts)}", None, 0
    return "", int(minutes) if minutes else period, size
