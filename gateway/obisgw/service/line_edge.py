"""The service's meters on real lines: outcomes made of what the reader tells."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from obisgw.errors import ConfigurationError, LineError, MeterError, ObisGatewayError, PortMissingError
from obisgw.iec62056_21.block_check import BlockCheck
from obisgw.iec62056_21.events import Failure, Received, Rejected
from obisgw.iec62056_21.password import Password, PasswordLevel
from obisgw.line.port import PortSettings
from obisgw.reader.explain import no_register
from obisgw.reader.memory import Memory
from obisgw.reader.programming import Programming
from obisgw.reader.reader import PUSH_BAUDRATE, MeterReader, ReaderSettings, asked_mode
from obisgw.reader.shared_port import SETTLE, Ports

from .edges import FastRound, HeldBack, Miss, Success, Trouble
from .fast_line import FastLine
from .profile_line import ProfileLine
from .reading import Interpreter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Sequence
    from datetime import datetime
    from pathlib import Path

    from obisgw.config.table import MeterSettings
    from obisgw.iec62056_21.dialects import Dialects
    from obisgw.iec62056_21.vdew.periods import Period
    from obisgw.reader.explain import Attempt
    from obisgw.reader.reader import Readout
    from obisgw.reader.shared_port import SharedPort

    from .dlms_edge import DlmsKept

FIRST_PUSH = 300.0
"""Seconds in which a meter that sends unasked must have sent something; the slowest known ones send each 15 minutes,
but those are told apart as soon as two of their telegrams have come."""

SILENT_PUSHES = 3
LEAST_SILENCE = 60.0
DAMAGED_IN_A_ROW = 3
"""So many damaged pushes are trouble; one is weather."""

REOPEN = 1.0
REOPEN_LONGEST = 60.0


@dataclass(frozen=True, slots=True)
class Spoilt:
    """A pushed telegram that failed a check. ``reason``: why it is not published; ``error`` where many of them mean it."""

    reason: str | None
    trouble: Trouble
    error: MeterError | None = None


class LineEdges:
    """Makes meters on lines; what they learn and the ports that they share are here."""

    def __init__(self, dialects: Dialects, folder: Path | None) -> None:
        self.dialects = dialects
        self._folder = folder
        self._memory = Memory(None if folder is None else folder / "line.json")
        self._dlms: DlmsKept | None = None
        self._ports = Ports()
        self._turn = asyncio.Lock()
        self._turn_taken = False
        self._users: dict[int, int] = {}

    def edge_of(self, settings: MeterSettings) -> LineMeter:
        """Return the meter at its port."""
        port = self._ports.of(settings.port)
        self._users[id(port)] = self._users.get(id(port), 0) + 1
        # A service without such a meter does without the modules of DLMS.
        if settings.pushes_dlms:
            from .dlms_push_edge import PushingMeter  # noqa: PLC0415

            return PushingMeter(settings, port, self.dialects, self._memory, self)
        if settings.speaks_dlms:
            from .dlms_edge import DlmsKept, DlmsMeter  # noqa: PLC0415

            self._dlms = self._dlms or DlmsKept.of(self._folder)
            return DlmsMeter(settings, port, self.dialects, self._memory, self, self._dlms)
        return LineMeter(settings, port, self.dialects, self._memory, self)

    async def turn(self) -> None:
        """Return when a telegram may be taken apart and published: one a turn of the loop.

        Dozens of meters that end together do not keep the other lines waiting so.
        """
        if self._turn_taken:
            async with self._turn:
                await asyncio.sleep(0)
        self._turn_taken = True
        asyncio.get_running_loop().call_soon(self._next_turn)

    def _next_turn(self) -> None:
        self._turn_taken = False

    async def release(self, port: SharedPort) -> None:
        """Give a port back when the last meter has left it."""
        self._users[id(port)] -= 1
        if not self._users[id(port)]:
            await port.close()


class LineMeter:
    """One configured meter on its line."""

    def __init__(
        self, settings: MeterSettings, port: SharedPort, dialects: Dialects, memory: Memory, edges: LineEdges
    ) -> None:
        self._where = f"{settings.entry} at {settings.port}"
        self._edges = edges
        self._port = port
        self._closed = False
        self._dialects = dialects
        self._interpreter = Interpreter(settings.entry)
        self._reader = MeterReader(
            port,
            reader_settings_of(settings, dialects),
            dialects,
            memory,
            number_of=self._interpreter.number_of,
        )
        self._dialect = self._reader.settings.dialect
        programming, password = Programming(self._reader), password_of(settings)
        self._fast = FastLine(programming, settings.fast, settings.fast_every, password, self._where)
        self._profile = ProfileLine(programming, password, self._where)

    async def read(self) -> Success | Miss:
        """Read the meter once."""
        try:
            readout = await self._reader.read()
        except ObisGatewayError as error:
            rejected = self._reader.rejected
            return Miss(error, trouble_of(self._reader.attempts, rejected), held_back_by(rejected))
        return await self._outcome(readout)

    async def _outcome(self, readout: Readout) -> Success | Miss:
        """Return what a good readout tells."""
        await self._edges.turn()
        ago = asyncio.get_running_loop().time() - readout.last_byte
        reading = self._interpreter.reading_of(readout.telegram, readout.dialect, readout.seconds, ago)
        if not reading.registers:
            return Miss(no_register(reading.unparsed, self._where), trouble_of(readout.attempts, readout.rejected))
        return Success(
            reading,
            battery=readout.dialect.battery,
            load_profile=readout.dialect.load_profile,
            baudrate=readout.baudrate,
            switch_margin=readout.switch_margin,
            trouble=trouble_of(readout.attempts, readout.rejected),
        )

    def fast(self) -> AsyncGenerator[FastRound, None]:
        """Read the fast registers round after round."""
        return self._fast.rounds()

    def profile(self, since: datetime, until: datetime) -> AsyncGenerator[list[Period], None]:
        """Read the load profile slice by slice."""
        return self._profile.read(since, until)

    async def returned(self) -> None:
        """Return when the port, now missing, is there again."""
        await self._port.present()

    async def pushes(self) -> AsyncGenerator[Success | Miss | HeldBack, None]:
        """Listen for ever; a port that is lost is opened again when it is back."""
        pause = REOPEN
        while True:
            try:
                async with aclosing(self._open_pushes()) as outcomes:
                    async for outcome in outcomes:
                        pause = REOPEN
                        yield outcome
            except (LineError, ConfigurationError) as error:
                yield Miss(error)
                if isinstance(error, PortMissingError) and await self._came_back():
                    pause = REOPEN
                    continue
            await asyncio.sleep(pause)
            pause = min(2 * pause, REOPEN_LONGEST)

    async def _came_back(self) -> bool:
        """Wait for the port; False when its path is there all the time, and it is something else that fails."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        await self._port.present()
        return loop.time() - began > SETTLE / 2

    async def _open_pushes(self) -> AsyncGenerator[Success | Miss | HeldBack, None]:
        """Listen until the port is lost."""
        loop = asyncio.get_running_loop()
        trouble = Trouble()
        damaged, before, patience, last = 0, 0, FIRST_PUSH, loop.time()
        async with aclosing(self._listen()) as heard:
            following = asyncio.ensure_future(anext(heard))
            try:
                while True:
                    await asyncio.wait((following,), timeout=patience)
                    if not following.done():
                        yield Miss(self._nothing_pushed(patience, before), Trouble(silences=1))
                        before = self._received
                        continue
                    outcome = following.result()
                    following = asyncio.ensure_future(anext(heard))
                    match outcome:
                        case Success() | Miss():
                            now = loop.time()
                            patience = max(LEAST_SILENCE, SILENT_PUSHES * (now - last))
                            last, damaged, before = now, 0, self._received
                            yield replace(outcome, trouble=outcome.trouble + trouble)
                            trouble = Trouble()
                        case Spoilt():
                            damaged += 1
                            trouble += outcome.trouble
                            if outcome.reason is not None:
                                yield HeldBack(outcome.reason)
                            if damaged % DAMAGED_IN_A_ROW == 0:
                                yield Miss(outcome.error or self._damaged(), trouble)
                                trouble = Trouble()
            except StopAsyncIteration:
                return
            finally:
                following.cancel()
                await asyncio.wait((following,))

    async def _listen(self) -> AsyncGenerator[Success | Miss | Spoilt, None]:
        """Yield what becomes of each telegram that comes, until the port is lost."""
        async with aclosing(self._reader.pushes()) as events:
            async for event in events:
                match event:
                    case Received():
                        yield self._pushed(event)
                    case Rejected():
                        yield Spoilt(held_back_by((event,)), trouble_of((), (event,)))

    def _nothing_pushed(self, seconds: float, before: int) -> MeterError:
        return self._reader.nothing_pushed(seconds, before)

    def _pushed(self, event: Received) -> Success | Miss:
        telegram = event.telegram
        dialect = self._dialect or self._dialects.match(telegram.identification)
        ago = asyncio.get_running_loop().time() - event.at
        reading = self._interpreter.reading_of(telegram, dialect, event.at - event.started, ago)
        forced = self._dialect.push_baudrate if self._dialect is not None else None
        baudrate = self._reader.settings.baudrate or forced or PUSH_BAUDRATE
        if not reading.registers:
            return Miss(no_register(reading.unparsed, self._where))
        return Success(reading, battery=False, baudrate=baudrate)

    @property
    def _received(self) -> int:
        session = self._reader.listening
        return 0 if session is None else session.received

    def _damaged(self) -> MeterError:
        hint = "check the head's place and 'baudrate'"
        return MeterError("only damaged telegrams come", where=self._where, hint=hint)

    async def close(self) -> None:
        """Give the port back, unless other meters use it."""
        if not self._closed:
            self._closed = True
            await self._edges.release(self._port)


def reader_settings_of(settings: MeterSettings, dialects: Dialects) -> ReaderSettings:
    """Return what the reader must know of a configured meter."""
    return ReaderSettings(
        where=f"{settings.entry} at {settings.port}",
        port=PortSettings(settings.format, settings.baudrate or 300, dtr=settings.dtr, rts=settings.rts),
        address=settings.address,
        dialect=dialects.named(settings.dialect) if settings.dialect else None,
        baudrate=settings.baudrate,
        max_baudrate=settings.max_baudrate,
        wake_up=bool(settings.wake_up),
        latency=settings.latency,
        mode=asked_mode(settings.mode),
    )


def password_of(settings: MeterSettings) -> Password | None:
    """Return the configured password and how it is said."""
    if settings.password is None:
        return None
    return Password(settings.password, PasswordLevel(settings.password_level.value))


def held_back_by(rejected: Sequence[Rejected]) -> str | None:
    """Return why the last telegram that came is not published, None where none came."""
    if not rejected:
        return None
    telegram, failure = rejected[-1].telegram, rejected[-1].failure
    if failure is Failure.UNLIKE:
        return "the telegram has no block check and is unlike those before"
    if telegram.parity_errors:
        return f"the telegram was damaged: {telegram.parity_errors} characters have the wrong parity"
    if telegram.check is BlockCheck.BAD:
        return "the telegram was damaged: its block check character is wrong"
    return "the telegram was cut off" if not telegram.complete else f"the telegram failed a check: {failure.value}"


def trouble_of(attempts: Iterable[Attempt], rejected: Iterable[Rejected]) -> Trouble:
    """Return what went wrong on the way, counted."""
    telegrams = [one.telegram for one in rejected]
    silent = {Failure.SILENCE, Failure.ECHO_ONLY}
    return Trouble(
        parity_errors=sum(telegram.parity_errors for telegram in telegrams),
        block_check_errors=sum(telegram.check is BlockCheck.BAD for telegram in telegrams),
        silences=sum(attempt.failure in silent for attempt in attempts),
        rejected=len(telegrams),
    )
