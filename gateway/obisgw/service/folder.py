"""The folder for what must survive a restart, held by one service at a time."""

from __future__ import annotations

import fcntl
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from obisgw.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

_log = logging.getLogger(__name__)


def state_folder(configured: Path | None, environment: Mapping[str, str]) -> Path:
    """Return the folder: as configured, as systemd says, or the user's own."""
    if configured is not None:
        return configured
    if folder := environment.get("STATE_DIRECTORY"):
        # systemd names several, set apart by colons, where several are configured.
        return Path(folder.split(":")[0])
    home = environment.get("XDG_STATE_HOME") or str(Path(environment.get("HOME", "~")).expanduser() / ".local/state")
    return Path(home) / "obis-gateway"


class FolderLock:
    """Holds the folder for this process until it is closed or ends."""

    def __init__(self, folder: Path) -> None:
        """Make the folder and lock it. Raises ConfigurationError where that cannot be."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConfigurationError(
                f"the folder for the state cannot be used: {error.strerror}",
                where=str(folder),
                hint="set 'state_dir' in the section 'gateway' to one that this user may write to",
            ) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._descriptor, 20, 0).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            raise ConfigurationError(
                f"another obis-gateway runs with this folder{f' (process {holder})' if holder else ''}",
                where=str(folder),
                hint="stop it, or give this one its own 'state_dir'",
            ) from error
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            # The lock holds without the number, and a full disk is no reason not to read meters.
            _log.warning("%s cannot be written to: %s", folder, error.strerror)

    def close(self) -> None:
        """Let another service have the folder."""
        os.close(self._descriptor)
