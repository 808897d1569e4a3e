"""A name is a pattern and what stands for its placeholders: one translation of the pattern covers them all."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obisgw.obis import Description, Medium, ObisCode, describe, describe_unknown
from obisgw.obis.usual import usual_descriptions
from tests.corpus import ALL, brackets

GROUP = st.integers(0, 255)
CODES = st.builds(ObisCode, st.sampled_from([0, 1, 4, 5, 6, 7, 8, 9, 15, 200]), GROUP, GROUP, GROUP, GROUP, GROUP)
UNITS = st.sampled_from([None, "", "kWh", "kW", "V", "m3", "C"])
# What Home Assistant's own check of integrations asks of a key.
KEY = re.compile(r"(?!.*__)(?!_)[a-z0-9_]+(?<!_)")
TRANSLATED = {description.translation_key for description in usual_descriptions()}

NAMES = [
    ("1.8.0", "kWh", "active_energy_import", "Energy import", {}),
    ("1.8.2", "kWh", "active_energy_import_tariff", "Energy import T{tariff}", {"tariff": "2"}),
    ("41.8.0", "kWh", "active_energy_import_phase", "Energy import {phase}", {"phase": "L2"}),
    (
        "1-2:61.8.3*12",
        "kWh",
        "active_energy_import_phase_tariff_channel_billing_period",
        "Energy import {phase} T{tariff} channel {channel} billing period {billing_period}",
        {"phase": "L3", "tariff": "3", "channel": "2", "billing_period": "12"},
    ),
    ("1.8.0*96", "kWh", "active_energy_import_last_day", "Energy import last day", {}),
    ("7.8.0", "kvarh", "reactive_energy_quadrant", "Reactive energy quadrant {quadrant}", {"quadrant": "3"}),
    ("151.7.0", "kvar", "reactive_power_phase", "Reactive power {phase}", {"phase": "L1"}),
    ("52.25", "V", "voltage_phase_last_average_period", "Voltage {phase} last average period {period}", {"phase": "L2", "period": "3"}),
    ("32.7.5", "V", "voltage_phase_harmonic", "Voltage {phase} harmonic {harmonic}", {"phase": "L1", "harmonic": "5"}),
    ("32.7.124", "V", "voltage_phase_harmonic_distortion", "Voltage {phase} harmonic distortion", {"phase": "L1"}),
    ("81.7.26", "deg", "phase_angle_vector_against_reference", "Phase angle {vector} against {reference}", {"vector": "I3", "reference": "U3"}),
    ("0.0.0", None, "identification_number", "Identification number", {}),
    ("0.0.9", None, "identification_number_number", "Identification number {number}", {"number": "9"}),
    ("C.7.2", None, "power_failures_phase", "Power failures {phase}", {"phase": "L2"}),
    ("0-2:24.2.1", "m3", "m_bus_meter_reading_channel", "M-Bus meter reading channel {channel}", {"channel": "2"}),
    ("1-0:200.7.3", "kWh", "register", "Register {register}", {"register": "200.7.3"}),
]  # fmt: skip


@pytest.mark.parametrize(("address", "unit", "key", "pattern", "placeholders"), NAMES)
def test_a_pattern_holds_for_all_that_differ_in_a_number(
    address: str, unit: str | None, key: str, pattern: str, placeholders: dict[str, str]
) -> None:
    """Phase, tariff, channel, harmonic and billing period are placeholders, also in the key."""
    code = ObisCode.parse(address, Medium.ELECTRICITY)
    assert code is not None
    description = describe(code, unit)
    assert (description.translation_key, description.pattern) == (key, pattern)
    assert dict(description.placeholders) == placeholders
    assert description.name == pattern.format(**placeholders)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("21.8.1", "61.8.4"),
        ("1.8.1*12", "1.8.63*1"),
        ("1-2:1.8.0", "1-64:1.8.0"),
        ("5.8.0", "8.8.0"),
        ("32.7.2", "72.7.120"),
        ("C.7.1", "C.7.3"),
        ("0.0.1", "0.0.200"),
        ("1.14.0", "1.24.0"),
    ],
)
def test_a_key_hangs_on_no_number(one: str, other: str) -> None:
    """A translation for the one is that for the other."""
    descriptions = [
        describe(code, "") for address in (one, other) if (code := ObisCode.parse(address, Medium.ELECTRICITY))
    ]
    assert len({(description.translation_key, description.pattern) for description in descriptions}) == 1
    assert len({description.name for description in descriptions}) == 2


def test_the_braces_of_an_address_are_no_placeholders() -> None:
    """What a damaged line prints stays as it is."""
    assert describe_unknown("{phase}{0}", None).name == "Register {phase}{0}"


def fields(pattern: str) -> list[str]:
    """Return the names of a pattern's placeholders."""
    return [name for _, name, _, _ in Formatter().parse(pattern) if name is not None]


def check(description: Description) -> None:
    """Assert what holds for every description."""
    assert KEY.fullmatch(description.translation_key)
    names = [name for name, _ in description.placeholders]
    assert names == fields(description.pattern)
    assert len(set(names)) == len(names)
    assert description.name == description.pattern.format(**dict(description.placeholders))


@given(CODES, UNITS, st.none() | st.integers(0, 30))
def test_every_placeholder_is_given_once(code: ObisCode, unit: str | None, mbus_type: int | None) -> None:
    """Whatever the code: a missing one would cost the name."""
    check(describe(code, unit, mbus_type=mbus_type))


@given(st.text(max_size=30))
def test_every_address_fills_its_pattern(address: str) -> None:
    """No code, a name all the same."""
    check(describe_unknown(address, None))


@pytest.mark.slow
def test_a_key_has_one_pattern() -> None:
    """Two patterns with one key could not both be translated."""
    quantities = (*range(22), 31, 32, 33, 34, 36, 41, 81, 82, 91, 92, 131, 151)
    grid = [
        *product((1,), (0, 2), quantities, range(60), (0, 1, 64, 124), (12, 255)),
        *product((1,), (0,), (1, 2), (8,), (0, 1), range(96, 101)),
        *product((0, 6), (0,), (0, 1, 17, 24, 42, 96, 97, 98, 99), range(100), (0, 1, 3, 5, 21), (12, 255)),
        *product(
            (4, 6, 7, 8), (0,), (*range(10), 23, *range(40, 44)), (*range(10), *range(20, 40)), (0, 1, 70), (255,)
        ),
    ]
    patterns: dict[str, set[str]] = {}
    for (a, b, c, d, e, f), unit in product(grid, (None, "kWh")):
        description = describe(ObisCode(a, b, c, d, e, f), unit)
        patterns.setdefault(description.translation_key, set()).add(description.pattern)
    assert {key: found for key, found in patterns.items() if len(found) > 1} == {}


def registers_of_real_meters() -> dict[str, Description]:
    """Return what real meters print: telegrams, and the list of addresses."""
    rows = [line.split("\t") for line in (Path(__file__).parent / "addresses.tsv").read_text("utf-8").splitlines()]
    found = [(medium, address, unit) for medium, address, _ in rows for unit in (None, "")]
    found += [
        (case.about["medium"], one["address"], unit)
        for case in ALL
        for one in case.expect
        if one.get("address")
        for _, unit in brackets(one)
    ]
    descriptions = {}
    for medium, address, unit in found:
        # A gateway of several media prints full codes.
        code = ObisCode.parse(address, Medium.ELECTRICITY if medium == "mixed" else Medium(medium))
        descriptions[f"{address} in {unit}"] = describe_unknown(address, unit) if code is None else describe(code, unit)
    return descriptions


def test_the_names_of_real_meters_are_translated() -> None:
    """Every register that a known meter prints is among the usual ones."""
    real = registers_of_real_meters()
    assert len(real) > 1000
    assert {where: it.pattern for where, it in real.items() if it.translation_key not in TRANSLATED} == {}
