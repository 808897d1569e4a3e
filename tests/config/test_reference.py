"""The reference page is made from the table, which is complete."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from obisgw.config.old_names import OLD_NAMES
from obisgw.config.reference import configuration_page
from obisgw.config.table import (
    SECTIONS,
    THRESHOLD,
    ApiSettings,
    GatewaySettings,
    MeterSettings,
    MqttSettings,
    ThresholdSettings,
)

COMPUTED = {"entry", "line", "password", "encryption_key", "authentication_key"}
"""Fields that the check fills in and no file sets."""


def test_every_field_is_in_the_table() -> None:
    """A field without help and check cannot be set."""
    for section, cls in (
        ("meters", MeterSettings),
        ("mqtt", MqttSettings),
        ("api", ApiSettings),
        ("gateway", GatewaySettings),
    ):
        assert {field.name for field in fields(cls)} - COMPUTED == {setting.field for setting in SECTIONS[section]}
    assert {field.name for field in fields(ThresholdSettings)} == {setting.field for setting in THRESHOLD}


def test_old_names_are_no_settings() -> None:
    """What is said to be replaced must not work as well."""
    for section, name in OLD_NAMES:
        assert name not in {setting.name for setting in SECTIONS.get(section, ())}


@pytest.mark.parametrize("setting", [s for settings in SECTIONS.values() for s in settings], ids=lambda s: s.name)
def test_every_setting_has_its_row(setting: object) -> None:
    """Name and meaning stand in the page."""
    page = configuration_page()
    assert f"| `{setting.name}` |" in page  # type: ignore[attr-defined]
    assert setting.meaning in page  # type: ignore[attr-defined]


def test_the_page_in_the_repository_is_this_one() -> None:
    """script/generate was run after the last change of the table."""
    page = Path(__file__).parents[2] / "docs" / "reference" / "configuration.md"
    assert page.read_text("utf-8") == configuration_page()
