"""What the service needs of the reader below it and the publisher above it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from datetime import datetime

    from obisgw.errors import ObisGatewayError
    from obisgw.iec62056_21.vdew.periods import Period
    from obisgw.readings.derive import Derived, MeterEvent
    from obisgw.readings.reading import Health, MeterIdentity, Reading, Register
    from obisgw.readings.shown import MeterOptions


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong on the line during a readout, also one that came to a good end after repeats."""

    parity_errors: int = 0
    block_check_errors: int = 0
    silences: int = 0
    rejected: int = 0
    """Telegrams that failed a check of the line."""

    def __add__(self, other: Trouble) -> Trouble:
        return Trouble(
            self.parity_errors + other.parity_errors,
            self.block_check_errors + other.block_check_errors,
            self.silences + other.silences,
            self.rejected + other.rejected,
        )


@dataclass(frozen=True, slots=True)
class Success:
    """A proved telegram as a reading, with how it was got. ``battery``: each read shortens the meter's life.

    ``load_profile``: the meter is known to keep one.
    """

    reading: Reading
    battery: bool = False
    load_profile: bool = False
    baudrate: int | None = None
    switch_margin: float | None = None
    trouble: Trouble = field(default_factory=Trouble)


@dataclass(frozen=True, slots=True)
class Miss:
    """A readout that came to nothing. ``error`` says what and where, and what to do.

    ``held_back`` says why a telegram that came is not published; None where none came.
    """

    error: ObisGatewayError
    trouble: Trouble = field(default_factory=Trouble)
    held_back: str | None = None


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A telegram sent unasked that failed a check: no trouble yet, but not published."""

    reason: str


@dataclass(frozen=True, slots=True)
class FastRound:
    """Values of a few registers, read anew. ``at`` is the UTC time of the last byte."""

    registers: tuple[Register, ...]
    at: datetime
    baudrate: int | None = None


class MeterEdge(Protocol):
    """One meter on the line."""

    async def read(self) -> Success | Miss:
        """Read it once. Cancelled, it leaves the meter and the port usable."""

    def pushes(self) -> AsyncGenerator[Success | Miss | HeldBack, None]:
        """Listen to a meter that sends unasked; ends only with its task."""

    def fast(self) -> AsyncGenerator[FastRound, None]:
        """Read the fast registers round after round; closed, it leaves the meter and the port usable.

        Raises RefusedError where the meter will not, MeterError and LineError when it broke off.
        """

    def profile(self, since: datetime, until: datetime) -> AsyncGenerator[list[Period], None]:
        """Read the load profile slice by slice; closed or cancelled, it leaves the meter and the port usable.

        Asked for the same time again, it goes on where it was left. Raises as ``fast`` does.
        """

    async def returned(self) -> None:
        """Return when the port, now missing, is there again."""

    async def close(self) -> None:
        """Give the port back."""


class PublisherEdge(Protocol):
    """Where readings go. None of this blocks."""

    def meter_added(self, meter: MeterIdentity, options: MeterOptions) -> None:
        """Publish this meter from now on, or with other options; it replaces another one in its slot."""

    def slot_removed(self, slot: str) -> None:
        """Forget a name of the configuration; its meter is known by another one, or was removed."""

    def meter_removed(self, meter_id: str) -> None:
        """Remove a meter that is configured no more."""

    def publish_reading(self, reading: Reading, derived: Derived, health: Health) -> None:
        """Hand on a reading of a meter that was added, with what follows from it."""

    def publish_update(self, reading: Reading, derived: Derived) -> None:
        """Hand on a reading of which only some registers are new; how reading goes is as it was."""

    def publish_event(self, meter_id: str, event: MeterEvent) -> None:
        """Tell what happened to a meter that was added, apart from a reading."""

    def meter_available(self, meter_id: str, available: bool, health: Health) -> None:  # noqa: FBT001 - said by the call
        """Tell whether a meter that was added can be read."""
