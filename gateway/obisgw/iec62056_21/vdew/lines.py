"""Lines out of the blocks of an answer, and the brackets in a line."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from obisgw.obis import ObisCode

CodeOf = Callable[[str], ObisCode | None]
"""Full OBIS code of an address (``Dialect.code_of``)."""

_GROUP: Final = re.compile(r"([^()]*)\(([^()]*)\)")
_ERROR: Final = re.compile(r"\(?(?:ERROR|ERR?[ (]?[0-9]{1,4})\)?")
_LONGEST: Final = 16_384
"""A header of 64 columns has some two thousand characters."""

Group = tuple[str, str]
"""Text in front of a bracket, and in it."""


class Lines:
    """Takes blocks in order and gives their lines; a line may be split over two blocks."""

    def __init__(self) -> None:
        self.rest = ""
        """What has come of a line that has not ended."""

    def feed(self, block: bytes, *, rest_is_whole: bool = False) -> list[str]:
        """Take the text of a block (seven-bit); return the lines that are whole.

        ``rest_is_whole``: the line under way ends here, although the meter sent no CR LF at the end of its block.
        """
        text = block.decode("latin-1")
        lines = f"{self.rest}\n{text}" if rest_is_whole else self.rest + text
        *whole, self.rest = lines.replace("\r", "\n").split("\n")
        if len(self.rest) > _LONGEST:
            whole.append(self.rest)
            self.rest = ""
        return [line for line in whole if line and line != "!"]

    def finish(self) -> list[str]:
        """Return the last line where it had no end."""
        rest, self.rest = self.rest, ""
        return [rest] if rest and rest != "!" else []


def groups_in(line: str) -> list[Group] | None:
    """Return the brackets of a line, each with the text in front of it; None where they do not pair."""
    groups, end = [], 0
    for match in _GROUP.finditer(line):
        if match.start() != end:
            return None
        groups.append((match[1].strip(" "), match[2]))
        end = match.end()
    return groups if groups and not line[end:].strip(" !") else None


def is_nothing(texts: list[str]) -> bool:
    """Whether brackets hold a meter's error, or nothing, in place of a time and values."""
    return len(texts) == 1 and (not texts[0].strip(" ") or _ERROR.fullmatch(texts[0]) is not None)


def same_address(address: str, wanted: str, code_of: CodeOf) -> bool:
    """Whether an address as printed is the one that was asked for, in whatever form."""
    if address == wanted:
        return True
    code = code_of(address)
    return code is not None and code == code_of(wanted)
