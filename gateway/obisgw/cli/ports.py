"""`obis-gateway ports`: the serial ports of this machine and the names to configure them by."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from obisgw.line.discover import serial_ports

from .terminal import out, say

if TYPE_CHECKING:
    import argparse

_NONE = "no serial port is here (plug the head in; a container must be given the device)"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(options: argparse.Namespace) -> int:
    """List the ports without opening any: a port may drive something that must not be disturbed."""
    ports = serial_ports()
    if options.json:
        out(json.dumps([{**asdict(port), "port": port.stable_name} for port in ports], ensure_ascii=False))
        return 0
    for port in ports:
        number = f", number {port.serial_number}" if port.serial_number else ""
        out(f"{port.stable_name}\n    {port.device}: {port.description}{number}")
    if not ports:
        say(_NONE)
    return 0
