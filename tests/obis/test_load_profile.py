"""What the columns of load profiles are."""

from __future__ import annotations

import pytest

from obisgw.obis import ColumnKind, Medium, ObisCode, column_kind, unit_over_time

K = ColumnKind


@pytest.mark.parametrize(
    ("address", "unit", "kind"),
    [
        ("1.5", "kW", K.AVERAGE),
        ("1.4.0", "kW", K.AVERAGE),
        ("1-1:1.25", "kW", K.AVERAGE),
        ("32.5", "V", K.AVERAGE),
        ("1.29", "kWh", K.INCREMENT),
        ("1.9", "kWh", K.INCREMENT),
        ("1.29", "kW", K.AVERAGE),
        ("1.5", "kWh", K.INCREMENT),
        ("1.8.0", "kWh", K.TOTAL),
        ("5.8.1", "kvarh", K.TOTAL),
        ("1.6.0", "kW", K.EXTREME),
        ("32.7", "V", K.MOMENT),
        ("C.1.9", None, K.TEXT),
        ("F.F", None, K.TEXT),
        ("0.9.1", None, K.TEXT),
    ],
)
def test_group_d_tells_how_periods_hang_together(address: str, unit: str | None, kind: ColumnKind) -> None:
    """And the unit, where a meter uses another code than its values are."""
    assert column_kind(ObisCode.parse(address, Medium.ELECTRICITY), unit) is kind


@pytest.mark.parametrize(("unit", "kind"), [("kWh", K.TOTAL), ("m³", K.TOTAL), ("GJ", K.TOTAL), ("°C", K.MOMENT)])
def test_other_media_are_known_by_their_units(unit: str, kind: ColumnKind) -> None:
    """Group C means something else there."""
    assert column_kind(ObisCode.parse("6.8", Medium.HEAT), unit) is kind


def test_a_column_without_code_is_a_moment() -> None:
    """Nothing is made of it."""
    assert column_kind(None, "kW") is K.MOMENT


@pytest.mark.parametrize(("unit", "over_time"), [("kW", "kWh"), ("var", "varh"), ("MVA", "MVAh"), ("V", None), (None, None), ("kWh", None)])  # fmt: skip
def test_powers_become_energies_over_time(unit: str | None, over_time: str | None) -> None:
    """Voltages become nothing."""
    assert unit_over_time(unit) == over_time
