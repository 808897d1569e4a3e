"""One pass over one document: every section to its settings, every problem noted."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import voluptuous as vol

from obisgw.errors import ConfigurationError

from .document import Entries, Node, Scalar, Section
from .nearest import nearest
from .old_names import OLD_NAMES
from .problem import Problem
from .rules import (
    api_problems,
    key_of,
    meter_password_problems,
    meter_problems,
    mqtt_problems,
    password_of,
    same_names,
    shared_problems,
    threshold_problems,
)
from .table import (
    SECTIONS,
    THRESHOLD,
    ApiSettings,
    GatewaySettings,
    MeterSettings,
    MqttSettings,
    Settings,
    StoreSettings,
    ThresholdSettings,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from .setting import Setting

_LEAST = "the least that works is one line: 'port: /dev/ttyUSB0'"
_FOLDERS = ("CREDENTIALS_DIRECTORY", "STATE_DIRECTORY", "CONFIGURATION_DIRECTORY")
"""What systemd names to a service by its environment."""

Items = dict[str, tuple[int, Node]]


@cache
def _schema(section: str) -> vol.Schema:
    """Return the section's schema. What must be given is checked apart, to say it in our words."""
    return vol.Schema({vol.Optional(setting.name): setting.kind.parse for setting in _settings(section)})


def _line_of(node: Node, name: str) -> int:
    return node.items[name][0] if isinstance(node, Section) else node.line


def _settings(section: str) -> tuple[Setting, ...]:
    return THRESHOLD if section == "thresholds" else SECTIONS[section]


class Check:
    """One pass over one document. Problems are added to ``problems``."""

    def __init__(
        self,
        path: Path,
        environment: Mapping[str, str],
        dialects: Collection[str],
        own_dialects: Callable[[Path], Collection[str]] | None,
        problems: list[Problem],
    ) -> None:
        self._path = path
        self._environment = environment
        self._dialects = dialects
        self._own_dialects = own_dialects
        self._problems = problems

    def settings(self, root: Node) -> Settings:
        """Return the settings in ``root``. They may be used only when no error was added."""
        if not isinstance(root, Section):
            if not (isinstance(root, Scalar) and root.reported):
                self._add(root.line, "the configuration must be settings, each 'name: value'", _LEAST)
            return Settings(meters=(), mqtt=MqttSettings(), gateway=GatewaySettings())
        own = {name: entry for name, entry in root.items.items() if name in SECTIONS}
        rest = {name: entry for name, entry in root.items.items() if name not in SECTIONS}
        gateway = self._gateway(own.get("gateway"))
        meters = self._meters(own.get("meters"), rest, root.line)
        mqtt, api = self._mqtt(own.get("mqtt")), self._api(own.get("api"))
        if not mqtt.enabled and not api.enabled:
            line = _line_of(own["api"][1], "enabled")
            self._add(line, "neither MQTT nor the API is enabled: readings would go nowhere", "enable one of them")
        return Settings(meters=meters, mqtt=mqtt, gateway=gateway, api=api, store=self._store(own.get("store")))

    def _gateway(self, entry: tuple[int, Node] | None) -> GatewaySettings:
        """Take the gateway's section, and the names of the owner's dialects, which the meters may use."""
        values, lines = self._values("gateway", *self._section("gateway", entry))
        if self._files(values, lines, "dialects") and "dialects" in values and self._own_dialects is not None:
            try:
                self._dialects = self._own_dialects(values["dialects"])
            except ConfigurationError as error:
                self._dialects = ()
                self._add(lines["dialects"], f"'dialects': {error}")
        if "state_dir" in values:
            values["state_dir"] = self._file(values["state_dir"])
        return GatewaySettings(**values)

    def _meters(self, listed: tuple[int, Node] | None, rest: Items, line: int) -> tuple[MeterSettings, ...]:
        """Take the meters from the list, or the only one from the file's own level."""
        names = {setting.name for setting in SECTIONS["meters"]}
        single = {name for name in rest if name in names or ("meters", name) in OLD_NAMES}
        if listed is None and single:
            meter = self._meter(Section(rest, min(at for at, _ in rest.values())), 1, root=True)
            return (meter,) if meter else ()
        for name, (at, _) in rest.items():
            if name in names:
                hint = "a meter's settings belong into its entry of 'meters'"
                self._add(at, f"'{name}' stands beside 'meters'", hint)
            else:
                self._unknown("", name, at, tuple(SECTIONS) if listed else (*SECTIONS, "port"))
        if listed is None:
            self._add(line, "no meter is configured", _LEAST)
            return ()
        at, node = listed
        if not isinstance(node, Entries) or not node.items:
            self._add(at, "'meters' must be a list", "begin each meter with '- port: …'")
            return ()
        found = [self._meter(item, count, root=False) for count, item in enumerate(node.items, 1)]
        meters = tuple(meter for meter in found if meter is not None)
        self._problems.extend(shared_problems(meters))
        return meters

    def _meter(self, node: Node, count: int, *, root: bool) -> MeterSettings | None:
        if not isinstance(node, Section):
            self._add(node.line, "a meter must be settings, each 'name: value'", "begin it with '- port: …'")
            return None
        also = (*SECTIONS, "thresholds") if root else ("thresholds",)
        values, lines = self._values("meters", node.items, node.line, also=also)
        values["thresholds"] = self._thresholds(node.items.get("thresholds"))
        if "port" not in node.items:
            self._add(node.line, "the meter has no 'port'", "'obis-gateway ports' lists what is there")
        self._files(values, lines, "password_file", "encryption_key_file", "authentication_key_file")
        self._problems.extend(meter_problems(values, lines, self._dialects))
        values["password"], problems = password_of(values, lines, self._environment)
        self._problems.extend((*problems, *meter_password_problems(values["password"], lines, values)))
        for name in ("encryption_key", "authentication_key"):
            values[name], problems = key_of(name, values, lines, self._environment)
            self._problems.extend(problems)
        if "port" not in values:
            return None
        entry = values.get("name") or ("Meter" if count == 1 else f"Meter {count}")
        return MeterSettings(entry=entry, line=node.line, **values)

    def _thresholds(self, listed: tuple[int, Node] | None) -> tuple[ThresholdSettings, ...]:
        if listed is None:
            return ()
        at, node = listed
        if not isinstance(node, Entries) or not all(isinstance(item, Section) for item in node.items):
            self._add(at, "'thresholds' must be a list of settings", "begin each with '- name: …'")
            return ()
        found, names = [], []
        for item in node.items:
            if not isinstance(item, Section):
                continue
            values, lines = self._values("thresholds", item.items, item.line)
            problems = tuple(threshold_problems(values, lines, item.line))
            self._problems.extend(problems)
            if not problems and {"name"} < values.keys():
                names.append((values["name"], lines["name"]))
                values["duration"] = values.pop("for", timedelta(0))
                found.append(ThresholdSettings(**values))
        self._problems.extend(same_names(names))
        return tuple(found)

    def _mqtt(self, entry: tuple[int, Node] | None) -> MqttSettings:
        values, lines = self._values("mqtt", *self._section("mqtt", entry))
        self._files(values, lines, "ca", "certificate", "key", "password_file")
        self._problems.extend(mqtt_problems(values, lines))
        password, problems = password_of(values, lines, self._environment)
        self._problems.extend(problems)
        return MqttSettings(password=password, **values)

    def _api(self, entry: tuple[int, Node] | None) -> ApiSettings:
        values, lines = self._values("api", *self._section("api", entry))
        self._files(values, lines, "certificate", "key")
        self._problems.extend(api_problems(values, lines))
        return ApiSettings(**values)

    def _store(self, entry: tuple[int, Node] | None) -> StoreSettings:
        values, _ = self._values("store", *self._section("store", entry))
        return StoreSettings(**values)

    def _file(self, text: str) -> Path:
        """Return the path; a relative one starts beside the configuration."""
        for name in _FOLDERS:
            if (folder := self._environment.get(name)) is not None:
                text = text.replace(f"${{{name}}}", folder).replace(f"${name}", folder)
        return self._path.parent / Path(text).expanduser()

    def _files(self, values: dict[str, Any], lines: dict[str, int], *names: str) -> bool:
        """Turn texts into paths of files that must be there; return whether all are."""
        missing = 0
        for name in names:
            if name in values:
                values[name] = self._file(values[name])
                if not values[name].is_file():
                    missing += 1
                    self._add(lines[name], f"'{name}': there is no file {values[name]}")
        return not missing

    def _section(self, name: str, entry: tuple[int, Node] | None) -> tuple[Items, int]:
        if entry is None:
            return {}, 1
        line, node = entry
        if isinstance(node, Section):
            return node.items, line
        if not (isinstance(node, Scalar) and node.text is None):
            self._add(line, f"'{name}' must be settings, each 'name: value', indented")
        return {}, line

    def _values(
        self, section: str, items: Items, line: int, also: tuple[str, ...] = ()
    ) -> tuple[dict[str, Any], dict[str, int]]:
        """Return the section's good values and the lines of all its names."""
        texts: dict[str, str | list[str]] = {}
        lines = {name: at for name, (at, _) in items.items()}
        known = {setting.name: setting.kind for setting in _settings(section)}
        for name, (at, node) in items.items():
            if name in also or (isinstance(node, Scalar) and node.reported):
                continue
            if name not in known:
                self._unknown(section, name, at, tuple(dict.fromkeys((*known, *also))))
            elif isinstance(node, Entries) and known[name].many:
                texts[name] = [item.text or "" for item in node.items if isinstance(item, Scalar)]
                if len(texts[name]) != len(node.items):
                    self._add(at, f"'{name}' must be a list of single values", "begin each with '- '")
            elif not isinstance(node, Scalar):
                self._add(at, f"'{name}' must be one value")
            elif node.text is None:
                self._add(at, f"'{name}' has no value", "give one or remove the line")
            else:
                texts[name] = node.text
        try:
            return dict(_schema(section)(texts)), lines
        except vol.MultipleInvalid as invalid:
            for error in invalid.errors:
                name = str(error.path[0])
                self._add(lines.get(name, line), f"'{name}': {error.msg}")
                texts.pop(name, None)
        return dict(_schema(section)(texts)), lines

    def _unknown(self, section: str, name: str, line: int, known: tuple[str, ...]) -> None:
        if (replacement := OLD_NAMES.get((section, name))) is not None:
            self._add(line, f"'{name}' is no setting", f"write {replacement}")
            return
        near = name.lower().replace("-", "_")
        if meant := nearest(near, known):
            self._add(line, f"'{name}' is no setting", f"did you mean '{meant}'?")
            return
        for other, settings in SECTIONS.items():
            if other != section and (meant := nearest(near, [s.name for s in settings], 0.8)):
                self._add(line, f"'{name}' is no setting", f"did you mean '{meant}' in the section '{other}'?")
                return
        self._add(line, f"'{name}' is no setting", f"known here: {', '.join(known)}")

    def _add(self, line: int, problem: str, hint: str | None = None) -> None:
        self._problems.append(Problem(line, problem, hint))
