"""What a benchmark says: figures with their limits, as a table or as JSON."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure.

    ``limit`` is its upper bound (``at_least``: lower bound); None where the figure is only stated. ``note`` says how
    it was got: how many runs, and how far they lay apart.
    """

    name: str
    measured: float
    unit: str
    limit: float | None = None
    at_least: bool = False
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the limit is kept; None without a limit."""
        if self.limit is None:
            return None
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit


def spread(values: Sequence[float], unit: str = "") -> str:
    """Return how many values there are and between what they lie."""
    return f"{len(values)} runs, {number(min(values))} to {number(max(values))}{unit and ' '}{unit}"


def median(values: Iterable[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def percentile(values: Iterable[float], percent: float) -> float:
    """Return the value that ``percent`` of all do not exceed (the next one up)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, -(-int(len(ordered) * percent) // 100))]


def number(value: float) -> str:
    """Return a figure with as many digits as it deserves."""
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.4f}" if 0.9 < abs(value) < 1.1 else f"{value:.3g}"


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as a Markdown table."""
    rows = [("figure", "limit", "measured", "met", "how")]
    for figure in figures:
        bound = (
            "" if figure.limit is None else f"{'≥' if figure.at_least else '≤'} {number(figure.limit)} {figure.unit}"
        )
        met = {True: "yes", False: "**NO**", None: "stated"}[figure.met]
        rows.append((figure.name, bound.strip(), f"{number(figure.measured)} {figure.unit}".strip(), met, figure.note))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    lines.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
    return "\n".join(lines)


def document(figures: Sequence[Figure]) -> str:
    """Return the figures as JSON."""
    return json.dumps([asdict(figure) | {"met": figure.met} for figure in figures], indent=2)
