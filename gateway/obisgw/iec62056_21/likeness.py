"""Telegrams without a block check, held against those before them.

Parity sees a flipped bit and no lost character. But a meter's telegrams are alike: the same lines, as many digits. One
that is unlike all before it waits until the next one confirms its form; in mode D that is a matter of seconds.
"""

from __future__ import annotations

MAX_FORMS = 16
"""Signs, status letters and the width of small values change a form; a household meter shows a handful."""

_DIGITS = b"0123456789ABCDEF"
_TO_ZERO = bytes.maketrans(_DIGITS, b"0" * len(_DIGITS))


class Likeness:
    """Knows the forms in which telegrams of one meter came. The first telegram of all has nothing to be held against."""

    def __init__(self) -> None:
        self._known: dict[bytes, None] = {}
        self._waiting: bytes | None = None

    def confirms(self, block: bytes) -> bool:
        """Whether a telegram's data have a known form, or the very form that was new in the telegram before."""
        form = block.translate(_TO_ZERO)
        if self._known and form not in self._known and form != self._waiting:
            self._waiting = form
            return False
        self._waiting = None
        self._known.pop(form, None)
        self._known[form] = None
        if len(self._known) > MAX_FORMS:
            del self._known[next(iter(self._known))]
        return True
