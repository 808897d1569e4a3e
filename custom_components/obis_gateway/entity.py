"""What all entities share, and how they come and go with what a meter shows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import override

from homeassistant.core import callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .const import DOMAIN
from .coordinator import GatewayCoordinator, ObisConfigEntry
from .devices import async_device_of
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
    """Something about one meter. Its state is written when it changed."""

    _attr_has_entity_name = True
    about_reading = True
    """Whether it is part of a reading, and not known while the meter cannot be read."""

    def __init__(self, coordinator: GatewayCoordinator, meter_id: str, key: str) -> None:
        super().__init__(coordinator, meter_id)
        self.meter_id = meter_id
        self._attr_unique_id = f"{meter_id}_{key}"
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, meter_id)})
        self.on_added: Callable[[], None] | None = None
        """Is called when Home Assistant has taken it; None from then on."""
        self._written: object = None

    @property
    def meter(self) -> Meter | None:
        """The meter as it was read last; None while the gateway does not have it."""
        return self.coordinator.meter(self.meter_id)

    @property
    @override
    def available(self) -> bool:
        """Whether the value is known to be that of the meter."""
        meter = self.meter
        return super().available and meter is not None and (meter.available or not self.about_reading)

    @abstractmethod
    def _shown(self, meter: Meter) -> object:
        """Return all that is shown of a meter, to compare."""

    def _facts(self) -> object:
        meter = self.meter
        return None if meter is None or not self.available else (self._shown(meter),)

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self._written = self._facts()
        on_added, self.on_added = self.on_added, None
        if on_added is not None:
            on_added()

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        facts = self._facts()
        if facts != self._written:
            self._written = facts
            self.async_write_ha_state()


@dataclass(frozen=True, slots=True)
class Wish:
    """An entity that a meter should have. One that is ``made_of`` something else is made anew."""

    made_of: object
    make: Callable[[], MeterEntity]


type _Place = tuple[str, str]
"""A meter's id and the end of the entity's unique id."""


class MeterEntities:
    """One platform's entities of all meters: they come when they are first seen.

    ``wishes`` returns them by the end of their unique ids; what is not ``lasting`` goes when it is wished no more.
    """

    def __init__(
        self,
        entry: ObisConfigEntry,
        platform: str,
        add: AddConfigEntryEntitiesCallback,
        wishes: Callable[[Meter], Mapping[str, Wish]],
        *,
        lasting: bool = True,
    ) -> None:
        self._entry = entry
        self._coordinator = entry.runtime_data
        self._platform = platform
        self._add = add
        self._wishes = wishes
        self._lasting = lasting
        self._latest: dict[_Place, Wish] = {}
        self._present: dict[_Place, tuple[object, MeterEntity]] = {}
        entry.async_on_unload(self._coordinator.async_add_meter_listener(self._follow))

    @callback
    def _follow(self, meter: Meter) -> None:
        wishes = self._wishes(meter)
        new = []
        for key, wish in wishes.items():
            place = meter.id, key
            self._latest[place] = wish
            if place in self._present:
                self._renew(place)
            else:
                new.append(self._made(place))
        if new:
            self._add(new)
        if not self._lasting:
            self._prune(meter.id, wishes)

    @callback
    def _made(self, place: _Place) -> MeterEntity:
        wish = self._latest[place]
        entity = wish.make()
        self._present[place] = wish.made_of, entity

        @callback
        def gone() -> None:
            # Also when the user disables it: it may be wanted again.
            if (present := self._present.get(place)) is not None and present[1] is entity:
                del self._present[place]

        entity.async_on_remove(gone)
        entity.on_added = partial(self._renew, place)
        return entity

    @callback
    def _renew(self, place: _Place) -> None:
        """Make an entity anew where it is another one by now, as soon as Home Assistant has taken it."""
        made_of, entity = self._present[place]
        if made_of != self._latest[place].made_of and entity.on_added is None:
            name = f"renew {entity.entity_id}"
            self._entry.async_create_task(self._coordinator.hass, self._replace(place, entity), name)

    async def _replace(self, place: _Place, entity: MeterEntity) -> None:
        """Add an entity in place of another; Home Assistant then sees to its unit and its statistics."""
        await entity.async_remove()
        if place not in self._present:
            self._add([self._made(place)])

    @callback
    def _prune(self, meter_id: str, wishes: Mapping[str, Wish]) -> None:
        """Remove what is not wished any more, also what was left by an earlier run."""
        hass = self._coordinator.hass
        device = async_device_of(hass, self._entry.entry_id, meter_id)
        if device is None:
            return
        registry = er.async_get(hass)
        wished = {f"{meter_id}_{key}" for key in wishes}
        for entity in er.async_entries_for_device(registry, device.id, include_disabled_entities=True):
            ours = entity.platform == DOMAIN and entity.domain == self._platform
            if ours and entity.config_entry_id == self._entry.entry_id and entity.unique_id not in wished:
                registry.async_remove(entity.entity_id)
