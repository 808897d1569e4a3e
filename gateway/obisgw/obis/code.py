"""OBIS codes: from the address on the line to A-B:C.D.E*F.

An address of IEC 62056-21 is an OBIS code (IEC 62056-61) in full or with groups left out.
The full code is the identity of a register; short forms collide between media. Addresses
that are no code (names, five groups, a lost digit) are `None` and keep their text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Final

_HIGHEST: Final = 255
CURRENT: Final = _HIGHEST
"""Group F of the current value, as opposed to a billing period's."""


class Medium(StrEnum):
    """What a meter measures: value group A."""

    ABSTRACT = "abstract"
    ELECTRICITY = "electricity"
    HEAT_COST_ALLOCATOR = "heat_cost_allocator"
    COOLING = "cooling"
    HEAT = "heat"
    GAS = "gas"
    WATER = "water"
    HOT_WATER = "hot_water"
    OTHER = "other"

    @property
    def group_a(self) -> int:
        """Value group A of this medium's codes."""
        return _GROUP_A[self]

    @classmethod
    def of_group_a(cls, a: int) -> Medium:
        """Return the medium of a value group A; OTHER where the group names none."""
        return _MEDIA.get(a, cls.OTHER)


_GROUP_A: Final = {
    Medium.ABSTRACT: 0,
    Medium.ELECTRICITY: 1,
    Medium.HEAT_COST_ALLOCATOR: 4,
    Medium.COOLING: 5,
    Medium.HEAT: 6,
    Medium.GAS: 7,
    Medium.WATER: 8,
    Medium.HOT_WATER: 9,
    Medium.OTHER: 15,
}
_MEDIA: Final = {a: medium for medium, a in _GROUP_A.items()}


@dataclass(frozen=True, slots=True, order=True)
class ObisCode:
    """A full OBIS code. Each value group is 0 to 255; F is 255 for the current value."""

    a: int
    b: int
    c: int
    d: int
    e: int
    f: int = CURRENT
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        groups = (self.a, self.b, self.c, self.d, self.e, self.f)
        if min(groups) < 0 or max(groups) > _HIGHEST:
            raise ValueError(f"value group out of 0..255 in {self}")
        # A reading looks its codes up some hundred times.
        object.__setattr__(self, "_hash", hash(groups))

    def __hash__(self) -> int:
        return self._hash

    def __str__(self) -> str:
        return f"{self.a}-{self.b}:{self.c}.{self.d}.{self.e}*{self.f}"

    @property
    def short(self) -> str:
        """`C.D.E`, with `*F` when it is not the current value; not unique across media."""
        text = f"{self.c}.{self.d}.{self.e}"
        return text if self.f == CURRENT else f"{text}*{self.f}"

    @property
    def medium(self) -> Medium:
        """The medium that value group A names."""
        return Medium.of_group_a(self.a)

    @classmethod
    def parse(cls, address: str, medium: Medium) -> ObisCode | None:
        """Return the full code of an address as it is on the line, `None` if it is no code.

        Groups left out: A-B is the medium's and channel 0 (0-0 for the service groups C, F
        and L), E is 0, F is 255. Never raises.
        """
        if len(address) > _MAX_ADDRESS:
            return None
        return _parse(address, medium)


# Letters that reduced codes print for the service groups: service, error, list, profile.
_LETTERS: Final = {"C": 96, "F": 97, "L": 98, "P": 99}
# Of these, the ones that belong to no medium; profiles are the medium's.
_ABSTRACT_GROUPS: Final = frozenset({96, 97, 98})

# Longest address that can be a code ("255-255:255.255.255*255") with blanks around it.
# Longer text is refused before the cache, so that noise costs no memory.
_MAX_ADDRESS: Final = 40
# More addresses than any household meter prints; several meters share the cache.
_CACHE: Final = 8192

_REDUCED: Final = re.compile(
    r"""
    (?: ([0-9]{1,3}) - ([0-9]{1,3}) : )?          # A-B:
    ([0-9]{1,3}|[CFLP]) \. ([0-9]{1,3}|[FP])      # C.D
    (?: \. ([0-9]{1,3}) )?                        # .E
    (?: [*&] ([0-9]{1,3}) | \.255 )?              # *F; &F after a reset by hand; .255 of DLMS
    """,
    re.VERBOSE,
)
# Logical names of DLMS in decimal, and codes in hexadecimal: A B C D E F or only C D E F.
_DOTTED: Final = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){5}")
_HEXADECIMAL: Final = re.compile(r"(?:[0-9A-Fa-f]{4})?[0-9A-Fa-f]{8}")
# The highest group F that stands for a billing period; above it only 255 has a meaning.
# Eight-letter names that happen to be hexadecimal fail on it.
_LAST_BILLING_PERIOD: Final = 125


@lru_cache(maxsize=_CACHE)
def _parse(address: str, medium: Medium) -> ObisCode | None:
    address = address.strip(" ")
    if match := _REDUCED.fullmatch(address):
        a, b, c, d, e, f = match.groups()
        letter = c in _LETTERS
        group_c = _LETTERS[c] if letter else int(c)
        if a is not None:
            prefix = (int(a), int(b))
        elif letter and group_c in _ABSTRACT_GROUPS:
            prefix = (0, 0)
        else:
            prefix = (_GROUP_A[medium], 0)
        group_d = _LETTERS.get(d) or int(d)
        return _checked(*prefix, group_c, group_d, int(e or 0), CURRENT if f is None else int(f))
    if _HEXADECIMAL.fullmatch(address):
        groups = bytes.fromhex(address)
        if groups[-1] > _LAST_BILLING_PERIOD and groups[-1] != CURRENT:
            return None
        if len(address) == len("CCDDEEFF"):
            a = 0 if groups[0] in _ABSTRACT_GROUPS else _GROUP_A[medium]
            return _checked(a, 0, *groups)
        return _checked(*groups)
    if _DOTTED.fullmatch(address):
        return _checked(*map(int, address.split(".")))
    return None


def _checked(*groups: int) -> ObisCode | None:
    return ObisCode(*groups) if max(groups) <= _HIGHEST else None
