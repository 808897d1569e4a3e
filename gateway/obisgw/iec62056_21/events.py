"""What a session asks of the line, and what it tells of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .commands import ReadCommand, ReadRequest
from .identification import Identification
from .refusal import Refusal
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
    """Why an attempt at a readout or a session came to nothing."""

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
    NO_PROGRAMMING = "the meter has no programming mode"
    PASSWORD = "the meter refused the password"  # noqa: S105 - words
    UNKNOWN_ALGORITHM = "how this meter wants its password is not known"
    ENDED = "the meter ended the session"


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


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """Programming mode is open and takes requests. ``operand`` came with P0; None where the meter sent no P0.

    ``accepted``: a password was sent and acknowledged; None where none was sent.
    """

    operand: str | None
    accepted: bool | None
    at: float


@dataclass(frozen=True, slots=True)
class PartReceived:
    """One proved block of an answer that comes in parts; `AnswerReceived` has all of them together."""

    request: ReadRequest
    text: bytes
    at: float


@dataclass(frozen=True, slots=True)
class AnswerReceived:
    """A proved answer. ``started`` and ``at`` are the times of its first and last byte.

    ``command`` is the one that the meter understood.
    """

    request: ReadRequest
    command: ReadCommand
    telegram: Telegram
    started: float
    at: float


@dataclass(frozen=True, slots=True)
class RequestRefused:
    """The meter said something else instead of an answer. The session stays open."""

    request: ReadRequest
    refusal: Refusal
    at: float


@dataclass(frozen=True, slots=True)
class RequestFailed:
    """The answer could not be proved, also after repeats. The session stays open; parts that came were proved."""

    request: ReadRequest
    failure: Failure
    detail: str
    at: float


@dataclass(frozen=True, slots=True)
class SessionClosed:
    """The session was ended in order, by a break of ours. ``idle``: nothing had been asked for too long."""

    idle: bool
    at: float


@dataclass(frozen=True, slots=True)
class HandedOver:
    """The meter goes on in HDLC, with eight bits and no parity. ``confirmed``: it has said so itself."""

    confirmed: bool
    at: float


Event = (
    Identified
    | EchoSeen
    | Received
    | Rejected
    | Failed
    | SessionOpened
    | PartReceived
    | AnswerReceived
    | RequestRefused
    | RequestFailed
    | SessionClosed
    | HandedOver
)
