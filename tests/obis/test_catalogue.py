"""What the catalogue says about registers, by the value groups of their codes."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obisgw.obis import (
    Category,
    DeviceClass,
    Medium,
    ObisCode,
    StateClass,
    ValueKind,
    billing_period_of,
    describe,
    describe_unknown,
    is_counter,
    phase_of,
    suggested_precision,
    tariff_of,
)

INCREASING = StateClass.TOTAL_INCREASING
MEASURED = StateClass.MEASUREMENT
ENERGY = DeviceClass.ENERGY
POWER = DeviceClass.POWER

E, H, G, W, HW, K = (
    Medium.ELECTRICITY,
    Medium.HEAT,
    Medium.GAS,
    Medium.WATER,
    Medium.HOT_WATER,
    Medium.COOLING,
)

GROUP = st.integers(0, 255)
CODES = st.builds(ObisCode, st.sampled_from([0, 1, 4, 5, 6, 7, 8, 9, 15, 200]), GROUP, GROUP, GROUP, GROUP, GROUP)
KEY = re.compile(r"[a-z0-9_]+")


def code_of(address: str, medium: Medium = E) -> ObisCode:
    """Return the code of an address that is one."""
    code = ObisCode.parse(address, medium)
    assert code is not None
    return code


# Registers that users see at once: medium, address, unit on the line; key, name, unit, classes.
MAIN = [
    (E, "1.8.0", "kWh", "active_energy_import", "Energy import", "kWh", ENERGY, INCREASING),
    (E, "1.8.1", "kWh", "active_energy_import_tariff_1", "Energy import T1", "kWh", ENERGY, INCREASING),
    (E, "1.8.4", "Wh", "active_energy_import_tariff_4", "Energy import T4", "Wh", ENERGY, INCREASING),
    (E, "2.8.2", "MWh", "active_energy_export_tariff_2", "Energy export T2", "MWh", ENERGY, INCREASING),
    (E, "41.8.0", "kWh", "active_energy_import_l2", "Energy import L2", "kWh", ENERGY, INCREASING),
    (E, "1.9.0", "kWh", "active_energy_import_since_reset", "Energy import since reset", "kWh", ENERGY, INCREASING),
    (E, "15.8.0", "kWh", "active_energy_import_plus_export", "Energy import plus export", "kWh", ENERGY, INCREASING),
    (E, "16.8.0", "kWh", "active_energy_net", "Energy net", "kWh", ENERGY, StateClass.TOTAL),
    (E, "56.8.0", "kWh", "active_energy_net_l2", "Energy net L2", "kWh", ENERGY, StateClass.TOTAL),
    (E, "3.8.1", "kVArh", "reactive_energy_import_tariff_1", "Reactive energy import T1", "kvarh", None, INCREASING),
    (E, "5.8.0", "kvarh", "reactive_energy_quadrant_1", "Reactive energy quadrant 1", "kvarh", None, INCREASING),
    (E, "9.8.0", "kVAh", "apparent_energy_import", "Apparent energy import", "kVAh", None, INCREASING),
    (E, "1.8.0", None, "active_energy_import", "Energy import", None, None, INCREASING),
    (E, "16.7", "kW", "active_power", "Power", "kW", POWER, MEASURED),
    (E, "36.7.0", "W", "active_power_l1", "Power L1", "W", POWER, MEASURED),
    (E, "1.7.0", "kW", "active_power_import", "Power import", "kW", POWER, MEASURED),
    (E, "1.7.255", "W", "active_power_signed_e255", "Power", "W", POWER, MEASURED),
    (E, "21.7.255", "W", "active_power_l1_signed_e255", "Power L1", "W", POWER, MEASURED),
    (E, "2.7.255", "W", "active_power_export_e255", "Power export", "W", POWER, MEASURED),
    (E, "3.7.0", "VAr", "reactive_power_import", "Reactive power import", "var", DeviceClass.REACTIVE_POWER, MEASURED),
    (E, "3.7.0", "kvar", "reactive_power_import", "Reactive power import", "kvar", None, MEASURED),
    (E, "131.7.0", "kvar", "reactive_power", "Reactive power", "kvar", None, MEASURED),
    (E, "9.7.0", "VA", "apparent_power_import", "Apparent power import", "VA", DeviceClass.APPARENT_POWER, MEASURED),
    (E, "31.7", "A", "current_l1", "Current L1", "A", DeviceClass.CURRENT, MEASURED),
    (E, "91.7.0", "A", "current_neutral", "Current neutral", "A", DeviceClass.CURRENT, MEASURED),
    (E, "72.7.0", "V", "voltage_l3", "Voltage L3", "V", DeviceClass.VOLTAGE, MEASURED),
    (E, "13.7.0", None, "power_factor", "Power factor", None, DeviceClass.POWER_FACTOR, MEASURED),
    (E, "33.7.0", "P/S", "power_factor_l1", "Power factor L1", None, DeviceClass.POWER_FACTOR, MEASURED),
    (E, "14.7.0", "Hz", "frequency", "Frequency", "Hz", DeviceClass.FREQUENCY, MEASURED),
    (E, "32.25", "V", "voltage_l1_last_average_period_3", "Voltage L1 last average period 3", "V", DeviceClass.VOLTAGE, MEASURED),
    (E, "1-1:1.8.0", "kWh", "active_energy_import_channel_1", "Energy import", "kWh", ENERGY, INCREASING),
    (E, "1-2:1.8.0", "kWh", "active_energy_import_channel_2", "Energy import channel 2", "kWh", ENERGY, INCREASING),
    (E, "0-1:24.2.3", "m3", "gas_meter_reading_not_temperature_corrected_channel_1", "Gas meter reading not temperature corrected", "m³", DeviceClass.GAS, INCREASING),
    (E, "0-2:24.2.1", "GJ", "m_bus_meter_reading_channel_2", "M-Bus meter reading channel 2", "GJ", ENERGY, INCREASING),
    (E, "0-2:24.2.1", "m3", "m_bus_meter_reading_channel_2", "M-Bus meter reading channel 2", "m³", DeviceClass.VOLUME, INCREASING),
    (H, "6.8", "MWh", "energy_heat", "Energy", "MWh", ENERGY, INCREASING),
    (H, "6.8", "GJ", "energy_heat", "Energy", "GJ", ENERGY, INCREASING),
    (H, "6-0:1.0.0", "kWh", "energy_c1_heat", "Energy", "kWh", ENERGY, INCREASING),
    (H, "6.26", "m3", "volume_heat", "Volume", "m³", DeviceClass.VOLUME, INCREASING),
    (H, "6.4", "kW", "power_heat", "Power", "kW", POWER, MEASURED),
    (H, "6.27", "m3ph", "flow_rate_heat", "Flow rate", "m³/h", DeviceClass.VOLUME_FLOW_RATE, MEASURED),
    (H, "6.28", "C", "return_temperature_heat", "Return temperature", "°C", DeviceClass.TEMPERATURE, MEASURED),
    (H, "6.29", "C", "flow_temperature_heat", "Flow temperature", "°C", DeviceClass.TEMPERATURE, MEASURED),
    (H, "6.30", "K", "temperature_difference_heat", "Temperature difference", "K", None, MEASURED),
    (H, "6.30", "C", "temperature_difference_heat", "Temperature difference", "K", None, MEASURED),
    (K, "5-0:12.0.0", "C", "temperature_difference_c12_cooling", "Temperature difference", "K", None, MEASURED),
    (K, "5-0:1.0.0", "kWh", "energy_c1_cooling", "Energy", "kWh", ENERGY, INCREASING),
    (G, "7-0:3.0.0", "m3", "volume_gas", "Volume", "m³", DeviceClass.GAS, INCREASING),
    (G, "7-0:3.1.0", "m3", "volume_converted_gas", "Volume converted", "m³", DeviceClass.GAS, INCREASING),
    (G, "7-0:43.0.0", "m3/h", "flow_rate_gas", "Flow rate", "m³/h", DeviceClass.VOLUME_FLOW_RATE, MEASURED),
    (W, "8-0:1.0.0", "m3", "volume_water", "Volume", "m³", DeviceClass.WATER, INCREASING),
    (HW, "9-0:1.0.0", "l", "volume_hot_water", "Volume", "L", DeviceClass.WATER, INCREASING),
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "unit", "device_class"),
    [("8.1.1", "kWh", ENERGY), ("1.7.0", "kWh", ENERGY), ("1.8.0", "kW", POWER), ("31.7.0", "V", DeviceClass.VOLTAGE)],
)
def test_a_unit_of_another_quantity_leaves_the_meaning_open(code: str, unit: str, device_class: DeviceClass) -> None:
    """Old meters number in their own way: 8.1.1 in kilowatt-hours is no minimum of reactive power."""
    description = describe(code_of(code), unit)
    assert description.name == f"Register {code}"
    assert (description.unit, description.device_class, description.state_class) == (unit, device_class, None)
    assert not description.enabled_by_default


@pytest.mark.parametrize(("register", "named", "shown"), [(row[:3], row[3:5], row[5:]) for row in MAIN])
def test_main_registers_are_measured_or_counted(
    register: tuple[Medium, str, str | None],
    named: tuple[str, str],
    shown: tuple[str | None, DeviceClass | None, StateClass],
) -> None:
    """What a household looks at is enabled, with the classes that Home Assistant's dashboards want."""
    medium, address, unit = register
    description = describe(code_of(address, medium), unit)
    assert (description.key, description.name) == named
    assert (description.unit, description.device_class, description.state_class) == shown
    assert description.kind is ValueKind.NUMBER
    assert description.category is None
    assert description.enabled_by_default


# Numbers that say how the meter was used or is: diagnostic; unit, classes, enabled.
DIAGNOSTIC = [
    (E, "1.6.1", "kW", "Maximum power import T1", "kW", POWER, None, False),
    (E, "1.2.1", "kW", "Cumulative maximum power import T1", "kW", POWER, None, False),
    (E, "1.4.0", "kW", "Power import running average", "kW", POWER, MEASURED, False),
    (E, "1.5.0", "kW", "Power import last average", "kW", POWER, MEASURED, False),
    (E, "1.29", "kWh", "Energy import of load profile period", "kWh", ENERGY, None, False),
    (E, "1.8.1*26", "kWh", "Energy import T1 billing period 26", "kWh", ENERGY, None, False),
    (E, "1.8.0*00", "kWh", "Energy import billing period 0", "kWh", ENERGY, None, False),
    (E, "1.6.1*26", "kW", "Maximum power import T1 billing period 26", "kW", POWER, None, False),
    (E, "1-0:1.8.0*96", "kWh", "Energy import last day", "kWh", ENERGY, None, False),
    (E, "1-0:1.8.0*100", "kWh", "Energy import since manual reset", "kWh", ENERGY, None, False),
    (E, "32.7.5", "V", "Voltage L1 harmonic 5", "V", DeviceClass.VOLTAGE, MEASURED, False),
    (E, "81.7.26", "deg", "Phase angle I3 against U3", "°", None, StateClass.MEASUREMENT_ANGLE, False),
    (E, "32.32.0", None, "Voltage L1 under limit count", None, None, INCREASING, False),
    (E, "52.36.0", None, "Voltage L2 over limit count", None, None, INCREASING, False),
    (E, "82.8.1", None, "Event counter 1", None, None, INCREASING, False),
    (E, "0.1.0", None, "Billing reset counter", None, None, INCREASING, False),
    (E, "C.7.0", None, "Power failures", None, None, INCREASING, True),
    (E, "C.7.2", None, "Power failures L2", None, None, INCREASING, True),
    (E, "0-0:96.7.21", None, "Power failures in any phase", None, None, INCREASING, True),
    (E, "0-0:96.7.9", None, "Long power failures of any phase", None, None, INCREASING, True),
    (E, "C.8.1", "h", "Operating time T1", "h", DeviceClass.DURATION, INCREASING, False),
    (E, "C.6.3", "V", "Battery voltage", "V", DeviceClass.VOLTAGE, MEASURED, True),
    (E, "0.3.0", "Imp/kWh", "Pulse constant", "imp/kWh", None, None, False),
    (E, "0-0:17.0.0", "kW", "Limiter threshold", "kW", POWER, None, False),
    (H, "6.6", "kW", "Maximum power", "kW", POWER, None, False),
    (H, "6.33", "m3ph", "Maximum flow rate", "m³/h", DeviceClass.VOLUME_FLOW_RATE, None, False),
    (H, "9.4", "C", "Maximum flow and return temperature", "°C", DeviceClass.TEMPERATURE, None, False),
    (H, "6.8*01", "GJ", "Energy billing period 1", "GJ", ENERGY, None, False),
    (H, "6.26*01", "m3", "Volume billing period 1", "m³", DeviceClass.VOLUME, None, False),
    (H, "6.31", "h", "Operating hours", "h", DeviceClass.DURATION, INCREASING, True),
    (H, "6.35", "m", "Measuring period of maxima", "min", DeviceClass.DURATION, None, False),
]


@pytest.mark.parametrize(("register", "name", "shown"), [(row[:3], row[3], row[4:]) for row in DIAGNOSTIC])
def test_maxima_billing_values_and_counts_are_diagnostic(
    register: tuple[Medium, str, str | None],
    name: str,
    shown: tuple[str | None, DeviceClass | None, StateClass | None, bool],
) -> None:
    """Values of the past make no statistics, and most of these entities have to be asked for."""
    medium, address, unit = register
    description = describe(code_of(address, medium), unit)
    classes = (description.unit, description.device_class, description.state_class)
    assert description.name == name
    assert (*classes, description.enabled_by_default) == shown
    assert description.category is Category.DIAGNOSTIC


TEXTS = [
    (E, "0.0.0", ValueKind.TEXT, "Identification number", False),
    (E, "0.0.9", ValueKind.TEXT, "Identification number 9", False),
    (E, "C.1.0", ValueKind.TEXT, "Device number", False),
    (E, "0-0:96.1.255*255", ValueKind.TEXT, "Device number", False),
    (E, "0.2.0", ValueKind.TEXT, "Firmware", False),
    (E, "0.2.2", ValueKind.TEXT, "Tariff program", False),
    (E, "0.1.2*25", ValueKind.TIMESTAMP, "Time of billing reset billing period 25", False),
    (E, "0.1.0&12", ValueKind.TIMESTAMP, "Billing reset billing period 12", False),
    (E, "0.9.1", ValueKind.TIME, "Time", False),
    (E, "0.9.2", ValueKind.DATE, "Date", False),
    (E, "0-0:1.0.0", ValueKind.TIMESTAMP, "Clock", False),
    (E, "1.0.0", ValueKind.TIMESTAMP, "Clock", False),
    (E, "F.F", ValueKind.ERROR_FLAGS, "Error register", True),
    (E, "1-0:97.97.0*255", ValueKind.ERROR_FLAGS, "Error register", True),
    (E, "C.5.0", ValueKind.FLAGS, "Status word", False),
    (E, "1-0:96.5.5*255", ValueKind.FLAGS, "Status word 5", False),
    (E, "0-0:96.14.0", ValueKind.TEXT, "Active tariff", True),
    (E, "0-0:96.13.0", ValueKind.TEXT, "Message", False),
    (E, "0-0:96.8.0*255", ValueKind.TEXT, "Operating time", False),
    (E, "P.01", ValueKind.TEXT, "Load profile 1", False),
    (E, "P.98", ValueKind.TEXT, "Event log", False),
    (E, "1-0:99.97.0", ValueKind.TEXT, "Power failure log", False),
    (E, "0-1:24.1.0", ValueKind.TEXT, "M-Bus device type", False),
    (H, "9.36", ValueKind.TIMESTAMP, "Clock", False),
    (H, "9.20", ValueKind.TEXT, "Serial number", False),
    (H, "6.36", ValueKind.TEXT, "Yearly set day", False),
    (H, "6.36.1", ValueKind.DATE, "Date of maximum 1", False),
]


@pytest.mark.parametrize(("medium", "address", "kind", "name", "enabled"), TEXTS)
def test_texts_about_the_meter_have_no_unit_and_no_class(
    medium: Medium,
    address: str,
    kind: ValueKind,
    name: str,
    enabled: bool,  # noqa: FBT001
) -> None:
    """Clocks, numbers, flags and logs are text, also where the text looks like a number."""
    description = describe(code_of(address, medium), None, "00000123")
    assert (description.kind, description.name) == (kind, name)
    assert description.category is Category.DIAGNOSTIC
    assert description.enabled_by_default is enabled
    shown = (description.unit, description.device_class, description.state_class, description.precision)
    assert shown == (None, None, None, None)


@pytest.mark.parametrize(
    ("mbus_type", "unit", "name", "device"),
    [
        (3, "m3", "Gas meter reading", DeviceClass.GAS),
        (7, "m3", "Water meter reading", DeviceClass.WATER),
        (6, "m3", "Hot water meter reading", DeviceClass.WATER),
        (4, "GJ", "Heat meter reading", DeviceClass.ENERGY),
        (4, "m3", "Heat meter reading", DeviceClass.VOLUME),
        (99, "m3", "M-Bus meter reading", DeviceClass.VOLUME),
        (None, "m3", "M-Bus meter reading", DeviceClass.VOLUME),
    ],
)
def test_the_mbus_device_type_tells_gas_from_water(
    mbus_type: int | None, unit: str, name: str, device: DeviceClass
) -> None:
    """0-n:24.1.0 decides name and class of 0-n:24.2.1, never its key."""
    description = describe(code_of("0-1:24.2.1"), unit, mbus_type=mbus_type)
    assert (description.name, description.device_class) == (name, device)
    assert (description.key, description.state_class) == ("m_bus_meter_reading_channel_1", INCREASING)


@pytest.mark.parametrize("address", ["1-0:200.7.3", "0-0:128.20.0", "1-0:1.200.0", "0-0:94.98.31", "7-0:60.0.0"])
def test_an_unlisted_code_is_named_by_its_digits_and_disabled(address: str) -> None:
    """Its unit gives the class; nothing says that it counts."""
    code = code_of(address)
    number = describe(code, "kWh")
    assert number.name == f"Register {code.short}"
    assert (number.device_class, number.state_class, number.enabled_by_default) == (ENERGY, None, False)
    assert describe(code, None).kind is ValueKind.TEXT


@pytest.mark.parametrize(
    ("address", "unit", "key", "name", "device"),
    [
        ("ET0PE", None, "address_et0pe", "Register ET0PE", None),
        ("VOLTA", "V", "address_volta", "Register VOLTA", DeviceClass.VOLTAGE),
        (".8.1", "kWh", "address_8_1_1108ba2f", "Register .8.1", ENERGY),
        ("", "kWh", "address_00000000", "Register without address", ENERGY),
    ],
)
def test_an_address_that_is_no_code_keeps_its_text(
    address: str, unit: str | None, key: str, name: str, device: DeviceClass | None
) -> None:
    """Shown on request, never counted."""
    description = describe_unknown(address, unit)
    assert (description.key, description.name, description.device_class) == (key, name, device)
    assert (description.state_class, description.enabled_by_default) == (None, False)


@pytest.mark.parametrize("address", ["F", "FF"])
def test_a_bare_f_is_the_error_register(address: str) -> None:
    """Heat meters print F(0) and some electricity meters FF(00)."""
    description = describe_unknown(address, None)
    assert (description.kind, description.enabled_by_default) == (ValueKind.ERROR_FLAGS, True)


@pytest.mark.parametrize(
    ("address", "unit"),
    [("1.8.0", "kW"), ("1.8.0", "°C"), ("1.8.0", "V"), ("1.7.0", "kWh"), ("31.7.0", "m3"), ("81.7.1", "kWh")],
)
def test_a_unit_that_contradicts_the_code_makes_no_statistics(address: str, unit: str) -> None:
    """Home Assistant would refuse the entity; the value is shown all the same."""
    description = describe(code_of(address), unit)
    assert description.device_class is not None
    assert description.state_class is None


@pytest.mark.parametrize(
    ("address", "unit", "medium", "newer"),
    [
        ("3.8.1", "kvarh", E, DeviceClass.REACTIVE_ENERGY),
        ("3.8.1*12", "kvarh", E, DeviceClass.REACTIVE_ENERGY),
        ("3.7.0", "kvar", E, DeviceClass.REACTIVE_POWER),
        ("3.7.0", "kvarh", E, None),
        ("3.8.0", "kvar", E, None),
        ("9.7.0", "kVA", E, DeviceClass.APPARENT_POWER),
        ("9.8.0", "kVAh", E, None),
        ("14.7.0", "mHz", E, DeviceClass.FREQUENCY),
        ("6.30", "C", H, DeviceClass.TEMPERATURE_DELTA),
        ("6.27", "l/h", H, DeviceClass.VOLUME_FLOW_RATE),
    ],
)
def test_newer_versions_have_a_class_for_more_units(
    address: str, unit: str, medium: Medium, newer: DeviceClass | None
) -> None:
    """Which older ones would refuse; and none where the unit contradicts the code."""
    description = describe(code_of(address, medium), unit)
    assert (description.device_class, description.newer_class) == (None, newer)


@pytest.mark.parametrize(("address", "unit"), [("1.8.0", "kWh"), ("1.7.0", "kW"), ("32.7.0", "V"), ("3.7.0", "var")])
def test_what_all_versions_know_is_the_same_for_newer_ones(address: str, unit: str) -> None:
    """One class."""
    description = describe(code_of(address), unit)
    assert description.device_class is not None
    assert description.newer_class is description.device_class


@pytest.mark.slow
def test_keys_tell_all_codes_apart() -> None:
    """The full code is the identity: no two codes share a key, whatever the meter prints together."""
    grid = [
        *product((0, 1, 6, 8), (0,), range(256), (0, 2, 6, 7, 8, 29, 97), (0, 1), (255,)),
        *product((0, 1, 4, 5, 6, 7, 8, 9, 15), (0, 1, 2), (0, 1, 2, 6, 9, 24, 96, 97), (0, 1, 8, 20), (0, 1), (2, 255)),
        *product((0, 1, 6), (0,), (6, 9, 16, 98, 99), range(100), (0, 1, 255), (255,)),
        *product((0, 1, 6), (0,), (0, 1, 24, 81, 96), (1, 2, 7, 9), range(256), (255,)),
        *product((1,), (0,), (0, 1, 96), (1, 8), (0, 1, 2), range(256)),
    ]
    codes = {ObisCode(*groups) for groups in grid}
    assert len({describe(code, None).key for code in codes}) == len(codes)


@given(CODES, CODES)
def test_different_codes_have_different_keys(one: ObisCode, other: ObisCode) -> None:
    """As above, anywhere."""
    assert (one == other) == (describe(one, None).key == describe(other, None).key)


@given(CODES, st.text(max_size=20) | st.none(), st.text(max_size=20) | st.none(), st.none() | st.integers(0, 99))
def test_every_code_has_a_description(code: ObisCode, unit: str | None, value: str | None, mbus: int | None) -> None:
    """Nothing raises; key and name are usable; the key hangs on the code alone."""
    description = describe(code, unit, value, mbus_type=mbus)
    assert KEY.fullmatch(description.key)
    assert description.name.strip()
    assert description.key == describe(code, None).key


@given(st.text(max_size=60), st.text(max_size=20) | st.none())
def test_every_address_has_a_description(address: str, unit: str | None) -> None:
    """Noise included."""
    description = describe_unknown(address, unit)
    assert KEY.fullmatch(description.key)
    assert description.name.strip()
    assert description.state_class is None


@given(st.text(max_size=30), st.text(max_size=30))
def test_different_addresses_have_different_keys(one: str, other: str) -> None:
    """Capitals, blanks and signs count."""
    assert (one == other) == (describe_unknown(one, None).key == describe_unknown(other, None).key)


@pytest.mark.parametrize(
    ("value", "decimals"),
    [
        ("000285.4", 1),
        ("000125.25688570", 8),
        ("000007,4", 1),
        ("233", 0),
        ("-000.82", 2),
        ("+000.8", 1),
        ("  12.50 ", 2),
        (".5", 1),
        ("12.", 0),
        ("", None),
        (".", None),
        ("-", None),
        ("032A.871", None),
        ("1.2.3", None),
        ("1e5", None),
        ("----", None),
    ],
)
def test_the_precision_is_that_of_the_digits(value: str, decimals: int | None) -> None:
    """Decimals of the text; none for what is no number."""
    assert suggested_precision(value) == decimals
    assert describe(code_of("1.8.0"), "kWh", value).precision == decimals


def test_groups_say_tariff_phase_period_and_whether_it_counts() -> None:
    """The questions that derived entities ask, on a row of codes."""
    rows = [
        ("1.8.0", None, None, None, True),
        ("1.8.2", 2, None, None, True),
        ("21.8.1", 1, "L1", None, True),
        ("61.7.0", None, "L3", None, False),
        ("2.8.1*12", 1, None, 12, False),
        ("1.8.0*96", None, None, None, False),
        ("16.8.0", None, None, None, False),
        ("1.9.1", 1, None, None, False),
        ("4-0:1.0.0", None, None, None, False),
        ("32.7.3", None, "L1", None, False),
        ("91.7.0", None, None, None, False),
        ("0-1:24.2.1", None, None, None, True),
        ("C.7.0", None, None, None, True),
        ("C.8.1", None, None, None, True),
    ]
    answers = []
    for address, *_ in rows:
        code = code_of(address)
        answers.append((address, tariff_of(code), phase_of(code), billing_period_of(code), is_counter(code)))
    assert answers == rows


def test_descriptions_of_real_meters_are_mostly_known() -> None:
    """Of the addresses of real telegrams, few need the name by digits."""
    lines = (Path(__file__).parent / "addresses.tsv").read_text(encoding="utf-8").splitlines()
    unlisted = set()
    for medium, address, obis in (line.split("\t") for line in lines):
        if obis and describe(code_of(address, Medium(medium)), None).name.startswith("Register"):
            unlisted.add(address)
    makers_own = {"0-0:128.20.0", "0-0:94.98.31", "0-0:94.98.32", "0-0:94.98.33"}
    settings = {"9.0.1", "9.0.2", "9.7", "9.17", "9.18", "9.19", "9.22", "9.25", "9.29"}
    assert unlisted <= makers_own | settings
