"""Walks a flow as the frontend does, and reads what a user reads in each step, in every language."""

from __future__ import annotations

import json
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, section

import custom_components.obis_gateway as integration
from custom_components.obis_gateway.const import DOMAIN

LANGUAGES = ("en", "de")


def texts(language: str) -> dict[str, Any]:
    """Return all texts of a language."""
    path = Path(integration.__file__).parent / "translations" / f"{language}.json"
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def flat(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Yield each text with its whole key."""
    for key, value in tree.items():
        if isinstance(value, str):
            yield above + key, value
        else:
            yield from flat(value, f"{above}{key}.")


def placeholders(text: str) -> set[str]:
    """Return the names of what is filled in."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def shown(result: Mapping[str, Any], part: str, language: str = "en") -> str:
    """Return what a user sees of a step. Fails where a text, or what is filled in there, is missing."""
    all_texts = texts(language)
    own, filled = all_texts[part], result.get("description_placeholders") or {}
    match result["type"]:
        case FlowResultType.ABORT:
            return str(own["abort"][result["reason"]].format(**filled))
        case FlowResultType.CREATE_ENTRY:
            return ""
    step = own["step"][result["step_id"]]
    # The frontend fills nothing into the titles of menus but those of repairs.
    of_title = {} if result["type"] is FlowResultType.MENU and part in {"config", "options"} else filled
    lines = [step["title"].format(**of_title)] if "title" in step else []
    lines += [step["description"].format(**filled)] if "description" in step else []
    if result["type"] is FlowResultType.MENU:
        for option in result["menu_options"]:
            lines += [step["menu_options"][option], step["menu_option_descriptions"][option]]
        return "\n".join(lines)
    lines += [own["error"][key].format(**filled) for key in (result["errors"] or {}).values()]
    lines += _fields(result["data_schema"].schema if result["data_schema"] else {}, step, all_texts["selector"])
    return "\n".join(lines)


def _fields(schema: Mapping[Any, Any], step: Mapping[str, Any], selectors: Mapping[str, Any]) -> Iterator[str]:
    for marker, kind in schema.items():
        name = str(marker)
        if isinstance(kind, section):
            inner = step["sections"][name]
            yield from (inner["name"], inner["description"])
            yield from _fields(kind.schema.schema, inner, selectors)
            continue
        yield from (step["data"][name], step["data_description"][name])
        key = kind.config.get("translation_key")
        for option in kind.config.get("options", ()):
            value, label = (option, option) if isinstance(option, str) else (option["value"], option["label"])
            if key is not None and value == label:
                label = selectors[key]["options"].get(value, label)
            yield label


@dataclass
class Flow:
    """One flow. ``result`` is where it stands."""

    hass: HomeAssistant
    manager: Any
    part: str
    result: dict[str, Any] = field(default_factory=dict)

    @classmethod
    async def begin(cls, hass: HomeAssistant, source: str, data: Any = None, **context: Any) -> Flow:
        """Begin to set a gateway up."""
        flow = cls(hass, hass.config_entries.flow, "config")
        return await flow._take(flow.manager.async_init(DOMAIN, context={"source": source, **context}, data=data))

    @classmethod
    async def of_entry(cls, entry: ConfigEntry, hass: HomeAssistant, source: str) -> Flow:
        """Begin a flow that an entry asks for or that changes it."""
        data = dict(entry.data) if source == SOURCE_REAUTH else None
        return await cls.begin(hass, source, data, entry_id=entry.entry_id, unique_id=entry.unique_id)

    @classmethod
    async def options(cls, hass: HomeAssistant, entry: ConfigEntry) -> Flow:
        """Begin to change an entry's options."""
        flow = cls(hass, hass.config_entries.options, "options")
        return await flow._take(flow.manager.async_init(entry.entry_id))

    async def send(self, **user_input: Any) -> Flow:
        """Submit the form."""
        return await self._take(self.manager.async_configure(self.result["flow_id"], user_input))

    async def choose(self, step: str) -> Flow:
        """Choose from the menu."""
        return await self.send(next_step_id=step)

    async def _take(self, coming: Any) -> Flow:
        self.result = await coming
        for language in LANGUAGES:
            text = shown(self.result, self.part, language)
            assert "{" not in text, text
        return self

    @property
    def text(self) -> str:
        """What the user reads, in English."""
        return shown(self.result, self.part)

    @property
    def step(self) -> str | None:
        """The step whose form or menu is shown; None when the flow has ended."""
        return self.result.get("step_id")

    @property
    def errors(self) -> dict[str, str]:
        """What is wrong, by field."""
        return self.result.get("errors") or {}

    @property
    def reason(self) -> str | None:
        """Why the flow ended without an entry."""
        return self.result.get("reason")

    @property
    def created(self) -> bool:
        """Whether the flow ended with an entry, or with options saved."""
        return self.result["type"] is FlowResultType.CREATE_ENTRY

    def suggested(self) -> dict[str, Any]:
        """Return what stands in the form's fields, those of sections among them."""
        return _suggested(self.result["data_schema"].schema)

    def choices(self, name: str) -> dict[str, str]:
        """Return what can be chosen in a field: labels by value."""
        kind = next(kind for marker, kind in self.result["data_schema"].schema.items() if marker == name)
        return {one["value"]: one["label"] for one in kind.config["options"]}


def _suggested(schema: Mapping[Any, Any]) -> dict[str, Any]:
    found = {}
    for marker, kind in schema.items():
        if isinstance(kind, section):
            found[str(marker)] = _suggested(kind.schema.schema)
        elif marker.description is not None and "suggested_value" in marker.description:
            found[str(marker)] = marker.description["suggested_value"]
        elif callable(marker.default):
            found[str(marker)] = marker.default()
    return found
