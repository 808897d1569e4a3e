"""The lock files hold for every machine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

LOCKS = (
    "requirements.lock",
    "requirements-dev.lock",
    "requirements-ha.lock",
    "requirements-ha-minimum.lock",
    "requirements-hass.lock",
    "requirements-tools.lock",
)
PINNED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[^\s;\\]+( ; [^\\]+)? \\")
HASH = re.compile(r" {4}--hash=sha256:[0-9a-f]{64}( \\)?")


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_versions_and_hashes_and_nothing_else(root: Path, name: str) -> None:
    """No address, host or path of the machine that wrote it."""
    lines = (root / name).read_text().splitlines()
    assert lines
    for line in lines:
        assert PINNED.fullmatch(line) or HASH.fullmatch(line), line


def test_the_development_lock_contains_the_runtime_lock(root: Path) -> None:
    """What is tested is what a user gets."""
    pins = {
        name: {line.split(" ;")[0].rstrip(" \\") for line in (root / name).read_text().splitlines() if "==" in line}
        for name in LOCKS
    }
    assert pins["requirements.lock"] <= pins["requirements-dev.lock"]
