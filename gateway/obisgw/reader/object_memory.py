"""What meters have said of themselves, kept over restarts: their objects, scalers and units, by meter and firmware."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .counters import text_of

if TYPE_CHECKING:
    from pathlib import Path

_log = logging.getLogger(__name__)

FORMAT: Final = 1
_MOST_KNOWN: Final = 64
_MAX_FILE: Final = 16_000_000


@dataclass(frozen=True, slots=True)
class Described:
    """What one meter has said to one client, as octets of A-XDR.

    ``stamp``: attributes and values that are others when the meter or its firmware is another one. ``units``: scalers
    and units by attribute; None where the meter gives none. ``small_link``: when only the smallest frames went through, as Unix time.
    """

    stamp: tuple[tuple[int, bytes, int, bytes], ...] = ()
    objects: bytes | None = None
    units: tuple[tuple[int, bytes, int, bytes | None], ...] = ()
    small_link: float | None = None


class ObjectMemory:
    """What is known, by port, address and client. Never raises: what cannot be read is asked of the meter again."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._known: dict[str, Described] = {}
        if path is not None:
            self._load(path)

    def recall(self, key: str) -> Described:
        """Return what is known."""
        return self._known.get(key, Described())

    def remember(self, key: str, described: Described) -> bool:
        """Keep it; return whether it is worth a ``save``."""
        before = self._known.pop(key, None)
        self._known[key] = described
        while len(self._known) > _MOST_KNOWN:
            del self._known[next(iter(self._known))]
        return before != described

    def save(self) -> None:
        """Write the file whole or not at all. Waits for the disk."""
        path = self._path
        if path is None:
            return
        known = {key: _document(one) for key, one in list(self._known.items())}
        new = path.with_name(path.name + ".new")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with new.open("w", encoding="utf-8") as file:
                json.dump({"format": FORMAT, "known": known}, file)
                file.flush()
                os.fsync(file.fileno())
            new.replace(path)
        except OSError as error:
            _log.warning("%s cannot be written (%s): meters are asked for their objects again", path, error)

    def _load(self, path: Path) -> None:
        try:
            document = json.loads(text_of(path, _MAX_FILE))
            if document["format"] != FORMAT:
                _log.warning("%s has another format: meters are asked for their objects again", path)
                return
            self._known = {str(key): _described(one) for key, one in document["known"].items()}
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            _log.warning("%s cannot be used (%s): meters are asked for their objects again", path, error)


def _document(one: Described) -> dict[str, Any]:
    return {
        "stamp": [[number, name.hex(), attribute, value.hex()] for number, name, attribute, value in one.stamp],
        "objects": None if one.objects is None else one.objects.hex(),
        "units": [
            [number, name.hex(), attribute, None if value is None else value.hex()]
            for number, name, attribute, value in one.units
        ],
        "small_link": one.small_link,
    }


def _described(value: dict[str, Any]) -> Described:
    return Described(
        tuple((int(c), bytes.fromhex(n), int(a), bytes.fromhex(v)) for c, n, a, v in value["stamp"]),
        None if value["objects"] is None else bytes.fromhex(value["objects"]),
        tuple(
            (int(c), bytes.fromhex(n), int(a), None if v is None else bytes.fromhex(v)) for c, n, a, v in value["units"]
        ),
        None if value["small_link"] is None else float(value["small_link"]),
    )
