"""A meter's newest reading as documents and as a table. Digits stay text: nothing is rounded or counted again."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC
from typing import Any, Final

from .models import Meter, Reading, Register

type NameOf = Callable[[Register], str]

COLUMNS: Final = (
    "meter",
    "meter_name",
    "meter_number",
    "time",
    "code",
    "register",
    "name",
    "value",
    "unit",
    "own_time",
)


def is_meant(register: Register, wanted: str) -> bool:
    """Tell whether ``wanted`` names a register: by its code, with or without its outer groups, its address or its id."""
    code = register.obis or ""
    inner = code.partition(":")[2]
    names = {register.id, register.address, code, inner, code.partition("*")[0], inner.partition("*")[0]}
    return wanted.strip() in names - {"", None}


def chosen(meter: Meter, wanted: Iterable[str]) -> list[str]:
    """Return the ids of the registers that were read and are wanted; of all that were read, where none is named."""
    wanted = tuple(wanted)
    values = {} if meter.reading is None else meter.reading.values
    return [
        register_id
        for register_id in values
        if not wanted or any(is_meant(_register(meter, register_id), one) for one in wanted)
    ]


def meter_document(meter: Meter, device_id: str, registers: Iterable[str], name_of: NameOf) -> dict[str, Any]:
    """Return a meter with its newest reading, reduced to some registers."""
    return {
        "meter": meter.id,
        "name": meter.name,
        "number": meter.number,
        "manufacturer": meter.manufacturer,
        "model": meter.model,
        "medium": meter.medium,
        "device_id": device_id,
        **reading_document(meter, meter.reading, registers, name_of),
    }


def reading_document(
    meter: Meter, reading: Reading | None, registers: Iterable[str], name_of: NameOf
) -> dict[str, Any]:
    """Return a reading: times as ISO 8601, values as text with the digits of the line, None where they are no number."""
    if reading is None:
        return {"time": None, "duration": None, "tariff": None, "registers": {}}
    return {
        "time": _time(reading),
        "duration": reading.duration,
        "tariff": reading.tariff,
        "registers": {
            register_id: _value_document(_register(meter, register_id), reading, name_of) for register_id in registers
        },
    }


def table(documents: Iterable[Mapping[str, Any]]) -> str:
    """Return meters' documents as CSV (RFC 4180), one line a register, with a heading."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for meter in documents:
        about = (meter["meter"], meter["name"], meter["number"], meter["time"])
        for register_id, register in meter["registers"].items():
            value = (register[key] for key in ("name", "value", "unit", "time"))
            writer.writerow((*about, register["code"], register_id, *value))
    return text.getvalue()


def _value_document(register: Register, reading: Reading, name_of: NameOf) -> dict[str, Any]:
    return {
        "name": name_of(register),
        "code": register.obis or register.address,
        "value": reading.values[register.id],
        "unit": register.unit,
        "time": reading.times.get(register.id),
    }


def _register(meter: Meter, register_id: str) -> Register:
    """Return a register; of one whose description is still on its way, the name alone."""
    return meter.registers.get(register_id) or Register(register_id, register_id)


def _time(reading: Reading) -> str | None:
    return None if reading.at is None else reading.at.astimezone(UTC).isoformat(timespec="milliseconds")
