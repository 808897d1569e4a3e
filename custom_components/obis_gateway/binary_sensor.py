"""Limits that the gateway watches, and whether gateway and meters answer."""

from __future__ import annotations

from functools import partial
from typing import Final, override

from homeassistant.components.binary_sensor import (  # type: ignore[attr-defined] # not exported by newer versions
    BinarySensorDeviceClass,
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.const import EntityCategory, Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import GatewayCoordinator, ObisConfigEntry
from .entity import GatewayEntity, MeterEntities, MeterEntity, Wish
from .models import Meter, Threshold

# All values come by the coordinator.
PARALLEL_UPDATES = 0

CONNECTION: Final = BinarySensorEntityDescription(
    key="connection",
    translation_key="connection",
    device_class=BinarySensorDeviceClass.CONNECTIVITY,
    entity_category=EntityCategory.DIAGNOSTIC,
)
READABLE: Final = BinarySensorEntityDescription(
    key="readable",
    translation_key="readable",
    device_class=BinarySensorDeviceClass.CONNECTIVITY,
    entity_category=EntityCategory.DIAGNOSTIC,
)


async def async_setup_entry(
    hass: HomeAssistant, entry: ObisConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Set up the binary sensors of the gateway and of all meters that are shown."""
    coordinator = entry.runtime_data
    async_add_entities([ConnectionSensor(coordinator)])
    wishes = partial(_wishes, coordinator)
    MeterEntities(entry, Platform.BINARY_SENSOR, async_add_entities, wishes, lasting=False)


def _wishes(coordinator: GatewayCoordinator, meter: Meter) -> dict[str, Wish]:
    wishes = {READABLE.key: Wish(READABLE, partial(ReadableSensor, coordinator, meter.id))}
    for threshold in meter.thresholds:
        key = f"threshold_{threshold.id}"
        wishes[key] = Wish(threshold.name, partial(ThresholdSensor, coordinator, meter.id, key, threshold))
    return wishes


class ConnectionSensor(GatewayEntity, BinarySensorEntity):
    """Whether the gateway answers."""

    entity_description = CONNECTION

    def __init__(self, coordinator: GatewayCoordinator) -> None:
        super().__init__(coordinator, CONNECTION.key)
        self._attr_is_on = coordinator.last_update_success

    @property
    @override
    def available(self) -> bool:
        """Always: that the gateway does not answer is what it tells."""
        return True

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        if self._attr_is_on is not self.coordinator.last_update_success:
            self._attr_is_on = self.coordinator.last_update_success
            self.async_write_ha_state()


class ReadableSensor(MeterEntity, BinarySensorEntity):
    """Whether the meter can be read."""

    entity_description = READABLE
    about_reading = False

    def __init__(self, coordinator: GatewayCoordinator, meter_id: str) -> None:
        super().__init__(coordinator, meter_id, READABLE.key)

    @property
    @override
    def is_on(self) -> bool | None:
        """Whether the last readout was good."""
        meter = self.meter
        return None if meter is None else meter.available

    @override
    def _shown(self, meter: Meter) -> object:
        return meter.available


class ThresholdSensor(MeterEntity, BinarySensorEntity):
    """Whether a value is beyond a limit."""

    def __init__(self, coordinator: GatewayCoordinator, meter_id: str, key: str, threshold: Threshold) -> None:
        super().__init__(coordinator, meter_id, key)
        self._threshold = threshold.id
        self._attr_name = threshold.name

    @property
    @override
    def is_on(self) -> bool | None:
        """Whether it is beyond; None where the reading does not tell."""
        meter = self.meter
        return None if meter is None else self._is_beyond(meter)

    def _is_beyond(self, meter: Meter) -> bool | None:
        return None if meter.reading is None else meter.reading.thresholds.get(self._threshold)

    @override
    def _shown(self, meter: Meter) -> object:
        return self._is_beyond(meter)
