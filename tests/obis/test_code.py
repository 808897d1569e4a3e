"""Addresses become full OBIS codes: IEC 62056-61 with the reduced forms that meters print."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obisgw.obis import Medium, ObisCode

GROUP = st.integers(0, 255)
CODES = st.builds(ObisCode, GROUP, GROUP, GROUP, GROUP, GROUP, GROUP)
MEDIA = st.sampled_from(Medium)

ADDRESSES = [
    line.split("\t") for line in (Path(__file__).parent / "addresses.tsv").read_text(encoding="utf-8").splitlines()
]

ELECTRICITY = [
    # full, and with groups left out
    ("1-0:1.8.0*255", "1-0:1.8.0*255"),
    ("1-1:1.8.0", "1-1:1.8.0*255"),
    ("1.8.0", "1-0:1.8.0*255"),
    ("1.8", "1-0:1.8.0*255"),
    ("6.8", "1-0:6.8.0*255"),
    ("1-1:1.29", "1-1:1.29.0*255"),
    # leading zeros and blanks mean nothing
    ("01.08.00", "1-0:1.8.0*255"),
    ("001.008.001*007", "1-0:1.8.1*7"),
    (" 1.8.0 ", "1-0:1.8.0*255"),
    # billing periods, closed by the clock (*) or by hand (&)
    ("1.8.0*12", "1-0:1.8.0*12"),
    ("1.8.0&12", "1-0:1.8.0*12"),
    ("1-0:1.8.0&12", "1-0:1.8.0*12"),
    ("1.8.1*00", "1-0:1.8.1*0"),
    ("1.8.1*101", "1-0:1.8.1*101"),
    ("1.8*01", "1-0:1.8.0*1"),
    # letters for the service groups
    ("C.1", "0-0:96.1.0*255"),
    ("C.07.1", "0-0:96.7.1*255"),
    ("F.F", "0-0:97.97.0*255"),
    ("F.F.1", "0-0:97.97.1*255"),
    ("L.98", "0-0:98.98.0*255"),
    ("P.01", "1-0:99.1.0*255"),
    ("P.98.1", "1-0:99.98.1*255"),
    ("1-1:F.F", "1-1:97.97.0*255"),
    ("0-0:C.51.2*01", "0-0:96.51.2*1"),
    # numbers for the service groups keep the medium
    ("96.1.0", "1-0:96.1.0*255"),
    ("97.97.0", "1-0:97.97.0*255"),
    # DLMS writes group F with a point
    ("1-0:1.8.0.255", "1-0:1.8.0*255"),
    ("1.8.0.255", "1-0:1.8.0*255"),
    ("1.0.1.8.0.255", "1-0:1.8.0*255"),
    # group E = 255 of push meters
    ("1-0:1.7.255*255", "1-0:1.7.255*255"),
    ("1.7.255", "1-0:1.7.255*255"),
    # M-Bus channels, angles, high groups
    ("0-1:24.2.1", "0-1:24.2.1*255"),
    ("81.7.26", "1-0:81.7.26*255"),
    ("131.7.0", "1-0:131.7.0*255"),
    # hexadecimal: C D E F (NEVA) and A B C D E F
    ("100700FF", "1-0:16.7.0*255"),
    ("0F0880FF", "1-0:15.8.128*255"),
    ("600900FF", "0-0:96.9.0*255"),
    ("0F088001", "1-0:15.8.128*1"),
    ("0100010800ff", "1-0:1.8.0*255"),
]

NO_CODES = [
    "", " ", "0", "8", "F", "FF", "C", "1", "1.", ".8.1", "1..8", "1.8.", "1.8.0*", "1.8.0&", "*12", "1-0:", "1-0:1",
    "2.35.0.01", "1-1:0.5.1.2", "C.1.8.1", "32.32.0.1.2", "1-0:1.8.0.0",
    "256.8.0", "1.256.0", "1.8.256", "1.8.0*256", "256-0:1.8.0", "1-999:1.8.0", "1.8.0*1234", "2:300.0", "1.300.0.1.8.255",
    "ET0PE", "VOLTA", "ERROR", "DEADBEEF", "GRPNM", "position 1",
    "1.8.0,5", "1,8,0", "-1.8.0", "1.-8.0", "+1.8.0", "1.8.0*-1", "1 .8.0", "1.8.0\n", "\n1.8.0", "1.8.0\x00",
    "c.1.0", "f.f", "X.1.0", "1.C.0", "1.8.F", "0x1.8.0", "\u0661.\u0668.\u0660", "²1.8.0",
    "1-0:1.8.0*255" + "0" * 1000, " " * 1000 + "1.8.0",
]  # fmt: skip


def test_addresses_of_real_meters_become_the_full_code() -> None:
    """What real telegrams carry, with the code that each means or none."""
    read = [[medium, address, str(ObisCode.parse(address, Medium(medium)) or "")] for medium, address, _ in ADDRESSES]
    assert read == ADDRESSES
    assert len(read) > 700


@pytest.mark.parametrize(("address", "obis"), ELECTRICITY)
def test_reduced_forms_become_the_full_code(address: str, obis: str) -> None:
    """Groups left out, letters, separators and hexadecimal, on an electricity meter."""
    assert str(ObisCode.parse(address, Medium.ELECTRICITY)) == obis


@pytest.mark.parametrize("address", NO_CODES)
def test_what_is_no_code_stays_none(address: str) -> None:
    """Names, lost digits, groups above 255, other scripts' digits, and noise of any length."""
    assert [ObisCode.parse(address, medium) for medium in Medium] == [None] * len(Medium)


@pytest.mark.parametrize(
    ("medium", "obis"),
    [
        (Medium.ABSTRACT, "0-0:6.8.0*255"),
        (Medium.ELECTRICITY, "1-0:6.8.0*255"),
        (Medium.HEAT_COST_ALLOCATOR, "4-0:6.8.0*255"),
        (Medium.COOLING, "5-0:6.8.0*255"),
        (Medium.HEAT, "6-0:6.8.0*255"),
        (Medium.GAS, "7-0:6.8.0*255"),
        (Medium.WATER, "8-0:6.8.0*255"),
        (Medium.HOT_WATER, "9-0:6.8.0*255"),
    ],
)
def test_a_missing_medium_is_the_meters(medium: Medium, obis: str) -> None:
    """The same short form is another register on a meter of another medium."""
    code = ObisCode.parse("6.8", medium)
    assert code is not None
    assert (str(code), code.medium) == (obis, medium)


@given(CODES, MEDIA)
def test_the_full_form_of_a_code_is_read_as_the_same_code(code: ObisCode, medium: Medium) -> None:
    """Parsing and str are inverse, whatever the meter's medium."""
    assert ObisCode.parse(str(code), medium) == code


@given(CODES)
def test_the_short_form_is_read_as_the_code_on_its_own_medium(code: ObisCode) -> None:
    """C.D.E*F says all when A-B is the medium's."""
    medium = Medium.ELECTRICITY
    assert ObisCode.parse(code.short, medium) == ObisCode(medium.group_a, 0, code.c, code.d, code.e, code.f)


@given(st.text(alphabet=st.sampled_from("0123456789.-:*&CFLP, Aa"), max_size=30) | st.text(), MEDIA)
def test_any_text_is_a_code_or_none(address: str, medium: Medium) -> None:
    """Nothing raises, and what is read has groups of one octet."""
    code = ObisCode.parse(address, medium)
    assert code is None or ObisCode.parse(str(code), medium) == code


@given(st.integers(0, 5), st.integers(max_value=-1) | st.integers(min_value=256))
def test_a_group_outside_of_an_octet_is_refused(position: int, group: int) -> None:
    """A code that cannot be on a line cannot be made either."""
    groups = [1, 0, 1, 8, 0, 255]
    groups[position] = group
    with pytest.raises(ValueError, match="value group"):
        ObisCode(*groups)


def test_codes_sort_by_their_groups() -> None:
    """1.8.2 comes before 1.8.10."""
    tariffs = [ObisCode(1, 0, 1, 8, tariff) for tariff in (10, 2, 1)]
    assert [code.e for code in sorted(tariffs)] == [1, 2, 10]
