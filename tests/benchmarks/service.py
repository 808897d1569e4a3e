"""The real service at paced meters and a real broker."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.broker import Tap, broker
from tests.benchmarks.processes import COMMAND, Line, Program, numbers, paced_meters, program


@dataclass(frozen=True, slots=True)
class Setup:
    """Everything that runs. ``state_topics``: by meter, where its readings come."""

    gateway: Program
    meters: Program
    tap: Tap
    state_topics: list[str]

    def wait_for(self, readings: int, within: float) -> None:
        """Return when so many readings have been published by all meters together."""
        until = time.monotonic() + within
        while sum(topic in self.state_topics for topic, _ in list(self.tap.arrivals)) < readings:
            if time.monotonic() > until or not self.gateway.running:
                raise RuntimeError(f"{readings} readings did not come within {within:.0f} s:\n{self.gateway.errors}")
            time.sleep(0.05)


@contextlib.contextmanager
def service(folder: Path, line: Line, count: int = 1, *, every: str = "1s", aligned: bool = True) -> Iterator[Setup]:
    """Run the service with so many meters, each on its own port."""
    with broker(folder) as (port, tap), paced_meters(folder, line, count) as (meters, links):
        entries = "".join(
            f"  - name: Meter {place}\n    port: {link}\n    every: {every}\n    aligned: {str(aligned).lower()}\n"
            for place, link in enumerate(links)
        )
        configuration = folder / "obis-gateway.yaml"
        configuration.write_text(
            f"meters:\n{entries}mqtt:\n  host: 127.0.0.1\n  port: {port}\n"
            f"api:\n  enabled: false\ngateway:\n  state_dir: {folder}/state\n"
        )
        topics = [f"obis_gateway/{line.maker.lower()}_{number}/state" for number in numbers(count)]
        with program([COMMAND, "run", "--config", configuration]) as gateway:
            yield Setup(gateway, meters, tap, topics)
