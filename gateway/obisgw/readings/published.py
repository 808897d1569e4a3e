"""A telegram's registers as they are published: each under a name of its own, each value as text.

Values are JSON strings, so that Home Assistant's template engine hands on the very digits of the line: a JSON number
becomes a float there, and 12345.600 loses its zeros.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from zlib import crc32

from obisgw.obis import ValueKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from obisgw.obis import ObisCode

    from .reading import Register

_LONGEST_ADDRESS: Final = 40


@dataclass(frozen=True, slots=True)
class Published:
    """A register with its names: ``key`` in the state, ``component`` in the discovery document.

    ``component`` is made of the full OBIS code, or of the address where that is no code: the same register has the
    same one for ever.
    """

    register: Register
    key: str
    component: str

    @property
    def value(self) -> str | None:
        """The value to publish: digits as on the line, without leading zeros; None for a number that is none."""
        if self.register.description.kind is not ValueKind.NUMBER:
            return self.register.value
        return None if self.register.number is None else f"{self.register.number:f}"


def published(registers: Iterable[Register]) -> Iterator[Published]:
    """Name the registers of one telegram. Repetitions of a register count on in the telegram's order: ``…_2``."""
    keys: Counter[str] = Counter()
    components: Counter[str] = Counter()
    for register in registers:
        key, component = register.description.key, _component(register)
        keys[key] += 1
        components[component] += 1
        yield Published(register, _nth(key, keys[key]), _nth(component, components[component]))


def _nth(name: str, count: int) -> str:
    return name if count == 1 else f"{name}_{count}"


def _component(register: Register) -> str:
    if register.code is not None:
        return _component_of(register.code)
    slug = re.sub(r"[^a-z0-9]+", "_", register.address[:_LONGEST_ADDRESS].lower()).strip("_")
    # The slug alone would make one of B_ and b.
    return f"address_{slug}_{crc32(register.address.encode()):08x}"


@lru_cache(maxsize=4096)
def _component_of(code: ObisCode) -> str:
    return f"{code.a}_{code.b}_{code.c}_{code.d}_{code.e}_{code.f}"


_REGISTER_COMPONENT: Final = re.compile(r"(?:\d{1,3}_){5}\d{1,3}(?:_\d+)?|address_.*")


def is_register_component(component: str) -> bool:
    """Tell whether a component of a discovery document is a register's, and not one of the gateway's own."""
    return _REGISTER_COMPONENT.fullmatch(component) is not None
