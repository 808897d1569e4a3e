"""`read`, `capture` and `simulate` with a simulated meter on a pseudo-terminal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from obisgw.cli import main, read
from obisgw.simulator.serve import SimulatorOptions, SimulatorThread
from tests.line.paced import PacedMeter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FAST = SimulatorOptions("household-fast")


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Learn nothing from, and nothing for, whoever runs the tests."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)


@pytest.fixture(scope="module")
def port() -> Iterator[str]:
    """A meter that answers quickly."""
    with SimulatorThread(FAST) as simulator:
        yield simulator.port


def test_a_meter_is_read_into_a_table(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Registers on standard output, how it went on standard error."""
    assert main(["read", port]) == 0
    said = capsys.readouterr()
    assert "Energy import" in said.out
    assert "the meter names itself /OB" in said.err
    assert "bytes in " in said.err


@pytest.mark.timeout(240)  # A machine that is busy for seconds is a bad line: readouts then go on at 300 Bd.
def test_repeated_readings_are_one_object_a_line(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    """For whatever reads along."""
    assert main(["read", port, "--json", "--repeat", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    documents = [json.loads(line) for line in lines]
    assert all(document["checks"]["bcc"] == "ok" for document in documents)
    assert documents[0]["registers"][0].keys() == documents[1]["registers"][0].keys()


def test_a_reading_is_explained(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Raw telegram, data sets, what would be published."""
    assert main(["read", port, "--explain", "--quiet"]) == 0
    said = capsys.readouterr()
    assert "raw telegram, " in said.out
    assert "  published  active_energy_import = " in said.out
    assert said.err == ""


def test_what_a_meter_pushes_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    """Mode D listens."""
    with SimulatorThread(SimulatorOptions("household-d", interval=0.2)) as simulator:
        assert main(["read", simulator.port, "--mode", "d", "--json", "--repeat", "2"]) == 0
    assert [json.loads(line)["mode"] for line in capsys.readouterr().out.splitlines()] == ["D", "D"]


def test_an_answer_without_a_register_is_no_reading(capsys: pytest.CaptureFixture[str]) -> None:
    """The object shows what came; the status and a sentence say that it is no reading."""
    with PacedMeter(text=b"(ER05)") as meter:
        assert main(["read", meter.path, "--json", "--quiet"]) == 1
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert document["registers"] == []
    assert document["unparsed"] == [{"raw": "(ER05)", "reason": "error answer of the meter"}]
    assert "the telegram holds no register: '(ER05)'" in said.err


def test_a_wrong_rate_of_a_push_meter_is_told_soon(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came is said after some seconds, and at the end, with the rates to try."""
    monkeypatch.setattr(read, "PUSH_HINT", 0.6)
    monkeypatch.setattr(read, "PUSH_PATIENCE", 1.2)
    with SimulatorThread(SimulatorOptions("household-d", interval=0.2)) as simulator:
        assert main(["read", simulator.port, "--mode", "d", "--baudrate", "2400"]) == 1
    said = capsys.readouterr().err
    assert said.count("at 2400 Bd, but no telegram; the last were ") == 2
    assert "try `baudrate` 9600, 4800, 300, 115200 with `format: 8n1`" in said


def test_a_capture_replays_and_can_be_masked(port: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It decodes to what the meter said, but for the number that is hidden."""
    plain, masked = tmp_path / "plain", tmp_path / "masked"
    assert main(["capture", port, str(plain)]) == 0
    assert main(["capture", port, str(masked), "--mask"]) == 0
    capsys.readouterr()
    numbers = []
    for file in (plain, masked):
        assert main(["decode", str(file), "--json"]) == 0
        registers = json.loads(capsys.readouterr().out)["registers"]
        numbers.append(next(one["value"] for one in registers if one["obis"] == "1-0:0.0.0*255"))
    assert numbers[0] != numbers[1]
    assert len(numbers[0]) == len(numbers[1])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["masked", "plain"]


def test_a_capture_overwrites_nothing(port: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 2, and the file is as it was."""
    (tmp_path / "file").write_text("mine", "utf-8")
    assert main(["capture", port, str(tmp_path / "file")]) == 2
    assert "File exists" in capsys.readouterr().err
    assert (tmp_path / "file").read_text("utf-8") == "mine"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_simulator_names_its_port_and_ends_when_told(number: signal.Signals, tmp_path: Path) -> None:
    """Its link goes with it."""
    link = tmp_path / "meter"
    command = [sys.executable, "-m", "obisgw", "simulate", "--link", str(link), "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"{link}\n"
        assert link.exists()
        process.send_signal(number)
        assert process.wait(5) == 0
    assert not os.path.lexists(link)
