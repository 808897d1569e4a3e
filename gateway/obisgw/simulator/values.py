"""What a virtual meter can show at a moment, by name, and the templates that profiles write their lists with.

A template line is text with fields: ``1.8.0({imported:6.3}*kWh)`` gives six digits, a point and three decimals,
``{imported:6,3}`` a comma; ``{clock:%H%M%S}`` a time. A line that begins with ``%12`` is repeated for the last twelve
billing periods, where ``{n:02d}`` is the number and ``{past.imported:6.3}`` a value of that period.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal

from .household import Household

_DIGITS = re.compile(r"(?P<sign>\+?)(?P<whole>\d+)(?:(?P<point>[.,])(?P<decimals>\d+))?\Z")
_REPEAT = re.compile(r"%(\d+) ")


class Shown:
    """A number that prints with as many digits as its format says, cut and never rounded."""

    def __init__(self, value: Decimal | int) -> None:
        self.value = Decimal(value)

    def __format__(self, spec: str) -> str:
        if (match := _DIGITS.match(spec)) is None:
            raise ValueError(f"digits are written 6.3 or 6,3, not {spec!r}")
        whole, decimals = int(match["whole"]), int(match["decimals"] or 0)
        cut = abs(self.value).quantize(Decimal(1).scaleb(-decimals), ROUND_DOWN)
        front, _, behind = f"{cut:f}".partition(".")
        sign = "-" if self.value < 0 and cut else match["sign"]
        # A counter that has run full begins again, as its digits do.
        return f"{sign}{front[-whole:].zfill(whole)}{match['point'] if decimals else ''}{behind}"


@dataclass(frozen=True, slots=True)
class Past:
    """Values of one billing period."""

    at: datetime
    imported: Shown
    imported_1: Shown
    imported_2: Shown
    exported: Shown
    maximum: Shown
    maximum_at: datetime
    heat: Shown
    volume: Shown


def _past(household: Household, t: float, period: int) -> Past:
    at, energy = household.billing(t, period)
    maximum = household.maximum(t, period)
    heat = energy.imported * 2
    return Past(
        at,
        Shown(energy.imported),
        Shown(energy.imported_1),
        Shown(energy.imported_2),
        Shown(energy.exported),
        Shown(maximum.value),
        maximum.at,
        Shown(heat),
        Shown(heat / 36),
    )


def values_at(household: Household, t: float) -> dict[str, object]:
    """Return everything a list may show. Energies in kWh, powers in kW (with ``_w`` in W), heat in kWh."""
    energy, power = household.energy_at(t), household.power_at(t)
    chance = random.Random(f"{household.seed}:grid:{int(t // 10)}")  # noqa: S311 - a load curve, no secrets
    clock = household.clock(t)
    values: dict[str, object] = {
        "number": household.number,
        "clock": clock,
        "hex_seconds": f"{int(t) + 20_000_000:08X}",
        "tariff": f"{household.tariff_at(t)}",
        "resets": Shown(household.months_before % 100),
        "hours": Shown(int(t // 3600) + 17_520),
        "frequency": Shown(Decimal(chance.randrange(4998, 5003)) / 100),
    }
    for name in ("imported", "imported_1", "imported_2", "exported", "exported_1", "exported_2"):
        values[name] = Shown(getattr(energy, name))
    signed = {"": power.total, "_l1": power.l1, "_l2": power.l2, "_l3": power.l3}
    for phase, watts in signed.items():
        for name, amount in (("signed", watts), ("taken", max(watts, 0)), ("given", max(-watts, 0))):
            values[f"{name}{phase}"] = Shown(Decimal(amount) / 1000)
            values[f"{name}{phase}_w"] = Shown(amount)
        if phase:
            voltage = Decimal(chance.randrange(2281, 2338)) / 10
            values[f"voltage{phase}"] = Shown(voltage)
            factor = Decimal(chance.randrange(930, 1000)) / 1000
            values[f"factor{phase}"] = Shown(factor)
            values[f"current{phase}"] = Shown(Decimal(abs(watts)) / (voltage * factor))
    values["factor"] = Shown(Decimal(chance.randrange(930, 1000)) / 1000)
    values["reactive"] = Shown(energy.imported / 8)
    quarter = t // 900
    values["average"] = Shown(household.average((quarter - 1) * 900) if quarter else 0)
    imported = household.integral_at(t)[0] - household.integral_at(quarter * 900)[0]
    values["running"] = Shown(Decimal(imported // 900_000) / 1000)
    maximum = household.maximum(t)
    values |= {"maximum": Shown(maximum.value), "maximum_at": maximum.at}
    heat = energy.imported * 2
    flow = Decimal(420 + chance.randrange(80)) / 1000
    values |= {
        "heat": Shown(heat),
        "heat_mwh": Shown(heat / 1000),
        "heat_gj": Shown(heat * 36 / 10_000),
        "volume": Shown(heat / 36),
        "heat_power": Shown(flow * 18),
        "flow": Shown(flow),
        "flow_temperature": Shown(Decimal(680 + chance.randrange(60)) / 10),
        "return_temperature": Shown(Decimal(480 + chance.randrange(60)) / 10),
        "gas": Shown(energy.imported / 7),
        "water": Shown(energy.imported / 40),
        "hour": clock - timedelta(minutes=clock.minute, seconds=clock.second),
    }
    values["difference"] = Shown(Decimal(200 + chance.randrange(20)) / 10)
    return values


def render(template: str, household: Household, t: float, *, line_end: str = "\r\n", size: int | None = None) -> bytes:
    """Return a template's lines as the meter sends them, filled up to about ``size`` bytes before the closing ``!``."""
    values = values_at(household, t)
    lines: list[str] = []
    for line in template.splitlines():
        if (repeat := _REPEAT.match(line)) is None:
            lines.append(line.format_map(values))
            continue
        text = line[repeat.end() :]
        periods = range(1, int(repeat[1]) + 1)
        lines += [text.format_map({**values, "n": one, "past": _past(household, t, one)}) for one in periods]
    if size is not None:
        _fill(lines, household, t, size, len(line_end))
    return (line_end.join(lines)).encode("ascii") + (line_end.encode("ascii") if template.endswith("\n") else b"")


def _fill(lines: list[str], household: Household, t: float, size: int, end: int) -> None:
    """Put closing values of earlier billing periods in front of the ``!`` until the size is reached."""
    place = next((index for index, line in enumerate(lines) if line.startswith("!")), len(lines))
    length = sum(len(line) + end for line in lines)
    number = 0
    while length < size:
        number += 1
        past = _past(household, t, number)
        more = (
            f"1-0:1.8.{number % 3}*{40 + number // 3:02d}"
            f"({(past.imported, past.imported_1, past.imported_2)[number % 3]:7.3}*kWh)"
        )
        lines.insert(place, more)
        place, length = place + 1, length + len(more) + end
