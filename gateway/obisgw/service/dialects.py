"""The dialects of the program together with the owner's file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from obisgw.errors import ConfigurationError
from obisgw.iec62056_21.dialects import Dialects

if TYPE_CHECKING:
    from pathlib import Path

_MOST_BYTES = 1_000_000


def load_dialects(owners: Path | None) -> Dialects:
    """Return the program's dialects and the owner's. Raises ConfigurationError when theirs cannot be used."""
    if owners is None:
        return Dialects.load()
    try:
        with owners.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(f"the dialects cannot be read: {error.strerror}", where=str(owners)) from error
    if len(content) > _MOST_BYTES:
        raise ConfigurationError("these are no dialects: the file is larger than 1 MB", where=str(owners))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ConfigurationError(f"line {line} is not UTF-8", where=str(owners), hint="save it as UTF-8") from error
    return Dialects.load(text)
