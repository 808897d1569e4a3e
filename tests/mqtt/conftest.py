"""A real broker, and publishers that are always stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from obisgw.config.table import MqttSettings
from obisgw.mqtt.publisher import Publisher

from .brokers import Mosquitto, Watcher, mosquitto
from .samples import GATEWAY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from obisgw.mqtt.backlog import Missed
    from obisgw.readings.shown import Command


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    """Return a Mosquitto that lets everybody in."""
    async with mosquitto(tmp_path) as broker:
        yield broker


@pytest.fixture
def watcher(broker: Mosquitto) -> Iterator[Watcher]:
    """Return a client that sees all that the broker brings."""
    watcher = Watcher(broker.port)
    yield watcher
    watcher.close()


@pytest.fixture
async def publishers() -> AsyncIterator[Callable[..., Publisher]]:
    """Return what makes publishers, each stopped at the end."""
    made = []

    def make(
        port: int,
        *,
        timeout: float = 20,
        commands: list[tuple[str, Command]] | None = None,
        missed: Missed | None = None,
        **settings: object,
    ) -> Publisher:
        heard = [] if commands is None else commands
        publisher = Publisher(
            MqttSettings(port=port, **{"host": "127.0.0.1", **settings}),  # type: ignore[arg-type]
            GATEWAY,
            lambda meter, command: heard.append((meter, command)),
            acknowledge_timeout=timeout,
            missed=missed,
        )
        made.append(publisher)
        return publisher

    yield make
    for publisher in made:
        await publisher.stop()
