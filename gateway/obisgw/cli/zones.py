"""The zone of a meter's clock: as named, or this machine's."""

from __future__ import annotations

from datetime import tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from obisgw.errors import ConfigurationError
from obisgw.service.zone import zone_of_machine


def zone_named(name: str | None) -> tzinfo:
    """Return the zone of a name as ``Europe/Berlin``; None takes this machine's. ConfigurationError: there is none."""
    if name is None:
        return zone_of_machine()
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigurationError(
            "no such time zone",
            where=f"--timezone {name}",
            hint="as Europe/Berlin; a system without zones needs the package tzdata",
        ) from error
