"""The form of a dialect's table ``stored``, checked key by key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any, Final

from obisgw.iec62056_21.commands import ReadCommand, is_address, is_argument
from obisgw.iec62056_21.dialect_programming_file import Converters, Types, converted

from .form import Column, Layout, ProfileForm, SeasonDigit
from .meter_time import TimeBase
from .status import VDEW_BITS, Bits, status_named

STORED_KEYS: Final = {item.name for item in fields(ProfileForm)}


def stored_of(table: Mapping[str, Any]) -> ProfileForm:
    """Return what the table says; raises ``ValueError``."""
    if unknown := sorted(table.keys() - STORED_KEYS):
        raise ValueError(f"unknown key {unknown[0]!r} in stored: known are {', '.join(sorted(STORED_KEYS))}")
    return ProfileForm(**converted(table, _TYPES, _CONVERTERS))


def _address(value: str) -> str:
    if not is_address(value):
        raise ValueError(f"{value!r} can be no address")
    return value


def _commands(value: list[object]) -> tuple[ReadCommand, ...]:
    if not value:
        raise ValueError("commands names none")
    return tuple(ReadCommand(command) for command in value)


def _time_format(value: str) -> str:
    if "%" not in value or not is_argument(value):
        raise ValueError(f"time_format cannot be {value!r}")
    return value


def _positive(value: int) -> int:
    if not 0 < value <= 10_000:
        raise ValueError(f"{value} is not from 1 to 10000")
    return value


def _status_bits(value: dict[str, object]) -> Bits:
    """Return VDEW's bits with those that the dialect has otherwise, as ``"08" = "summer_time"``."""
    bits = dict(VDEW_BITS)
    for text, name in value.items():
        try:
            bit = int(text, 16)
        except ValueError:
            bit = 0
        if bit.bit_count() != 1 or bit >= 1 << 32 or not isinstance(name, str):
            raise ValueError(f"status_bits has {text!r}, which is no single bit in hexadecimal digits with a name")
        bits[bit] = status_named(name)
    return MappingProxyType(bits)


def _events(value: dict[str, object]) -> Mapping[str, str]:
    events: dict[str, str] = {}
    for word, meaning in value.items():
        match meaning:
            case str():
                events[word.upper().lstrip("0")] = meaning
            case _:
                raise ValueError(f"events gives {word!r} {meaning!r}, which is no text")
    return MappingProxyType(events)


def _columns(value: list[object]) -> tuple[Column, ...]:
    columns = []
    for one in value:
        match one:
            case [str(address), str(unit)] if is_address(address):
                columns.append(Column(address, unit))
            case _:
                raise ValueError(f"columns has {one!r}, which is no address with its unit")
    return tuple(columns)


_TYPES: Final[Types] = {
    **dict.fromkeys(("commands", "columns"), (list,)),
    **dict.fromkeys(("status_bits", "events"), (dict,)),
    **dict.fromkeys(("lines_per_block", "longest", "late", "period"), (int,)),
    **dict.fromkeys(("row_status", "mean_of_part"), (bool,)),
}
_CONVERTERS: Final[Converters] = {
    "layout": Layout,
    "profile": _address,
    "log_book": lambda value: _address(value) if value else "",
    "commands": _commands,
    "time_format": _time_format,
    "season_digit": SeasonDigit,
    "lines_per_block": _positive,
    "longest": _positive,
    "late": _positive,
    "time_base": TimeBase,
    "status_bits": _status_bits,
    "events": _events,
    "columns": _columns,
    "period": _positive,
}
