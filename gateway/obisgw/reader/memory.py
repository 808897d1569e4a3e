"""What was learned of meters and heads, kept over restarts: the plan that works, the telegram's size, the echo."""

from __future__ import annotations

import json
import logging
import os
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from obisgw.iec62056_21.plan import LinePlan

_log = logging.getLogger(__name__)

FORMAT = 1
MAX_KNOWN = 256
"""Far more meters than one machine reads; the longest unused are forgotten first."""

MAX_FILE = 1_000_000
RETRY_FASTER = 86400.0
"""After this a slow plan is put to the test: it may have been one noisy hour."""


@dataclass(frozen=True, slots=True)
class Learned:
    """What worked with one meter on one port. ``at`` and ``plan_since`` are Unix times.

    ``identification``: as the meter sent it. ``size``: characters of its telegram from STX to the block check.
    ``echo``: characters of the request that came back. ``baudrate``: the rate its data came at.
    """

    identification: str
    number: str | None
    plan: LinePlan
    size: int | None
    echo: int
    baudrate: int
    at: float
    plan_since: float


@dataclass(frozen=True, slots=True)
class Spoken:
    """What was learned of a meter in programming mode.

    ``command``: that it understands for reading a register. ``patient``: it does not hear what follows its answers too
    soon. ``refused``: the mark (`refused.mark_of`) of a password that it refused. ``without_hdlc``: when it gave its
    readout in place of HDLC, as Unix time.
    """

    command: str | None = None
    patient: bool = False
    refused: str | None = None
    without_hdlc: float | None = None


class Memory:
    """What is known, by port and device address. Without a path nothing outlives the process.

    Never raises: a file that cannot be read or written is said once, and learning starts afresh.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._known: dict[str, Learned] = {}
        self._spoken: dict[str, Spoken] = {}
        self._complained = False
        self._unsaved = False
        self._writing = threading.Lock()
        if path is not None:
            self._load(path)

    def recall(self, port: str, address: str) -> Learned | None:
        """Return what worked last on ``port`` (its stable name) with the meter at ``address``."""
        return self._known.get(_key(port, address))

    def remember(self, port: str, address: str, learned: Learned) -> bool:
        """Keep what worked; return whether something changed that is worth a ``save``."""
        key = _key(port, address)
        before = self._known.pop(key, None)
        self._known[key] = learned  # At the end: the order is that of use.
        while len(self._known) > MAX_KNOWN:
            del self._known[next(iter(self._known))]
        return before is None or _useful(before) != _useful(learned)

    def spoken(self, port: str, address: str) -> Spoken:
        """Return what was learned in programming mode of the meter at ``address``."""
        return self._spoken.get(_key(port, address), Spoken())

    def remember_spoken(self, port: str, address: str, spoken: Spoken) -> bool:
        """Keep what was learned in programming mode; return whether it is worth a ``save``."""
        key = _key(port, address)
        before = self._spoken.pop(key, Spoken())
        self._spoken[key] = spoken
        while len(self._spoken) > MAX_KNOWN:
            del self._spoken[next(iter(self._spoken))]
        return before != spoken

    def save(self) -> None:
        """Write the file whole or not at all. Waits for the disk: not for the event loop's thread."""
        if self._path is None:
            return
        self._unsaved = True
        with self._writing:
            if not self._unsaved:
                return  # The save before, which this one waited for, has written it.
            self._unsaved = False
            # One step, so that a change by another thread cannot come in between.
            known, spoken = list(self._known.items()), list(self._spoken.items())
            document = {
                "format": FORMAT,
                "known": {key: asdict(one) for key, one in known},
                "spoken": {key: asdict(one) for key, one in spoken},
            }
            self._write(self._path, json.dumps(document))

    def _write(self, path: Path, text: str) -> None:
        new = path.with_name(path.name + ".new")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with new.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            new.replace(path)
        except OSError as error:
            self._complain(f"{path} cannot be written ({error}): learned line settings are lost at a restart")
        else:
            self._complained = False

    def _load(self, path: Path) -> None:
        try:
            if path.stat().st_size > MAX_FILE:
                self._complain(f"{path} is too large to be ours; what was learned is learned anew")
                return
            document = json.loads(path.read_text("utf-8"))
            if document["format"] != FORMAT:
                self._complain(f"{path} has another format; what was learned is learned anew")
                return
            known = {str(key): _learned(value) for key, value in document["known"].items()}
            # Older files know of no programming mode.
            spoken = {str(key): _spoken(value) for key, value in document.get("spoken", {}).items()}
            self._known, self._spoken = known, spoken
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            self._complain(f"{path} cannot be used ({error}): what was learned is learned anew")

    def _complain(self, message: str) -> None:
        if not self._complained:
            _log.warning("%s", message)
            self._complained = True


def _key(port: str, address: str) -> str:
    return f"{port} {address}"


def _useful(learned: Learned) -> tuple[object, ...]:
    # A size that changes by a digit now and then is not worth a write to a memory card.
    return learned.identification, learned.number, learned.plan, learned.echo, learned.baudrate, learned.size is None


_KINDS: dict[str, tuple[type, ...]] = {
    "switch_margin": (float, int, type(None)),
    "baud_char": (str, type(None)),
    "acknowledge": (bool,),
    "start_baudrate": (int,),
    "data_baudrate": (int, type(None)),
    "break_first": (bool,),
    "wake_up": (bool,),
    "acknowledgement_delay": (float, int, type(None)),
}


def _learned(value: dict[str, Any]) -> Learned:
    plan = {name: _typed(name, item, _KINDS[name]) for name, item in value["plan"].items()}
    size = _typed("size", value["size"], (int, type(None)))
    return Learned(
        identification=_typed("identification", value["identification"], (str,)),
        number=_typed("number", value["number"], (str, type(None))),
        plan=LinePlan(**plan),
        size=size if size is None or 0 < size < MAX_FILE else None,
        echo=_typed("echo", value["echo"], (int,)),
        baudrate=_typed("baudrate", value["baudrate"], (int,)),
        at=float(value["at"]),
        plan_since=float(value["plan_since"]),
    )


def _spoken(value: dict[str, Any]) -> Spoken:
    return Spoken(
        command=_typed("command", value["command"], (str, type(None))),
        patient=_typed("patient", value["patient"], (bool,)),
        refused=_typed("refused", value["refused"], (str, type(None))),
        # Older files do not know it.
        without_hdlc=_typed("without_hdlc", value.get("without_hdlc"), (float, int, type(None))),
    )


def _typed(name: str, value: Any, kinds: tuple[type, ...]) -> Any:  # noqa: ANN401 - checked here
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise TypeError(f"{name} is {value!r}")
    return value
