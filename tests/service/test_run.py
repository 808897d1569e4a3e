"""What surrounds the service: its folder, its log."""

from __future__ import annotations

import errno
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from obisgw.config.values import LogLevel
from obisgw.errors import ConfigurationError
from obisgw.service.folder import FolderLock, state_folder
from obisgw.service.log import start_log

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.mark.parametrize(
    ("configured", "environment", "expected"),
    [
        (Path("/x"), {"STATE_DIRECTORY": "/y"}, "/x"),
        (None, {"STATE_DIRECTORY": "/y:/z", "HOME": "/h"}, "/y"),
        (None, {"XDG_STATE_HOME": "/s", "HOME": "/h"}, "/s/obis-gateway"),
        (None, {"HOME": "/h"}, "/h/.local/state/obis-gateway"),
    ],
)
def test_the_state_has_its_folder(configured: Path | None, environment: dict[str, str], expected: str) -> None:
    """As configured, as systemd says, or the user's own."""
    assert state_folder(configured, environment) == Path(expected)


def test_one_service_at_a_time_holds_the_folder(tmp_path: Path) -> None:
    """The second is told who has it."""
    folder = tmp_path / "a" / "b"
    lock = FolderLock(folder)
    with pytest.raises(ConfigurationError, match=rf"another obis-gateway runs .*\(process {os.getpid()}\)"):
        FolderLock(folder)
    lock.close()
    FolderLock(folder).close()


def test_a_full_disk_does_not_keep_the_service_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The folder is held all the same."""

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", full)
    lock = FolderLock(tmp_path)
    assert caplog.messages == [f"{tmp_path} cannot be written to: No space left on device"]
    with pytest.raises(ConfigurationError, match="another obis-gateway runs with this folder \\("):
        FolderLock(tmp_path)
    lock.close()


def test_a_folder_that_cannot_be_is_said(tmp_path: Path) -> None:
    """With the setting that names another."""
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(ConfigurationError, match="state_dir"):
        FolderLock(tmp_path / "file" / "state")


@pytest.fixture
def _log_as_before() -> Iterator[None]:
    """Give pytest its log back."""
    root, ours = logging.getLogger(), logging.getLogger("obisgw")
    before = root.handlers[:], root.level, ours.level
    yield
    root.handlers[:], level, own = before
    root.setLevel(level)
    ours.setLevel(own)


@pytest.mark.usefixtures("_log_as_before")
def test_the_journal_gets_priorities(capsys: pytest.CaptureFixture[str]) -> None:
    """In front of every line of a message; the time is the journal's."""
    start_log(LogLevel.INFO, {"JOURNAL_STREAM": "8:1"})
    logging.getLogger("obisgw.x").warning("two\nlines")
    logging.getLogger("obisgw.x").debug("unsaid")
    logging.getLogger("elsewhere").info("unsaid")
    assert capsys.readouterr().err == "<4>two\n<4>lines\n"


@pytest.mark.usefixtures("_log_as_before")
def test_a_terminal_gets_time_and_level(capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence a line."""
    start_log(LogLevel.DEBUG, {})
    logging.getLogger("obisgw.x").debug("said")
    assert capsys.readouterr().err.endswith(" DEBUG said\n")
