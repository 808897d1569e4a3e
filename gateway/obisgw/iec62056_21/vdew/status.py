"""Status words of load profiles and log books: bits by name, the same names whatever the maker's bits are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Flag, auto
from types import MappingProxyType
from typing import Final


class Status(Flag):
    """What happened in a period, or made an entry of the log book. ``names`` gives them in words for documents."""

    DEVICE_ERROR = auto()
    """Fatal: the value cannot be trusted."""
    CLOCK_INVALID = auto()
    """The clock's reserve was exhausted: the time cannot be trusted."""
    DISTURBED = auto()
    """The measurement was disturbed or is incomplete."""
    SEASON_CHANGED = auto()
    RESET = auto()
    """Billing reset."""
    CLOCK_SET = auto()
    """The period was shorter or longer than it seems."""
    POWER_BACK = auto()
    POWER_FAILURE = auto()
    VARIABLE_SET = auto()
    """A parameter was changed."""
    ERROR_BEGAN = auto()
    ERROR_ENDED = auto()
    LOG_BOOK_CLEARED = auto()
    PROFILE_CLEARED = auto()
    SUMMER_TIME = auto()
    """Summer time is in force; says nothing of the value."""
    REVERSE_POWER = auto()
    INPUT = auto()
    """An event on one of the meter's inputs."""
    PULSE_CONSTANT_CHANGED = auto()
    TERMINAL_COVER_OPENED = auto()
    MAIN_COVER_OPENED = auto()
    WRONG_PASSWORD = auto()
    PHASE_L1_MISSING = auto()
    PHASE_L2_MISSING = auto()
    PHASE_L3_MISSING = auto()
    CLOCK_SYNCHRONISED = auto()
    """The clock had been set by an outside clock."""
    MANUFACTURER = auto()
    """Bits whose meaning is the maker's own."""
    UNREADABLE = auto()
    """The status was no hexadecimal number."""
    SHORT = auto()
    """Measured for less than the whole period, as far as the time stamps tell."""
    LONG = auto()
    """Measured for more than the whole period: the clock had been set back."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the flags that are set, in lower case and in the order above."""
        return tuple(str(flag.name).lower() for flag in self)

    @property
    def trusted(self) -> bool:
        """Whether value and time may be taken as they are."""
        return not self & _DOUBTFUL


NONE: Final = Status(0)
_DOUBTFUL: Final = Status.DEVICE_ERROR | Status.CLOCK_INVALID | Status.DISTURBED

Bits = Mapping[int, Status]
"""Flags by the value of their bit."""

VDEW_BITS: Final[Bits] = MappingProxyType(
    {
        0x01: Status.DEVICE_ERROR,
        0x02: Status.CLOCK_INVALID,
        0x04: Status.DISTURBED,
        0x08: Status.SEASON_CHANGED,
        0x10: Status.RESET,
        0x20: Status.CLOCK_SET,
        0x40: Status.POWER_BACK,
        0x80: Status.POWER_FAILURE,
        0x0100: Status.VARIABLE_SET,
        0x0200: Status.ERROR_BEGAN,
        0x0400: Status.ERROR_ENDED,
        0x2000: Status.LOG_BOOK_CLEARED,
        0x4000: Status.PROFILE_CLEARED,
    }
)
"""The low byte is of load profiles and log books, the rest of log books; other bits are the maker's."""

_WORD: Final = re.compile(r" *[0-9A-Fa-f]{1,8} *")


def parse_status(text: str, bits: Bits = VDEW_BITS) -> Status:
    """Return the flags of a status word of up to eight hexadecimal digits; an empty one says nothing."""
    if not text.strip(" "):
        return NONE
    if _WORD.fullmatch(text) is None:
        return Status.UNREADABLE
    word, status = int(text, 16), NONE
    while word:
        bit = word & -word
        status |= bits.get(bit, Status.MANUFACTURER)
        word ^= bit
    return status


def status_named(name: str) -> Status:
    """Return the flag of a name as in ``names``. Raises ``ValueError`` where there is none."""
    try:
        return Status[name.upper()]
    except KeyError:
        known = ", ".join(str(flag.name).lower() for flag in Status)
        raise ValueError(f"no flag is named {name!r}; known are {known}") from None
