"""What comes behind the sign-on: noise, a meter at another speed, blocks, repeats (IEC 62056-21 clause 6.4.3).

`DataPhase` takes characters and says what they amount to; sending, speeds and deadlines are the session's.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from . import timing
from .block_check import BlockCheck
from .characters import SOH
from .dialects import Dialect
from .events import Failure
from .framing import MAX_MESSAGE, Block, BlockReceiver, Parity, begins_with_code, telegram_of
from .identification import Identification, Mode
from .messages import ACK_MESSAGE, NAK_MESSAGE
from .telegram import Telegram

MAX_REPEATS = 1
"""A readout's block check error is answered by one NAK; many meters ignore it, and a new sign-on is the safer way."""

MAX_NOISE = 512
MANY_AT_300 = 5
"""One character at 300 Bd shows as up to so many at a higher rate."""

_SESSION_ENDED = bytes((SOH,)) + b"B0"


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer the block: ACK asks for the next, NAK for the same again."""

    message: bytes


@dataclass(frozen=True, slots=True)
class Complete:
    """A proved telegram."""

    telegram: Telegram


@dataclass(frozen=True, slots=True)
class Hopeless:
    """These data come to nothing."""

    failure: Failure
    detail: str


class Waiting(Enum):
    """More characters are needed."""

    FOR_DATA = auto()
    FOR_MORE = auto()
    FOR_NOTHING = auto()
    """The end mark came from a meter that need not send a block check; silence ends the message."""


Outcome = Reply | Complete | Hopeless | Waiting


class DataPhase:
    """The data of one readout at one speed. ``rejected`` holds the telegrams that may not be used, oldest first."""

    def __init__(
        self,
        dialect: Dialect,
        identification: Identification | None,
        *,
        software_parity: bool,
        parity: Parity,
        baudrate: int,
        fell_back: bool = False,
    ) -> None:
        self.rejected: list[tuple[Telegram, Failure]] = []
        self._dialect = dialect
        self._identification = identification
        self._software_parity = software_parity
        self._parity = parity
        self._baudrate = baudrate
        self._fell_back = fell_back
        self._receiver = self._new_receiver()
        self._blocks: list[Block] = []
        self._repeats = 0
        self._start_lost = False
        self._noise_since: float | None = None

    @property
    def begun(self) -> bool:
        """Whether the beginning of a message was seen since the last answer."""
        return self._receiver.inside

    @property
    def begun_with_stx(self) -> bool:
        """Whether that beginning was an STX."""
        return self._receiver.started

    @property
    def size(self) -> int:
        """Characters of the first message so far, 0 where others follow it."""
        return 0 if self._blocks else self._receiver.size

    @property
    def least(self) -> int:
        """Characters that must still come before the message can end; 0 where nothing is known."""
        return self._receiver.least

    def receive(self, data: bytes, now: float) -> Outcome:
        """Take raw characters and return what they amount to."""
        receiver = self._receiver
        receiver.feed(data)
        if receiver.block is not None:
            return self._judge_block(receiver.block)
        if receiver.size > MAX_MESSAGE:
            return self._endless()
        if receiver.overdue and self._check_required:
            return self._cut("the data came without their block check, and went on behind their end", receiver.close())
        if receiver.inside:
            ends_in_silence = receiver.marked and not self._check_required
            return Waiting.FOR_NOTHING if ends_in_silence else Waiting.FOR_MORE
        if _SESSION_ENDED in receiver.tail:
            return Hopeless(Failure.REFUSED, "the meter ended the session instead of sending data")
        return self._judge_noise(now)

    def answered(self) -> None:
        """Tell that the reply has left; the next message may come."""
        self._receiver = self._new_receiver()

    def quiet(self) -> Outcome:
        """Return what the characters amount to now that the line has gone quiet."""
        if not self.begun:
            return self._nothing_begun()
        block = self._receiver.close()
        if block is None or not block.marked:
            return self._cut("the data stopped before their end mark", block)
        if block.check is not BlockCheck.OK and (self._check_required or block.check is BlockCheck.BAD):
            return self._cut("the data came without their block check", block)
        if block.parity_errors:
            return self._cut("characters without a block check were damaged", block)
        self._blocks.append(block)
        return Complete(self._telegram(self._blocks, complete=True))

    def _new_receiver(self) -> BlockReceiver:
        return BlockReceiver(self._dialect.block_checks, software_parity=self._software_parity, parity=self._parity)

    def _judge_block(self, block: Block) -> Outcome:
        if self._identification is not None and self._receiver.named_otherwise(self._identification.raw):
            return Hopeless(Failure.GARBAGE, "another meter named itself in front of the data")
        empty = b"(" not in block.text and not self._blocks
        if empty and block.started and block.check is BlockCheck.OK and not block.text.strip(b"!\r\n "):
            return Hopeless(Failure.REFUSED, "the list that it sends is empty")
        beheaded = not block.started and (bool(self._blocks) or not begins_with_code(block.text))
        if block.check is not BlockCheck.OK or block.parity_errors or empty or beheaded:
            self.rejected.append((self._telegram([block], complete=True), Failure.BAD_CHECK))
            if self._repeats < MAX_REPEATS and not self._dialect.battery:
                self._repeats += 1
                self._start_lost = not block.started and not self._blocks
                return Reply(NAK_MESSAGE)
            if not block.started and not self._blocks:
                return self._beginning_missed()
            return Hopeless(Failure.BAD_CHECK, "the block check or the parity of characters was wrong")
        self._blocks.append(block)
        if sum(len(block.text) for block in self._blocks) > MAX_MESSAGE:
            return self._endless()
        if block.partial:
            self._repeats = 0
            return Reply(ACK_MESSAGE)
        return Complete(self._telegram(self._blocks, complete=True))

    def _judge_noise(self, now: float) -> Outcome:
        """Tell a burst of noise from characters at another speed, where nothing so far begins a message."""
        noise = self._receiver
        if not noise.unreadable:
            if noise.size > MAX_NOISE:
                return Hopeless(Failure.GARBAGE, f"{noise.size} characters came after the sign-on, but no data")
            return Waiting.FOR_DATA
        if self._noise_since is None:
            self._noise_since = now
        lasted = now - self._noise_since
        if lasted < timing.SLOW_EVIDENCE:
            return Waiting.FOR_DATA
        if self._baudrate != timing.INITIAL_BAUDRATE and noise.size <= MANY_AT_300 * (lasted * 30 + 2):
            speed = f"{self._baudrate} Bd"
            return Hopeless(Failure.STAYED_SLOW, f"unreadable at {speed}, and as slow as a meter that stayed at 300 Bd")
        if noise.size > MAX_NOISE:
            return Hopeless(Failure.GARBAGE, f"unreadable characters at {self._baudrate} Bd")
        return Waiting.FOR_DATA

    def _nothing_begun(self) -> Outcome:
        if self._start_lost:
            return self._beginning_missed()
        if self._repeats or self._blocks:
            return Hopeless(Failure.BAD_CHECK, "the meter did not repeat its message, or send the next")
        if self._receiver.size:
            return Hopeless(Failure.GARBAGE, f"{self._receiver.size} characters came after the sign-on, but no data")
        return Hopeless(Failure.NO_DATA, "the meter identified itself and then sent nothing")

    def _beginning_missed(self) -> Hopeless:
        return Hopeless(Failure.START_LOST, "the first characters of the data were missed")

    def _endless(self) -> Hopeless:
        return Hopeless(Failure.TOO_LONG, f"{MAX_MESSAGE} characters came without an end of the data")

    def _cut(self, detail: str, block: Block | None) -> Hopeless:
        failure = Failure.CUT
        if self._fell_back:
            failure = Failure.STAYED_SLOW
            detail = "the meter sent at 300 Bd although another speed was agreed, and its first characters were lost"
        blocks = [*self._blocks, block] if block is not None else self._blocks
        if blocks:
            self.rejected.append((self._telegram(blocks, complete=False), failure))
        return Hopeless(failure, detail)

    @property
    def _check_required(self) -> bool:
        # Data without sign-on have but their frame to prove that they are whole.
        framed = self._receiver.started and self._identification is None
        return self._dialect.block_check_required and (framed or self._mode not in {Mode.A, Mode.D})

    @property
    def _mode(self) -> Mode:
        if self._dialect.mode is not None:
            return self._dialect.mode
        return self._identification.mode if self._identification else Mode.A

    def _telegram(self, blocks: list[Block], *, complete: bool) -> Telegram:
        return telegram_of(self._identification, self._mode, blocks, complete=complete)
