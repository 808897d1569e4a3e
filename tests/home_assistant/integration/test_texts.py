"""The watch over texts sees what is missing."""

from __future__ import annotations

import pytest
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.update_coordinator import UpdateFailed

from custom_components.obis_gateway.const import DOMAIN
from tests.home_assistant.integration.texts import AskedTexts


@pytest.mark.parametrize("kind", [HomeAssistantError, UpdateFailed])
def test_an_exception_without_text_is_seen(kind: type[HomeAssistantError]) -> None:
    """In each language."""
    asked = AskedTexts()
    asked.error(kind("x"))
    error = kind("x")
    error.translation_domain, error.translation_key = DOMAIN, "nobody_wrote_this"
    asked.error(error)
    assert asked.missing == {f"{language}: exceptions.nobody_wrote_this.message" for language in ("de", "en")}


def test_a_placeholder_that_nothing_fills_is_seen() -> None:
    """The user would read a brace, or the key."""
    asked = AskedTexts()
    asked.want("entity", "sensor", "active_energy_import_tariff", "name", filled={"tariff": "1"})
    assert asked.missing == set()
    asked.want("entity", "sensor", "active_energy_import_tariff", "name")
    missing = "entity.sensor.active_energy_import_tariff.name needs {tariff}"
    assert asked.missing == {f"{language}: {missing}" for language in ("de", "en")}
