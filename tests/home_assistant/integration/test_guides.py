"""The automations that pages show are ones that Home Assistant takes."""

from __future__ import annotations

import logging
import re

import pytest
import yaml
from homeassistant.components.automation import DOMAIN as AUTOMATION
from homeassistant.const import SERVICE_TURN_OFF, STATE_ON
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component

from tests.docs.pages import Block, blocks

EXAMPLES = [block for block in blocks("yml") if yaml.safe_load(block.text).get("triggers")]


def test_pages_show_automations() -> None:
    """Those of the integration's guide, and of the README."""
    assert {block.page.name for block in EXAMPLES} >= {"README.md", "integration.md", "thresholds.md"}


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("example", EXAMPLES, ids=str)
async def test_an_example_is_an_automation(
    hass: HomeAssistant, example: Block, caplog: pytest.LogCaptureFixture
) -> None:
    """It is set up, waits for its trigger, and nothing about it is in the log."""
    for entity_id in re.findall(r"\b(?:sensor|binary_sensor|event)\.\w+", example.text):
        hass.states.async_set(entity_id, "1")
    assert await async_setup_component(hass, AUTOMATION, {AUTOMATION: [yaml.safe_load(example.text)]})
    await hass.async_block_till_done()
    [automation] = hass.states.async_all(AUTOMATION)
    assert automation.state == STATE_ON
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    # asyncio tells when a machine that is busy otherwise takes its time.
    said = [record.getMessage() for record in warnings if record.name != "asyncio"]
    assert [message for message in said if "has not been tested by Home Assistant" not in message] == []
    await hass.services.async_call(AUTOMATION, SERVICE_TURN_OFF, {"entity_id": automation.entity_id}, blocking=True)
