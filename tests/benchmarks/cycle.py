"""Readout time over the line's own, and processor time a readout: `obis-gateway read` at meters on pseudo-terminals.

Both ends of a cycle are seen from outside: its start is when the request reaches the meter, its end when the reading
stands on standard output, as JSON.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.benchmarks.figures import Figure, median, number
from tests.benchmarks.processes import COMMAND, Line, broken_rules, paced_meters, program
from tests.benchmarks.telegrams import Household

LIMIT = 1.005
REACTION = 0.2
CPU_LIMITS = {9600: 20.0, 300: 60.0}
LINES = (
    # line, readouts after the first
    (Line("5", "ISK", 0.2), 8),
    (Line("5", "ISK", 1.0), 4),
    (Line("5", "ISk", 0.2), 4),
    (Line("5", "ISk", 0.02), 4),
    (Line("4", "ISK", 0.2), 4),
    (Line("4", "ISK", 1.0), 3),
    (Line("4", "ISk", 0.2), 3),
    (Line("0", "ISK", 0.2), 1),
)


@dataclass
class Runs:
    """What was seen of one line. Ratios are cycle over theory; ``late``: seconds from the last byte to the reading."""

    first: float = 0.0
    ratios: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    wake_ups: list[int] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    acknowledged: list[float] = field(default_factory=list)
    switched: list[float] = field(default_factory=list)


def run(line: Line, readouts: int) -> Runs:
    """Read a meter once, not knowing the size of its telegram, and so many times more."""
    runs = Runs()
    with tempfile.TemporaryDirectory() as folder, paced_meters(Path(folder), line) as (meters, (port,)):
        # One more than wanted: the process is still there when its last times are asked for.
        arguments: list[str | Path] = [COMMAND, "read", port, "--json", "--quiet", "--repeat", str(readouts + 2)]
        household = Household(line.size, "40000000", seed=0)
        # Without a state folder of its own it would remember other meters on this path.
        with program(arguments, environment={"STATE_DIRECTORY": f"{folder}/state"}) as reader:
            spent, woken = 0.0, 0
            for place in range(readouts + 1):
                came, text = reader.line(line.theory() * 1.5 + 20)
                report = json.loads(meters.line(5)[1])
                runs.broken += broken_rules(report, line)
                if "fault" in report:
                    continue
                wrong = _wrong(json.loads(text), household)
                if wrong:
                    runs.broken.append(f"{wrong} values wrong or missing")
                ratio = (came - report["request"]) / line.theory()
                now, asleep = reader.processor_time, reader.wake_ups
                if place == 0:
                    runs.first = ratio
                else:
                    runs.ratios.append(ratio)
                    runs.late.append(came - report["last_byte"])
                    runs.processor.append(now - spent)
                    runs.wake_ups.append(asleep - woken)
                spent, woken = now, asleep
                runs.acknowledged.append(report["acknowledgement_delay"])
                if report["switch_after"] is not None:
                    runs.switched.append(report["switch_after"])
    return runs


def _wrong(document: dict[str, Any], household: Household) -> int:
    """Return how many values of the meter's next message are not in the reading."""
    got = {}
    for register in document["registers"]:
        unit = f"*{register['unit']}" if register["unit"] else ""
        got[register["address"]] = f"{register['value']}{unit}"
    sent = household.values()
    household.message()
    return sum(got.get(address) != text for address, text in sent.items()) + len(got.keys() - sent.keys())


def measure() -> list[Figure]:
    """Return cycles, processor time and broken rules of every line."""
    figures: list[Figure] = []
    broken: list[str] = []
    all_runs: list[tuple[Line, Runs]] = []
    for line, readouts in LINES:
        runs = run(line, readouts)
        all_runs.append((line, runs))
        broken += runs.broken
        speed = "300" if line.rate == 300 else f"300→{line.rate}"
        name = f"{speed} Bd, {line.maker}, reaction {number(line.reaction * 1000)} ms"
        note = (
            f"theory {line.theory():.2f} s; median of {len(runs.ratios)}, worst {max(runs.ratios):.4f}; reading "
            f"{median(runs.late) * 1000:.1f} ms after the last byte"
        )
        figures.append(Figure(f"cycle / line time, {name}", median(runs.ratios), "", LIMIT, note=note))
        note = "size of the telegram unknown, first readout of the process"
        figures.append(Figure(f"first cycle / line time, {name}", runs.first, "", LIMIT, note=note))
        if line.rate in CPU_LIMITS and line == Line(line.baud_char):
            figures.append(_cpu(line, runs))
    acknowledged = [delay for line, runs in all_runs if line.minimum == REACTION for delay in runs.acknowledged]
    fast = [delay for line, runs in all_runs if line.minimum != REACTION for delay in runs.acknowledged]
    switched = [delay for _, runs in all_runs for delay in runs.switched]
    note = (
        f"acknowledged {min(acknowledged) * 1000:.1f} ms at least after the identification (lower case "
        f"{min(fast) * 1000:.1f}), speed changed {min(switched) * 1000:.1f} to {max(switched) * 1000:.1f} ms after the "
        f"last bit; every value compared{': ' if broken else ''}{'; '.join(sorted(set(broken)))}"
    )
    figures.append(Figure("rules of the protocol broken, bytes or values lost", len(broken), "", 0, note=note))
    return figures


def _cpu(line: Line, runs: Runs) -> Figure:
    note = (
        f"median of {len(runs.processor)}, {number(min(runs.processor) * 1000)} to "
        f"{number(max(runs.processor) * 1000)}; {number(median(runs.wake_ups))} wake-ups; all of the process, output too"
    )
    limit = CPU_LIMITS[line.rate]
    return Figure(f"CPU a readout, {line.rate} Bd", median(runs.processor) * 1000, "ms", limit, note=note)
