"""What readings tell only side by side: the tariff in force and what happened at the meter in between.

A state goes in with each reading and comes out renewed; it holds the last value of the few registers compared here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from obisgw.obis import (
    Medium,
    active_tariff,
    is_counter,
    is_error_register,
    is_power_failure_counter,
    is_reset_counter,
    tariff_of,
)

from .meter_clock import meter_clock
from .thresholds import register_of, unwatched, watch

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping
    from decimal import Decimal

    from obisgw.obis import ObisCode

    from .reading import Reading, Register
    from .thresholds import Threshold, ThresholdMemory


class EventKind(StrEnum):
    """What can happen at a meter, or to a reading of it."""

    TARIFF_SWITCHED = "tariff_switched"
    CLOCK_SET = "clock_set"
    POWER_FAILURE = "power_failure"
    ERROR_REGISTER_CHANGED = "error_register_changed"
    BILLING_RESET = "billing_reset"
    METER_REPLACED = "meter_replaced"
    READING_HELD_BACK = "reading_held_back"
    """A telegram came and was not published: it failed a check, or is another meter's."""


@dataclass(frozen=True, slots=True)
class MeterEvent:
    """Something that happened at or shortly before ``at`` (UTC). ``details`` are names and texts, for people."""

    kind: EventKind
    at: datetime
    details: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class MeterClock:
    """The meter's clock as read: its local time, how fine it is printed, and the UTC time of the telegram's end."""

    shown: datetime
    fine: timedelta
    at: datetime
    duration: float

    @property
    def near_midnight(self) -> bool:
        """Whether date and time, printed one after the other, may belong to different days."""
        near = timedelta(seconds=self.duration) + _CLOCK_TOLERANCE
        midnight = self.shown.replace(hour=0, minute=0, second=0)
        return self.shown - midnight < near or midnight + _DAY - self.shown < near


@dataclass(frozen=True, slots=True)
class DerivedState:
    """The last values of what is compared, of one meter. The default knows nothing yet.

    ``tariff`` is None while it is unknown; ``known_tariff`` is the last one that was not.
    """

    at: datetime | None = None
    tariff: str | None = None
    known_tariff: str | None = None
    tariffs: tuple[str, ...] = ()
    clock: MeterClock | None = None
    energies: Mapping[ObisCode, Decimal] = field(default_factory=dict)
    counts: Mapping[ObisCode, Decimal] = field(default_factory=dict)
    errors: Mapping[ObisCode, str] = field(default_factory=dict)
    thresholds: Mapping[str, ThresholdMemory] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Derived:
    """What one reading adds. ``tariff`` is None while unknown; ``tariffs`` are all that this meter has shown.

    ``thresholds`` says of each by its id whether it is on, None where the reading does not tell; ``problems`` are
    sentences about thresholds that cannot be watched.
    """

    tariff: str | None = None
    tariffs: tuple[str, ...] = ()
    events: tuple[MeterEvent, ...] = ()
    thresholds: Mapping[str, bool | None] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


# Import comes before export: tariffs are most often those of use, and export stands still at night.
_ORDER_OF_QUANTITIES: Final = (1, 15, 2, 16, 9, 10)
_ENERGY: Final = 8
# With more time than this between readings, two counters that moved may mean any number of switches.
_ONE_SWITCH_AT_MOST: Final = timedelta(hours=1)
# A meter's clock drifts by seconds a day; the place of the clock in the telegram is always the same.
_CLOCK_TOLERANCE: Final = timedelta(seconds=20)
_DRIFT: Final = 10 / 86400
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)


def derive(
    state: DerivedState,
    reading: Reading,
    thresholds: Iterable[Threshold] = (),
    longest_gap: timedelta = timedelta.max,
) -> tuple[DerivedState, Derived]:
    """Compare ``reading`` with the same meter's ones before it; its first one gives no event.

    Readings further apart than ``longest_gap`` do not tell whether a threshold was passed all the time.
    """
    events: list[MeterEvent] = []

    def happened(kind: EventKind, **details: str) -> None:
        events.append(MeterEvent(kind, reading.at, tuple(details.items())))

    current = {register.code: register for register in reversed(reading.registers) if register.code is not None}
    values = {code: register.value for code, register in current.items()}
    energies = _numbers(current, _counts_in_tariff)
    failures = _numbers(current, is_power_failure_counter)
    resets = _numbers(current, is_reset_counter)
    errors = {code: value.strip() for code, value in values.items() if is_error_register(code) and value.strip()}

    tariff = _tariff(state, reading, values, energies)
    if tariff and state.known_tariff not in {None, tariff}:
        happened(EventKind.TARIFF_SWITCHED, previous_tariff=str(state.known_tariff), tariff=tariff)
    clock = _clock(reading, values)
    if clock and state.clock and (jump := _jump(state.clock, clock)):
        happened(EventKind.CLOCK_SET, by=f"{jump.total_seconds():+.0f} s", meter_time=clock.shown.isoformat())
    risen = {code: number for code, number in failures.items() if number > state.counts.get(code, number)}
    if risen:
        counts = ", ".join(f"{code} = {values[code].strip()}" for code in sorted(risen))
        happened(EventKind.POWER_FAILURE, counters=counts)
    for code, value in errors.items():
        if (before := state.errors.get(code, value)) != value:
            happened(EventKind.ERROR_REGISTER_CHANGED, obis=str(code), previous_value=before, value=value)
    for code, number in resets.items():
        # A change, not a rise: the counter starts again after 99.
        if number != state.counts.get(code, number):
            happened(EventKind.BILLING_RESET, obis=str(code), count=values[code].strip())

    watched = {one.id: watch(one, state.thresholds.get(one.id), reading, longest_gap) for one in thresholds}

    seen = {*state.tariffs, *(f"t{tariff_of(code)}" for code in energies), *([tariff] if tariff else [])}
    tariffs = tuple(sorted(seen, key=lambda name: (len(name), name)))
    renewed = DerivedState(
        at=reading.at,
        tariff=tariff,
        known_tariff=tariff or state.known_tariff,
        tariffs=tariffs,
        clock=clock or state.clock,
        energies={**state.energies, **energies},
        counts={**state.counts, **failures, **resets},
        errors={**state.errors, **errors},
        thresholds={name: one.memory for name, one in watched.items()},
    )
    derived = Derived(
        tariff,
        # One counter alone makes no choice of tariffs.
        tariffs if tariff or len(tariffs) > 1 else (),
        tuple(events),
        {name: one.on for name, one in watched.items()},
        tuple(one.problem for one in watched.values() if one.problem),
    )
    return renewed, derived


def derive_update(
    state: DerivedState,
    reading: Reading,
    fresh: Container[ObisCode],
    thresholds: Iterable[Threshold] = (),
    longest_gap: timedelta = timedelta.max,
) -> tuple[DerivedState, Derived]:
    """Compare a reading of which only the registers in ``fresh`` are new, the others being those of the last full one.

    What the others tell was derived from them when they were read.
    """
    new = tuple(register for register in reading.registers if register.code is not None and register.code in fresh)
    renewed, derived = derive(state, replace(reading, registers=new))
    watched = {}
    for one in thresholds:
        register = register_of(one, reading)
        memory = state.thresholds.get(one.id)
        known = register is not None and register in new
        watched[one.id] = watch(one, memory, reading, longest_gap) if known else unwatched(one, memory)
    # Counters that were not read did not stand still: how long ago they were is told by the last full reading.
    renewed = replace(renewed, at=state.at, thresholds={name: one.memory for name, one in watched.items()})
    problems = tuple(one.problem for one in watched.values() if one.problem)
    return renewed, replace(derived, thresholds={name: one.on for name, one in watched.items()}, problems=problems)


def _numbers(registers: Mapping[ObisCode, Register], wanted: Callable[[ObisCode], bool]) -> dict[ObisCode, Decimal]:
    return {
        code: register.number for code, register in registers.items() if register.number is not None and wanted(code)
    }


@lru_cache(maxsize=4096)
def _counts_in_tariff(code: ObisCode) -> bool:
    """Tell whether a register counts energy in one tariff; only meters of electricity switch by the clock."""
    energy = code.d == _ENERGY and code.medium is Medium.ELECTRICITY
    return energy and is_counter(code) and tariff_of(code) is not None


def _tariff(
    state: DerivedState, reading: Reading, values: Mapping[ObisCode, str], energies: Mapping[ObisCode, Decimal]
) -> str | None:
    """Return the tariff in force: as the meter says, else the one whose counter moved since the last reading."""
    if (number := active_tariff(values, reading.meter.medium)) is not None:
        return f"t{number}"
    for quantity in sorted({(_rank(code), code.b, code.c) for code in energies}):
        counters = [code for code in energies if (_rank(code), code.b, code.c) == quantity]
        if len(counters) == 1:
            continue  # nothing to tell it from
        moved = {
            f"t{tariff_of(code)}" for code in counters if energies[code] > state.energies.get(code, energies[code])
        }
        match sorted(moved):
            case []:
                continue
            case [tariff]:
                return tariff
            case [_, _] if state.tariff in moved and state.at and reading.at - state.at <= _ONE_SWITCH_AT_MOST:
                return (moved - {state.tariff}).pop()
            case _:
                return None
    return state.tariff


def _rank(code: ObisCode) -> int:
    return _ORDER_OF_QUANTITIES.index(code.c) if code.c in _ORDER_OF_QUANTITIES else len(_ORDER_OF_QUANTITIES)


def _clock(reading: Reading, values: Mapping[ObisCode, str]) -> MeterClock | None:
    found = meter_clock(values, reading.meter.medium)
    return None if found is None else MeterClock(*found, reading.at, reading.duration)


def _jump(before: MeterClock, now: MeterClock) -> timedelta | None:
    """Return by how much the clock was set, None if it only went on, drifted, or changed between summer and winter."""
    elapsed = now.at - before.at
    jump = (now.shown - before.shown) - elapsed
    # Readouts of other lengths print the clock at another distance from their end.
    tolerance = _CLOCK_TOLERANCE + timedelta(seconds=abs(now.duration - before.duration))
    tolerance += max(before.fine, now.fine) + abs(elapsed) * _DRIFT
    usual = [timedelta(0), _HOUR, -_HOUR]
    if before.near_midnight or now.near_midnight:
        usual += [_DAY, -_DAY]
    return None if any(abs(jump - shift) <= tolerance for shift in usual) else jump
