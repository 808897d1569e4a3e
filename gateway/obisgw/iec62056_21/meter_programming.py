"""How a meter behaves in programming mode: the standard's rules as defaults, each deviation as a setting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from .password import P2Algorithm, PasswordLevel

Records = Callable[[str, float], bytes | None]
"""Gives what is stored, by the argument in the brackets and the moment: the data block of the answer, None where there
is nothing."""


class No(Enum):
    """How a meter says no, besides texts of its own such as ``(ER0007)``."""

    NAK = "nak"
    ACK = "ack"
    BREAK = "break"
    SILENCE = "silence"
    BEL = "bel"


Refused = No | str


@dataclass(frozen=True, slots=True)
class MeterProgramming:
    """One meter's programming mode. Times in seconds.

    ``operand`` is what P0 brings; None sends P0 without one. ``acknowledges``: ACK CR LF comes in front of P0;
    ``asks`` False leaves P0 out. ``password`` None: none is asked for, and any is accepted. ``reads_locked``: without
    it nothing can be read. ``wrong_password``, ``unknown_command``, ``unknown_address``, ``no_access``: what the meter
    says then. ``attempts``: so many wrong passwords, and it is ``locked`` for ``locked_for``. ``commands`` are those
    that read. ``named``: answers repeat the address; ``line_end``: they end with CR LF. ``addresses`` translates what is
    asked for into addresses of the list. ``block_lines``: lines in each partial block, None sends all in one.
    ``deaf_for``: nothing is heard so soon after a message of its own. ``inactivity``: the session ends then, with a break where ``hangs_up``. ``sessionless``: a command directly behind
    the request is answered at once. ``writable``: addresses that W1 and W5 may change, and E2 execute.
    """

    operand: str | None = ""
    acknowledges: bool = False
    asks: bool = True
    password: str | None = None
    level: PasswordLevel = PasswordLevel.P1
    p2: P2Algorithm | None = None
    reads_locked: bool = False
    attempts: int = 3
    locked_for: float = 3600.0
    wrong_password: Refused = No.BREAK
    locked: Refused = No.BREAK
    no_access: Refused = "(ERROR)"
    unknown_command: Refused = No.NAK
    unknown_address: Refused = "(ERROR)"
    commands: tuple[str, ...] = ("R1", "R5", "R6")
    named: bool = True
    line_end: bool = False
    addresses: Mapping[str, str] = field(default_factory=dict)
    block_lines: int | None = None
    inactivity: float = 60.0
    hangs_up: bool = False
    deaf_for: float = 0.0
    sessionless: bool = False
    writable: tuple[str, ...] = ()
    records: Mapping[str, Records] = field(default_factory=dict)
    """What is stored, by address: ``P.01``, ``P.98``."""


@dataclass(frozen=True, slots=True)
class PasswordHeard:
    """A password came, right or wrong."""

    accepted: bool
    at: float


@dataclass(frozen=True, slots=True)
class CommandHeard:
    """A command came; ``refused`` says whether the meter would not."""

    name: str
    address: str
    refused: bool
    at: float


@dataclass(frozen=True, slots=True)
class Written:
    """The reading device changed something."""

    address: str
    value: str
    at: float


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """Nothing was said for too long, or the meter hung up."""

    at: float


ProgrammingEvent = PasswordHeard | CommandHeard | Written | SessionEnded
