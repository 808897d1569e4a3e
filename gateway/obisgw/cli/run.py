"""`obis-gateway run`: the service."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--config", type=Path, default=Path("obis-gateway.yaml"), metavar="FILE", help="the configuration (%(default)s)"
    )


def run(options: argparse.Namespace) -> int:
    """Run until SIGTERM or SIGINT; SIGHUP reads the configuration again."""
    # Imported here, so that the help of this command is as quick as of the others.
    from obisgw.service.run import run_service  # noqa: PLC0415

    return run_service(options.config)
