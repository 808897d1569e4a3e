"""What the gateway sends, as checked types. Knows nothing of Home Assistant.

Members that are missing have defaults and unknown ones are ignored, so that older and newer gateways fit. What is of the
wrong type raises: a document like that is nobody's.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

Json = Mapping[str, Any]

LONGEST_ID = 200
LONGEST_NAME = 255
LONGEST_TEXT = 4096
"""Of what a meter prints, and of reasons."""
LARGEST_COUNT = 2**63
MOST_REGISTERS = 2000
MOST_METERS = 2000
MOST_TARIFFS = 100
MOST_DETAILS = 16
"""What varies in a name, and what is told of an event: Home Assistant's recorder takes no more."""

_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?")


class GatewayError(Exception):
    """Something went wrong with the gateway."""


class GatewayResponseError(GatewayError):
    """The gateway's answer is not one."""


def _checked[T](document: Json, name: str, kinds: tuple[type, ...], default: T) -> T:
    value = document.get(name, default)
    if value is default or value is None:
        return default
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise GatewayResponseError(f"'{name}' is of the wrong type")
    return value  # type: ignore[return-value]


def _text(document: Json, name: str, longest: int = LONGEST_NAME) -> str | None:
    """Return a text; None where there is none, or nothing that can be seen."""
    value: str | None = _checked(document, name, (str,), None)
    return None if value is None else printable(value, longest).strip() or None


def printable(text: str, longest: int = LONGEST_TEXT) -> str:
    """Return a text without what breaks lines, logs and databases."""
    text = text[:longest]
    return text if text.isprintable() else "".join(sign if sign.isprintable() else " " for sign in text)


def _id(document: Json, name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_ID or not value.isprintable():
        raise GatewayResponseError(f"'{name}' is missing or no name")
    return value


def _count(document: Json, name: str) -> int:
    value = _checked(document, name, (int,), 0)
    if value >= LARGEST_COUNT:
        raise GatewayResponseError(f"'{name}' is no count")
    return max(0, value)


def _number(document: Json, name: str) -> float | None:
    value: float | None = _checked(document, name, (int, float), None)
    if value is None:
        return None
    # JSON has no bounds: 1e999 is infinite here, and a whole number may have thousands of digits.
    if abs(value) >= LARGEST_COUNT or not math.isfinite(value):
        raise GatewayResponseError(f"'{name}' is out of range")
    return float(value)


def _time(document: Json, name: str) -> datetime | None:
    text = _text(document, name)
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
        # Zones move times at either end of the calendar out of it.
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise GatewayResponseError(f"'{name}' is no time") from error


def _map[T](document: Json, name: str, kind: type[T], most: int = MOST_REGISTERS) -> dict[str, T | None]:
    found: dict[str, Any] = _checked(document, name, (dict,), {})
    if len(found) > most:
        raise GatewayResponseError(f"'{name}' has more than {most} entries")
    if not all(value is None or isinstance(value, kind) for value in found.values()):
        raise GatewayResponseError(f"'{name}' has a value of the wrong type")
    return {printable(key, LONGEST_ID): value for key, value in found.items()}


def _texts(document: Json, name: str, most: int = MOST_REGISTERS) -> dict[str, str]:
    """Return a map of texts; what is null is left out."""
    found = _map(document, name, str, most)
    return {key: printable(value, LONGEST_NAME) for key, value in found.items() if value is not None}


def _list[T](document: Json, name: str, make: Callable[[Json], T], most: int) -> tuple[T, ...]:
    found: list[Any] = _checked(document, name, (list,), [])
    if len(found) > most:
        raise GatewayResponseError(f"'{name}' has more than {most} entries")
    return tuple(make(object_of(one)) for one in found)


def object_of(value: object) -> Json:
    """Return a JSON object; raises GatewayResponseError for anything else."""
    if not isinstance(value, dict):
        raise GatewayResponseError("not a JSON object")
    return value


@dataclass(frozen=True, slots=True)
class Gateway:
    """The gateway itself."""

    id: str
    name: str
    version: str | None
    api: str
    stream: str | None = None
    sequence: int = 0

    @classmethod
    def from_json(cls, document: Json) -> Gateway:
        """Return it from the API's Gateway."""
        return cls(
            _id(document, "id"),
            _text(document, "name") or "OBIS Gateway",
            _text(document, "version"),
            _text(document, "api") or "1.0",
            _text(document, "stream"),
            _count(document, "sequence"),
        )


@dataclass(frozen=True, slots=True)
class Register:
    """One register and what it means. ``kind`` other than ``number`` is text."""

    id: str
    name: str
    obis: str | None = None
    address: str | None = None
    kind: str = "text"
    unit: str | None = None
    device_class: str | None = None
    state_class: str | None = None
    precision: int | None = None
    diagnostic: bool = False
    enabled: bool = True
    billing_period: int | None = None
    translation_key: str | None = None
    placeholders: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, document: Json) -> Register:
        """Return it from the API's Register."""
        register_id = _id(document, "id")
        address = _text(document, "address")
        return cls(
            id=register_id,
            name=_text(document, "name") or address or register_id,
            obis=_text(document, "obis"),
            address=address,
            kind=_text(document, "kind") or "text",
            unit=_text(document, "unit"),
            device_class=_text(document, "device_class"),
            state_class=_text(document, "state_class"),
            precision=_checked(document, "precision", (int,), None),
            diagnostic=_text(document, "category") == "diagnostic",
            enabled=_checked(document, "enabled", (bool,), True),  # noqa: FBT003
            billing_period=_checked(document, "billing_period", (int,), None),
            translation_key=_text(document, "translation_key"),
            placeholders=_texts(document, "placeholders", MOST_DETAILS),
        )

    @property
    def label(self) -> str:
        """Name and code, for lists to choose from."""
        return f"{self.name} ({self.obis or self.address or self.id})"


@dataclass(frozen=True, slots=True)
class Threshold:
    """A limit that the gateway watches. Numbers are text, with their digits."""

    id: str
    name: str
    register: str | None = None
    above: str | None = None
    below: str | None = None
    unit: str | None = None
    hysteresis: str = "0"
    seconds: float = 0.0
    from_client: bool = False

    @classmethod
    def from_json(cls, document: Json) -> Threshold:
        """Return it from the API's Threshold."""
        threshold_id = _id(document, "id")
        return cls(
            threshold_id,
            _text(document, "name") or threshold_id,
            _text(document, "register"),
            _text(document, "above"),
            _text(document, "below"),
            _text(document, "unit"),
            _text(document, "hysteresis") or "0",
            _number(document, "for") or 0.0,
            _text(document, "source") == "client",
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading. ``values`` by register id are the digits of the line, None where they are no number."""

    at: datetime | None = None
    duration: float | None = None
    tariff: str | None = None
    values: Mapping[str, str | None] = field(default_factory=dict)
    times: Mapping[str, str] = field(default_factory=dict)
    thresholds: Mapping[str, bool | None] = field(default_factory=dict)

    @classmethod
    def from_json(cls, document: Json) -> Reading:
        """Return it from the API's Reading."""
        return cls(
            _time(document, "at"),
            _number(document, "duration"),
            _text(document, "tariff"),
            {key: value and printable(value) for key, value in _map(document, "values", str).items()},
            _texts(document, "times"),
            _map(document, "thresholds", bool),
        )

    def number(self, register_id: str) -> Decimal | None:
        """Return a register's value as the exact number; None where there is none."""
        text = self.values.get(register_id)
        return None if text is None or _NUMBER.fullmatch(text) is None else Decimal(text)


@dataclass(frozen=True, slots=True)
class Health:
    """How reading a meter goes since the gateway started."""

    reads: int = 0
    failures: int = 0
    silences: int = 0
    parity_errors: int = 0
    block_check_errors: int = 0
    reads_today: int = 0
    last_success: datetime | None = None
    last_duration: float | None = None
    baudrate: int | None = None
    last_error: str | None = None

    @classmethod
    def from_json(cls, document: Json) -> Health:
        """Return it from the API's Health."""
        return cls(
            _count(document, "reads"),
            _count(document, "failures"),
            _count(document, "silences"),
            _count(document, "parity_errors"),
            _count(document, "block_check_errors"),
            _count(document, "reads_today"),
            _time(document, "last_success"),
            _number(document, "last_duration"),
            _count(document, "baudrate") or None,
            _text(document, "last_error", LONGEST_TEXT),
        )


@dataclass(frozen=True, slots=True)
class Meter:
    """One meter with its newest reading."""

    id: str
    name: str
    number: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    medium: str | None = None
    available: bool = False
    problem: str | None = None
    replaced_by: str | None = None
    interval: float | None = None
    on_request: bool = True
    tariffs: tuple[str, ...] = ()
    registers: Mapping[str, Register] = field(default_factory=dict)
    thresholds: tuple[Threshold, ...] = ()
    reading: Reading | None = None
    health: Health = field(default_factory=Health)
    adopted: bool | None = None

    @classmethod
    def from_json(cls, document: Json) -> Meter:
        """Return it from the API's Meter."""
        meter_id = _id(document, "id")
        registers = _list(document, "registers", Register.from_json, MOST_REGISTERS)
        tariffs: list[Any] = _checked(document, "tariffs", (list,), [])
        if len(tariffs) > MOST_TARIFFS or not all(isinstance(tariff, str) for tariff in tariffs):
            raise GatewayResponseError("'tariffs' has a value of the wrong type, or too many")
        reading = document.get("reading")
        return cls(
            id=meter_id,
            name=_text(document, "name") or meter_id,
            number=_text(document, "number"),
            manufacturer=_text(document, "manufacturer"),
            model=_text(document, "model"),
            medium=_text(document, "medium"),
            available=_checked(document, "available", (bool,), False),  # noqa: FBT003
            problem=_text(document, "problem", LONGEST_TEXT),
            replaced_by=_text(document, "replaced_by"),
            interval=_number(document, "interval"),
            on_request=_checked(document, "on_request", (bool,), True),  # noqa: FBT003
            tariffs=tuple(dict.fromkeys(printable(tariff, LONGEST_NAME) for tariff in tariffs)),
            registers={register.id: register for register in registers},
            thresholds=_list(document, "thresholds", Threshold.from_json, MOST_REGISTERS),
            reading=None if reading is None else Reading.from_json(object_of(reading)),
            health=_health(document),
            adopted=_checked(document, "adopted", (bool,), None),
        )


def meters_of(document: Json) -> dict[str, Meter]:
    """Return the meters of a document that lists them, by id; of two with the same one the first."""
    meters: dict[str, Meter] = {}
    for meter in _list(document, "meters", Meter.from_json, MOST_METERS):
        meters.setdefault(meter.id, meter)
    return meters


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All meters as of ``sequence`` of ``stream``; ``complete`` is False when events may have been missed."""

    meters: Mapping[str, Meter]
    stream: str | None
    sequence: int
    complete: bool = True

    @classmethod
    def from_json(cls, document: Json) -> Snapshot:
        """Return it from the API's Meters, or from a stream's snapshot."""
        return cls(
            meters_of(document),
            _text(document, "stream"),
            _count(document, "sequence"),
            _checked(document, "complete", (bool,), True),  # noqa: FBT003
        )


# --- messages of the stream


@dataclass(frozen=True, slots=True)
class Welcome:
    """The first message."""

    gateway: Gateway


@dataclass(frozen=True, slots=True)
class NewReading:
    """A meter was read."""

    sequence: int
    meter: str
    reading: Reading
    health: Health


@dataclass(frozen=True, slots=True)
class Availability:
    """A meter can be read, or not any more."""

    sequence: int
    meter: str
    available: bool
    problem: str | None
    health: Health


@dataclass(frozen=True, slots=True)
class MeterEvent:
    """Something happened at a meter."""

    sequence: int
    meter: str
    event_type: str
    at: datetime | None
    details: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class MeterChanged:
    """A meter is new, or has new registers or options."""

    sequence: int
    meter: Meter


@dataclass(frozen=True, slots=True)
class MeterRemoved:
    """A meter is configured no more."""

    sequence: int
    meter: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something of a newer gateway."""

    sequence: int


type Change = NewReading | Availability | MeterEvent | MeterChanged | MeterRemoved | Unknown
"""What is numbered, each one more than the one before."""

type Message = Welcome | Snapshot | Change


def message_of(document: Json) -> Message:
    """Return a message of the stream."""
    sequence = _count(document, "sequence")
    match document.get("type"):
        case "welcome":
            return Welcome(Gateway.from_json(object_of(document.get("gateway"))))
        case "snapshot":
            return Snapshot.from_json(document)
        case "reading":
            reading = Reading.from_json(object_of(document.get("reading")))
            return NewReading(sequence, _id(document, "meter"), reading, _health(document))
        case "availability":
            available = _checked(document, "available", (bool,), False)  # noqa: FBT003
            problem = _text(document, "problem", LONGEST_TEXT)
            return Availability(sequence, _id(document, "meter"), available, problem, _health(document))
        case "event":
            at, details = _time(document, "at"), _texts(document, "details", MOST_DETAILS)
            return MeterEvent(sequence, _id(document, "meter"), _id(document, "event_type"), at, details)
        case "meter":
            return MeterChanged(sequence, Meter.from_json(object_of(document.get("description"))))
        case "meter_removed":
            return MeterRemoved(sequence, _id(document, "meter"))
        case _:
            return Unknown(sequence)


def _health(document: Json) -> Health:
    return Health.from_json(object_of(document.get("health") or {}))
