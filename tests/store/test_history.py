"""Boundaries of quarter hours, hours and days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from obisgw.store.history import Step, boundaries, too_many

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "hours"),
    [(datetime(2026, 3, 29, tzinfo=UTC), 23), (datetime(2026, 10, 25, tzinfo=UTC), 25), (datetime(2026, 7, 1, tzinfo=UTC), 24)],
)  # fmt: skip
def test_days_begin_at_midnight_of_the_zone(day: datetime, hours: int) -> None:
    """Also those of 23 and 25 hours."""
    zone = ZoneInfo("Europe/Berlin")
    first, second = list(boundaries(day - timedelta(hours=3), day + timedelta(hours=30), Step.DAY, zone))[:2]
    assert (second - first) / 3600 == hours


@pytest.mark.parametrize(
    ("step", "end", "minutes"),
    [
        (Step.QUARTER, 30, [0, 15, 30]),
        (Step.QUARTER, 29, [0, 15]),
        (Step.HOUR, 125, [0, 60, 120]),
        (Step.DAY, 60, []),
        (Step.QUARTER, -1, []),
    ],
)
def test_boundaries_lie_in_the_span_with_both_its_ends(step: Step, end: int, minutes: list[int]) -> None:
    """Of UTC, but for days."""
    found = boundaries(NOON, NOON + timedelta(minutes=end), step, UTC)
    assert [(at - NOON.timestamp()) / 60 for at in found] == minutes


def test_as_many_are_answered_at_once_as_a_year_of_quarter_hours_has() -> None:
    """Or a century of days."""
    year = timedelta(days=366)
    assert not too_many(NOON, NOON + year, Step.QUARTER)
    assert too_many(NOON, NOON + 2 * year, Step.QUARTER)
    assert not too_many(NOON, NOON + 100 * year, Step.DAY)
