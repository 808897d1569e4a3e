"""What meters say instead of an answer, and what it means (IEC 62056-21 clause 6.3.8 and makers' own forms)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from .data_sets import parse_data_sets
from .telegram import DataSet


class RefusalKind(Enum):
    """What a refusal asks of whoever gets it."""

    COMMAND = "command"
    """The command, or what it asks for, is not known: another command may be."""

    VALUE = "value"
    """Understood, but the argument is wrong."""

    ACCESS = "access"
    """A password is missing, is wrong, or opens too little."""

    LOCKED = "locked"
    """Locked after too many wrong passwords."""

    BUSY = "busy"
    """Not now: later."""

    EMPTY = "empty"
    """Nothing is stored for what was asked."""

    TRUNCATED = "truncated"
    """More was asked for than fits into one answer."""

    FAULT = "fault"
    """The meter's own hardware."""

    OTHER = "other"
    """An error whose meaning is not known here."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """``text`` as on the line, e.g. ``ER0007``; ``meaning`` in words."""

    kind: RefusalKind
    text: str
    meaning: str

    def __str__(self) -> str:
        return f"{self.text}: {self.meaning}" if self.text else self.meaning


Errors = Mapping[str, tuple[str, str]]
"""A dialect's error texts, each with the name of its kind and its meaning."""

NOT_UNDERSTOOD = Refusal(RefusalKind.COMMAND, "NAK", "the meter did not understand the command")
ONLY_ACKNOWLEDGED = Refusal(RefusalKind.COMMAND, "ACK", "the meter acknowledged the command and sent no data")

_ERROR = re.compile(r"ER[0-9]{1,4}|ERR ?[0-9]{1,4}|ERROR ?[0-9]{0,4}|#[0-9]{4}")
_BARE_NUMBER = re.compile(r"[0-9]{1,4}")
# Letters C, F, L and P stand for groups 96 to 99: profiles, log books and lists.
_RECORDS = re.compile(r"(?:[0-9]+-[0-9]+:)?(?:P|L|98|99)\.[0-9]+")


def refusal_in(block: bytes, address: str, errors: Errors, *, answers_named: bool = False) -> Refusal | None:
    """Return the refusal that the answer to a question for ``address`` is, None where it is data.

    ``answers_named``: this meter's answers repeat the address, so that a bare bracket with a number is an error.
    """
    group = address == "GRPNM"
    if len(block) > _LONGEST and not group:
        return None
    data_sets, _ = parse_data_sets(block)
    if group and data_sets:
        # The answer of a group read that was cut off ends with the error.
        last = data_sets[-1].brackets[-1:]
        return _of(DataSet("", last, data_sets[-1].raw), address, errors, answers_named=False)
    return _of(data_sets[0], address, errors, answers_named=answers_named) if len(data_sets) == 1 else None


_LONGEST = 100
"""An error has at most 32 characters besides its address."""


def _of(answer: DataSet, address: str, errors: Errors, *, answers_named: bool) -> Refusal | None:
    text = answer.brackets[0].value
    if len(answer.brackets) != 1 or answer.brackets[0].unit is not None:
        return None
    bare = answers_named and not answer.address and _BARE_NUMBER.fullmatch(text) is not None
    if not bare and _ERROR.fullmatch(text) is None:
        return None
    if (known := errors.get(text.replace(" ", ""))) is not None:
        kind, meaning = known
        return Refusal(RefusalKind(kind), text, meaning)
    if text == "ERROR":
        if answer.address and _RECORDS.match(address):
            return Refusal(RefusalKind.EMPTY, text, "nothing is stored for this time")
        return Refusal(RefusalKind.COMMAND, text, "the meter refused the command")
    return Refusal(RefusalKind.OTHER, text, "an error of the meter whose meaning is not known here")
