"""When things happened, by clocks that cannot be trusted."""

from __future__ import annotations

import pytest

from obisgw.store.timeline import SETTLES, Timeline

NOW = 1_790_000_000.0


def test_a_clock_of_1970_is_not_believed() -> None:
    """A Raspberry Pi has no clock of its own: it begins there until the network tells it the time."""
    timeline = Timeline()
    assert not timeline.observe(5.0, 5.0)
    with pytest.raises(ValueError, match="no clock"):
        timeline.unix(5.0)
    assert timeline.observe(65.0, NOW + 65.0)
    assert timeline.unix(5.0) == NOW + 5.0


@pytest.mark.parametrize("jump", [3600.0, -3600.0, 30 * 365 * 86400.0, -30 * 365 * 86400.0])
def test_a_clock_that_jumps_and_comes_back_changes_nothing(jump: float) -> None:
    """What was read meanwhile has its right time."""
    timeline = Timeline()
    timeline.observe(0.0, NOW)
    for second in range(10, 300, 10):
        assert not timeline.observe(second, NOW + second + jump)
    assert timeline.observe(300.0, NOW + 300.0)
    assert timeline.unix(150.0) == pytest.approx(NOW + 150.0)


def test_a_clock_that_stays_where_it_was_set_is_believed() -> None:
    """It had been an hour ahead, and was put right."""
    timeline = Timeline()
    timeline.observe(0.0, NOW + 3600)
    seconds = [float(second) for second in range(10, 1300, 10)]
    settled = [second for second in seconds if timeline.observe(second, NOW + second)]
    assert settled[0] == 10 + SETTLES
    assert timeline.unix(1000.0) == pytest.approx(NOW + 1000.0)


def test_drift_is_followed() -> None:
    """100 ppm are nine seconds a day."""
    timeline = Timeline()
    for minute in range(1440):
        assert timeline.observe(60.0 * minute, NOW + 60.0 * minute * 1.0001)
    assert timeline.unix(86_340.0) == pytest.approx(NOW + 86_340.0 * 1.0001, abs=0.1)


def test_a_new_jump_begins_the_wait_anew() -> None:
    """Neither of two wrong clocks is believed."""
    timeline = Timeline()
    timeline.observe(0.0, NOW)
    for second in range(10, 550, 10):
        assert not timeline.observe(second, NOW + second + 3600)
    for second in range(550, 1100, 10):
        assert not timeline.observe(second, NOW + second + 7200)
    assert timeline.unix(100.0) == NOW + 100.0
