"""The shape of a rule's answer, and the value groups that all media share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from obisgw.obis.code import CURRENT, Medium, ObisCode
from obisgw.obis.description import DeviceClass, StateClass, ValueKind

LAST_TARIFF: Final = 63
"""The highest group E that stands for a tariff."""

ROLLING_WINDOWS: Final = {96: "last day", 97: "last week", 98: "last month", 99: "last year", 100: "since manual reset"}
"""Groups F by which Logarex meters print the energy of the time up to now."""

_NO_NUMBER: Final = 255
"""Group E of push meters that print one thing of a kind."""

PHASES: Final = ("L1", "L2", "L3")
# Group C: quantities 1 to 20 stand for all phases and come again for each phase.
_QUANTITIES_PER_PHASE: Final = 20
_LAST_PHASE_QUANTITY: Final = 80


@dataclass(frozen=True, slots=True)
class Meaning:
    """What value groups A, C, D and E say, before channel, billing period and unit do."""

    name: str
    """Starts in lower case unless with a proper name, with {…} for each placeholder; the key is made of it."""
    kind: ValueKind = ValueKind.NUMBER
    state_class: StateClass | None = None
    volume: DeviceClass = DeviceClass.VOLUME
    """The class if the unit is one of volume."""
    device_class: DeviceClass | None = None
    """The class of a number without unit."""
    diagnostic: bool = False
    enabled: bool = True
    qualifier: str = ""
    """What only the key says, to keep it apart from another code of the same name."""
    placeholders: tuple[tuple[str, str], ...] = ()

    @property
    def words(self) -> str:
        """The name with its placeholders filled in."""
        return self.name.format_map(dict(self.placeholders)) if self.placeholders else self.name

    def extended(self, words: str, **placeholders: str | int) -> Meaning:
        """Return the same with more words to its name, and what their placeholders stand for."""
        return replace(self, name=f"{self.name} {words}", placeholders=(*self.placeholders, *_as_text(placeholders)))


def text(name: str, kind: ValueKind = ValueKind.TEXT, *, enabled: bool = False, **placeholders: str | int) -> Meaning:
    """Return the meaning of a register that tells about the meter and measures nothing."""
    return Meaning(name, kind, diagnostic=True, enabled=enabled, placeholders=_as_text(placeholders))


def diagnostic(
    name: str, state_class: StateClass | None = None, *, enabled: bool = False, **placeholders: str | int
) -> Meaning:
    """Return the meaning of a number about the meter itself."""
    return Meaning(name, state_class=state_class, diagnostic=True, enabled=enabled, placeholders=_as_text(placeholders))


def _as_text(placeholders: dict[str, str | int]) -> tuple[tuple[str, str], ...]:
    return tuple((key, str(value)) for key, value in placeholders.items())


def numbered(meaning: Meaning, number: int) -> Meaning:
    """Return the same with the number of one of several to its name, which the first of them, 0, does without."""
    if number == _NO_NUMBER:
        return replace(meaning, qualifier=f"e{number}")
    return meaning.extended("{number}", number=number) if number else meaning


def is_quantity(code: ObisCode) -> bool:
    """Tell whether group C is an electrical quantity of all phases or of one."""
    return code.medium is Medium.ELECTRICITY and 1 <= code.c <= _LAST_PHASE_QUANTITY


def quantity_of(code: ObisCode) -> int:
    """Return the quantity 1 to 20 of an electrical group C, whatever the phase."""
    return (code.c - 1) % _QUANTITIES_PER_PHASE + 1


def phase_of(code: ObisCode) -> str | None:
    """Return "L1", "L2", "L3", or `None` for all phases together."""
    if not is_quantity(code) or code.c <= _QUANTITIES_PER_PHASE:
        return None
    return PHASES[(code.c - 1) // _QUANTITIES_PER_PHASE - 1]


def billing_period_of(code: ObisCode) -> int | None:
    """Return the billing period's number, `None` for the current value and rolling windows.

    The number is a month or a running count of resets (compare 0.1.0); the highest is not
    the newest.
    """
    if code.f == CURRENT or code.f in ROLLING_WINDOWS:
        return None
    return code.f
