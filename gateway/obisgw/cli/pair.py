"""`obis-gateway pair`: six digits that let Home Assistant, or a browser, use the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .owner import add_config, ask_service
from .terminal import out, say

if TYPE_CHECKING:
    import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_config(parser)


def run(options: argparse.Namespace) -> int:
    """Show a new pairing code of the running service."""
    answer = ask_service(options.config, {"command": "pair"})
    code = str(answer["code"])
    out(f"{code[:3]} {code[3:]}")
    minutes = round(float(answer["seconds"]) / 60)
    say(f"Type these digits in Home Assistant or on the status page. They hold for {minutes} minutes, once.")
    return 0
