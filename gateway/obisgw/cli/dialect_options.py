"""The choice of a dialect, for every command that takes telegrams apart."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from obisgw.service.dialects import load_dialects

if TYPE_CHECKING:
    import argparse

    from obisgw.iec62056_21.dialects import Dialect, Dialects


def add_dialects(parser: argparse.ArgumentParser) -> None:
    """Add the choice of a dialect."""
    parser.add_argument("--dialect", metavar="NAME", help="what this meter does differently (found by identification)")
    parser.add_argument("--dialects", type=Path, metavar="FILE", help="file with dialects of your own")


def dialects_of(options: argparse.Namespace) -> tuple[Dialects, Dialect | None]:
    """Return all dialects and the one that was named. Raises ConfigurationError when there is none of that name."""
    dialects = load_dialects(options.dialects)
    return dialects, dialects.named(options.dialect) if options.dialect else None
