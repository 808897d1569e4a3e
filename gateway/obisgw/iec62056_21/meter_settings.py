"""How a meter behaves on the line: the standard's rules as defaults, each deviation of real meters as a setting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from .block_check import BlockCheckKind
from .characters import CharacterFormat
from .identification import Identification, Mode, parse_identification
from .messages import Acknowledgement, Request
from .meter_programming import MeterProgramming, ProgrammingEvent

MeterData = Callable[[float], bytes]
"""Gives the data block at a moment: the seven-bit characters between STX and ETX, ``!`` CR LF included."""


class AcknowledgementRule(Enum):
    """What a mode C meter makes of ACK 0 Z 0."""

    ANNOUNCED = "announced"
    """The announced Z switches, every other Z stays at 300 (clause 6.3.3)."""

    ANY = "any"
    """Z is obeyed whatever was announced (Enermet E600)."""

    STAY = "stay"
    """The data come at 300 whatever Z says (Landis+Gyr E350)."""

    IGNORE = "ignore"
    """As if nothing had been heard: the readout at 300 begins by itself."""


@dataclass(frozen=True, slots=True)
class WakeUp:
    """What a battery meter wants before a request (annex B), seconds.

    ``signal`` is the least duration of NULs whose gaps stay under ``gap``; ``pause`` bounds the silence between the
    last NUL and the request, measured from last to first bit.
    """

    signal: float = 2.05
    gap: float = 0.005
    pause: tuple[float, float] = (1.45, 1.75)


@dataclass(frozen=True, slots=True)
class MeterList:
    """Another list than the one of ``/?!``.

    ``direct`` answers with the data at once, without identification and acknowledgement; ``baudrate`` is then the
    data's rate (None: the rate of the request, in mode B the announced one).
    """

    data: MeterData
    direct: bool = True
    baudrate: int | None = None


@dataclass(frozen=True, slots=True)
class MeterSettings:
    """One meter. Times in seconds, rates in baud, text seven-bit.

    ``mode`` None follows the baud character; ``data_baudrate`` is the rate really used where it differs from the
    announced one. ``reaction`` runs from the last bit heard to the first bit sent; ``data_reaction`` is the one
    before the data (None: the same). ``fallback`` is when the readout at the initial rate begins after an identification
    nobody acknowledged (None: never). ``stx``, ``etx`` and ``check`` frame the data (``check`` CRC16: as text behind ``!``).
    ``noise_before`` and ``noise_after`` are raw bytes around each answer, without parity. ``block_size`` cuts the data
    into partial blocks ended by EOT. ``repeats`` is how often NAK brings the data message again, within ``patience``.
    ``requests_needed``: how many requests within ``patience_requests`` it takes to be heard.
    """

    identification: str
    mode: Mode | None = None
    address: str = ""
    address_required: bool = False
    address_ignored: bool = False
    start_baudrate: int = 300
    data_baudrate: int | None = None
    format: CharacterFormat = CharacterFormat.SOFTWARE_7E1
    strict_parity: bool = True
    line_end_required: bool = True
    reaction: float = 0.2
    data_reaction: float | None = None
    acknowledgement: AcknowledgementRule = AcknowledgementRule.ANNOUNCED
    fallback: float | None = 1.8
    wake_up: WakeUp | None = None
    direct_data: bool = False
    stx: bool = True
    etx: bool = True
    check: BlockCheckKind | None = BlockCheckKind.XOR
    identification_end: bytes = b"\r\n"
    before_data: bytes = b""
    noise_before: bytes = b""
    noise_after: bytes = b""
    block_size: int | None = None
    repeats: int = 0
    patience: float = 1.5
    requests_needed: int = 1
    patience_requests: float = 15.0
    session_open: bool = False
    interval: float = 2.0
    lists: Mapping[str, MeterList] = field(default_factory=dict)
    programming: MeterProgramming | None = None
    """None: the acknowledgement's mode control makes no difference."""

    def __post_init__(self) -> None:
        if parse_identification(self.identification.encode("latin-1")) is None:
            raise ValueError(f"no identification: {self.identification!r}")
        if self.block_size is not None and self.block_size < 1:
            raise ValueError(f"block_size must be at least 1, not {self.block_size}")
        if self.interval <= 0:
            raise ValueError(f"interval must be positive, not {self.interval}")

    @property
    def identified(self) -> Identification:
        """The identification, taken apart."""
        identification = parse_identification(self.identification.encode("latin-1"))
        assert identification is not None  # noqa: S101 - __post_init__ saw to it
        return identification

    @property
    def effective_mode(self) -> Mode:
        """The mode in force."""
        return self.mode or self.identified.mode

    @property
    def announced_baudrate(self) -> int:
        """The rate of the data when all goes by the announcement."""
        return self.data_baudrate or (self.identified.baudrate if self.effective_mode is not Mode.A else 300)


class Part(Enum):
    """What the meter is sending."""

    IDENTIFICATION = "identification"
    DATA = "data"
    ANSWER = "answer"
    PUSH = "push"
    BREAK = "break"


@dataclass(frozen=True, slots=True)
class StopSending:
    """Cut off the Send under way: nothing more of it may reach the line. ``sent`` follows at once."""


@dataclass(frozen=True, slots=True)
class Woken:
    """A wake-up signal long enough was heard."""

    at: float


@dataclass(frozen=True, slots=True)
class RequestHeard:
    """A request that this meter answers."""

    request: Request
    at: float


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The reading device chose; ``baudrate`` is the rate that the data will have."""

    acknowledgement: Acknowledgement
    baudrate: int
    at: float


@dataclass(frozen=True, slots=True)
class FellBack:
    """Nobody acknowledged: the readout at the initial rate begins."""

    at: float


@dataclass(frozen=True, slots=True)
class Answered:
    """A data message has left. ``block`` is its data as sent, all partial blocks together."""

    block: bytes
    started: float
    at: float


@dataclass(frozen=True, slots=True)
class BreakHeard:
    """The reading device signed off."""

    at: float


@dataclass(frozen=True, slots=True)
class Ignored:
    """Bytes that this meter does not answer, and why."""

    raw: bytes
    reason: str
    at: float


MeterEvent = Woken | RequestHeard | Acknowledged | FellBack | Answered | BreakHeard | Ignored | ProgrammingEvent
