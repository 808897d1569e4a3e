"""The command itself: its help, its exit status, and what it imports."""

from __future__ import annotations

import subprocess
import sys

import pytest

from obisgw import cli
from obisgw.errors import ConfigurationError, LineError, MeterError, ObisGatewayError, RefusedError, SinkError

HEAVY = ("aiohttp", "paho", "rich", "asyncio", "serialx", "yaml", "voluptuous")


def modules_after(*words: str) -> set[str]:
    """Return the packages that a new process has imported after this command."""
    program = (
        "import sys; from obisgw.cli import main; main(sys.argv[1:]); "
        "sys.stdout.write('\\n' + ' '.join({name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_help_imports_nothing_heavy() -> None:
    """It is there at once."""
    assert not modules_after("--help") & set(HEAVY)


def test_decode_needs_no_line_and_no_broker() -> None:
    """Only the standard library and our own stages."""
    assert not modules_after("decode", "/nonexistent", "--json") & set(HEAVY)


def test_reading_needs_no_configuration_and_no_broker() -> None:
    """A failed read has imported what a good one imports but for showing it."""
    assert not modules_after("read", "/dev/nonexistent") & (set(HEAVY) - {"asyncio", "serialx"})


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """Each with what it is for."""
    assert cli.main(["--help"]) == 0
    shown = capsys.readouterr().out
    for name in cli.COMMANDS:
        assert name in shown


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """And ends with 0."""
    assert cli.main([name, "--help"]) == 0
    assert f"usage: obis-gateway {name}" in capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["nonsense"], ["decode", "--nonsense"], ["read"]])
def test_wrong_usage_is_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """With a word on what is wrong, on standard error."""
    assert cli.main(words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "usage: obis-gateway" in said.err


class FakeCommand:
    """A command that ends with an error."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def arguments(self, _: object) -> None:
        """Take none."""

    def run(self, _: object) -> int:
        """Fail."""
        raise self.error


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (MeterError("no answer", where="/dev/x", hint="turn the head"), 1),
        (LineError("no answer", where="/dev/x", hint="turn the head"), 1),
        (RefusedError("no answer", where="/dev/x", hint="turn the head"), 1),
        (ConfigurationError("no answer", where="/dev/x", hint="turn the head"), 2),
        (SinkError("no answer", where="/dev/x", hint="turn the head"), 3),
    ],
)
def test_an_error_is_one_sentence_and_a_status(
    error: ObisGatewayError, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What happened, where, and what to do: no traceback."""
    monkeypatch.setattr(cli, "_module", lambda _: FakeCommand(error))
    assert cli.main(["ports"]) == status
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "obis-gateway: /dev/x: no answer (turn the head)\n")


def test_a_fault_of_ours_shows_its_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And asks for a report."""
    monkeypatch.setattr(cli, "_module", lambda _: FakeCommand(ZeroDivisionError("ours")))
    assert cli.main(["ports"]) == cli.FAULT
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert "please report" in said


def test_an_interrupt_is_quiet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C needs no explanation."""
    monkeypatch.setattr(cli, "_module", lambda _: FakeCommand(KeyboardInterrupt()))
    assert cli.main(["ports"]) == cli.INTERRUPTED
    assert capsys.readouterr().err == ""
