"""When a meter is asked for its past, and for which time: decisions, and what is remembered of them. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

HORIZON: Final = 60 * 86_400
"""Seconds: meters keep some weeks to months, and what is older was looked for when it was new."""

DAY: Final = 86_400.0
_HOUR: Final = 3600
_LATE: Final = 300
"""Seconds by which a meter's clock may be behind: a period is asked for when it surely has ended."""

_SOON: Final = 900.0
_LATER: Final = 6 * 3600.0
_FRESH: Final = 2.5 * 3600.0
"""A hole can be filled when its last hour is over: so long after an outage, holes are looked for each quarter hour."""

_PAUSE: Final = 600.0
_MOST_FRUITLESS: Final = 3
"""Turns in a row that brought nothing before they are trouble: some are short."""

_MOST_SETTLED: Final = 200

Span = tuple[int, int]
"""From when to when, in Unix seconds."""


def look_again(since_outage: float) -> float:
    """Return after how many seconds holes are looked for again."""
    return _SOON if 0 <= since_outage < _FRESH else _LATER


def next_span(holes: Iterable[Span], settled: Iterable[Span], now: float) -> Span | None:
    """Return the time to ask for: that of the newest hole that has not been asked for, in full hours; None: none.

    Holes that overlap, such as those of several counters, are one.
    """
    done = list(settled)
    merged: list[Span] = []
    for start, end in sorted((start // _HOUR * _HOUR, -(-end // _HOUR) * _HOUR) for start, end in holes):
        if merged and start < merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    open_ = [
        span
        for span in merged
        if span[1] + _LATE <= now and not any(known[0] <= span[0] and span[1] <= known[1] for known in done)
    ]
    return max(open_, key=lambda span: span[1], default=None)


@dataclass(slots=True)
class Tried:
    """What is known of one meter. Times in Unix seconds.

    ``not_before``: it is not asked earlier. ``why``: its last trouble, which the log has told. ``settled``: times that
    have been asked for.
    """

    not_before: float = 0.0
    why: str = ""
    settled: list[Span] = field(default_factory=list)
    fruitless: int = 0
    pause: float = _PAUSE

    def went_well(self, span: Span, now: float) -> None:
        """Take note that a time was read to its end."""
        self.why, self.fruitless, self.pause = "", 0, _PAUSE
        self.settled = [one for one in (*self.settled, span) if one[1] > now - HORIZON][-_MOST_SETTLED:]

    def refused(self, why: str, now: float) -> bool:
        """Take note that the meter will not: it is asked again a day later. Tell whether that is news."""
        self.not_before = now + DAY
        return self._is_news(why)

    def broke_off(self, why: str, now: float) -> bool:
        """Take note that it broke off: the pauses become longer, up to a day. Tell whether that is news."""
        self.not_before, self.pause = now + self.pause, min(2 * self.pause, DAY)
        return self._is_news(why)

    def taken_away(self, now: float, *, fruitful: bool) -> None:
        """Take note that a readout was due before the end; turns that bring nothing again and again make a pause."""
        self.fruitless = 0 if fruitful else self.fruitless + 1
        if self.fruitless >= _MOST_FRUITLESS:
            self.fruitless = 0
            self.not_before, self.pause = now + self.pause, min(2 * self.pause, DAY)

    def may_ask(self, now: float) -> bool:
        """Whether it may be asked now; a clock that was set back by more than a day forbids nothing."""
        return not now < self.not_before <= now + DAY

    def _is_news(self, why: str) -> bool:
        before, self.why = self.why, why
        return why != before

    def document(self) -> dict[str, Any]:
        """Return what is kept over restarts."""
        return {"not_before": self.not_before, "pause": self.pause, "why": self.why, "settled": self.settled}

    @classmethod
    def of(cls, document: dict[str, Any]) -> Tried:
        """Return what was kept. Raises ValueError, KeyError, TypeError or OverflowError for anything else."""
        settled = [(int(start), int(end)) for start, end in document["settled"]]
        pause = min(max(float(document["pause"]), _PAUSE), DAY)
        return cls(float(document["not_before"]), str(document["why"]), settled, 0, pause)
