"""The integration's files, taken apart."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from string import Formatter
from typing import Any

from custom_components.obis_gateway.const import DOMAIN
from obisgw.obis.usual import usual_descriptions

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "custom_components" / DOMAIN
CODE = {path.name: ast.parse(path.read_text("utf-8")) for path in FOLDER.glob("*.py")}


def document(name: str) -> Any:
    """Return a JSON document of the integration."""
    return json.loads((FOLDER / name).read_text("utf-8"))


ENGLISH, GERMAN, ICONS = document("translations/en.json"), document("translations/de.json"), document("icons.json")
MANIFEST = document("manifest.json")
CATALOGUE = {description.translation_key for description in usual_descriptions()}


def strings(trees: Iterable[ast.AST]) -> set[str]:
    """Return all string constants."""
    nodes = (node for tree in trees for node in ast.walk(tree))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def docstrings(trees: Iterable[ast.AST]) -> set[str]:
    """Return the strings that stand alone: they say something to readers only."""
    nodes = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Expr))
    return {node.value.value for node in nodes if isinstance(node.value, ast.Constant)}


SAID = strings(CODE.values())


def flat(texts: dict[str, Any], *path: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Return all texts by their paths."""
    for key, value in texts.items():
        if isinstance(value, dict):
            yield from flat(value, *path, key)
        else:
            yield (*path, key), value


def fields(text: str) -> set[str]:
    """Return the names of a text's placeholders."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}
