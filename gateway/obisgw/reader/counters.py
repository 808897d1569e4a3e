"""Invocation counters that outlive the process: none is used twice, whatever ends it.

The file is written ahead in steps. What a step leaves unused when the process is killed is lost; there are four milliards.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from obisgw.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_log = logging.getLogger(__name__)

STEP: Final = 1024
_LAST: Final = 0xFFFFFFFF
_MOST_KNOWN: Final = 1024
_MAX_FILE: Final = 200_000


def text_of(path: Path, most: int) -> str:
    """Return a file's text. Raises OSError, and ValueError where it has more than ``most`` bytes."""
    if path.stat().st_size > most:
        raise ValueError("it is too large to be ours")
    return path.read_text("utf-8")


class Counters:
    """The next counter by meter, client and key. Several processes may share the file."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._next: dict[str, int] = {}
        self._reserved: dict[str, int] = {}

    def known(self, key: str) -> int | None:
        """Return the next counter that nobody has used, None where nothing is known."""
        if key in self._next:
            return self._next[key]
        return self._read().get(key)

    def use(self, key: str, counter: int) -> None:
        """Let ``counter`` and those before it be used. Raises ConfigurationError where that cannot be kept."""
        if counter > _LAST:
            raise ConfigurationError("the invocation counter is used up", where=key, hint="the meter needs new keys")
        self._next[key] = counter + 1
        if counter < self._reserved.get(key, 0):
            return
        # Messages ahead, so that the file is not written for each.
        self._reserved[key] = min(counter + STEP, _LAST + 1)
        self._write(key, self._reserved[key])

    def go_on_from(self, key: str, counter: int) -> None:
        """Use nothing below ``counter``, nor what another process has used."""
        self._next[key] = max(counter, self._read().get(key, 0))
        self._reserved.pop(key, None)

    def _write(self, key: str, value: int) -> None:
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._locked(self._path):
                known = self._read()
                known[key] = max(value, known.pop(key, 0))
                while len(known) > _MOST_KNOWN:
                    del known[next(iter(known))]
                new = self._path.with_name(self._path.name + ".new")
                with new.open("w", encoding="utf-8") as file:
                    json.dump(known, file)
                    file.flush()
                    os.fsync(file.fileno())
                new.replace(self._path)
        except OSError as error:
            # A counter that is used twice gives away what it protects.
            raise ConfigurationError(
                f"the invocation counter cannot be kept: {error.strerror}",
                where=str(self._path),
                hint="the state folder must be writable where a meter is read with keys",
            ) from error

    @contextmanager
    def _locked(self, path: Path) -> Iterator[None]:
        with path.with_name(path.name + ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _read(self) -> dict[str, int]:
        if self._path is None:
            return {}
        try:
            document = json.loads(text_of(self._path, _MAX_FILE))
            return {
                str(key): value for key, value in document.items() if type(value) is int and 0 <= value <= _LAST + 1
            }
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, AttributeError, RecursionError) as error:
            _log.warning("%s cannot be used (%s): invocation counters are asked of the meters", self._path, error)
            return {}
