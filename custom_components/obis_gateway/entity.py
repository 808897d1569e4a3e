"""What all entities share."""

from __future__ import annotations

from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .const import DOMAIN
from .coordinator import GatewayCoordinator
from .models import Meter


class GatewayEntity(CoordinatorEntity[GatewayCoordinator]):
    """Something about the gateway itself."""

    _attr_has_entity_name = True

    def __init__(self, coordinator: GatewayCoordinator, key: str) -> None:
        super().__init__(coordinator)
        gateway = coordinator.data.gateway
        self._attr_unique_id = f"{gateway.id}_{key}"
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, gateway.id)})


class MeterEntity(CoordinatorEntity[GatewayCoordinator]):
    """Something about one meter."""

    _attr_has_entity_name = True

    def __init__(self, coordinator: GatewayCoordinator, meter_id: str, key: str) -> None:
        super().__init__(coordinator, meter_id)
        self.meter_id = meter_id
        self._attr_unique_id = f"{meter_id}_{key}"
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, meter_id)})

    @property
    def meter(self) -> Meter | None:
        """The meter as it was read last."""
        return self.coordinator.meter(self.meter_id)
