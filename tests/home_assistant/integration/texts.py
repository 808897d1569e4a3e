"""Every text that Home Assistant asks for while a test runs is there, in each language, with all that it names.

Home Assistant says nothing of a missing one: the user reads a key instead.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from homeassistant.components.repairs import RepairsFlow
from homeassistant.config_entries import ConfigFlow, OptionsFlow
from homeassistant.data_entry_flow import FlowHandler, section
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.issue_registry import IssueRegistry

from custom_components.obis_gateway.const import DOMAIN

FOLDER = Path(__file__).parents[3] / "custom_components" / DOMAIN / "translations"
LANGUAGES = {path.stem: json.loads(path.read_text("utf-8")) for path in FOLDER.glob("*.json")}

# Of texts that Home Assistant itself fills in.
_FILLED_ELSEWHERE = frozenset({"name"})


class AskedTexts:
    """What was asked for and is not there."""

    def __init__(self) -> None:
        self.missing: set[str] = set()

    def want(self, *path: str, filled: Mapping[str, Any] | None = None) -> None:
        """Look for a text and for what its placeholders stand for."""
        for language, texts in LANGUAGES.items():
            found: Any = texts
            for name in path:
                found = found.get(name) if isinstance(found, dict) else None
            where = f"{language}: {'.'.join(path)}"
            if not isinstance(found, str) or not found:
                self.missing.add(where)
                continue
            self.missing |= {
                f"{where} needs {{{name}}}"
                for _, name, _, _ in Formatter().parse(found)
                if name and name not in (filled or {}) and name not in _FILLED_ELSEWHERE
            }

    def error(self, error: HomeAssistantError) -> None:
        """Look for the text of an exception."""
        if error.translation_domain == DOMAIN:
            self.want("exceptions", str(error.translation_key), "message", filled=error.translation_placeholders)

    def issue(self, key: str, filled: Mapping[str, str] | None, *, fixable: bool) -> None:
        """Look for the texts of a notice; one that can be fixed has them in its flow."""
        self.want("issues", key, "title", filled=filled)
        if not fixable:
            self.want("issues", key, "description", filled=filled)

    def form(self, flow: FlowHandler, step: str | None, asked: Mapping[str, Any]) -> None:
        """Look for the texts of a form or menu."""
        place = _place(flow)
        if place is None or step is None:
            return
        filled = asked.get("description_placeholders")
        parts = ("title",) if isinstance(flow, OptionsFlow) else ("title", "description")
        for part in parts:
            self.want(*place, "step", step, part, filled=filled)
        schema = asked.get("data_schema")
        self._fields({} if schema is None else schema.schema, (*place, "step", step), filled)
        for option in asked.get("menu_options") or ():
            self.want(*place, "step", step, "menu_options", option)
        for problem in (asked.get("errors") or {}).values():
            self.want(*place, "error", problem, filled=filled)

    def _fields(self, schema: Mapping[Any, Any], place: tuple[str, ...], filled: Mapping[str, Any] | None) -> None:
        for field, kind in schema.items():
            if isinstance(kind, section):
                inner = (*place, "sections", str(field))
                self.want(*inner, "name", filled=filled)
                self.want(*inner, "description", filled=filled)
                self._fields(kind.schema.schema, inner, filled)
            else:
                self.want(*place, "data", str(field))
                self.want(*place, "data_description", str(field), filled=filled)

    def abort(self, flow: FlowHandler, reason: str, filled: Mapping[str, str] | None) -> None:
        """Look for the text of an end."""
        if (place := _place(flow)) is not None:
            self.want(*place, "abort", reason, filled=filled)


def _place(flow: FlowHandler) -> tuple[str, ...] | None:
    """Return where the texts of a flow of ours stand; None for another integration's."""
    if not type(flow).__module__.startswith(f"custom_components.{DOMAIN}."):
        return None
    match flow:
        case ConfigFlow():
            return ("config",)
        case OptionsFlow():
            return ("options",)
        case RepairsFlow():
            issue = IssueRegistry.async_get_issue(flow.hass.data["issue_registry"], DOMAIN, flow.issue_id)
            return None if issue is None else ("issues", str(issue.translation_key), "fix_flow")
        case _:
            return None


@pytest.fixture(autouse=True)
def every_text_is_there(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail where something was said that has no text."""
    asked = AskedTexts()
    make, put = HomeAssistantError.__init__, IssueRegistry.async_get_or_create
    form, menu, abort = FlowHandler.async_show_form, FlowHandler.async_show_menu, FlowHandler.async_abort

    def made(self: HomeAssistantError, *args: object, **keywords: Any) -> None:
        make(self, *args, **keywords)
        asked.error(self)

    def noted(self: IssueRegistry, domain: str, issue_id: str, **keywords: Any) -> Any:
        if domain == DOMAIN:
            filled = keywords.get("translation_placeholders")
            asked.issue(keywords["translation_key"], filled, fixable=keywords["is_fixable"])
        return put(self, domain, issue_id, **keywords)

    def formed(self: FlowHandler, **keywords: Any) -> Any:
        asked.form(self, keywords.get("step_id"), keywords)
        return form(self, **keywords)

    def offered(self: FlowHandler, **keywords: Any) -> Any:
        asked.form(self, keywords.get("step_id"), keywords)
        return menu(self, **keywords)

    def aborted(self: FlowHandler, **keywords: Any) -> Any:
        asked.abort(self, keywords["reason"], keywords.get("description_placeholders"))
        return abort(self, **keywords)

    monkeypatch.setattr(HomeAssistantError, "__init__", made)
    monkeypatch.setattr(IssueRegistry, "async_get_or_create", noted)
    monkeypatch.setattr(FlowHandler, "async_show_form", formed)
    monkeypatch.setattr(FlowHandler, "async_show_menu", offered)
    monkeypatch.setattr(FlowHandler, "async_abort", aborted)
    yield
    assert asked.missing == set()
