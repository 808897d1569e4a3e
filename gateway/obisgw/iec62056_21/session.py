"""The reading device's end of one readout: what comes behind the sign-on (IEC 62056-21 clause 6.4, modes A to C).

One session is one attempt with one `LinePlan`. It ends with `Received` or `Failed`; what to try next is `ladder`'s.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import assert_never

from . import timing
from .asking import AskingSession
from .data_phase import Complete, DataPhase, Hopeless, Outcome, Reply, Waiting
from .dialects import Dialects
from .events import Action, Failure, Received, Rejected
from .plan import LinePlan
from .push import PushSession
from .settings import SessionSettings

__all__ = ["PushSession", "ReadoutSession", "SessionSettings", "State"]


class State(Enum):
    """Where a readout stands behind its sign-on."""

    FIRST_DATA = auto()
    DATA = auto()
    REPLY = auto()
    REPLIED = auto()


class ReadoutSession(AskingSession):
    """One attempt at a readout."""

    def __init__(self, settings: SessionSettings, plan: LinePlan, dialects: Dialects) -> None:
        super().__init__(settings, plan, dialects)
        self._reply = b""
        self._fell_back = False
        self._data_since: float | None = None
        self._data = self._new_data_phase()

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

    def _was_sent(self, now: float) -> None:
        if self._state is not State.REPLY:
            message = f"nothing is sent in state {self._state.name}"
            raise AssertionError(message)
        self._data.answered()
        self._enter(State.REPLIED, now + timing.REACTION_MAX + self.settings.latency)

    def _proceed(self, now: float) -> Action | None:
        if self._state is State.REPLY:
            return self._send(self._reply)
        return self._went_quiet(now)

    def _begin(self, now: float, patience: float) -> None:
        self._data = self._new_data_phase()
        self._enter(State.FIRST_DATA, now + patience + self.settings.latency)

    def _take(self, data: bytes, now: float) -> None:
        if self._state is State.REPLY:
            return  # Echo of the reply, or noise.
        if self._data_since is None:
            self._data_since = now
        self._follow(self._data.receive(data, now), now)

    def _receive_direct(self, data: bytes, now: float) -> None:
        self._begin(now, timing.CHARACTER_GAP)
        self._take(data, now)

    def _receive_unasked(self, data: bytes, now: float) -> None:
        """Take what follows the identification at once: data of a meter that waits for no acknowledgement, or nothing."""
        outcome = self._data.receive(data, now)
        if self._data.begun_with_stx or self._state is State.FIRST_DATA:
            self._data_since = now
            self._follow(outcome, now)

    def _went_quiet(self, now: float) -> Action | None:
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

    def _met(self) -> None:
        self._data = self._new_data_phase()

    def _new_data_phase(self) -> DataPhase:
        return DataPhase(
            self._dialect,
            self.identification,
            software_parity=self.settings.format.software_parity,
            parity=self._parity,
            baudrate=self.baudrate or timing.INITIAL_BAUDRATE,
            fell_back=self._fell_back,
        )
