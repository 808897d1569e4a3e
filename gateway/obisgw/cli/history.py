"""`obis-gateway history`: what a counter said at each quarter hour, hour or day."""

from __future__ import annotations

import csv
import io
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from obisgw.errors import ConfigurationError
from obisgw.obis import Medium, ObisCode
from obisgw.store.history import FIRST, LAST, Step, boundaries, too_many

from .owner import OF_SYSTEMD, add_config
from .terminal import out

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from obisgw.store.database import Database
    from obisgw.store.quality import Point
    from obisgw.store.rows import RegisterKey

_HINT = "times are written as 2026-11-22 or 2026-11-22T12:00, the machine's local time"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("meter", nargs="?", help="the meter's id, as isk_12345678; not needed where there is one")
    parser.add_argument("--register", metavar="CODE", help="OBIS code of a counter (all counters)")
    parser.add_argument("--since", metavar="TIME", help="first boundary (a day before --until)")
    parser.add_argument("--until", metavar="TIME", help="last boundary (now)")
    parser.add_argument(
        "--step", choices=[step.value for step in Step], default="hour", help="%(choices)s (%(default)s)"
    )
    parser.add_argument("--format", choices=("table", "csv", "json"), default="table", help="%(choices)s (%(default)s)")
    add_config(parser)


def run(options: argparse.Namespace) -> int:
    """Show counters at boundaries of time, whether the service runs or not."""
    zone = datetime.now().astimezone().tzinfo or UTC
    end = _time(options.until, "--until") or datetime.now(UTC)
    start = _time(options.since, "--since") or end - timedelta(days=1)
    if end < start:
        raise ConfigurationError("--since lies behind --until")
    step = Step(options.step)
    if not FIRST <= start < LAST or not FIRST <= end < LAST or too_many(start, end, step):
        raise ConfigurationError("this is too long a time at once", hint="ask for a shorter one, or by the hour or day")
    wanted = list(boundaries(start, end, step, zone))
    from obisgw.store.past import points  # noqa: PLC0415 - only where it is used

    database = _opened(options.config)
    try:
        keys = _wanted(database, options.meter, options.register)
        found = [(key, points(database, key, wanted)) for key in keys]
    finally:
        database.close()
    match options.format:
        case "json":
            out(json.dumps([_document(key, points) for key, points in found], ensure_ascii=False))
        case "csv":
            out(_csv(found))
        case _:
            _show(found)
    return 0


def _opened(config: Path) -> Database:
    import sqlite3  # noqa: PLC0415 - only where it is used

    from obisgw.service.folder import state_folder  # noqa: PLC0415
    from obisgw.service.keeper import NAME  # noqa: PLC0415
    from obisgw.service.run import read_configuration  # noqa: PLC0415
    from obisgw.store.database import Database, UnusableDatabaseError  # noqa: PLC0415

    settings, _, _ = read_configuration(config, os.environ)
    path = state_folder(settings.gateway.state_dir, os.environ) / NAME
    if settings.gateway.state_dir is None and not path.exists() and (OF_SYSTEMD / NAME).exists():
        path = OF_SYSTEMD / NAME
    if not path.exists():
        raise ConfigurationError(
            "there is no history yet", where=str(path), hint="it begins with the service's first readings"
        )
    try:
        return Database(path, read_only=True)
    except (sqlite3.Error, UnusableDatabaseError) as error:
        hint = "run this as the service's user, as by 'sudo -u obis-gateway'"
        raise ConfigurationError(f"the history cannot be read: {error}", where=str(path), hint=hint) from error


def _wanted(database: Database, meter: str | None, register: str | None) -> Sequence[RegisterKey]:
    from obisgw.store.past import counters  # noqa: PLC0415 - only where it is used

    meters = database.meters
    if meter is None and len(meters) != 1:
        raise ConfigurationError("which meter?", hint=f"known: {', '.join(meters) or 'none'}")
    chosen = meters[0] if meter is None else meter
    if chosen not in meters:
        raise ConfigurationError(f"there is no meter {chosen}", hint=f"known: {', '.join(meters) or 'none'}")
    keys = counters(database, chosen)
    if register is None:
        return keys
    wanted = {_name(code) for medium in Medium if (code := ObisCode.parse(register, medium)) is not None}
    named = [key for key in keys if key.name in {*wanted, register}]
    if not named:
        known = ", ".join(key.name.replace("_", ".") for key in keys) or "none"
        raise ConfigurationError(f"{chosen} has no history of {register}", hint=f"A.B.C.D.E.F of its counters: {known}")
    return named


def _name(code: ObisCode) -> str:
    return f"{code.a}_{code.b}_{code.c}_{code.d}_{code.e}_{code.f}"


def _code(key: RegisterKey) -> str:
    """Return a register's code as people write it; its name where it has none."""
    code = ObisCode.parse(".".join(key.name.split("_")[:6]), Medium.OTHER)
    return key.name if code is None else str(code)


def _time(text: str | None, option: str) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ConfigurationError(f"{option}: '{text}' is no time", hint=_HINT) from error


def _document(key: RegisterKey, points: Iterable[Point]) -> dict[str, object]:
    return {
        "meter": key.meter,
        "register": _code(key),
        "unit": key.unit or None,
        "points": [
            {
                "at": datetime.fromtimestamp(point.at, UTC).isoformat(),
                "value": None if point.value is None else f"{point.value:f}",
                "quality": point.quality.words,
            }
            for point in points
        ],
    }


def _csv(found: Iterable[tuple[RegisterKey, Iterable[Point]]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("time", "meter", "register", "unit", "value", "quality"))
    for key, points in found:
        for point in points:
            at = datetime.fromtimestamp(point.at, UTC).isoformat()
            value = "" if point.value is None else f"{point.value:f}"
            writer.writerow((at, key.meter, _code(key), key.unit, value, point.quality.words))
    return text.getvalue().rstrip("\n")


def _show(found: Sequence[tuple[RegisterKey, Sequence[Point]]]) -> None:
    for key, points in found:
        out(f"{key.meter} {_code(key)} {key.unit}".rstrip())
        before: Decimal | None = None
        for point in points:
            at = datetime.fromtimestamp(point.at).astimezone()
            value = "-" if point.value is None else f"{point.value:f}"
            rise = "" if before is None or point.value is None else f"{point.value - before:+f}"
            out(f"{at:%Y-%m-%d %H:%M %z}  {value:>14}  {rise:>10}  {point.quality.words}")
            before = point.value
