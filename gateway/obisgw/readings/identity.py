"""Which meter a telegram comes from."""

from __future__ import annotations

import re
from collections.abc import Iterable

from obisgw.iec62056_21.dialects import Dialect
from obisgw.iec62056_21.identification import Identification
from obisgw.obis import ObisCode, manufacturer_name, meter_number

from .reading import MeterIdentity, Register


def identity_of(
    identification: Identification | None, registers: Iterable[Register], dialect: Dialect, fallback_name: str
) -> MeterIdentity:
    """Return the meter's identity as this one telegram shows it.

    The id is made of the maker's letters and the meter's own number; without a number, of ``fallback_name``, the name
    in the configuration. A telegram that lost the register with the number, or a second list without it, looks like a
    meter without number: whoever keeps meters apart compares with what was seen before and keeps that.
    """
    values: dict[ObisCode, str] = {}
    for register in registers:
        if register.code is not None:
            values.setdefault(register.code, register.value)
    number = meter_number(values, dialect.medium)
    flag = None if identification is None else identification.manufacturer
    id_ = slug(f"{flag}_{number}" if flag else number) if number else ""
    return MeterIdentity(
        id=id_ or slug(fallback_name) or "meter",
        number=number,
        flag=flag,
        manufacturer=None if flag is None else manufacturer_name(flag),
        model=None if identification is None else identification.model.strip() or None,
        medium=dialect.medium,
    )


def slug(text: str) -> str:
    """Return ``text`` in lower case with ``_`` for all that is no letter or digit of ASCII."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
