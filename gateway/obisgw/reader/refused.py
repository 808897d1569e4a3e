"""Marks of refused passwords: they tell whether a password is the refused one, and not what it is."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from obisgw.iec62056_21.password import Password

_COST = 2**13
"""Some 8 MB and 30 ms of a small machine, once a session: passwords of eight digits are few."""


def mark_of(password: Password) -> str:
    """Return a mark of the password and its level, another one each time."""
    salt = secrets.token_bytes(12)
    return f"{salt.hex()}:{_digest(password, salt)}"


def is_marked(password: Password, mark: str | None) -> bool:
    """Whether ``mark`` was made of this password."""
    if mark is None:
        return False
    salt, _, digest = mark.partition(":")
    try:
        return hmac.compare_digest(_digest(password, bytes.fromhex(salt)), digest)
    except ValueError:
        return False


def _digest(password: Password, salt: bytes) -> str:
    text = f"{password.level.value}:{password.secret.reveal()}".encode()
    return hashlib.scrypt(text, salt=salt, n=_COST, r=8, p=1, dklen=16).hex()
