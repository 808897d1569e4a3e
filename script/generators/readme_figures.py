"""The figures that the README quotes, taken from docs/benchmarks.md so that the two cannot differ."""

from __future__ import annotations

import re
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_PLACE = re.compile(r"(?<=<!-- figures: start -->\n).*?(?=<!-- figures: end -->)", re.DOTALL)
_ROW = re.compile(
    r"^\| (?P<figure>[^|]+) \| (?P<limit>[^|]*) \| (?P<measured>[^|]+) \| (?P<met>[^|]+) \|", re.MULTILINE
)

_QUOTED = (
    "cycle / line time, 300→9600 Bd, ISK, reaction 200 ms",
    "cycle / line time, 300→4800 Bd, ISK, reaction 200 ms",
    "cycle / line time, 300 Bd, ISK, reaction 200 ms",
    "first cycle / line time, 300→9600 Bd, ISK, reaction 200 ms",
    "CPU a readout, 9600 Bd",
    "CPU a readout, 300 Bd",
    "last byte to broker, median",
    "last byte to broker, 99th percentile",
    "2 kB parsed, values move as a meter's do: x iec62056-21",
    "memory of `obis-gateway read`",
    "memory of the service",
    "CPU of the service between reads",
    "`obis-gateway --help`",
    "64 meters: worst cycle / line time",
    "64 meters: memory of the service",
    "DLMS, registers a second, 9600 Bd, reaction 20 ms, one by one",
    "DLMS, registers a second, 9600 Bd, reaction 20 ms, twelve at once",
    "DLMS, load profile / line time, frames of 2030, window 1, reaction 20 ms",
    "DLMS, load profile, frames of 128, reaction 200 ms: time with window 7 / with window 1",
    "DLMS, association / line time, no password, with the sign-on in mode E",
    "noise, mode C, 4 in 1,000 bits flipped: wrong values",
    "noise, mode C, two bits of 4 in 1,000 characters flipped: damaged telegrams with wrong values taken",
    "noise, mode C, 4 in 1,000 characters lost: damaged telegrams with wrong values taken",
    (
        "noise, mode D (no block check), two bits of 4 in 1,000 characters flipped: "
        "damaged telegrams with wrong values taken"
    ),
)


def documents() -> dict[str, str]:
    """Return the README with the quoted rows. Raises KeyError when the benchmarks have no such figure any more."""
    measured = (_ROOT / "docs/benchmarks.md").read_text(encoding="utf-8")
    rows = {row["figure"]: row for row in _ROW.finditer(measured)}
    lines = ["| figure | limit | measured | met |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {name} | {rows[name]['limit'].strip()} | {rows[name]['measured']} | {rows[name]['met']} |"
        for name in _QUOTED
    ]
    readme = (_ROOT / "README.md").read_text(encoding="utf-8")
    return {"README.md": _PLACE.sub(lambda _: "\n" + "\n".join(lines) + "\n\n", readme)}
