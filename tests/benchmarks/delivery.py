"""From the last byte of a telegram on the line to the state message at the broker's socket, in the real service."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.benchmarks.figures import Figure, median, number, percentile
from tests.benchmarks.processes import Line, reports
from tests.benchmarks.service import service

READINGS = 40
LINE = Line("5", "ISk", 0.02)


def measure() -> list[Figure]:
    """Return median and 99th percentile; the first reading, which comes with the discovery document, apart."""
    with tempfile.TemporaryDirectory() as folder, service(Path(folder), LINE) as setup:
        setup.wait_for(READINGS + 1, (READINGS + 1) * (LINE.theory() + 2))
        arrivals = [at for topic, at in setup.tap.arrivals if topic == setup.state_topics[0]]
        ends = [report["last_byte"] for report in reports(setup.meters)]
    # A meter's very first telegram waits for a second one.
    delays = [1000 * (at - max(end for end in ends if end <= at)) for at in arrivals]
    first, later = delays[0], delays[1 : READINGS + 1]
    note = f"{len(later)} readings of 1.2 kB, {number(min(later))} to {number(max(later))} ms; first {number(first)} ms"
    return [
        Figure("last byte to broker, median", median(later), "ms", 5, note=note),
        Figure("last byte to broker, 99th percentile", percentile(later, 99), "ms", 15, note=note),
    ]
