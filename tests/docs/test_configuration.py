"""Every configuration that a page shows loads as it stands."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import fields
from typing import TYPE_CHECKING

import pytest

from obisgw.config.load import Checked, check_text
from obisgw.iec62056_21.dialect_programming import Programming
from obisgw.iec62056_21.dialects import Dialect, Dialects
from obisgw.mqtt.states import Key
from obisgw.readings.derive import EventKind

from .pages import ROOT, Block, blocks

if TYPE_CHECKING:
    from pathlib import Path

_FILES = re.compile(r"^\s*(?:ca|certificate|key|password_file|dialects|\w+_key_file): (?P<file>\S+)$", re.MULTILINE)
_VARIABLE = re.compile(r"^\s*password_env: (?P<name>\S+)$", re.MULTILINE)
_COMMENTED = re.compile(r"^( +)# ((?:  |- )?[a-z_]+: .*)$", re.MULTILINE)
EXAMPLE = ROOT / "gateway/deploy/obis-gateway.yaml"


def checked(text: str, folder: Path) -> Checked:
    """The text through the real check, with the files and variables that it names being there."""
    environment = {"CREDENTIALS_DIRECTORY": str(folder)}
    environment |= {match["name"]: "secret" for match in _VARIABLE.finditer(text)}
    for match in _FILES.finditer(text):
        file = folder / match["file"].replace("$CREDENTIALS_DIRECTORY/", "")
        file.write_text("0" * 32 + "\n" if "_key_file" in match[0] else "secret\n", "utf-8")
        file.chmod(0o600)
    return check_text(text, folder / "obis-gateway.yaml", environment=environment, dialects=Dialects.load().names)


@pytest.mark.parametrize("block", blocks("yaml"), ids=str)
def test_a_shown_configuration_is_good(block: Block, tmp_path: Path) -> None:
    """No error, and no warning: an example shows the good way."""
    result = checked(block.text, tmp_path)
    assert [problem.sentence(str(block)) for problem in result.problems] == []
    assert result.settings is not None


def test_the_installed_example_is_good_with_all_its_comments(tmp_path: Path) -> None:
    """What stands in comments there is meant to be uncommented."""
    text = EXAMPLE.read_text("utf-8")
    whole = _COMMENTED.sub(r"\1\2", text)
    assert whole != text
    for one in (text, whole):
        result = checked(one, tmp_path)
        assert [problem.sentence(EXAMPLE.name) for problem in result.problems] == []


@pytest.mark.parametrize("block", blocks("toml"), ids=str)
def test_shown_dialects_load(block: Block) -> None:
    """A file of dialects as shown gives its dialects, which come first."""
    names = tuple(tomllib.loads(block.text))
    assert Dialects.load(block.text).names[: len(names)] == names


def test_every_key_of_a_dialect_is_explained() -> None:
    """The guide's table has a row for each key."""
    page = (ROOT / "docs/guides/dialects.md").read_text("utf-8")
    rows = {key for row in re.findall(r"^\| (`[^|]+) \|", page, re.MULTILINE) for key in re.findall(r"`(\w+)`", row)}
    keys = {field.name for field in fields(Dialect) if not field.name.startswith("_")} - {"name"}
    assert keys <= rows
    assert {field.name for field in fields(Programming)} <= rows


@pytest.mark.parametrize("block", blocks("json"), ids=str)
def test_shown_states_have_the_keys_of_real_ones(block: Block) -> None:
    """States have all keys; events name a kind that there is."""
    document = json.loads(block.text)
    if "event_type" in document:
        assert document["event_type"] in set(EventKind)
    else:
        assert set(document) == set(Key)


def test_a_wrong_configuration_is_caught(tmp_path: Path) -> None:
    """The checks above can fail."""
    assert checked("prot: /dev/ttyS0\n", tmp_path).problems
