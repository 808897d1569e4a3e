"""The owner's word to change a meter. Whoever can import this module can make one; an import contract says who may."""

from __future__ import annotations


class WritePermission:
    """The owner's word for exactly these changes of one meter, given after he has seen them."""

    __slots__ = ("_changes", "meter")

    def __init__(self, meter: str, changes: tuple[object, ...]) -> None:
        self.meter = meter
        self._changes = changes

    def covers(self, changes: tuple[object, ...]) -> bool:
        """Whether these are the changes that were shown."""
        return self._changes == changes
