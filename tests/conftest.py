"""What every test run shares. Home Assistant's tests have a run, and a conftest, of their own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent

# A slow or busy machine is no fault of the property under test, and a found example must be found again.
settings.register_profile("steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", parent=settings.get_profile("steady"), derandomize=False, max_examples=2000)
settings.register_profile("quick", parent=settings.get_profile("steady"), max_examples=25)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


def pytest_configure(config: pytest.Config) -> None:
    """Name our markers."""
    config.addinivalue_line("markers", "slow: waits for a line's or broker's time, or tries everything; not in --fast")


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the checkout's folder."""
    return ROOT
