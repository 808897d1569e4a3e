"""The store as one of the publishers: what is believed is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from obisgw.store.history import Step, boundaries, composed
from obisgw.store.store import Keeping, Store

if TYPE_CHECKING:
    from collections.abc import Sequence
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
        self.store = Store(folder / NAME, keeping_of(settings))
        self._intervals: dict[str, float | None] = {}

    async def history(self, key: RegisterKey, start: datetime, end: datetime, step: Step, zone: tzinfo) -> list[Point]:
        """Return a counter at each boundary from ``start`` to ``end``."""
        wanted = list(boundaries(start, end, step, zone))
        if not wanted:
            return []
        found = await self.store.points(key, wanted[0], wanted[-1], step.quarters)
        return list(composed(wanted, found))

    async def counters(self, meter: str) -> list[RegisterKey]:
        """Return the counters of a meter that have a history."""
        return await self.store.registers(meter)

    # --- what the service tells (service.edges.PublisherEdge)

    def meter_added(self, meter: MeterIdentity, options: MeterOptions) -> None:
        """Note how often a meter is read."""
        self._intervals[meter.id] = options.interval

    def slot_removed(self, slot: str) -> None:
        """Nothing: what was read stays."""

    def meter_removed(self, meter_id: str) -> None:
        """Nothing: what was read stays, for whoever looks back."""

    def publish_reading(self, reading: Reading, derived: Derived, health: Health) -> None:  # noqa: ARG002 - as the edge
        """Keep a reading."""
        interval = self._intervals.get(reading.meter.id) or _USUAL
        self.store.record(reading, min(_WIDEST, max(_CLOSEST, _INTERVALS * interval)))

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


def key_of(keys: Sequence[RegisterKey], name: str) -> RegisterKey | None:
    """Return the counter with this name; of one that was printed in several units, the last."""
    return next((key for key in reversed(keys) if key.name == name), None)
