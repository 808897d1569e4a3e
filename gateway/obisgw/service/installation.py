"""Which installation this is: a random id, made once, so that Home Assistant knows it again wherever it moves."""

from __future__ import annotations

import json
import logging
import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_log = logging.getLogger(__name__)

_ID = re.compile(r"[0-9a-f]{16}")


def installation_id(path: Path) -> str:
    """Return the id kept in ``path``, a new one where there is none. Waits for the disk."""
    try:
        return _checked(json.loads(path.read_text("utf-8"))["id"])
    except FileNotFoundError:
        pass
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        _log.warning(
            "%s cannot be used: %s (a new id is made: remove the gateway in Home Assistant and add it)", path, error
        )
    made = os.urandom(8).hex()
    new = path.with_suffix(".new")
    try:
        with new.open("w", encoding="utf-8") as file:
            file.write(json.dumps({"format": 1, "id": made}))
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as error:
        _log.error("%s cannot be written: %s (the gateway has another id after a restart)", path, error.strerror)
    return made


def _checked(known: str) -> str:
    if _ID.fullmatch(known) is None:
        raise ValueError(f"{known!r} is no id")
    return known
