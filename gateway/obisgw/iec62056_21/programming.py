"""The reading device's end of programming mode (IEC 62056-21 clause 6.4.3.3): one session, any number of requests.

Requests wait in a queue; the owner may add to it at any time while the session is open. Each ends with one of
`AnswerReceived`, `RequestRefused` and `RequestFailed`, unless the session ends before: with ``SessionClosed``, or with
``Failed`` where the meter hung up or is heard no more.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from . import timing
from .block_check import BlockCheck
from .characters import ACK, NAK
from .commands import ReadCommand, ReadRequest
from .dialects import Dialects
from .events import (
    Action,
    AnswerReceived,
    Event,
    Failure,
    PartReceived,
    Rejected,
    RequestFailed,
    RequestRefused,
    SessionClosed,
)
from .framing import Block, telegram_of
from .identification import Mode
from .inquiry import Inquiry
from .messages import ACK_MESSAGE, NAK_MESSAGE, request
from .opening import MAX_NAKS, Access, OpeningSession, Stage
from .plan import LinePlan
from .reception import Control
from .refusal import NOT_UNDERSTOOD, ONLY_ACKNOWLEDGED, Refusal, RefusalKind
from .settings import SessionSettings

__all__ = ["Access", "ProgrammingSession", "Stage"]

MAX_REPEATS: Final = 2
"""Repeats of a command that the meter did not understand (NAK)."""

MAX_FLUSH: Final = 30.0
_CLOSED_AFTER: Final = 0.8
"""A session that nobody uses is closed after this share of the meter's time-out: its clock may be fast."""

_KEPT_AFTER: Final = 0.5
_MISSED_IN_HASTE: Final = 2
_NO_CHANCE: Final = 10
"""So many answers in a row, and a command that was missed before them was lost by noise."""

_PERHAPS_THE_COMMAND: Final = frozenset({RefusalKind.COMMAND, RefusalKind.OTHER})
_UNASKED: Final = 64
"""Characters that nobody asked for, after which the search for a break in them begins anew."""


class ProgrammingSession(OpeningSession):
    """One session. ``ask`` adds a request, ``close`` ends the session when all are answered."""

    def __init__(
        self, settings: SessionSettings, plan: LinePlan, dialects: Dialects, access: Access | None = None
    ) -> None:
        super().__init__(settings, plan, dialects, access)
        self.command = self.access.command
        """The command that the meter understood last, here or in an earlier session."""
        self.hasty = self.access.hasty
        """Whether commands follow answers sooner than the standard allows."""
        self._missed = 0
        """Commands in haste that were not heard, since so many were that it was chance."""
        self._heard_in_haste = 0
        self._queue: deque[tuple[float, ReadRequest]] = deque()
        self._closing = False
        self._inquiry: Inquiry | None = None
        self._answered: ReadRequest | None = None
        self._proven: set[ReadCommand] = set()
        self._doubtful = False
        self._sizes: dict[tuple[ReadCommand, ReadRequest], int | None] = {}
        self._ready_at = 0.0
        self._trouble = Failure.BAD_CHECK, ""

    # --- the face

    @property
    def wanted(self) -> int:
        """Characters that must still come before anything can be decided."""
        inquiry, size = self._inquiry, self._reception.size
        if self._state is not Stage.ANSWERING or inquiry is None or not size:
            return 1
        known = self._sizes.get((inquiry.command, inquiry.request))
        return 1 if known is None else max(1, known - size)

    @property
    def least(self) -> int:
        """Characters that must still come by the data's grammar before they can end; 0 where nothing is known."""
        return self._reception.least if self._state is Stage.ANSWERING else 0

    @property
    def waiting(self) -> int:
        """Requests that are not settled yet."""
        return len(self._queue) + (self._inquiry is not None and not self._inquiry.quiet)

    def ask(self, what: ReadRequest, not_before: float = 0.0) -> None:
        """Ask for ``what`` as soon as all before it is settled, and not sooner than the time ``not_before``."""
        if self.finished or self._closing:
            raise RuntimeError("nothing can be asked in a session that ends")
        self._queue.append((not_before, what))
        self._plan_next()

    def close(self) -> None:
        """End the session as soon as everything is settled."""
        self._closing = True
        self._plan_next()

    # --- open, and nothing under way

    def _ready(self, now: float) -> None:
        self._ready_at = now + self._pause
        self._reception = self._listen(b"")
        self._enter(Stage.READY, self._ready_at)
        self._plan_next()

    def _plan_next(self) -> None:
        """Set the deadline to the moment at which something is to be said."""
        if self._state is not Stage.READY:
            return
        if self._inquiry is not None or (self._closing and not self._queue):
            self._deadline = self._ready_at
        else:
            wanted = self._queue[0][0] if self._queue else float("inf")
            self._deadline = max(self._ready_at, min(wanted, self._idle_at))

    @property
    def _idle_at(self) -> float:
        """When something must be said lest the meter ends the session."""
        if self.sessionless:
            return float("inf")
        share = _CLOSED_AFTER if self._keeper is None else _KEPT_AFTER
        return self._active_at + share * self._dialect.programming.inactivity

    @property
    def _keeper(self) -> ReadRequest | None:
        """What is asked to keep the session; None where it is not to be kept."""
        if not self.access.keep_alive:
            return None
        return self._answered or (self._queue[0][1] if self._queue else None)

    @property
    def _patience(self) -> float:
        inquiry = self._inquiry
        if inquiry is None or inquiry.blocks:
            return super()._patience
        return inquiry.request.patience + self.settings.latency

    @property
    def _pause(self) -> float:
        pause = super()._pause
        # What was not heard is said again with patience.
        again = self._inquiry is not None and self._inquiry.restarted
        return min(pause, timing.HASTE) if self.hasty and self.opened and not again else pause

    def _proceed(self, now: float) -> Action | None:
        match self._state:
            case Stage.READY:
                return self._next(now)
            case Stage.ANSWERING:
                self._went_quiet(now)
                return None
            case Stage.FLUSHING:
                self._flushed(now)
                return None
            case _:
                return super()._proceed(now)

    def _next(self, now: float) -> Action | None:
        if not self.sessionless and now - self._active_at > self._dialect.programming.inactivity:
            self._hung_up = True
            seconds = f"{now - self._active_at:.0f} s"
            self._fail(Failure.ENDED, f"nothing was said for {seconds}: the meter has ended the session by now", now)
            return None
        if self._inquiry is None:
            if self._queue and self._queue[0][0] <= now:
                self._inquiry = self._inquiry_for(self._queue.popleft()[1])
            elif self._closing and not self._queue:
                self._end(SessionClosed(idle=False, at=now), now)
                return None
            elif now < self._idle_at:
                self._plan_next()
                return None
            elif self._keeper is not None:
                self._inquiry = self._inquiry_for(self._keeper, quiet=True)
            else:
                self._end(SessionClosed(idle=True, at=now), now)
                return None
        return self._say(self._inquiry)

    def _inquiry_for(self, what: ReadRequest, *, quiet: bool = False) -> Inquiry:
        commands = what.commands or self._dialect.programming.commands_for(self.identification)
        if self.command in commands:
            commands = (self.command, *(one for one in commands if one is not self.command))
        return Inquiry(what, commands, quiet=quiet, doubtful=self._doubtful)

    def _say(self, inquiry: Inquiry) -> Action:
        message = inquiry.message(self._dialect.programming.argument, self._block_check)
        if self.sessionless:
            message = request(self.settings.address, line_end=False) + message
        self._naks = 0
        self._enter(Stage.ANSWERING, None)
        return self._send_message(message)

    def _end(self, ending: Event, now: float) -> None:
        if self.sessionless:
            self._events.append(ending)
            self._finish()
        else:
            self._leave(ending, now)

    # --- answers

    def _judge_answer(self, now: float) -> None:
        reception = self._reception
        message = self._heard()
        match message:
            case Control("B0"):
                self.hasty = self.hasty and self._heard_in_haste >= _NO_CHANCE
                what = f" when it was asked for {self._inquiry.request.name}" if self._inquiry else ""
                self._fail(Failure.ENDED, f"the meter ended the session{what}", now)
            case None if self._state is Stage.READY:
                if reception.noise > _UNASKED:
                    self._reception = self._listen(b"")
            case Block() if self._inquiry is not None and self._state is Stage.ANSWERING:
                self._take_answer(self._inquiry, message, now)
            case Control() | Block():
                # P0 that was late, or an answer that nobody waits for.
                self._reception = self._listen(self._sent)
            case None if reception.overflow:
                self._flush(Failure.TOO_LONG, "the answer came to no end", now)
            case None if reception.inside:
                self._deadline = now + timing.CHARACTER_GAP + self.settings.latency
            case None if reception.sign is not None and not self._naks and self._inquiry and not self._inquiry.blocks:
                self._deadline = now + timing.SETTLE
            case None:
                pass

    def _take_answer(self, inquiry: Inquiry, block: Block, now: float) -> None:
        if block.check is not BlockCheck.OK or block.parity_errors:
            self._reject([*inquiry.blocks, block], Failure.BAD_CHECK, now)
            self._ask_again("the block check or the parity of characters was wrong", now)
            return
        self._naks = 0
        inquiry.blocks.append(block)
        inquiry.started = now if inquiry.started is None else inquiry.started
        if inquiry.doubtful and inquiry.is_of_another(self._dialect):
            inquiry.blocks.clear()
            self._reception = self._listen(self._sent)
        elif block.partial:
            if not inquiry.quiet:
                self._events.append(PartReceived(inquiry.request, block.text, now))
            self._answer(ACK_MESSAGE, now)
        elif (refusal := self._refusal(inquiry.text, inquiry.request.address)) is not None:
            self._refused(inquiry, refusal, now)
        else:
            if not inquiry.request.commands:
                self.command = inquiry.command
            self._proven.add(inquiry.command)
            # To a command that was repeated, two answers may come.
            self._doubtful = inquiry.restarted
            if self.hasty and not inquiry.restarted:
                self._heard_in_haste += 1
                self._missed = 0 if self._heard_in_haste >= _NO_CHANCE else self._missed
            self._answered = inquiry.request
            self._sizes[inquiry.command, inquiry.request] = inquiry.size
            telegram = telegram_of(self.identification, Mode.C, inquiry.blocks, complete=True)
            self._settle(AnswerReceived(inquiry.request, inquiry.command, telegram, inquiry.started, now), now)

    def _refused(self, inquiry: Inquiry, refusal: Refusal, now: float) -> None:
        """There is no answer: another command may have one, as long as none was understood in this session."""
        if refusal.kind in _PERHAPS_THE_COMMAND and inquiry.command not in self._proven and inquiry.next_command():
            self._again(inquiry, now)
        else:
            self._settle(RequestRefused(inquiry.request, refusal, now), now)

    def _settle(self, event: Event, now: float) -> None:
        """Tell what became of the request and be ready for the next."""
        inquiry, self._inquiry = self._inquiry, None
        if inquiry is not None and not inquiry.quiet:
            self._events.append(event)
        if self._hung_up:
            self._fail(Failure.ENDED, "the meter ended the session behind its answer", now)
        else:
            self._ready(now)

    def _again(self, inquiry: Inquiry, now: float) -> None:
        inquiry.restart()
        self._ready(now)

    def _reject(self, blocks: list[Block], failure: Failure, now: float) -> None:
        telegram = telegram_of(self.identification, Mode.C, blocks, complete=False)
        self._events.append(Rejected(telegram, failure, now))

    # --- silence and damage

    def _ask_again(self, detail: str, now: float, failure: Failure = Failure.BAD_CHECK) -> None:
        if self._inquiry is None:
            super()._ask_again(detail, now)
        elif self._naks < MAX_NAKS:
            self._naks += 1
            self._answer(NAK_MESSAGE, now)
        else:
            self._flush(failure, detail, now)

    def _went_quiet(self, now: float) -> None:
        """Nothing more has come: see what there is."""
        inquiry = self._inquiry
        if inquiry is None:
            raise AssertionError("an answer is awaited to nothing")
        reception = self._reception
        waited = bool(self._naks or inquiry.blocks)
        if (block := reception.cut()) is not None:
            self._reject([*inquiry.blocks, block], Failure.CUT, now)
            self._ask_again("the answer stopped in the middle", now, Failure.CUT)
        elif waited and self._naks < MAX_NAKS:
            self._ask_again("the next part did not come", now, Failure.CUT)
        elif waited:
            self._flush(Failure.CUT, "the meter did not repeat its message, or send the next", now)
        elif reception.sign == ACK:
            self._refused(inquiry, ONLY_ACKNOWLEDGED, now)
        elif reception.sign == NAK:
            self._not_understood(inquiry, now)
        else:
            self._unanswered(inquiry, now)

    def _not_understood(self, inquiry: Inquiry, now: float) -> None:
        inquiry.repeats += 1
        if inquiry.repeats > MAX_REPEATS:
            self._refused(inquiry, NOT_UNDERSTOOD, now)
        else:
            self._again(inquiry, now)

    def _unanswered(self, inquiry: Inquiry, now: float) -> None:
        self._doubtful = True
        self._missed_in_haste()
        inquiry.silences += 1
        if inquiry.silences == 1 or (inquiry.command not in self._proven and inquiry.next_command()):
            self._again(inquiry, now)
        else:
            self._fail(Failure.NO_DATA, f"the meter does not answer when it is asked for {inquiry.request.name}", now)

    def _missed_in_haste(self) -> None:
        """Give haste up where the meter does not hear it; one command that was lost may have been noise."""
        self._missed, self._heard_in_haste = self._missed + 1, 0
        self.hasty = self.hasty and self._missed < _MISSED_IN_HASTE

    def _flush(self, failure: Failure, detail: str, now: float) -> None:
        """Wait until the line is silent: the meter may still be sending."""
        self._trouble = failure, detail
        self._give_up = now + MAX_FLUSH
        self._enter(Stage.FLUSHING, now + timing.FLUSH)

    def _flushed(self, now: float) -> None:
        inquiry = self._inquiry
        if inquiry is None:
            raise AssertionError("the answer to nothing was damaged")
        if inquiry.blocks or inquiry.repeats or self._trouble[0] is Failure.TOO_LONG:
            # Its parts were handed on: what is missing is the owner's to ask for.
            self._settle(RequestFailed(inquiry.request, *self._trouble, now), now)
        else:
            inquiry.repeats += 1
            self._again(inquiry, now)
