"""From what a meter pushes in DLMS to registers. Some send several lists, each with other registers and at another pace."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from obisgw.dlms.push_body import entries_of, list_forms
from obisgw.iec62056_21.identification import Mode
from obisgw.iec62056_21.telegram import Unparsed
from obisgw.obis import ValueKind

from .cosem import cosem_identity, cosem_telegram, shown_registers
from .reading import Reading

if TYPE_CHECKING:
    from datetime import datetime

    from obisgw.dlms.push import Pushed

    from .reading import Register

KEPT: Final = timedelta(hours=2)
"""So long a value stands that other lists do not bring again; the slowest lists come each hour."""


class PushedReadings:
    """Makes readings of one meter's lists: each holds the newest value of every register. ``name``: as configured."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._title: bytes | None = None
        self._number: str | None = None
        self._kept: dict[tuple[str, int], tuple[Register, datetime]] = {}

    def reading_of(self, pushed: Pushed, at: datetime, duration: float) -> Reading:
        """Return the reading. ``at``: UTC of its last byte; ``duration`` in seconds."""
        entries = entries_of(pushed.body)
        fresh = shown_registers((one.name, one.value) for one in entries if one.name is not None)
        unparsed = tuple(
            Unparsed(one.value.text, f"the list does not say what stands at place {one.place}")
            for one in entries
            if one.name is None and not _is_of_the_list(one.value.text)
        )
        title = pushed.title or b""
        self._forget_others(cosem_identity(None, fresh, self._name, title).number, title, at)
        registers = self._with_kept(fresh, at) if fresh else ()
        identity = cosem_identity(None, registers, self._name, title)
        return Reading(identity, at, duration, registers, unparsed, cosem_telegram(None, registers, Mode.D))

    def _forget_others(self, number: str | None, title: bytes, at: datetime) -> None:
        """Forget values that are old, and those of another meter that stood here before."""
        exchanged = number is not None and self._number not in {None, number}
        if exchanged or self._title not in {None, title}:
            self._kept.clear()
        self._title, self._number = title, number or self._number
        self._kept = {key: one for key, one in self._kept.items() if timedelta(0) <= at - one[1] <= KEPT}

    def _with_kept(self, fresh: tuple[Register, ...], at: datetime) -> tuple[Register, ...]:
        now = {(one.address, one.occurrence): one for one in fresh}
        kept = [now.pop(key, old) for key, (old, _) in self._kept.items()]
        registers = (*kept, *now.values())
        # A clock that stands still would be a wrong one.
        self._kept |= {
            (one.address, one.occurrence): (one, at) for one in fresh if one.description.kind is not ValueKind.TIMESTAMP
        }
        return registers


def _is_of_the_list(text: str) -> bool:
    """Whether a value without a code is the list's name or its time: many lists begin with one."""
    if any(text.startswith(form.starts) for form in list_forms()):
        return True
    return len(text) == len("2026-01-01T00:00:00") and text[4] == "-" and text[10] == "T"
