"""The identification message (IEC 62056-21 clause 6.3.2) and what it offers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

MODE_C_RATES = {"0": 300, "1": 600, "2": 1200, "3": 2400, "4": 4800, "5": 9600, "6": 19200}
"""Baud characters of modes C and E. 7 to 9 are reserved by the standard; COSEM's local port enumerates them."""

MODE_C_RESERVED_RATES = {"7": 38400, "8": 57600, "9": 115200}

MODE_B_RATES = {"A": 600, "B": 1200, "C": 2400, "D": 4800, "E": 9600, "F": 19200}


class Mode(Enum):
    """Protocol mode. ``D`` pushes without being asked and cannot be told from A to C by its identification."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"


@dataclass(frozen=True, slots=True)
class Identification:
    r"""``/XXXZ[\W]...text``, taken apart by position.

    ``raw`` is the line without CR LF; ``manufacturer`` is upper case; ``escapes`` are the characters behind each
    backslash that directly follow the baud character; ``model`` is the rest, blanks kept.
    """

    raw: str
    manufacturer: str
    baud_char: str
    escapes: tuple[str, ...]
    model: str

    @property
    def mode(self) -> Mode:
        """The readout mode that the baud character offers: A, B or C."""
        if self.baud_char in MODE_C_RATES or self.baud_char in MODE_C_RESERVED_RATES:
            return Mode.C
        return Mode.B if self.baud_char in MODE_B_RATES else Mode.A

    @property
    def baudrate(self) -> int:
        """The rate that the baud character announces; 300 in mode A."""
        return rate_of(self.baud_char)

    @property
    def offers_mode_e(self) -> bool:
        """Whether the meter can switch to HDLC."""
        return "2" in self.escapes

    @property
    def fast_reaction(self) -> bool:
        """Whether the third letter is lower case: the meter may react after 20 ms in place of 200 ms."""
        return self.raw[3:4].islower()


_RATES = MODE_C_RATES | MODE_C_RESERVED_RATES | MODE_B_RATES


def rate_of(baud_char: str) -> int:
    """Return the rate in baud that a baud character stands for; 300 for those of mode A."""
    return _RATES.get(baud_char, 300)


_IDENTIFICATION = re.compile(
    # P1 adapters that name themselves "/NWA-WARMTELINK" have no baud character.
    r"/(?P<manufacturer>[A-Za-z]{3})(?P<baud>[ -,.-~]|(?=-))(?P<escapes>(?:\\[ -~])*)(?P<model>[ -~]*)\Z"
)
_SHORT = re.compile(r"/(?P<manufacturer>[A-Za-z]{3})\Z")


def parse_identification(line: bytes) -> Identification | None:
    """Return the identification in ``line`` (from ``/``, without CR LF, seven-bit), or None if it is none."""
    text = line.decode("latin-1").rstrip("\r\n")
    if (match := _IDENTIFICATION.match(text)) is None:
        if (short := _SHORT.match(text.rstrip())) is None:
            return None
        return Identification(text, short["manufacturer"].upper(), " ", (), "")
    return Identification(
        text,
        match["manufacturer"].upper(),
        match["baud"],
        tuple(match["escapes"][1::2]),
        match["model"],
    )
