"""What is published of a reading, of the health of reading, of an event, and of the gateway: JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from obisgw.readings.derive import Derived, MeterEvent
    from obisgw.readings.published import Published
    from obisgw.readings.reading import Health, Reading
    from obisgw.readings.shown import GatewayInfo


class Key(StrEnum):
    """Names in a reading's state."""

    AT = "at"
    TARIFF = "tariff"
    REGISTERS = "registers"
    TIMES = "times"
    THRESHOLDS = "thresholds"


def reading_state(reading: Reading, items: Iterable[Published], derived: Derived) -> bytes:
    """Return all registers of one telegram together.

    ``at``: UTC time of the telegram's last byte. ``tariff``: the one in force or null. ``registers``: value by key, text
    with the digits of the line; null for a number that is none. ``times``: time stamps sent with values, in the meter's
    local time, by key. ``thresholds``: true or false by id, null where the telegram does not tell.
    """
    items = tuple(items)
    return _json(
        {
            Key.AT: _utc(reading.at),
            Key.TARIFF: derived.tariff,
            Key.REGISTERS: {item.key: item.value for item in items},
            Key.TIMES: {item.key: time.isoformat() for item in items if (time := item.register.time) is not None},
            Key.THRESHOLDS: dict(derived.thresholds),
        }
    )


def is_reading_state(payload: bytes) -> bool:
    """Tell whether ``payload`` has the form of a reading's state: a broker may keep anything at our topic."""
    try:
        document = json.loads(payload)
        datetime.fromisoformat(document[Key.AT])
        registers, times = document[Key.REGISTERS], document[Key.TIMES]
        texts = all(isinstance(value, str | None) for value in (*registers.values(), *times.values()))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False
    # Versions before 0.3 knew no thresholds.
    return texts and document.keys() | {Key.THRESHOLDS} == set(Key)


def health_state(health: Health) -> bytes:
    """Return the counts since the service started; ``last_success`` is UTC, ``last_duration`` seconds."""
    duration = health.last_duration
    return _json(
        {
            "last_success": None if health.last_success is None else _utc(health.last_success),
            "last_duration": None if duration is None else f"{duration:.3f}",
            "baudrate": health.baudrate,
            "reads": health.reads,
            "failures": health.failures,
            "silences": health.silences,
            "parity_errors": health.parity_errors,
            "block_check_errors": health.block_check_errors,
            "reads_today": health.reads_today,
            "clock_deviation": health.clock_deviation,
            "last_error": None if health.last_error is None else health.last_error[:255],
        }
    )


def event_state(event: MeterEvent) -> bytes:
    """Return an event: ``event_type``, ``at`` and what it is about."""
    return _json({"event_type": event.kind.value, Key.AT: _utc(event.at), **dict(event.details)})


def gateway_state(gateway: GatewayInfo, meters: int, last_read: datetime | None) -> bytes:
    """Return the state of the gateway itself."""
    return _json(
        {"meters": meters, "last_read": None if last_read is None else _utc(last_read), "version": gateway.version}
    )


def _utc(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds")


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
