"""Entering and leaving programming mode (IEC 62056-21 clause 6.4.3.3): P0, the password, the break.

A session that is left open makes the meter deaf until its own time-out, so every end but the meter's own is a break at
the meter's speed.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from . import timing
from .asking import AskingSession, SignOn
from .block_check import BlockCheck, BlockCheckKind
from .characters import ACK, NAK, without_parity
from .commands import ReadCommand, command_message
from .dialects import Dialects
from .events import Action, EchoSeen, Event, Failed, Failure, Received, SessionOpened, SetLine
from .framing import Block, telegram_of
from .identification import Mode
from .messages import NAK_MESSAGE, break_message
from .password import Password
from .plan import LinePlan
from .reception import Control, Reception
from .refusal import Refusal, RefusalKind, refusal_in
from .settings import SessionSettings

MAX_NAKS: Final = 2
"""Repeats of one message that are asked for by NAK."""

_HUNG_UP: Final = b"\x01B0"
_SOME_TEXT: Final = 24
"""At 300 Bd 0.8 s of a readout; a meter's P0 has fewer characters."""


class Stage(Enum):
    """Where a session stands behind its sign-on."""

    OPENING = auto()
    PASSWORD = auto()
    AUTHENTICATING = auto()
    READY = auto()
    ANSWERING = auto()
    REPLY = auto()
    FLUSHING = auto()
    FAREWELL = auto()


@dataclass(frozen=True, slots=True)
class Access:
    """How a session is used.

    ``password``: said after P0; None says none. ``command``: that this meter is known to understand. ``hasty``: ask
    sooner after an answer than the standard allows; given up by itself where the meter does not hear it.
    ``keep_alive``: repeat the last request where the meter would else end the session; otherwise it is closed then.
    """

    password: Password | None = None
    command: ReadCommand | None = None
    hasty: bool = False
    keep_alive: bool = False


class OpeningSession(AskingSession):
    """Opens programming mode and leaves it; what is done in between is the subclass's."""

    mode_control = "1"

    def __init__(
        self, settings: SessionSettings, plan: LinePlan, dialects: Dialects, access: Access | None = None
    ) -> None:
        super().__init__(settings, plan, dialects)
        self.access = access or Access()
        self.operand: str | None = None
        self.opened = False
        self.password_sent = False
        self.accepted: bool | None = None
        """Whether the meter acknowledged the password; None where none was said."""
        self._sent = b""
        self._naks = 0
        self._reply = b""
        self._replied = Stage.OPENING
        self._kind: BlockCheckKind | None = None
        self._active_at = 0.0
        self.operand_missed = False
        """The meter's first message was missed, and came when it was asked for again: the line changes speed too late."""
        self._fell_back = False
        self._hung_up = False
        self._ending: Event | None = None
        self._farewells: deque[SetLine | bytes] = deque()
        self._reception = self._listen(b"")

    @property
    def sessionless(self) -> bool:
        """Whether commands carry the request in front of them, and nothing is opened."""
        return self._dialect.programming.sessionless

    def abort(self) -> list[Action]:
        """End now; return the break to send at the meter's rate, nothing where it has no session to leave."""
        return [] if self._hung_up else super().abort()

    # --- what a subclass says

    @abstractmethod
    def _ready(self, now: float) -> None:
        """Take note that the session is open and nothing is under way."""

    @abstractmethod
    def _judge_answer(self, now: float) -> None:
        """See what came while the session is open."""

    # --- behind the sign-on

    def _step(self, now: float) -> Action | None:
        if self._state is SignOn.START and self.sessionless:
            self.baudrate = self.plan.start_baudrate
            self._open(now, accepted=None)
            return SetLine(self.plan.start_baudrate)
        return super()._step(now)

    def _met(self) -> None:
        pass

    def _begin(self, now: float, patience: float) -> None:
        if self._mode not in {Mode.C, Mode.E}:
            self._fail(Failure.NO_PROGRAMMING, f"the meter offers mode {self._mode.value}, not C", now)
        elif not self.acknowledged:
            self._fail(Failure.NO_PROGRAMMING, "programming mode cannot be asked for without acknowledgement", now)
        else:
            self._active_at = now
            message = self._acknowledgement.encode()
            self._reception = self._listen(b"" if self._fell_back else message)
            self._enter(Stage.OPENING, now + patience + self.settings.latency)

    def _receive_unasked(self, data: bytes, now: float) -> None:
        """Pass over what follows the identification unasked: it is no part of a session."""

    def _receive_direct(self, data: bytes, now: float) -> None:
        del data
        self._fail(Failure.NO_PROGRAMMING, "the meter sends its data without naming itself", now)

    def _take(self, data: bytes, now: float) -> None:
        if self._state is not Stage.READY:
            self._active_at = now
        match self._state:
            case Stage.FLUSHING:
                self._deadline = max(self._deadline or 0.0, min(now + timing.FLUSH, self._give_up))
            case Stage.OPENING | Stage.AUTHENTICATING:
                self._reception.feed(data)
                self._judge_opening(now)
            case Stage.READY | Stage.ANSWERING:
                self._reception.feed(data)
                self._judge_answer(now)
            case _:
                pass  # Echo of a reply or of the farewell.

    def _was_sent(self, now: float) -> None:
        self._active_at = now
        match self._state:
            case Stage.PASSWORD:
                self._enter(Stage.AUTHENTICATING, now + self._patience)
            case Stage.REPLY:
                self._enter(self._replied, now + self._patience)
            case Stage.ANSWERING:
                self._deadline = now + self._patience
            case Stage.FAREWELL if self._farewells:
                self._deadline = now
            case Stage.FAREWELL:
                if self._ending is not None:
                    self._events.append(self._ending)
                self._finish()
            case _:
                message = f"nothing is sent in state {self._state.name}"
                raise AssertionError(message)

    def _proceed(self, now: float) -> Action | None:
        match self._state:
            case Stage.PASSWORD:
                return self._send_message(self._sent)
            case Stage.REPLY:
                return self._send(self._reply)
            case Stage.FAREWELL:
                farewell = self._farewells.popleft()
                return farewell if isinstance(farewell, SetLine) else self._send(farewell)
            case Stage.OPENING:
                return self._nothing_opened(now)
            case Stage.AUTHENTICATING:
                self._take_sign(now)
            case _:
                message = f"nothing is due in state {self._state.name}"
                raise AssertionError(message)
        return None

    # --- opening

    def _judge_opening(self, now: float) -> None:  # noqa: C901 - one branch a case
        reception = self._reception
        message = self._heard()
        match message:
            case Control("B0"):
                refused = self._state is Stage.AUTHENTICATING
                failure = Failure.PASSWORD if refused else Failure.REFUSED
                self._fail(failure, "the meter ended the session", now)
            case Control(operand=operand, kind=kind) if self._state is Stage.OPENING:
                if kind is None:
                    self._ask_again("the meter's P0 came damaged", now)
                else:
                    self._kind = kind
                    self._opened(operand, now)
            case Control():
                self._reception = self._listen(self._sent)  # P0 again: the password has not come yet.
            case Block():
                self._take_block(message, now)
            case None if self._fell_back and reception.noise + reception.size > _SOME_TEXT:
                self._fail(Failure.STAYED_SLOW, "the meter ignored the acknowledgement and sends its readout", now)
            case None if reception.overflow:
                self._fail(Failure.GARBAGE, "characters came without end, but no P0", now)
            case None if reception.inside:
                self._deadline = now + timing.CHARACTER_GAP + self.settings.latency
            case None if reception.alone and self._state is Stage.AUTHENTICATING:
                self._take_sign(now)
            case None if reception.sign is not None:
                patience = timing.LATE_OPERAND if self._state is Stage.OPENING else timing.SETTLE
                self._deadline = now + patience
            case None:
                pass

    def _heard(self) -> Block | Control | None:
        """Return the message that has come, with notice taken of echo, parity and a break behind it."""
        reception = self._reception
        if reception.echo:
            self._events.append(EchoSeen(reception.echo))
            reception.echo = 0
        if reception.message is not None:
            self._parity = reception.parity
            ended = _HUNG_UP in without_parity(reception.rest[:16])
            self._hung_up = ended or (isinstance(reception.message, Control) and reception.message.command == "B0")
        return reception.message

    def _take_block(self, block: Block, now: float) -> None:
        """Take a data message in place of P0, or of the password's acknowledgement."""
        if block.check is not BlockCheck.OK or block.parity_errors:
            self._ask_again("what came in place of the meter's P0 was damaged", now)
            return
        refusal = self._refusal(block.text, "")
        if self._state is Stage.AUTHENTICATING:
            if refusal is None:
                self._open(now, accepted=True)
            else:
                self._fail(Failure.PASSWORD, str(refusal), now)
        elif refusal is not None:
            locked = refusal.kind in {RefusalKind.LOCKED, RefusalKind.ACCESS}
            self._fail(Failure.PASSWORD if locked else Failure.REFUSED, str(refusal), now)
        else:
            telegram = telegram_of(self.identification, self._mode, [block], complete=True)
            self._events.append(Received(telegram, now, now))
            self._fail(Failure.NO_PROGRAMMING, "the meter answered with a readout", now)

    def _ask_again(self, detail: str, now: float) -> None:
        if self._naks >= MAX_NAKS or self._state is Stage.AUTHENTICATING:
            self._fail(Failure.BAD_CHECK, detail, now)
            return
        self._naks += 1
        self._answer(NAK_MESSAGE, now)

    def _nothing_opened(self, now: float) -> Action | None:
        reception = self._reception
        if reception.sign == ACK:
            # AS1440 acknowledges, and other meters do; P0 need not come.
            self._opened(None, now)
        elif reception.sign == NAK:
            self._fail(Failure.REFUSED, "the meter did not understand the acknowledgement", now)
        elif reception.inside:
            self._fail(Failure.CUT, "the meter's P0 stopped in the middle", now)
        elif self._naks:
            self._fail(Failure.BAD_CHECK, "the meter's P0 came damaged and was not repeated", now)
        elif self._fell_back or self.baudrate == timing.INITIAL_BAUDRATE:
            heard = bool(reception.noise)
            failure = Failure.GARBAGE if heard else Failure.NO_DATA
            words = "unreadable characters came" if heard else "the meter identified itself and then sent nothing"
            self._fail(failure, words, now)
        elif not self.operand_missed:
            # A meter that answered sooner than the line could change its speed repeats its message.
            self.operand_missed = True
            self._answer(NAK_MESSAGE, now)
        else:
            # A meter that ignored the acknowledgement may only now begin its readout at 300 Bd.
            self._fell_back = True
            return self._switch(timing.INITIAL_BAUDRATE, now)
        return None

    def _opened(self, operand: str | None, now: float) -> None:
        """Say the password, now that the meter takes commands."""
        self.operand = operand
        self._naks = 0
        password = self.access.password
        if password is None:
            self._open(now, accepted=None)
            return
        said = password.answer(operand or "", self._dialect.programming.p2)
        if said is None:
            self._fail(Failure.UNKNOWN_ALGORITHM, "its P2 cannot be made here", now)
            return
        data = f"({said.reveal()})".encode("latin-1")
        self._sent = command_message(password.level.value, data, self._block_check)
        self._enter(Stage.PASSWORD, now + self._pause)

    def _take_sign(self, now: float) -> None:
        """Take what came as answer to the password: nothing but an acknowledgement accepts it."""
        sign = self._reception.sign
        if sign == ACK:
            self._open(now, accepted=True)
        elif sign is not None:
            word = "NAK" if sign == NAK else f"the character {sign:02X}"
            self._fail(Failure.PASSWORD, f"the meter answered it with {word}", now)
        elif self._reception.inside:
            self._fail(Failure.CUT, "the answer to the password stopped in the middle", now)
        else:
            # A password is not said twice: whether it was heard shows when something is asked for.
            self._open(now, accepted=False)

    def _open(self, now: float, *, accepted: bool | None) -> None:
        self.opened, self.accepted = True, accepted
        self._active_at = now
        self._sent = b""
        self._events.append(SessionOpened(self.operand, accepted, now))
        self._ready(now)

    # --- what all stages share

    @property
    def _patience(self) -> float:
        return timing.REACTION_MAX + self.settings.latency

    @property
    def _pause(self) -> float:
        """Seconds from the end of the meter's message to ours."""
        pause = self._dialect.programming.pause
        return self._reaction_min if pause is None else pause

    @property
    def _block_check(self) -> BlockCheckKind:
        return self._kind or super()._block_check

    def _listen(self, sent: bytes) -> Reception:
        software = self.settings.format.software_parity
        return Reception(sent, self._dialect.block_checks, self._parity, software_parity=software)

    def _send_message(self, message: bytes) -> Action:
        self._sent = message
        self._reception = self._listen(message)
        if self._state is Stage.PASSWORD:
            # From here on an echo holds the password.
            self.password_sent, self._sampling = True, False
        return self._send(message)

    def _answer(self, reply: bytes, now: float) -> None:
        """Answer the meter's message with ACK or NAK, and listen on in the present stage."""
        self._reply, self._replied = reply, self._stage
        self._reception = self._listen(self._sent)
        self._enter(Stage.REPLY, now + self._pause)

    @property
    def _stage(self) -> Stage:
        assert isinstance(self._state, Stage)  # noqa: S101 - asked only behind the sign-on
        return self._state

    def _refusal(self, text: bytes, address: str) -> Refusal | None:
        dialect = self._dialect
        return refusal_in(text, address, dialect.programming.errors, answers_named=dialect.answers_named)

    # --- leaving

    def _fail(self, failure: Failure, detail: str, now: float) -> None:
        if not self.acknowledged or self._hung_up:
            super()._fail(failure, detail, now)
        else:
            self._leave(Failed(failure, detail, now), now)

    def _leave(self, ending: Event, at: float) -> None:
        """Say the break at the meter's speed at the moment ``at``, then tell ``ending``."""
        self._ending = ending
        farewell = break_message(self._block_check)
        self._farewells = deque([farewell])
        if self._fell_back and self._data_rate != self.baudrate:
            # Nobody knows which of the two speeds the meter has.
            self._farewells.extend((SetLine(self._data_rate), farewell))
        self._enter(Stage.FAREWELL, at)
