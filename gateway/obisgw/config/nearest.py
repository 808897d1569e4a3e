"""What was probably meant by a word that is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the known word that looks most like this one; None where none does."""
    # Only a wrong configuration needs it, and it is large.
    from difflib import get_close_matches  # noqa: PLC0415

    return next(iter(get_close_matches(word, sorted(known), 1, cutoff)), None)
