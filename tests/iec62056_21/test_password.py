"""What is said to a meter that asks for a password."""

from __future__ import annotations

import zlib

import pytest

from obisgw.iec62056_21.password import P2Algorithm, Password, PasswordLevel, crc32, is_password
from obisgw.secret import Secret


@pytest.mark.parametrize("start", [0, 1, 0x1A2B3C4D, 0xFFFFFFFF])
@pytest.mark.parametrize("text", [b"", b"777777", b"\xff00"])
def test_energomera_s_algorithm_is_a_crc_32_begun_with_the_operand_and_not_inverted(start: int, text: bytes) -> None:
    """Zlib inverts at both ends: undone, it is the independent witness."""
    assert crc32(text, start) == zlib.crc32(text, start ^ 0xFFFFFFFF) ^ 0xFFFFFFFF


@pytest.mark.parametrize(
    ("level", "operand", "algorithm", "said"),
    [
        (PasswordLevel.P1, "1A2B3C4D", P2Algorithm.CRC32, "777777"),
        (PasswordLevel.P2, "", P2Algorithm.PLAIN, "777777"),
        (PasswordLevel.P2, "FFFFFFFF", P2Algorithm.CRC32, f"{zlib.crc32(b'777777') ^ 0xFFFFFFFF:08X}"),
        (PasswordLevel.P2, "no operand", P2Algorithm.CRC32, None),
        (PasswordLevel.P2, "1A2B3C4D", None, None),
    ],
)
def test_what_is_said(level: PasswordLevel, operand: str, algorithm: P2Algorithm | None, said: str | None) -> None:
    """None where P2 cannot be made: then nothing is sent, because a wrong one counts."""
    secret = Password(Secret("777777"), level).answer(operand, algorithm)
    assert (None if secret is None else secret.reveal()) == said


def test_a_password_is_not_shown() -> None:
    """Neither by itself nor inside what holds it."""
    assert "777777" not in repr(Password(Secret("777777")))


@pytest.mark.parametrize(
    ("text", "good"),
    [("00000000", True), ("", False), ("a" * 33, False), ("a(b", False), ("a\x03", False), ("ü", False), ("a!", False)],
)
def test_what_can_be_a_password(text: str, good: bool) -> None:  # noqa: FBT001 - a column
    """It stands in the brackets of a command, and must not end it."""
    assert is_password(text) is good
