"""Home Assistant itself judges what the gateway publishes."""

from __future__ import annotations

# First of all: Home Assistant's test package brings a package of this name, which would hide ours.
import custom_components  # noqa: F401

# isort: split
import pytest


@pytest.fixture
def expected_lingering_timers() -> bool:
    """Let the mqtt integration's own timer outlive a test."""
    return True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what compares with a snapshot: versions of Home Assistant print the same thing differently."""
    for item in items:
        if "snapshot" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.snapshot)
