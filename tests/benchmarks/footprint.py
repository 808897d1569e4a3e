"""Resident memory, processor time while nothing is read, and how soon the command answers."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.figures import Figure, median, number
from tests.benchmarks.processes import COMMAND, Line, paced_meters, program
from tests.benchmarks.service import service

LINE = Line("5")
READINGS = 5
IDLE = 20.0
STARTS = 15
_MODULES = "import sys; from obisgw.cli import main; main(['--help']); sys.stderr.write(' '.join(sys.modules))"


def measure() -> list[Figure]:
    """Return the figures of the command and of the service."""
    return [*_help(), _read(), *_service()]


def _help() -> list[Figure]:
    times = []
    for _ in range(STARTS):
        start = time.monotonic()
        subprocess.run([COMMAND, "--help"], check=True, stdout=subprocess.DEVNULL)
        times.append((time.monotonic() - start) * 1000)
    modules = subprocess.run(
        [sys.executable, "-c", _MODULES], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ).stderr.split()
    heavy = sorted({module.partition(".")[0] for module in modules} & {"aiohttp", "paho", "rich", "serialx", "asyncio"})
    banned = [name for name in heavy if name in {"aiohttp", "paho"}]
    note = f"median of {STARTS}, {number(min(times))} to {number(max(times))} ms"
    return [
        Figure("`obis-gateway --help`", median(times), "ms", 150, note=note),
        Figure(
            "`--help` imports aiohttp or paho", len(banned), "", 0, note=", ".join(heavy) or "nor asyncio nor serialx"
        ),
    ]


def _read() -> Figure:
    with tempfile.TemporaryDirectory() as folder, paced_meters(Path(folder), LINE) as (_, (port,)):
        arguments: list[str | Path] = [COMMAND, "read", port, "--json", "--quiet", "--repeat", "3"]
        with program(arguments, environment={"STATE_DIRECTORY": f"{folder}/state"}) as reader:
            for _ in range(2):
                reader.line(LINE.theory() + 20)
            most = reader.most_resident
    return Figure("memory of `obis-gateway read`", most, "MiB", 28, note="most while reading 9600 Bd twice, --json")


def _service() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        with service(Path(folder), LINE) as setup:
            setup.wait_for(READINGS, READINGS * (LINE.theory() + 2) + 20)
            most = setup.gateway.most_resident
        with service(Path(folder), LINE, every="1h") as setup:
            setup.wait_for(1, LINE.theory() + 20)
            time.sleep(2)
            spent, asleep, start = setup.gateway.processor_time, setup.gateway.wake_ups, time.monotonic()
            time.sleep(IDLE)
            seconds = time.monotonic() - start
            share = 100 * (setup.gateway.processor_time - spent) / seconds
            woken = (setup.gateway.wake_ups - asleep) / seconds
    note = f"over {seconds:.0f} s, {woken:.1f} wake-ups a second"
    return [
        Figure("memory of the service", most, "MiB", 36, note=f"most while {READINGS} readings went to the broker"),
        Figure("CPU of the service between reads", share, "% of a core", 0.5, note=note),
    ]
