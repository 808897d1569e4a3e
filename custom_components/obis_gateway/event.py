"""What happens at a meter."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from functools import partial
from typing import Any, Final, override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.const import Platform
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.event import async_call_later

from .const import EVENT_TYPES, KEY_EVENTS
from .coordinator import GatewayCoordinator, ObisConfigEntry
from .entity import MeterEntities, MeterEntity, Wish
from .models import Meter, MeterEvent

# All events come by the coordinator.
PARALLEL_UPDATES = 0

ATTR_AT: Final = "at"
APART: Final = 0.002
"""Seconds between two events."""

EVENTS: Final = EventEntityDescription(key=KEY_EVENTS, translation_key="event", event_types=list(EVENT_TYPES))


async def async_setup_entry(
    hass: HomeAssistant, entry: ObisConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Set up an event entity for each meter that is shown."""
    MeterEntities(entry, Platform.EVENT, async_add_entities, partial(_wishes, entry.runtime_data))


def _wishes(coordinator: GatewayCoordinator, meter: Meter) -> dict[str, Wish]:
    return {EVENTS.key: Wish(EVENTS, partial(MeterEventEntity, coordinator, meter.id))}


class MeterEventEntity(MeterEntity, EventEntity):
    """All events of a meter; also while it cannot be read."""

    entity_description = EVENTS
    about_reading = False

    def __init__(self, coordinator: GatewayCoordinator, meter_id: str) -> None:
        super().__init__(coordinator, meter_id, EVENTS.key)
        self._due: deque[MeterEvent] = deque()
        self._timer: CALLBACK_TYPE | None = None

    @override
    async def async_added_to_hass(self) -> None:
        """Listen for events."""
        await super().async_added_to_hass()
        self.async_on_remove(self.coordinator.async_add_event_listener(self.meter_id, self._happened))
        self.async_on_remove(self._end)

    @callback
    def _happened(self, event: MeterEvent) -> None:
        if event.event_type in EVENT_TYPES:
            self._due.append(event)
            if self._timer is None:
                self._next()

    @callback
    def _next(self, _: datetime | None = None) -> None:
        """Show the next event; two in one millisecond, as after an absence, would be one to triggers."""
        self._timer = None
        if self._due:
            self._show(self._due.popleft())
            self._timer = async_call_later(self.hass, APART, HassJob(self._next, cancel_on_shutdown=True))

    @callback
    def _end(self) -> None:
        if self._timer is not None:
            self._timer()

    @callback
    def _show(self, event: MeterEvent) -> None:
        attributes: dict[str, Any] = {key: text for key, text in event.details.items() if key != "event_type"}
        if event.at is not None:
            # Later than this where the gateway could not be reached in between.
            attributes[ATTR_AT] = event.at.isoformat()
        self._trigger_event(event.event_type, attributes)
        self.async_write_ha_state()

    @override
    def _shown(self, meter: Meter) -> object:
        return None
