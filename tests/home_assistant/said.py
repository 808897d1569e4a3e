"""What Home Assistant had to say about our messages."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_OF_THE_MACHINE = {"asyncio", "aiohttp_fast_zlib"}
"""Loggers that warn of a slow processor and of compression libraries."""
_OF_ITSELF = (
    # Said of every empty document, also of the first, which did remove the device.
    "No device components to cleanup",
    # Of the mqtt integration's own way to set its platforms up, when the machine is slow.
    "Detected code that calls async_forward_entry_setup",
)


def warnings_of(records: Iterable[logging.LogRecord]) -> list[str]:
    """Return the warnings and errors that are about what was published."""
    said = [r.getMessage() for r in records if r.levelno >= logging.WARNING and r.name not in _OF_THE_MACHINE]
    return [message for message in said if not message.startswith(_OF_ITSELF)]
