"""Ports and meters side by side: none disturbs another, and a new configuration only what it changes."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from obisgw.config.values import MeterMode
from obisgw.errors import PortMissingError
from obisgw.service.edges import Miss
from obisgw.service.gateway import Gateway
from obisgw.service.state import State

from .fakes import FakeClock, FakeMeter, FakePublisher, identity, settings, settled, silence, success

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from obisgw.config.table import MeterSettings

MINUTE = timedelta(minutes=1)


class Rig:
    """A gateway with fake edges; meters by entry."""

    def __init__(self, path: Path | None = None, until: float = 1500.0) -> None:
        self.clock = FakeClock(1000.0, until)
        self.publisher = FakePublisher()
        self.meters: dict[str, FakeMeter] = {}
        self.gateway = Gateway(self.publisher, State.load(path), self.clock, self.edge)

    def edge(self, meter: MeterSettings) -> FakeMeter:
        return self.meters.setdefault(meter.entry, FakeMeter(self.clock, success(identity(meter.entry.lower()))))


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    """A gateway that is stopped after the test."""
    rig = Rig()
    yield rig
    await rig.gateway.stop()


async def test_starts_are_on_the_minute_whatever_a_readout_takes(rig: Rig) -> None:
    """No drift: the first at once, then by the clock."""
    await rig.gateway.configure([settings("A", every=MINUTE)])
    await settled()
    assert rig.meters["A"].starts == [1000.0, *range(1020, 1501, 60)]


async def test_meters_on_one_port_are_read_one_after_another(rig: Rig) -> None:
    """The line is one."""
    await rig.gateway.configure([settings("A", "/p", address="1"), settings("B", "/p", address="2")])
    await settled()
    assert rig.meters["A"].starts[:2] == [1000.0, 1020.0]
    assert rig.meters["B"].starts[:2] == [1002.0, 1022.0]


async def test_a_port_that_hangs_does_not_touch_another(rig: Rig) -> None:
    """Each port has its task."""
    rig.meters["A"] = FakeMeter(rig.clock)
    rig.meters["A"].hangs = True
    await rig.gateway.configure([settings("A", "/p"), settings("B", "/q")])
    await settled()
    assert len(rig.meters["A"].starts) == 1
    assert len(rig.meters["B"].starts) > 5


async def test_a_fault_of_ours_is_logged_and_the_meter_read_again(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is swallowed, and nothing else stops."""
    rig.meters["A"] = FakeMeter(rig.clock, ZeroDivisionError("ours"), success(identity("a")))
    await rig.gateway.configure([settings("A", "/p", address="1"), settings("B", "/p", address="2")])
    await settled()
    assert rig.gateway.alive
    assert ("reading", "isk_a") in rig.publisher.told
    assert [record.exc_info is not None for record in caplog.records if "fault" in record.message] == [True]


async def test_read_now_reads_by_id_or_name_and_keeps_the_clock(rig: Rig) -> None:
    """The next regular start stays on its minute."""
    rig.clock.until = 1030.0
    await rig.gateway.configure([settings("A", every=timedelta(hours=1))])
    await settled(20)
    assert rig.gateway.read_now("isk_a")
    await settled(20)
    assert rig.meters["A"].starts == [1000.0, 1002.0]
    assert rig.gateway.meters[0].due == 3600.0
    assert not rig.gateway.read_now("nobody")


async def test_a_new_configuration_restarts_only_what_it_changes(rig: Rig) -> None:
    """The unchanged meter's readout under way goes on."""
    a, b, c = settings("A", "/p"), settings("B", "/q"), settings("C", "/r")
    for entry in ("A", "B"):
        rig.meters[entry] = FakeMeter(rig.clock)
        rig.meters[entry].hangs = True
    await rig.gateway.configure([a, b])
    await settled(20)
    old_b = rig.meters.pop("B")
    await rig.gateway.configure([a, settings("B", "/q", address="5"), c])
    await settled(20)
    assert len(rig.meters["A"].starts) == 1
    assert not rig.meters["A"].cancelled
    assert old_b.cancelled
    assert old_b.closed == 1
    assert rig.meters["B"].starts
    assert rig.meters["C"].starts


async def test_lines_moved_in_the_file_change_nothing(rig: Rig) -> None:
    """A comment above a meter does not restart it."""
    await rig.gateway.configure([settings("A")])
    before = rig.gateway.meters
    moved = settings("A")
    object.__setattr__(moved, "line", 99)
    await rig.gateway.configure([moved])
    assert rig.gateway.meters == before


async def test_a_removed_meter_is_forgotten(rig: Rig) -> None:
    """Its device goes from Home Assistant."""
    await rig.gateway.configure([settings("A", "/p"), settings("B", "/q")])
    await settled(20)
    await rig.gateway.configure([settings("B", "/q")])
    assert ("removed", "isk_a") in rig.publisher.told
    assert rig.meters["A"].closed == 1


async def test_a_renamed_meter_keeps_its_device(rig: Rig) -> None:
    """The number is the meter, the name is not."""
    await rig.gateway.configure([settings("A", "/p")])
    await settled(20)
    rig.meters["Z"] = FakeMeter(rig.clock, success(identity("a")))
    rig.publisher.told.clear()
    await rig.gateway.configure([settings("Z", "/p")])
    await settled(20)
    assert rig.publisher.told[:3] == [("added", "isk_a"), ("slot removed", "A"), ("reading", "isk_a")]


async def test_a_meter_renamed_or_removed_while_the_service_was_stopped_is_known_again(tmp_path: Path) -> None:
    """By its port and address; and what is no more is removed then."""
    first = Rig(path := tmp_path / "meters.json")
    await first.gateway.configure([settings("A", "/p"), settings("B", "/q", address="5"), settings("C", "/r")])
    await settled(20)
    await first.gateway.stop()
    second = Rig(path)
    for entry in ("Z", "B"):
        second.meters[entry] = FakeMeter(second.clock, silence())
    await second.gateway.configure([settings("Z", "/p"), settings("B", "/s", address="5")])
    assert second.publisher.told == [("removed", "isk_c"), ("added", "isk_a"), ("added", "isk_b")]
    await second.gateway.stop()


async def test_a_meter_that_moves_to_another_port_leaves_the_old_one_first(rig: Rig) -> None:
    """Two ports may exchange their meters."""
    await rig.gateway.configure([settings("A", "/p"), settings("B", "/q")])
    await settled(20)
    first = dict(rig.meters)
    rig.meters.clear()
    await rig.gateway.configure([settings("A", "/q"), settings("B", "/p")])
    await settled(20)
    assert [meter.closed for meter in first.values()] == [1, 1]
    assert rig.meters["A"].starts
    assert rig.meters["B"].starts


async def test_another_publisher_is_told_of_every_meter(rig: Rig) -> None:
    """The broker's settings changed."""
    await rig.gateway.configure([settings("A", "/p")])
    await settled(20)
    rig.gateway.introduce_to(new := FakePublisher())
    assert new.told == [("added", "isk_a")]


async def test_stopping_ends_readouts_and_frees_ports(rig: Rig) -> None:
    """A readout under way is cancelled, which signs off the meter."""
    rig.meters["A"] = FakeMeter(rig.clock)
    rig.meters["A"].hangs = True
    await rig.gateway.configure([settings("A", "/p"), settings("B", "/q", mode=MeterMode.D)])
    await settled(20)
    await rig.gateway.stop()
    assert rig.meters["A"].cancelled
    assert [meter.closed for meter in rig.meters.values()] == [1, 1]


async def test_known_meters_and_counts_survive_a_restart(tmp_path: Path) -> None:
    """A battery meter read today is not read again because the service was restarted."""
    path = tmp_path / "meters.json"
    first = Rig(path)
    first.meters["A"] = FakeMeter(first.clock, success(identity("a"), battery=True))
    await first.gateway.configure([settings("A")])
    await settled(20)
    await first.gateway.stop()
    second = Rig(path)
    second.meters["A"] = FakeMeter(second.clock, silence())
    await second.gateway.configure([settings("A")])
    await settled()
    assert second.meters["A"].starts == []
    (run,) = second.gateway.meters
    assert (run.state.identity, run.state.reads_today) == (identity("a"), 1)
    await second.gateway.stop()


@pytest.mark.parametrize("meter", ["5", '{"identity": null, "last_start": "noon"}', '{"identity": null, "colour": 1}'])
async def test_a_damaged_state_is_set_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture, meter: str) -> None:
    """Nothing is lost silently, and the service starts."""
    path = tmp_path / "meters.json"
    path.write_text(f'{{"meters": {{"A": {meter}}}}}', "utf-8")
    assert State.load(path).meters == {}
    assert path.with_suffix(".damaged").exists()
    assert "meters.damaged" in caplog.text


async def test_a_state_that_cannot_be_written_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """And again when it could be meanwhile."""
    folder = tmp_path / "gone"
    state = State(folder / "meters.json")
    state.save()
    state.save()
    (said,) = caplog.messages
    assert said.startswith(f"{folder}/meters.json cannot be written: No such file or directory (read counts and")
    folder.mkdir()
    state.save()
    assert (folder / "meters.json").exists()
    assert not state.complained


async def test_a_clock_set_back_does_not_stop_reading() -> None:
    """What was due by the old clock is read now."""
    rig = Rig(until=50_000.0)
    await rig.gateway.configure([settings("A", every=MINUTE)])
    rig.clock.time = 1_000_000.0
    (run,) = rig.gateway.meters
    run.due = 1_000_060.0
    rig.clock.time = 2_000.0
    await settled(20)
    assert rig.meters["A"].starts[0] == 2_000.0
    await rig.gateway.stop()


async def test_the_task_of_a_port_ends_with_its_last_meter(rig: Rig) -> None:
    """Nothing is left running."""
    await rig.gateway.configure([settings("A", "/p")])
    await rig.gateway.configure([])
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "port /p"]


async def test_a_port_that_returns_is_read_at_once(rig: Rig) -> None:
    """Not when the schedule says; and a port that is missing costs a battery meter no read."""
    missing = Miss(PortMissingError("there is no such port", where="/p", hint="plug it in"))
    rig.clock.until = 1001.0
    rig.meters["A"] = meter = FakeMeter(rig.clock, missing, success(identity("a")), takes=0.0)
    await rig.gateway.configure([settings("A", "/p", reads_a_day=1)])
    await settled(50)
    assert len(meter.starts) == 1
    (run,) = rig.gateway.meters
    assert run.state.reads_today == 0
    meter.back.set()
    await settled(50)
    assert len(meter.starts) == 2
    assert rig.publisher.told[-1] == ("reading", "isk_a")
    assert run.state.reads_today == 1


async def test_what_switches_at_each_reading_is_not_written_at_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory cards wear: once in five minutes."""
    monkeypatch.setattr("obisgw.service.gateway.SAVE_SOON", 0)
    rig = Rig(tmp_path / "meters.json", until=1700.0)
    facts = rig.gateway._state.facts
    rig.meters["A"] = FakeMeter(rig.clock)
    rig.meters["A"].on_read = lambda: setattr(facts, "unsaved", True)
    await rig.gateway.configure([settings("A", every=timedelta(seconds=10))])
    saved = []
    monkeypatch.setattr(State, "save", lambda _: saved.append(rig.clock.now()))
    await settled(2000)
    await asyncio.sleep(0.05)
    assert len(rig.meters["A"].starts) > 50
    assert len(saved) == 3
    await rig.gateway.stop()
