"""What the service must know after a restart: the meters it met, what it last read, and the reads it made today."""

from __future__ import annotations

import json
import logging
import os
import threading
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from obisgw.obis import Medium
from obisgw.readings.reading import MeterIdentity

from .facts import Facts
from .kept import facts_document, facts_of

if TYPE_CHECKING:
    from pathlib import Path

    from obisgw.readings.derive import DerivedState

_log = logging.getLogger(__name__)
_FORMAT = 1


@dataclass(slots=True)
class MeterState:
    """One configured meter.

    ``last_start`` is Unix time; ``day`` is the local date that ``reads_today`` counts; ``place`` is its port and address,
    by which it is known again under another name.
    """

    identity: MeterIdentity | None = None
    battery: bool = False
    last_start: float = 0.0
    day: str = ""
    reads_today: int = 0
    place: str = ""

    def count_read(self, day: str, at: float) -> None:
        """Count one readout begun."""
        if day != self.day:
            self.day, self.reads_today = day, 0
        self.reads_today += 1
        self.last_start = at


_EMPTY = MeterState()


@dataclass(slots=True)
class State:
    """All configured meters by entry. Without a path nothing is kept."""

    path: Path | None = None
    meters: dict[str, MeterState] = field(default_factory=dict)
    facts: Facts = field(default_factory=Facts)
    complained: bool = False
    """Whether the log already tells that the file cannot be written."""
    _writing: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @classmethod
    def load(cls, path: Path | None) -> State:
        """Return what the file knows; a damaged file is set aside and said so, and the service starts anew."""
        state = cls(path)
        if path is None or not path.exists():
            return state
        try:
            document = json.loads(path.read_text("utf-8"))
            state.meters = {entry: _meter(values) for entry, values in document["meters"].items()}
            state.facts.states = _facts(document.get("facts"), path)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            aside = path.with_suffix(".damaged")
            _log.warning("%s cannot be used and is kept as %s: %s", path, aside.name, error)
            path.replace(aside)
            state.meters = {}
        return state

    def of(self, entry: str) -> MeterState:
        """Return the meter's state, a new one for a new meter."""
        return self.meters.setdefault(entry, MeterState())

    def save(self) -> None:
        """Write the file whole or not at all. Waits for the disk; any thread may call it."""
        if self.path is None:
            return
        with self._writing:
            # One step, so that a change by another thread cannot come in between.
            meters = list(self.meters.items())
            facts = list(self.facts.states.items())
            known = {meter.identity.id for _, meter in meters if meter.identity is not None}
            document = {
                "format": _FORMAT,
                "meters": {entry: _document(meter) for entry, meter in meters},
                "facts": {meter_id: facts_document(state) for meter_id, state in facts if meter_id in known},
            }
            self._write(self.path, document)

    def _write(self, path: Path, document: dict[str, Any]) -> None:
        new = path.with_suffix(".new")
        try:
            with new.open("w", encoding="utf-8") as file:
                file.write(json.dumps(document, ensure_ascii=False))
                file.flush()
                os.fsync(file.fileno())
            new.replace(path)
        except OSError as error:
            if not self.complained:
                words = "%s cannot be written: %s (read counts and known meters are lost at a restart)"
                _log.error(words, path, error.strerror)
            self.complained = True
        else:
            self.complained = False


def _document(meter: MeterState) -> dict[str, Any]:
    values = asdict(meter)
    if meter.identity is not None:
        values["identity"]["medium"] = meter.identity.medium.name
    return values


def _facts(documents: Any, path: Path) -> dict[str, DerivedState]:  # noqa: ANN401 - whatever the file holds
    """Return what can be read of the facts; those of other meters are begun anew, which loses no reading."""
    found = {}
    for meter_id, document in (documents if isinstance(documents, dict) else {}).items():
        try:
            found[meter_id] = facts_of(document)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            words = "%s: what was last known of %s cannot be used and is begun anew: %r"
            _log.warning(words, path, meter_id, error)
    return found


def _meter(values: dict[str, Any]) -> MeterState:
    identity = values.pop("identity")
    meter = MeterState(**values)
    for name in ("battery", "last_start", "day", "reads_today", "place"):
        kind, value = type(getattr(_EMPTY, name)), getattr(meter, name)
        if not isinstance(value, kind) and not (kind is float and isinstance(value, int)):
            raise TypeError(f"{name} is {value!r}")
    if identity is not None:
        medium = Medium[identity.pop("medium")]
        meter.identity = MeterIdentity(medium=medium, **identity)
    return meter
