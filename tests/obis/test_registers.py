"""Registers that play a part for the whole meter, on values of real telegrams."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from obisgw.obis import (
    Medium,
    ObisCode,
    active_tariff,
    clock_registers,
    has_error,
    is_error_register,
    is_power_failure_counter,
    is_reset_counter,
    manufacturer_name,
    mbus_device_types,
    meter_number,
)


def values(registers: Mapping[str, str], medium: Medium = Medium.ELECTRICITY) -> dict[ObisCode, str]:
    """Return values by full code."""
    by_code = {ObisCode.parse(address, medium): value for address, value in registers.items()}
    return {code: value for code, value in by_code.items() if code is not None}


@pytest.mark.parametrize(
    ("registers", "number"),
    [
        ({"C.1": "1234567890123456"}, "1234567890123456"),
        ({"0.0": "            1844", "C.1.0": "96780217", "C.1.1": "        "}, "96780217"),
        ({"0.0.0": "", "C.1.0": "58601606"}, "58601606"),
        ({"0.0.0": "7718214156057297", "C.1": "39154470"}, "39154470"),
        ({"0.0.0": "05592289", "0.0.9": "1EMH0005592289"}, "1EMH0005592289"),
        ({"0.0.0": "00642627", "0.0.1": "00642627", "0.0.2": "00000000"}, "00642627"),
        ({"1-0:0.0.0*255": "0258748274", "0-0:96.1.255*255": "1ESY0258748274"}, "1ESY0258748274"),
        ({"1-1:0.0.0": "009LGZ8290462124"}, "009LGZ8290462124"),
        # DSMR: the number in hexadecimal; the meters on the M-Bus have their own
        ({"0-0:96.1.1": "4B344547333237313137303838393738", "0-1:96.1.0": "3231373041424344"}, "K4EG327117088978"),
        ({"0-0:96.1.0": "3232383836393239", "0-0:96.1.1": "4D413330394D"}, "22886929"),
        ({"0-0:96.1.1": "00000000000000", "0-1:96.1.0": "32313730414243"}, None),
        ({"0-1:96.1.0": "3231373041424344"}, None),
        ({"C.1.0": "00000000", "0.0.0": "  "}, None),
        ({"0.0.0*12": "123"}, None),
        ({}, None),
    ],
)
def test_the_makers_number_is_the_meters(registers: Mapping[str, str], number: str | None) -> None:
    """Unset fields of blanks and zeros are passed over; the supplier's number is the second choice."""
    assert meter_number(values(registers), Medium.ELECTRICITY) == number


def test_a_heat_meters_device_number_is_better_than_its_owners() -> None:
    """9.20 stays with the meter, 9.21 and 0.0 with the flat."""
    registers = values({"9.21": "00065515", "9.20": "75545082", "0.0": "00065515"}, Medium.HEAT)
    assert meter_number(registers, Medium.HEAT) == "75545082"


@pytest.mark.parametrize(
    ("value", "tariff"), [("0001", 1), ("0002", 2), ("T2", 2), ("12", 12), ("0000", None), ("", None), ("day", None)]
)
def test_the_tariff_register_names_the_tariff(value: str, tariff: int | None) -> None:
    """DSMR prints four digits."""
    assert active_tariff(values({"0-0:96.14.0": value}), Medium.ELECTRICITY) == tariff


def test_no_tariff_register_names_no_tariff() -> None:
    """Most meters print none."""
    assert active_tariff(values({"1.8.1": "1"}), Medium.ELECTRICITY) is None


def test_mbus_device_types_are_read_by_channel() -> None:
    """Gas on channel 1, water on channel 2, noise on channel 3."""
    registers = values({"0-1:24.1.0": "003", "0-2:24.1.0": "007", "0-3:24.1.0": "0x7", "0-1:24.2.1": "5"})
    assert mbus_device_types(registers) == {1: 3, 2: 7}


@pytest.mark.parametrize(
    ("address", "error", "failures", "resets"),
    [
        ("F.F", True, False, False),
        ("1-1:F.F", True, False, False),
        ("F.F*01", False, False, False),
        ("C.5.0", False, False, False),
        ("C.7.0", False, True, False),
        ("C.7.3", False, True, False),
        ("0-0:96.7.21", False, True, False),
        ("0-0:96.7.19", False, False, False),
        ("0.1.0", False, False, True),
        ("0.1.0*12", False, False, False),
        ("1.8.0", False, False, False),
    ],
)
def test_registers_behind_events_are_told(address: str, error: bool, failures: bool, resets: bool) -> None:  # noqa: FBT001
    """Error bits, power failures and billing resets, each as it is now."""
    code = ObisCode.parse(address, Medium.ELECTRICITY)
    assert code is not None
    assert (is_error_register(code), is_power_failure_counter(code), is_reset_counter(code)) == (
        error,
        failures,
        resets,
    )


@pytest.mark.parametrize(
    ("value", "error"),
    [("00000000", False), ("0", False), ("00 00", False), ("00000040", True), ("C1", True), ("", None), ("  ", None)],
)
def test_zeros_are_no_error(value: str, error: bool | None) -> None:  # noqa: FBT001
    """Bits differ by maker; all of them zero is well everywhere."""
    assert has_error(value) is error


@pytest.mark.parametrize(
    ("addresses", "medium", "clock"),
    [
        (["0.9.1", "0.9.2", "1.8.0"], Medium.ELECTRICITY, ["1-0:0.9.2*255", "1-0:0.9.1*255"]),
        (["0-0:1.0.0", "0.9.1", "0.9.2"], Medium.ELECTRICITY, ["0-0:1.0.0*255"]),
        (["1.0.0"], Medium.ELECTRICITY, ["1-0:1.0.0*255"]),
        (["9.36"], Medium.HEAT, ["6-0:9.36.0*255"]),
        (["6-0:1.0.0"], Medium.HEAT, []),
        (["0.9.1", "1-2:0.9.2"], Medium.ELECTRICITY, []),
        ([], Medium.ELECTRICITY, []),
    ],
)
def test_the_clock_is_one_register_or_two(addresses: list[str], medium: Medium, clock: list[str]) -> None:
    """Date and time come together or not at all."""
    codes = [code for address in addresses if (code := ObisCode.parse(address, medium))]
    assert [str(code) for code in clock_registers(codes, medium)] == clock


@pytest.mark.parametrize(
    ("flag", "name"),
    [
        ("LGZ", "Landis+Gyr"),
        ("ISk", "Iskraemeco"),
        ("isk", "Iskraemeco"),
        ("HAg", "Hager"),
        ("nzr", "NZR"),
        ("EKT", "Energomera"),
        ("XXX", None),
        ("", None),
    ],
)
def test_makers_are_named_by_their_flag_id_in_any_case(flag: str, name: str | None) -> None:
    """The lower-case third letter only says that the meter answers fast."""
    assert manufacturer_name(flag) == name
