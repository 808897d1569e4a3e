"""What a broker kept at our topics is looked at before it is published again."""

from __future__ import annotations

import json

import pytest

from obisgw.mqtt.states import is_reading_state, reading_state
from obisgw.readings.derive import Derived
from obisgw.readings.published import published

from .samples import HOUSEHOLD, reading

STATE = reading_state(reading(*HOUSEHOLD), published(reading(*HOUSEHOLD).registers), Derived(None, (), ()))


def changed(**values: object) -> bytes:
    """Return a state with other values."""
    return json.dumps(json.loads(STATE) | values).encode()


def test_a_state_of_ours_is_known() -> None:
    """Also one with values that were no numbers."""
    assert is_reading_state(STATE)
    assert is_reading_state(changed(registers={"active_energy_import": None}))


@pytest.mark.parametrize(
    "junk",
    [
        *(b"", b"666666", b"null", b"[]", b"{}", b"{", b"\xff\xfe", b"[" * 50_000, b'"at"', STATE[:-1], STATE + STATE),
        *(changed(at="666666"), changed(at=1), changed(registers=[]), changed(registers={"x": 1}), changed(times=None)),
        *(changed(registers={"x": {"y": "1"}}), changed(times={"x": 1}), changed(other="1")),
    ],
)
def test_junk_is_no_state(junk: bytes) -> None:
    """Whatever somebody else has published there."""
    assert not is_reading_state(junk)
