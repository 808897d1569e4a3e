"""Options of the commands that talk to a meter, as in the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from obisgw.config.values import BAUDRATES, LineFormat, MeterMode
from obisgw.errors import ConfigurationError
from obisgw.iec62056_21.dialects import Dialect, Dialects

if TYPE_CHECKING:
    import argparse


def add_dialects(parser: argparse.ArgumentParser) -> None:
    """Add the choice of a dialect."""
    parser.add_argument("--dialect", metavar="NAME", help="what this meter does differently (found by identification)")
    parser.add_argument("--dialects", type=Path, metavar="FILE", help="file with dialects of your own")


def add_line(parser: argparse.ArgumentParser) -> None:
    """Add port, address, dialect and everything about the line."""
    parser.add_argument("port", help="/dev/serial/by-id/…, socket://host:port, rfc2217://host:port or esphome://host")
    parser.add_argument("--address", default="", metavar="TEXT", help="device address in the request")
    modes = [mode.value for mode in MeterMode]
    parser.add_argument(
        "--mode",
        choices=modes,
        default="auto",
        type=lambda text: text.upper() if text.lower() != "auto" else "auto",
        help="auto asks (A to C as the meter offers), D listens to a meter that sends unasked (%(default)s)",
    )
    parser.add_argument(
        "--baudrate",
        type=int,
        choices=BAUDRATES,
        metavar="RATE",
        help="rate of the request (300), or of what a meter in mode D sends (9600)",
    )
    parser.add_argument(
        "--max-baudrate", type=int, choices=BAUDRATES, metavar="RATE", help="fastest rate to ask the meter for"
    )
    formats = [line_format.value for line_format in LineFormat]
    parser.add_argument(
        "--format", choices=formats, default="software-7e1", help="characters on the line (%(default)s)"
    )
    parser.add_argument("--no-dtr", dest="dtr", action="store_false", help="DTR off while the port is open")
    parser.add_argument("--rts", action="store_true", help="RTS on while the port is open")
    parser.add_argument("--wake-up", action="store_true", default=None, help="wake the meter up before the request")
    parser.add_argument(
        "--latency", type=float, default=0.5, metavar="S", help="extra patience in seconds (%(default)s)"
    )
    add_dialects(parser)


def dialects_of(options: argparse.Namespace) -> tuple[Dialects, Dialect | None]:
    """Return all dialects and the one that was named. Raises ConfigurationError when there is none of that name."""
    owners = None
    if options.dialects is not None:
        try:
            owners = options.dialects.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"the dialects cannot be read: {error}", where=str(options.dialects)) from error
    dialects = Dialects.load(owners)
    return dialects, dialects.named(options.dialect) if options.dialect else None
