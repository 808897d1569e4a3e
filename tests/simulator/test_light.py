"""What an ear hears of light at its own rate, at others, and of two talkers at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obisgw.simulator.light import Burst, Ear, Track

RATES = [300, 600, 1200, 2400, 4800, 9600, 19200]


def heard(ear: Ear, until: float) -> bytes:
    """Return the characters without their times."""
    return b"".join(data for _, data in ear.hear(until))


@given(st.binary(max_size=60), st.sampled_from(RATES), st.lists(st.floats(0, 0.05), max_size=30))
def test_at_the_same_rate_all_is_heard_however_often_one_listens(data: bytes, rate: int, steps: list[float]) -> None:
    """And no character before its last bit."""
    track = Track()
    ear = Ear([track], rate)
    track.add(Burst(10.0, rate, data))
    now, got = 10.0, b""
    for step in steps:
        now += step
        got += heard(ear, now)
        assert len(got) <= (now - 10.0) * rate / 10 + 1e-6
    assert got + heard(ear, 10_000.0) == data


@pytest.mark.parametrize("sent_at", RATES)
@pytest.mark.parametrize("heard_at", RATES)
def test_at_another_rate_it_is_garbage_and_always_the_same(sent_at: int, heard_at: int) -> None:
    """Fewer characters by a slow ear, more by a fast one."""
    text = b"1.8.0(012345.678*kWh)\r\n"
    results = []
    for _ in range(2):
        track = Track()
        track.add(Burst(5.0, sent_at, text))
        results.append(heard(Ear([track], heard_at), 100.0))
    assert results[0] == results[1]
    assert (results[0] == text) is (sent_at == heard_at)
    if heard_at > 2 * sent_at:
        assert len(results[0]) > len(text)
    if heard_at * 2 < sent_at:
        assert len(results[0]) < len(text)


def test_two_talkers_damage_each_other_and_a_later_one_is_heard() -> None:
    """The light of both adds up; after silence the ear is in step again."""
    one, other = Track(), Track()
    one.add(Burst(1.0, 9600, b"A" * 20))
    other.add(Burst(1.0004, 9600, b"z" * 20))
    one.add(Burst(2.0, 9600, b"clear"))
    both = heard(Ear([one, other], 9600), 3.0)
    assert both.endswith(b"clear")
    assert b"AAA" not in both
    assert b"zzz" not in both


def test_an_ear_that_changes_its_rate_in_time_loses_nothing() -> None:
    """Between two bursts; a change in the middle of a character damages it."""
    track = Track()
    track.add(Burst(1.0, 300, b"slow"))
    track.add(Burst(2.0, 9600, b"fast"))
    ear = Ear([track], 300)
    first = heard(ear, 1.9)
    ear.tune(9600, 1.9)
    assert first + heard(ear, 3.0) == b"slowfast"
    late = Ear([track], 300)
    assert heard(late, 2.0015) == b"slow"
    late.tune(9600, 2.0015)
    assert heard(late, 3.0) != b"fast"


def test_what_is_cut_off_is_not_heard() -> None:
    """The character under way is lost with the rest."""
    track = Track()
    track.add(Burst(0.0, 300, b"abcdef"))
    assert track.cut(0.09) == b"cdef"
    assert heard(Ear([track], 300), 1.0) == b"ab"
