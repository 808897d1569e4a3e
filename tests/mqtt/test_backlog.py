"""Handing on what was missed: in order, bounded, once, and never in the way of what is new."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field

import pytest

from obisgw.mqtt.backlog import Backlog
from obisgw.mqtt.outbox import Message, Origin
from obisgw.mqtt.topics import Topics

from .brokers import until


@dataclass
class Row:
    """One message that was kept."""

    number: int
    meter: str
    payload: bytes
    said_at: float
    at: float | None = None


@dataclass
class Shelf:
    """Where messages are kept, in memory."""

    rows: list[Row] = field(default_factory=list)
    held: bool = False
    asked: int = 0
    forgets: bool = True
    newest: int = 0
    fetched: Callable[[], None] = lambda: None

    def miss(self, meter: str, at: float, steady: float | None, payload: bytes) -> None:
        del steady
        self.newest += 1
        self.rows.append(Row(self.newest, meter, payload, at))

    def caught_up(self, meter: str, at: float) -> None:
        self.rows = [row for row in self.rows if (row.meter, row.said_at) != (meter, at)]

    async def missed(self, after: int, most: int) -> Sequence[Row]:
        self.asked += 1
        found = [row for row in self.rows if row.number > after][:most]
        await asyncio.sleep(0)
        self.fetched()
        return found

    async def delivered(self, numbers: Iterable[int]) -> None:
        gone = set(numbers)
        if self.forgets:
            self.rows = [row for row in self.rows if row.number not in gone]


def state(number: int, meter: str = "isk_1") -> Message:
    """Return the state of a meter at a minute."""
    return Message(f"{meter}/state", b"%d" % number, reading_of=Origin(meter, 60.0 * number))


@dataclass
class Desk:
    """A backlog at work, with what it has put and a broker that is moved by hand."""

    shelf: Shelf
    connected: asyncio.Event = field(default_factory=asyncio.Event)
    put: list[Message] = field(default_factory=list)
    most: int = 0

    def __post_init__(self) -> None:
        self.backlog = Backlog(self.shelf, Topics(), self.put.append)

    def acknowledge(self, count: int = 1) -> list[bytes]:
        """Let the broker take so many messages; return their payloads."""
        self.most = max(self.most, len(self.put))
        taken, self.put[:] = self.put[:count], self.put[count:]
        for message in taken:
            self.backlog.delivered(message)
        return [message.payload for message in taken]

    async def all_of(self, count: int) -> list[bytes]:
        """Let the broker take what comes until it has so many."""
        found: list[bytes] = []
        while len(found) < count:
            await until(lambda: self.put)
            found += self.acknowledge()
        return found

    def lose(self) -> None:
        """Lose the connection and what is on its way."""
        self.connected.clear()
        self.put.clear()
        self.backlog.lost()


@contextlib.asynccontextmanager
async def desk(*missed: int, connected: bool = True) -> AsyncIterator[Desk]:
    """Run a backlog that has these to deliver."""
    shelf = Shelf()
    for number in missed:
        shelf.miss("isk_1", 60.0 * number, None, b"%d" % number)
    made = Desk(shelf)
    if connected:
        made.connected.set()
    made.backlog.start(made.connected)
    yield made
    await made.backlog.stop()


async def test_all_are_delivered_in_their_order_and_few_at_once() -> None:
    """On the meter's own topic, not retained."""
    async with desk(*range(250)) as made:
        assert await made.all_of(250) == [b"%d" % number for number in range(250)]
        assert made.most <= 6
        await until(lambda: not made.shelf.rows)
        assert made.put == []
    async with desk(1) as made:
        await until(lambda: made.put)
        assert (made.put[0].topic, made.put[0].retain) == ("obis_gateway/isk_1/history", False)


async def test_nothing_is_asked_for_while_nothing_happens() -> None:
    """Asking writes to the disk, and memory cards wear."""
    async with desk() as made:
        await asyncio.sleep(0.05)
        assert made.shelf.asked == 1
        made.backlog.overtaken(state(1))
        assert await made.all_of(1) == [b"1"]


async def test_nothing_is_delivered_before_the_broker_takes_messages() -> None:
    """It may be there and acknowledge nothing."""
    async with desk(1, connected=False) as made:
        await asyncio.sleep(0.02)
        assert (made.put, made.shelf.asked) == ([], 0)
        made.connected.set()
        assert await made.all_of(1) == [b"1"]


async def test_a_lost_connection_costs_nothing_and_repeats_nothing() -> None:
    """What was on its way is delivered again, what had arrived is not."""
    async with desk(*range(20)) as made:
        assert await made.all_of(7) == [b"%d" % number for number in range(7)]
        made.lose()
        await asyncio.sleep(0.02)
        assert made.put == []
        made.connected.set()
        assert await made.all_of(13) == [b"%d" % number for number in range(7, 20)]


async def test_a_stop_in_the_middle_forgets_what_has_arrived() -> None:
    """The rest is left for the next start."""
    async with desk(*range(20)) as made:
        await made.all_of(7)
    assert [row.payload for row in made.shelf.rows] == [b"%d" % number for number in range(7, 20)]


async def test_what_cannot_be_forgotten_is_delivered_once_by_this_run() -> None:
    """The disk is full: it stays in the file, and the next ones have their turn."""
    async with desk(*range(150)) as made:
        made.shelf.forgets = False
        await made.all_of(150)
        await asyncio.sleep(0.02)
        assert made.put == []
        made.backlog.overtaken(state(150))
        assert await made.all_of(1) == [b"150"]


async def test_the_newest_is_kept_and_not_delivered_as_an_old_one() -> None:
    """It waits for its place on the live topic; once it is there, it is forgotten."""
    async with desk(connected=False) as made:
        for number in (1, 2):
            made.backlog.waits(state(number))
            made.backlog.overtaken(state(number))
        made.backlog.waits(state(3))
        made.backlog.waits(state(3))
        assert [row.payload for row in made.shelf.rows] == [b"1", b"2", b"3"]
        made.connected.set()
        assert await made.all_of(2) == [b"1", b"2"]
        await asyncio.sleep(0.02)
        assert made.put == []
        made.backlog.delivered(state(3))
        await until(lambda: not made.shelf.rows)


async def test_the_newest_is_delivered_when_it_is_overtaken_before_it_arrived() -> None:
    """Then it is an old one."""
    async with desk(connected=False) as made:
        made.backlog.waits(state(1))
        made.connected.set()
        await asyncio.sleep(0.02)
        assert made.put == []
        made.backlog.overtaken(state(1))
        assert await made.all_of(1) == [b"1"]
        await until(lambda: not made.shelf.rows)


async def test_what_arrives_as_the_newest_while_it_is_fetched_is_not_delivered_again() -> None:
    """The file was asked before."""
    async with desk(connected=False) as made:
        made.backlog.waits(state(1))
        made.backlog.overtaken(state(1))
        made.backlog.waits(state(2))
        made.shelf.fetched = lambda: made.backlog.delivered(state(2))
        made.connected.set()
        assert await made.all_of(1) == [b"1"]
        await asyncio.sleep(0.02)
        assert made.put == []


async def test_one_meters_newest_does_not_hold_up_the_others_for_long() -> None:
    """Order is kept among all of them."""
    async with desk(connected=False) as made:
        made.backlog.waits(state(1, "isk_2"))
        for number in (1, 2):
            made.backlog.waits(state(number))
            made.backlog.overtaken(state(number))
        made.connected.set()
        await asyncio.sleep(0.02)
        made.backlog.delivered(state(1, "isk_2"))
        assert await made.all_of(2) == [b"1", b"2"]


async def test_messages_whose_time_was_wrong_say_the_right_one() -> None:
    """The rest of them is as it was; what is no state stays what it is."""
    async with desk() as made:
        payload = b'{"at":"1970-01-01T00:01:00.000+00:00","registers":{"a":"0012.30"}}'
        made.shelf.rows = [Row(1, "isk_1", payload, 60.0, 1_795_348_800.0), Row(2, "isk_1", b"[]", 0.0, 5.0)]
        made.backlog.overtaken(state(9))
        await until(lambda: len(made.put) >= 2)
        assert json.loads(made.put[0].payload) == {"at": "2026-11-22T12:00:00.000+00:00", "registers": {"a": "0012.30"}}
        assert made.put[1].payload == b"[]"


async def test_messages_that_are_held_are_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was not known yet when they were."""
    monkeypatch.setattr("obisgw.mqtt.backlog._LOOK_AGAIN", 0.02)
    async with desk() as made:
        made.shelf.held = True
        await until(lambda: made.shelf.asked)
        made.shelf.miss("isk_1", 60.0, None, b"1")
        made.backlog.lost()
        assert await made.all_of(1) == [b"1"]
        asked = made.shelf.asked
        await until(lambda: made.shelf.asked > asked + 2)
