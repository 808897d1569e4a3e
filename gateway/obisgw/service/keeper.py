"""The store as one of the publishers: what is believed is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from obisgw.store.clocks import Clocks
from obisgw.store.history import Step, boundaries
from obisgw.store.store import Keeping, Store

from .clock import boot_id, steady_time

if TYPE_CHECKING:
    from datetime import datetime, tzinfo
    from pathlib import Path

    from obisgw.config.table import StoreSettings
    from obisgw.readings.derive import Derived, MeterEvent
    from obisgw.readings.reading import Health, MeterIdentity, Reading
    from obisgw.readings.shown import MeterOptions
    from obisgw.store.quality import Point
    from obisgw.store.rows import RegisterKey

NAME: Final = "store.db"

_USUAL: Final = 60.0
_CLOSEST: Final = 60.0
_WIDEST: Final = 960.0
"""Seconds: readings a quarter hour apart still measure its ends."""
_INTERVALS: Final = 2.5


class Keeper:
    """Keeps readings in a folder's store and answers what they were."""

    def __init__(self, folder: Path, settings: StoreSettings) -> None:
        self.store = Store(folder / NAME, keeping_of(settings), boot_id(), Clocks(steady_time))
        self._intervals: dict[str, float | None] = {}
        self._nameless: dict[str, MeterIdentity] = {}

    async def history(
        self, key: RegisterKey, start: datetime, end: datetime, step: Step, zone: tzinfo
    ) -> list[Point] | None:
        """Return a counter at each boundary from ``start`` to ``end``; None where the file has trouble."""
        return await self.store.points(key, list(boundaries(start, end, step, zone)))

    # --- what the service tells (service.edges.PublisherEdge)

    def meter_added(self, meter: MeterIdentity, options: MeterOptions) -> None:
        """Note how often a meter is read, and which one has got its number."""
        self._intervals[meter.id] = options.interval
        if options.slot is None:
            return
        before = self._nameless.pop(options.slot, None)
        if meter.number is None:
            self._nameless[options.slot] = meter
        elif before is not None and before.id != meter.id and before.flag in {None, meter.flag}:
            self.store.rename(before.id, meter.id)

    def slot_removed(self, slot: str) -> None:
        """Nothing: what was read stays."""

    def meter_removed(self, meter_id: str) -> None:
        """Nothing: what was read stays, for whoever looks back."""

    def publish_reading(self, reading: Reading, derived: Derived, health: Health) -> None:  # noqa: ARG002 - as the edge
        """Keep a reading."""
        interval = self._intervals.get(reading.meter.id) or _USUAL
        self.store.record(reading, min(_WIDEST, max(_CLOSEST, _INTERVALS * interval)))

    def publish_update(self, reading: Reading, derived: Derived) -> None:
        """Keep nothing of it: the full readouts between which single registers are read bring the same counters."""

    def publish_event(self, meter_id: str, event: MeterEvent) -> None:
        """Nothing: events are told when they happen."""

    def meter_available(self, meter_id: str, available: bool, health: Health) -> None:  # noqa: FBT001 - as the edge
        """Nothing: what was not read is seen by what is missing."""


def keeping_of(settings: StoreSettings) -> Keeping:
    """Return how long things are kept."""
    return Keeping(
        flush=settings.flush.total_seconds(),
        raw_days=settings.raw_days,
        quarter_days=366 * settings.quarter_years,
        hour_days=366 * settings.hour_years,
    )
