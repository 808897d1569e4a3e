"""Changing a meter: commands W and E (IEC 62056-21 clause 6.3.9), behind the owner's permission.

Nothing but `obis-gateway write` may import this module; an import contract sees to it. A change is said once: one whose
answer does not come may have been made all the same.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from obisgw.permission import WritePermission

from . import timing
from .block_check import BlockCheck
from .characters import ACK, NAK
from .commands import command_message, is_address, is_argument
from .dialects import Dialect, Dialects
from .events import Action, Failure, SessionClosed
from .framing import Block
from .identification import Identification
from .opening import Access, OpeningSession, Stage
from .plan import LinePlan
from .reception import Control
from .refusal import NOT_UNDERSTOOD, Refusal, RefusalKind
from .settings import SessionSettings

_CHANGE: Final = re.compile(r"(?P<command>W[125]|E2) (?P<address>[^()]+)\((?P<value>[^()]*)\)")
_STORED: Final = re.compile(r"(?:[0-9]+-[0-9]+:)?(?:P|L|98|99)\.")
"""Load profiles and log books: W5 erases them, and with them what cannot be had again."""

_NATIONAL_CLOCK: Final = ("W5 0.9.1(%H%M%S)", "W5 0.9.2(%y%m%d)")
_FORMATTED_CLOCK: Final = ("W2 C003(%y%m%d%H%M%S)",)
_VDEW: Final = "@"


@dataclass(frozen=True, slots=True)
class Change:
    """``W5 0.9.1(123000)``: command, address, value. Raises ``ValueError`` for what cannot stand in a message."""

    command: str
    address: str
    value: str

    def __post_init__(self) -> None:
        if not is_address(self.address) or not is_argument(self.value) or not _CHANGE.fullmatch(str(self)):
            raise ValueError(f"no change: {self}")

    def __str__(self) -> str:
        return f"{self.command} {self.address}({self.value})"


@dataclass(frozen=True, slots=True)
class Changed:
    """The meter acknowledged a change."""

    change: Change
    at: float


@dataclass(frozen=True, slots=True)
class ChangeRefused:
    """The meter did not make a change; those behind it were not said."""

    change: Change
    refusal: Refusal
    at: float


@dataclass(frozen=True, slots=True)
class ChangeUnconfirmed:
    """Nobody knows whether a change was made: its answer did not come, or came damaged."""

    change: Change
    detail: str
    at: float


ChangeEvent = Changed | ChangeRefused | ChangeUnconfirmed


def parse_change(text: str) -> Change | None:
    """Return the change that a text like ``W5 0.9.1(123000)`` asks for, None where it is none."""
    match = _CHANGE.fullmatch(text.strip())
    if match is None:
        return None
    try:
        return Change(match["command"], match["address"], match["value"])
    except ValueError:
        return None


def refused_for_good(change: Change, dialect: Dialect) -> str | None:
    """Return why this change is never made, None where it may be."""
    if change.command == "W5" and _STORED.match(change.address):
        return "it erases what the meter has stored, for good"
    for never in dialect.programming.never:
        command, _, address = never.partition(" ")
        if change.command == command and change.address == address:
            return f"for these meters ({dialect.name}) it is marked as one that destroys data"
    return None


def clock_changes(dialect: Dialect, identification: Identification | None, time: datetime) -> tuple[Change, ...]:
    """Return what sets this meter's clock to ``time``, the meter's local time."""
    national = identification is not None and _VDEW in identification.escapes
    forms = dialect.programming.clock or (_NATIONAL_CLOCK if national else _FORMATTED_CLOCK)
    changes = tuple(parse_change(time.strftime(form)) for form in forms)
    if None in changes:
        raise ValueError(f"the dialect's forms of setting the clock are none: {forms}")
    return tuple(change for change in changes if change is not None)


class WritingSession(OpeningSession):
    """One session in which changes are made, one after another, until one is not. ``outcomes`` tells of each."""

    def __init__(
        self,
        settings: SessionSettings,
        plan: LinePlan,
        dialects: Dialects,
        access: Access,
        changes: tuple[Change, ...],
        permission: WritePermission,
    ) -> None:
        if not permission.covers(changes):
            raise PermissionError("these changes are not the ones that the owner has allowed")
        super().__init__(settings, plan, dialects, access)
        self.outcomes: list[ChangeEvent] = []
        self._left = deque(changes)
        self._change: Change | None = None

    @property
    def wanted(self) -> int:
        """One character at a time: an acknowledgement has no more."""
        return 1

    @property
    def least(self) -> int:
        """Nothing is known of the answer."""
        return 0

    def _open(self, now: float, *, accepted: bool | None) -> None:
        forbidden = [(change, why) for change in self._left if (why := refused_for_good(change, self._dialect))]
        if forbidden:
            change, why = forbidden[0]
            self._left.clear()
            self.outcomes.append(ChangeRefused(change, Refusal(RefusalKind.ACCESS, "", why), now))
        super()._open(now, accepted=accepted)

    def _ready(self, now: float) -> None:
        self._reception = self._listen(b"")
        self._enter(Stage.READY, now + self._pause)

    def _proceed(self, now: float) -> Action | None:
        match self._state:
            case Stage.READY if self._left:
                self._change = change = self._left.popleft()
                data = f"{change.address}({change.value})".encode("ascii")
                self._enter(Stage.ANSWERING, None)
                return self._send_message(command_message(change.command, data, self._block_check))
            case Stage.READY:
                self._leave(SessionClosed(idle=False, at=now), now)
                return None
            case Stage.ANSWERING:
                self._take_silence(now)
                return None
            case _:
                return super()._proceed(now)

    def _judge_answer(self, now: float) -> None:
        reception = self._reception
        message = self._heard()
        match message:
            case _ if self._state is not Stage.ANSWERING or self._change is None:
                pass
            case Control("B0"):
                self._unconfirmed("the meter ended the session", now)
            case Block() if message.check is BlockCheck.OK and not message.parity_errors:
                refusal = self._refusal(message.text, self._change.address)
                if refusal is None:
                    self._unconfirmed("the meter answered with data in place of an acknowledgement", now)
                else:
                    self._refused(refusal, now)
            case Block():
                self._unconfirmed("the answer came damaged", now)
            case None if reception.alone:
                self._take_silence(now)
            case None if reception.sign is not None:
                self._deadline = now + timing.SETTLE
            case _:
                pass

    def _take_silence(self, now: float) -> None:
        """Take the lone character that came, or that none did."""
        change = self._change
        if change is None:
            raise AssertionError("an answer is awaited to nothing")
        sign = self._reception.sign
        if sign == ACK:
            self.outcomes.append(Changed(change, now))
            self._change = None
            self._ready(now)
        elif sign == NAK:
            self._refused(NOT_UNDERSTOOD, now)
        else:
            self._unconfirmed("the meter did not answer", now)

    def _refused(self, refusal: Refusal, now: float) -> None:
        if self._change is not None:
            self.outcomes.append(ChangeRefused(self._change, refusal, now))
        self._stop(now)

    def _unconfirmed(self, detail: str, now: float) -> None:
        if self._change is not None:
            self.outcomes.append(ChangeUnconfirmed(self._change, detail, now))
        self._stop(now)

    def _stop(self, now: float) -> None:
        self._change = None
        self._left.clear()
        if self._hung_up:
            self._fail(Failure.ENDED, "the meter ended the session", now)
        else:
            self._leave(SessionClosed(idle=False, at=now), now + self._pause)
