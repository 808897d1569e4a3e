"""The texts of the flows: complete, in each language the same, and none that nobody reads."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import custom_components.obis_gateway as integration
from tests.home_assistant.integration.flows import LANGUAGES, flat, placeholders, texts

PARTS = ("config", "options", "selector")
MODULES = ("client", "config_flow", "contact", "options_flow", "threshold_form", "trouble")
OF_HOME_ASSISTANT = frozenset({"already_in_progress", "reauth_successful", "reconfigure_successful"})
"""Ends that Home Assistant's own code names."""


def of_flows(language: str) -> dict[str, str]:
    """Return the flows' texts by their whole keys."""
    whole = texts(language)
    return dict(flat({part: whole[part] for part in PARTS}))


def literals() -> set[str]:
    """Return all texts that the flows' code has in itself."""
    folder = Path(integration.__file__).parent
    trees = (ast.parse((folder / f"{module}.py").read_text("utf-8")) for module in MODULES)
    nodes = (node for tree in trees for node in ast.walk(tree))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def fields(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each step and section that has fields."""
    for key, value in tree.items():
        if isinstance(value, dict):
            if "data" in value:
                yield f"{above}{key}", value
            yield from fields(value, f"{above}{key}.")


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_the_same_texts_with_the_same_to_be_filled_in(language: str) -> None:
    """English is what the others are compared with."""
    english, own = of_flows("en"), of_flows(language)
    assert own.keys() == english.keys()
    assert {key: placeholders(text) for key, text in own.items()} == {
        key: placeholders(text) for key, text in english.items()
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_field_and_menu_option_is_described(language: str) -> None:
    """What belongs in there, not only what it is called."""
    whole = texts(language)
    found = dict(fields({part: whole[part] for part in PARTS}))
    assert found
    for where, step in found.items():
        assert step["data"].keys() == step["data_description"].keys(), where
    menu = whole["options"]["step"]["meter"]
    assert menu["menu_options"].keys() == menu["menu_option_descriptions"].keys()


@pytest.mark.parametrize("part", ["config", "options"])
@pytest.mark.parametrize("kind", ["step", "error", "abort"])
def test_no_text_is_left_that_nobody_reads(part: str, kind: str) -> None:
    """Each key is named in the code, or by Home Assistant."""
    found = literals()
    folder = Path(integration.__file__).parent
    code = "".join((folder / f"{module}.py").read_text("utf-8") for module in MODULES)
    named = found | OF_HOME_ASSISTANT | set(re.findall(r"async_step_(\w+)", code))
    assert set(texts("en")[part][kind]) <= named


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_are_what_home_assistant_can_show(language: str) -> None:
    """No tags, no addresses that begin with a scheme, no quote that would keep a placeholder from being filled."""
    for key, text in of_flows(language).items():
        assert not re.search(r"<|://|'\{|\}'", text), key
        assert text == text.strip(), key


def test_german_speaks_to_a_friend() -> None:
    """As Home Assistant does."""
    for key, text in of_flows("de").items():
        assert not re.search(r"\b(Sie|Ihr|Ihre[mnrs]?|Ihnen)\b(?! (Binärsensoren|Kopplung))", text), key
        assert '"' not in text, key
