"""64 meters at 9600 Bd in one service, all due at the same moment; the meters are a program of their own."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

from tests.benchmarks.figures import Figure, median, number, percentile
from tests.benchmarks.processes import Line, broken_rules, reports
from tests.benchmarks.service import service

METERS = 64
ROUNDS = 4
LINE = Line("5", tick=0.016)
"""Characters come every 16 ms, as USB adapters hand them over, a message's last one at its own time."""


def measure() -> list[Figure]:
    """Return the worst cycle, seen from outside: from the request at the meter to the state at the broker."""
    with tempfile.TemporaryDirectory() as folder, service(Path(folder), LINE, METERS, every="5s") as setup:
        setup.wait_for(METERS * ROUNDS, ROUNDS * (LINE.theory() + 10) + 60)
        most = setup.gateway.most_resident
        arrivals = list(setup.tap.arrivals)
        seen = reports(setup.meters)
    firsts: list[float] = []
    ratios: list[float] = []
    broken: list[str] = []
    for report in seen:
        broken += broken_rules(report, LINE)
        topic = setup.state_topics[report["meter"]]
        came = [at for name, at in arrivals if name == topic and at >= report.get("last_byte", math.inf)]
        if came:
            cycle = (min(came) - report["request"]) / LINE.theory()
            (firsts if report["readout"] == 1 else ratios).append(cycle)
    note = f"{len(ratios)} cycles to the broker, median {number(median(ratios))}, 99 % {number(percentile(ratios, 99))}"
    cold = f"the first of each meter, sizes unknown, with discovery documents; median {number(median(firsts))}"
    told = "; ".join(sorted(set(broken)))[:200]
    return [
        Figure(f"{METERS} meters: worst cycle / line time", max(ratios), "", 1.02, note=note),
        Figure(f"{METERS} meters: worst first cycle / line time", max(firsts), "", 1.02, note=cold),
        Figure(f"{METERS} meters: memory of the service", most, "MiB", 60, note=f"most over {ROUNDS} rounds"),
        Figure(f"{METERS} meters: rules broken", len(broken), "", 0, note=told),
    ]
