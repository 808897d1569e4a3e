"""Entities have their names in the language of the installation."""

from __future__ import annotations

import pytest
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.obis_gateway.const import DOMAIN
from tests.home_assistant.integration.conftest import set_up
from tests.home_assistant.integration.running import RunningGateway
from tests.mqtt.samples import METER

LINES = (
    *("1.8.0(0012345.600*kWh)", "1.8.2(0002345.600*kWh)", "61.8.0(0000345.600*kWh)", "1.8.1*12(0000001.000*kWh)"),
    *(
        "36.7.0(0.123*kW)",
        "1.6.1(2.34*kW)",
        "7.8.0(12.3*kvarh)",
        "52.7.0(231.1*V)",
        "C.7.2(3)",
        "0.0.9(1ISK0012345678)",
    ),
    *("F.F(00000000)", "1-2:1.8.0(1.0*kWh)", "200.7.3(1)", "ET0PE(7)", "13.13.5(0.97)"),
)
NAMES = {
    "en": {
        "Energy import",
        "Energy import T2",
        "Energy import L3",
        "Energy import T1 billing period 12",
        "Power L1",
        "Maximum power import T1",
        "Reactive energy quadrant 3",
        "Voltage L2",
        "Power failures L2",
        "Identification number 9",
        "Error register",
        "Energy import channel 2",
        "Register 200.7.3",
        "Register ET0PE",
        "Minimum power factor period 2 T5",
        "Tariff",
        "Failed reads",
    },
    "de": {
        "Zählerstand Bezug",
        "Zählerstand Bezug T2",
        "Zählerstand Bezug L3",
        "Zählerstand Bezug T1 Abrechnungsperiode 12",
        "Wirkleistung L1",
        "Maximum Wirkleistung Bezug T1",
        "Blindenergie Quadrant 3",
        "Spannung L2",
        "Spannungsausfälle L2",
        "Identifikationsnummer 9",
        "Fehlerregister",
        "Zählerstand Bezug Kanal 2",
        "Register 200.7.3",
        "Register ET0PE",
        # Nobody prints it, so nobody translated it.
        "Minimum power factor period 2 T5",
        "Tarif",
        "Fehlgeschlagene Auslesungen",
    },
}


@pytest.mark.parametrize("language", NAMES)
async def test_registers_are_named_in_the_language_of_the_installation(
    hass: HomeAssistant, gateway: RunningGateway, entry: MockConfigEntry, language: str
) -> None:
    """By the pattern and what the gateway says varies in it; what has no translation keeps its English name."""
    hass.config.language = language
    gateway.publish(*LINES, meter=METER)
    await set_up(hass, entry)
    registry = er.async_get(hass)
    ours = [one for one in registry.entities.values() if one.platform == DOMAIN and one.domain == Platform.SENSOR]
    assert NAMES[language] <= {one.original_name for one in ours}
