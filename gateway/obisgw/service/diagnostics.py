"""What helps to find a fault, without secrets: versions, settings, health, as JSON values."""

from __future__ import annotations

import re
from dataclasses import asdict, fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from obisgw import __version__
from obisgw.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from obisgw.config.table import Settings

    from .meter import MeterRun

_USER = re.compile(r"(?<=://)[^/@]*@")


def diagnostics_of(
    settings: Settings, meters: Iterable[MeterRun], started_at: datetime, store: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return the settings as they hold, and how each meter is read. ``store``: how it goes with what is kept."""
    import platform  # noqa: PLC0415 - asked for now and then

    sections = ("gateway", "mqtt", "api", "store")
    return {
        "version": __version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.platform(),
        "started_at": plain(started_at),
        "settings": {name: settings_document(getattr(settings, name)) for name in sections},
        "store": None if store is None else dict(store),
        "meters": [_meter(run) for run in meters],
    }


def settings_document(settings: Any) -> dict[str, Any]:  # noqa: ANN401 - any settings class
    """Return a section's settings. Secrets are stars, and so are names and passwords inside a port's URL."""
    return {field.name: plain(getattr(settings, field.name)) for field in fields(settings)}


def _meter(run: MeterRun) -> dict[str, Any]:
    identity = run.state.identity
    return {
        "id": None if identity is None else identity.id,
        "model": None if identity is None else identity.model,
        "manufacturer": None if identity is None else identity.manufacturer,
        "settings": settings_document(run.settings),
        "interval": run.options.interval,
        "battery": run.state.battery,
        "due": plain(datetime.fromtimestamp(run.due, UTC)),
        "health": plain(asdict(run.health)),
        "fast": {"off": run.fast.off, "trouble": run.fast.trouble, "rounds": run.fast.rounds},
    }


def plain(value: Any) -> Any:  # noqa: ANN401 - any value of the settings
    """Return a value as JSON has it."""
    match value:
        case None | bool() | int() | float():
            return value
        case Enum():
            return plain(value.value)
        case str():
            return without_user(value)
        case Secret() | Path() | Decimal():
            return str(value)
        case timedelta():
            return value.total_seconds()
        case datetime():
            return value.isoformat(timespec="milliseconds")
        case dict():
            return {str(name): plain(one) for name, one in value.items()}
        case tuple() if hasattr(value, "_asdict"):
            return plain(value._asdict())
        case tuple() | list():
            return [plain(one) for one in value]
        case _:
            return settings_document(value)


def without_user(port: str) -> str:
    """Return a port's URL without the user and password that it may name."""
    return _USER.sub("*****@", port)
