"""The form of ``dialects.toml`` and of an owner's file: one table a dialect, checked key by key."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any, Final

from obisgw.errors import ConfigurationError
from obisgw.obis import Medium

from .block_check import BlockCheckKind
from .dialect import Dialect
from .dialect_programming_file import PROGRAMMING_KEYS, converted, programming_of
from .identification import MODE_B_RATES, MODE_C_RATES, MODE_C_RESERVED_RATES, Mode
from .vdew.form_file import stored_of


def parse_dialects(text: str, where: str) -> tuple[Dialect, ...]:
    """Return the dialects of a TOML text with one table a dialect, in their order."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"not valid TOML: {error}", where=where, hint="correct the file") from error
    return tuple(_dialect(name, table, f"{where}: {name}") for name, table in tables.items())


_KEYS: Final = {item.name for item in fields(Dialect) if item.init} - {"name"}
_NAME: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_FLAG: Final = re.compile(r"[A-Z]{3}")
_CODE: Final = re.compile(r"\d{1,3}-\d{1,3}:\d{1,3}\.\d{1,3}\.\d{1,3}\*\d{1,3}")
_PATTERN: Final = re.compile(r"(?:\d{1,3}|\*)-(?:\d{1,3}|\*):(?:\d{1,3}|\*)\.(?:\d{1,3}|\*)")


def _dialect(name: str, table: Any, where: str) -> Dialect:  # noqa: ANN401
    def wrong(problem: str, hint: str) -> ConfigurationError:
        return ConfigurationError(problem, where=where, hint=hint)

    if not isinstance(table, dict) or not _NAME.fullmatch(name):
        raise wrong("no dialect", "one table [name] a dialect, the name of a-z, 0-9 and -")
    if unknown := sorted(table.keys() - _KEYS):
        raise wrong(f"unknown key {unknown[0]!r}", f"known are {', '.join(sorted(_KEYS))}")
    programming = table.get("programming", {})
    if not isinstance(programming, dict) or (unknown := sorted(programming.keys() - PROGRAMMING_KEYS)):
        problem = (
            f"unknown key {unknown[0]!r} in programming"
            if isinstance(programming, dict)
            else "'programming' is no table"
        )
        raise wrong(problem, f"known are {', '.join(sorted(PROGRAMMING_KEYS))}")
    try:
        values = converted(table, _TYPES, _CONVERTERS)
        if programming:
            values["programming"] = programming_of(programming)
        if "stored" in table:
            values["stored"] = stored_of(values["stored"])
    except (ValueError, re.error) as error:
        raise wrong(str(error), "see the other dialects of the file") from error
    return Dialect(name=name, **values)


_TYPES: Final[dict[str, tuple[type, ...]]] = {
    **dict.fromkeys(("manufacturers", "block_checks"), (list,)),
    **dict.fromkeys(("addresses", "units", "programming", "stored"), (dict,)),
    **dict.fromkeys(("stop_bits", "data_baudrate", "push_baudrate"), (int,)),
    **dict.fromkeys(
        (
            *("block_check_required", "address_required", "bang", "line_end", "wake_up"),
            *("acknowledge", "direct_data", "battery", "answers_named", "load_profile"),
        ),
        (bool,),
    ),
}


def _manufacturers(value: list[object]) -> tuple[str, ...]:
    for flag in value:
        if not isinstance(flag, str) or not _FLAG.fullmatch(flag):
            raise ValueError(f"manufacturers has {flag!r}, which is not three capital letters")
    return tuple(str(flag) for flag in value)


def _model(value: str) -> str:
    re.compile(value)
    return value


def _block_checks(value: list[object]) -> tuple[BlockCheckKind, ...]:
    return tuple(BlockCheckKind(kind) for kind in value)


def _baud_char(value: str) -> str:
    if value not in MODE_C_RATES | MODE_C_RESERVED_RATES | MODE_B_RATES:
        raise ValueError(f"baud_char {value!r} stands for no rate")
    return value


def _stop_bits(value: int) -> int:
    if value not in (1, 2):
        raise ValueError(f"stop_bits is {value}, not 1 or 2")
    return value


def _baudrate(value: int) -> int:
    if not 300 <= value <= 115200:
        raise ValueError(f"{value} baud is out of 300 to 115200")
    return value


def _addresses(value: dict[str, object]) -> Mapping[str, str]:
    for address, code in value.items():
        if not isinstance(code, str) or not _CODE.fullmatch(code):
            raise ValueError(f"addresses gives {address!r} the code {code!r}, which is not of the form A-B:C.D.E*F")
    return MappingProxyType({address: str(code) for address, code in value.items()})


def _units(value: dict[str, object]) -> Mapping[str, str]:
    for pattern, unit in value.items():
        if not isinstance(unit, str) or not _PATTERN.fullmatch(pattern):
            raise ValueError(f"units has {pattern!r}, which is not of the form A-B:C.D with * for any number")
    return MappingProxyType({pattern: str(unit) for pattern, unit in value.items()})


_CONVERTERS: Final[dict[str, Callable[[Any], Any]]] = {
    "manufacturers": _manufacturers,
    "model": _model,
    "medium": Medium,
    "block_checks": _block_checks,
    "baud_char": _baud_char,
    "stop_bits": _stop_bits,
    "mode": Mode,
    "data_baudrate": _baudrate,
    "push_baudrate": _baudrate,
    "addresses": _addresses,
    "units": _units,
}
