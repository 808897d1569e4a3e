"""The reading device's end of one readout: sign-on, speed, data, checks (IEC 62056-21 clause 6.4, modes A to C).

One session is one attempt with one `LinePlan`. It ends with `Received` or `Failed`; what to try next is `ladder`'s.
"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum, auto
from typing import assert_never

from . import timing
from .block_check import BlockCheckKind
from .characters import CharacterFormat, add_parity
from .data_phase import Complete, DataPhase, Hopeless, Outcome, Reply, Waiting
from .dialects import Dialects
from .events import Action, EchoSeen, Event, Failed, Failure, Identified, Received, Rejected, Send, SetLine
from .framing import Parity
from .identification import MODE_B_RATES, Identification, Mode, rate_of
from .messages import Acknowledgement, break_message, request, wake_up
from .overheard import Overheard
from .plan import LinePlan
from .push import PushSession
from .settings import SessionSettings
from .signon import SignOnReader

__all__ = ["PushSession", "ReadoutSession", "SessionSettings", "State"]

MAX_SAMPLE = 256


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
        self._reply = b""
        self._fell_back = False
        self._data_since: float | None = None
        self._last_byte = 0.0
        self._give_up = 0.0
        self._overheard = Overheard(0.0, software_parity=False)
        self._events: list[Event] = []
        self._data = self._new_data_phase()

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
        if self._state is State.DATA and self.settings.expected_size is not None and self._data.size:
            return max(1, self.settings.expected_size - self._data.size)
        return 1

    @property
    def least(self) -> int:
        """Characters that must still come by the data's grammar before they can end; 0 where nothing is known."""
        return self._data.least if self._state is State.DATA else 0

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
                self._overheard = Overheard(now, software_parity=self.settings.format.software_parity)
                self._give_up = now + 600.0
                self._enter(State.QUIET, now + timing.BREAK_PAUSE)
            case State.WAKE_UP:
                self._enter(State.WAKE_PAUSE, now + timing.WAKE_UP_PAUSE)
            case State.REQUEST:
                self._enter(State.IDENTIFICATION, now + timing.IDENTIFICATION_MAX + self.settings.latency)
            case State.ACKNOWLEDGE:
                self._after_acknowledgement(now)
            case State.REPLY:
                self._data.answered()
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
                # Blank lines behind the identification: the reaction time begins when the meter has ended.
                reaction = self.plan.acknowledgement_delay or self._reaction_min
                self._deadline = max(self._deadline or 0.0, min(now + reaction, self._give_up))
                self._receive_unasked(data, now)
            case State.QUIET:
                # A meter that is still sending must end before it can hear anything.
                patience = 0.0 if self._overheard.endless(data, now) else timing.CHARACTER_GAP
                self._deadline = max(self._deadline or 0.0, min(now + patience, self._give_up))
            case _:
                # Echo of the acknowledgement, or noise before it: nothing that a meter sends belongs here.
                pass

    def abort(self) -> bytes | None:
        """End now; return the break to send at the present rate, None where the meter has no session to leave."""
        # A meter that was asked goes on by itself: without acknowledgement it sends all its data at 300 Bd.
        asked = self._state is State.IDENTIFICATION or (self._state is State.REQUEST and self._awaiting_sent)
        signed_on = (asked or self.identification is not None) and not self.finished
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
                    return self._send(wake_up(self.plan.start_baudrate, self.settings.bits))
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
            case State.FIRST_DATA | State.DATA | State.REPLIED:
                return self._went_quiet(now)
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
        elif self._signon.direct_data is not None and not self._direct_data_expected:
            self._fail(Failure.SESSION_OPEN, "data came without an identification, as of an earlier request", now)
        elif self._signon.direct_data is not None:
            self._first_data(now, timing.CHARACTER_GAP)
            self._receive_data(self._signon.direct_data, now)
        elif self._signon.session_open:
            self._fail(Failure.SESSION_OPEN, "the meter answered with a break: it still held an earlier session", now)
        elif self._signon.overflow:
            self._fail_sign_on(now)
        elif self._state is State.IDENTIFICATION and self._signon.started:
            self._deadline = now + timing.CHARACTER_GAP + self.settings.latency

    @property
    def _direct_data_expected(self) -> bool:
        """Whether data without an identification are an answer to this request.

        Else they belong to one that was given up: a mode C meter goes on at 300 Bd. Behind a break they are believed.
        """
        dialect = self._dialect
        return dialect.direct_data or dialect.command != "?" or dialect.battery or self.plan.break_first

    def _identified(self, identification: Identification, now: float) -> None:
        self.identification = identification
        self._events.append(Identified(identification, now))
        if self.settings.dialect is None:
            self._dialect = self._dialects.match(identification)
        if self.settings.mode is not None:
            self._dialect = replace(self._dialect, mode=self.settings.mode)
        self._data = self._new_data_phase()
        mode = self._dialect.mode or identification.mode
        if mode is Mode.B:
            self._enter(State.SWITCH, now)
        elif mode in {Mode.C, Mode.E} and self.plan.acknowledge and self._dialect.acknowledge:
            self._give_up = now + timing.LATEST_ACKNOWLEDGEMENT
            self._enter(State.REACTION, now + (self.plan.acknowledgement_delay or self._reaction_min))
        else:
            self._first_data(now, timing.FALLBACK_MAX)
        if self._signon.rest and mode is not Mode.B:
            self._receive_unasked(self._signon.rest, now)

    def _fail_sign_on(self, now: float) -> None:
        failure, detail = self._signon.explain()
        if failure is Failure.GARBAGE and self._overheard.is_endless:
            failure, detail = Failure.UNASKED, "characters come all the time, whether asked for or not"
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
        if self._dialect.mode is Mode.B or self.identification.baud_char in MODE_B_RATES:
            return self.identification.baudrate
        return rate_of(self._asked_baud_char)

    def _after_acknowledgement(self, now: float) -> None:
        if self._data_rate == self.baudrate:
            self._first_data(now, timing.FALLBACK_MAX)
        else:
            self._enter(State.SWITCH, now + self.switch_margin)

    # --- data

    def _first_data(self, now: float, patience: float) -> None:
        self._data = self._new_data_phase()
        self._enter(State.FIRST_DATA, now + patience + self.settings.latency)

    def _receive_data(self, data: bytes, now: float) -> None:
        if self._data_since is None:
            self._data_since = now
        self._follow(self._data.receive(data, now), now)

    def _receive_unasked(self, data: bytes, now: float) -> None:
        """Take what follows the identification at once: data of a meter that waits for no acknowledgement, or nothing."""
        outcome = self._data.receive(data, now)
        if self._data.begun_with_stx or self._state is State.FIRST_DATA:
            self._data_since = now
            self._follow(outcome, now)

    def _went_quiet(self, now: float) -> SetLine | None:
        outcome = self._data.quiet()
        nothing = isinstance(outcome, Hopeless) and outcome.failure is Failure.NO_DATA
        if nothing and self.baudrate != timing.INITIAL_BAUDRATE:
            # Late fall-back: a meter that ignored the acknowledgement may only now begin at 300 Bd.
            self._fell_back = True
            return self._switch(timing.INITIAL_BAUDRATE, now)
        self._follow(outcome, now)
        return None

    def _follow(self, outcome: Outcome, now: float) -> None:
        for telegram, failure in self._data.rejected:
            self._events.append(Rejected(telegram, failure, now))
        self._data.rejected.clear()
        match outcome:
            case Waiting.FOR_DATA:
                pass
            case Waiting.FOR_MORE:
                self._enter(State.DATA, now + timing.CHARACTER_GAP + self.settings.latency)
            case Waiting.FOR_NOTHING:
                self._enter(State.DATA, now + timing.END_GAP + self.settings.latency)
            case Reply(message):
                self._reply = message
                self._enter(State.REPLY, now + self._reaction_min)
            case Complete(telegram):
                started = self._last_byte if self._data_since is None else self._data_since
                self._events.append(Received(telegram, started, self._last_byte))
                self._finish()
            case Hopeless(failure, detail):
                self._fail(failure, detail, now)
            case _ as unreachable:
                assert_never(unreachable)

    # --- ends

    @property
    def _block_check(self) -> BlockCheckKind:
        return self._dialect.block_checks[0] if self._dialect.block_checks else BlockCheckKind.XOR

    @property
    def _reaction_min(self) -> float:
        fast = self.identification is not None and self.identification.fast_reaction
        return timing.REACTION_MIN_FAST if fast else timing.REACTION_MIN

    def _new_data_phase(self) -> DataPhase:
        return DataPhase(
            self._dialect,
            self.identification,
            software_parity=self.settings.format.software_parity,
            parity=self._parity,
            baudrate=self.baudrate or timing.INITIAL_BAUDRATE,
            fell_back=self._fell_back,
        )

    def _fail(self, failure: Failure, detail: str, now: float) -> None:
        self._events.append(Failed(failure, detail, now))
        self._finish()

    def _finish(self) -> None:
        self._awaiting_sent = False
        self._enter(State.FINISHED, None)
