"""The command itself: its help, its exit status, and what it imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
@pytest.mark.parametrize(
    ("words", "status"), [("ports", 0), ("--help", 0), ("decode -", 1), ("check-config x", 2), ("read /nowhere", 1)]
)
def test_closed_standard_streams_are_no_trouble(words: str, status: int, closed: str) -> None:
    """Whoever closes them does not want to see what goes there."""
    program = f"{sys.executable} -m obisgw {words} {closed}"
    done = subprocess.run(["bash", "-c", program], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert done.returncode == status
    assert b"Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["read", "/nowhere", "--address", "ä"], "'ä' is no device address: up to 32 digits, letters and blanks"),
        (["read", "/nowhere", "--address", "a/b"], "'a/b' is no device address"),
        (["simulate", "--address", "1" * 33], "is no device address"),
        (["simulate", "--address", "1", "--address", "001"], "two meters would answer to one request"),
        (["simulate", "--address", "", "--address", "1"], "two meters would answer to one request"),
        (["simulate", "--start", "2026-03-02T07:30Z"], "'2026-03-02T07:30Z' has a zone: local time is wanted"),
        (["simulate", "--fault", "flip=abc"], "'abc' is not a share from 0 to 1 (write it as in flip=0.01)"),
    ],
)
def test_values_of_options_are_checked(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is opened, and in words."""
    assert cli.main(words) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["nonsense"], ["decode", "--nonsense"], ["read"]])
def test_wrong_usage_is_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """With a word on what is wrong, on standard error."""
    assert cli.main(words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "usage: obis-gateway" in said.err


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("read /d --repeat 0", "'0' is no whole number from 1 to"),
        ("read /d --repeat often", "'often' is no whole number"),
        ("read /d --latency nan", "'nan' is no number from 0 to 10"),
        ("capture /d f --seconds -1", "'-1' is no number from 0.1 to"),
        ("simulate --speed 0", "'0' is no number from 0.001 to"),
        ("simulate --speed inf", "'inf' is no number"),
        ("simulate --interval 0", "'0' is no number from 0.01 to"),
        ("simulate --echo 7", "'7' is no number from 0 to 1"),
        ("simulate --size 1e9", "'1e9' is no whole number"),
        ("simulate --seed ²", "'²' is no whole number"),
        ("simulate --start noon", "'noon' is no date and time"),
        ("simulate --listen 127.0.0.1:99999", "HOST:PORT is wanted"),
        ("demo --broker nowhere", "HOST:PORT is wanted"),
    ],
)
def test_a_value_that_cannot_be_is_named(words: str, problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is begun, with what could be."""
    assert cli.main(words.split()) == 2
    assert problem in capsys.readouterr().err


def test_a_recording_of_nothing_is_not_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The next try finds its file free."""
    file = tmp_path / "recording"
    for _ in range(2):
        assert cli.main(["capture", str(tmp_path / "no-port"), str(file)]) == 1
        said = capsys.readouterr().err
        assert f"{file}: not kept, no byte came or went" in said
        assert "there is no such port" in said
    assert not file.exists()


def test_the_demonstration_of_an_unknown_meter_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is started for it."""
    assert cli.main(["demo", "--profile", "houshold"]) == 2
    assert "did you mean household?" in capsys.readouterr().err


def test_a_full_disk_is_no_fault_of_the_program() -> None:
    """The device whose writes all fail stands for it."""
    program = "import sys; from obisgw.cli import main; sys.exit(main(['ports', '--json']))"
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([sys.executable, "-c", program], stdout=full, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (
        2,
        b"obis-gateway: standard output cannot be written: No space left on device (is the disk full?)\n",
    )


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
