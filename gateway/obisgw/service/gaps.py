"""Holes in the store, filled from the meters' load profiles between their readouts."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from obisgw.errors import LineError, MeterError, PortLostError, RefusedError
from obisgw.readings.profile_counters import rises
from obisgw.store.filling import Misfit, Step, filled_by, grid_of

from .tried import HORIZON, Span, Tried, look_again, next_span

if TYPE_CHECKING:
    from pathlib import Path

    from obisgw.iec62056_21.vdew.periods import Period
    from obisgw.store.holes import Hole
    from obisgw.store.store import Store

    from .clock import Clock
    from .edges import MeterEdge

_log = logging.getLogger(__name__)

_FORMAT: Final = 1
_BEFORE: Final = timedelta(hours=1)
"""What is read in front of a hole: differences of counters need the one before."""


@dataclass(slots=True)
class _Work:
    """What is under way for one meter."""

    look_at: float = 0.0
    outage: float = 0.0
    span: Span | None = None
    holes: list[Hole] = field(default_factory=list)
    periods: dict[datetime, Period] = field(default_factory=dict)
    """By their ends: another connection to the meter may begin anew."""

    whole: bool = False
    """Whether the meter has told all of it."""

    def end(self) -> None:
        """Be done with a hole."""
        self.span, self.whole = None, False
        self.holes, self.periods = [], {}


class Gaps:
    """Fills the holes of every meter. ``path`` keeps over restarts what was tried."""

    def __init__(self, store: Store, path: Path, clock: Clock) -> None:
        self._store = store
        self._path = path
        self._clock = clock
        self._tried = _load(path)
        self._work: dict[str, _Work] = {}
        self._complained = False

    def outage(self, meter: str) -> None:
        """Take note that a meter is read again after it was not: holes are looked for soon."""
        now = self._clock.now()
        work = self._work.setdefault(meter, _Work())
        work.look_at, work.outage = now, now

    def wanted(self, meter: str) -> bool:
        """Whether a turn of the line is wanted now, be it to look whether there is a hole."""
        now = self._clock.now()
        if meter not in self._work:
            self.outage(meter)
        work = self._work[meter]
        looks = work.span is not None or not now < work.look_at <= now + HORIZON
        return looks and self._of(meter).may_ask(now)

    async def fill(self, meter: str, edge: MeterEdge, where: str) -> None:
        """Use a turn of the line; cancelled, it goes on with the next one."""
        work = self._work.setdefault(meter, _Work())
        if work.span is None and not await self._look(meter, work):
            return
        tried, before = self._of(meter), len(work.periods)
        try:
            if not work.whole:
                await self._read(work, edge)
            work.whole = True
        except (asyncio.CancelledError, PortLostError) as error:
            tried.taken_away(self._clock.now(), fruitful=len(work.periods) > before)
            if isinstance(error, asyncio.CancelledError):
                raise
            return  # The readout says it, and what to do.
        except (RefusedError, MeterError, LineError) as error:
            self._failed(error, work, tried)
        except Exception:
            # Of ours: said whole by the port, and not again each minute.
            tried.refused("a fault of the program", self._clock.now())
            work.end()
            raise
        else:
            await self._fill(work, where)
            tried.went_well(work.span or (0, 0), self._clock.now())
            work.end()
            work.look_at = self._clock.now()
        await self._save()

    async def _read(self, work: _Work, edge: MeterEdge) -> None:
        """Read what is missing of the profile."""
        begin, end = (datetime.fromtimestamp(one, UTC) for one in work.span or (0, 0))
        async with aclosing(edge.profile(begin - _BEFORE, end)) as answers:
            async for periods in answers:
                work.periods |= {one.end: one for one in periods}

    def _failed(self, error: RefusedError | MeterError | LineError, work: _Work, tried: Tried) -> None:
        now = self._clock.now()
        if not isinstance(error, RefusedError):
            if tried.broke_off(error.problem, now):
                _log.warning("%s; its load profile is asked for again by itself, to fill a hole in its history", error)
            return
        if tried.refused(error.problem, now):
            _log.warning("%s; holes in its history stay interpolated (it is asked again once a day)", error)
        work.end()

    async def _look(self, meter: str, work: _Work) -> bool:
        """Look for a hole; tell whether there is one to be filled."""
        now = self._clock.now()
        work.look_at = now + look_again(now - work.outage)
        holes = await self._store.holes(meter, int(now) - HORIZON)
        work.span = next_span([(one.start, one.end) for one in holes or ()], self._of(meter).settled, now)
        if holes is None or work.span is None:
            return False
        begin, end = work.span
        work.holes = [one for one in holes if begin <= one.start and one.end <= end]
        return True

    async def _fill(self, work: _Work, where: str) -> None:
        """Fill what fits, and say what came of it in one line."""
        periods = [work.periods[end] for end in sorted(work.periods)]
        filled: set[str] = set()
        misfits: set[str] = set()
        for hole in work.holes:
            key = hole.register
            points = None
            for found in rises(periods, key.name, key.unit):
                steps = [
                    Step(int(one.start.timestamp()), int(one.end.timestamp()), one.amount, one.digit, one.reached)
                    for one in found
                ]
                grid = grid_of(steps)
                ends = None if grid is None else await self._store.anchors(hole, grid)
                points = None if ends is None else filled_by(*ends, steps)
                if not isinstance(points, Misfit | None):
                    await self._store.fill(key, points)
                    break
            if isinstance(points, list):
                filled.add(key.name)
            elif points is not None:
                misfits.add(
                    f"{key.name}: {points.sum:f} in the profile, {points.difference:f} {key.unit} by its counter"
                )
        self._tell(work, where, sorted(filled), sorted(misfits))

    def _tell(self, work: _Work, where: str, filled: list[str], misfits: list[str]) -> None:
        if work.span is None:
            return
        begin, end = (datetime.fromtimestamp(one, UTC).strftime("%Y-%m-%d %H:%M") for one in work.span)
        what = f"{where}: its history between {begin} and {end} UTC"
        if filled:
            _log.info("%s is filled from its load profile: %s", what, ", ".join(filled))
        elif misfits:
            words = (
                "%s stays interpolated, the load profile does not add up (%s): is this machine's time zone the meter's?"
            )
            _log.warning(words, what, misfits[0])
        else:
            _log.info("%s stays interpolated: the load profile has nothing that fits it", what)

    def _of(self, meter: str) -> Tried:
        return self._tried.setdefault(meter, Tried())

    async def _save(self) -> None:
        meters = {meter: tried.document() for meter, tried in self._tried.items()}
        text = json.dumps({"format": _FORMAT, "meters": meters}, ensure_ascii=False)
        await asyncio.get_running_loop().run_in_executor(None, self._write, text)

    def _write(self, text: str) -> None:
        """Write the file whole or not at all; waits for the disk."""
        new = self._path.with_suffix(".new")
        try:
            with new.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            new.replace(self._path)
        except OSError as error:
            if not self._complained:
                _log.warning("%s cannot be written: %s (the next start asks anew)", self._path, error.strerror)
            self._complained = True
        else:
            self._complained = False


def _load(path: Path) -> dict[str, Tried]:
    """Return what the file knows; a damaged one is set aside and said so."""
    try:
        document = json.loads(path.read_text("utf-8"))
        return {str(meter): Tried.of(one) for meter, one in document["meters"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        aside = path.with_suffix(".damaged")
        _log.warning("%s cannot be used and is kept as %s: %r", path, aside.name, error)
        path.replace(aside)
        return {}
