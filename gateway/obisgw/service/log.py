"""The service's log: one sentence a line, on standard error."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from obisgw.config.values import LogLevel

_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}


class JournalFormatter(logging.Formatter):
    """For systemd's journal, which adds the time itself: the priority stands in front (sd-daemon(3))."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record with its priority in front of every line."""
        priority = f"<{_PRIORITIES.get(record.levelno, 6)}>"
        return "\n".join(f"{priority}{line}" for line in super().format(record).splitlines())


def start_log(level: LogLevel, environment: Mapping[str, str]) -> None:
    """Send the log to standard error, in the journal's form where that is the journal."""
    handler = logging.StreamHandler(sys.stderr)
    if "JOURNAL_STREAM" in environment:
        handler.setFormatter(JournalFormatter("%(message)s"))
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    logging.basicConfig(handlers=[handler], force=True)
    set_level(level)


def set_level(level: LogLevel) -> None:
    """Let the log say that much. Other libraries speak up only about trouble."""
    logging.getLogger().setLevel(logging.WARNING)
    logging.getLogger("obisgw").setLevel(level.value.upper())
