"""Values of objects as meters of the ASCII modes would print them: digits with their scaler, a unit, a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from .axdr import DELTAS, Data, Tag
from .clock import LENGTH, ClockTime, decode_time
from .errors import DecodeError
from .units import unit_of

_MOST_SCALER: Final = 18
_TEXTS: Final = frozenset({Tag.VISIBLE_STRING, Tag.UTF8_STRING})


@dataclass(frozen=True, slots=True)
class ScalerUnit:
    """By which power of ten a value is multiplied, and in which unit it then is."""

    scaler: int = 0
    unit: str | None = None

    @classmethod
    def of(cls, data: Data) -> ScalerUnit:
        """Return what an attribute ``scaler_unit`` says. Raises DecodeError for a scaler that cannot be."""
        if data.tag is Tag.NULL:
            return cls()
        if len(data.items) < 2:
            raise DecodeError("a scaler without a unit")
        scaler, unit = (part.number for part in data.items[:2])
        if abs(scaler) > _MOST_SCALER:
            raise DecodeError(f"a scaler of {scaler}")
        return cls(scaler, unit_of(unit))


@dataclass(frozen=True, slots=True)
class Shown:
    """A value as text. ``number`` is None for what is none; ``time`` is when it was captured, the meter's local time."""

    text: str
    number: Decimal | None = None
    unit: str | None = None
    time: datetime | None = None


def shown(data: Data, scale: ScalerUnit | None = None, captured: Data | None = None) -> Shown | None:
    """Return a value as text, None where there is none or where it is made of others."""
    scale = scale or ScalerUnit()
    time = _time(captured)
    match data.value:
        case (Data() as only,):
            # Some meters wrap a value once more.
            return shown(only, scale, captured)
        case bool():
            return Shown("1" if data.value else "0", time=time)
        case int() if data.tag in DELTAS:
            # What it differs from is not here.
            return None
        case int():
            number = Decimal(data.value).scaleb(scale.scaler)
            return Shown(f"{number:f}", number, scale.unit, time)
        case float():
            number = Decimal(repr(data.value)).scaleb(scale.scaler)
            if not number.is_finite():
                return None
            return Shown(f"{number:f}", number, scale.unit, time)
        case str():
            return Shown(data.value.strip("\x00 "), None, None, time)
        case bytes():
            return Shown(_octets(data), None, None, time)
        case _:
            return None


def _octets(data: Data) -> str:
    octets = data.octets
    if data.tag is Tag.DATE_TIME or (data.tag is Tag.OCTET_STRING and len(octets) == LENGTH):
        time = _decoded(octets)
        if time is not None:
            return f"{time.local:%Y-%m-%dT%H:%M:%S}"
    # Numbers and names of meters come as octets of text.
    text = octets.rstrip(b"\x00")
    if text and all(0x20 <= octet < 0x7F for octet in text):
        return text.decode("ascii").strip(" ")
    if data.tag is Tag.BIT_STRING:
        return "".join(f"{octet:08b}" for octet in octets)[: data.bits]
    return octets.hex().upper()


def _decoded(octets: bytes) -> ClockTime | None:
    try:
        return decode_time(octets)
    except DecodeError:
        # Twelve octets of something else.
        return None


def _time(captured: Data | None) -> datetime | None:
    if captured is None or not isinstance(captured.value, bytes) or len(captured.value) != LENGTH:
        return None
    time = _decoded(captured.value)
    return None if time is None else time.local


def is_text(data: Data) -> bool:
    """Tell whether a value is text by its type."""
    return data.tag in _TEXTS
