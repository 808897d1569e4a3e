"""When things happened, by clocks that cannot be trusted."""

from __future__ import annotations

import pytest

from obisgw.store.timeline import LONGEST_REST, SETTLES, STARTED, Timeline

NOW = 1_790_000_000.0
UP = 10_000.0
"""The machine has been running for hours."""


def believed(steady: float = UP, wall: float = NOW) -> Timeline:
    """Return a timeline that has believed a clock."""
    timeline = Timeline()
    assert timeline.observe(steady, wall)
    return timeline


def test_a_clock_of_1970_is_not_believed_and_one_that_was_set_is() -> None:
    """A Raspberry Pi has no clock of its own: it begins there until the network tells it the time."""
    timeline = Timeline()
    assert not timeline.observe(5.0, 5.0)
    with pytest.raises(ValueError, match="no clock"):
        timeline.unix(5.0)
    assert timeline.observe(65.0, NOW + 65.0)
    assert timeline.unix(5.0) == NOW + 5.0


def test_soon_after_the_machines_start_a_clock_is_looked_at_for_a_while() -> None:
    """Many begin where they were switched off, and are set a minute later."""
    timeline = Timeline()
    assert not timeline.observe(20.0, NOW)
    assert not timeline.observe(80.0, NOW + 60.0)
    assert timeline.observe(100.0, NOW + 7200.0)
    assert timeline.unix(20.0) == NOW + 7120.0
    assert not timeline.set_back
    timeline = Timeline()
    assert not timeline.observe(20.0, NOW)
    assert timeline.observe(STARTED, NOW + STARTED - 20.0)


def test_a_clock_that_is_behind_what_was_reached_is_not_believed_at_once() -> None:
    """It was set back while the gateway did not run, or lies."""
    timeline = Timeline()
    timeline.resume(None, NOW + 3600.0)
    assert not timeline.observe(UP, NOW)
    assert not timeline.observe(UP + SETTLES - 1, NOW + SETTLES - 1)
    assert timeline.observe(UP + SETTLES, NOW + SETTLES)
    assert timeline.set_back


def test_a_clock_that_is_years_ahead_of_what_was_reached_is_looked_at_for_a_while() -> None:
    """A rest of a year is believed at once."""
    timeline = Timeline()
    timeline.resume(None, NOW - LONGEST_REST - 60.0)
    assert not timeline.observe(UP, NOW)
    timeline = Timeline()
    timeline.resume(None, NOW - LONGEST_REST + 60.0)
    assert timeline.observe(UP, NOW)


def test_a_restart_does_not_make_a_clock_that_jumped_believed() -> None:
    """The machine runs on: what was known of it still holds."""
    timeline = Timeline()
    timeline.resume(NOW - UP, NOW)
    assert not timeline.observe(UP + 60.0, NOW + 3600.0)
    assert timeline.observe(UP + 120.0, NOW + 120.0)
    assert timeline.unix(UP) == pytest.approx(NOW)


@pytest.mark.parametrize("jump", [3600.0, -3600.0, 30 * 365 * 86400.0, -30 * 365 * 86400.0])
def test_a_clock_that_jumps_and_comes_back_changes_nothing(jump: float) -> None:
    """What was read meanwhile has its right time."""
    timeline = believed()
    for second in range(10, 300, 10):
        assert not timeline.observe(UP + second, NOW + second + jump)
    assert timeline.observe(UP + 300.0, NOW + 300.0)
    assert timeline.unix(UP + 150.0) == pytest.approx(NOW + 150.0)
    assert not timeline.set_back


@pytest.mark.parametrize(("jump", "set_back"), [(-3600.0, True), (3600.0, False)])
def test_a_clock_that_stays_where_it_was_set_is_believed(jump: float, *, set_back: bool) -> None:
    """It had been wrong, and was put right."""
    timeline = believed(wall=NOW - jump)
    seconds = [float(second) for second in range(10, 1300, 10)]
    settled = [second for second in seconds if timeline.observe(UP + second, NOW + second)]
    assert settled[0] == 10 + SETTLES
    assert timeline.unix(UP + 1000.0) == pytest.approx(NOW + 1000.0)
    assert timeline.set_back is set_back


def test_drift_is_followed() -> None:
    """100 ppm are nine seconds a day."""
    timeline = believed()
    for minute in range(1440):
        assert timeline.observe(UP + 60.0 * minute, NOW + 60.0 * minute * 1.0001)
    assert timeline.unix(UP + 86_340.0) == pytest.approx(NOW + 86_340.0 * 1.0001, abs=0.1)


def test_a_small_step_back_never_puts_what_is_later_before_what_was() -> None:
    """Four seconds at once, with a reading each second."""
    timeline = believed()
    times = []
    for second in range(60):
        timeline.observe(UP + second, NOW + second - (4.0 if second > 10 else 0.0))
        times.append(timeline.unix(UP + second))
    assert times == sorted(set(times))
    assert times[-1] == pytest.approx(NOW + 55.0, abs=0.1)


def test_a_new_jump_begins_the_wait_anew() -> None:
    """Neither of two wrong clocks is believed."""
    timeline = believed()
    for second in range(10, 550, 10):
        assert not timeline.observe(UP + second, NOW + second + 3600)
    for second in range(550, 1100, 10):
        assert not timeline.observe(UP + second, NOW + second + 7200)
    assert timeline.unix(UP + 100.0) == NOW + 100.0
