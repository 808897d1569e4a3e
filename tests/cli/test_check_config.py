"""`check-config`, and the configuration that is shipped."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from obisgw.cli import main

DEPLOY = Path(__file__).parents[2] / "gateway" / "deploy"


def test_a_good_file_is_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And says how many meters it has."""
    file = tmp_path / "f.yaml"
    file.write_text("port: /dev/serial/by-id/head\ndialect: standard\n", "utf-8")
    assert main(["check-config", str(file)]) == 0
    assert capsys.readouterr() == (f"{file}: good, 1 meter\n", "")


def test_every_error_is_said_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 2, each with its line."""
    file = tmp_path / "f.yaml"
    file.write_text("port: /dev/serial/by-id/head\ndialect: standrd\nevry: 5s\n", "utf-8")
    assert main(["check-config", "--config", str(file)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        f"{file}:2: there is no dialect 'standrd' (did you mean 'standard'?)\n"
        f"{file}:3: 'evry' is no setting (did you mean 'every'?)\n"
        f"{file}: 2 errors\n"
    )


def test_own_dialects_can_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They stand beside the program's."""
    (tmp_path / "own.toml").write_text('[my-meter]\ndescription = "mine"\n', "utf-8")
    file = tmp_path / "f.yaml"
    file.write_text("port: /d\ndialect: my-meter\ngateway: {dialects: own.toml}\n", "utf-8")
    assert main(["check-config", str(file)]) == 0
    (tmp_path / "own.toml").write_text("[my-meter", "utf-8")
    assert main(["check-config", str(file)]) == 2
    assert "not valid TOML" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("own", "problem"),
    [
        (b"[mine]\n# \xff\n", "own.toml: line 2 is not UTF-8 (save it as UTF-8)"),
        (b"[mine]\nfoo = 1\n", "the owner's dialects: mine: unknown key 'foo'"),
        (b"#" * 2_000_000, "own.toml: these are no dialects: the file is larger than 1 MB"),
    ],
    ids=["not UTF-8", "unknown key", "no dialects"],
)
def test_own_dialects_that_cannot_be_used_are_one_problem_of_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], own: bytes, problem: str
) -> None:
    """It has its line, and what else is wrong is said with it; nothing is guessed of the names."""
    (tmp_path / "own.toml").write_bytes(own)
    file = tmp_path / "f.yaml"
    file.write_text("port: /d\ndialect: mine\nevry: 5s\ngateway:\n  dialects: own.toml\n", "utf-8")
    assert main(["check-config", str(file)]) == 2
    first, second, count = capsys.readouterr().err.splitlines()
    assert first == f"{file}:3: 'evry' is no setting (did you mean 'every'?)"
    assert second.startswith(f"{file}:5: 'dialects': ")
    assert problem in second
    assert count == f"{file}: 2 errors"


def test_the_shipped_example_is_good(capsys: pytest.CaptureFixture[str]) -> None:
    """As it is."""
    assert main(["check-config", str(DEPLOY / "obis-gateway.yaml")]) == 0
    assert capsys.readouterr().err == ""


def test_the_shipped_example_is_good_with_everything_in_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its remarks are settings that were tried."""
    text = (DEPLOY / "obis-gateway.yaml").read_text("utf-8")
    text = re.sub(r"^  # (- |  |(?:username|tls): )", r"  \1", text, flags=re.MULTILINE)
    file = tmp_path / "f.yaml"
    file.write_text(text, "utf-8")
    assert main(["check-config", str(file)]) == 0
    assert "good, 4 meters" in capsys.readouterr().out


def test_the_unit_runs_what_the_program_understands() -> None:
    """Command, reload by SIGHUP, readiness by notification, and no restart into a wrong configuration."""
    unit = (DEPLOY / "obis-gateway.service").read_text("utf-8")
    for line in (
        "Type=notify",
        "ExecStart=/usr/local/bin/obis-gateway run --config /etc/obis-gateway/obis-gateway.yaml",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "RestartPreventExitStatus=2",
        "StateDirectory=obis-gateway",
        "SupplementaryGroups=dialout",
    ):
        assert f"\n{line}\n" in unit
