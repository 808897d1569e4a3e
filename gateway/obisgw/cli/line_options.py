"""Options of the commands that talk to a meter, as in the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from obisgw.config.values import BAUDRATES, LineFormat, MeterMode
from obisgw.line.port import PortSettings
from obisgw.reader.reader import ReaderSettings, asked_mode

from .dialect_options import add_dialects
from .values import device_address, number

if TYPE_CHECKING:
    import argparse

    from obisgw.iec62056_21.dialects import Dialect


def add_line(parser: argparse.ArgumentParser, *, format_option: str = "--format") -> None:
    """Add port, address, dialect and everything about the line; ``format_option`` chooses its characters."""
    parser.add_argument("port", help="/dev/serial/by-id/…, socket://host:port, rfc2217://host:port or esphome://host")
    parser.add_argument(
        "--address", type=device_address, default="", metavar="TEXT", help="device address in the request"
    )
    modes = [mode.value for mode in MeterMode]
    parser.add_argument(
        "--mode",
        choices=modes,
        default="auto",
        type=lambda text: text.upper() if text.lower() != "auto" else "auto",
        help="auto asks (A to C as the meter offers); A, B, C, E ask and insist; D listens to a meter that sends unasked "
        "(%(default)s)",
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
        format_option,
        dest="format",
        choices=formats,
        default="software-7e1",
        help="characters on the line (%(default)s)",
    )
    parser.add_argument("--no-dtr", dest="dtr", action="store_false", help="DTR off while the port is open")
    parser.add_argument("--rts", action="store_true", help="RTS on while the port is open")
    parser.add_argument("--wake-up", action="store_true", default=None, help="wake the meter up before the request")
    parser.add_argument(
        "--latency", type=number(0, 10), default=0.5, metavar="S", help="extra patience in seconds (%(default)s)"
    )
    add_dialects(parser)


def reader_settings(options: argparse.Namespace, dialect: Dialect | None) -> ReaderSettings:
    """Return the reader's settings that the options ask for."""
    return ReaderSettings(
        where=options.port,
        port=PortSettings(LineFormat(options.format), options.baudrate or 300, dtr=options.dtr, rts=options.rts),
        address=options.address,
        dialect=dialect,
        baudrate=options.baudrate,
        max_baudrate=options.max_baudrate,
        wake_up=bool(options.wake_up),
        latency=options.latency,
        mode=asked_mode(MeterMode(options.mode)),
    )
