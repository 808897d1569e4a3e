"""Deviations of real meters from the standard, as data (``dialects.toml``).

A dialect is chosen by the meter's identification, or named in the configuration. What no dialect says, the standard
says: the dialect ``standard`` matches every meter.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, Final, Self

from obisgw.errors import ConfigurationError
from obisgw.obis import Medium, ObisCode

from .block_check import BlockCheckKind
from .identification import MODE_B_RATES, MODE_C_RATES, MODE_C_RESERVED_RATES, Identification, Mode

STANDARD: Final = "standard"
"""The name of the dialect without deviations."""

_NONE: Final[Mapping[str, str]] = MappingProxyType({})


def _none() -> Mapping[str, str]:
    return _NONE


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a family of meters deviates from IEC 62056-21. Every field's default is the standard.

    ``name`` is what the configuration says, ``[a-z0-9-]+``; ``description`` names the meters in words.
    ``manufacturers`` are FLAG ids in upper case; ``model`` is a regular expression searched for in the model that the
    identification names. Without manufacturers, a dialect is only taken when it is named in the configuration.
    """

    name: str
    description: str = ""
    manufacturers: tuple[str, ...] = ()
    model: str | None = None
    medium: Medium = Medium.ELECTRICITY
    """What reduced codes without A-B belong to."""
    block_checks: tuple[BlockCheckKind, ...] = (BlockCheckKind.XOR,)
    """Ways of computing the block check that this meter may use; one that fits is enough."""
    block_check_required: bool = True
    """Whether a telegram of modes A, B and C without ETX and block check is refused."""
    command: str = "?"
    """What follows ``/`` in the request."""
    address_required: bool = False
    """The meter answers only to a request with its device address."""
    bang: bool = True
    """Whether the request has its ``!``."""
    line_end: bool = True
    """Whether the request ends with CR LF."""
    wake_up: bool = False
    """The meter sleeps: NULs go in front of the request (annex B)."""
    stop_bits: int = 1
    """Stop bits that the meter wants from the reader."""
    baud_char: str | None = None
    """The rate to ask for in the acknowledgement in place of the announced one."""
    acknowledge: bool = True
    """False: the meter sends its data at the initial rate, unasked; an acknowledgement would collide with them."""
    direct_data: bool = False
    """The meter answers the request with STX and data, without identification."""
    battery: bool = False
    """Each readout costs battery life: read rarely, retry once, send no break."""
    mode: Mode | None = None
    """The mode where the baud character does not say it."""
    data_baudrate: int | None = None
    """The rate of the data where it is not the announced one."""
    push_baudrate: int | None = None
    """The rate at which the meter sends unasked (mode D)."""
    addresses: Mapping[str, str] = field(default_factory=_none, hash=False)
    """OBIS codes of addresses that are none, e.g. ``"8.1.1": "1-0:1.8.1*255"``."""
    units: Mapping[str, str] = field(default_factory=_none, hash=False)
    """Units that the meter leaves out, by ``A-B:C.D`` with ``*`` for any number; for every tariff and billing period."""
    answers_named: bool = False
    """In programming mode, answers repeat the address that was asked for: a bare bracket is an error's number."""
    current_period: str | None = None
    """Group F as printed, e.g. ``00``, by which the meter marks current values; otherwise it is a billing period."""
    notes: str = ""
    """What an owner should know of these meters."""

    def code_of(self, address: str) -> ObisCode | None:
        """Return the full OBIS code of an address as it is on the line, None if it is none."""
        if self.addresses and (code := self.addresses.get(address.strip(" "))) is not None:
            return ObisCode.parse(code, self.medium)
        if self.current_period is not None and address.rstrip(" ").endswith(f"*{self.current_period}"):
            address = address.rstrip(" ")[: -len(self.current_period) - 1]
        return ObisCode.parse(address, self.medium)

    def unit_of(self, a: int, b: int, c: int, d: int) -> str | None:
        """Return the unit that the meter implies for the value groups A to D, None where it prints its units."""
        for pattern, unit in self.units.items():
            groups = re.split(r"[-:.]", pattern)
            if all(want in ("*", str(is_)) for want, is_ in zip(groups, (a, b, c, d), strict=True)):
                return unit
        return None

    def matches(self, identification: Identification) -> bool:
        """Whether the identification is one of this dialect's meters."""
        if identification.manufacturer not in self.manufacturers:
            return False
        return self.model is None or re.search(self.model, identification.model) is not None


class Dialects:
    """Dialects in the order in which they are tried."""

    def __init__(self, dialects: tuple[Dialect, ...]) -> None:
        self._all = dialects
        self._named = {dialect.name: dialect for dialect in dialects}
        if STANDARD not in self._named:
            self._named[STANDARD] = Dialect(STANDARD, "meters that keep to the standard")

    @classmethod
    def load(cls, owners: str | None = None) -> Self:
        """Return the package's dialects; those in ``owners``, the text of a file of the same form, come first.

        Raises ``ConfigurationError`` when the text is no TOML, has unknown keys or impossible values.
        """
        own = parse_dialects(owners, "the owner's dialects") if owners else ()
        taken = {dialect.name for dialect in own}
        return cls(own + tuple(dialect for dialect in _package_dialects() if dialect.name not in taken))

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in order."""
        return tuple(self._named)

    def match(self, identification: Identification | None) -> Dialect:
        """Return the first dialect whose meters identify themselves so, else ``standard``."""
        if identification is not None:
            for dialect in self._all:
                if dialect.matches(identification):
                    return dialect
        return self._named[STANDARD]

    def named(self, name: str) -> Dialect:
        """Return the dialect of that name; raises ``ConfigurationError`` when there is none."""
        try:
            return self._named[name]
        except KeyError:
            raise ConfigurationError(
                f"no dialect is named {name!r}", hint=f"known are {', '.join(self._named)}"
            ) from None


@cache
def _package_dialects() -> tuple[Dialect, ...]:
    text = resources.files(__package__).joinpath("dialects.toml").read_text("utf-8")
    return parse_dialects(text, "dialects.toml")


def parse_dialects(text: str, where: str) -> tuple[Dialect, ...]:
    """Return the dialects of a TOML text with one table a dialect, in their order."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"not valid TOML: {error}", where=where, hint="correct the file") from error
    return tuple(_dialect(name, table, f"{where}: {name}") for name, table in tables.items())


_KEYS: Final = {item.name for item in fields(Dialect)} - {"name"}
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
    values: dict[str, Any] = dict(table)
    for key, value in table.items():
        if not isinstance(value, _TYPES.get(key, str)) or (isinstance(value, bool) and bool not in _TYPES.get(key, ())):
            raise wrong(f"{key} cannot be {value!r}", "see the other dialects of the file")
    try:
        for key, convert in _CONVERTERS.items():
            if key in values:
                values[key] = convert(values[key])
    except (ValueError, re.error) as error:
        raise wrong(str(error), "see the other dialects of the file") from error
    return Dialect(name=name, **values)


_TYPES: Final[dict[str, tuple[type, ...]]] = {
    **dict.fromkeys(("manufacturers", "block_checks"), (list,)),
    **dict.fromkeys(("addresses", "units"), (dict,)),
    **dict.fromkeys(("stop_bits", "data_baudrate", "push_baudrate"), (int,)),
    **dict.fromkeys(
        (
            *("block_check_required", "address_required", "bang", "line_end", "wake_up"),
            *("acknowledge", "direct_data", "battery", "answers_named"),
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
