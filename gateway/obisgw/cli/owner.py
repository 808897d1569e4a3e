"""What commands for the running service's owner share: finding it by its configuration, and asking it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from obisgw.errors import ConfigurationError

if TYPE_CHECKING:
    import argparse


HERE = Path("obis-gateway.yaml")
OF_THE_UNIT = Path("/etc/obis-gateway/obis-gateway.yaml")
OF_SYSTEMD = Path("/var/lib/obis-gateway")
"""Configuration and state folder of the unit and the container that come with this program."""


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the configuration."""
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help=f"the service's configuration, which names its state folder ({HERE}, or else {OF_THE_UNIT})",
    )


def folder_of(config: Path | None) -> Path:
    """Return the service's state folder. Raises ConfigurationError."""
    from obisgw.service.control import NAME  # noqa: PLC0415
    from obisgw.service.folder import state_folder  # noqa: PLC0415
    from obisgw.service.run import read_configuration  # noqa: PLC0415

    if config is None:
        config = OF_THE_UNIT if not HERE.exists() and _is_there(OF_THE_UNIT) else HERE
    try:
        settings, _, _ = read_configuration(config, os.environ)
    except ConfigurationError:
        # The unit is told of passwords that this command does not see.
        if _is_there(OF_SYSTEMD / NAME) or (config == OF_THE_UNIT and _is_there(OF_SYSTEMD)):
            return OF_SYSTEMD
        raise
    if not settings.api.enabled:
        raise ConfigurationError(
            "the API is not enabled", where=str(config), hint="set 'enabled: true' in section 'api'"
        )
    folder = state_folder(settings.gateway.state_dir, os.environ)
    if settings.gateway.state_dir is not None or (folder / NAME).exists():
        return folder
    # The unit's folder is told to the unit itself only. Where it does not run, its tokens are there all the same.
    of_unit = _is_there(OF_SYSTEMD / NAME) or (not folder.exists() and _is_there(OF_SYSTEMD))
    return OF_SYSTEMD if of_unit else folder


def _is_there(path: Path) -> bool:
    """Tell whether there is a file; one that may not be looked at counts, so that whoever asks is told so."""
    try:
        path.stat()
    except PermissionError:
        return True
    except OSError:
        return False
    return True


def ask_service(config: Path | None, request: dict[str, Any]) -> dict[str, Any]:
    """Return the running service's answer. Raises ConfigurationError."""
    from obisgw.service.control import ask  # noqa: PLC0415

    folder = folder_of(config)
    answer = ask(folder, request)
    if answer is None:
        raise ConfigurationError(
            "no service runs with this folder",
            where=str(folder),
            hint="start it ('systemctl start obis-gateway' or 'obis-gateway run'), or name its configuration by --config",
        )
    return answer
