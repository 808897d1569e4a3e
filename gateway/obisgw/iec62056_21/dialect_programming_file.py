"""The form of a dialect's table ``programming``, checked key by key."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any, Final

from .commands import ReadCommand, is_address, is_argument
from .dialect_programming import Programming
from .password import P2Algorithm, is_password
from .refusal import Errors, RefusalKind

PROGRAMMING_KEYS: Final = {item.name for item in fields(Programming)}
_CODE: Final = re.compile(r"\d{1,3}-\d{1,3}:\d{1,3}\.\d{1,3}\.\d{1,3}\*\d{1,3}")
_WRITE: Final = re.compile(r"[WE][0-9] [ -~]+")

Types = Mapping[str, tuple[type, ...]]
Converters = Mapping[str, Callable[[Any], Any]]


def converted(table: Mapping[str, Any], types: Types, converters: Converters) -> dict[str, Any]:
    """Return a table's values; raises ``ValueError`` for one of another type or form. What is not typed is text."""
    values = dict(table)
    for key, value in table.items():
        if not isinstance(value, types.get(key, (str,))) or (
            isinstance(value, bool) and bool not in types.get(key, ())
        ):
            raise ValueError(f"{key} cannot be {value!r}")
        if key in converters:
            values[key] = converters[key](value)
    return values


def programming_of(table: Mapping[str, Any]) -> Programming:
    """Return what the table says; raises ``ValueError``."""
    return Programming(**converted(table, _TYPES, _CONVERTERS))


def _inactivity(value: float) -> float:
    if not 1 <= value <= 3600:
        raise ValueError(f"inactivity cannot be {value} s: 1 to 3600")
    return float(value)


def _pause(value: float) -> float:
    if not 0 <= value <= 1.4:
        raise ValueError(f"pause cannot be {value} s: the standard allows up to 1.5")
    return float(value)


def _commands(value: list[object]) -> tuple[ReadCommand, ...]:
    return tuple(ReadCommand(command) for command in value)


def _argument(value: str) -> str:
    if not is_argument(value):
        raise ValueError(f"argument cannot be {value!r}")
    return value


def _errors(value: dict[str, object]) -> Errors:
    errors: dict[str, tuple[str, str]] = {}
    for text, meant in value.items():
        match meant:
            case [str(kind), str(meaning)] if kind in {one.value for one in RefusalKind}:
                errors[text] = kind, meaning
            case _:
                kinds = ", ".join(one.value for one in RefusalKind)
                raise ValueError(f"errors gives {text!r} {meant!r}, which is not a kind ({kinds}) and a meaning")
    return MappingProxyType(errors)


def _default_password(value: str) -> str:
    if not is_password(value):
        raise ValueError("default_password can be no password")
    return value


def _names(value: dict[str, object]) -> Mapping[str, str]:
    for code, name in value.items():
        if not _CODE.fullmatch(code) or not isinstance(name, str) or not is_address(name):
            raise ValueError(f"names has {code!r} = {name!r}, which is not A-B:C.D.E*F and an address")
    return MappingProxyType({code: str(name) for code, name in value.items()})


def _writes(value: list[object]) -> tuple[str, ...]:
    for one in value:
        if not isinstance(one, str) or not _WRITE.fullmatch(one):
            raise ValueError(f"{one!r} is no command of the form 'W5 P.01'")
    return tuple(str(one) for one in value)


_TYPES: Final[Types] = {
    **dict.fromkeys(("inactivity", "pause"), (int, float)),
    **dict.fromkeys(("commands", "never", "clock"), (list,)),
    **dict.fromkeys(("errors", "names"), (dict,)),
    **dict.fromkeys(("hexadecimal", "group", "sessionless"), (bool,)),
}
_CONVERTERS: Final[Converters] = {
    "inactivity": _inactivity,
    "pause": _pause,
    "commands": _commands,
    "argument": _argument,
    "errors": _errors,
    "p2": P2Algorithm,
    "default_password": _default_password,
    "names": _names,
    "never": _writes,
    "clock": _writes,
}
