"""The store beside the event loop: readings are recorded, written in batches by a thread of its own, and asked for."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from . import holes, past, waiting
from .messages import Messages
from .quality import Quality
from .recorder import Recorder, taken_of
from .rows import PointRow
from .writer import Writer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence
    from pathlib import Path

    from obisgw.readings.reading import Reading

    from .clocks import Clocks
    from .database import Database
    from .holes import Anchor, Hole
    from .quality import Point
    from .quarters import Course
    from .rows import RegisterKey, Taken

_log = logging.getLogger(__name__)

MOST_UNPLACED: Final = 10_000
"""Readings in the file that wait for their time: a week of one each minute."""

FIRST_PRUNED: Final = 3600.0
PRUNED_EVERY: Final = 86_400.0
"""Seconds. A service that is started again and again does not cut the past each time."""

_AT_ONCE: Final = 100
_DRIFTED: Final = 1.0


@dataclass(frozen=True, slots=True)
class Keeping:
    """``flush``: seconds that a power failure may cost. Days for which each kind of row is kept."""

    flush: float = 60.0
    raw_days: int = 14
    quarter_days: int = 3 * 366
    hour_days: int = 20 * 366
    most_missed: int = 50_000


class _End(NamedTuple):
    """Where the file ends: its counters, its clock, and whether readings of this run of the machine wait in it."""

    courses: dict[RegisterKey, Course]
    offset: float | None
    reached: float | None
    unplaced: bool


class Store:
    """Records readings and answers what they were. All methods are for the event loop's thread.

    ``boot`` names this run of the machine, whose steady clock ``clocks`` hold.
    """

    def __init__(self, path: Path, settings: Keeping, boot: str, clocks: Clocks) -> None:
        self._settings = settings
        self._clocks = clocks
        self._writer = Writer(path, boot, settings.most_missed)
        self._recorder = Recorder()
        self._began = clocks.steady()
        self._pruned: float | None = None
        self._in_turn = False
        """Whether readings go to their place at once; else they wait for others, or for the clock."""
        self._resumed = asyncio.Event()
        self._placed_to = 0
        self._was_ahead = False
        self._offset: float | None = None
        self._ending = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._placing: asyncio.Task[None] | None = None
        self.messages = Messages(self._writer, clocks)
        """What the broker has missed."""

    @property
    def problem(self) -> str | None:
        """What is wrong with the file, None when all is well."""
        return self._writer.problem

    def state(self) -> dict[str, object]:
        """Return how it goes with the file: its size, what waits for it, and whether the time is known."""
        return {**self._writer.state(), "time_known": self._clocks.known, "in_turn": self._in_turn}

    def start(self) -> None:
        """Begin: the file is opened and read aside."""
        self._running = asyncio.create_task(self._run(), name="store")

    async def stop(self) -> None:
        """Write what waits and close the file."""
        self._ending.set()
        tasks = [task for task in (self._running, self._placing) if task is not None]
        if tasks:
            await asyncio.wait(tasks)
        await self._writer.close()

    def stop_at_once(self) -> None:
        """Have what waits written and the file closed, without waiting for the disk."""
        self._ending.set()
        self._writer.close_at_once()

    # --- recording

    def record(self, reading: Reading, close: float) -> None:
        """Take a reading; ``close`` seconds at most lie between readings that measure a quarter hour's boundary."""
        settled = self._look()
        steady = self._clocks.steady() if reading.steady is None else reading.steady
        taken = taken_of(reading, steady, close)
        if settled and self._in_turn:
            self._place_one(taken)
            return
        self._in_turn = False
        self._writer.batch.unplaced.append(taken)
        if settled:
            self._place_soon()

    def _look(self) -> bool:
        """Look at the clocks; tell whether the time of what happens now is settled."""
        settled = self._clocks.look()
        if self._clocks.was_ahead():
            self._was_ahead, self._in_turn = True, False
        offset = self._clocks.offset
        if offset is not None and (self._offset is None or abs(offset - self._offset) > _DRIFTED):
            self._writer.batch.offset = self._offset = offset
        return settled

    def rename(self, before: str, now: str) -> None:
        """Give a meter's past to the name by which it is known now."""
        self._recorder.rename(before, now)
        self._writer.batch.rename(before, now)

    async def flush(self) -> bool:
        """Write what waits now; what cannot be written goes on waiting. Tells whether all is written."""
        return await self._writer.flush()

    async def _run(self) -> None:
        await self._guarded(self._resume)
        while not self._ending.is_set():
            try:
                async with asyncio.timeout(self._settings.flush):
                    await self._ending.wait()
            except TimeoutError:
                await self._guarded(self._writer.flush)
                await self._guarded(self._prune)

    async def _guarded(self, work: Callable[[], Awaitable[object]]) -> None:
        try:
            await work()
        except Exception:  # noqa: BLE001 - said whole; what comes next may be written
            _log.exception("the store: a fault of the program; meters are read and published all the same")

    async def _resume(self) -> None:
        """Go on from where the file ends; where it cannot be read, go on without."""
        try:
            end = await self._writer.read(self._read_end)
        finally:
            self._resumed.set()
        if end is not None:
            self._recorder.resume(end.courses)
            self._clocks.resume(end.offset, end.reached)
            self._offset = end.offset
        self._in_turn = not self._writer.batch.unplaced and not (end is not None and end.unplaced)
        if not self._in_turn and self._look():
            self._place_soon()

    def _read_end(self, database: Database) -> _End:
        boot = self._writer.boot
        waiting.forget_unplaced(database, boot, MOST_UNPLACED)
        last, _, offset = (database.fact("clock") or "").partition(" ")
        unplaced = bool(waiting.unplaced(database, boot, 0, 1))
        here = float(offset) if last == boot else None
        return _End(past.courses(database), here, past.reached(database), unplaced)

    # --- readings that wait

    def _place_soon(self) -> None:
        if self._resumed.is_set() and (self._placing is None or self._placing.done()):
            self._placing = asyncio.create_task(self._guarded(self._place), name="store: placing")

    async def _place(self) -> None:
        """Place the readings that have waited, in their order; then those to come go to their place at once."""
        writer = self._writer
        async with writer.lock:
            if self._was_ahead and not await self._undo():
                return
            while rows := await writer.read(self._unplaced):
                for number, taken in rows:
                    self._place_one(taken)
                    writer.batch.placed.append(number)
                    self._placed_to = number
                if self._ending.is_set() or not await writer.flush_locked():
                    return
            # From here on nothing else has its turn.
            waited, writer.batch.unplaced = writer.batch.unplaced, []
            for taken in waited:
                self._place_one(taken)
            self._in_turn = True

    def _unplaced(self, database: Database) -> list[tuple[int, Taken]]:
        return waiting.unplaced(database, self._writer.boot, self._placed_to, _AT_ONCE)

    def _place_one(self, taken: Taken) -> None:
        self._writer.batch.extend(self._recorder.place(taken, self._clocks.unix(taken.steady)))

    async def _undo(self) -> bool:
        """Forget what was written by a clock that was ahead; tell whether that could be done."""
        now = self._clocks.unix(self._clocks.steady())

        def undo(database: Database) -> dict[RegisterKey, Course]:
            database.set_back(now)
            return past.courses(database)

        courses = await self._writer.read(undo) if await self._writer.flush_locked() else None
        if courses is None:
            return False
        self._recorder.restart(courses)
        self._was_ahead = False
        return True

    async def _prune(self) -> None:
        now, settings = self._clocks.steady(), self._settings
        due = self._began + FIRST_PRUNED if self._pruned is None else self._pruned + PRUNED_EVERY
        if now < due or not self._clocks.known:
            return
        self._pruned = now
        at = self._clocks.unix(now)

        def prune(database: Database) -> None:
            database.prune(
                at, raw_days=settings.raw_days, quarter_days=settings.quarter_days, hour_days=settings.hour_days
            )
            waiting.forget_unplaced(database, self._writer.boot, MOST_UNPLACED)

        await self._writer.read(prune)

    # --- asking

    async def points(self, key: RegisterKey, wanted: Sequence[int]) -> list[Point] | None:
        """Return a counter at moments (Unix seconds, rising); None where the file has trouble."""
        await self._written()
        return await self._writer.read(lambda database: past.points(database, key, wanted))

    async def counters(self, meter: str) -> list[RegisterKey] | None:
        """Return the counters of a meter that have a history; None where the file has trouble."""
        await self._written()
        return await self._writer.read(lambda database: past.counters(database, meter))

    async def holes(self, meter: str, since: int) -> list[Hole] | None:
        """Return where a meter's counters are only interpolated after ``since``; None where the file has trouble."""
        await self._written()
        return await self._writer.read(lambda database: holes.holes(database, meter, since))

    async def anchors(self, hole: Hole, grid: int) -> tuple[Anchor, Anchor] | None:
        """Return what was measured at both ends of a hole, widened to multiples of ``grid`` seconds."""
        return await self._writer.read(lambda database: holes.anchors(database, hole, grid))

    async def _written(self) -> None:
        """Return when all that is known to have its place is in the file."""
        await self._resumed.wait()
        if self._placing is not None:
            await asyncio.wait((self._placing,))
        await self._writer.flush()

    async def fill(self, key: RegisterKey, points: Iterable[Point]) -> bool:
        """Write what is known of a counter from elsewhere; what was measured stays. False where the file takes none."""
        self._writer.batch.points += [
            PointRow(key, point.at, point.value, point.quality)
            for point in points
            if point.value is not None and point.quality is not Quality.MISSING
        ]
        return await self._writer.flush()
