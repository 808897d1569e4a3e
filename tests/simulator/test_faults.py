"""Faults: as written, deterministic, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obisgw.errors import ConfigurationError
from obisgw.iec62056_21.characters import parity_errors
from obisgw.iec62056_21.meter_settings import Part
from obisgw.simulator.faults import NAMES, Faults, When, parse_fault

MESSAGE = bytes(range(32, 127)) * 4
PERIOD = 10 / 9600


def sent(
    specs: tuple[str, ...], *, part: Part = Part.DATA, readout: int = 1, seed: int = 0, data: bytes = MESSAGE
) -> bytes:
    """Return all characters that go out."""
    return b"".join(piece for _, piece in Faults(specs, seed).damage(data, part, readout, PERIOD))


@pytest.mark.parametrize(
    ("spec", "hit"),
    [
        ("silence", {1, 2, 3, 4, 5, 6, 7, 8}),
        ("silence@3", {3}),
        ("silence@3-5", {3, 4, 5}),
        ("silence@6-", {6, 7, 8}),
        ("silence@%4", {4, 8}),
    ],
)
def test_a_fault_hits_the_readouts_it_names(spec: str, hit: set[int]) -> None:
    """Counted from 1."""
    assert {readout for readout in range(1, 9) if not sent((spec,), readout=readout)} == hit


@pytest.mark.parametrize(
    ("spec", "problem", "hint"),
    [
        ("flop=0.1", "no such fault", "did you mean flip?"),
        ("quake", "no such fault", "known faults: flip, "),
        ("", "no such fault", "known faults: flip, "),
        ("flip", "flip needs a value", "write it as in flip=0.01"),
        ("flip=abc", "'abc' is not a share from 0 to 1", "write it as in flip=0.01"),
        ("flip=0,01", "'0,01' is not a share from 0 to 1", "write it as in flip=0.01"),
        ("flip=5", "'5' is not a share from 0 to 1", "write it as in flip=0.01"),
        ("flip=", "'' is not a share from 0 to 1", "write it as in flip=0.01"),
        ("late=-1", "'-1' is not a number", "write it as in late=3"),
        ("late=nan", "'nan' is not a number", "write it as in late=3"),
        ("late=1/2", "'1/2' is not a number", "write it as in late=3"),
        ("unplug", "unplug needs a value", "write it as in unplug=10/5"),
        ("unplug=3/x", "'3/x' is not a number", "write it as in unplug=10/5"),
        ("silence@", "'@' does not say which readouts are hit", "@3 is the third readout"),
        ("flip=0.1@0", "'@0' does not say which readouts are hit", "@3 is the third readout"),
        ("flip=0.1@5-3", "'@5-3' does not say which readouts are hit", "@3 is the third readout"),
        ("flip=0.1@x", "'@x' does not say which readouts are hit", "@3 is the third readout"),
    ],
)
def test_a_fault_written_wrongly_is_refused_with_a_hint(spec: str, problem: str, hint: str) -> None:
    """What is wrong with which part, and how to write it."""
    with pytest.raises(ConfigurationError) as refusal:
        parse_fault(spec)
    assert refusal.value.problem == problem
    assert (refusal.value.hint or "").startswith(hint)


def test_every_fault_can_be_written() -> None:
    """With a value where one is needed."""
    assert {parse_fault(f"{name}=1").name for name in NAMES} == set(NAMES)
    assert parse_fault("flip=1e-3").value == 0.001
    assert parse_fault("silence").when == When()
    assert Faults(["unplug=10/2"]).outages == ((10.0, 2.0),)


@given(
    st.sampled_from([name for name in NAMES if name not in {"unplug", "late", "pause", "endless"}]), st.integers(0, 99)
)
def test_the_same_seed_does_the_same_damage(name: str, seed: int) -> None:
    """Twice from the start."""
    assert sent((f"{name}=0.5",), seed=seed) == sent((f"{name}=0.5",), seed=seed)


@given(st.integers(0, 1000))
def test_a_flipped_bit_shows_in_the_parity_and_a_pair_does_not(seed: int) -> None:
    """Whatever bits are hit."""
    clean = bytes(0x41 for _ in range(50))
    one, two = sent(("flip=1",), seed=seed, data=clean), sent(("flip-pairs=1",), seed=seed, data=clean)
    assert len(parity_errors(one)) == 50
    assert parity_errors(two) == []
    assert all(a != b for a, b in zip(two, clean, strict=True))


def test_rates_are_met() -> None:
    """Four in a thousand of many characters."""
    long = b"U" * 100_000
    flipped = sum(a != b for a, b in zip(sent(("flip=0.004",), data=long), long, strict=True))
    assert 300 < flipped < 500
    assert 300 < len(long) - len(sent(("lose=0.004",), data=long)) < 500


def test_characters_behind_a_lost_one_keep_their_time() -> None:
    """The line was silent for one character; nothing moves up."""
    pieces = Faults(["lose=0.2"], 3).damage(MESSAGE, Part.DATA, 1, PERIOD)
    for at, piece in pieces:
        place = round(at / PERIOD)
        assert MESSAGE[place : place + len(piece)] == piece


@pytest.mark.parametrize(
    ("spec", "part", "length"),
    [
        ("noise-before=5", Part.IDENTIFICATION, len(MESSAGE) + 5),
        ("noise-between=4", Part.DATA, len(MESSAGE) + 4),
        ("noise-between=4", Part.IDENTIFICATION, len(MESSAGE)),
        ("noise-after=3", Part.DATA, len(MESSAGE) + 3),
        ("nul-flood=100", Part.DATA, len(MESSAGE) + 100),
        ("lose-first", Part.DATA, len(MESSAGE) - 1),
        ("cut=0.25", Part.DATA, len(MESSAGE) // 4),
        ("no-data", Part.DATA, 0),
        ("no-data", Part.IDENTIFICATION, len(MESSAGE)),
        ("long-identification=1000", Part.IDENTIFICATION, len(MESSAGE) + 1000),
    ],
)
def test_lengths_are_as_the_fault_says(spec: str, part: Part, length: int) -> None:
    """And other messages are left alone."""
    assert len(sent((spec,), part=part)) == length


def test_an_endless_telegram_has_nothing_that_ends_it() -> None:
    """Neither the mark nor ETX."""
    endless = sent(("endless",), data=b"\x021.8.0(1)\r\n!\r\n\x03q")
    assert len(endless) > 500
    assert not {0x21, 0x03} & {character & 0x7F for character in endless}


def test_faults_follow_each_other() -> None:
    """The second sees what the first has left."""
    assert sent(("cut=0.5", "noise-after=2"))[: len(MESSAGE) // 2] == MESSAGE[: len(MESSAGE) // 2]
    assert len(sent(("cut=0.5", "noise-after=2"))) == len(MESSAGE) // 2 + 2


def test_late_and_pause_move_time_and_nothing_else() -> None:
    """Seconds from the start of the message."""
    assert Faults(["late=1.2"]).damage(MESSAGE, Part.DATA, 1, PERIOD) == [(1.2, MESSAGE)]
    (_, first), (at, second) = Faults(["pause=3"]).damage(MESSAGE, Part.DATA, 1, PERIOD)
    assert first + second == MESSAGE
    assert at == pytest.approx(len(first) * PERIOD + 3)
