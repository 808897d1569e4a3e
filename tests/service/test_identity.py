"""A meter is its own number, as long as the telegram tells it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from obisgw.readings.reading import MeterIdentity
from obisgw.service.identity import Change, settle

from .fakes import identity

NUMBERED = identity("123")
OTHER = identity("999")
NAMELESS = identity(None)
STRANGER = identity(None, "LGZ")


@pytest.mark.parametrize(
    ("known", "seen", "expected", "change"),
    [
        (None, NUMBERED, NUMBERED, Change.NAMED),
        (None, NAMELESS, NAMELESS, Change.NAMED),
        (NAMELESS, NUMBERED, NUMBERED, Change.NAMED),
        (NUMBERED, NUMBERED, NUMBERED, Change.SAME),
        (NUMBERED, NAMELESS, NUMBERED, Change.SAME),
        (NUMBERED, OTHER, OTHER, Change.REPLACED),
        (NUMBERED, STRANGER, STRANGER, Change.REPLACED),
        (NUMBERED, replace(NUMBERED, id="123", flag=None, manufacturer=None), NUMBERED, Change.SAME),
        (replace(NUMBERED, id="123", flag=None, manufacturer=None), NUMBERED, replace(NUMBERED, id="123"), Change.SAME),
        (replace(NUMBERED, id="123"), NUMBERED, replace(NUMBERED, id="123"), Change.SAME),
        (NUMBERED, identity("123", "LGZ"), identity("123", "LGZ"), Change.REPLACED),
    ],
)
def test_the_number_decides(
    known: MeterIdentity | None, seen: MeterIdentity, expected: MeterIdentity, change: Change
) -> None:
    """A telegram without it changes nothing; another number is another meter."""
    assert settle(known, seen) == (expected, change)
