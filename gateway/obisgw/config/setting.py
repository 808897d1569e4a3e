"""What one setting is, and how its text in the file becomes a value."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import voluptuous as vol

from .values import Quantity

if TYPE_CHECKING:
    from enum import Enum

_METADATA = "setting"

Parse = Any
"""A voluptuous validator from the text in the file to the value. Text, because YAML would make 201 out of 0201."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value: its name in the reference page and its validator. ``many``: also a list of texts is taken."""

    name: str
    parse: Parse
    many: bool = False


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as the reference page shows it. ``default`` is text; None says that the setting must be given.

    ``field`` is its name in the settings class.
    """

    section: str
    name: str
    field: str
    kind: Kind
    default: str | None
    unit: str | None
    meaning: str


@dataclass(frozen=True, slots=True)
class _Described:
    kind: Kind
    meaning: str
    unit: str | None
    default: str | None
    named: str | None


# Any, so that a field of any type can be declared with it, as with dataclasses.field.
def setting(
    kind: Kind,
    meaning: str,
    *,
    default: Any = None,  # noqa: ANN401
    unit: str | None = None,
    shown: str | None = None,
    must: bool = False,
    named: str | None = None,
) -> Any:  # noqa: ANN401
    """Declare a field of a settings class together with all that the file's check and the reference page need.

    ``shown`` words the default where the value itself does not say it. ``must``: the setting has no default. ``named``
    is its name in the file where Python cannot call a field so.
    """
    text = None if must else shown or _words(default)
    return dataclasses.field(default=default, metadata={_METADATA: _Described(kind, meaning, unit, text, named)})


def settings_of(section: str, cls: type) -> tuple[Setting, ...]:
    """Return the settings that ``cls`` declares, in order. Fields without a description come from elsewhere."""
    return tuple(
        Setting(
            section,
            described.named or field.name,
            field.name,
            described.kind,
            described.default,
            described.unit,
            described.meaning,
        )
        for field in dataclasses.fields(cls)
        if (described := field.metadata.get(_METADATA)) is not None
    )


def _words(value: object) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case timedelta():
            return duration_text(value)
        case tuple():
            return ", ".join(map(str, value)) or "none"
        case _:
            return str(getattr(value, "value", value)) or "none"


_DURATION = re.compile(r"(?P<count>\d{1,6})\s*(?P<unit>s|m|min|h|d)?\Z")
_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_TRUE = frozenset({"true", "yes", "on"})
_FALSE = frozenset({"false", "no", "off"})


def duration_text(value: timedelta) -> str:
    """Return ``value`` as the file writes it: ``90s``, ``15m``, ``24h``."""
    seconds = int(value.total_seconds())
    for unit, size in (("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _duration(text: str) -> timedelta:
    if (match := _DURATION.match(text)) is None:
        raise vol.Invalid(f"'{text}' is no duration: write a number with s, m, h or d, as in 60s, 15m or 24h")
    return timedelta(seconds=int(match["count"]) * _UNITS[match["unit"] or "s"])


def duration(least: timedelta, most: timedelta) -> Kind:
    """Return the kind of a duration between the two."""

    def parse(text: str) -> timedelta:
        value = _duration(text)
        if not least <= value <= most:
            raise vol.Invalid(f"{text} is not between {duration_text(least)} and {duration_text(most)}")
        return value

    return Kind("duration", parse)


def _truth(text: str) -> bool:
    if (word := text.lower()) in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise vol.Invalid(f"'{text}' is neither true nor false")


def whole(least: int, most: int) -> Kind:
    """Return the kind of a whole number between the two."""

    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text[:12]) <= most:
            raise vol.Invalid(f"'{text}' is no whole number from {least} to {most}")
        return int(text)

    return Kind(f"number {least} to {most}", parse)


def seconds(least: float, most: float) -> Kind:
    """Return the kind of a time in seconds with decimals."""

    def parse(text: str) -> float:
        if not re.fullmatch(r"\d{1,4}(\.\d{1,6})?", text) or not least <= float(text) <= most:
            raise vol.Invalid(f"'{text}' is no number from {least:g} to {most:g}")
        return float(text)

    return Kind("number", parse)


_SPAN = re.compile(r"(?P<count>\d{1,6}(?:\.\d{1,3})?)\s*(?P<unit>ms|s|m|min)?\Z")
_SPAN_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0}


def span(least: float, most: float) -> Kind:
    """Return the kind of a short time with decimals, in seconds."""

    def parse(text: str) -> float:
        if (match := _SPAN.match(text)) is None:
            raise vol.Invalid(f"'{text}' is no time: write a number with ms, s or m, as in 0.5s, 500ms or 2m")
        value = float(match["count"]) * _SPAN_UNITS[match["unit"] or "s"]
        if not least <= value <= most:
            raise vol.Invalid(f"{text} is not between {least:g}s and {most:g}s")
        return value

    return Kind("duration", parse)


_QUANTITY = re.compile(r"(?P<number>[+-]?\d{1,12}(\.\d{1,9})?)\s*(?P<unit>[A-Za-z°%³][A-Za-z0-9°%/³^]{0,15})?\Z")


def quantity(example: str, *, negative: bool = True) -> Kind:
    """Return the kind of a number with its unit."""

    def parse(text: str) -> Quantity:
        match = _QUANTITY.match(text)
        if match is None or (not negative and text.startswith("-")):
            raise vol.Invalid(f"'{text}' is no number with a unit: write it as {example}")
        return Quantity(Decimal(match["number"]), match["unit"])

    return Kind("number with unit", parse)


def nested(name: str) -> Kind:
    """Return the kind of a list of settings that have a table of their own."""

    def parse(_: str) -> None:
        raise vol.Invalid(f"this must be a list, each entry with settings: {name}")

    return Kind("list", parse)


def choice(members: type[Enum]) -> Kind:
    """Return the kind of one of an enum's values; letter case does not count."""
    by_name = {str(member.value).lower(): member for member in members}

    def parse(text: str) -> Enum:
        if (member := by_name.get(text.lower())) is None:
            raise vol.Invalid(f"'{text}' is none of {', '.join(str(one.value) for one in members)}")
        return member

    return Kind(" \\| ".join(str(member.value) for member in members), parse)


def number_of(*numbers: int) -> Kind:
    """Return the kind of one of some whole numbers."""

    def parse(text: str) -> int:
        if text not in map(str, numbers):
            raise vol.Invalid(f"'{text}' is none of {', '.join(map(str, numbers))}")
        return int(text)

    return Kind(f"{numbers[0]} … {numbers[-1]}", parse)


def text(name: str, pattern: str, otherwise: str) -> Kind:
    """Return the kind of a text of one form; ``otherwise`` says what the form is."""
    form = re.compile(pattern)

    def parse(value: str) -> str:
        if form.fullmatch(value) is None:
            raise vol.Invalid(f"'{value}' is {otherwise}")
        return value

    return Kind(name, parse)


def listed(kind: Kind) -> Kind:
    """Return the kind of several values of one kind: a list, or one alone."""

    def parse(texts: str | list[str]) -> tuple[Any, ...]:
        return tuple(kind.parse(text) for text in ([texts] if isinstance(texts, str) else texts))

    return Kind(f"list of {kind.name}s", parse, many=True)


TRUTH = Kind("true \\| false", _truth)
