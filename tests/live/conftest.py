"""One Home Assistant for all tests, and a gateway for each."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.live.home_assistant import HomeAssistant
from tests.mqtt.brokers import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

NETWORK = os.environ.get("LIVE_NETWORK")
"""``own``: this process has a network of its own, in which whatever it announces reaches nobody else."""


@pytest.fixture(scope="session")
def can_announce() -> bool:
    """Tell whether a gateway may be announced here."""
    return NETWORK == "own"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def instance(tmp_path_factory: pytest.TempPathFactory, can_announce: bool) -> AsyncIterator[HomeAssistant]:  # noqa: FBT001
    """A Home Assistant that has been started and has a user."""
    home = HomeAssistant(tmp_path_factory.mktemp("live") / "config", free_port(), zeroconf=can_announce)
    try:
        await home.start()
        yield home
    finally:
        await home.stop()
    # The log is written beside: only now it is whole.
    assert home.complaints() == []


@pytest.fixture
def home(instance: HomeAssistant) -> Iterator[HomeAssistant]:
    """The same; a test fails when Home Assistant had something to say during it."""
    since = len(instance.log)
    yield instance
    assert instance.complaints(since) == []
