"""Electricity, A = 1: C is quantity, direction and phase, D the kind of value, E the tariff."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from obisgw.obis.description import DeviceClass, StateClass, ValueKind
from obisgw.obis.meaning import LAST_TARIFF, PHASES, Meaning, diagnostic, is_quantity, phase_of, quantity_of, text

if TYPE_CHECKING:
    from obisgw.obis.code import ObisCode

# Quantities of group C, by what a value at a moment is and what its sum over time is.
_QUANTITIES: Final = {
    1: ("active power import", "active energy import"),
    2: ("active power export", "active energy export"),
    3: ("reactive power import", "reactive energy import"),
    4: ("reactive power export", "reactive energy export"),
    **dict.fromkeys(range(5, 9), ("reactive power quadrant {quadrant}", "reactive energy quadrant {quadrant}")),
    9: ("apparent power import", "apparent energy import"),
    10: ("apparent power export", "apparent energy export"),
    11: ("current", "current over time"),
    12: ("voltage", "voltage over time"),
    13: ("power factor", "power factor over time"),
    14: ("frequency", "frequency over time"),
    15: ("active power import plus export", "active energy import plus export"),
    16: ("active power", "active energy net"),
    **dict.fromkeys(range(17, 21), ("active power quadrant {quadrant}", "active energy quadrant {quadrant}")),
}
INSTANTANEOUS: Final = 7
"""Group D of a value at this moment."""
INTEGRAL: Final = 8
"""Group D of a counter since the meter was installed."""
SINCE_RESET: Final = 9
"""Group D of a counter since the last billing reset, which starts again there."""
_PUSHED: Final = 255
"""Group E that push meters print in place of 0."""
_IMPORT: Final = 1
NET: Final = 16
"""The quantity import minus export, whose sum falls while the house feeds in."""
_POWER_FACTOR: Final = 13
_QUADRANTS: Final = 4

# Group C outside of the quantities by phase.
_OTHERS: Final = {
    91: ("current neutral", "current neutral over time"),
    92: ("voltage neutral", "voltage neutral over time"),
    # Landis+Gyr: signed reactive power, in the range that is left to makers.
    **dict.fromkeys((131, 151, 171, 191), ("reactive power", "reactive energy net")),
}
_PHASES_OF_OTHERS: Final = dict(zip((151, 171, 191), PHASES, strict=True))
_LAST_HARMONIC: Final = 120
_ANGLES: Final = 81
_COUNTERS: Final = 82

# 81.7.E: the digits of E, of which the second is measured against the first.
_VECTORS: Final = {0: "U1", 1: "U2", 2: "U3", 4: "I1", 5: "I2", 6: "I3", 7: "IN"}


@dataclass(frozen=True, slots=True)
class _Process:
    """What group D does with a quantity."""

    name: str
    """With {} for the quantity."""
    placeholders: tuple[tuple[str, str], ...] = ()
    integral: bool = False
    state_class: StateClass | None = None
    main: bool = False
    """Not diagnostic, enabled."""
    count: bool = False
    """A number of times, without the quantity's unit."""


def _of_period(name: str, period: int, state_class: StateClass | None = None) -> _Process:
    """Return a process of one of a meter's measurement periods, of which only the first goes without saying."""
    if period == 1:
        return _Process(name, state_class=state_class)
    return _Process(f"{name} period {{period}}", (("period", str(period)),), state_class=state_class)


def _periods() -> dict[int, _Process]:
    """Return the processes that come again for measurement periods 1, 2 and 3."""
    processes: dict[int, _Process] = {}
    for base, period in ((0, 1), (10, 2), (20, 3)):
        processes |= {
            base + 1: _of_period("cumulative minimum {}", period),
            base + 2: _of_period("cumulative maximum {}", period),
            base + 3: _of_period("minimum {}", period),
            base + 4: _of_period("{} running average", period, StateClass.MEASUREMENT),
            base + 5: _of_period("{} last average", period, StateClass.MEASUREMENT),
            base + 6: _of_period("maximum {}", period),
        }
    return processes


def _limits(base: int, limit: str) -> dict[int, _Process]:
    return {
        base: _Process(f"{{}} {limit} threshold"),
        base + 1: _Process(f"{{}} {limit} count", state_class=StateClass.TOTAL_INCREASING, count=True),
        base + 2: _Process(f"{{}} {limit} duration", count=True),
        base + 3: _Process(f"{{}} {limit} magnitude"),
    }


_PROCESSES: Final = {
    **_periods(),
    0: _Process("{} billing period average"),
    INSTANTANEOUS: _Process("{}", state_class=StateClass.MEASUREMENT, main=True),
    INTEGRAL: _Process("{}", integral=True, state_class=StateClass.TOTAL_INCREASING, main=True),
    SINCE_RESET: _Process("{} since reset", integral=True, state_class=StateClass.TOTAL_INCREASING, main=True),
    10: _Process("{} since billing period", integral=True),
    27: _of_period("{} running average", 5, StateClass.MEASUREMENT),
    28: _of_period("{} running average", 6, StateClass.MEASUREMENT),
    29: _Process("{} of load profile period", integral=True),
    30: _Process("{} of last load profile period", integral=True),
    **_limits(31, "under limit"),
    **_limits(35, "over limit"),
    **_limits(39, "missing"),
    46: _Process("{} contracted"),
    55: _Process("{} test average"),
    58: _Process("{} test", integral=True),
}
# EMH prints what other meters have under D = 7 as an average over measurement period 3.
_INSTANTANEOUS: Final = frozenset({INSTANTANEOUS, 25})

_CLOCK: Final = replace(text("clock", ValueKind.TIMESTAMP), qualifier="electricity")


def electricity(code: ObisCode, unit: str | None) -> Meaning | None:
    """Return the meaning of a code with A = 1, `None` if no rule knows it."""
    if (code.c, code.d, code.e) == (1, 0, 0) and not unit:
        return _CLOCK  # Metcom reduces 0-0:1.0.0 to this
    if code.c == _ANGLES:
        return _angle(code)
    if code.c == _COUNTERS:
        return _event_counter(code)
    if is_quantity(code):
        quantity = quantity_of(code)
        if quantity == _IMPORT and code.d == INSTANTANEOUS and code.e == _PUSHED:
            quantity = NET  # EasyMeter prints it with a sign.
        momentary, integral = _QUANTITIES[quantity]
        phase = phase_of(code)
    elif code.c in _OTHERS:
        (momentary, integral), phase = _OTHERS[code.c], _PHASES_OF_OTHERS.get(code.c)
    else:
        return None
    process = _PROCESSES.get(code.d)
    if process is None:
        return None
    subject = integral if process.integral else momentary
    placeholders: tuple[tuple[str, str], ...] = ()
    if "{quadrant}" in subject:
        placeholders += (("quadrant", str((code.c - 1) % _QUADRANTS + 1)),)
    if phase:
        subject += " {phase}"
        placeholders += (("phase", phase),)
    main = process.main or code.d in _INSTANTANEOUS
    meaning = Meaning(
        process.name.replace("{}", subject),
        state_class=_state_class(code, process),
        device_class=_ratio_class(code, process),
        diagnostic=not main,
        enabled=main,
        placeholders=(*placeholders, *process.placeholders),
    )
    return _with_group_e(meaning, code)


def _state_class(code: ObisCode, process: _Process) -> StateClass | None:
    falls = (is_quantity(code) and quantity_of(code) == NET) or code.c in _OTHERS
    if process.integral and process.state_class and falls:
        return StateClass.TOTAL
    return process.state_class


def _ratio_class(code: ObisCode, process: _Process) -> DeviceClass | None:
    ratio = is_quantity(code) and quantity_of(code) == _POWER_FACTOR
    return DeviceClass.POWER_FACTOR if ratio and not process.integral and not process.count else None


def _with_group_e(meaning: Meaning, code: ObisCode) -> Meaning:
    match code.d, code.e:
        case _, 0:
            return meaning
        case _, e if e == _PUSHED:
            # Push meters print 1.7.255 for 1.7.0: the same to the reader, another key.
            signed = quantity_of(code) == _IMPORT and code.d == INSTANTANEOUS
            return replace(meaning, qualifier="signed_e255" if signed else "e255")
        case 7, 124:
            return _aside(meaning.extended("harmonic distortion"))
        case 7, harmonic if harmonic <= _LAST_HARMONIC:
            return _aside(meaning.extended("harmonic {harmonic}", harmonic=harmonic))
        case _, tariff if tariff <= LAST_TARIFF:
            return meaning.extended("tariff {tariff}", tariff=tariff)
        case _, register:
            # Left to makers: NEVA meters print all tariffs' counters under E = 128.
            return _aside(meaning.extended("register {register}", register=register))


def _aside(meaning: Meaning) -> Meaning:
    return replace(meaning, diagnostic=True, enabled=False)


def _angle(code: ObisCode) -> Meaning | None:
    reference, other = divmod(code.e, 10)
    if code.d not in _INSTANTANEOUS or reference not in _VECTORS or other not in _VECTORS:
        return None
    return Meaning(
        "phase angle {vector} against {reference}",
        state_class=StateClass.MEASUREMENT_ANGLE,
        diagnostic=True,
        enabled=False,
        qualifier="" if code.d == INSTANTANEOUS else "average",
        placeholders=(("vector", _VECTORS[other]), ("reference", _VECTORS[reference])),
    )


def _event_counter(code: ObisCode) -> Meaning | None:
    if code.d != INTEGRAL:
        return None
    return diagnostic("event counter {number}", StateClass.TOTAL_INCREASING, number=code.e)
