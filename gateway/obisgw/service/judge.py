"""Which readings are believed: one checker a meter, remembered over restarts."""

from __future__ import annotations

import json
import logging
import os
import threading
from typing import TYPE_CHECKING, Final

from obisgw.readings.checks import Checker, Connection, Memory

if TYPE_CHECKING:
    from pathlib import Path

    from obisgw.readings.checks import Verdict
    from obisgw.readings.reading import Reading

    from .clock import Clock

_log = logging.getLogger(__name__)

_FORMAT: Final = 1
SAVED_EVERY: Final = 1800.0
"""Seconds: a restart that finds older values asks for a second telegram at most, and memory cards wear by writing."""


MOST_UNPROVED: Final = 64
"""Meters that are met and not believed yet."""


class Judge:
    """Judges readings of every meter. Without a path nothing is kept."""

    def __init__(self, path: Path | None, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._checkers: dict[str, Checker] = {}
        self._known = {} if path is None else _load(path)
        self._saved = clock.monotonic()
        self._writing = threading.Lock()
        self._complained = False

    def take(self, reading: Reading, connection: Connection, *, damaged: int, battery: bool) -> Verdict:
        """Return what is believed of a reading; see ``Checker.take``."""
        now = self._clock.monotonic()
        checker = self._checkers.get(reading.meter.id)
        if checker is None:
            self._forget_unproved()
            memory = self._known.pop(reading.meter.id, None) or Memory()
            memory.resume(now, self._clock.now())
            checker = self._checkers[reading.meter.id] = Checker(connection, memory)
        checker.connection = connection
        return checker.take(reading, now, damaged=damaged, sparing=battery)

    def doubts(self, reading: Reading, connection: Connection) -> frozenset[str]:
        """Return the addresses of values, read anew behind a full readout, that are not believed; see ``Checker.doubts``."""
        checker = self._checkers.get(reading.meter.id)
        if checker is None:
            return frozenset()
        checker.connection = connection
        return checker.doubts(reading, self._clock.monotonic())

    def _forget_unproved(self) -> None:
        """Forget meters of which nothing was ever believed, such as those whose number came damaged once."""
        unproved = [name for name, checker in self._checkers.items() if not checker.memory.registers]
        for name in unproved[: max(0, len(unproved) - MOST_UNPROVED)]:
            del self._checkers[name]

    def rename(self, before: str, now: str) -> None:
        """Keep what is known of a meter whose number has become known."""
        if (checker := self._checkers.pop(before, None)) is not None:
            self._checkers.setdefault(now, checker)
        if (memory := self._known.pop(before, None)) is not None:
            self._known.setdefault(now, memory)

    @property
    def due(self) -> bool:
        """Whether it is time to save."""
        return not 0 <= self._clock.monotonic() - self._saved < SAVED_EVERY

    def text(self) -> str:
        """Return what is to be written. For the event loop's thread: meters go on being judged in it."""
        self._saved = self._clock.monotonic()
        known = {name: checker.memory for name, checker in self._checkers.items() if checker.memory.registers}
        memories = self._known | known
        document = {"format": _FORMAT, "meters": {name: memory.document() for name, memory in memories.items()}}
        return json.dumps(document, ensure_ascii=False, separators=(",", ":"))

    def write(self, text: str) -> None:
        """Write the file whole or not at all. Waits for the disk; any thread may call it."""
        if self._path is None:
            return
        with self._writing:
            new = self._path.with_suffix(".new")
            try:
                with new.open("w", encoding="utf-8") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                new.replace(self._path)
            except OSError as error:
                if not self._complained:
                    _log.warning("%s cannot be written: %s (the next start checks anew)", self._path, error.strerror)
                self._complained = True
            else:
                self._complained = False


def _load(path: Path) -> dict[str, Memory]:
    """Return what the file knows; a damaged one is set aside and said so, and checking begins anew."""
    try:
        document = json.loads(path.read_text("utf-8"))
        return {str(name): Memory.of(one) for name, one in document["meters"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        aside = path.with_suffix(".damaged")
        _log.warning("%s cannot be used and is kept as %s: %r", path, aside.name, error)
        path.replace(aside)
        return {}
