"""Deviations of real meters from the standard, as data (``dialects.toml``).

A dialect is chosen by the meter's identification, or named in the configuration. What no dialect says, the standard
says: the dialect ``standard`` matches every meter.
"""

from __future__ import annotations

import pkgutil
from functools import cache
from typing import Final, Self

from obisgw.errors import ConfigurationError

from .dialect import Dialect
from .dialect_file import parse_dialects
from .identification import Identification

__all__ = ["STANDARD", "Dialect", "Dialects", "parse_dialects"]

STANDARD: Final = "standard"
"""The name of the dialect without deviations."""


class Dialects:
    """Dialects in the order in which they are tried."""

    def __init__(self, dialects: tuple[Dialect, ...]) -> None:
        self._all = dialects
        self._named = {dialect.name: dialect for dialect in dialects}
        if STANDARD not in self._named:
            self._named[STANDARD] = Dialect(STANDARD, "meters that keep to the standard")

    @classmethod
    def load(cls, owners: str | None = None) -> Self:
        """Return the package's dialects; those in ``owners``, the text of a file of the same form, come first.

        Raises ``ConfigurationError`` when the text is no TOML, has unknown keys or impossible values.
        """
        own = parse_dialects(owners, "the owner's dialects") if owners else ()
        taken = {dialect.name for dialect in own}
        return cls(own + tuple(dialect for dialect in _package_dialects() if dialect.name not in taken))

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in order."""
        return tuple(self._named)

    def match(self, identification: Identification | None) -> Dialect:
        """Return the first dialect whose meters identify themselves so, else ``standard``."""
        if identification is not None:
            for dialect in self._all:
                if dialect.matches(identification):
                    return dialect
        return self._named[STANDARD]

    def named(self, name: str) -> Dialect:
        """Return the dialect of that name; raises ``ConfigurationError`` when there is none."""
        try:
            return self._named[name]
        except KeyError:
            raise ConfigurationError(
                f"no dialect is named {name!r}", hint=f"known are {', '.join(self._named)}"
            ) from None


@cache
def _package_dialects() -> tuple[Dialect, ...]:
    # importlib.resources would bring 0.6 MB of archive formats along.
    content = pkgutil.get_data(__package__, "dialects.toml")
    if content is None:
        raise FileNotFoundError("dialects.toml is missing from the package")
    return parse_dialects(content.decode("utf-8"), "dialects.toml")
