"""`write`: who may, what is shown, and that nothing is written without a word."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from obisgw.cli import main
from obisgw.simulator.serve import SimulatorOptions, SimulatorThread

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PASSWORD = "12345678"


@pytest.fixture
def house() -> Iterator[SimulatorThread]:
    """A meter whose programming mode wants a password for writing."""
    with SimulatorThread(SimulatorOptions(profile="household-password", reaction=0.02, parity=True)) as simulator:
        yield simulator


def configuration(folder: Path, port: str, *lines: str) -> Path:
    """Return a configuration of one meter that may be written to, its password in a file."""
    secret = folder / "secret"
    secret.write_text(f"{PASSWORD}\n")
    secret.chmod(0o600)
    file = folder / "gateway.yaml"
    settings = [f"port: {port}", "name: House", "password_file: secret", *lines, "gateway:", "  state_dir: state"]
    file.write_text("\n".join(settings) + "\n")
    return file


def at_a_terminal(words: list[str], typed: str) -> tuple[int, str, str]:
    """Run a command whose standard input is a terminal; return status and what it said."""
    master, slave = pty.openpty()
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "obisgw", *words],
            stdin=slave,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        os.write(master, f"{typed}\n".encode())
        out, err = process.communicate(timeout=50)
    finally:
        os.close(master)
        os.close(slave)
    return process.returncode, out, err


@pytest.mark.slow
def test_a_change_is_shown_confirmed_written_and_read_back(house: SimulatorThread, tmp_path: Path) -> None:
    """The password is in no output; the meter has the new value."""
    file = configuration(tmp_path, house.port, "allow_write: true")
    status, out, err = at_a_terminal(["write", "--config", str(file), "House", "W5 0.9.1(123000)"], "House")
    assert status == 0, err
    assert out == "House: W5 0.9.1(123000) was written\n"
    assert "W5 0.9.1(123000)    now: 0" in err
    assert "/OBG5VIRTUAL-1" in err
    assert PASSWORD not in out + err
    meter = house.simulator.line.wire.stations[0].session
    assert meter._dialogue is not None
    assert meter._dialogue.written == {"0.9.1": "123000"}


@pytest.mark.slow
@pytest.mark.parametrize("typed", ["", "yes", "house"])
def test_anything_but_the_meter_s_name_writes_nothing(house: SimulatorThread, tmp_path: Path, typed: str) -> None:
    """A key pressed by mistake is no word."""
    file = configuration(tmp_path, house.port, "allow_write: true")
    status, out, err = at_a_terminal(["write", "--config", str(file), "House", "W5 0.9.1(123000)"], typed)
    assert status == 1
    assert out == ""
    assert err.endswith("nothing was written\n")
    meter = house.simulator.line.wire.stations[0].session
    assert meter._dialogue is not None
    assert meter._dialogue.written == {}


@pytest.mark.slow
def test_what_erases_a_profile_is_refused_before_anybody_is_asked(house: SimulatorThread, tmp_path: Path) -> None:
    """For good, whoever asks."""
    file = configuration(tmp_path, house.port, "allow_write: true")
    status, _, err = at_a_terminal(["write", "--config", str(file), "House", "W5 P.01(00000000)"], "House")
    assert status == 1
    assert "is never written" in err
    assert "type the meter's name" not in err


@pytest.mark.parametrize(
    ("lines", "words", "said"),
    [
        ((), ["House", "W5 0.9.1(1)"], "may not be written to"),
        (("allow_write: true",), ["Garage", "W5 0.9.1(1)"], "known: House"),
        (("allow_write: true",), ["House"], "nothing is to be written"),
        (("allow_write: true",), ["House", "R5 1.8.0()"], "change 1 is none"),
        (("allow_write: true",), ["House", "--from", "/nonexistent"], "cannot be read"),
        (("allow_write: true",), ["House", "W5 0.9.1(1)"], "nobody can be asked"),
    ],
)
def test_before_any_port_is_touched(
    lines: tuple[str, ...], words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The meter must be one that its owner lets be written to, and a person must be there."""
    file = configuration(tmp_path, "/dev/nonexistent", *lines)
    assert main(["write", "--config", str(file), *words]) == 2
    assert said in capsys.readouterr().err
