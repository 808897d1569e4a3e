"""Meters that send a telegram each second by themselves, paced as a line and a USB adapter pace it."""

from __future__ import annotations

import contextlib
import os
import termios
import threading
import time
import tty
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.paced_meter import even
from tests.benchmarks.telegrams import SMALL, Household

RATE = 19200
TICK = 0.016
"""Characters come as USB adapters hand them over."""


def size_of(registers: int) -> int:
    """Return the size of a telegram with so many registers."""
    size = SMALL
    while len(Household(size).values()) < registers:
        size += 5
    return size


@contextlib.contextmanager
def pushing_meters(folder: Path, count: int = 1, size: int = SMALL) -> Iterator[list[Path]]:
    """Give the ports of so many meters; each sends a telegram of this size each second at ``RATE``."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(_pushing(folder / f"meter{place}", place, size)) for place in range(count)]


@contextlib.contextmanager
def _pushing(link: Path, place: int, size: int) -> Iterator[Path]:
    master, slave = os.openpty()
    tty.setraw(slave, termios.TCSANOW)
    link.symlink_to(os.ttyname(slave))
    over = threading.Event()
    household = Household(size, str(40_123_456 + place), seed=place)
    thread = threading.Thread(target=_push, args=(master, household, over))
    thread.start()
    try:
        yield link
    finally:
        over.set()
        thread.join()
        os.close(master)
        os.close(slave)


def _push(master: int, household: Household, over: threading.Event) -> None:
    due = time.monotonic()
    for message in household:
        # Between STX and ETX: what a meter that pushes sends of it.
        telegram = even(b"/ISK5PUSHED-0001\r\n\r\n" + message[1:-2])
        sent = 0
        while sent < len(telegram):
            if over.wait(max(0.0, due + sent * 10 / RATE + TICK - time.monotonic())):
                return
            there = min(len(telegram), int((time.monotonic() - due) * RATE / 10))
            os.write(master, telegram[sent:there])
            sent = there
        due += 1.0
        if over.wait(max(0.0, due - time.monotonic())):
            return
