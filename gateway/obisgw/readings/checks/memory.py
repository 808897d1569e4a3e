"""What is remembered of a meter's accepted readings, to hold the next ones against."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from obisgw.readings.published import Published

MOST_FORMS: Final = 12
"""Signs, letters and unpadded numbers change a form; more than these, and a register has none."""

SETTLED: Final = 8
"""So often the same, and a value or a form counts as one that does not change by itself."""

MOST_LISTS: Final = 12
"""Some meters send two or three lists in turn; a few change theirs with the season."""

_LONGEST_PAUSE: Final = 10 * 366 * 86_400.0

_DIGITS: Final = str.maketrans("123456789", "0" * 9)


def form_of(text: str) -> str:
    """Return a value's form: its digits made zeros, without its sign and the blanks around it."""
    return text.strip(" ").lstrip("+-").translate(_DIGITS)


@dataclass(slots=True)
class Known:
    """One register as last accepted.

    ``forms``: those that were seen. ``same``: how many readings in a row had the very same text, ``steady``: the same
    form. ``filled``: zeros stood in front. ``fastest``: the highest rise a second that was confirmed beyond the limit.
    ``restless``: kinds of oddity (by name) that turned out to be the meter's own ways, with their number.
    """

    text: str
    number: Decimal | None
    forms: list[str] = field(default_factory=list)
    same: int = 0
    steady: int = 0
    filled: bool = False
    fastest: Decimal | None = None
    restless: dict[str, int] = field(default_factory=dict)
    at: float | None = None
    """Time of the reading in which it was last accepted, by the checker's clock; None after a restart."""
    time: datetime | None = None
    """The time stamp that came with the value."""

    def take(self, item: Published, at: float) -> None:
        """Remember an accepted value."""
        text = item.register.value
        self.at = at
        self.time = item.register.time
        if text == self.text and self.forms:
            self.same += 1
            self.steady += 1
            return
        form = form_of(text)
        self.steady = self.steady + 1 if form in self.forms else 0
        self.same = 0
        self.text, self.number = text, item.register.number
        if form not in self.forms:
            self.forms.append(form)
            del self.forms[:-MOST_FORMS]
        body = text.lstrip("+- ")
        self.filled = self.filled or (len(body) > 1 and body[0] == "0" and body[1].isdigit())

    def calmed(self, reason: str) -> None:
        """Note that an oddity was the meter's own way."""
        self.restless[reason] = self.restless.get(reason, 0) + 1


@dataclass(slots=True)
class Memory:
    """All that is remembered of one meter. ``lists`` are the lists of registers in which its telegrams came."""

    registers: dict[str, Known] = field(default_factory=dict)
    lists: list[int] = field(default_factory=list)
    sums: dict[str, int] = field(default_factory=dict)
    """By total: how many readings in a row it was the sum of its parts; negative, and it never is."""
    exact: dict[str, int] = field(default_factory=dict)
    """By total: how many readings in a row it was so to the last digit."""
    watts: Decimal | None = None
    accepted: float | None = None
    """Unix time of the last accepted reading, for the next start."""
    """Watts of the last reading."""

    def document(self) -> dict[str, Any]:
        """Return it as JSON values, for the next start."""
        return {
            "accepted": self.accepted,
            "lists": list(self.lists),
            "sums": dict(self.sums),
            "exact": dict(self.exact),
            "registers": {
                name: {
                    "text": one.text,
                    "number": None if one.number is None else str(one.number),
                    "forms": list(one.forms),
                    "same": one.same,
                    "steady": one.steady,
                    "filled": one.filled,
                    "fastest": None if one.fastest is None else str(one.fastest),
                    "restless": dict(one.restless),
                }
                for name, one in self.registers.items()
            },
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Memory:
        """Return what ``document`` made. Raises ValueError, KeyError, TypeError or the like for anything else."""
        accepted = document["accepted"]
        return cls(
            accepted=None if accepted is None else float(accepted),
            registers={str(name): _known(one) for name, one in document["registers"].items()},
            lists=[int(one) for one in document["lists"]],
            sums={str(name): int(count) for name, count in document["sums"].items()},
            exact={str(name): int(count) for name, count in document["exact"].items()},
        )

    def resume(self, at: float, now: float) -> None:
        """Place what was remembered in another run's time: ``at`` by the checker's clock is ``now`` in Unix time.

        Clocks that begin in 1970 or were set back leave it unknown how much time has passed.
        """
        passed = None if self.accepted is None else now - self.accepted
        if passed is not None and 0 <= passed <= _LONGEST_PAUSE:
            for known in self.registers.values():
                known.at = at - passed


def _known(document: Mapping[str, Any]) -> Known:
    number, fastest = document["number"], document["fastest"]
    return Known(
        text=str(document["text"]),
        number=None if number is None else Decimal(number),
        forms=[str(form) for form in document["forms"]],
        same=int(document["same"]),
        steady=int(document["steady"]),
        filled=bool(document["filled"]),
        fastest=None if fastest is None else Decimal(fastest),
        restless={str(reason): int(count) for reason, count in document["restless"].items()},
    )
