"""What every session that asks a meter has in common: its face, and the sign-on (IEC 62056-21 clause 6.4.3).

The sign-on ends when the meter may send what it was asked for: data, or the first message of programming mode. From
there on the subclass knows the states, and this class only who may send when.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from enum import Enum, auto
from typing import assert_never

from . import timing
from .block_check import BlockCheckKind
from .characters import CharacterFormat, add_parity
from .dialects import Dialects
from .events import Action, EchoSeen, Event, Failed, Failure, Identified, Send, SetLine
from .framing import Parity
from .identification import MODE_B_RATES, Identification, Mode, rate_of
from .messages import Acknowledgement, break_message, request, wake_up
from .overheard import Overheard
from .plan import LinePlan
from .settings import SessionSettings
from .signon import SignOnReader

MAX_SAMPLE = 256


class SignOn(Enum):
    """Where the sign-on stands."""

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
    FINISHED = auto()


class AskingSession(ABC):
    """One attempt at asking a meter. The face is described in docs/architecture.md."""

    mode_control = "0"
    """Y of the acknowledgement: 0 asks for the readout, 1 for programming mode, 2 for HDLC."""

    protocol_control = "0"
    """V of the acknowledgement: 0 is the normal procedure, 2 that of HDLC."""

    def __init__(self, settings: SessionSettings, plan: LinePlan, dialects: Dialects) -> None:
        self.settings = settings
        self.plan = plan
        self.identification: Identification | None = None
        self.baudrate: int | None = None
        self.received = 0
        self.sample = b""
        """The first raw characters of this attempt, for whoever has to explain a failure."""
        self.acknowledged = False
        """Whether the meter was told what to do: it may be at another speed, or hold a session, from then on."""
        self._sampling = True
        self._dialects = dialects
        self._dialect = settings.dialect or dialects.match(None)
        self._parity = Parity.UNKNOWN if settings.format.software_parity else Parity.ABSENT
        self._state: Enum = SignOn.START
        self._deadline: float | None = 0.0
        self._awaiting_sent = False
        self._signon = SignOnReader(b"", self._parity, software_parity=settings.format.software_parity)
        self._last_byte = 0.0
        self._give_up = 0.0
        self._overheard = Overheard(0.0, software_parity=False)
        self._events: list[Event] = []

    # --- the face

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen."""
        return self._state is SignOn.FINISHED

    @property
    def deadline(self) -> float | None:
        """The next moment to call ``actions``; None while a ``Send`` is under way and after the end."""
        return None if self._awaiting_sent else self._deadline

    @property
    @abstractmethod
    def wanted(self) -> int:
        """Characters that must still come before anything can be decided."""

    @property
    @abstractmethod
    def least(self) -> int:
        """Characters that must still come by the data's grammar before they can end; 0 where nothing is known."""

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
            case SignOn.BREAK:
                self._last_byte = now
                self._overheard = Overheard(now, software_parity=self.settings.format.software_parity)
                self._give_up = now + 600.0
                self._enter(SignOn.QUIET, now + timing.BREAK_PAUSE)
            case SignOn.WAKE_UP:
                self._enter(SignOn.WAKE_PAUSE, now + timing.WAKE_UP_PAUSE)
            case SignOn.REQUEST:
                self._enter(SignOn.IDENTIFICATION, now + timing.IDENTIFICATION_MAX + self.settings.latency)
            case SignOn.ACKNOWLEDGE:
                self._after_acknowledgement(now)
            case _:
                self._was_sent(now)

    def receive(self, data: bytes, now: float) -> None:
        """Take raw characters that arrived by ``now``."""
        if not data or self._state is SignOn.FINISHED:
            return
        self.received += len(data)
        if self._sampling:
            self.sample += data[: MAX_SAMPLE - len(self.sample)]
        self._last_byte = now
        match self._state:
            case SignOn.IDENTIFICATION | SignOn.REQUEST:
                self._receive_identification(data, now)
            case SignOn.REACTION:
                # Blank lines behind the identification: the reaction time begins when the meter has ended.
                reaction = self.plan.acknowledgement_delay or self._reaction_min
                self._deadline = max(self._deadline or 0.0, min(now + reaction, self._give_up))
                self._receive_unasked(data, now)
            case SignOn.QUIET:
                # A meter that is still sending must end before it can hear anything.
                patience = 0.0 if self._overheard.endless(data, now) else timing.CHARACTER_GAP
                self._deadline = max(self._deadline or 0.0, min(now + patience, self._give_up))
            case SignOn():
                # Echo of the acknowledgement, or noise before it: nothing that a meter sends belongs here.
                pass
            case _:
                self._take(data, now)

    def abort(self) -> list[Action]:
        """End now; return the break to send at the meter's rate, nothing where it has no session to leave."""
        # A meter that was asked goes on by itself: without acknowledgement it sends all its data at 300 Bd.
        asked = self._state is SignOn.IDENTIFICATION or (self._state is SignOn.REQUEST and self._awaiting_sent)
        signed_on = (asked or self.identification is not None) and not self.finished and not self._dialect.battery
        switched = self._state not in {SignOn.ACKNOWLEDGE, SignOn.SWITCH}
        rate = self.baudrate if switched or not self.acknowledged else self._data_rate
        self._finish()
        if not signed_on:
            return []
        farewell = Send(self._encode(break_message(self._block_check)))
        return [farewell] if rate is None or rate == self.baudrate else [SetLine(rate), farewell]

    # --- what a subclass says

    @abstractmethod
    def _met(self) -> None:
        """Take note that identification and dialect are known."""

    @abstractmethod
    def _begin(self, now: float, patience: float) -> None:
        """Wait for what the meter sends after the sign-on, for so many seconds; the line has its rate."""

    @abstractmethod
    def _receive_unasked(self, data: bytes, now: float) -> None:
        """Take what follows the identification at once."""

    @abstractmethod
    def _receive_direct(self, data: bytes, now: float) -> None:
        """Take data of a meter that sends them without naming itself."""

    @abstractmethod
    def _take(self, data: bytes, now: float) -> None:
        """Take raw characters behind the sign-on."""

    @abstractmethod
    def _proceed(self, now: float) -> Action | None:
        """Do what is due behind the sign-on."""

    @abstractmethod
    def _was_sent(self, now: float) -> None:
        """Take note that what was sent behind the sign-on has left."""

    # --- sending

    def _step(self, now: float) -> Action | None:  # noqa: C901 - one branch a state
        if not isinstance(self._state, SignOn):
            return self._proceed(now)
        match self._state:
            case SignOn.START:
                self.baudrate = self.plan.start_baudrate
                self._enter(SignOn.BREAK if self.plan.break_first else SignOn.WAKE_UP, now)
                return SetLine(self.plan.start_baudrate)
            case SignOn.BREAK:
                return self._send(break_message(self._block_check))
            case SignOn.QUIET:
                self._enter(SignOn.WAKE_UP, now)
            case SignOn.WAKE_UP:
                if self.plan.wake_up or self.settings.wake_up or self._dialect.wake_up:
                    return self._send(wake_up(self.plan.start_baudrate, self.settings.bits))
                self._enter(SignOn.REQUEST, now)
            case SignOn.WAKE_PAUSE:
                self._enter(SignOn.REQUEST, now)
            case SignOn.REQUEST:
                return self._request(now)
            case SignOn.IDENTIFICATION:
                self._fail_sign_on(now)
            case SignOn.REACTION:
                self._enter(SignOn.ACKNOWLEDGE, now)
            case SignOn.ACKNOWLEDGE:
                self.acknowledged = True
                return self._send(self._acknowledgement.encode())
            case SignOn.SWITCH:
                return self._switch(self._data_rate, now)
            case SignOn.FINISHED:
                self._deadline = None
            case _ as unreachable:
                assert_never(unreachable)
        return None

    def _request(self, now: float) -> Action | None:
        message = request(
            self.settings.address,
            command=self._dialect.command,
            bang=self._dialect.bang,
            line_end=self._dialect.line_end,
        )
        self._signon = SignOnReader(message, self._parity, software_parity=self.settings.format.software_parity)
        self._enter(SignOn.REQUEST, now)
        return self._send(message)

    def _enter(self, state: Enum, deadline: float | None) -> None:
        self._state = state
        self._deadline = deadline

    def _send(self, message: bytes) -> Send:
        self._awaiting_sent = True
        return Send(self._encode(message))

    def _encode(self, message: bytes) -> bytes:
        return message if self.settings.format is CharacterFormat.HARDWARE else add_parity(message)

    def _switch(self, baudrate: int, now: float) -> SetLine:
        self.baudrate = baudrate
        self._begin(now, timing.FIRST_DATA_MAX)
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
            self._fail(Failure.GARBAGE, "data came without an identification, as of an earlier request", now)
        elif self._signon.direct_data is not None:
            self._receive_direct(self._signon.direct_data, now)
        elif self._signon.session_open:
            self._fail(Failure.SESSION_OPEN, "the meter answered with a break: it still held an earlier session", now)
        elif self._signon.overflow:
            self._fail_sign_on(now)
        elif self._state is SignOn.IDENTIFICATION and self._signon.started:
            self._deadline = now + timing.CHARACTER_GAP + self.settings.latency

    @property
    def _direct_data_expected(self) -> bool:
        """Whether data without an identification are an answer to this request.

        Else they belong to one that was given up: a mode C meter goes on at 300 Bd. Behind a break they are believed.
        """
        dialect = self._dialect
        return dialect.direct_data or dialect.command != "?" or dialect.battery or self.plan.break_first

    def _fail_sign_on(self, now: float) -> None:
        failure, detail = self._signon.explain()
        self._fail(failure, detail, now)

    def _identified(self, identification: Identification, now: float) -> None:
        self.identification = identification
        self._events.append(Identified(identification, now))
        if self.settings.dialect is None:
            self._dialect = self._dialects.match(identification)
        if self.settings.mode is not None:
            self._dialect = replace(self._dialect, mode=self.settings.mode)
        self._met()
        mode = self._mode
        if mode is Mode.B:
            self._enter(SignOn.SWITCH, now)
        elif mode in {Mode.C, Mode.E} and self.plan.acknowledge and self._dialect.acknowledge:
            self._give_up = now + timing.LATEST_ACKNOWLEDGEMENT
            self._enter(SignOn.REACTION, now + (self.plan.acknowledgement_delay or self._reaction_min))
        else:
            self._begin(now, timing.FALLBACK_MAX)
        if self._signon.rest and mode is not Mode.B:
            self._receive_unasked(self._signon.rest, now)

    @property
    def _mode(self) -> Mode:
        offered = Mode.A if self.identification is None else self.identification.mode
        return self._dialect.mode or offered

    @property
    def _asked_baud_char(self) -> str:
        announced = self.identification.baud_char if self.identification else "0"
        return self.plan.baud_char or self._dialect.baud_char or announced

    @property
    def _acknowledgement(self) -> Acknowledgement:
        return Acknowledgement(self.protocol_control, self._asked_baud_char, self.mode_control)

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
            self._begin(now, timing.FALLBACK_MAX)
        else:
            self._enter(SignOn.SWITCH, now + self.switch_margin)

    # --- ends

    @property
    def _block_check(self) -> BlockCheckKind:
        return self._dialect.block_checks[0] if self._dialect.block_checks else BlockCheckKind.XOR

    @property
    def _reaction_min(self) -> float:
        fast = self.identification is not None and self.identification.fast_reaction
        return timing.REACTION_MIN_FAST if fast else timing.REACTION_MIN

    def _fail(self, failure: Failure, detail: str, now: float) -> None:
        if failure in {Failure.GARBAGE, Failure.CUT} and self._overheard.is_endless:
            failure, detail = Failure.UNASKED, "characters come all the time, whether asked for or not"
        self._events.append(Failed(failure, detail, now))
        self._finish()

    def _finish(self) -> None:
        self._awaiting_sent = False
        self._enter(SignOn.FINISHED, None)
