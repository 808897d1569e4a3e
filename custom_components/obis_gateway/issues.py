"""Notices in Home Assistant's list of repairs: said once, changed in place, taken back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN

GUIDES: Final = "https://github.com/obis-gateway/obis-gateway/blob/main/docs/guides"


REPLACED: Final = "meter_replaced"
"""A question: it is asked once, also when an entry is loaded anew, so that automations can wait for it."""


@dataclass(frozen=True, slots=True)
class Issue:
    """One notice. ``key`` names its texts, ``kind`` and ``about`` make its id, ``meter`` is what it is about.

    Ids are part of diagnostics: ``about`` is the registry's id of a device or an entry, and nothing of the meter's own.
    """

    kind: str
    about: str
    key: str
    placeholders: Mapping[str, str]
    guide: str
    meter: str = ""
    fixable: bool = False
    severe: bool = False

    @property
    def id(self) -> str:
        """The id in the registry."""
        return f"{self.kind}_{self.about}"


@callback
def async_say(hass: HomeAssistant, entry_id: str, issue: Issue) -> None:
    """Show a notice, or what is new of it."""
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue.id,
        data={"entry_id": entry_id, "kind": issue.kind, "meter": issue.meter},
        is_fixable=issue.fixable,
        # Home Assistant would write down what is said, and tell it in diagnostics: it is remembered elsewhere.
        is_persistent=False,
        learn_more_url=f"{GUIDES}/{issue.guide}",
        severity=ir.IssueSeverity.ERROR if issue.severe else ir.IssueSeverity.WARNING,
        translation_key=issue.key,
        translation_placeholders={"meter": "", **issue.placeholders},
    )


@callback
def async_of_entry(hass: HomeAssistant, entry_id: str) -> dict[str, ir.IssueEntry]:
    """Return the notices of an entry by their ids."""
    return {
        issue.issue_id: issue
        for (domain, _), issue in ir.async_get(hass).issues.items()
        if domain == DOMAIN and issue.data is not None and issue.data.get("entry_id") == entry_id
    }


@callback
def async_clear(hass: HomeAssistant, entry_id: str, *, unloaded: bool = False) -> None:
    """Take an entry's notices back; while it is only ``unloaded``, keep questions, and in mind which were ignored."""
    for issue_id, issue in async_of_entry(hass, entry_id).items():
        kept = issue.dismissed_version is not None or (issue.data or {}).get("kind") == REPLACED
        if not (unloaded and kept):
            ir.async_delete_issue(hass, DOMAIN, issue_id)
