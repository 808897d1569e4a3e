"""What was learned survives a restart, and never does harm."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obisgw.iec62056_21.plan import LinePlan
from obisgw.reader.memory import MAX_KNOWN, Learned, Memory

LEARNED = Learned(
    identification="/ISk5MT174-0001",
    number="12345678",
    plan=LinePlan(switch_margin=0.1, baud_char="4"),
    size=1200,
    echo=5,
    baudrate=4800,
    at=1_700_000_000.0,
    plan_since=1_600_000_000.0,
)


def test_what_was_remembered_is_recalled_after_a_restart(tmp_path: Path) -> None:
    """By port and device address."""
    memory = Memory(tmp_path / "new" / "line.json")
    assert memory.remember("/dev/a", "", LEARNED)
    assert memory.remember("/dev/a", "17", replace(LEARNED, size=None))
    memory.save()
    again = Memory(tmp_path / "new" / "line.json")
    assert again.recall("/dev/a", "") == LEARNED
    assert again.recall("/dev/a", "17") == replace(LEARNED, size=None)
    assert again.recall("/dev/b", "") is None


def test_only_what_helps_the_next_readout_is_worth_a_write() -> None:
    """A size that changes by a digit, and the time, are not."""
    memory = Memory()
    assert memory.remember("p", "", LEARNED)
    assert not memory.remember("p", "", replace(LEARNED, at=1.0, size=1201))
    assert memory.remember("p", "", replace(LEARNED, plan=LinePlan()))


def test_the_longest_unused_is_forgotten_first() -> None:
    """The file stays small whatever is plugged in."""
    memory = Memory()
    for number in range(MAX_KNOWN + 1):
        memory.remember("first" if number == 0 else f"p{number}", "", LEARNED)
    assert memory.recall("first", "") is None
    assert memory.recall(f"p{MAX_KNOWN}", "") == LEARNED


def _document() -> dict[str, object]:
    plan = {"switch_margin": None, "baud_char": None, "acknowledge": True, "start_baudrate": 300}
    plan |= {"data_baudrate": None, "break_first": False, "wake_up": False, "acknowledgement_delay": None}
    known = {"identification": "/X", "number": None, "plan": plan, "size": 5, "echo": 0, "baudrate": 300}
    return {"format": 1, "known": {"p ": known | {"at": 1.0, "plan_since": 1.0}}}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"format": 1}',
        '{"format": 2, "known": {}}',
        json.dumps(_document()).replace("300", '"fast"'),
        json.dumps(_document()).replace("switch_margin", "swotch_margin"),
        json.dumps(_document()).replace('"acknowledge": true', '"acknowledge": 1'),
        json.dumps(_document()).replace('"at": 1.0', '"at": "x"'),
        "[" * 100_000,
        " " * 1_000_001,
    ],
)
def test_a_damaged_file_is_said_once_and_forgotten(tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str) -> None:
    """One warning, then learning starts afresh and can be saved."""
    file = tmp_path / "line.json"
    file.write_text(text)
    memory = Memory(file)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert memory.recall("p", "") is None
    memory.remember("p", "", LEARNED)
    memory.save()
    assert Memory(file).recall("p", "") == LEARNED


@given(st.binary(max_size=300))
def test_no_bytes_in_the_file_raise(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """Whatever a power failure left behind."""
    file = tmp_path_factory.mktemp("state") / "line.json"
    file.write_bytes(content)
    assert Memory(file).recall("p", "") is None


def test_a_folder_that_cannot_be_written_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The readout is not disturbed."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    memory = Memory()
    memory._path = blocked / "line.json"
    for number in range(3):
        memory.remember(str(number), "", LEARNED)
        memory.save()
    assert len(caplog.records) == 1
    assert "cannot be written" in caplog.text
