"""Status words by name, of every maker's bits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obisgw.iec62056_21.vdew.status import Status, parse_status, status_named
from tests.iec62056_21.vdew.forms import DIALECTS


@pytest.mark.parametrize(
    ("dialect", "word", "names"),
    [
        ("standard", "00", ()),
        ("standard", "", ()),
        ("standard", "80", ("power_failure",)),
        ("standard", "40", ("power_back",)),
        ("standard", "20", ("clock_set",)),
        ("standard", "10", ("reset",)),
        ("standard", "08", ("season_changed",)),
        ("standard", "04", ("disturbed",)),
        ("standard", "02", ("clock_invalid",)),
        ("standard", "01", ("device_error",)),
        ("standard", "c0", ("power_back", "power_failure")),
        ("standard", "4000", ("profile_cleared",)),
        ("standard", "2000", ("log_book_cleared",)),
        ("standard", "0400", ("error_ended",)),
        ("standard", "0200", ("error_began",)),
        ("standard", "0100", ("variable_set",)),
        ("standard", "1000", ("manufacturer",)),
        ("standard", "9000", ("manufacturer",)),
        ("standard", "########", ("unreadable",)),  # LEM EM4T
        ("standard", "123456789", ("unreadable",)),
        ("emh", "00008020", ("clock_set", "clock_synchronised")),
        ("metcom", "08", ("summer_time",)),
        ("metcom", "88", ("power_failure", "summer_time")),
        ("elster", "00020000", ("terminal_cover_opened",)),
        ("elster", "00e00800", ("reverse_power", "phase_l1_missing", "phase_l2_missing", "phase_l3_missing")),
        ("elster", "00000080", ("power_failure",)),
        ("landis-gyr", "0000", ()),
        ("siemens-amis", "20", ("clock_set",)),
        ("iskra", "0020", ("clock_set",)),
        ("itron", "80", ("power_failure",)),
    ],
)
def test_a_status_word_is_named_bit_by_bit(dialect: str, word: str, names: tuple[str, ...]) -> None:
    """Two, four or eight digits; what is nobody's is the maker's."""
    assert parse_status(word, DIALECTS.named(dialect).stored.status_bits).names == names


@pytest.mark.parametrize(("flag", "trusted"), [("disturbed", False), ("device_error", False), ("clock_invalid", False), ("power_failure", True), ("clock_set", True), ("season_changed", True)])  # fmt: skip
def test_flags_tell_whether_a_value_may_be_trusted(flag: str, trusted: bool) -> None:  # noqa: FBT001
    """A short period is short and right; a disturbed one is wrong."""
    assert status_named(flag).trusted is trusted


def test_an_unknown_name_names_the_known_ones() -> None:
    """For whoever writes a dialect."""
    with pytest.raises(ValueError, match="no flag is named 'summer'; known are device_error, "):
        status_named("summer")


@given(st.text(max_size=12))
def test_any_text_is_a_status(text: str) -> None:
    """Never an exception; a word that is none says so."""
    assert isinstance(parse_status(text), Status)
