"""What a family of meters does in its own way in programming mode."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from . import timing
from .commands import ReadCommand
from .identification import Identification
from .password import P2Algorithm
from .refusal import Errors

_NO_NAMES: Final[Mapping[str, str]] = MappingProxyType({})
_NO_ERRORS: Final[Errors] = MappingProxyType({})
_VDEW: Final = "@"
"""The escape by which meters announce that they know R5 and R6."""


def _no_names() -> Mapping[str, str]:
    return _NO_NAMES


def _no_errors() -> Errors:
    return _NO_ERRORS


@dataclass(frozen=True, slots=True)
class Programming:
    """Every field's default is the standard. Times in seconds."""

    inactivity: float = timing.INACTIVITY
    """The meter ends a session in which nothing was said for so long."""
    commands: tuple[ReadCommand, ...] = ()
    """Commands that read a register, in the order in which they are tried; empty: by what the identification offers."""
    argument: str = ""
    """What stands in the brackets of a request in which nothing is meant."""
    pause: float | None = None
    """From the end of an answer to the next command at least; None takes the standard's reaction time."""
    errors: Errors = field(default_factory=_no_errors, hash=False)
    """Texts of refusals, each with the name of its kind (`RefusalKind`) and its meaning."""
    p2: P2Algorithm | None = None
    """How P2 is made of password and operand."""
    default_password: str | None = None
    """What the maker sets; for advice only, it is never sent by itself."""
    lockout: str = ""
    """What wrong passwords lead to, in words."""
    names: Mapping[str, str] = field(default_factory=_no_names, hash=False)
    """Addresses to ask for, by full OBIS code, where the meter's are none."""
    hexadecimal: bool = False
    """Addresses are CCDDEEFF in hexadecimal digits."""
    group: bool = False
    """Several registers may be asked for in one command, GRPNM."""
    sessionless: bool = False
    """A command directly behind the request, without its CR LF, is answered at the initial rate without a session."""
    never: tuple[str, ...] = ()
    """Writes and executions, as ``W5 P.01``, that are refused for good: they erase what cannot be had again."""
    clock: tuple[str, ...] = ()
    """Writes that set the clock, with the time as in ``strftime``."""

    def commands_for(self, identification: Identification | None) -> tuple[ReadCommand, ...]:
        """Return the commands that this meter may understand for reading a register, likeliest first."""
        if self.commands:
            return self.commands
        national = identification is not None and _VDEW in identification.escapes
        r1, r5, r6 = ReadCommand.R1, ReadCommand.R5, ReadCommand.R6
        return (r5, r6, r1) if national else (r1, r5, r6)
