"""What the API needs of the service above it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

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

    def mqtt_state(self) -> Mapping[str, Any]:
        """Return ``enabled``, ``connected`` and ``problem`` (text or None) of the way over the broker."""
