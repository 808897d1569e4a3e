"""The service's meters on real lines: what the reader tells becomes an outcome."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest

from obisgw.config.values import MeterMode
from obisgw.errors import MeterError, PortMissingError
from obisgw.iec62056_21.dialects import Dialects
from obisgw.service.edges import HeldBack, Miss, Success
from obisgw.service.line_edge import LineEdges
from obisgw.simulator.serve import Simulator, SimulatorOptions
from tests.service.fakes import settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def edges(tmp_path: Path) -> LineEdges:
    """What makes meters, with a folder of its own."""
    return LineEdges(Dialects.load(), tmp_path)


async def test_a_good_readout_is_a_reading_with_its_line(edges: LineEdges, tmp_path: Path) -> None:
    """Identity, duration, rate and margin; what was learned is kept."""
    async with Simulator(SimulatorOptions("household-fast")) as line:
        meter = edges.edge_of(settings(port=line.port))
        outcome = await meter.read()
        await meter.close()
    assert isinstance(outcome, Success)
    assert outcome.reading.meter.number == "95278866"
    assert outcome.reading.telegram.proved
    assert outcome.baudrate == 9600
    assert outcome.switch_margin is not None
    assert not outcome.battery
    await asyncio.get_running_loop().shutdown_default_executor()  # No reading waits for the disk.
    assert (tmp_path / "line.json").exists()


async def test_a_battery_meter_is_known_by_its_dialect(edges: LineEdges) -> None:
    """So that it is read rarely."""
    async with Simulator(SimulatorOptions("landis-gyr-uh50")) as line:
        meter = edges.edge_of(settings(port=line.port, wake_up=True))
        outcome = await meter.read()
        await meter.close()
    assert isinstance(outcome, Success)
    assert outcome.battery


async def test_damage_on_the_way_is_counted(edges: LineEdges) -> None:
    """The readout that follows is good."""
    async with Simulator(SimulatorOptions("household-fast", faults=("bad-check@1",))) as line:
        meter = edges.edge_of(settings(port=line.port))
        outcome = await meter.read()
        await meter.close()
    assert isinstance(outcome, Success)
    assert outcome.trouble.block_check_errors >= 1


async def test_a_missing_port_is_a_miss(edges: LineEdges) -> None:
    """And no exception."""
    meter = edges.edge_of(settings(port="/dev/nonexistent"))
    outcome = await meter.read()
    await meter.close()
    assert isinstance(outcome, Miss)
    assert isinstance(outcome.error, PortMissingError)


async def test_pushes_go_on_after_an_outage(edges: LineEdges, tmp_path: Path) -> None:
    """The port is waited for and opened again."""
    options = SimulatorOptions("household-d", interval=0.2, link=tmp_path / "meter")
    kinds = []
    async with Simulator(options) as line:
        meter = edges.edge_of(settings(port=line.port, mode=MeterMode.D))
        async with asyncio.timeout(30), aclosing(meter.pushes()) as outcomes:
            async for outcome in outcomes:
                kinds.append(type(outcome))
                if kinds == [Success]:
                    await line.unplug()
                elif kinds[-1] is Miss and isinstance(outcome, Miss) and isinstance(outcome.error, PortMissingError):
                    await line.replug()
                elif Miss in kinds and isinstance(outcome, Success):
                    assert outcome.baudrate == 9600
                    break
        await meter.close()
    assert kinds[0] is Success
    assert kinds[-1] is Success


async def test_only_damaged_pushes_are_a_miss(edges: LineEdges) -> None:
    """One is weather, and held back; three in a row are trouble."""
    async with Simulator(SimulatorOptions("household-d", interval=0.1, faults=("flip=0.05",))) as line:
        meter = edges.edge_of(settings(port=line.port, mode=MeterMode.D))
        async with asyncio.timeout(30), aclosing(meter.pushes()) as outcomes:
            *held_back, outcome = [await anext(outcomes) for _ in range(4)]
        await meter.close()
    assert all(isinstance(one, HeldBack) and "was damaged" in one.reason for one in held_back)
    assert isinstance(outcome, Miss)
    assert isinstance(outcome.error, MeterError)
    assert outcome.trouble.parity_errors > 0


async def test_a_port_shared_by_two_meters_is_given_back_by_the_last(edges: LineEdges) -> None:
    """And not by the first."""
    async with Simulator(SimulatorOptions("household-fast", addresses=("1", "2"))) as line:
        first, second = (edges.edge_of(settings(place, line.port, address=place)) for place in ("1", "2"))
        assert isinstance(await first.read(), Success)
        await first.close()
        assert isinstance(await second.read(), Success)
        shared = second._port
        assert shared.is_open
        await second.close()
        await second.close()
        assert not shared.is_open
