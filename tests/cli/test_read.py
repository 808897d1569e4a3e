"""`read` and `simulate` where no line is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from obisgw.cli import main
from obisgw.cli.progress import fitted, progress_text

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Learn nothing from, and nothing for, whoever runs the tests."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)


def test_no_port_is_1(capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence with the remedy."""
    assert main(["read", "/dev/nonexistent"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("obis-gateway: /dev/nonexistent: there is no such port (")
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize("words", [["--repeat", "0"], ["--mode", "F"], ["--baudrate", "301"], ["--format", "9x9"]])
def test_wrong_options_are_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Before any port is touched."""
    assert main(["read", "/dev/nonexistent", *words]) == 2
    assert words[0] in capsys.readouterr().err


@pytest.mark.parametrize(
    ("received", "expected", "baudrate", "text"),
    [
        (0, None, 300, "waiting for the meter"),
        (600, 1200, 300, "600 of 1200 bytes at 300 Bd (30 a second), 20 s left"),
        (600, None, 9600, "600 bytes at 9600 Bd (960 a second); how many will come is not known yet"),
    ],
)
def test_progress_says_bytes_rate_and_time_left(received: int, expected: int | None, baudrate: int, text: str) -> None:
    """As far as they are known."""
    assert progress_text(received, expected, baudrate) == text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--profile", "househld"], "did you mean household?"),
        (["--fault", "flop=1"], "did you mean flip?"),
        (["--listen", "nowhere"], "HOST:PORT"),
    ],
)
def test_a_simulator_that_cannot_be_is_2(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With the nearest that can."""
    assert main(["simulate", *words]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(("columns", "shown"), [(80, "1200 bytes"), (8, "1200 by"), (1, ""), (0, "1200 bytes")])
def test_progress_never_wraps(columns: int, shown: str) -> None:
    """Terminals that do not tell their width get all of it."""
    assert fitted("1200 bytes", columns) == shown


@pytest.mark.parametrize(
    "words",
    [
        ["--server", "1/17"],
        ["--password-env", "PATH"],
        ["--mode", "C", "--client", "1"],
        ["--mode", "E", "--security", "low"],
        ["--mode", "E", "--security", "high-gmac"],
        ["--mode", "E", "--encryption-key-env", "PATH", "--authentication-key-env", "PATH"],
        ["--mode", "E", "--encryption-key-file", "/dev/nonexistent"],
        ["--mode", "E", "--format", "7e1"],
        ["--transport", "tcp"],
        ["--mode", "E", "--system-title", "xyz"],
    ],
    ids=" ".join,
)
def test_what_does_not_fit_together_for_dlms_is_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Before any port is opened, in one sentence."""
    assert main(["read", "/dev/nonexistent", *words]) == 2
    said = capsys.readouterr().err
    assert "fault of the program" not in said
    assert "no such port" not in said
