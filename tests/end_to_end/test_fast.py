"""Fast reading, the whole way: a simulated meter at its line's pace, `obis-gateway run`, a real Mosquitto."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from obisgw.iec62056_21.meter_programming import CommandHeard, PasswordHeard
from obisgw.iec62056_21.meter_settings import Acknowledged, BreakHeard
from obisgw.simulator.serve import SimulatorOptions, SimulatorThread
from tests.end_to_end.test_service import Service, documents
from tests.mqtt.brokers import Mosquitto, Watcher, mosquitto, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from obisgw.iec62056_21.meter_settings import MeterEvent

pytestmark = pytest.mark.slow

FAST = "fast: [16.7.0, 32.7.0]\nfast_every: 0\nfast_publish: 0\n"


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    """A Mosquitto of our own."""
    async with mosquitto(tmp_path) as broker:
        yield broker


@pytest.fixture
def watcher(broker: Mosquitto) -> Iterator[Watcher]:
    """Who sees all messages."""
    watcher = Watcher(broker.port)
    yield watcher
    watcher.close()


@pytest.fixture
def service(tmp_path: Path, broker: Mosquitto) -> Iterator[Service]:
    """The service, not yet started."""
    service = Service(tmp_path, broker.port)
    yield service
    if service.process is not None and service.process.poll() is None:
        service.process.kill()
        service.process.wait()


class Said:
    """What happened at a simulator's meters so far."""

    def __init__(self, simulator: SimulatorThread) -> None:
        self._simulator = simulator
        self._events: list[MeterEvent] = []

    def of(self, kind: type[MeterEvent]) -> list[MeterEvent]:
        self._events += [event for _, event in self._simulator.simulator.events()]
        return [event for event in self._events if isinstance(event, kind)]


def household(folder: Path, profile: str = "household-fast", **options: object) -> SimulatorThread:
    """A meter at ``meter`` in the test's folder; its household's time is fast, so that its power changes often."""
    return SimulatorThread(SimulatorOptions(profile, link=folder / "meter", speed=20.0, **options))  # type: ignore[arg-type]


async def test_live_values_come_between_full_readouts_and_blank_nothing(
    service: Service, tmp_path: Path, watcher: Watcher
) -> None:
    """On the same topic; each change once; and the end is a break at the meter's speed, within two seconds."""
    with household(tmp_path) as simulator:
        said = Said(simulator)
        service.configure(f"port: {simulator.port}\nevery: 20s\naligned: false\n{FAST}")
        service.start()
        await until(lambda: len(said.of(CommandHeard)) > 40, 40)
        ((_, document),) = documents(watcher).items()
        states = [json.loads(payload) for payload in watcher.payloads(document["stat_t"])]
        full = {key for key, value in states[0]["registers"].items() if value is not None}
        assert all(full <= state["registers"].keys() for state in states)
        changes = [state["registers"] for state in states]
        assert len({json.dumps(one, sort_keys=True) for one in changes}) >= 5
        # The first state is told again with the document.
        assert all(later != sooner for sooner, later in pairwise(changes[2:]))
        assert [state["at"] for state in states] == sorted(state["at"] for state in states)
        heard = said.of(CommandHeard)
        rate = 40 / (heard[-1].at - heard[-41].at)
        assert rate >= 6  # Twelve on a machine that has time.
        breaks = len(said.of(BreakHeard))
        began = time.monotonic()
        service.signal(signal.SIGTERM)
        await until(lambda: len(said.of(BreakHeard)) > breaks)
        assert time.monotonic() - began < 2
        assert service.process is not None
        assert service.process.wait(10) == 0
        assert "WARNING" not in service.log


async def test_read_now_and_a_reload_go_between(service: Service, tmp_path: Path, watcher: Watcher) -> None:
    """The session is left in order for both, and opened again."""
    with household(tmp_path) as simulator:
        said = Said(simulator)

        def sessions() -> int:
            return sum(event.acknowledgement.mode == "1" for event in said.of(Acknowledged))  # type: ignore[union-attr]

        def readouts() -> int:
            return sum(event.acknowledgement.mode == "0" for event in said.of(Acknowledged))  # type: ignore[union-attr]

        service.configure(f"port: {simulator.port}\nname: House\nevery: 10m\n{FAST}")
        service.start()
        await until(lambda: sessions() and said.of(CommandHeard), 40)
        (meter,) = documents(watcher)
        before = readouts()
        watcher.client.publish(f"obis_gateway/{meter}/command", b"read_now")
        await until(lambda: readouts() > before, 20)
        await until(lambda: sessions() > 1, 20)
        service.configure(f"port: {simulator.port}\nname: House\nevery: 10m\nfast: 1.7.0\n")
        service.signal(signal.SIGHUP)
        await until(lambda: any(event.address == "1.7.0" for event in said.of(CommandHeard)), 40)  # type: ignore[union-attr]
        assert len(said.of(BreakHeard)) >= 2
        assert "WARNING" not in service.log


async def test_a_refused_password_is_said_once_ever(service: Service, tmp_path: Path) -> None:
    """Also after a restart; the meter is read fully all the same."""
    (tmp_path / "secret").write_text("00000000\n")
    (tmp_path / "secret").chmod(0o600)
    with household(tmp_path, "household-password") as simulator:
        said = Said(simulator)
        service.configure(f"port: {simulator.port}\nevery: 20s\n{FAST}password_file: secret\n")
        for _ in range(2):
            service.start()
            await until(lambda: "fast reading is off" in service.log, 40)
            assert service.log.count("WARNING") == 1
            assert "00000000" not in service.log
            service.signal(signal.SIGTERM)
            assert service.process is not None
            assert service.process.wait(10) == 0
        assert [event.accepted for event in said.of(PasswordHeard)] == [False]  # type: ignore[union-attr]
        assert "refused the password before" in service.log
        state = (tmp_path / "state" / "line.json").read_text()
        assert "00000000" not in state
        (tmp_path / "secret").write_text("12345678\n")
        service.start()
        await until(lambda: len(said.of(CommandHeard)) > 3, 40)
        await asyncio.sleep(0)
        assert "WARNING" not in service.log
