"""What a session asks of the line, and what it tells of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .identification import Identification
from .telegram import Telegram


@dataclass(frozen=True, slots=True)
class Send:
    """Put these bytes on the line, then call ``sent`` with the time at which their last bit has left."""

    data: bytes


@dataclass(frozen=True, slots=True)
class SetLine:
    """Set the line's rate now, in both directions."""

    baudrate: int


Action = Send | SetLine


class Failure(Enum):
    """Why an attempt at a readout came to nothing."""

    SILENCE = "no answer"
    ECHO_ONLY = "only the own request came back"
    GARBAGE = "unreadable characters"
    UNASKED = "characters that nobody asked for"
    NO_DATA = "no data after the identification"
    STAYED_SLOW = "the meter ignored the acknowledgement and sent at the initial rate"
    CUT = "the data stopped in the middle"
    BAD_CHECK = "a block check or parity was wrong"
    START_LOST = "the beginning of the data was missed"
    UNLIKE = "without a block check, and unlike the telegrams before it"
    TOO_LONG = "the data did not end"
    REFUSED = "the meter refused"
    SESSION_OPEN = "the meter still held an earlier session"


@dataclass(frozen=True, slots=True)
class Identified:
    """The meter named itself."""

    identification: Identification
    at: float


@dataclass(frozen=True, slots=True)
class EchoSeen:
    """The head hears its own light: ``characters`` of what was sent came back."""

    characters: int


@dataclass(frozen=True, slots=True)
class Received:
    """A proved telegram. ``started`` and ``at`` are the times of its first and last byte."""

    telegram: Telegram
    started: float
    at: float


@dataclass(frozen=True, slots=True)
class Rejected:
    """A telegram that may not be used: damaged or cut. A push session goes on after it."""

    telegram: Telegram
    failure: Failure
    at: float


@dataclass(frozen=True, slots=True)
class Failed:
    """The attempt is over. ``detail`` says in words what was seen on the line."""

    failure: Failure
    detail: str
    at: float


Event = Identified | EchoSeen | Received | Rejected | Failed
