"""The integration's names and icons of registers: the catalogue's patterns, in English and German.

Home Assistant wants them in files of the integration. Of those only the sensors that the catalogue names are written;
texts of the integration's own entities, which its code names, and all else stay as they are.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

from obisgw.obis.usual import usual_descriptions

_FOLDER = Path(__file__).resolve().parent
_ROOT = _FOLDER.parents[1]
_INTEGRATION = "custom_components/obis_gateway"
_QUOTED = re.compile(r'"([a-z0-9_]+)"')

Texts = dict[str, Any]


@dataclass(frozen=True)
class German:
    """German by the words of translation keys."""

    reading: str
    counters: dict[str, str]
    spans: dict[str, str]
    words: dict[str, str]

    @classmethod
    def load(cls) -> German:
        """Return the table."""
        table = tomllib.loads((_FOLDER / "german.toml").read_text(encoding="utf-8"))
        return cls(table["reading"], table["counters"], table["spans"], table["words"])

    def name(self, key: str) -> str:
        """Return the German name. Raises ValueError for a key with a word that is in no table."""
        everything = self.words | self.counters | self.spans
        parts = _parts(tuple(key.split("_")), frozenset(everything))
        if parts is None:
            raise ValueError(f"script/generators/german.toml has no words for {key}")
        name = " ".join(everything[part] for part in parts)
        is_reading = parts[0] in self.counters and self.spans.keys().isdisjoint(parts)
        return f"{self.reading} {name}" if is_reading else name


def _parts(words: tuple[str, ...], known: frozenset[str]) -> tuple[str, ...] | None:
    """Return words as the longest known parts, from left to right."""
    if not words:
        return ()
    for size in range(len(words), 0, -1):
        part = "_".join(words[:size])
        if part in known and (rest := _parts(words[size:], known)) is not None:
            return (part, *rest)
    return None


def placeholders(pattern: str) -> set[str]:
    """Return what varies in a name."""
    return {name for _, name, _, _ in Formatter().parse(pattern) if name is not None}


@cache
def english() -> dict[str, str]:
    """Return the catalogue's names by translation key."""
    return {description.translation_key: description.pattern for description in usual_descriptions()}


@cache
def german() -> dict[str, str]:
    """Return the German names by translation key. Raises ValueError where one says something else."""
    table = German.load()
    names = {key: table.name(key) for key in english()}
    for key, name in names.items():
        if placeholders(name) != placeholders(english()[key]):
            raise ValueError(f"the German name of {key} has other placeholders: {name}")
    return names


@cache
def icons() -> dict[str, str]:
    """Return the icons of those that may have no device class. Raises ValueError where there is none."""
    table: dict[str, str] = tomllib.loads((_FOLDER / "icons.toml").read_text(encoding="utf-8"))["icons"]
    bare = {description.translation_key for description in usual_descriptions() if description.newer_class is None}
    found = {key: next((icon for part, icon in table.items() if part in key), None) for key in sorted(bare)}
    if missing := [key for key, icon in found.items() if icon is None]:
        raise ValueError(f"script/generators/icons.toml has no icon for {', '.join(missing)}")
    return {key: icon for key, icon in found.items() if icon}


def documents() -> dict[str, str]:
    """Return translations and icons by their paths."""
    names = {"en": english(), "de": german()}
    files = {f"{_INTEGRATION}/translations/{language}.json": (texts, "name") for language, texts in names.items()}
    files[f"{_INTEGRATION}/icons.json"] = (icons(), "default")
    own = _named_by_the_code()
    return {
        path: _with_sensors((_ROOT / path).read_text(encoding="utf-8"), texts, member, own)
        for path, (texts, member) in files.items()
    }


def _named_by_the_code() -> set[str]:
    return set(_QUOTED.findall((_ROOT / _INTEGRATION / "sensor.py").read_text(encoding="utf-8")))


def _with_sensors(document: str, texts: dict[str, str], member: str, own: set[str]) -> str:
    whole: Texts = json.loads(document)
    entity: Texts = whole.get("entity", {})
    kept = {key: text for key, text in entity.get("sensor", {}).items() if key in own and key not in texts}
    made = {key: {member: text} for key, text in texts.items()}
    whole["entity"] = {**entity, "sensor": dict(sorted((kept | made).items()))}
    return json.dumps(dict(sorted(whole.items())), ensure_ascii=False, indent=2) + "\n"
