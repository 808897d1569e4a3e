"""Messages that wait for the broker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from obisgw.store.messages import WAITS_FOR_TIME

from .hand import START, UP, Hand

if TYPE_CHECKING:
    from pathlib import Path

    from obisgw.store.store import Store


def miss(store: Store, hand: Hand, *numbers: int, meter: str = "isk_1") -> None:
    """Keep messages, one a minute."""
    for number in numbers:
        at = 60.0 * number
        store.messages.miss(meter, START + at + hand.wrong, hand.up + at, b"%d" % number)


async def payloads(store: Store, most: int = 100, after: int = 0) -> list[bytes]:
    """Return what waits."""
    return [message.payload for message in await store.messages.missed(after, most)]


async def test_messages_wait_in_their_order(tmp_path: Path) -> None:
    """Until they are acknowledged, over restarts."""
    hand = Hand()
    store = await hand.store(tmp_path / "store.db")
    miss(store, hand, *range(10))
    await store.stop()
    store = await hand.store(tmp_path / "store.db")
    first = await store.messages.missed(0, 4)
    assert [message.payload for message in first] == [b"0", b"1", b"2", b"3"]
    assert await payloads(store, 2, first[-1].number) == [b"4", b"5"]
    await store.messages.delivered([message.number for message in first])
    assert await payloads(store, 2) == [b"4", b"5"]
    await store.stop()


async def test_one_that_arrived_after_all_is_forgotten(tmp_path: Path) -> None:
    """Whether it was written already or not."""
    hand = Hand()
    store = await hand.store(tmp_path / "store.db")
    miss(store, hand, 1, 2)
    await store.flush()
    miss(store, hand, 3, 4)
    for number in (2, 3):
        store.messages.caught_up("isk_1", START + 60.0 * number)
    store.messages.caught_up("isk_2", START + 60.0)
    await store.flush()
    assert await payloads(store) == [b"1", b"4"]
    await store.stop()


async def test_they_are_bounded_and_the_oldest_go(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is said once."""
    hand = Hand()
    store = await hand.store(tmp_path / "store.db", most_missed=5)
    for number in range(20):
        miss(store, hand, number)
        await store.flush()
    assert await payloads(store) == [b"%d" % number for number in range(15, 20)]
    miss(store, hand, *range(20, 40))
    assert await payloads(store) == [b"%d" % number for number in range(35, 40)]
    assert len([record for record in caplog.records if "oldest" in record.getMessage()]) == 1
    await store.stop()


async def test_they_are_handed_out_where_the_file_takes_none(tmp_path: Path) -> None:
    """A full disk is no reason to keep them from the broker; they are handed out once."""
    hand = Hand()
    store = await hand.store(tmp_path / "store.db")
    await store.flush()
    miss(store, hand, 1)
    await store.flush()
    connection = store._writer._file._database.connection  # type: ignore[union-attr]
    connection.execute(f"PRAGMA max_page_count = {connection.execute('PRAGMA page_count').fetchone()[0]}")
    miss(store, hand, *range(2, 400))
    (first,) = await store.messages.missed(0, 1)
    rest = await store.messages.missed(first.number, 10)
    assert [message.payload for message in rest] == [b"%d" % number for number in range(2, 12)]
    await store.messages.delivered([message.number for message in rest[:4]])
    assert await payloads(store, 2, first.number) == [b"6", b"7"]
    connection.execute("PRAGMA max_page_count = 1000000")
    assert (await payloads(store, 400))[:3] == [b"1", b"6", b"7"]
    await store.stop()


async def test_messages_of_a_wrong_clock_get_their_right_times(tmp_path: Path) -> None:
    """They wait until it is known when they were; then each says it. Those of another run of the machine do not wait."""
    hand = Hand(up=30.0, wrong=-START)
    store = await hand.store(tmp_path / "store.db", boot="before")
    miss(store, hand, 1)
    await store.stop()
    store = await hand.store(tmp_path / "store.db")
    hand.seconds = 120.0
    miss(store, hand, 2, 3)
    assert (await payloads(store), store.messages.held) == ([b"1"], True)
    hand.wrong = 0.0
    found = await store.messages.missed(0, 10)
    assert [(message.payload, message.said_at, message.at) for message in found] == [
        (b"1", 60.0, None),
        (b"2", 120.0, START + 120.0),
        (b"3", 180.0, START + 180.0),
    ]
    assert store.messages.held is False
    await store.stop()


async def test_a_clock_that_is_never_set_holds_messages_for_a_while(tmp_path: Path) -> None:
    """They then go as they are."""
    hand = Hand(up=30.0, wrong=-START)
    store = await hand.store(tmp_path / "store.db")
    miss(store, hand, 1)
    assert await payloads(store) == []
    hand.seconds = WAITS_FOR_TIME
    (message,) = await store.messages.missed(0, 10)
    assert message.at is None
    await store.stop()


async def test_a_message_of_the_present_says_its_time_itself(tmp_path: Path) -> None:
    """Clocks drift; that is no reason to write it anew."""
    hand = Hand()
    store = await hand.store(tmp_path / "store.db")
    miss(store, hand, 1)
    hand.wrong = 2.0
    (message,) = await store.messages.missed(0, 10)
    assert (message.said_at, message.at) == (START + 60.0, None)
    await store.stop()


async def test_what_waits_takes_little_room(tmp_path: Path) -> None:
    """The states of a meter are much alike."""
    hand = Hand()
    store = await hand.store(tmp_path / "store.db")
    payload = (
        b'{"registers":{' + b",".join(b'"active_energy_import_tariff_%d":"12345.678"' % n for n in range(60)) + b"}}"
    )
    for number in range(100):
        store.messages.miss("isk_1", START + number, UP + number, payload)
    await store.flush()
    size = store.state()["bytes"]
    assert isinstance(size, int)
    assert size < 100 * len(payload) / 3
    await store.stop()
