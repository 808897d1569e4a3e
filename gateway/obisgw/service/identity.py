"""Which meter answered: its own number counts, and a telegram without one changes nothing."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from obisgw.readings.reading import MeterIdentity


class Change(Enum):
    """What a telegram's identity means for a configured meter."""

    SAME = "same"
    NAMED = "named"
    """The meter's number is known for the first time."""
    REPLACED = "replaced"
    """Another number, or without numbers another maker: another meter."""


def settle(known: MeterIdentity | None, seen: MeterIdentity) -> tuple[MeterIdentity, Change]:
    """Return the identity to publish under, given the ``known`` one of this entry and the one ``seen`` now."""
    if known is None:
        return seen, Change.NAMED
    if seen.number is None:
        if known.flag is not None and seen.flag is not None and known.flag != seen.flag:
            return seen, Change.REPLACED
        # Lists without the number come from meters with several lists, and from ones read in part.
        return replace(known, model=seen.model or known.model), Change.SAME
    if known.number is None:
        return seen, Change.NAMED
    if known.id == seen.id:
        return seen, Change.SAME
    if known.number == seen.number and None in (known.flag, seen.flag):
        # Data that come late, for a request that was given up, have no identification in front of them.
        maker = seen if known.flag is None else known
        model = seen.model or known.model
        return replace(known, flag=maker.flag, manufacturer=maker.manufacturer, model=model), Change.SAME
    if known.number == seen.number and known.flag == seen.flag:
        # The id was given when the maker was not yet known; it stays.
        return replace(seen, id=known.id), Change.SAME
    return seen, Change.REPLACED
