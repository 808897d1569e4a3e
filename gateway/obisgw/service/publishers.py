"""Several publishers as one: what goes wrong with one never touches another, nor the reading of meters."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from obisgw.readings.derive import Derived, MeterEvent
    from obisgw.readings.reading import Health, MeterIdentity, Reading
    from obisgw.readings.shown import MeterOptions

    from .edges import PublisherEdge

_log = logging.getLogger(__name__)

_MOST_SAID: Final = 100


class Publishers:
    """Hands everything to each of ``edges`` at once, and to those of ``later`` after what these have sent has left.

    Writing to a broker's socket waits for the loop's next round, and what is done before it makes a reading late.
    """

    def __init__(self, *edges: PublisherEdge, later: tuple[PublisherEdge, ...] = ()) -> None:
        self.edges = edges
        self.later = later
        self._waiting: deque[tuple[PublisherEdge, Callable[[PublisherEdge], None]]] = deque()
        self._said: set[tuple[str, str]] = set()

    def meter_added(self, meter: MeterIdentity, options: MeterOptions) -> None:
        """Publish this meter from now on, or with other options; it replaces another one in its slot."""
        self._each(lambda edge: edge.meter_added(meter, options))

    def slot_removed(self, slot: str) -> None:
        """Forget a name of the configuration."""
        self._each(lambda edge: edge.slot_removed(slot))

    def meter_removed(self, meter_id: str) -> None:
        """Remove a meter that is configured no more."""
        self._each(lambda edge: edge.meter_removed(meter_id))

    def publish_reading(self, reading: Reading, derived: Derived, health: Health) -> None:
        """Hand on a reading with what follows from it."""
        self._each(lambda edge: edge.publish_reading(reading, derived, health))

    def publish_update(self, reading: Reading, derived: Derived) -> None:
        """Hand on a reading of which only some registers are new."""
        self._each(lambda edge: edge.publish_update(reading, derived))

    def publish_event(self, meter_id: str, event: MeterEvent) -> None:
        """Tell what happened to a meter, apart from a reading."""
        self._each(lambda edge: edge.publish_event(meter_id, event))

    def meter_available(self, meter_id: str, available: bool, health: Health) -> None:  # noqa: FBT001 - as the edge
        """Tell whether a meter can be read."""
        self._each(lambda edge: edge.meter_available(meter_id, available, health))

    def _each(self, told: Callable[[PublisherEdge], None]) -> None:
        for edge in self.edges:
            self._tell(edge, told)
        if not self.later:
            return
        if not self._waiting:
            # Timers come after the loop's sockets, and call_soon() before them.
            asyncio.get_running_loop().call_later(0, self._tell_waiting)
        self._waiting.extend((edge, told) for edge in self.later)

    def _tell_waiting(self) -> None:
        while self._waiting:
            edge, told = self._waiting.popleft()
            if edge in self.later:
                self._tell(edge, told)

    def _tell(self, edge: PublisherEdge, told: Callable[[PublisherEdge], None]) -> None:
        try:
            told(edge)
        except Exception as fault:  # noqa: BLE001 - said whole; the other publishers and the meters go on
            # At each reading the same again would fill the log.
            kind = type(edge).__name__, f"{type(fault).__name__}: {fault}"
            if kind not in self._said and len(self._said) < _MOST_SAID:
                self._said.add(kind)
                _log.error("%s: a fault of the program", kind[0], exc_info=fault)
