"""Text that must not be shown: its every printed form is stars."""

from __future__ import annotations


class Secret:
    """A password or key. ``reveal`` gives it to the one place that needs it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself."""
        return self._text

    def __str__(self) -> str:
        return "*****"

    __repr__ = __str__

    def __format__(self, spec: str) -> str:
        return format("*****", spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)
