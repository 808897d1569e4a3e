"""A session that does what the test says, and a line whose clock is the test's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from obisgw.errors import PortLostError
from obisgw.iec62056_21.events import Action, Event, Send


class MovedLoop(asyncio.SelectorEventLoop):
    """Time passes only by timers, and then at once."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0

    def time(self) -> float:
        """Return the moved time."""
        return self.now

    def _run_once(self) -> None:
        scheduled = [timer for timer in self._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]
        if not self._ready and scheduled:  # type: ignore[attr-defined]
            self.now = max(self.now, min(timer.when() for timer in scheduled))
        super()._run_once()  # type: ignore[misc]


def in_moved_time(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run ``test`` in a loop whose time does not wait."""
    with asyncio.Runner(loop_factory=MovedLoop) as runner:
        runner.run(test())


async def until(true: Callable[[], bool]) -> None:
    """Return when something that happens outside the loop is so; fail after five seconds."""
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110 - nothing tells it
            await asyncio.sleep(0.02)


@dataclass
class ScriptedSession:
    """Sends what ``script`` says at its times and ends after ``size`` characters."""

    script: list[tuple[float, Action]] = field(default_factory=list)
    size: int = 10
    known: bool = False
    patience: float = 5.0
    sign_off: list[Action] = field(default_factory=lambda: [Send(b"bye")])
    log: list[tuple[str, float]] = field(default_factory=list)
    got: bytes = b""
    aborted: bool = False
    last: float = 100.0
    happened: list[Event] = field(default_factory=list)

    @property
    def finished(self) -> bool:
        """Whether all has come, or patience is over."""
        return self.aborted or (not self.script and len(self.got) >= self.size)

    @property
    def wanted(self) -> int:
        """What is missing, if the session knows it."""
        return max(1, self.size - len(self.got)) if self.known else 1

    @property
    def least(self) -> int:
        """Nothing, as where there is no grammar."""
        return 0

    @property
    def deadline(self) -> float | None:
        """The next action's time, or the end of patience."""
        return self.script[0][0] if self.script else self.last + self.patience

    def actions(self, now: float) -> list[Action]:
        """Return what is due."""
        if not self.script and now >= self.last + self.patience:
            self.log.append(("gave up", now))
            self.aborted = True
        due = [action for at, action in self.script if at <= now]
        self.script = [entry for entry in self.script if entry[0] > now]
        return due

    def sent(self, now: float) -> None:
        """Note it."""
        self.log.append(("sent", now))
        self.last = now

    def receive(self, data: bytes, now: float) -> None:
        """Note it."""
        self.got += data
        self.last = now
        self.log.append((f"received {len(data)}", now))

    def events(self) -> list[Event]:
        """Return what the test put in."""
        happened, self.happened = self.happened, []
        return happened

    def abort(self) -> list[Action]:
        """End."""
        self.aborted = True
        return self.sign_off


class FakeLine:
    """A line on which ``arriving`` (time, byte) come in by themselves."""

    def __init__(self, arriving: list[tuple[float, bytes]] | None = None, baudrate: int = 300) -> None:
        self.arriving = arriving or []
        self.baudrate = baudrate
        self.written: list[tuple[float, bytes]] = []
        self.wake_ups = 0
        self.lost_at = float("inf")
        self._loop = asyncio.get_running_loop()

    def line_time(self, characters: int) -> float:
        """Return the time of ten bits each."""
        return characters * 10 / self.baudrate

    def take(self) -> bytes:
        """Return what has arrived by now."""
        now = self._loop.time()
        if now >= self.lost_at:
            raise PortLostError("gone")
        data = b"".join(byte for at, byte in self.arriving if at <= now)
        self.arriving = [entry for entry in self.arriving if entry[0] > now]
        return data

    async def wait(self, until: float | None) -> None:
        """Return at the next byte or ``until``."""
        moments = [at for at, _ in self.arriving[:1]] + ([] if until is None else [until]) + [self.lost_at]
        await self.sleep(min(moments))

    async def sleep(self, until: float) -> None:
        """Return at ``until``."""
        self.wake_ups += 1
        if until == float("inf"):
            await self._loop.create_future()
        await asyncio.sleep(until - self._loop.time())

    def write_now(self, data: bytes) -> float:
        """Note it."""
        now = self._loop.time()
        if now >= self.lost_at:
            raise PortLostError("gone")
        self.written.append((now, data))
        return now + self.line_time(len(data))

    async def write(self, data: bytes) -> float:
        """Note it and return when it has left."""
        end = self.write_now(data)
        await asyncio.sleep(end - self._loop.time())
        return end

    async def set_rate(self, baudrate: int) -> None:
        """Take the rate."""
        self.baudrate = baudrate
