"""What the API needs of the service above it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, tzinfo

    from obisgw.store.history import Step
    from obisgw.store.quality import Point
    from obisgw.store.rows import RegisterKey

API_VERSION = "1.0"
"""Major and minor: clients of another major do not fit; a higher minor only adds."""

BASE = "/api/v1"


class ServiceEdge(Protocol):
    """The running service. None of this blocks."""

    def read_now(self, meter_id: str) -> bool:
        """Read this meter as soon as its line is free; False when it is not configured."""

    def diagnostics(self) -> Mapping[str, Any]:
        """Return what helps to find a fault, without secrets: settings, ports, health; JSON values only."""

    def clients_changed(self) -> None:
        """Take notice that clients adopted meters, left them, or set other thresholds."""

    @property
    def keeps_history(self) -> bool:
        """Whether a history is kept."""

    async def counters(self, meter_id: str) -> Sequence[RegisterKey] | None:
        """Return the counters of a meter that have a history; None where it cannot be read."""

    async def history(
        self, key: RegisterKey, start: datetime, end: datetime, step: Step, zone: tzinfo
    ) -> Sequence[Point] | None:
        """Return a counter at each boundary from ``start`` to ``end``; None where that cannot be read."""

    def mqtt_state(self) -> Mapping[str, Any]:
        """Return ``enabled``, ``connected`` and ``problem`` (text or None) of the way over the broker."""
