"""Data sets in a data block (IEC 62056-21 clause 6.5 and what meters make of it).

``data set := [address] ( value [* unit] ) …``, several of them on a line where the meter likes it so. A line that stops
to be data sets is kept from there on as ``Unparsed``: behind a lost bracket nobody can tell an address from a value.
"""

from __future__ import annotations

import re
from itertools import compress, count, repeat
from typing import Literal

from .telegram import Bracket, DataSet, Unparsed

# An address has no ( ) / ! by the standard. A value may hold all but brackets: Siemens and Sanxing print "/" in it.
# Possessive, so that no text costs more than a few passes; groups are not, which Python before 3.11.5 matches wrongly.
# Lines end with CR LF, CR CR LF, LF or LF LF.
_ADDRESS = r'[ "-\'*-.0-~]*+'
_VALUE = r"[ -'+-~]*+"
_TAIL = r"(?:\*[ -'*-~]*+)?"
_BRACKET_ = r"\([ -'*-~]*+\)"
_DATA_SET = re.compile(rf"(({_ADDRESS})\(({_VALUE})(?:\*([ -'*-~]*+))?\)((?:{_BRACKET_})*))")
_BRACKET = re.compile(rf"\(({_VALUE})({_TAIL})\)")
_NOT_PRINTABLE = re.compile(r"[^ -~]")

# DSMR 2.2 and 3.0 print the gas reading of 0-n:24.3.0 on a line of its own, and mean one data set.
_CONTINUED_NEXT_LINE = re.compile(r"[0-9]+-[0-9]+:24\.3\.[0-9]+(?:\*255)?")

# The longest data sets of real meters, 15 months of peaks in P1 telegrams, have some fifty brackets.
_MAX_BRACKETS = 1000


def parse_data_sets(block: bytes) -> tuple[tuple[DataSet, ...], tuple[Unparsed, ...]]:
    """Return the data sets of a block of seven-bit characters in their order, and what is none.

    ``block`` is what stands between STX and ETX; an end mark ``!`` in it ends the data. Never raises; takes time in
    proportion to the size. All text is as on the line; ``Bracket.unit`` is None without ``*``, and ``094.4*C&092.9*C``
    gives two brackets.
    """
    text = block.decode("latin-1")
    lines = text.replace("\r", "\n").split("\n")
    mark = text.find("!")
    data_sets: list[DataSet] | None = None
    unparsed: list[Unparsed] = []
    if mark < 0 or not text[mark + 1 :].strip("\r\n"):
        data_sets = _of_clean_lines(lines)
    if data_sets is None:
        data_sets = []
        _parse_lines(lines, data_sets, unparsed)
    if "\n(" in text or "\r(" in text:
        data_sets = _continued(data_sets)
    return tuple(data_sets), tuple(unparsed)


# From one readout to the next, most lines of a meter stay as they are: data sets of the last block by their lines, one
# block for each number of lines, so that a few kinds of meters do not displace each other.
_last: dict[int, dict[str, DataSet | Literal[False] | None]] = {}
_LAST_BLOCKS = 8
_LONGEST_CLEAN = 2000
_LAST_LINES = 400
_NO_DATA: dict[str, DataSet | Literal[False] | None] = {"": False, "!": False}


def _of_clean_lines(lines: list[str]) -> list[DataSet] | None:
    """Return the data sets of lines that hold nothing else, and remember them; None where something else is there."""
    known = list(map(_last.get(len(lines), _NO_DATA).get, lines))
    missing = [line for line, data_set in zip(lines, known, strict=True) if data_set is None]
    text = "\n".join(missing)
    if not all(map(_may_be_clean, missing)) or text.count(")(") + text.count("&") >= _MAX_BRACKETS:
        return None
    if missing:
        parsed = _of_clean(text)
        if sum(len(data_set.raw) for data_set in parsed) + len(missing) - 1 != len(text):
            return None
        if len(parsed) != len(missing):
            return _of_clean("\n".join(lines))
        new = iter(parsed)
        known = [next(new) if data_set is None else data_set for data_set in known]
        if len(lines) <= _LAST_LINES:
            if len(_last) >= _LAST_BLOCKS:
                _last.clear()
            _last[len(lines)] = _NO_DATA | dict(zip(lines, known, strict=True))
    return [data_set for data_set in known if data_set]


def _may_be_clean(line: str) -> bool:
    """Whether a line looks like data sets alone. Searching long ones for them could take their length squared."""
    return line[-1:] == ")" and len(line) <= _LONGEST_CLEAN


def _of_clean(text: str) -> list[DataSet]:
    """Return the data sets of a text that is known to hold nothing else."""
    matches = _DATA_SET.findall(text)
    if not matches or "&" in text or "*)" in text:
        return [_data_set(raw, address) for raw, address, *_ in matches]
    # As DataSet(address, (Bracket(value, unit or None),), raw) for each, without a call of Python code for any:
    # this is where the time of a readout's parsing goes.
    raws, addresses, values, units, further = zip(*matches, strict=True)
    brackets = map(tuple.__new__, repeat(Bracket), zip(values, (unit or None for unit in units), strict=True))
    data_sets = list(map(tuple.__new__, repeat(DataSet), zip(addresses, zip(brackets), raws, strict=True)))
    for at in compress(count(), further):
        data_sets[at] = _data_set(raws[at], addresses[at])
    return data_sets


def _data_set(raw: str, address: str) -> DataSet:
    return DataSet(address, _brackets(raw[len(address) :]), raw)


def _continued(data_sets: list[DataSet]) -> list[DataSet]:
    """Put together what one meter prints on two lines."""
    joined: list[DataSet] = []
    for one in data_sets:
        if not one.address and joined and _CONTINUED_NEXT_LINE.fullmatch(joined[-1].address):
            first = joined[-1]
            joined[-1] = DataSet(first.address, first.brackets + one.brackets, f"{first.raw}\r\n{one.raw}")
        else:
            joined.append(one)
    return joined


def _brackets(text: str) -> tuple[Bracket, ...]:
    brackets: list[Bracket] = []
    for value, tail in _BRACKET.findall(text):
        if "&" in tail:
            pairs = [part.partition("*") for part in (value + tail).split("&")]
            if all(star for _, star, _ in pairs):
                brackets.extend(Bracket(number, unit) for number, _, unit in pairs)
                continue
        brackets.append(Bracket(value, tail[1:] if tail else None))
    return tuple(brackets)


def _parse_lines(lines: list[str], data_sets: list[DataSet], unparsed: list[Unparsed]) -> None:
    """Parse line by line: what follows a fault stays with it to the end of its line."""
    ended = False
    for line in lines:
        rest = line
        if not ended:
            position = _take(line, data_sets)
            rest = line[position:]
            ended = rest.startswith("!")
            if not ended:
                if rest.strip(" "):
                    unparsed.append(Unparsed(rest, _reason(rest)))
                continue
            rest = rest[1:]
        if rest.strip(" "):
            unparsed.append(Unparsed(rest, "behind the end mark"))


def _take(line: str, data_sets: list[DataSet]) -> int:
    """Take the data sets that a line begins with, and return where they end."""
    position = 0
    while (match := _DATA_SET.match(line, position)) is not None:
        raw, address = match[1], match[2]
        if raw.count("(") > _MAX_BRACKETS or raw.count("&") > _MAX_BRACKETS:
            break
        data_sets.append(_data_set(raw, address))
        position = match.end()
    return position


def _reason(text: str) -> str:
    if _NOT_PRINTABLE.search(text):
        return "characters that are not printable"
    if text.count("(") > _MAX_BRACKETS or text.count("&") > _MAX_BRACKETS:
        return "too many brackets"
    if "(" in text or ")" in text:
        return "brackets do not pair"
    return "no value in brackets"
