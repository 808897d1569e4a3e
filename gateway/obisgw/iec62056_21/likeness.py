"""Telegrams without a block check, held against those before them.

Parity sees a flipped bit and no lost character. But a meter's telegrams are alike: the same lines, as many digits. One
that is unlike all before it waits until another soon confirms its form; in mode D that is a matter of seconds.
"""

from __future__ import annotations

from collections import deque

MAX_FORMS = 16
"""Signs, status letters and the width of small values change a form; a household meter shows a handful."""

SOON = 4
"""Telegrams; some meters send two or three kinds in turn."""

_DIGITS = b"0123456789ABCDEF"
_TO_ZERO = bytes.maketrans(_DIGITS, b"0" * len(_DIGITS))


class Likeness:
    """Knows the forms in which telegrams of one meter came. The first telegram of all has nothing to be held against."""

    def __init__(self) -> None:
        self._known: dict[bytes, None] = {}
        self._waiting: deque[bytes | None] = deque(maxlen=SOON)

    def confirms(self, block: bytes) -> bool:
        """Whether a telegram's data have a known form, or one that was new in one of the last telegrams."""
        form = block.translate(_TO_ZERO)
        confirmed = not self._known or form in self._known or form in self._waiting
        self._waiting.append(None if confirmed else form)
        if confirmed:
            self._known.pop(form, None)
            self._known[form] = None  # At the end: the order is that of use.
            if len(self._known) > MAX_FORMS:
                del self._known[next(iter(self._known))]
        return confirmed
