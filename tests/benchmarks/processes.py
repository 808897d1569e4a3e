"""Programs under measurement: started, watched from outside, ended. Times are of CLOCK_MONOTONIC, in seconds."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.telegrams import SMALL, Household

HERE = Path(__file__).resolve().parent
COMMAND = Path(sys.executable).with_name("obis-gateway")
MIB = 1024 * 1024
MESSAGES = 150
"""Different telegrams that a paced meter sends in turn: more than any measurement reads, since counters do not go back."""


class Program:
    """A running program and its lines of standard output, each with the time at which it came."""

    def __init__(self, arguments: Sequence[str | Path], *, environment: Mapping[str, str] | None = None) -> None:
        self.errors = ""
        self._arguments = [str(argument) for argument in arguments]
        self._process = subprocess.Popen(
            self._arguments,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **(environment or {})},
            text=True,
        )
        self._lines: queue.Queue[tuple[float, str] | None] = queue.Queue()
        self._threads = [threading.Thread(target=self._listen), threading.Thread(target=self._collect)]
        for thread in self._threads:
            thread.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put((time.monotonic(), line))
        self._lines.put(None)

    def _collect(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.errors += line

    def line(self, within: float) -> tuple[float, str]:
        """Return the next line and when it came; RuntimeError when the program ends or says nothing."""
        try:
            item = self._lines.get(timeout=within)
        except queue.Empty:
            item = None
        if item is None:
            raise RuntimeError(f"{' '.join(self._arguments)} said no more within {within} s:\n{self.errors}")
        return item

    def lines(self) -> list[tuple[float, str]]:
        """Return the lines that have come, without waiting."""
        found = []
        with contextlib.suppress(queue.Empty):
            while (item := self._lines.get_nowait()) is not None:
                found.append(item)
        return found

    @property
    def processor_time(self) -> float:
        """Seconds of processor time so far, of all threads, as the scheduler counts them (nanoseconds)."""
        total = 0
        for task in Path(f"/proc/{self._process.pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9

    @property
    def wake_ups(self) -> int:
        """How often the program went to sleep by itself so far."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.split("\nvoluntary_ctxt_switches:")[1].split()[0])

    @property
    def resident(self) -> float:
        """Resident memory now, MiB."""
        return _status(self._process.pid, "VmRSS")

    @property
    def most_resident(self) -> float:
        """Most resident memory so far, MiB."""
        return _status(self._process.pid, "VmHWM")

    @property
    def running(self) -> bool:
        """Whether the program still runs."""
        return self._process.poll() is None

    def end(self) -> int:
        """End the program and return its status."""
        if self.running:
            self._process.send_signal(signal.SIGTERM)
        try:
            status = self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        for thread in self._threads:
            thread.join()
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()
        return status


def _status(pid: int, name: str) -> float:
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.split(f"\n{name}:")[1].split()[0]) / 1024


@contextlib.contextmanager
def program(arguments: Sequence[str | Path], *, environment: Mapping[str, str] | None = None) -> Iterator[Program]:
    """Run a program while the context lasts."""
    running = Program(arguments, environment=environment)
    try:
        yield running
    finally:
        running.end()


@dataclass(frozen=True, slots=True)
class Line:
    """How paced meters talk. ``tick``: see paced_meter."""

    baud_char: str = "5"
    maker: str = "ISK"
    reaction: float = 0.2
    tick: float = 0.0
    size: int = SMALL

    @property
    def rate(self) -> int:
        """Baud of the data."""
        return 300 << int(self.baud_char)

    @property
    def minimum(self) -> float:
        """Seconds that the standard makes the reading device wait before its acknowledgement."""
        return 0.02 if self.maker[2].islower() else 0.2

    def theory(self) -> float:
        """Seconds of one readout by the line alone: all bits, the meter's reactions, the reader's own minimum."""
        sign_on = len("/?!\r\n") + len(f"/{self.maker}{self.baud_char}PACED-0000\r\n") + len("\x06050\r\n")
        return 10 * sign_on / 300 + 10 * self.size / self.rate + 2 * self.reaction + self.minimum


def numbers(count: int) -> list[str]:
    """Return the serial numbers of so many meters."""
    return [f"{40_000_000 + place:08}" for place in range(count)]


@contextlib.contextmanager
def paced_meters(folder: Path, line: Line, count: int = 1) -> Iterator[tuple[Program, list[Path]]]:
    """Run so many paced meters; gives their program and their ports."""
    folder.mkdir(parents=True, exist_ok=True)
    links = [folder / f"meter{place}" for place in range(count)]
    messages = []
    for place, number in enumerate(numbers(count)):
        household = Household(line.size, number, seed=place)
        files = [folder / f"message{place}-{turn}" for turn in range(MESSAGES)]
        for file in files:
            file.write_bytes(household.message())
        messages.append([str(file) for file in files])
    specification = folder / "paced.json"
    specification.write_text(
        json.dumps(
            {
                "links": [str(link) for link in links],
                "baud_char": line.baud_char,
                "maker": line.maker,
                "reaction": line.reaction,
                "tick": line.tick,
                "messages": messages,
            }
        )
    )
    with program([sys.executable, HERE / "paced_meter.py", specification]) as meters:
        meters.line(20)
        yield meters, links


def reports(meters: Program) -> list[dict[str, Any]]:
    """Return what the paced meters have said since the last call."""
    found: list[dict[str, Any]] = [json.loads(text) for _, text in meters.lines()]
    return found


def broken_rules(report: Mapping[str, Any], line: Line) -> list[str]:
    """Return which rules of the protocol a readout broke, as the meter saw it."""
    if "fault" in report:
        return [str(report["fault"])]
    broken = []
    if report["acknowledgement_delay"] < line.minimum - 0.0005:
        broken.append(f"acknowledged after {report['acknowledgement_delay'] * 1000:.1f} ms")
    if report["switch_after"] is not None and report["switch_after"] < 0:
        broken.append(f"changed speed {-report['switch_after'] * 1000:.1f} ms before the last bit had left")
    if report["garbled"]:
        broken.append(f"{report['garbled']} characters came at another speed")
    return broken
