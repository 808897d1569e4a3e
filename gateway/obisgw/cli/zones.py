"""The zone of a meter's clock: as named, or this machine's."""

from __future__ import annotations

import os
from datetime import UTC, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from obisgw.errors import ConfigurationError

_LOCAL = Path("/etc/localtime")


def zone_named(name: str | None) -> tzinfo:
    """Return the zone of a name as ``Europe/Berlin``; None takes this machine's. ConfigurationError: there is none."""
    if name is None:
        return _zone_of_machine()
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigurationError(
            "no such time zone",
            where=f"--timezone {name}",
            hint="as Europe/Berlin; a system without zones needs the package tzdata",
        ) from error


def _zone_of_machine() -> tzinfo:
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
