"""`obis-gateway pair` and `tokens` find the service that they are meant for, as it was installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from obisgw.cli import owner
from obisgw.errors import ConfigurationError
from obisgw.service.control import NAME

PLAIN = "port: /dev/ttyUSB0\n"
WITH_CREDENTIAL = "port: /dev/ttyUSB0\nmqtt: {username: meters, password_file: $CREDENTIALS_DIRECTORY/mqtt-password}\n"


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a machine's root, with a home folder that the command is run in."""
    for variable in ("STATE_DIRECTORY", "XDG_STATE_HOME", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(variable, raising=False)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home)
    monkeypatch.setattr(owner, "OF_THE_UNIT", tmp_path / "etc" / "obis-gateway.yaml")
    monkeypatch.setattr(owner, "OF_SYSTEMD", tmp_path / "var")
    return tmp_path


def installed(machine: Path, configuration: str = PLAIN, *, runs: bool = True) -> Path:
    """Install the unit and return its state folder."""
    owner.OF_THE_UNIT.parent.mkdir()
    owner.OF_THE_UNIT.write_text(configuration, "utf-8")
    owner.OF_SYSTEMD.mkdir()
    if runs:
        (owner.OF_SYSTEMD / NAME).touch()
    return machine / "var"


@pytest.mark.parametrize("configuration", [PLAIN, WITH_CREDENTIAL, "nonsense"])
def test_the_unit_is_found_from_any_folder(machine: Path, configuration: str) -> None:
    """Also with a password that only the unit is told of, and while its configuration is being changed."""
    unit = installed(machine, configuration)
    assert owner.folder_of(None) == unit


@pytest.mark.parametrize("configuration", [PLAIN, WITH_CREDENTIAL])
def test_the_tokens_of_a_unit_that_does_not_run_are_found(machine: Path, configuration: str) -> None:
    """They can be revoked all the same."""
    unit = installed(machine, configuration, runs=False)
    assert owner.folder_of(None) == unit


def test_a_configuration_in_this_folder_goes_first(machine: Path) -> None:
    """Whoever tries the program beside the unit means the one here, once it runs."""
    installed(machine)
    Path("obis-gateway.yaml").write_text("port: /dev/ttyUSB1\ngateway: {state_dir: here}\n", "utf-8")
    assert owner.folder_of(None).name == "here"
    own = Path("own.yaml")
    own.write_text(PLAIN, "utf-8")
    running = machine / "home" / ".local" / "state" / "obis-gateway"
    running.mkdir(parents=True)
    (running / NAME).touch()
    assert owner.folder_of(own) == running


def test_without_any_configuration_the_one_here_is_missed() -> None:
    """It is the simplest way to have one."""
    with pytest.raises(ConfigurationError, match=r"obis-gateway\.yaml.*no such file"):
        owner.folder_of(None)


def test_a_wrong_configuration_of_ones_own_is_said(machine: Path) -> None:
    """With its place; it is not the unit's."""
    installed(machine, runs=False)
    Path("obis-gateway.yaml").write_text(WITH_CREDENTIAL, "utf-8")
    with pytest.raises(ConfigurationError, match="password_file"):
        owner.folder_of(None)
