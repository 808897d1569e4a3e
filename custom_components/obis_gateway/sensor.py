"""Registers, the tariff in force, and how reading a meter goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import MAX_LENGTH_STATE_STATE, EntityCategory, Platform, UnitOfTime
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .chosen import async_enable
from .coordinator import GatewayCoordinator, ObisConfigEntry
from .describe import NUMBER, Names, async_names, described
from .entity import MeterEntities, MeterEntity, Wish
from .models import Health, Meter, Register

# All values come by the coordinator.
PARALLEL_UPDATES = 0

ATTR_TIME: Final = "time"


@dataclass(frozen=True, kw_only=True)
class HealthSensorDescription(SensorEntityDescription):
    """A fact of how reading goes."""

    value: Callable[[Health], int | float | str | datetime | None]
    entity_category: EntityCategory | None = EntityCategory.DIAGNOSTIC


_COUNT: Final = SensorStateClass.TOTAL_INCREASING

# What changes at each reading would fill the database with what is of little use: it is there to be enabled.
HEALTH: Final = (
    HealthSensorDescription(
        key="last_success",
        translation_key="last_success",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_registry_enabled_default=False,
        value=lambda health: health.last_success,
    ),
    HealthSensorDescription(
        key="last_duration",
        translation_key="last_duration",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        entity_registry_enabled_default=False,
        value=lambda health: health.last_duration,
    ),
    HealthSensorDescription(
        key="baudrate",
        translation_key="baudrate",
        native_unit_of_measurement="Bd",
        entity_registry_enabled_default=False,
        value=lambda health: health.baudrate,
    ),
    HealthSensorDescription(
        key="failures", translation_key="failures", state_class=_COUNT, value=lambda health: health.failures
    ),
    HealthSensorDescription(
        key="silences",
        translation_key="silences",
        state_class=_COUNT,
        entity_registry_enabled_default=False,
        value=lambda health: health.silences,
    ),
    HealthSensorDescription(
        key="parity_errors",
        translation_key="parity_errors",
        state_class=_COUNT,
        value=lambda health: health.parity_errors,
    ),
    HealthSensorDescription(
        key="block_check_errors",
        translation_key="block_check_errors",
        state_class=_COUNT,
        value=lambda health: health.block_check_errors,
    ),
    HealthSensorDescription(
        key="reads_today",
        translation_key="reads_today",
        state_class=_COUNT,
        entity_registry_enabled_default=False,
        value=lambda health: health.reads_today,
    ),
    HealthSensorDescription(
        key="last_error",
        translation_key="last_error",
        value=lambda health: health.last_error and health.last_error[:MAX_LENGTH_STATE_STATE],
    ),
)

TARIFF: Final = SensorEntityDescription(key="tariff", translation_key="tariff", device_class=SensorDeviceClass.ENUM)


async def async_setup_entry(
    hass: HomeAssistant, entry: ObisConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Set up the sensors of all meters that are shown."""
    names = await async_names(hass, Platform.SENSOR)
    MeterEntities(entry, Platform.SENSOR, async_add_entities, partial(_wishes, entry.runtime_data, names))


def _wishes(coordinator: GatewayCoordinator, names: Names, meter: Meter) -> dict[str, Wish]:
    wishes: dict[str, Wish] = {}
    for register in meter.registers.values():
        description = described(register, names, wanted=(meter.id, register.id) in coordinator.chosen)
        made_of = description, register.placeholders
        wishes[register.id] = Wish(made_of, partial(RegisterSensor, coordinator, meter.id, register, description))
    for fact in HEALTH:
        wishes[fact.key] = Wish(fact, partial(HealthSensor, coordinator, meter.id, fact))
    if meter.tariffs:
        wishes[TARIFF.key] = Wish(TARIFF, partial(TariffSensor, coordinator, meter.id))
    return wishes


class RegisterSensor(MeterEntity, SensorEntity):
    """A register's value, with the digits of the line."""

    def __init__(
        self, coordinator: GatewayCoordinator, meter_id: str, register: Register, description: SensorEntityDescription
    ) -> None:
        super().__init__(coordinator, meter_id, register.id)
        self.entity_description = description
        self._attr_translation_placeholders = register.placeholders
        self._register = register.id
        self._is_number = register.kind == NUMBER
        if (meter_id, register.id) in coordinator.chosen:
            async_enable(coordinator.hass, f"{meter_id}_{register.id}")

    @property
    @override
    def native_value(self) -> str | None:
        """The number as text, since numbers with a point would lose zeros; None where there is none."""
        meter = self.meter
        return None if meter is None else self._value(meter)

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        """The meter's own time of the value, as that of a maximum."""
        meter = self.meter
        time = None if meter is None else self._time(meter)
        return None if time is None else {ATTR_TIME: time}

    def _value(self, meter: Meter) -> str | None:
        if (reading := meter.reading) is None:
            return None
        if self._is_number:
            number = reading.number(self._register)
            return None if number is None else f"{number:f}"
        # Home Assistant takes no longer states.
        return (reading.values.get(self._register) or "")[:MAX_LENGTH_STATE_STATE] or None

    def _time(self, meter: Meter) -> str | None:
        return None if meter.reading is None else meter.reading.times.get(self._register)

    @override
    def _shown(self, meter: Meter) -> object:
        # What is measured is written at each reading: integrals and derivatives of it need to hear that it stayed.
        measured = None if self.entity_description.state_class is None else meter.reading
        return measured, self._value(meter), self._time(meter)


class TariffSensor(MeterEntity, SensorEntity):
    """The tariff in force."""

    entity_description = TARIFF

    def __init__(self, coordinator: GatewayCoordinator, meter_id: str) -> None:
        super().__init__(coordinator, meter_id, TARIFF.key)
        self._tariffs: list[str] = []

    @property
    @override
    def options(self) -> list[str]:
        """All tariffs that the meter has shown, also before the gateway was started anew."""
        if (meter := self.meter) is not None and meter.tariffs:
            self._tariffs = [tariff for tariff in meter.tariffs if len(tariff) <= MAX_LENGTH_STATE_STATE]
        return self._tariffs

    @property
    @override
    def native_value(self) -> str | None:
        """The tariff; None while it is not known."""
        meter = self.meter
        tariff = None if meter is None or meter.reading is None else meter.reading.tariff
        return tariff if tariff in self.options else None

    @override
    def _shown(self, meter: Meter) -> object:
        return self.native_value, meter.tariffs


class HealthSensor(MeterEntity, SensorEntity):
    """How reading goes; also while it does not."""

    entity_description: HealthSensorDescription
    about_reading = False

    def __init__(self, coordinator: GatewayCoordinator, meter_id: str, description: HealthSensorDescription) -> None:
        super().__init__(coordinator, meter_id, description.key)
        self.entity_description = description

    @property
    @override
    def native_value(self) -> int | float | str | datetime | None:
        """The fact."""
        meter = self.meter
        return None if meter is None else self.entity_description.value(meter.health)

    @override
    def _shown(self, meter: Meter) -> object:
        return self.entity_description.value(meter.health)
