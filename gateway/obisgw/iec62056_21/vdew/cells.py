"""The text in one bracket of a row."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple

_NUMBER: Final = re.compile(r" *([+-]?) *([0-9]+(?:[.,][0-9]*)?|[.,][0-9]+) *(?:\*([ -)+-~]*))?")
_MISSING: Final = re.compile(r"[-*. ]*")
"""Nothing, or what meters print in place of digits: ``-----``, ``****``, ``---.-``."""


class Cell(NamedTuple):
    """``number`` None and ``missing`` False: other text. ``unit`` None: no unit is printed."""

    number: Decimal | None
    unit: str | None
    missing: bool


# Zeros by night and small powers come again and again.
@lru_cache(maxsize=4096)
def parse_cell(text: str) -> Cell:
    """Return what stands in a bracket: a number with all its digits and perhaps its unit, nothing, or other text."""
    if _MISSING.fullmatch(text):
        return Cell(None, None, missing=True)
    match = _NUMBER.fullmatch(text)
    if match is None:
        return Cell(None, None, missing=False)
    sign, digits, unit = match.groups()
    return Cell(Decimal(sign + digits.replace(",", ".")), (unit or "").strip(" ") or None, missing=False)
