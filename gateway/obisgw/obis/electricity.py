"""Electricity, A = 1: C is quantity, direction and phase, D the kind of value, E the tariff."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from obisgw.obis.description import DeviceClass, StateClass, ValueKind
from obisgw.obis.meaning import LAST_TARIFF, Meaning, diagnostic, is_quantity, phase_of, quantity_of, text

if TYPE_CHECKING:
    from obisgw.obis.code import ObisCode

# Quantities of group C, by what a value at a moment is and what its sum over time is.
_QUANTITIES: Final = {
    1: ("active power import", "active energy import"),
    2: ("active power export", "active energy export"),
    3: ("reactive power import", "reactive energy import"),
    4: ("reactive power export", "reactive energy export"),
    5: ("reactive power quadrant 1", "reactive energy quadrant 1"),
    6: ("reactive power quadrant 2", "reactive energy quadrant 2"),
    7: ("reactive power quadrant 3", "reactive energy quadrant 3"),
    8: ("reactive power quadrant 4", "reactive energy quadrant 4"),
    9: ("apparent power import", "apparent energy import"),
    10: ("apparent power export", "apparent energy export"),
    11: ("current", "current over time"),
    12: ("voltage", "voltage over time"),
    13: ("power factor", "power factor over time"),
    14: ("frequency", "frequency over time"),
    15: ("active power import plus export", "active energy import plus export"),
    16: ("active power", "active energy net"),
    17: ("active power quadrant 1", "active energy quadrant 1"),
    18: ("active power quadrant 2", "active energy quadrant 2"),
    19: ("active power quadrant 3", "active energy quadrant 3"),
    20: ("active power quadrant 4", "active energy quadrant 4"),
}
INSTANTANEOUS: Final = 7
"""Group D of a value at this moment."""
INTEGRAL: Final = 8
"""Group D of a counter since the meter was installed."""
SINCE_RESET: Final = 9
"""Group D of a counter since the last billing reset, which starts again there."""
NET: Final = 16
"""The quantity import minus export, whose sum falls while the house feeds in."""
_POWER_FACTOR: Final = 13

# Group C outside of the quantities by phase.
_OTHERS: Final = {
    91: ("current neutral", "current neutral over time"),
    92: ("voltage neutral", "voltage neutral over time"),
    # Landis+Gyr: signed reactive power, in the range that is left to makers.
    131: ("reactive power", "reactive energy net"),
    151: ("reactive power L1", "reactive energy net L1"),
    171: ("reactive power L2", "reactive energy net L2"),
    191: ("reactive power L3", "reactive energy net L3"),
}
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
    integral: bool = False
    state_class: StateClass | None = None
    main: bool = False
    """Not diagnostic, enabled."""
    count: bool = False
    """A number of times, without the quantity's unit."""


def _periods(first: str, second: str, third: str) -> dict[int, _Process]:
    """Return the processes that come again for measurement periods 1, 2 and 3."""
    processes: dict[int, _Process] = {}
    for base, period in ((0, first), (10, second), (20, third)):
        processes |= {
            base + 1: _Process(f"cumulative minimum {{}}{period}"),
            base + 2: _Process(f"cumulative maximum {{}}{period}"),
            base + 3: _Process(f"minimum {{}}{period}"),
            base + 4: _Process(f"{{}} running average{period}", state_class=StateClass.MEASUREMENT),
            base + 5: _Process(f"{{}} last average{period}", state_class=StateClass.MEASUREMENT),
            base + 6: _Process(f"maximum {{}}{period}"),
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
    **_periods("", " period 2", " period 3"),
    0: _Process("{} billing period average"),
    INSTANTANEOUS: _Process("{}", state_class=StateClass.MEASUREMENT, main=True),
    INTEGRAL: _Process("{}", integral=True, state_class=StateClass.TOTAL_INCREASING, main=True),
    SINCE_RESET: _Process("{} since reset", integral=True, state_class=StateClass.TOTAL_INCREASING, main=True),
    10: _Process("{} since billing period", integral=True),
    27: _Process("{} running average period 5", state_class=StateClass.MEASUREMENT),
    28: _Process("{} running average period 6", state_class=StateClass.MEASUREMENT),
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
        momentary, integral = _QUANTITIES[quantity_of(code)]
        phase = phase_of(code)
    elif code.c in _OTHERS:
        (momentary, integral), phase = _OTHERS[code.c], None
    else:
        return None
    process = _PROCESSES.get(code.d)
    if process is None:
        return None
    subject = integral if process.integral else momentary
    name = process.name.format(f"{subject} {phase}" if phase else subject)
    placeholders = (("phase", phase),) if phase else ()
    main = process.main or code.d in _INSTANTANEOUS
    meaning = Meaning(
        name,
        state_class=_state_class(code, process),
        device_class=_ratio_class(code, process),
        diagnostic=not main,
        enabled=main,
        placeholders=placeholders,
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
        case _, 255:
            # Push meters print 1.7.255 for 1.7.0: the same to the reader, another key.
            return replace(meaning, qualifier="e255")
        case 7, 124:
            return _extended(meaning, "harmonic distortion", ("harmonic", "total"), main=False)
        case 7, harmonic if harmonic <= _LAST_HARMONIC:
            return _extended(meaning, f"harmonic {harmonic}", ("harmonic", str(harmonic)), main=False)
        case _, tariff if tariff <= LAST_TARIFF:
            return _extended(meaning, f"tariff {tariff}", ("tariff", str(tariff)), main=True)
        case _, register:
            # Left to makers: NEVA meters print all tariffs' counters under E = 128.
            return _extended(meaning, f"register {register}", ("register", str(register)), main=False)


def _extended(meaning: Meaning, what: str, placeholder: tuple[str, str], *, main: bool) -> Meaning:
    return replace(
        meaning,
        name=f"{meaning.name} {what}",
        placeholders=(*meaning.placeholders, placeholder),
        diagnostic=meaning.diagnostic or not main,
        enabled=meaning.enabled and main,
    )


def _angle(code: ObisCode) -> Meaning | None:
    reference, other = divmod(code.e, 10)
    if code.d not in _INSTANTANEOUS or reference not in _VECTORS or other not in _VECTORS:
        return None
    return Meaning(
        f"phase angle {_VECTORS[other]} against {_VECTORS[reference]}",
        state_class=StateClass.MEASUREMENT_ANGLE,
        diagnostic=True,
        enabled=False,
        qualifier="" if code.d == INSTANTANEOUS else "average",
    )


def _event_counter(code: ObisCode) -> Meaning | None:
    if code.d != INTEGRAL:
        return None
    return diagnostic(f"event counter {code.e}", StateClass.TOTAL_INCREASING)
