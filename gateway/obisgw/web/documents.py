"""What the API says of meters, registers and readings: JSON objects made of our types, nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from obisgw.obis import Category, billing_period_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from obisgw.readings.derive import Derived, MeterEvent
    from obisgw.readings.published import Published
    from obisgw.readings.reading import Health, MeterIdentity, Reading
    from obisgw.readings.shown import MeterOptions
    from obisgw.readings.thresholds import Threshold

Json = dict[str, Any]


def register_document(item: Published) -> Json:
    """Return a register with its description. ``unit`` is Home Assistant's; ``id`` the same for ever."""
    register, description = item.register, item.register.description
    code = register.code
    suffix = item.key.removeprefix(description.key).strip("_")
    return {
        "id": item.component,
        "key": item.key,
        "obis": None if code is None else str(code),
        "address": register.address,
        "name": f"{description.name} ({suffix})" if suffix else description.name,
        "kind": description.kind.value,
        "unit": description.unit,
        "device_class": None if description.newer_class is None else description.newer_class.value,
        "state_class": None if description.state_class is None else description.state_class.value,
        "precision": description.precision,
        "category": "diagnostic" if description.category is Category.DIAGNOSTIC else None,
        "enabled": description.enabled_by_default,
        "billing_period": None if code is None else billing_period_of(code),
        "translation_key": None if suffix else description.translation_key,
        "placeholders": dict(description.placeholders),
    }


def reading_document(reading: Reading, items: Iterable[Published], derived: Derived) -> Json:
    """Return a reading: values by register id, as text with the digits of the line; null for a number that is none."""
    items = tuple(items)
    return {
        "at": utc(reading.at),
        "duration": round(reading.duration, 3),
        "tariff": derived.tariff,
        "values": {item.component: item.value for item in items},
        "times": {item.component: time.isoformat() for item in items if (time := item.register.time) is not None},
        "thresholds": dict(derived.thresholds),
    }


def health_document(health: Health) -> Json:
    """Return how reading a meter goes since the service started."""
    margin, duration = health.switch_margin, health.last_duration
    return {
        "reads": health.reads,
        "failures": health.failures,
        "silences": health.silences,
        "parity_errors": health.parity_errors,
        "block_check_errors": health.block_check_errors,
        "reads_today": health.reads_today,
        "last_success": None if health.last_success is None else utc(health.last_success),
        "last_duration": None if duration is None else round(duration, 3),
        "baudrate": health.baudrate,
        "switch_margin": None if margin is None else round(margin, 3),
        "clock_deviation": health.clock_deviation,
        "last_error": None if health.last_error is None else health.last_error[:500],
    }


def event_document(event: MeterEvent) -> Json:
    """Return an event without its meter."""
    return {"event_type": event.kind.value, "at": utc(event.at), "details": dict(event.details)}


def threshold_document(threshold: Threshold, source: str) -> Json:
    """Return a threshold; ``source`` is ``configuration`` or ``client``."""
    return {
        "id": threshold.id,
        "name": threshold.name,
        "register": threshold.register,
        "above": None if threshold.above is None else f"{threshold.above:f}",
        "below": None if threshold.below is None else f"{threshold.below:f}",
        "unit": threshold.unit,
        "hysteresis": f"{threshold.hysteresis:f}",
        "for": threshold.seconds,
        "source": source,
    }


def identity_document(meter: MeterIdentity, options: MeterOptions) -> Json:
    """Return what is known of a meter before it is read."""
    medium = meter.medium.value.replace("_", " ").capitalize()
    return {
        "id": meter.id,
        "name": options.name or f"{medium} meter {meter.number or meter.id}",
        "number": meter.number,
        "flag": meter.flag,
        "manufacturer": meter.manufacturer,
        "model": meter.model,
        "medium": meter.medium.value,
        "entry": options.slot,
        "interval": options.interval,
        "on_request": options.on_request,
    }


def thresholds_document(thresholds: Iterable[Threshold], client_ids: Iterable[str]) -> list[Json]:
    """Return the thresholds of a meter, those of clients marked as such."""
    of_clients = set(client_ids)
    return [threshold_document(one, "client" if one.id in of_clients else "configuration") for one in thresholds]


def utc(time: datetime) -> str:
    """Return a time as the API writes it: UTC, milliseconds."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
