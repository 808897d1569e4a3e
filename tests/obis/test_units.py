"""Units on the line become Home Assistant's."""

from __future__ import annotations

import pytest

from obisgw.obis import Medium, ObisCode, home_assistant_unit

ELECTRICITY = ObisCode(1, 0, 1, 8, 0)
HEAT = ObisCode.parse("6.35", Medium.HEAT)


@pytest.mark.parametrize(
    ("line", "unit"),
    [
        *((unit, unit) for unit in ("Wh", "kWh", "MWh", "GJ", "W", "kW", "var", "kvar", "VA", "kVA", "kVAh", "V", "A")),
        *((unit, unit) for unit in ("Hz", "K", "h", "min", "s", "bar", "%", "MW", "mW", "mA", "mV")),
        *(("kVArh", "kvarh"), ("kVarh", "kvarh"), ("KVARH", "kvarh"), ("VAr", "var"), ("VAR", "var"), ("kVAr", "kvar")),
        *(("m3", "m³"), ("m3ph", "m³/h"), ("m3/h", "m³/h"), ("m^3", "m³"), ("C", "°C"), ("deg", "°")),
        *(("secs", "s"), ("Imp/kWh", "imp/kWh"), ("KWH", "kWh"), (" kWh ", "kWh"), ("l", "L")),
        *(("k" * 17, None), ("k\x00Wh", None)),
        *(("P/S", None), ("", None), ("  ", None), (None, None)),
        *(("furlong", "furlong"), ("m", "m"), ("Nm3", "Nm3")),
    ],
)
def test_units_are_spelled_as_home_assistant_spells_them(line: str | None, unit: str | None) -> None:
    """Unknown units keep their text."""
    assert home_assistant_unit(line, ELECTRICITY) == unit
    assert home_assistant_unit(line, None) == unit


def test_m_is_minutes_on_a_heat_meter() -> None:
    """Ultraheat prints its measuring period as 60*m."""
    assert home_assistant_unit("m", HEAT) == "min"
