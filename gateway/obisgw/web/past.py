"""What is asked of the past, and the answer: counters at boundaries of time."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from obisgw.store.history import FIRST, LAST, MOST_BOUNDARIES, Step, too_many

from .problems import Problem, ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from obisgw.store.quality import Point
    from obisgw.store.rows import RegisterKey

_LONGEST = 64


@dataclass(frozen=True, slots=True)
class Asked:
    """A question: which register, from when to when, how far apart, and in which zone days begin."""

    register: str | None
    start: datetime
    end: datetime
    step: Step
    zone: tzinfo


def asked(query: Mapping[str, str]) -> Asked:
    """Return what a query asks. Raises ProblemError."""
    try:
        step = Step(query.get("step", Step.HOUR.value))
    except ValueError as error:
        raise _invalid("'step' is quarter, hour or day") from error
    end = _time(query, "to") or datetime.now(UTC)
    start = _time(query, "from") or end - timedelta(days=1)
    if end < start:
        raise _invalid("'from' lies behind 'to'")
    if too_many(start, end, step):
        raise _invalid(f"at most {MOST_BOUNDARIES} boundaries at once: ask for a shorter time, or by the hour")
    try:
        zone = ZoneInfo(query.get("zone", "UTC")[:_LONGEST])
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise _invalid("'zone' is the name of a time zone, such as Europe/Berlin") from error
    return Asked(query.get("register"), start, end, step, zone)


def counters_document(keys: Iterable[RegisterKey]) -> dict[str, Any]:
    """Return which registers have a history."""
    return {"registers": [{"register": key.name, "unit": key.unit or None} for key in keys]}


def history_text(key: RegisterKey, question: Asked, points: Iterable[Point]) -> str:
    """Return a counter's values as JSON: digits as text, null where none is known."""
    document = {
        "register": key.name,
        "unit": key.unit or None,
        "step": question.step.value,
        "points": [
            {
                "at": f"{datetime.fromtimestamp(point.at, UTC):%Y-%m-%dT%H:%M:%SZ}",
                "value": None if point.value is None else f"{point.value:f}",
                "quality": point.quality.words,
            }
            for point in points
        ],
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _time(query: Mapping[str, str], name: str) -> datetime | None:
    text = query.get(name)
    if text is None:
        return None
    try:
        # A plus sign in an address is a blank.
        time = datetime.fromisoformat(text[:_LONGEST].replace(" ", "+"))
        time = (time if time.tzinfo is not None else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        time = LAST
    if not FIRST <= time < LAST:
        raise _invalid(f"'{name}' is a time such as 2026-11-22T12:00:00Z")
    return time


def _invalid(detail: str) -> ProblemError:
    return ProblemError(Problem.INVALID_REQUEST, detail)
