"""Making the messages of a reading once before there is one: what runs for the first time takes longer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from obisgw.readings.derive import DerivedState, derive
from obisgw.readings.published import published
from obisgw.readings.reading import Health
from obisgw.readings.shown import GatewayInfo, MeterOptions

from .discovery import MeterDocument
from .states import gateway_state, health_state, reading_state

if TYPE_CHECKING:
    from obisgw.readings.reading import Reading


def rehearse(reading: Reading) -> None:
    """Make every message of a reading and let go of them."""
    _, derived = derive(DerivedState(), reading)
    items = tuple(published(reading.registers))
    document = MeterDocument(reading.meter, GatewayInfo(), options=MeterOptions(60.0))
    # The second time, the document does not grow.
    document = document.grown(items, derived.tariffs).grown(items, derived.tariffs)
    document.payload()
    reading_state(reading, items, derived)
    health_state(Health(last_success=reading.at, last_duration=reading.duration))
    gateway_state(document.gateway, 1, reading.at)
