"""`obis-gateway check-config`: everything that is wrong with a configuration, each with its line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from obisgw.config.load import check_file
from obisgw.service.dialects import load_dialects

from .terminal import out, say

if TYPE_CHECKING:
    import argparse

    from obisgw.config.load import Checked


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "file", nargs="?", type=Path, default=Path("obis-gateway.yaml"), help="the configuration (%(default)s)"
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="the same, spelt as for 'run'")


def run(options: argparse.Namespace) -> int:
    """Check the file; 0 when the gateway would run with it, else 2."""
    checked = check(options.config or options.file)
    for problem in checked.problems:
        say(problem.sentence(checked.file))
    if checked.settings is None:
        count = len(checked.errors)
        say(f"{checked.file}: {count} error{'s' if count > 1 else ''}")
        return 2
    meters = checked.settings.meters
    out(f"{checked.file}: good, {len(meters)} meter{'s' if len(meters) > 1 else ''}")
    return 0


def check(file: Path) -> Checked:
    """Return the checked configuration, the dialects' names being those of the program and of the owner's file."""
    return check_file(
        file,
        environment=os.environ,
        dialects=load_dialects(None).names,
        own_dialects=lambda owners: load_dialects(owners).names,
    )
