"""The loop between a session and a port: the calls of the session's face, one timer, no protocol.

Wake-ups cost processor time. So the port is not listened to while the characters that the session still wants cannot
have arrived. Where their number is unknown, the port is looked at when the data can have ended by their grammar, and of
a long readout later, by a small share of the time it has taken.
"""

from __future__ import annotations

import asyncio
import logging
import math
from typing import TYPE_CHECKING, Protocol, TypeVar

from obisgw.errors import PortLostError
from obisgw.iec62056_21.events import Action, Send, SetLine

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

_log = logging.getLogger(__name__)

PACE_MIN = 0.009
PACE_MIN_DATA = 0.005
PACE_SHARE = 0.004
PACE_SHARE_DATA = 0.002
PACE_CHARACTERS = 4
PACE_PUMPS = 0.0004
"""Seconds for each pump under way: of dozens, each looks less often, which is what leaves time for all."""

ENDING = 4
"""So few characters before the end are waited for one by one: it is then seen at once."""

PACE_MAX = 0.25

SHORT_ANSWER = 32
"""Characters after a message of ours that are looked at one by one: they may be one that must be answered in time."""

LATE = 0.005
"""Seconds that a sleep may take longer on a machine that has time."""

TIMER = 0.002
"""The event loop's timers are late by a millisecond, and so was the character from which the rest is counted."""

KERNEL_BUFFER = 2000
"""Characters that may wait unread: half of what Linux keeps for a serial line."""


Told_co = TypeVar("Told_co", covariant=True)
"""What a session tells: its events."""


class Session(Protocol[Told_co]):
    """The face of every session (docs/architecture.md)."""

    @property
    def deadline(self) -> float | None:
        """The next moment to call ``actions``."""

    @property
    def wanted(self) -> int:
        """Characters that must still come before anything can be decided."""

    @property
    def least(self) -> int:
        """Characters that must still come at least before data of unknown size can end; 0: not known."""

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen."""

    def actions(self, now: float) -> list[Action]:
        """Return what to do now."""

    def sent(self, now: float) -> None:
        """Tell that the last bit of the last ``Send`` has left."""

    def receive(self, data: bytes, now: float) -> None:
        """Take what came."""

    def events(self) -> Sequence[Told_co]:
        """Return what happened."""

    def abort(self) -> list[Action]:
        """End now; return what signs off."""


class Line(Protocol):
    """What the pump needs of a port (``line.port.Port``)."""

    def line_time(self, characters: int) -> float:
        """Return the seconds that ``characters`` take on the line."""

    def take(self) -> bytes:
        """Return everything received, without waiting."""

    async def wait(self, until: float | None) -> None:
        """Return when something was received, or at ``until``."""

    async def sleep(self, until: float) -> None:
        """Return at ``until``, not listening meanwhile."""

    async def write(self, data: bytes) -> float:
        """Send and return when the last bit has left."""

    def write_now(self, data: bytes) -> float:
        """Send without waiting; return when the last bit should leave."""

    async def set_rate(self, baudrate: int) -> None:
        """Change the rate."""


class _Load:
    """How many pumps are under way in this process."""

    pumps = 0


async def pump(session: Session[Told_co], port: Line, *, pace_max: float = PACE_MAX) -> AsyncGenerator[Told_co, None]:
    """Run ``session`` over ``port`` and yield its events until it has finished.

    Close the generator (``contextlib.aclosing``) when leaving early: the meter is then signed off, as it is when the
    task is cancelled. Raises ``PortLostError``.
    """
    loop = asyncio.get_running_loop()
    line = _Sending(port)
    began = loop.time()
    port.take()  # What came before the session began is nobody's answer.
    counted = False
    answered = 0
    planned = math.inf  # when the last sleep was to end
    _Load.pumps += 1
    try:
        while True:
            data = port.take()
            now = loop.time()
            if data:
                answered += len(data)
                session.receive(data, now)
            if await line.act(session, now):
                # A session may last for days: what counts is how long this answer takes.
                answered, began = 0, loop.time()
            for event in session.events():
                yield event
            if session.finished:
                return
            deadline, wanted = session.deadline, session.wanted
            quiet = 0.0
            if data and wanted > 1:
                # A little less than wanted: the last one is waited for, and so seen at once.
                quiet = max(0.0, port.line_time(min(wanted - 1, KERNEL_BUFFER)) - TIMER)
            elif data and not counted:
                # Woken late, among dozens of meters: looking less often is what leaves time for all.
                behind = max(0.0, now - planned - LATE)
                least = session.least
                pace = _pace(now - began, port.line_time(1), least, short=answered < SHORT_ANSWER)
                quiet = min(pace + behind * 2, max(pace_max, port.line_time(least))) if pace else 0.0
            counted = wanted > 1
            planned = now + quiet
            if quiet:
                await port.sleep(planned if deadline is None else min(planned, deadline))
            else:
                planned = math.inf
                await port.wait(deadline)
    finally:
        _Load.pumps -= 1
        if not session.finished:
            await line.sign_off(session)


class _Sending:
    """Does what a session asks of the port."""

    def __init__(self, port: Line) -> None:
        self._port = port
        self._leaves = 0.0
        """When the last bit of the latest message leaves, by the line's time."""

    async def act(self, session: Session[object], now: float) -> bool:
        """Do what the session asks for now; return whether anything was sent."""
        sent = False
        for action in session.actions(now):
            match action:
                case Send(message):
                    self._leaves = asyncio.get_running_loop().time() + self._port.line_time(len(message))
                    session.sent(await self._port.write(message))
                    sent = True
                case SetLine(baudrate):
                    await self._port.set_rate(baudrate)
        return sent

    async def sign_off(self, session: Session[object]) -> None:
        """Leave the meter usable, at the speed that it has or is about to take."""
        loop = asyncio.get_running_loop()
        actions = session.abort()
        try:
            for action in actions:
                match action:
                    case Send(message):
                        self._leaves = self._port.write_now(message)
                    case SetLine(baudrate):
                        # What is still on its way leaves at the speed it was written for.
                        await asyncio.sleep(self._leaves - loop.time())
                        await self._port.set_rate(baudrate)
        except PortLostError as error:
            _log.debug("not signed off: %s", error)
            return
        if actions:
            # The port may be closed next, and some drivers then drop what they still hold.
            await asyncio.sleep(self._leaves - loop.time())


def _pace(elapsed: float, character: float, least: int, *, short: bool) -> float:
    """Return how long not to look where nobody knows how much is to come; 0 looks at the next character."""
    if 0 < least <= ENDING:
        return 0.0
    if least:
        pace = max(PACE_MIN_DATA, elapsed * PACE_SHARE_DATA, character * least)
    else:
        pace = max(PACE_MIN, elapsed * PACE_SHARE, 0.0 if short else character * PACE_CHARACTERS)
    pace = max(pace, _Load.pumps * PACE_PUMPS)
    return pace if pace > character else 0.0
