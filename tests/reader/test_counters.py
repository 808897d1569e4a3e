"""Invocation counters: none is used twice, by whomever and whatever happens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from obisgw.errors import ConfigurationError
from obisgw.reader.counters import STEP, Counters


def test_what_was_used_is_not_used_again_after_the_process_was_killed(tmp_path: Path) -> None:
    """The file is ahead of what was used, and it is written once a step."""
    file = tmp_path / "counters.json"
    counters = Counters(file)
    assert counters.known("a") is None
    for counter in range(3 * STEP):
        before = json.loads(file.read_text()) if file.exists() else {}
        counters.use("a", counter)
        after = json.loads(file.read_text())
        assert after["a"] > counter
        assert (after != before) == (counter % STEP == 0)
    assert counters.known("a") == 3 * STEP
    assert Counters(file).known("a") == 3 * STEP


def test_two_processes_do_not_use_the_same(tmp_path: Path) -> None:
    """Whoever is told that its counter is too low goes on behind the other's."""
    service, command = Counters(tmp_path / "c"), Counters(tmp_path / "c")
    service.use("a", 0)
    first = command.known("a")
    assert first == STEP
    command.use("a", first)
    service.go_on_from("a", 5)
    assert service.known("a") == 2 * STEP


def test_meters_and_clients_have_counters_of_their_own(tmp_path: Path) -> None:
    """By key."""
    counters = Counters(tmp_path / "c")
    counters.use("a", 7)
    counters.use("b", 1)
    assert (counters.known("a"), counters.known("b"), counters.known("c")) == (8, 2, None)


@pytest.mark.parametrize("text", ["", "[]", '{"a": -1}', '{"a": "7"}', '{"a": true}', "{" * 1000, '{"a": 5000000000}'])
def test_a_file_that_is_none_knows_nothing(text: str, tmp_path: Path) -> None:
    """The meter is asked."""
    (tmp_path / "c").write_text(text, "utf-8")
    assert Counters(tmp_path / "c").known("a") is None


def test_a_counter_that_cannot_be_kept_is_not_used(tmp_path: Path) -> None:
    """It would be used again, and give away what it protects."""
    (tmp_path / "folder").write_text("a file", "utf-8")
    with pytest.raises(ConfigurationError, match="cannot be kept"):
        Counters(tmp_path / "folder" / "c").use("a", 1)


def test_the_last_counter_is_the_end() -> None:
    """It does not begin again."""
    counters = Counters(None)
    counters.use("a", 2**32 - 1)
    with pytest.raises(ConfigurationError, match="used up"):
        counters.use("a", 2**32)
