"""Data sets in a data block (IEC 62056-21 clause 6.5 and what meters make of it).

``data set := [address] ( value [* unit] ) …``, several of them on a line where the meter likes it so. A line that stops
to be data sets is kept from there on as ``Unparsed``: behind a lost bracket nobody can tell an address from a value.
"""

from __future__ import annotations

import re
from functools import lru_cache

from .telegram import Bracket, DataSet, Unparsed

# An address has no ( ) / ! by the standard. A value may hold all but brackets: Siemens and Sanxing print "/" in it.
# Possessive, so that no text costs more than a few passes.
_ADDRESS = r'[ "-\'*-.0-~]*+'
_VALUE = r"[ -'+-~]*+"
_TAIL = r"(?:\*[ -'*-~]*+)?+"
_DATA_SET = re.compile(rf"({_ADDRESS})\(({_VALUE})({_TAIL})\)((?:\([ -'*-~]*+\))*+)")
_BRACKET = re.compile(rf"\(({_VALUE})({_TAIL})\)")
_NOT_PRINTABLE = re.compile(r"[^ -~]")

# DSMR 2.2 and 3.0 print the gas reading of 0-n:24.3.0 on a line of its own, and mean one data set.
_CONTINUED_NEXT_LINE = re.compile(r"[0-9]+-[0-9]+:24\.3\.[0-9]+(?:\*255)?")

# The longest data sets of real meters, 15 months of peaks in P1 telegrams, have some fifty brackets.
_MAX_BRACKETS = 1000

# From one readout to the next, most lines of a meter stay as they are. Longer lines are rare and would cost memory.
_CACHED_LINES = 2048
_CACHED_LENGTH = 160


def parse_data_sets(block: bytes) -> tuple[tuple[DataSet, ...], tuple[Unparsed, ...]]:
    """Return the data sets of a block of seven-bit characters in their order, and what is none.

    ``block`` is what stands between STX and ETX; an end mark ``!`` in it ends the data. Never raises; takes time in
    proportion to the size. All text is as on the line; ``Bracket.unit`` is None without ``*``, and ``094.4*C&092.9*C``
    gives two brackets.
    """
    data_sets: list[DataSet] = []
    unparsed: list[Unparsed] = []
    ended = False
    # Lines end with CR LF, CR CR LF, LF or LF LF.
    for line in block.decode("latin-1").replace("\r", "\n").split("\n"):
        if not line:
            continue
        if ended:
            if line.strip(" "):
                unparsed.append(Unparsed(line, "behind the end mark"))
            continue
        found, rest, ended = _cached_line(line) if len(line) <= _CACHED_LENGTH else _parse_line(line)
        if found and not found[0].address and data_sets and _CONTINUED_NEXT_LINE.fullmatch(data_sets[-1].address):
            data_sets[-1] = _joined(data_sets[-1], found[0])
            found = found[1:]
        data_sets += found
        if rest:
            unparsed += rest
    return tuple(data_sets), tuple(unparsed)


def _parse_line(line: str) -> tuple[tuple[DataSet, ...], tuple[Unparsed, ...], bool]:
    """Return the line's data sets, the rest that is none, and whether the end mark stands in it."""
    data_sets: list[DataSet] = []
    position = 0
    while (match := _DATA_SET.match(line, position)) is not None:
        address, value, tail, more = match.groups()
        if more or "&" in tail:
            if more.count("(") >= _MAX_BRACKETS:
                break
            brackets = _brackets(line[match.end(1) : match.end()])
        else:
            brackets = (Bracket(value, tail[1:] if tail else None),)
        data_sets.append(DataSet(address, brackets, match.group()))
        position = match.end()
    rest = line[position:]
    ended = rest.startswith("!")
    if ended:
        rest = rest[1:]
    unparsed = (Unparsed(rest, "behind the end mark" if ended else _reason(rest)),) if rest.strip(" ") else ()
    return tuple(data_sets), unparsed, ended


_cached_line = lru_cache(maxsize=_CACHED_LINES)(_parse_line)


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


def _joined(first: DataSet, second: DataSet) -> DataSet:
    return DataSet(first.address, first.brackets + second.brackets, f"{first.raw}\r\n{second.raw}")


def _reason(text: str) -> str:
    if _NOT_PRINTABLE.search(text):
        return "characters that are not printable"
    if text.count("(") >= _MAX_BRACKETS:
        return "too many brackets"
    if "(" in text or ")" in text:
        return "brackets do not pair"
    return "no value in brackets"
