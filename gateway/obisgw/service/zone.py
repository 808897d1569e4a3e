"""The zone of this machine, which is taken for that of its meters' clocks."""

from __future__ import annotations

import os
from datetime import UTC, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_LOCAL = Path("/etc/localtime")


def zone_of_machine() -> tzinfo:
    """Return the zone that this machine's clock shows; UTC where that cannot be told."""
    name = os.environ.get("TZ", "").lstrip(":")
    if name:
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            pass  # A rule such as CET-1CEST, which has no name.
    try:
        with _LOCAL.open("rb") as file:
            return ZoneInfo.from_file(file, key=_name_of_machine())
    except (OSError, ValueError):
        return UTC


def _name_of_machine() -> str:
    """Return the name behind the link that /etc/localtime is, or what it is."""
    _, found, name = str(_LOCAL.resolve()).partition("/zoneinfo/")
    return name if found else "local"
