"""From data sets to registers: normalised codes, exact digits, units, time stamps."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType

from obisgw.iec62056_21.data_sets import parse_data_sets
from obisgw.iec62056_21.dialects import Dialect
from obisgw.iec62056_21.identification import Mode
from obisgw.iec62056_21.telegram import Bracket, DataSet, Telegram, Unparsed
from obisgw.obis import (
    CURRENT,
    Description,
    ObisCode,
    ValueKind,
    describe,
    describe_unknown,
    mbus_device_types,
)

from .reading import Register
from .times import is_stamped, parse_time

_NUMBER = re.compile(r" *([+-]?) *([0-9]+(?:[.,][0-9]*)?|[.,][0-9]+) *")
# Iskra prints (0000000 kWh) and (001.322kW). Only units that no text can be taken for.
_UNIT_INSIDE = re.compile(
    r"( *[+-]?[0-9]+(?:[.,][0-9]+)?) *([kMG]?(?:Wh|W|[Vv][Aa][Rr]h?|VAh?|J)|V|A|Hz|m3|m3/h|m3ph|h|min|s|%) *"
)
_ERROR_ANSWER = re.compile(r"ER(?:R|ROR)? ?[0-9]{0,4}|#[0-9]{4}")
_TIME_OF = ",5"
"""ZPA prints the time stamp of 1.6.0 as 1.6.0,5."""
_PROFILE_OF_ONE = 7
"""Brackets of a load profile with one channel and one row: time, status, period, 1, code, unit, value."""

_NOTHING_MEANT: Mapping[str, str] = MappingProxyType({})

_Family = tuple[int, int, int, int]


def registers_of(
    telegram: Telegram, dialect: Dialect, request: str | None = None, meant: Mapping[str, str] = _NOTHING_MEANT
) -> tuple[tuple[Register, ...], tuple[Unparsed, ...]]:
    """Return a telegram's registers in their order, and what is no data set.

    ``request`` is the address that was asked for in programming mode: an answer without address belongs to it. An
    answer that only says an error gives no register. ``meant`` gives the codes that were meant by names of the meter's
    own. The caller asks ``telegram.proved`` before a value is used.
    """
    data_sets, unparsed = parse_data_sets(telegram.block)
    if is_error_answer(telegram, data_sets):
        return (), (*unparsed, Unparsed(data_sets[0].raw, "error answer of the meter"))
    codes = [dialect.code_of(meant.get(data_set.address, data_set.address)) for data_set in data_sets]
    if request and not dialect.answers_named and len(data_sets) == 1 and not data_sets[0].address:
        codes[0] = dialect.code_of(request)
    values = {code: data_set.brackets[0].value for code, data_set in zip(codes, data_sets, strict=True) if code}
    reader = _Reader(dialect, mbus_device_types(values))
    registers = [reader.register(data_set, code) for data_set, code in zip(data_sets, codes, strict=True)]
    return tuple(_with_times(registers)), unparsed


def is_error_answer(telegram: Telegram, data_sets: Sequence[DataSet]) -> bool:
    """Whether a message of programming mode only says that the meter could not answer: ``(ER02)``, ``P.01(ERROR)``."""
    if len(data_sets) != 1 or telegram.mode is Mode.D or telegram.block.rstrip(b"\r\n ").endswith(b"!"):
        return False
    return len(data_sets[0].brackets) == 1 and _ERROR_ANSWER.fullmatch(data_sets[0].brackets[0].value) is not None


def number_of(value: str) -> Decimal | None:
    """Return the number in ``value`` with all its digits; None unless the whole value is one.

    A decimal comma is understood; blanks around are passed over: ``000007,4`` is 7.4, ``032A.871`` is none.
    """
    return _number(value) if len(value) > _REMEMBERED_LENGTH else _remembered_number(value)


def _number(value: str) -> Decimal | None:
    if value.isascii() and value.replace(".", "", 1).isdigit():
        return Decimal(value)  # Nearly all.
    match = _NUMBER.fullmatch(value)
    return None if match is None else Decimal(match[1] + match[2].replace(",", "."))


# Half of a telegram, closed billing periods and what stands still, is as it was in the one before.
_REMEMBERED_LENGTH = 32
_remembered_number = lru_cache(maxsize=512)(_number)


class _Reader:
    """Makes registers of one telegram, in order: units printed once hold for what follows."""

    def __init__(self, dialect: Dialect, mbus_types: Mapping[int, int]) -> None:
        self._dialect = dialect
        self._mbus_types = mbus_types
        self._units: dict[_Family, str] = {}
        self._occurrences: dict[str, int] = {}

    def register(self, data_set: DataSet, code: ObisCode | None) -> Register:
        brackets = data_set.brackets
        first = brackets[0]
        at = value_position(brackets)
        text, unit = _value_and_unit(brackets, at)
        printed = unit
        if code is not None:
            unit = self._unit(code, unit)
        assumed = printed is None and unit is not None
        description = self._describe(data_set.address, code, unit, text)
        self._occurrences[data_set.address] = occurrence = self._occurrences.get(data_set.address, 0) + 1
        return Register(
            address=data_set.address,
            code=code,
            value=first.value,
            number=number_of(text) if description.kind is ValueKind.NUMBER else None,
            unit=unit if assumed else first.unit,
            brackets=brackets,
            time=_time_of(brackets, at, description),
            description=description,
            occurrence=occurrence,
            unit_assumed=assumed,
        )

    def _unit(self, code: ObisCode, printed: str | None) -> str | None:
        family = (code.a, code.b, code.c, code.d)
        if printed:
            self._units.setdefault(family, printed)
        if printed is not None:
            return printed
        if code.f != CURRENT and (unit := self._units.get(family)) is not None:
            return unit
        return self._dialect.unit_of(*family)

    def _describe(self, address: str, code: ObisCode | None, unit: str | None, text: str) -> Description:
        if code is None:
            return describe_unknown(address, unit)
        mbus_type = self._mbus_types.get(code.b) if code.a == 0 and code.b else None
        return describe(code, unit, text, mbus_type=mbus_type)


def value_position(brackets: Sequence[Bracket]) -> int:
    """Return which bracket holds the value: the first, or the last where a time stamp stands in front of it."""
    if len(brackets) == 1:
        return 0
    first, last = brackets[0], brackets[-1]
    if len(brackets) == _PROFILE_OF_ONE and brackets[3].value == "1" and parse_time(first.value):
        return _PROFILE_OF_ONE - 1
    if len(brackets) != 2 or first.unit is not None:
        return 0
    stamped = is_stamped(first.value) or (parse_time(first.value) is not None and parse_time(last.value) is None)
    return 1 if stamped and not is_stamped(last.value) else 0


def _value_and_unit(brackets: Sequence[Bracket], at: int) -> tuple[str, str | None]:
    value, unit = brackets[at].value, brackets[at].unit
    if unit is None and at == _PROFILE_OF_ONE - 1:
        return value, brackets[at - 1].value or None
    if unit is None and (match := _UNIT_INSIDE.fullmatch(value)) is not None:
        return match[1], match[2]
    return value, unit


def _time_of(brackets: Sequence[Bracket], at: int, description: Description) -> datetime | None:
    if at or (len(brackets) == 1 and description.kind is ValueKind.TIMESTAMP):
        return parse_time(brackets[0].value)
    if len(brackets) > 1:
        # Profiles and log books begin with their time; elsewhere the first bracket is the value.
        candidates = brackets if number_of(brackets[0].value) is None or len(brackets) > 2 else brackets[1:]
        return next((time for item in candidates if item.unit is None and (time := parse_time(item.value))), None)
    return None


def _with_times(registers: list[Register]) -> list[Register]:
    """Give registers the time stamps that stand under addresses of their own."""
    times = {
        register.address.removesuffix(_TIME_OF): parse_time(register.value)
        for register in registers
        if register.address.endswith(_TIME_OF)
    }
    if not times:
        return registers
    return [
        register._replace(time=times.get(register.address, parse_time(register.value)))
        if register.time is None and (register.address in times or register.address.endswith(_TIME_OF))
        else register
        for register in registers
    ]
