"""The command `obis-gateway`: one module a command, imported when that command is called."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from io import TextIOWrapper
from typing import TYPE_CHECKING, Protocol

from obisgw import __version__
from obisgw.errors import ConfigurationError, ObisGatewayError, SinkError

from .terminal import say

if TYPE_CHECKING:
    from collections.abc import Sequence

OK = 0
FAILED = 1
"""Meter or line."""
USAGE = 2
"""Usage or configuration."""
BROKER = 3
FAULT = 70
"""A fault of this program."""
INTERRUPTED = 130

COMMANDS = {
    "read": "read a meter now and show its registers",
    "objects": "list what a meter that speaks DLMS says of itself",
    "profile": "read the load profile that a meter has kept",
    "logbook": "read the events that a meter has kept",
    "decode": "show what a captured telegram says",
    "run": "read the configured meters for ever and publish them",
    "write": "change a meter, after you have seen what and said yes",
    "pair": "show a code that lets Home Assistant or a browser use the API",
    "tokens": "list or revoke what was paired",
    "history": "show what counters said at each quarter hour, hour or day",
    "check-config": "name everything that is wrong with a configuration",
    "ports": "list the serial ports of this machine",
    "capture": "record every byte of a readout for a test or a report",
    "simulate": "be a meter, on a pseudo-terminal or TCP",
    "demo": "show it all without a meter, a broker or Home Assistant",
}


class Command(Protocol):
    """A module of this package."""

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's arguments."""

    def run(self, options: argparse.Namespace) -> int:
        """Do it and return the exit status."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0, 1 meter or line, 2 usage or configuration, 3 broker."""
    words = list(sys.argv[1:] if argv is None else argv)
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        # A terminal of an old locale has no m³: it is shown in another way, and nothing ends because of it.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        options, command = _parse(words)
    except SystemExit as end:
        # argparse has said what it had to say.
        return end.code if isinstance(end.code, int) else USAGE
    try:
        status = command.run(options)
        sys.stdout.flush()
    except ObisGatewayError as error:
        return _failed(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever reads our output has seen enough. Closing it now keeps the interpreter from trying again at its end.
        sys.stderr.close()
        return OK
    except Exception as error:  # noqa: BLE001 - the outermost place: our own faults are shown whole
        import_module("traceback").print_exception(error)
        say("obis-gateway: this is a fault of the program: please report it with the lines above")
        return FAULT
    return status


def _open_closed_streams() -> None:
    """Give standard streams that were closed (``>&-``) somewhere to go, before a port or file takes their number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123 - until the end


def _parse(words: Sequence[str]) -> tuple[argparse.Namespace, Command]:
    parser = argparse.ArgumentParser(
        prog="obis-gateway",
        description="Reads utility meters through an optical head (IEC 62056-21) and publishes them to Home Assistant.",
        epilog="'obis-gateway COMMAND --help' says more. Exit status: 0 done, 1 meter or line, "
        "2 usage or configuration, 3 broker.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"obis-gateway {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    # Only the command that is called is imported: each brings libraries along that the others do not need.
    called = next((word for word in words if not word.startswith("-")), None)
    module: Command | None = None
    for name, meaning in COMMANDS.items():
        own = commands.add_parser(name, help=meaning, description=f"{meaning[0].upper()}{meaning[1:]}.")
        if name == called:
            module = _module(name)
            module.arguments(own)
    options = parser.parse_args(words)
    if module is None:  # pragma: no cover - argparse has refused it
        raise SystemExit(USAGE)
    return options, module


def _module(name: str) -> Command:
    module: Command = import_module(f"{__name__}.{name.replace('-', '_')}")
    return module


def _failed(error: ObisGatewayError) -> int:
    for line in str(error).splitlines():
        say(f"obis-gateway: {line}")
    match error:
        case ConfigurationError():
            return USAGE
        case SinkError():
            return BROKER
        case _:
            return FAILED
