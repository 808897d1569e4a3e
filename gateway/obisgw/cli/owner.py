"""What commands for the running service's owner share: finding it by its configuration, and asking it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from obisgw.errors import ConfigurationError

if TYPE_CHECKING:
    import argparse


OF_SYSTEMD = Path("/var/lib/obis-gateway")
"""The state folder of the unit that comes with this program; only the unit itself is told of it."""


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the configuration."""
    parser.add_argument(
        "--config",
        type=Path,
        default=Path("obis-gateway.yaml"),
        metavar="FILE",
        help="the service's configuration, which names its state folder (%(default)s)",
    )


def folder_of(config: Path) -> Path:
    """Return the service's state folder. Raises ConfigurationError."""
    from obisgw.service.control import NAME  # noqa: PLC0415
    from obisgw.service.folder import state_folder  # noqa: PLC0415
    from obisgw.service.run import read_configuration  # noqa: PLC0415

    settings, _, _ = read_configuration(config, os.environ)
    if not settings.api.enabled:
        raise ConfigurationError(
            "the API is not enabled", where=str(config), hint="set 'enabled: true' in section 'api'"
        )
    folder = state_folder(settings.gateway.state_dir, os.environ)
    if settings.gateway.state_dir is None and not (folder / NAME).exists() and (OF_SYSTEMD / NAME).exists():
        return OF_SYSTEMD
    return folder


def ask_service(config: Path, request: dict[str, Any]) -> dict[str, Any]:
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
