"""What stands on a command line as text and must be a value: types for argparse, which says what is wrong."""

from __future__ import annotations

import argparse
import math
import re
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_ADDRESS = re.compile(r"[0-9A-Za-z ]{0,32}")


def number(least: float, most: float) -> Callable[[str], float]:
    """Return the type of a number between the two."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"'{text}' is no number from {least:g} to {most:g}")
        return value

    return parse


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return the type of a whole number between the two."""

    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text[:12]) <= most:
            raise argparse.ArgumentTypeError(f"'{text}' is no whole number from {least} to {most}")
        return int(text)

    return parse


def moment(text: str) -> datetime:
    """Return the date and time that ISO 8601 writes as ``text``."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no date and time, as 2026-03-02T07:00") from None


def device_address(text: str) -> str:
    """Return a device address as the request may hold it (IEC 62056-21 clause 6.3.1)."""
    if not _ADDRESS.fullmatch(text):
        raise argparse.ArgumentTypeError(f"'{text}' is no device address: up to 32 digits, letters and blanks")
    return text


def host_and_port(text: str) -> tuple[str, int]:
    """Return host and port of ``HOST:PORT``."""
    host, separator, port = text.rpartition(":")
    if not separator or not port.isascii() or not port.isdigit() or int(port[:6]) > 65535:
        raise argparse.ArgumentTypeError("HOST:PORT is wanted, as in 127.0.0.1:2001")
    return host.strip("[]"), int(port)
