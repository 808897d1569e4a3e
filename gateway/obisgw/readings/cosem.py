"""From COSEM objects to registers, so that a meter that speaks DLMS shows up like every other."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from obisgw.dlms.readout import shown_of
from obisgw.iec62056_21.block_check import BlockCheck
from obisgw.iec62056_21.identification import Mode
from obisgw.iec62056_21.telegram import Bracket, Telegram, Unparsed
from obisgw.obis import Medium, ObisCode, ValueKind, describe, manufacturer_name, mbus_device_types, meter_number

from .identity import slug
from .reading import MeterIdentity, Register
from .registers import number_of
from .times import parse_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from obisgw.dlms.axdr import Data
    from obisgw.dlms.readout import Wanted
    from obisgw.dlms.values import ScalerUnit, Shown
    from obisgw.iec62056_21.identification import Identification

_DEVICE_NAME = ObisCode(0, 0, 42, 0, 0, 255)
_FLAG = 3

Value = tuple["Wanted", "Data | None", "Data | None"]
"""An object, its value and when that was captured."""


def cosem_registers(values: Iterable[Value], units: Mapping[bytes, ScalerUnit]) -> tuple[Register, ...]:
    """Return the registers of a reading, in the meter's order; what holds no value is left out."""
    return shown_registers(
        (wanted.of.name, shown)
        for wanted, data, captured in values
        if data is not None and (shown := shown_of(wanted, data, captured, units)) is not None
    )


def shown_registers(shown: Iterable[tuple[bytes, Shown]]) -> tuple[Register, ...]:
    """Return the registers of values that are shown under logical names of six octets."""
    found = [(ObisCode(*name), one) for name, one in shown]
    types = mbus_device_types({code: one.text for code, one in found})
    occurrences: Counter[str] = Counter()
    registers = []
    for code, one in found:
        address = f"{code.a}-{code.b}:{code.c}.{code.d}.{code.e}*{code.f}"
        occurrences[address] += 1
        registers.append(_register(address, code, one, types, occurrences[address]))
    return tuple(registers)


def _register(address: str, code: ObisCode, shown: Shown, types: Mapping[int, int], occurrence: int) -> Register:
    mbus_type = types.get(code.b) if code.a == 0 and code.b else None
    description = describe(code, shown.unit, shown.text, mbus_type=mbus_type)
    time = shown.time
    number = None
    if description.kind is ValueKind.NUMBER:
        number = number_of(shown.text) if shown.number is None else shown.number
    elif description.kind is ValueKind.TIMESTAMP and time is None:
        time = parse_time(shown.text)
    brackets = [Bracket(shown.text, shown.unit)]
    if shown.time is not None:
        brackets.append(Bracket(f"{shown.time:%Y-%m-%d %H:%M:%S}", None))
    return Register(
        address, code, shown.text, number, shown.unit, tuple(brackets), time, description, occurrence=occurrence
    )


def cosem_telegram(
    identification: Identification | None, registers: Sequence[Register], mode: Mode = Mode.E
) -> Telegram:
    """Return the registers as one telegram: proved, because every frame of it was."""
    lines = [f"{one.address}{''.join(_bracket(bracket) for bracket in one.brackets)}\r\n" for one in registers]
    block = "".join(lines).encode("ascii", "replace")
    return Telegram(identification, mode, block, BlockCheck.ABSENT, None, 0, complete=True, raw=block)


def _bracket(bracket: Bracket) -> str:
    value = "".join(character for character in bracket.value if character not in "()!/")
    return f"({value}*{bracket.unit})" if bracket.unit else f"({value})"


def cosem_identity(
    identification: Identification | None, registers: Iterable[Register], fallback_name: str, title: bytes = b""
) -> MeterIdentity:
    """Return the meter's identity. Its maker is named by the sign-on, or by the logical device name.

    Its number is what meters of the ASCII modes print as such, so that a meter that is read in both ways is one;
    without one, it is the rest of the logical device name. ``title``: the system title, which begins with the maker too.
    """
    values: dict[ObisCode, str] = {}
    for register in registers:
        if register.code is not None:
            values.setdefault(register.code, register.value)
    medium = cosem_medium(values)
    name = values.get(_DEVICE_NAME, "").strip()
    named = name[:_FLAG].upper() if name[:_FLAG].isascii() and name[:_FLAG].isalpha() else None
    titled = title[:_FLAG].decode("ascii").upper() if title[:_FLAG].isalpha() else None
    flag = (named or titled) if identification is None else identification.manufacturer
    number = meter_number(values, medium)
    if number is None and len(name) > _FLAG and named is not None:
        number = name[_FLAG:].strip() or None
    id_ = slug(f"{flag}_{number}" if flag else number) if number else ""
    return MeterIdentity(
        id=id_ or slug(fallback_name) or "meter",
        number=number,
        flag=flag,
        manufacturer=None if flag is None else manufacturer_name(flag),
        model=None if identification is None else identification.model.strip() or None,
        medium=medium,
    )


def cosem_medium(codes: Iterable[ObisCode]) -> Medium:
    """Return the medium that most of a meter's objects are of."""
    counts = Counter(code.a for code in codes if code.a)
    return Medium.of_group_a(counts.most_common(1)[0][0]) if counts else Medium.ELECTRICITY


def without_value(values: Iterable[Value], units: Mapping[bytes, ScalerUnit]) -> tuple[Unparsed, ...]:
    """Return the objects that gave no value that can be shown."""
    return tuple(
        Unparsed(wanted.of.obis, "no access" if data is None else "made of several values, or without its scaler")
        for wanted, data, captured in values
        if data is None or shown_of(wanted, data, captured, units) is None
    )
