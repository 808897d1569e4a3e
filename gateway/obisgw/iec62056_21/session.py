"""The reading device's end of one readout: sign-on, speed, data, checks (IEC 62056-21 clause 6.4, modes A to C).

One session is one attempt with one `LinePlan`. It ends with `Received` or `Failed`; what to try next is `ladder`'s.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import assert_never

from . import timing
from .block_check import BlockCheck, BlockCheckKind
from .characters import SOH, CharacterFormat, add_parity
from .dialects import Dialects
from .events import Action, EchoSeen, Event, Failed, Failure, Identified, Received, Rejected, Send, SetLine
from .framing import MAX_MESSAGE, Block, BlockReceiver, Parity, telegram_of
from .identification import Identification, Mode, rate_of
from .messages import ACK_MESSAGE, NAK_MESSAGE, WAKE_UP, Acknowledgement, break_message, request
from .plan import LinePlan
from .push import PushSession
from .settings import SessionSettings
from .signon import SignOnReader
from .telegram import Telegram

__all__ = ["PushSession", "ReadoutSession", "SessionSettings", "State"]

MAX_REPEATS = 1
"""A readout's block check error is answered by one NAK; many meters ignore it, and a new sign-on is the safer way."""

MAX_SAMPLE = 256
MAX_NOISE = 512
MANY_AT_300 = 5
"""One character at 300 Bd shows as up to so many at a higher rate."""


class State(Enum):
    """Where a readout stands."""

    START = auto()
    BREAK = auto()
    QUIET = auto()
    WAKE_UP = auto()
    WAKE_PAUSE = auto()
    REQUEST = auto()
    IDENTIFICATION = auto()
    REACTION = auto()
    ACKNOWLEDGE = auto()
    SWITCH = auto()
    FIRST_DATA = auto()
    DATA = auto()
    REPLY = auto()
    REPLIED = auto()
    FINISHED = auto()


class ReadoutSession:
    """One attempt at a readout. The face is described in docs/architecture.md."""

    def __init__(self, settings: SessionSettings, plan: LinePlan, dialects: Dialects) -> None:
        self.settings = settings
        self.plan = plan
        self.identification: Identification | None = None
        self.baudrate: int | None = None
        self.received = 0
        self.sample = b""
        """The first raw characters of this attempt, for whoever has to explain a failure."""
        self._dialects = dialects
        self._dialect = settings.dialect or dialects.match(None)
        self._parity = Parity.UNKNOWN if settings.format.software_parity else Parity.ABSENT
        self._state = State.START
        self._deadline: float | None = 0.0
        self._awaiting_sent = False
        self._signon = SignOnReader(b"", self._parity, software_parity=settings.format.software_parity)
        self._receiver = self._new_receiver()
        self._blocks: list[Block] = []
        self._reply = b""
        self._repeats = 0
        self._fell_back = False
        self._noise_since: float | None = None
        self._data_since: float | None = None
        self._last_byte = 0.0
        self._give_up = 0.0
        self._events: list[Event] = []

    # --- the face

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen."""
        return self._state is State.FINISHED

    @property
    def deadline(self) -> float | None:
        """The next moment to call ``actions``; None while a ``Send`` is under way and after the end."""
        return None if self._awaiting_sent else self._deadline

    @property
    def wanted(self) -> int:
        """Characters that must still come before anything can be decided."""
        if self._state is State.DATA and self.settings.expected_size is not None and not self._blocks:
            return max(1, self.settings.expected_size - self._receiver.size)
        return 1

    def events(self) -> list[Event]:
        """Return what happened since the last call, in order."""
        events, self._events = self._events, []
        return events

    def actions(self, now: float) -> list[Action]:
        """Return what to do now, in order; at most one `Send`, and it comes last."""
        actions: list[Action] = []
        while not self._awaiting_sent and self._deadline is not None and now >= self._deadline:
            action = self._step(now)
            if action is not None:
                actions.append(action)
        return actions

    def sent(self, now: float) -> None:
        """Tell that the last bit of the last `Send` left the line at ``now``."""
        if not self._awaiting_sent:
            message = f"nothing was being sent in state {self._state.name}"
            raise RuntimeError(message)
        self._awaiting_sent = False
        match self._state:
            case State.BREAK:
                self._last_byte = now
                self._give_up = now + 600.0
                self._enter(State.QUIET, now + timing.BREAK_PAUSE)
            case State.WAKE_UP:
                self._enter(State.WAKE_PAUSE, now + timing.WAKE_UP_PAUSE)
            case State.REQUEST:
                self._enter(State.IDENTIFICATION, now + timing.IDENTIFICATION_MAX + self.settings.latency)
            case State.ACKNOWLEDGE:
                self._after_acknowledgement(now)
            case State.REPLY:
                self._receiver = self._new_receiver()
                self._enter(State.REPLIED, now + timing.REACTION_MAX + self.settings.latency)
            case _:
                message = f"nothing is sent in state {self._state.name}"
                raise AssertionError(message)

    def receive(self, data: bytes, now: float) -> None:
        """Take raw characters that arrived by ``now``."""
        if not data or self._state is State.FINISHED:
            return
        self.received += len(data)
        self.sample += data[: MAX_SAMPLE - len(self.sample)]
        self._last_byte = now
        match self._state:
            case State.IDENTIFICATION | State.REQUEST:
                self._receive_identification(data, now)
            case State.FIRST_DATA | State.DATA | State.REPLIED:
                self._receive_data(data, now)
            case State.REACTION:
                self._receive_unasked(data, now)
            case State.QUIET:
                # A meter that is still sending must end before it can hear anything.
                self._deadline = max(self._deadline or 0.0, min(now + timing.CHARACTER_GAP, self._give_up))
            case _:
                # Echo of the acknowledgement, or noise before it: nothing that a meter sends belongs here.
                pass

    def abort(self) -> bytes | None:
        """End now; return the break to send at the present rate, None where the meter has no session to leave."""
        signed_on = self.identification is not None and not self.finished
        self._finish()
        return self._encode(break_message(self._block_check)) if signed_on and not self._dialect.battery else None

    # --- sending

    def _step(self, now: float) -> Action | None:  # noqa: C901 one branch a state
        match self._state:
            case State.START:
                self.baudrate = self.plan.start_baudrate
                self._enter(State.BREAK if self.plan.break_first else State.WAKE_UP, now)
                return SetLine(self.plan.start_baudrate)
            case State.BREAK:
                return self._send(break_message(self._block_check))
            case State.QUIET:
                self._enter(State.WAKE_UP, now)
            case State.WAKE_UP:
                if self.plan.wake_up or self.settings.wake_up or self._dialect.wake_up:
                    return self._send(WAKE_UP)
                self._enter(State.REQUEST, now)
            case State.WAKE_PAUSE:
                self._enter(State.REQUEST, now)
            case State.REQUEST:
                message = request(
                    self.settings.address,
                    command=self._dialect.command,
                    bang=self._dialect.bang,
                    line_end=self._dialect.line_end,
                )
                self._signon = SignOnReader(message, self._parity, software_parity=self.settings.format.software_parity)
                self._enter(State.REQUEST, now)
                return self._send(message)
            case State.IDENTIFICATION:
                self._fail_sign_on(now)
            case State.REACTION:
                self._enter(State.ACKNOWLEDGE, now)
            case State.ACKNOWLEDGE:
                return self._send(Acknowledgement(baud_char=self._asked_baud_char).encode())
            case State.SWITCH:
                return self._switch(self._data_rate, now)
            case State.FIRST_DATA:
                return self._first_data_missing(now)
            case State.DATA | State.REPLIED:
                self._line_went_quiet(now)
            case State.REPLY:
                return self._send(self._reply)
            case State.FINISHED:
                self._deadline = None
            case _ as unreachable:
                assert_never(unreachable)
        return None

    def _enter(self, state: State, deadline: float | None) -> None:
        self._state = state
        self._deadline = deadline

    def _send(self, message: bytes) -> Send:
        self._awaiting_sent = True
        return Send(self._encode(message))

    def _encode(self, message: bytes) -> bytes:
        return message if self.settings.format is CharacterFormat.HARDWARE else add_parity(message)

    def _switch(self, baudrate: int, now: float) -> SetLine:
        self.baudrate = baudrate
        self._first_data(now, timing.FIRST_DATA_MAX)
        return SetLine(baudrate)

    # --- sign-on

    @property
    def switch_margin(self) -> float:
        """Seconds from the acknowledgement's last bit to the change of speed in this attempt."""
        if self.plan.switch_margin is not None:
            return self.plan.switch_margin
        fast = self.identification is not None and self.identification.fast_reaction
        return timing.SWITCH_MARGIN_FAST if fast else timing.SWITCH_MARGIN

    def _receive_identification(self, data: bytes, now: float) -> None:
        result = self._signon.feed(data)
        if self._signon.echo:
            self._events.append(EchoSeen(self._signon.echo))
            self._signon.echo = 0
        self._parity = self._signon.parity if self.settings.format.software_parity else Parity.ABSENT
        if result is not None:
            self._identified(result, now)
        elif self._signon.direct_data is not None:
            self._receiver = self._new_receiver()
            self._enter(State.FIRST_DATA, now + timing.CHARACTER_GAP + self.settings.latency)
            self._receive_data(self._signon.direct_data, now)
        elif self._signon.session_open:
            self._fail(Failure.SESSION_OPEN, "the meter answered with a break: it still held an earlier session", now)
        elif self._signon.overflow:
            self._fail(Failure.GARBAGE, "characters came without end, but no identification", now)
        elif self._state is State.IDENTIFICATION and self._signon.started:
            self._deadline = now + timing.CHARACTER_GAP + self.settings.latency

    def _identified(self, identification: Identification, now: float) -> None:
        self.identification = identification
        self._events.append(Identified(identification, now))
        if self.settings.dialect is None:
            self._dialect = self._dialects.match(identification)
        self._receiver = self._new_receiver()
        mode = self._dialect.mode or identification.mode
        if mode is Mode.B:
            self._enter(State.SWITCH, now)
        elif mode in {Mode.C, Mode.E} and self.plan.acknowledge and self._dialect.acknowledge:
            minimum = timing.REACTION_MIN_FAST if identification.fast_reaction else timing.REACTION_MIN
            self._enter(State.REACTION, now + (self.plan.acknowledgement_delay or minimum))
        else:
            self._first_data(now, timing.FALLBACK_MAX)
        if self._signon.rest and mode is not Mode.B:
            self._receive_unasked(self._signon.rest, now)

    def _first_data(self, now: float, patience: float) -> None:
        self._receiver = self._new_receiver()
        self._noise_since = None
        self._enter(State.FIRST_DATA, now + patience + self.settings.latency)

    def _fail_sign_on(self, now: float) -> None:
        failure, detail = self._signon.explain()
        self._fail(failure, detail, now)

    @property
    def _asked_baud_char(self) -> str:
        announced = self.identification.baud_char if self.identification else "0"
        return self.plan.baud_char or self._dialect.baud_char or announced

    @property
    def _data_rate(self) -> int:
        if self.plan.data_baudrate is not None:
            return self.plan.data_baudrate
        if self._dialect.data_baudrate is not None:
            return self._dialect.data_baudrate
        if self.identification is None:
            return self.plan.start_baudrate
        if self.identification.mode is Mode.B:
            return self.identification.baudrate
        return rate_of(self._asked_baud_char)

    def _after_acknowledgement(self, now: float) -> None:
        if self._data_rate == self.baudrate:
            self._first_data(now, timing.FALLBACK_MAX)
        else:
            self._enter(State.SWITCH, now + self.switch_margin)

    # --- data

    def _receive_data(self, data: bytes, now: float) -> None:
        if self._data_since is None:
            self._data_since = now
        self._receiver.feed(data)
        gap = timing.CHARACTER_GAP + self.settings.latency
        if self._receiver.block is not None:
            self._block_arrived(self._receiver.block, now)
        elif self._receiver.inside:
            if self._state is not State.DATA:
                self._enter(State.DATA, None)
            if self._receiver.marked and not self._check_required:
                gap = timing.END_GAP + self.settings.latency
            self._deadline = now + gap
            if self._receiver.size > MAX_MESSAGE:
                self._fail(Failure.TOO_LONG, f"{MAX_MESSAGE} characters came without an end of the data", now)
        elif self._receiver.clean[-4:].startswith(bytes((SOH,)) + b"B0"):
            self._fail(Failure.REFUSED, "the meter ended the session instead of sending data", now)
        else:
            self._judge_noise(now)

    def _receive_unasked(self, data: bytes, now: float) -> None:
        """Take what follows the identification at once: data of a meter that waits for no acknowledgement, or nothing."""
        self._receiver.feed(data)
        if self._receiver.started or self._state is State.FIRST_DATA:
            self._receive_data(b"", now)

    def _judge_noise(self, now: float) -> None:
        """Tell a burst of noise from characters at another speed, where nothing so far begins a message."""
        noise = self._receiver
        if not noise.unreadable:
            if noise.size > MAX_NOISE:
                self._fail(Failure.GARBAGE, f"{noise.size} characters came after the sign-on, but no data", now)
            return
        if self._noise_since is None:
            self._noise_since = now
        lasted = now - self._noise_since
        if lasted < timing.SLOW_EVIDENCE:
            return
        if self.baudrate != timing.INITIAL_BAUDRATE and noise.size <= MANY_AT_300 * (lasted * 30 + 2):
            detail = f"unreadable characters at {self.baudrate} Bd, as slow as those of a meter that stayed at 300 Bd"
            self._fail(Failure.STAYED_SLOW, detail, now)
        elif noise.size > MAX_NOISE:
            self._fail(Failure.GARBAGE, f"unreadable characters at {self.baudrate} Bd", now)

    def _first_data_missing(self, now: float) -> SetLine | None:
        if self._receiver.size:
            self._fail(Failure.GARBAGE, f"{self._receiver.size} characters came after the sign-on, but no data", now)
        elif self.baudrate != timing.INITIAL_BAUDRATE:
            # Late fall-back: a meter that ignored the acknowledgement may only now begin at 300 Bd.
            self._fell_back = True
            return self._switch(timing.INITIAL_BAUDRATE, now)
        else:
            self._fail(Failure.NO_DATA, "the meter identified itself and then sent nothing", now)
        return None

    @property
    def _check_required(self) -> bool:
        if self._receiver.inside and not self._receiver.started and self._mode in {Mode.A, Mode.D}:
            return False
        return self._dialect.block_check_required

    @property
    def _mode(self) -> Mode:
        if self._dialect.mode is not None:
            return self._dialect.mode
        return self.identification.mode if self.identification else Mode.A

    def _line_went_quiet(self, now: float) -> None:
        if self._state is State.REPLIED and not self._receiver.inside:
            self._fail(Failure.BAD_CHECK, "the block check was wrong and the meter did not repeat its message", now)
            return
        block = self._receiver.close()
        if block is None:
            self._fail(Failure.NO_DATA, "no data came", now)
        elif not block.marked:
            self._cut(block, "the data stopped before their end mark", now)
        elif block.check is BlockCheck.BAD or self._check_required:
            self._cut(block, "the data came without their block check", now)
        else:
            self._blocks.append(block)
            self._complete()

    def _block_arrived(self, block: Block, now: float) -> None:
        empty = b"(" not in block.text and not self._blocks
        if block.check is not BlockCheck.OK or block.parity_errors or empty:
            self._events.append(Rejected(self._telegram([block], complete=True), Failure.BAD_CHECK, now))
            if self._repeats < MAX_REPEATS and not self._dialect.battery:
                self._repeats += 1
                self._answer(NAK_MESSAGE, now)
            else:
                self._fail(Failure.BAD_CHECK, "the block check or the parity of characters was wrong", now)
            return
        self._blocks.append(block)
        if sum(len(block.text) for block in self._blocks) > MAX_MESSAGE:
            self._fail(Failure.TOO_LONG, f"{MAX_MESSAGE} characters came without an end of the data", now)
        elif block.partial:
            self._repeats = 0
            self._answer(ACK_MESSAGE, now)
        else:
            self._complete()

    def _answer(self, message: bytes, now: float) -> None:
        self._reply = message
        fast = self.identification is not None and self.identification.fast_reaction
        self._enter(State.REPLY, now + (timing.REACTION_MIN_FAST if fast else timing.REACTION_MIN))

    def _complete(self) -> None:
        started = self._data_since if self._data_since is not None else self._last_byte
        self._events.append(Received(self._telegram(self._blocks, complete=True), started, self._last_byte))
        self._finish()

    def _cut(self, block: Block, detail: str, now: float) -> None:
        failure = Failure.CUT
        if self._fell_back:
            failure = Failure.STAYED_SLOW
            detail = "the meter sent at 300 Bd although another speed was agreed, and its first characters were lost"
        self._events.append(Rejected(self._telegram([*self._blocks, block], complete=False), failure, now))
        self._fail(failure, detail, now)

    def _telegram(self, blocks: list[Block], *, complete: bool) -> Telegram:
        return telegram_of(self.identification, self._mode, blocks, complete=complete)

    # --- ends

    @property
    def _block_check(self) -> BlockCheckKind:
        return self._dialect.block_checks[0] if self._dialect.block_checks else BlockCheckKind.XOR

    def _new_receiver(self) -> BlockReceiver:
        return BlockReceiver(
            self._dialect.block_checks,
            software_parity=self.settings.format.software_parity,
            parity=self._parity,
        )

    def _fail(self, failure: Failure, detail: str, now: float) -> None:
        self._events.append(Failed(failure, detail, now))
        self._finish()

    def _finish(self) -> None:
        self._awaiting_sent = False
        self._enter(State.FINISHED, None)
