"""What stands on the command line of `profile` and `logbook`: times, zones, passwords."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from obisgw.cli import main
from obisgw.cli.access_options import add_access, wish_of
from obisgw.cli.stored import moment_of, point_in_time
from obisgw.cli.zones import zone_named
from obisgw.errors import ConfigurationError
from obisgw.iec62056_21.password import PasswordLevel
from obisgw.reader.programming import Wish

NOW = datetime(2026, 7, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-07-01", "2026-06-30T22:00:00+00:00"),
        ("2026-01-01T07:00", "2026-01-01T06:00:00+00:00"),
        ("2026-07-01T07:00:00Z", "2026-07-01T07:00:00+00:00"),
        ("2026-07-01T07:00+02:00", "2026-07-01T05:00:00+00:00"),
        ("7d", "2026-07-03T12:00:00+00:00"),
        ("36h", "2026-07-09T00:00:00+00:00"),
        ("90min", "2026-07-10T10:30:00+00:00"),
        ("2w", "2026-06-26T12:00:00+00:00"),
    ],
)
def test_times_are_of_the_meters_zone_or_ago(text: str, moment: str) -> None:
    """Unless they have an offset of their own."""
    assert moment_of(point_in_time(text), ZoneInfo("Europe/Berlin"), NOW) == datetime.fromisoformat(moment)


def test_no_time_is_none() -> None:
    """Left out."""
    assert moment_of(None, UTC, NOW) is None


@pytest.mark.parametrize("text", ["yesterday", "7", "7y", "", "2026-13-01", "-7d"])
def test_what_is_no_time_is_said(text: str) -> None:
    """With how it is written."""
    with pytest.raises(argparse.ArgumentTypeError, match="is no date and time, as 2026-03-01"):
        point_in_time(text)


def test_a_zone_is_named_or_this_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    """TZ counts where it has a name."""
    assert zone_named("Australia/Lord_Howe") == ZoneInfo("Australia/Lord_Howe")
    monkeypatch.setenv("TZ", "America/St_Johns")
    assert zone_named(None) == ZoneInfo("America/St_Johns")
    monkeypatch.setenv("TZ", ":Europe/Berlin")
    assert zone_named(None) == ZoneInfo("Europe/Berlin")
    for unnamed in ("CET-1CEST,M3.5.0,M10.5.0/3", ""):
        monkeypatch.setenv("TZ", unnamed)
        assert zone_named(None).utcoffset(NOW.replace(tzinfo=None)) is not None


@pytest.mark.parametrize("name", ["Europe/Bärlin", "", "../etc/passwd", "Europe"])
def test_a_zone_that_does_not_exist_is_said(name: str) -> None:
    """Not guessed."""
    with pytest.raises(ConfigurationError, match="no such time zone"):
        zone_named(name)


def wish(*words: str) -> Wish:
    """What the options ask for."""
    parser = argparse.ArgumentParser()
    add_access(parser)
    return wish_of(parser.parse_args(words))


def test_a_password_comes_from_a_file_or_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first line, without its end; P1 unless told otherwise."""
    (tmp_path / "file").write_text("secret 1\nmore\n", "utf-8")
    monkeypatch.setenv("METER", "secret 2")
    assert wish().password is None
    one, other = (
        wish("--password-file", str(tmp_path / "file")),
        wish("--password-env", "METER", "--password-level", "p2"),
    )
    assert one.password is not None
    assert other.password is not None
    assert (one.password.secret.reveal(), one.password.level) == ("secret 1", PasswordLevel.P1)
    assert (other.password.secret.reveal(), other.password.level) == ("secret 2", PasswordLevel.P2)
    assert "secret " not in repr(one) + repr(other)


@pytest.mark.parametrize(
    ("words", "content", "problem"),
    [
        (("--password-env", "NOT_THERE"), "", "the environment has no such variable"),
        (("--password-file", "not-there"), "", "the file cannot be read: No such file"),
        (("--password-file", "file"), "(secret)", "this can be no password of a meter"),
        (("--password-file", "file"), "", "this can be no password of a meter"),
        (("--password-file", "file"), "s" * 33, "this can be no password of a meter"),
        (("--password-file", "file"), "sécret", "this can be no password of a meter"),
    ],
)
def test_a_password_that_cannot_be_had_is_said_without_it(
    words: tuple[str, str], content: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it was."""
    monkeypatch.chdir(tmp_path)
    Path("file").write_text(content, "utf-8")
    with pytest.raises(ConfigurationError, match=problem) as raised:
        wish(*words)
    assert not content or content not in str(raised.value)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["profile", "/dev/null", "--since", "2026-03-02", "--until", "2026-03-01"], "--since is before --until"),
        (["profile", "/dev/null", "--timezone", "Nowhere"], "no such time zone"),
        (["profile", "/dev/null", "--profile", "P.01("], "can be no address"),
        (["profile", "/dev/null", "--format", "xml"], "invalid choice: 'xml'"),
        (["profile", "/dev/null", "--password", "12345678"], "ambiguous option: --password"),
        (["profile", "/dev/null", "--password-file", "a", "--password-env", "B"], "not allowed with argument"),
        (["logbook", "/dev/null", "--log", ""], "can be no address"),
        (["logbook", "/dev/null", "--dialect", "nobody"], "no dialect is named 'nobody'"),
    ],
)
def test_what_is_wrong_on_the_command_line_is_said(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 2, before any port is opened; a password is no argument."""
    assert main(words) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("command", ["profile", "logbook"])
def test_a_port_that_is_not_there_is_told(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 1, as with the other commands."""
    assert main([command, str(tmp_path / "no-port")]) == 1
    assert "no-port" in capsys.readouterr().err


def test_ago_and_zone_defaults_are_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    """Where a person looks first."""
    assert main(["profile", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "2026-03-01T07:00 or 7d (1d)" in text
    assert timedelta(days=1) == point_in_time("1d")
