"""Telegrams in captured bytes: what a user saved of a line, with echo, requests, noise and several telegrams.

A session decides while the bytes come and has to be quick; here the whole recording is at hand. The rules of what
proves a telegram are the same. Whatever the bytes are, time and memory are bounded: of very long recordings the newest
messages are kept.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from .dialects import Dialect, Dialects
from .identification import Identification
from .recording import captured_bytes
from .scanner import Captured, Scanner

__all__ = ["Capture", "Captured", "telegrams_in"]

_MOST_PROVED: Final = 1000
_LARGEST_PROVED: Final = 200_000
"""Brackets: a year of a load profile with four channels."""

_MOST_UNPROVED: Final = 250
_LARGEST_UNPROVED: Final = 20_000
_CHARACTERS: Final = 20
"""So many without a bracket count as one: text that is no data set is kept as well."""


@dataclass(frozen=True, slots=True)
class Capture:
    """What a recording holds: messages in their order, identifications that came, and the bytes of the line.

    ``left_out`` counts older messages that were not kept. ``searched`` is less than the size of ``raw`` where more came
    than any line of a meter holds.
    """

    messages: tuple[Captured, ...]
    identifications: tuple[Identification, ...]
    raw: bytes
    left_out: int
    searched: int


def telegrams_in(capture: bytes, dialects: Dialects, dialect: Dialect | None = None) -> Capture:
    """Return the messages in ``capture``: bytes, hexadecimal text, or a recording of ``obis-gateway capture``.

    ``dialect`` is the one that the owner named; None matches each identification. Whether a message is proved, its
    telegram says. Never raises for what a line can do; ``ConfigurationError`` for a recording that is no valid file.
    """
    raw = captured_bytes(capture)
    scanner = Scanner(raw, dialects, dialect)
    proved, unproved = _Newest(_MOST_PROVED, _LARGEST_PROVED), _Newest(_MOST_UNPROVED, _LARGEST_UNPROVED)
    for number, message in enumerate(scanner.messages()):
        (proved if message.telegram.proved else unproved).add(number, message)
    kept = sorted((*proved.kept, *unproved.kept), key=lambda one: one[0])
    return Capture(
        messages=tuple(message for _, message in kept),
        identifications=tuple(scanner.identifications),
        raw=raw,
        left_out=proved.left_out + unproved.left_out,
        searched=scanner.position,
    )


class _Newest:
    """The newest messages, as far as they are few and have few brackets; one is kept however large it is."""

    def __init__(self, most: int, largest: int) -> None:
        self.kept: deque[tuple[int, Captured]] = deque()
        self.left_out = 0
        self._most, self._largest = most, largest
        self._size = 0

    def add(self, number: int, message: Captured) -> None:
        self.kept.append((number, message))
        self._size += _size(message)
        while len(self.kept) > self._most or (self._size > self._largest and len(self.kept) > 1):
            self._size -= _size(self.kept.popleft()[1])
            self.left_out += 1


def _size(message: Captured) -> int:
    block = message.telegram.block
    return max(block.count(b"("), len(block) // _CHARACTERS)
