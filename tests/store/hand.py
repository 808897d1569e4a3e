"""Clocks that a test moves by hand, and a store that goes by them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from obisgw.store.clocks import Clocks
from obisgw.store.rows import RegisterKey
from obisgw.store.store import Keeping, Store
from tests.mqtt.samples import METER, NOON, reading

if TYPE_CHECKING:
    from pathlib import Path

START = NOON.timestamp()
UP = 10_000.0
"""Seconds for which the machine has been running at noon."""
IMPORT = RegisterKey(METER.id, "1_0_1_8_0_255", "kWh")


@dataclass
class Hand:
    """``seconds`` have passed since noon; the machine's clock is wrong by ``wrong``."""

    seconds: float = 0.0
    wrong: float = 0.0
    up: float = UP

    @property
    def clocks(self) -> Clocks:
        """Both clocks of the machine, as a program that starts finds them."""
        return Clocks(lambda: self.up + self.seconds, lambda: START + self.seconds + self.wrong)

    def begun(self, path: Path, boot: str = "boot", **settings: Any) -> Store:
        """Return a store that begins: its file is not read yet."""
        store = Store(path, Keeping(**{"flush": 1000.0, **settings}), boot, self.clocks)
        store.start()
        return store

    async def store(self, path: Path, boot: str = "boot", **settings: Any) -> Store:
        """Return a store in use."""
        store = self.begun(path, boot, **settings)
        await store._resumed.wait()
        return store

    def tell(self, store: Store, *rows: tuple[float, str], close: float = 300.0) -> None:
        """Record readings of one counter: seconds since noon and kWh."""
        for seconds, value in rows:
            self.seconds = seconds
            at = datetime.fromtimestamp(START + seconds + self.wrong, UTC)
            one = replace(reading(f"1.8.0({value}*kWh)", at=at), steady=self.up + seconds)
            store.record(one, close)


async def values(store: Store, seconds: float = 3600.0, *, since: float = 0.0) -> dict[int, str]:
    """Return what stands at the quarter hours: minutes since noon."""
    wanted = range(int(START + since), int(START + seconds) + 1, 900)
    points = await store.points(IMPORT, list(wanted))
    assert points is not None
    return {int(point.at - START) // 60: str(point.value) for point in points if point.value is not None}


def minutes(count: int, *, first: int = 0) -> tuple[tuple[float, str], ...]:
    """Return a reading a minute, of a counter that rises by 10 Wh in each."""
    return tuple((60.0 * n, f"{10 + n / 100:.3f}") for n in range(first, first + count))
