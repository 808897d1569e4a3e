"""`profile` and `logbook` with simulated meters on pseudo-terminals, at the line's own speed."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from obisgw.cli import main
from obisgw.iec62056_21.meter_settings import BreakHeard
from obisgw.simulator.serve import SimulatorOptions, SimulatorThread

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow
BERLIN = ("--timezone", "Europe/Berlin")
SECRET = "12345678"


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Learn nothing from, and nothing for, whoever runs the tests."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)


@pytest.fixture(scope="module")
def meter() -> Iterator[SimulatorThread]:
    """A meter that answers quickly."""
    with SimulatorThread("household-fast") as simulator:
        yield simulator


def table(text: str) -> list[dict[str, str]]:
    """Rows of CSV by their columns."""
    return list(csv.DictReader(io.StringIO(text)))


def counter(simulator: SimulatorThread, local: str, zone: str = "Europe/Berlin") -> Decimal:
    """What the meter's counter showed then."""
    household = simulator.simulator.households[0]
    moment = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone))
    return household.energy_at((moment - household.moment(0)).total_seconds()).imported


def test_a_profile_is_a_table_that_sums_to_the_counters_difference(
    meter: SimulatorThread, capsys: pytest.CaptureFixture[str]
) -> None:
    """Through a power failure that cut a quarter-hour."""
    since, until = "2026-02-27T17:30", "2026-02-27T19:00"
    assert main(["profile", meter.port, *BERLIN, "--since", since, "--until", until]) == 0
    said = capsys.readouterr()
    rows = table(said.out)
    assert [(row["start"], row["end"]) for row in rows][:1] == [("2026-02-27T16:30:00Z", "2026-02-27T16:45:00Z")]
    assert len(rows) == 6
    assert {row["status"] for row in rows} == {"", "power_back|power_failure"}
    used = sum(Decimal(row["1-0:1.29.0*255 kWh"]) for row in rows)
    assert used == counter(meter, until) - counter(meter, since)
    assert Decimal(rows[-1]["1-0:1.8.0*255 kWh"]) == counter(meter, until)
    assert "the meter names itself" in said.err
    assert said.err.endswith("6 periods of P.01\n")


def test_a_profile_is_one_json_object(meter: SimulatorThread, capsys: pytest.CaptureFixture[str]) -> None:
    """Each period on its line, and whether it is complete."""
    command = ["profile", meter.port, *BERLIN, "--since", "2025-10-26T02:30", "--until", "2025-10-26T03:30", "--quiet"]
    assert main([*command, "--format", "json"]) == 0
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert document["complete"] is True
    assert document["profile"] == "P.01"
    assert document["read_to"] == document["until"] == "2025-10-26T02:30:00Z"
    # 02:30 is of the first pass: two hours of periods.
    assert len(document["periods"]) == 8
    assert len(said.out.splitlines()) == 10
    assert said.err == ""


def test_another_profile_and_an_empty_time(meter: SimulatorThread, capsys: pytest.CaptureFixture[str]) -> None:
    """Days of totals; and nothing, which is no error."""
    times = [*BERLIN, "--since", "2026-02-10", "--until", "2026-02-14"]
    assert main(["profile", meter.port, *times, "--profile", "P.02", "--printed"]) == 0
    assert len(table(capsys.readouterr().out)) == 4
    assert main(["profile", meter.port, *BERLIN, "--since", "2030-02-10", "--until", "2030-02-10T06:00"]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "P.01: nothing is stored for this time" in said.err


def test_a_zone_without_summer_time_is_doubted(
    meter: SimulatorThread, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the meter has one and nobody has named its zone."""
    monkeypatch.setenv("TZ", "UTC")
    assert main(["profile", meter.port, "--since", "2025-07-10T10:00", "--until", "2025-07-10T11:00"]) == 0
    assert "name the meter's by --timezone" in capsys.readouterr().err


def test_a_profile_that_the_meter_does_not_know_is_refused(
    meter: SimulatorThread, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 1, and what to do."""
    assert main(["profile", meter.port, *BERLIN, "--since", "2026-02-10", "--profile", "P.07"]) == 1
    assert "the meter does not give P.07" in capsys.readouterr().err


def test_a_log_book_is_a_table_and_an_object(meter: SimulatorThread, capsys: pytest.CaptureFixture[str]) -> None:
    """All of it, or from a moment on."""
    assert main(["logbook", meter.port, *BERLIN]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(_events(meter))
    assert lines == sorted(lines)
    assert any("clock set, clock went from" in line for line in lines)
    assert main(["logbook", meter.port, *BERLIN, "--json", "--since", "2026-02-27", "--quiet"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["complete"] is True
    flags = [entry["flags"] for entry in document["entries"]]
    assert flags == [["power_failure"], ["power_back"], ["clock_set"], ["reset"]]


def _events(meter: SimulatorThread) -> list[str]:
    settings = meter.simulator.profile.settings_for(meter.simulator.households[0])
    assert settings.programming is not None
    answer = settings.programming.records["P.98"](";", 0.0)
    assert answer is not None
    return answer.decode().splitlines()


@pytest.mark.parametrize(
    "faults",
    [
        ("cut=0.5@2",),
        ("bad-check@2",),
        ("silence@2-3",),
        ("flip=0.01@2-4",),
        ("pause=4@2",),
        ("cut=0.9@2", "cut=0.1@4"),
    ],
    ids=" ".join,
)
def test_faults_in_the_middle_cost_nothing_but_time(
    faults: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Complete, nothing twice, and the sums are right."""
    since, until = "2026-02-20", "2026-02-20T12:00"
    with SimulatorThread(SimulatorOptions("household-fast", faults=faults)) as simulator:
        assert main(["profile", simulator.port, *BERLIN, "--since", since, "--until", until]) == 0
        used = counter(simulator, until) - counter(simulator, since)
    rows = table(capsys.readouterr().out)
    assert len(rows) == 48
    assert [row["start"] for row in rows[1:]] == [row["end"] for row in rows[:-1]]
    assert sum(Decimal(row["1-0:1.29.0*255 kWh"]) for row in rows) == used


def test_an_unplugged_adapter_is_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The meter, deaf with an open session, is signed off at its speed when the port is back."""
    options = SimulatorOptions("household-fast", faults=("unplug=4/2",), link=tmp_path / "meter")
    with SimulatorThread(options) as simulator:
        began = time.monotonic()
        command = ["profile", str(options.link), *BERLIN, "--since", "2026-02-18", "--until", "2026-02-20"]
        assert main(command) == 0
        assert time.monotonic() - began < 40
        used = counter(simulator, "2026-02-20") - counter(simulator, "2026-02-18")
    said = capsys.readouterr()
    rows = table(said.out)
    assert "vanished while it was in use; going on from" in said.err
    assert len(rows) == 192
    assert sum(Decimal(row["1-0:1.29.0*255 kWh"]) for row in rows) == used


@pytest.mark.parametrize(
    ("profile", "zone", "column", "since", "until"),
    [
        ("emh-lzqj-xc", "Europe/Berlin", "1-0:1.5.0*255 kWh", "2026-02-27T17:30", "2026-02-27T20:00"),
        ("metcom-mcs301", "Europe/Berlin", "1-0:1.5.0*255 kWh", "2025-07-01T06:00", "2025-07-01T09:00"),
        ("landis-gyr-e650", "Europe/Berlin", "1-0:1.5.0*255 kWh", "2025-07-01T06:00", "2025-07-01T18:00"),
        ("elster-as1440", "Europe/Berlin", "1-1:1.29.0*255 kWh", "2025-07-01T06:00", "2025-07-01T09:00"),
        ("siemens-amis", "Europe/Berlin", "1-0:1.5.0*255 kWh", "2025-09-13T23:00", "2025-09-14T04:00"),
        ("iskra-mt830", "Europe/Ljubljana", "1-0:1.5.0*255 kWh", "2025-10-26T01:00", "2025-10-26T04:00"),
        ("itron-dc3", "Europe/Berlin", "1-0:1.5.0*255 kWh", "2025-07-01T06:00", "2025-07-01T12:00"),
    ],
)
def test_every_maker_is_read_over_its_own_line(
    profile: str, zone: str, column: str, since: str, until: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Found by its identification, to the last digit."""
    with SimulatorThread(profile) as simulator:
        times = ["--timezone", zone, "--since", since, "--until", until]
        assert main(["profile", simulator.port, *times]) == 0
        used = counter(simulator, until, zone) - counter(simulator, since, zone)
    rows = table(capsys.readouterr().out)
    assert sum(Decimal(row[column]) for row in rows) == used


@pytest.fixture
def password(tmp_path: Path) -> Path:
    """The right one, in a file."""
    file = tmp_path / "password"
    file.write_text(f"{SECRET}\n", "utf-8")
    return file


def test_a_meter_that_wants_a_password_gets_it_from_a_file_or_the_environment(
    password: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """And tells what is missing without one."""
    times = [*BERLIN, "--since", "2026-02-20T10:00", "--until", "2026-02-20T11:00"]
    with SimulatorThread("household-password") as simulator:
        assert main(["profile", simulator.port, *times, "--password-file", str(password)]) == 0
        monkeypatch.setenv("METER_PASSWORD", SECRET)
        assert main(["profile", simulator.port, *times, "--password-env", "METER_PASSWORD"]) == 0
        assert main(["profile", simulator.port, *times]) == 1
    said = capfd.readouterr()
    assert said.out.count("1-0:1.29.0*255 kWh") == 2
    assert "--password-file" in said.err
    assert SECRET not in said.out + said.err


def test_a_refused_password_is_not_said_again_by_itself(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Meters lock themselves."""
    wrong = tmp_path / "wrong"
    wrong.write_text("87654321", "utf-8")
    times = [*BERLIN, "--since", "2026-02-20T10:00", "--until", "2026-02-20T11:00", "--password-file", str(wrong)]
    with SimulatorThread("household-password") as simulator:
        assert main(["profile", simulator.port, *times]) == 1
        assert main(["logbook", simulator.port, *times]) == 1
    said = capfd.readouterr()
    assert "the meter refused the password" in said.err
    assert "has refused the password before" in said.err
    assert "87654321" not in said.out + said.err


def test_ended_early_what_has_come_is_whole_and_the_meter_signed_off(tmp_path: Path) -> None:
    """SIGTERM in the middle of a long profile: one JSON object all the same, and a break."""
    options = SimulatorOptions("household-fast", link=tmp_path / "meter")
    command = [sys.executable, "-m", "obisgw", "profile", str(options.link), *BERLIN, "--format", "json"]
    environment = os.environ | {"XDG_STATE_HOME": str(tmp_path / "state")}
    with (
        SimulatorThread(options) as simulator,
        subprocess.Popen(
            [*command, "--since", "2026-01-01", "--until", "2026-02-20"],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        ) as process,
    ):
        assert process.stdout is not None
        head = [process.stdout.readline() for _ in range(3)]
        process.send_signal(signal.SIGTERM)
        # Not communicate(): it passes by what readline() has read ahead.
        rest = process.stdout.read()
        assert process.wait(10) == 143
        time.sleep(0.3)
        assert any(isinstance(event, BreakHeard) for _, event in simulator.simulator.events())
    document = json.loads("".join(head) + rest)
    assert document["complete"] is False
    assert len(document["periods"]) >= 96
    assert document["periods"][-1]["end"] == document["read_to"]
