"""The reference page of the configuration, made from the table of settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .table import SECTIONS, THRESHOLD

if TYPE_CHECKING:
    from .setting import Setting

_INTRODUCTION = {
    "meters": (
        "A list with one entry a meter. With a single meter its settings may also stand directly in the file, "
        "so that the least that works is one line: `port: /dev/serial/by-id/…`."
    ),
    "mqtt": "The broker. Without this section: the one on this machine, port 1883, no password.",
    "api": "The API that Home Assistant's integration and the status page use. May be left out.",
    "store": "What is remembered of readings: [history](../guides/history.md). May be left out.",
    "gateway": "The gateway itself. May be left out.",
}
_THRESHOLDS = (
    "Each entry is a binary sensor of the meter in Home Assistant, by MQTT and by the integration. The limit's unit may "
    "differ from the register's by its prefix (W, kW, MW). Example: "
    "`thresholds: [{name: High power, above: 3 kW, hysteresis: 200 W, for: 5m}]`."
)


def configuration_page() -> str:
    """Return the page as Markdown."""
    parts = [
        "# Configuration",
        "<!-- Made by script/generate from gateway/obisgw/config/table.py. -->",
        "`obis-gateway check-config FILE` names everything that is wrong with a file, each with its line.",
    ]
    for section, settings in SECTIONS.items():
        parts += [f"## `{section}`", _INTRODUCTION[section], _table(settings)]
        if section == "meters":
            parts += ["### `thresholds`", _THRESHOLDS, _table(THRESHOLD)]
    return "\n\n".join(parts) + "\n"


def _table(settings: tuple[Setting, ...]) -> str:
    rows = ["| setting | value | unit | default | meaning |", "| --- | --- | --- | --- | --- |"]
    for setting in settings:
        default = "**must be given**" if setting.default is None else setting.default
        rows.append(
            f"| `{setting.name}` | {setting.kind.name} | {setting.unit or ''} | {default} | {setting.meaning} |"
        )
    return "\n".join(rows)
