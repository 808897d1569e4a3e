"""Identification messages, taken apart by position (IEC 62056-21 clause 6.3.2)."""

from __future__ import annotations

from typing import Any

import pytest

from obisgw.iec62056_21.identification import Mode, parse_identification
from tests.corpus import IDENTIFICATIONS


@pytest.mark.parametrize("entry", IDENTIFICATIONS.expect, ids=lambda entry: str(entry["value"]))
def test_identifications_of_real_meters(entry: dict[str, Any]) -> None:
    """Maker, baud character, escapes and model."""
    parsed = parse_identification(entry["value"].encode())
    assert parsed is not None
    assert parsed.raw == entry["value"]
    assert parsed.manufacturer == entry["maker"].upper()
    assert parsed.baud_char == (entry.get("baud_char") or "")
    assert list(parsed.escapes) == (entry.get("enhanced") or [])
    if entry.get("baud"):
        assert parsed.baudrate == entry["baud"]
    if entry.get("mode"):
        assert parsed.mode.value == entry["mode"][0]
        assert parsed.offers_mode_e == ("E" in entry["mode"])
    if entry.get("fast_reaction") is not None:
        assert parsed.fast_reaction == entry["fast_reaction"]
    assert parsed.model == (entry["name"] or "")


@pytest.mark.parametrize(
    ("character", "baudrate", "mode"),
    [
        *(("0123456"[at], rate, Mode.C) for at, rate in enumerate((300, 600, 1200, 2400, 4800, 9600, 19200))),
        *(("ABCDEF"[at], rate, Mode.B) for at, rate in enumerate((600, 1200, 2400, 4800, 9600, 19200))),
        (" ", 300, Mode.A),
        ("X", 300, Mode.A),
    ],
)
def test_the_baud_character_tells_rate_and_mode(character: str, baudrate: int, mode: Mode) -> None:
    """Digits are mode C, A to F mode B, all others mode A."""
    parsed = parse_identification(f"/XYZ{character}meter".encode())
    assert parsed is not None
    assert (parsed.baudrate, parsed.mode) == (baudrate, mode)


@pytest.mark.parametrize("line", [b"", b"/", b"/?!", b"/?12345678!", b"/12", b"XYZ5meter", b"/12Z5meter", b"/XYZ5\x00"])
def test_what_is_no_identification(line: bytes) -> None:
    """Requests, echoes and noise."""
    assert parse_identification(line) is None
