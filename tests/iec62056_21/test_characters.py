"""Seven-bit characters with even parity on an eight-bit line."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from obisgw.iec62056_21.characters import CharacterFormat, add_parity, parity_errors, strip_parity

SEVEN_BIT = st.binary().map(lambda data: bytes(byte & 0x7F for byte in data))


def test_parity_of_known_characters() -> None:
    """The request as it stands on an 8N1 line."""
    assert add_parity(b"/?!\r\n") == bytes((0xAF, 0x3F, 0x21, 0x8D, 0x0A))


@given(SEVEN_BIT)
def test_parity_comes_off_as_it_went_on(data: bytes) -> None:
    """No character changes, and none is wrong."""
    assert strip_parity(add_parity(data)) == (data, 0)


@given(SEVEN_BIT.filter(bool), st.data())
def test_a_flipped_bit_is_counted_and_placed(data: bytes, draw: st.DataObject) -> None:
    """Any single bit of any character."""
    at = draw.draw(st.integers(0, len(data) - 1))
    raw = bytearray(add_parity(data))
    raw[at] ^= 1 << draw.draw(st.integers(0, 7))
    assert strip_parity(bytes(raw))[1] == 1
    assert parity_errors(bytes(raw)) == [at]


def test_formats_with_parity_in_software() -> None:
    """Both forms of 7E on an 8N line; a driver's 7E1 has none left."""
    assert [form.software_parity for form in CharacterFormat] == [True, True, False]
