"""What is wrong with octets that came."""

from __future__ import annotations


class DecodeError(ValueError):
    """Octets that are not what they should be. The text says what and where."""


class RepeatedError(DecodeError):
    """A ciphered message whose tag is right and whose counter is not newer than the last one's."""
