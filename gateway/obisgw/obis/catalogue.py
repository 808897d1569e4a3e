"""From a code and its unit to a description: the rules in order, then channel, period and unit."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import Final
from zlib import crc32

from obisgw.obis.code import CURRENT, Medium, ObisCode
from obisgw.obis.description import Category, Description, DeviceClass, StateClass, ValueKind
from obisgw.obis.electricity import SINCE_RESET, electricity
from obisgw.obis.fluids import gas, mbus_meter, water
from obisgw.obis.general import general
from obisgw.obis.meaning import ROLLING_WINDOWS, Meaning, billing_period_of, is_quantity, text
from obisgw.obis.thermal import heat_cost, thermal
from obisgw.obis.units import admissible, device_class_of, home_assistant_unit, newer_class_of

# More than the registers that a few dozen meters print, with their billing periods.
_CACHE: Final = 8192
# An address longer than the standard allows (16 characters) is cut in a key and a name.
_MAX_ADDRESS: Final = 16

_NUMBER: Final = re.compile(r" *[+-]? *[0-9]*(?:[.,]([0-9]*))? *")
# Codes that meters print with A = 0 though they could be the medium's, and the reverse.
_SERVICE_GROUPS: Final = frozenset({96, 97, 98})
_GROUPS_OF_THE_MEDIUM: Final = frozenset({0, 99})
_LONG_QUANTITY: Final = re.compile(r"\bactive (energy|power)")
_LONG_TARIFF: Final = re.compile(r"(?<!^active) tariff \{")
# In "tariff {tariff}" the placeholder only repeats the word; in "device number {number}" it tells one from several.
_REPEATED: Final = re.compile(r"(?:(?<=_)|^)(?!number)(\w+?)_\1(?=_|$)")
_MAIN_CHANNELS: Final = frozenset({0, 1})
_QUANTITY_WORDS: Final[dict[DeviceClass | None, str]] = {
    DeviceClass.ENERGY: "energy",
    DeviceClass.POWER: "power",
    DeviceClass.VOLTAGE: "voltage",
    DeviceClass.CURRENT: "current",
}
# Addresses that stand for the error register though they are no codes.
_ERROR_ADDRESSES: Final = frozenset({"F", "FF"})


def describe(
    code: ObisCode, unit: str | None, value: str | None = None, *, mbus_type: int | None = None
) -> Description:
    """Return what a register means.

    `unit` is as on the line; `value` is as on the line and only sets `precision`; `mbus_type`
    is the device type that 0-n:24.1.0 tells for the channel of an M-Bus code.
    """
    return _describe(code, unit, mbus_type, None if value is None else suggested_precision(value))


def suggested_precision(value: str) -> int | None:
    """Return the decimals of a number as it is on the line, `None` if it is no number."""
    if value.isascii() and value.replace(".", "", 1).isdigit():
        return len(value.partition(".")[2])  # Nearly all.
    match = _NUMBER.fullmatch(value)
    if match is None or not any(map(str.isdigit, value)):
        return None
    return len(match[1] or "")


def describe_unknown(address: str, unit: str | None) -> Description:
    """Return what little is known of an address that is no OBIS code.

    Disabled by default; the unit alone gives the class, and nothing says that it counts up.
    """
    if address.strip() in _ERROR_ADDRESSES:
        meaning = text("error register", ValueKind.ERROR_FLAGS, enabled=True)
        return _assemble(meaning, f"error_register_{address.strip().lower()}", None)
    slug = _slug(address)
    if not re.fullmatch(rf"[A-Z0-9]{{1,{_MAX_ADDRESS}}}", address):
        # Capitals, signs and what is cut off look alike in a key: tell them apart.
        slug = f"{slug[:_MAX_ADDRESS]}_{crc32(address.encode(errors='surrogatepass')):08x}".lstrip("_")
    shown = address.strip()[:_MAX_ADDRESS]
    ha_unit = home_assistant_unit(unit, None)
    if shown.isprintable() and shown:
        meaning = _unlisted(shown, ha_unit)
    else:
        meaning = Meaning("register without address", _kind_by(ha_unit), enabled=False)
    return _assemble(meaning, f"address_{slug}", ha_unit)


@lru_cache(maxsize=_CACHE)
def _describe(code: ObisCode, unit: str | None, mbus_type: int | None, precision: int | None) -> Description:
    ha_unit = home_assistant_unit(unit, code)
    meaning = _meaning(code, ha_unit, mbus_type)
    if meaning is None or _contradicts(code, meaning, ha_unit):
        meaning = _unlisted(f"{code.c}.{code.d}.{code.e}", ha_unit)
    if code.b not in _MAIN_CHANNELS:
        meaning = meaning.extended("channel {channel}", channel=code.b)
    if (period := billing_period_of(code)) is not None:
        meaning = _frozen(meaning.extended("billing period {billing_period}", billing_period=period))
    elif window := ROLLING_WINDOWS.get(code.f):
        meaning = _frozen(meaning.extended(window))
    return _assemble(meaning, _key(code), ha_unit, precision)


def _key(code: ObisCode) -> str:
    """Return the key of a code: of the code alone, so that it stays when a unit is missing once."""
    rule = _rule(code)
    if rule is None:
        return f"register_{code.a}_{code.b}_{code.c}_{code.d}_{code.e}_{code.f}"
    parts = [_slug(rule.words), rule.qualifier, _medium_qualifier(code)]
    if code.b:
        parts.append(f"channel_{code.b}")
    if (period := billing_period_of(code)) is not None:
        parts.append(f"billing_period_{period}")
    elif window := ROLLING_WINDOWS.get(code.f):
        parts.append(_slug(window))
    return "_".join(filter(None, parts))


def _contradicts(code: ObisCode, meaning: Meaning, unit: str | None) -> bool:
    """Tell whether the unit is that of another quantity: old meters number their registers in their own way."""
    word = _QUANTITY_WORDS.get(device_class_of(unit)) if unit and is_quantity(code) else None
    return word is not None and word not in meaning.name


def _unlisted(register: str, unit: str | None) -> Meaning:
    """Return the meaning of a register that no rule knows."""
    return Meaning("register {register}", _kind_by(unit), enabled=False, placeholders=(("register", register),))


def _kind_by(unit: str | None) -> ValueKind:
    """Return the kind of a value that no rule knows: a unit makes it a number."""
    return ValueKind.TEXT if unit is None else ValueKind.NUMBER


def _meaning(code: ObisCode, unit: str | None, mbus_type: int | None) -> Meaning | None:
    own: Meaning | None = None
    match code.medium:
        case Medium.ELECTRICITY:
            own = electricity(code, unit)
        case Medium.HEAT | Medium.COOLING:
            own = thermal(code, unit)
        case Medium.HEAT_COST_ALLOCATOR:
            own = heat_cost(code, unit)
        case Medium.GAS:
            own = gas(code, unit)
        case Medium.WATER | Medium.HOT_WATER:
            own = water(code, unit)
        case Medium.ABSTRACT:
            own = mbus_meter(code, mbus_type)
        case Medium.OTHER:
            pass
    return own or general(code, unit)


def _medium_qualifier(code: ObisCode) -> str:
    """Return what the key says about group A: nothing where a rule's name already tells."""
    match code.medium:
        case Medium.ABSTRACT:
            return "abstract" if code.c in _GROUPS_OF_THE_MEDIUM else ""
        case Medium.ELECTRICITY:
            return "electricity" if code.c in _SERVICE_GROUPS else ""
        case Medium.OTHER:
            return f"a{code.a}"
        case medium:
            return medium.value


def _frozen(meaning: Meaning) -> Meaning:
    """Return a value that is kept from the past: no statistics are made of it."""
    return replace(meaning, state_class=None, diagnostic=True, enabled=False)


def _assemble(meaning: Meaning, key: str, unit: str | None, precision: int | None = None) -> Description:
    number = meaning.kind is ValueKind.NUMBER
    device_class = _device_class(meaning, unit) if number else None
    state_class = admissible(meaning.state_class, device_class, unit) if number else None
    return Description(
        key=key,
        translation_key=_translation_key(meaning.name),
        pattern=_shown(meaning.name),
        kind=meaning.kind,
        unit=unit if number else None,
        device_class=device_class,
        newer_class=device_class or (newer_class_of(unit, state_class) if number else None),
        state_class=state_class,
        precision=precision if number else None,
        category=Category.DIAGNOSTIC if meaning.diagnostic else None,
        enabled_by_default=meaning.enabled,
        placeholders=meaning.placeholders,
    )


def _shown(name: str) -> str:
    """Return a name as people see it: lists cut long ones off, and the end is where registers differ."""
    name = _LONG_QUANTITY.sub(r"\1", _LONG_TARIFF.sub(" T{", name))
    return name[:1].upper() + name[1:]


def _translation_key(name: str) -> str:
    return _REPEATED.sub(r"\1", _slug(name))


def _device_class(meaning: Meaning, unit: str | None) -> DeviceClass | None:
    return meaning.device_class if unit is None else device_class_of(unit, meaning.volume)


def _slug(words: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")


def is_counter(code: ObisCode) -> bool:
    """Tell whether a register only ever grows while the meter is the same.

    Counters that start again by themselves are none: those since the last reset (D = 9), and
    heat cost allocators on their set day.
    """
    rule = _rule(code)
    if code.f != CURRENT or rule is None or code.medium is Medium.HEAT_COST_ALLOCATOR:
        return False
    restarts = is_quantity(code) and code.d == SINCE_RESET
    return rule.state_class is StateClass.TOTAL_INCREASING and not restarts


def tariff_of(code: ObisCode) -> int | None:
    """Return the number of the tariff in which a register counts, `None` for all of them."""
    rule = _rule(code)
    tariff = dict(rule.placeholders).get("tariff") if rule else None
    return int(tariff) if tariff else None


@lru_cache(maxsize=_CACHE)
def _rule(code: ObisCode) -> Meaning | None:
    # Some rules tell a number from a text by whether there is a unit: ask as for a number.
    return _meaning(code, "", None)
