"""The integration's texts agree with each other and with its code, as Home Assistant's own check asks it of core's."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from importlib import import_module
from typing import Any

import pytest
import yaml
from homeassistant.const import Platform

from custom_components.obis_gateway.const import DOMAIN, EVENT_TYPES, PLATFORMS
from obisgw.obis.usual import usual_descriptions
from tests.home_assistant.files import CATALOGUE, CODE, ENGLISH, FOLDER, GERMAN, ICONS, SAID, fields, flat


def test_both_languages_have_the_same_texts() -> None:
    """None is missing or empty, and each names the same things."""
    english, german = dict(flat(ENGLISH)), dict(flat(GERMAN))
    assert english.keys() == german.keys()
    assert [path for path, text in (*english.items(), *german.items()) if not text or text != text.strip()] == []
    assert {
        path: (english[path], german[path]) for path in english if fields(english[path]) != fields(german[path])
    } == {}


def test_texts_stand_whole_in_the_translations() -> None:
    """References and strings.json are core's own."""
    assert not (FOLDER / "strings.json").exists()
    assert [path for path, text in (*flat(ENGLISH), *flat(GERMAN)) if "[%key:" in text] == []


def test_german_is_german() -> None:
    """Sentences are translated. Names may be the same: Firmware."""
    same = {path: text for path, text in flat(ENGLISH) if dict(flat(GERMAN))[path] == text and " " in text}
    assert {path: text for path, text in same.items() if fields(text) == set()} == {}


def test_no_two_registers_have_one_german_name() -> None:
    """Where English tells two apart, German does."""
    german = GERMAN["entity"]["sensor"]
    names = [german[key]["name"] for key in CATALOGUE]
    assert len(set(names)) == len(names)


def test_the_catalogue_is_translated() -> None:
    """English is what the gateway says, with the placeholders in it."""
    said = {description.translation_key: {"name": description.pattern} for description in usual_descriptions()}
    assert {key: text for key, text in ENGLISH["entity"]["sensor"].items() if key in CATALOGUE} == said


def is_said(key: str) -> bool:
    """Tell whether the code names a key, whole or put together of two."""
    return key in SAID or any(key[:cut] in SAID and key[cut:] in SAID for cut in range(1, len(key)))


def test_no_text_is_left_over() -> None:
    """Each is named by the code; the catalogue's come from the gateway, some ends of flows from Home Assistant."""
    by_home_assistant = {"already_configured", "already_in_progress", "reauth_successful", "reconfigure_successful"}
    keys = {
        f"{place}: {key}"
        for place, found in {
            "exceptions": ENGLISH["exceptions"].keys(),
            "issues": ENGLISH["issues"].keys(),
            "selector": ENGLISH["selector"].keys(),
            "system_health": ENGLISH["system_health"]["info"].keys(),
            "config.abort": ENGLISH["config"]["abort"].keys() - by_home_assistant,
            "config.error": ENGLISH["config"]["error"].keys(),
            "config.step": ENGLISH["config"]["step"].keys(),
            "options.abort": ENGLISH["options"]["abort"].keys(),
            "options.error": ENGLISH["options"]["error"].keys(),
            "options.step": ENGLISH["options"]["step"].keys(),
            **{platform: texts.keys() - CATALOGUE for platform, texts in ENGLISH["entity"].items()},
        }.items()
        for key in found
        if not is_said(key) and f"async_step_{key}" not in functions() and key not in selectors()
    }
    assert keys == set()


def functions() -> set[str]:
    """Return the names of all functions."""
    nodes = (node for tree in CODE.values() for node in ast.walk(tree))
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def described(name: str) -> dict[str, Any]:
    """Return actions or triggers of a YAML document, without its anchors."""
    found = yaml.safe_load((FOLDER / name).read_text("utf-8"))
    return {key: value for key, value in found.items() if not key.startswith(".")}


def selectors() -> dict[str, set[str]]:
    """Return the options of the selectors in YAML that are translated."""
    found: dict[str, set[str]] = {}
    for one in (*described("services.yaml").values(), *described("triggers.yaml").values()):
        for field in one.get("fields", {}).values():
            for selector in field["selector"].values():
                if "translation_key" in selector:
                    found[selector["translation_key"]] = set(selector["options"])
    return found


@pytest.mark.parametrize(("file", "section"), [("services.yaml", "services"), ("triggers.yaml", "triggers")])
def test_actions_and_triggers_are_described(file: str, section: str) -> None:
    """Each and each of its fields has name, description and icon, and nothing else has."""
    offered, texts = described(file), ENGLISH[section]
    assert offered.keys() == texts.keys() == ICONS[section].keys()
    for name, one in offered.items():
        assert {"name", "description"} <= texts[name].keys()
        assert one.get("fields", {}).keys() == texts[name].get("fields", {}).keys()
        assert all({"name", "description"} <= field.keys() for field in texts[name].get("fields", {}).values())
    for key, options in selectors().items():
        assert ENGLISH["selector"][key]["options"].keys() == options


def own_entities() -> Iterator[tuple[str, Any]]:
    """Return the descriptions of the entities that are the integration's own, with their platform."""
    for platform in PLATFORMS:
        module = vars(import_module(f"custom_components.{DOMAIN}.{platform}"))
        for value in module.values():
            for one in value if isinstance(value, tuple) else (value,):
                # They are not all instances of it: Home Assistant makes dataclasses beside the classes.
                if is_dataclass(one) and not isinstance(one, type) and hasattr(one, "translation_key"):
                    yield platform, one


def test_own_entities_have_name_and_icon() -> None:
    """A name in the translations; an icon where no device class gives one. No register has the key of one."""
    found = list(own_entities())
    assert {platform for platform, _ in found} == set(PLATFORMS)
    for platform, one in found:
        assert one.translation_key is not None
        assert "name" in ENGLISH["entity"][platform][one.translation_key]
        assert one.device_class is not None or one.translation_key in ICONS["entity"][platform]
    assert CATALOGUE.isdisjoint({str(one.translation_key) for platform, one in found if platform == Platform.SENSOR})


def test_every_kind_of_event_has_a_name() -> None:
    """In the activity, people read it."""
    states = ENGLISH["entity"]["event"]["event"]["state_attributes"]["event_type"]["state"]
    assert states.keys() == set(EVENT_TYPES)


def test_registers_without_device_class_have_an_icon() -> None:
    """With the units that meters print; and an icon is no name for what is not there."""
    bare = {one.translation_key for one in usual_descriptions() if one.newer_class is None}
    icons = ICONS["entity"]["sensor"]
    assert bare <= icons.keys()
    for platform, names in ICONS["entity"].items():
        assert names.keys() <= ENGLISH["entity"][platform].keys()
    assert [icon for _, icon in flat(ICONS) if not re.fullmatch(r"mdi:[a-z0-9]+(-[a-z0-9]+)*", icon)] == []
