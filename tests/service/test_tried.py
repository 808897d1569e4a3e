"""When a meter is asked for its past, and for which time."""

from __future__ import annotations

import pytest

from obisgw.service.tried import DAY, HORIZON, Tried, look_again, next_span

HOUR = 3600


@pytest.mark.parametrize(
    ("holes", "settled", "now", "span"),
    [
        ([], [], 100, None),
        ([(10.25, 11.5)], [], 20, (10, 12)),
        ([(10, 11), (10.5, 12.5), (15, 16)], [], 20, (15, 16)),
        ([(10, 11), (10.5, 12.5), (15, 16)], [(15, 16)], 20, (10, 13)),
        ([(10, 11), (11, 12)], [(11, 12)], 20, (10, 11)),
        ([(10.25, 11.5)], [(9, 13)], 20, None),
        ([(10.25, 11.5)], [(11, 12)], 20, (10, 12)),
        ([(10.25, 11.5)], [], 12, None),
        ([(10.25, 11.5)], [], 12.1, (10, 12)),
    ],
    ids=["none", "full hours", "the newest", "then the older ones as one", "side by side", "asked for before",
         "asked for in part", "its last hour is not over", "its last hour is over"],
)  # fmt: skip
def test_the_newest_hole_that_was_not_asked_for_comes_first(
    holes: list[tuple[float, float]],
    settled: list[tuple[int, int]],
    now: float,
    span: tuple[int, int] | None,
) -> None:
    """In full hours, holes of several counters as one, and no hour that may still be going on."""
    asked = next_span(
        [(int(start * HOUR), int(end * HOUR)) for start, end in holes],
        [(start * HOUR, end * HOUR) for start, end in settled],
        now * HOUR,
    )
    assert asked == (None if span is None else (span[0] * HOUR, span[1] * HOUR))


@pytest.mark.parametrize(("since", "pause"), [(0.0, 900), (2 * HOUR, 900), (3 * HOUR, 6 * HOUR), (-5.0, 6 * HOUR)])
def test_holes_are_looked_for_more_often_after_an_outage(since: float, pause: float) -> None:
    """A clock that was set back is no reason."""
    assert look_again(since) == pause


def test_a_meter_that_refuses_is_asked_once_a_day_and_told_of_once() -> None:
    """Over restarts as well."""
    tried = Tried()
    assert tried.may_ask(1000.0)
    assert tried.refused("it has none", 1000.0)
    again = Tried.of(tried.document())
    assert not again.may_ask(1000.0 + DAY - 1)
    assert again.may_ask(1000.0 + DAY)
    assert not again.refused("it has none", 1000.0 + DAY)
    assert again.refused("it wants a password", 1000.0 + 2 * DAY)


def test_a_clock_that_was_set_back_forbids_nothing() -> None:
    """What was due then means nothing now."""
    tried = Tried()
    tried.refused("it has none", 1000.0 + 10 * DAY)
    assert tried.may_ask(1000.0)


def test_pauses_become_longer_up_to_a_day_and_short_again() -> None:
    """Ten minutes at first."""
    tried, pauses = Tried(), []
    for _ in range(10):
        tried.broke_off("noise", 0.0)
        pauses.append(tried.not_before)
    assert pauses[:3] == [600.0, 1200.0, 2400.0]
    assert pauses[-1] == DAY
    tried.went_well((0, 3600), 0.0)
    tried.broke_off("noise", 0.0)
    assert tried.not_before == 600.0


def test_turns_that_bring_nothing_make_a_pause_and_others_do_not() -> None:
    """A readout that is due comes first, and what was read until then stays."""
    tried = Tried()
    for fruitful in (False, False, True, False, False):
        tried.taken_away(0.0, fruitful=fruitful)
        assert tried.may_ask(0.0)
    tried.taken_away(0.0, fruitful=False)
    assert not tried.may_ask(599.0)
    assert tried.may_ask(600.0)


def test_what_was_asked_for_long_ago_is_forgotten() -> None:
    """No hole is looked for there."""
    tried = Tried()
    tried.went_well((0, 3600), 3600.0)
    tried.went_well((HORIZON, HORIZON + 3600), HORIZON + 7200.0)
    assert tried.settled == [(HORIZON, HORIZON + 3600)]
    assert Tried.of(tried.document()) == tried


@pytest.mark.parametrize(
    "document", [{}, {"not_before": 0, "pause": 0, "why": "", "settled": [1]}, {"not_before": "x"}]
)
def test_a_damaged_memory_raises(document: dict[str, object]) -> None:
    """Whoever reads the file sets it aside then."""
    with pytest.raises((ValueError, KeyError, TypeError)):
        Tried.of(document)
