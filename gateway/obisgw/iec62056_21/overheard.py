"""Telling a meter that still answers an earlier request from one that sends unasked and will never be quiet."""

from __future__ import annotations

from . import timing
from .characters import strip_parity
from .framing import BlockReceiver, Parity

_SAMPLE = 256
_ENDS = 2
"""A readout has one end mark; whoever sends a second one begins again and again."""

_LEAST_A_SECOND = 10
"""Characters of a readout that is under way: a third of what 300 Bd carry."""


class Overheard:
    """What comes while nothing was asked for, from ``since`` on."""

    def __init__(self, since: float, *, software_parity: bool) -> None:
        self.is_endless = False
        """Whether there is no use in waiting for its end."""
        self._since = since
        self._software_parity = software_parity
        self._newest = b""
        self._count = 0
        self._ends = 0

    def endless(self, data: bytes, now: float) -> bool:
        """Take characters, and tell whether there is no use in waiting for their end."""
        self._newest = (self._newest + data)[-_SAMPLE:]
        self._count += len(data)
        self._ends += strip_parity(data)[0].count(b"!")
        lasted = now - self._since
        if lasted >= timing.UNASKED_PATIENCE:
            # What is readable, and goes on at the line's pace, is a readout at 300 Bd, which takes minutes.
            sparse = self._count < _LEAST_A_SECOND * lasted
            self.is_endless = self._ends >= _ENDS or sparse or self._unreadable
        return self.is_endless

    @property
    def _unreadable(self) -> bool:
        heard = BlockReceiver((), software_parity=self._software_parity, parity=Parity.UNKNOWN)
        heard.feed(self._newest)
        return heard.unreadable
