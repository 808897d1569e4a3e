"""All ports and meters of one configuration, and what changes when the configuration does."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from .meter import MeterRun
from .options import no_thresholds
from .port import PortRun, Starts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from obisgw.config.table import MeterSettings

    from .clock import Clock
    from .edges import MeterEdge, PublisherEdge
    from .gaps import Gaps
    from .judge import Judge
    from .options import ThresholdsOf
    from .state import State

_log = logging.getLogger(__name__)


SAVE_SOON = 3.0
FACTS_APART = 300.0


class Gateway:
    """Runs the meters. One port's trouble never touches another's: each has its task."""

    def __init__(
        self,
        publisher: PublisherEdge,
        state: State,
        clock: Clock,
        edge_of: Callable[[MeterSettings], MeterEdge],
        thresholds_of: ThresholdsOf = no_thresholds,
        judge: Judge | None = None,
        gaps: Gaps | None = None,
    ) -> None:
        self._judge = judge
        self._gaps = gaps
        self._publisher = publisher
        self._thresholds_of = thresholds_of
        self._state = state
        self._clock = clock
        self._starts = Starts(clock)
        self._edge_of = edge_of
        self._facts_saved = float("-inf")
        self._save_soon: asyncio.TimerHandle | None = None
        self._meters: dict[str, MeterRun] = {}
        self._ports: dict[str, tuple[PortRun, asyncio.Task[None]]] = {}

    @property
    def meters(self) -> tuple[MeterRun, ...]:
        """The meters that run, in the order of the configuration."""
        return tuple(self._meters.values())

    @property
    def alive(self) -> bool:
        """Whether every port's task still runs."""
        return all(not task.done() for _, task in self._ports.values())

    async def configure(self, settings: Iterable[MeterSettings], *, renew: bool = False) -> None:
        """Run these meters from now on. Those whose settings are the same go on undisturbed, unless ``renew``."""
        before, wanted = self._meters, {meter.entry: meter for meter in settings}
        kept = {entry: run for entry, run in before.items() if not renew and wanted.get(entry) == run.settings}
        # A meter must have left its port before it comes to another.
        await self._spread(kept)
        self._follow_names(wanted)
        self._remove_others(wanted)
        self._meters = {entry: kept.get(entry) or self._new(meter) for entry, meter in wanted.items()}
        # Only now: meters that go on under another name have been introduced by it.
        for entry in before.keys() - wanted.keys():
            self._publisher.slot_removed(entry)
        await self._spread(self._meters)
        self._save()

    def read_now(self, meter: str) -> bool:
        """Read the meter with this id or name as soon as its line is free; False when there is none."""
        for run in self._meters.values():
            if run.answers_to(meter):
                self._ports[run.settings.port][0].read_now(run)
                return True
        return False

    def introduce_to(self, publisher: PublisherEdge) -> None:
        """Tell a publisher that has just come of all meters."""
        for run in self._meters.values():
            run.introduce_to(publisher)

    def introduce_changed(self) -> None:
        """Tell of the meters whose thresholds were changed by clients."""
        for run in self._meters.values():
            run.introduce()

    async def stop(self) -> None:
        """End every readout, leave every meter usable and every port free, and keep what was learned."""
        tasks = [task for _, task in self._ports.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        self._ports.clear()
        self._save()
        if self._judge is not None:
            self._judge.write(self._judge.text())

    async def _spread(self, meters: dict[str, MeterRun]) -> None:
        """Give every port its meters; ports without any are given back."""
        by_port: dict[str, list[MeterRun]] = {port: [] for port in self._ports}
        for run in meters.values():
            by_port.setdefault(run.settings.port, []).append(run)
        for port, runs in by_port.items():
            if port not in self._ports:
                line = PortRun(port, self._clock, self._saved, self._starts)
                self._ports[port] = line, asyncio.create_task(line.run(), name=f"port {port}")
            await self._ports[port][0].exchange(tuple(runs))
            if not runs:
                _, task = self._ports.pop(port)
                task.cancel()
                await asyncio.wait((task,))

    def _follow_names(self, wanted: Mapping[str, MeterSettings]) -> None:
        """Keep what is known of meters that only got other names: Home Assistant is to keep their devices."""
        known = self._state.meters
        gone = {state.place: entry for entry, state in known.items() if entry not in wanted and state.place}
        for entry, meter in wanted.items():
            if entry not in known and (before := gone.pop(_place_of(meter), None)) is not None:
                _log.info("%s at %s: called %s until now", entry, meter.port, before)
                known[entry] = known.pop(before)

    def _remove_others(self, wanted: Mapping[str, MeterSettings]) -> None:
        """Remove meters that are configured no more, also those that were taken out while the service did not run."""
        known = self._state.meters
        others = {entry: known.pop(entry) for entry in list(known) if entry not in wanted}
        stay = {state.identity.id for state in known.values() if state.identity is not None}
        for entry, state in others.items():
            if state.identity is not None and state.identity.id not in stay:
                _log.info("%s (%s): removed from the configuration", entry, state.identity.id)
                self._publisher.meter_removed(state.identity.id)

    def _new(self, settings: MeterSettings) -> MeterRun:
        state = self._state.of(settings.entry)
        state.place = _place_of(settings)
        run = MeterRun(
            settings,
            self._edge_of(settings),
            self._publisher,
            state,
            self._clock,
            facts=self._state.facts,
            thresholds_of=self._thresholds_of,
            judge=self._judge,
        )
        run.gaps = self._gaps
        return run

    def _saved(self, meter: MeterRun) -> None:
        """Keep what a readout changed, where losing it would cost something: memory cards wear by writing."""
        facts, now = self._state.facts, self._clock.now()
        # What switches at each reading must not be written at each.
        due = facts.unsaved and not 0 <= now - self._facts_saved < FACTS_APART
        changed = meter.identity_changed or due
        if changed:
            meter.identity_changed = facts.unsaved = False
            self._facts_saved = now
        if self._judge is not None and self._judge.due:
            # Aside, as everything that may wait for the disk.
            asyncio.get_running_loop().run_in_executor(None, self._judge.write, self._judge.text())
        if meter.schedule.battery:
            self._save()
        elif changed and self._save_soon is None:
            # Dozens of meters are met within seconds, once; their lines shall not wait for the disk each time.
            self._save_soon = asyncio.get_running_loop().call_later(SAVE_SOON, self._save_aside)

    def _save_aside(self) -> None:
        """Save by another thread: a memory card takes its time, and a reading may just be coming in."""
        self._save_soon = None
        asyncio.get_running_loop().run_in_executor(None, self._state.save)

    def _save(self) -> None:
        if self._save_soon is not None:
            self._save_soon.cancel()
            self._save_soon = None
        self._state.save()


def _place_of(settings: MeterSettings) -> str:
    return f"{settings.port} {settings.address}".rstrip()
