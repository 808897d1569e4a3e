"""What the protocol hands on: a message with its checks, and the data sets in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from .block_check import BlockCheck, BlockCheckKind
from .identification import Identification, Mode


class Bracket(NamedTuple):
    """One value in a data set: text as on the line. ``unit`` is None when there is no ``*``.

    A named tuple, as `DataSet`: a telegram has hundreds of them, and a frozen dataclass takes five times as long to make.
    """

    value: str
    unit: str | None


class DataSet(NamedTuple):
    """One address with its brackets (IEC 62056-21 clause 6.5), digits, blanks and signs as on the line.

    ``address`` is the text in front of the first bracket, exactly as sent; empty when the meter sent only brackets.
    ``raw`` is the whole text of the data set.
    """

    address: str
    brackets: tuple[Bracket, ...]
    raw: str


@dataclass(frozen=True, slots=True)
class Unparsed:
    """Text in a data block that is no data set, kept with the reason."""

    raw: str
    reason: str


@dataclass(frozen=True, slots=True)
class Telegram:
    """One readout or push, whole.

    ``block`` holds the seven-bit characters between STX and ETX (or from behind the identification to ``!``, both
    excluded in mode D). ``check`` is BAD only in telegrams that are shown to explain a failure: no value in such a
    telegram is proved. ``parity_errors`` counts damaged characters in front of the block check character, 0 where the
    line carries no parity. ``raw`` is every byte of the message as received, with parity where the line carried it.
    """

    identification: Identification | None
    mode: Mode
    block: bytes
    check: BlockCheck
    check_kind: BlockCheckKind | None
    parity_errors: int
    complete: bool
    raw: bytes

    @property
    def proved(self) -> bool:
        """Whether values may be taken: whole, the check right or rightly absent, and no character damaged.

        A right block check does not excuse a parity error: two equal bits flipped leave the exclusive or as it was.
        """
        return self.complete and self.check is not BlockCheck.BAD and self.parity_errors == 0
