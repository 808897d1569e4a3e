"""How one family of meters deviates from the standard."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from obisgw.obis import CURRENT, Medium, ObisCode

from .block_check import BlockCheckKind
from .commands import ReadRequest
from .dialect_programming import Programming
from .identification import Identification, Mode
from .vdew.form import ProfileForm

_NONE: Final[Mapping[str, str]] = MappingProxyType({})


def _none() -> Mapping[str, str]:
    return _NONE


# More addresses than a few dozen meters of a kind print, and none that is noise.
_CACHED_CODES: Final = 4096
_CACHED_LENGTH: Final = 32


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
    programming: Programming = field(default_factory=Programming, hash=False)
    """What is particular to programming mode."""
    stored: ProfileForm = field(default_factory=ProfileForm, hash=False)
    """How it stores load profiles and log books, and wants to be asked for them."""
    load_profile: bool = False
    """Whether these meters are known to keep a load profile: only they are asked for one unasked, to fill holes."""
    notes: str = ""
    """What an owner should know of these meters."""
    _codes: dict[str, ObisCode | None] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Codes of addresses that were seen: a meter prints the same ones for ever."""

    def code_of(self, address: str) -> ObisCode | None:
        """Return the full OBIS code of an address as it is on the line, None if it is none."""
        try:
            return self._codes[address]
        except KeyError:
            code = self._parsed(address.strip(" "))
        if len(self._codes) < _CACHED_CODES and len(address) <= _CACHED_LENGTH:
            self._codes[address] = code
        return code

    def request_for(self, text: str) -> ReadRequest:
        """Return what asks this meter for a register that its owner names ``16.7.0``, ``1-0:16.7.0`` or as the meter does.

        Raises ``ValueError`` for what can be no address.
        """
        programming, code = self.programming, self._parsed(text.strip(" "))
        if code is not None and code.f == CURRENT:
            if (name := programming.names.get(str(code))) is not None:
                return ReadRequest(name, meant=text)
            if programming.hexadecimal:
                return ReadRequest(f"{code.c:02X}{code.d:02X}{code.e:02X}{code.f:02X}", meant=text)
        return ReadRequest(text)

    def _parsed(self, address: str) -> ObisCode | None:
        if (code := self.addresses.get(address)) is not None:
            address = code
        elif self.current_period is not None:
            address = address.removesuffix(f"*{self.current_period}")
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
