"""The YAML file as text with lines. Values stay the text that was written: ``address: 0201`` is not the number 129."""

from __future__ import annotations

from dataclasses import dataclass

import yaml

from .problem import Problem

MOST_BYTES = 1_000_000
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value. ``text`` is None where the file gives none; ``reported``: what is wrong with it was said already."""

    text: str | None
    line: int
    reported: bool = False


@dataclass(frozen=True, slots=True)
class Entries:
    """A list."""

    items: tuple[Node, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Section:
    """A mapping: key to the key's line and the value."""

    items: dict[str, tuple[int, Node]]
    line: int


Node = Scalar | Entries | Section

_DEEPEST = 6
"""The configuration has four levels; deeper ones, or an alias inside itself, are no configuration."""

_MOST_NODES = 50_000
"""Aliases written out; some lines of aliases of aliases stand for billions of values."""


def read_document(text: str) -> tuple[Node | None, list[Problem]]:
    """Return the document, None where it is no YAML, and what is wrong with it."""
    problems: list[Problem] = []
    try:
        loader = yaml.SafeLoader(text)
        try:
            root = loader.get_single_node()
            # Merge keys are resolved before duplicates are looked for: overriding what was merged in is their purpose.
            if root is not None and _nodes(root, {}) > _MOST_NODES:
                return None, [Problem(1, "this is no configuration: its aliases stand for too much or for themselves")]
            node = Section({}, 1) if root is None else _convert(loader, root, problems, 0)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = " ".join(part for part in (error.context, error.problem) if part)
        line = mark.line + 1 if mark else 1
        return None, [Problem(line, f"this is not YAML: {said}", hint=_yaml_hint(text, line))]
    except yaml.YAMLError as error:
        return None, [Problem(1, f"this is not YAML: {error}".replace("\n", " "))]
    except RecursionError:
        return None, [Problem(1, "this is no configuration: it is nested too deeply")]
    return node, list(dict.fromkeys(problems))


def _nodes(node: yaml.Node, known: dict[yaml.Node, int]) -> int:
    """Return how many nodes this one is when every alias is written out; one inside itself counts as endless."""
    if (count := known.get(node)) is not None:
        return count
    known[node] = _MOST_NODES + 1
    children: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        children = [part for pair in node.value for part in pair]
    elif isinstance(node, yaml.SequenceNode):
        children = node.value
    known[node] = 1 + sum(_nodes(child, known) for child in children)
    return known[node]


def _convert(loader: yaml.SafeLoader, node: yaml.Node, problems: list[Problem], depth: int) -> Node:
    line = node.start_mark.line + 1
    if depth > _DEEPEST:
        problems.append(Problem(line, "nested too deeply"))
        return Scalar(None, line, reported=True)
    if node.tag.startswith("!") or node.tag == "tag:yaml.org,2002:binary":
        problems.append(Problem(line, f"the tag {node.tag} is not known here", hint="write the value itself"))
        return Scalar(None, line, reported=True)
    if isinstance(node, yaml.MappingNode):
        return _section(loader, node, problems, depth)
    if isinstance(node, yaml.SequenceNode):
        return Entries(tuple(_convert(loader, item, problems, depth + 1) for item in node.value), line)
    empty = isinstance(node, yaml.ScalarNode) and node.style is None and node.value in _NULLS
    return Scalar(None if empty else str(node.value), line)


def _section(loader: yaml.SafeLoader, node: yaml.MappingNode, problems: list[Problem], depth: int) -> Section:
    own = [key for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
    seen: dict[str, int] = {}
    for key in own:
        name, line = str(key.value), key.start_mark.line + 1
        if name in seen:
            problems.append(
                Problem(line, f"'{name}' stands here a second time", hint=f"first in line {seen[name]}; remove one")
            )
        seen.setdefault(name, line)
    loader.flatten_mapping(node)
    items = {}
    for key, value in node.value:
        if isinstance(key, yaml.ScalarNode):
            items[key.value] = (key.start_mark.line + 1, _convert(loader, value, problems, depth + 1))
        else:
            problems.append(Problem(key.start_mark.line + 1, "a list or mapping stands where a setting's name should"))
    return Section(items, node.start_mark.line + 1)


def _yaml_hint(text: str, line: int) -> str:
    lines = text.splitlines()
    if line <= len(lines) and "\t" in lines[line - 1]:
        return "YAML is indented with blanks, not with tabs"
    return "check indentation, colons and quotes in this line and the one before"
