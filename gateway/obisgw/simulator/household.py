"""A virtual household: what it takes from and gives to the grid, exact and the same for the same seed.

Power is constant in slots of ten seconds, in whole watts; energy is its exact integral in watt seconds. Counters
advance in steps of ``resolution`` watt hours, each step credited to the tariff in force, as a meter's pulses are: the
tariffs always sum to the total.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from functools import cached_property
from itertools import accumulate

from .history import Counters, History, Months, Outage

START = datetime(2026, 3, 2)  # noqa: DTZ001 - a meter's clock knows no zone
"""A Monday."""

SLOT = 10
"""Seconds of constant power."""

_SLOTS_AN_HOUR = 3600 // SLOT
_TARIFF_DAY = range(6, 22)


@dataclass(frozen=True, slots=True)
class Power:
    """Active power of the three phases, W, export negative."""

    l1: int
    l2: int
    l3: int

    @property
    def total(self) -> int:
        """The sum of the phases, export negative."""
        return self.l1 + self.l2 + self.l3


@dataclass(frozen=True, slots=True)
class Energy:
    """Counters in kWh, exactly as a meter with this resolution shows them."""

    imported: Decimal
    imported_1: Decimal
    imported_2: Decimal
    exported: Decimal
    exported_1: Decimal
    exported_2: Decimal


@dataclass(frozen=True, slots=True)
class Maximum:
    """The greatest quarter-hour average of a billing period, kW, and the end of that quarter-hour."""

    value: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class _Hour:
    """One hour: slots' powers, and W·s from its beginning to the end of each slot."""

    phases: tuple[list[int], list[int], list[int]]
    imported: list[int]
    exported: list[int]

    def power(self, slot: int) -> Power:
        return Power(*(phase[slot] for phase in self.phases))


@dataclass(frozen=True, slots=True)
class _Steps:
    """Exact W·s since the start, and counter steps by tariff."""

    imported: int = 0
    exported: int = 0
    imported_1: int = 0
    imported_2: int = 0
    exported_1: int = 0
    exported_2: int = 0


class Household:
    """A house with four inhabitants, three phases, a solar plant, and a high (1) and a low (2) tariff by the clock.

    ``start`` is the meter's local time at ``t`` = 0 (a full hour); ``t`` counts seconds from there. Counters are known
    of two years before that, where ``t`` is negative; powers are not. ``solar`` is the plant's peak power in W, 0
    without. ``resolution`` is the counters' step in Wh. ``zone`` is that of the clock; None has no summer time.
    """

    def __init__(
        self,
        seed: int = 1,
        start: datetime = START,
        *,
        solar: int = 6000,
        resolution: int = 1,
        zone: tzinfo | None = None,
    ) -> None:
        if start.minute or start.second or start.microsecond:
            raise ValueError(f"start must be a full hour, not {start}")
        if resolution < 1:
            raise ValueError(f"resolution must be at least 1 Wh, not {resolution}")
        self.seed = seed
        self.start = start
        self.solar = solar
        self.resolution = resolution
        self.zone = zone
        self.outages = _outages(seed)
        """When there was no power, all of it before the start."""
        self._hours: list[_Hour] = []
        self._sums: list[_Steps] = [_Steps()]
        self._best: dict[int, tuple[int, int | None]] = {}
        self._past_best: dict[int, Maximum] = {}
        chance = random.Random(f"{seed}:house")  # noqa: S311 - a load curve, no secrets
        self._base = chance.randrange(120, 260)
        self._meals = tuple(chance.randrange(1, 4) for _ in range(24))
        self.months_before = 24
        self._before = tuple(chance.randrange(200_000, 400_000) for _ in range(self.months_before))
        self._night_share = Decimal(chance.randrange(20, 40)) / 100
        self.number = f"{chance.randrange(10_000_000, 99_999_999)}"
        self._this_month = chance.randrange(200_000, 400_000)

    def clock(self, t: float) -> datetime:
        """Return the meter's local time."""
        if self.zone is None:
            return self.start + timedelta(seconds=math.floor(t))
        return self.moment(t).astimezone(self.zone).replace(tzinfo=None)

    def moment(self, t: float) -> datetime:
        """Return the moment in UTC; a household without zone is taken to live in UTC."""
        start = self.start.replace(tzinfo=self.zone or UTC)
        return start.astimezone(UTC) + timedelta(seconds=math.floor(t))

    def seconds(self, local: datetime) -> int:
        """Return the ``t`` of a local time."""
        if self.zone is None:
            return int((local - self.start).total_seconds())
        return int((local.replace(tzinfo=self.zone) - self.moment(0)).total_seconds())

    def tariff_at(self, t: float) -> int:
        """Return the tariff in force: 1 from 6 to 22 o'clock on weekdays, else 2."""
        clock = self.clock(t)
        return 1 if clock.hour in _TARIFF_DAY and clock.weekday() < 6 else 2

    def power_at(self, t: float) -> Power:
        """Return the power in the slot of ``t``."""
        return self._hour(int(t // 3600)).power(int(t % 3600 // SLOT))

    def integral_at(self, t: float) -> tuple[int, int]:
        """Return the exact integrals of import and export since the start, in W·ms."""
        hour, milliseconds = divmod(math.floor(t * 1000), 3_600_000)
        now = self._hour(hour)
        slot, rest = divmod(milliseconds, SLOT * 1000)
        power = now.power(slot).total
        before = self._sums[hour]
        imported = (before.imported + (now.imported[slot - 1] if slot else 0)) * 1000 + max(power, 0) * rest
        exported = (before.exported + (now.exported[slot - 1] if slot else 0)) * 1000 + max(-power, 0) * rest
        return imported, exported

    def energy_at(self, t: float) -> Energy:
        """Return the counters at ``t``: the truth that readings and stored quarter-hours can be held against."""
        if t < 0:
            return self._energy(self.history.counters(t), (0, 0, 0, 0))
        imported, exported = self.integral_at(t)
        before = self._sums[int(t // 3600)]
        step = self.resolution * 3_600_000
        new_import = imported // step - (before.imported_1 + before.imported_2)
        new_export = exported // step - (before.exported_1 + before.exported_2)
        # Tariffs change with full hours of this household's time.
        high = self.tariff_at(t // 3600 * 3600) == 1
        shown = (
            before.imported_1 + (new_import if high else 0),
            before.imported_2 + (0 if high else new_import),
            before.exported_1 + (new_export if high else 0),
            before.exported_2 + (0 if high else new_export),
        )
        return self._energy(self._counters_at_start, shown)

    def billing(self, t: float, period: int) -> tuple[datetime, Energy]:
        """Return the end of the ``period``-th last billing period (1: the latest) and the counters then."""
        end = _month_before(self.clock(t), period - 1)
        return end, self.energy_at(self.seconds(end))

    def maximum(self, t: float, period: int = 0) -> Maximum:
        """Return the greatest quarter-hour of the current (0) or an earlier billing period, as far as ``t``."""
        begin = _month_before(self.clock(t), period)
        end = t if period == 0 else self.seconds(_month_before(self.clock(t), period - 1))
        if end <= 0:
            return self._past_maximum(self.seconds(begin), int(end))
        first = max(0, math.ceil(self.seconds(begin) / 900))
        upto, best = self._best.get(first, (first, None))
        quarters = range(upto, int(end // 900))
        best = max(quarters if best is None else (best, *quarters), key=self._quarter, default=None)
        if quarters and upto <= quarters.stop:
            self._best[first] = (quarters.stop, best)
        earlier = self._past_maximum(self.seconds(begin), 0) if self.seconds(begin) < 0 else Maximum(Decimal(0), begin)
        if best is None or self.average(best * 900) < earlier.value:
            return earlier
        return Maximum(self.average(best * 900), self.clock((best + 1) * 900))

    def _past_maximum(self, begin: int, end: int) -> Maximum:
        if (known := self._past_best.get(begin)) is None:
            at = self.history.greatest_quarter(begin, end)
            before, after = self.energy_at(at).imported, self.energy_at(at + 900).imported
            known = self._past_best[begin] = Maximum((after - before) * 4, self.clock(at + 900))
        return known

    def average(self, t: float) -> Decimal:
        """Return the average import of the quarter-hour around ``t``, kW, down to the watt."""
        return Decimal(self._quarter(int(t // 900)) // 900) / 1000

    def _quarter(self, quarter: int) -> int:
        """Return the W·s imported in a quarter-hour."""
        hour, part = divmod(quarter, 4)
        slots = 900 // SLOT
        imported = self._hour(hour).imported
        return imported[(part + 1) * slots - 1] - (imported[part * slots - 1] if part else 0)

    @cached_property
    def history(self) -> History:
        """What happened before the start."""
        months = range(self.months_before, -1, -1)
        return History(
            self.seed,
            Months(
                [self.seconds(_month_before(self.start, month)) for month in months],
                [self._shares(sum(self._before[month:])) for month in months],
                self._shares(self._this_month),
                self.seconds(_month_before(self.start, -1)),
            ),
            self.clock,
            self.tariff_at,
            self._sun if self.solar else lambda _clock: 0.0,
            self.outages,
        )

    @cached_property
    def _counters_at_start(self) -> Counters:
        """Counters at the start."""
        return self.history.counters(0)

    def _shares(self, watt_hours: int) -> Counters:
        """Return what a number of watt hours is in steps of the four counters."""
        used = watt_hours // self.resolution
        low = int(used * self._night_share)
        given = used // 3 if self.solar else 0
        return used - low, low, given - given // 50, given // 50

    def _energy(self, base: Sequence[int], steps: Sequence[int]) -> Energy:
        high, low, out_high, out_low = (
            Decimal((one + other) * self.resolution).scaleb(-3) for one, other in zip(base, steps, strict=True)
        )
        return Energy(high + low, high, low, out_high + out_low, out_high, out_low)

    def _hour(self, hour: int) -> _Hour:
        if hour < 0:
            raise ValueError("a household has no time before its start")
        while len(self._hours) <= hour:
            self._append_hour(len(self._hours))
        return self._hours[hour]

    def _append_hour(self, index: int) -> None:
        phases = self._load(index)
        totals = [sum(slot) for slot in zip(*phases, strict=True)]
        imported = list(accumulate(watts * SLOT if watts > 0 else 0 for watts in totals))
        exported = list(accumulate(-watts * SLOT if watts < 0 else 0 for watts in totals))
        self._hours.append(_Hour(phases, imported, exported))
        last, step = self._sums[-1], self.resolution * 3600
        total_in, total_out = last.imported + imported[-1], last.exported + exported[-1]
        new_in = total_in // step - (last.imported_1 + last.imported_2)
        new_out = total_out // step - (last.exported_1 + last.exported_2)
        high = self.tariff_at(index * 3600) == 1
        self._sums.append(
            _Steps(
                total_in,
                total_out,
                last.imported_1 + (new_in if high else 0),
                last.imported_2 + (0 if high else new_in),
                last.exported_1 + (new_out if high else 0),
                last.exported_2 + (0 if high else new_out),
            )
        )

    def _load(self, index: int) -> tuple[list[int], list[int], list[int]]:
        chance = random.Random(f"{self.seed}:{index}")  # noqa: S311 - a load curve, no secrets
        clock = self.start + timedelta(hours=index)
        if clock.hour in range(6, 9) or clock.hour in range(17, 23):
            lively = 1.0
        else:
            lively = 0.4 if clock.hour in range(9, 17) else 0.1
        given = int(self.solar * self._sun(clock) * (0.3 + 0.7 * chance.random())) // 3
        # Clouds and small things change every minute; appliances when they are switched.
        minutes = [given - given * cloud // 400 for cloud in chance.choices(range(40), k=60)]
        wobbles = chance.choices(range(-4, 5), k=_SLOTS_AN_HOUR)
        a_minute = _SLOTS_AN_HOUR // 60
        phases = []
        for part in (2, 3, 4):
            base = self._base // part
            phases.append([base - less for less in minutes for _ in range(a_minute)])
        fridge = chance.randrange(90)
        l1 = phases[0]
        for slot, wobble in enumerate(wobbles):
            l1[slot] += wobble + (90 if (slot + fridge) % 90 < 40 else 0)
        for _ in range(self._meals[clock.hour]):
            begin, length = chance.randrange(_SLOTS_AN_HOUR), chance.randrange(6, 180)
            phase, watts, used = phases[chance.randrange(3)], chance.randrange(150, 2600), chance.random() < lively
            for slot in range(begin, min(begin + length, _SLOTS_AN_HOUR) if used else begin):
                phase[slot] += watts
        return phases[0], phases[1], phases[2]

    def _sun(self, clock: datetime) -> float:
        day = clock.timetuple().tm_yday
        length = 12 + 4.2 * math.sin(2 * math.pi * (day - 80) / 365)
        place = (clock.hour + 0.5 - (12.5 - length / 2)) / length
        season = 0.65 + 0.35 * math.sin(2 * math.pi * (day - 80) / 365)
        return season * math.sin(math.pi * place) if 0 < place < 1 else 0.0


def _month_before(moment: datetime, months: int) -> datetime:
    """Return the beginning of the month ``months`` before that of ``moment``."""
    month = moment.year * 12 + moment.month - 1 - months
    return datetime.combine(date(month // 12, month % 12 + 1, 1), time())


def _outages(seed: int) -> tuple[Outage, ...]:
    """Return when there was no power: for minutes within a quarter-hour, for most of an hour, and for hours."""
    chance = random.Random(f"{seed}:outages")  # noqa: S311 - a load curve, no secrets
    outages = []
    for day, length in ((chance.randrange(2, 5), 200), (chance.randrange(9, 20), 2_400), (170, 9_000), (310, 230)):
        # Cut at seconds that leave powers of the parts with few decimals.
        begin = -day * 86_400 + chance.randrange(96) * 900 + chance.choice((180, 300, 450))
        outages.append(Outage(begin, begin + length))
    return tuple(sorted(outages, key=lambda outage: outage.begin))
