"""From the file to settings, with every problem found on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from obisgw.errors import ConfigurationError

from .check import Check
from .document import MOST_BYTES, read_document
from .problem import InvalidConfigurationError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from .table import Settings


@dataclass(frozen=True, slots=True)
class Checked:
    """A configuration with what was found. ``settings`` is None when there are errors."""

    file: str
    settings: Settings | None
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """What keeps the gateway from running."""
        return tuple(problem for problem in self.problems if not problem.warning)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What works but should be looked at."""
        return tuple(problem for problem in self.problems if problem.warning)


def check_file(
    path: Path,
    *,
    environment: Mapping[str, str],
    dialects: Collection[str] = (),
    own_dialects: Callable[[Path], Collection[str]] | None = None,
) -> Checked:
    """Return the configuration in ``path`` with all problems.

    ``dialects`` are the names that may be used; empty where they are not known. ``own_dialects`` gives the names that
    may be used together with the owner's file, or raises ConfigurationError. Raises ConfigurationError when the file
    cannot be read at all.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise ConfigurationError(
            "there is no such file",
            where=str(path),
            hint="the least that works is one line: 'port: /dev/ttyUSB0'",
        ) from None
    except OSError as error:
        raise ConfigurationError(f"the file cannot be read: {error.strerror}", where=str(path)) from error
    if len(content) > MOST_BYTES:
        raise ConfigurationError("this is no configuration: it is larger than 1 MB", where=str(path))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        problem = Problem(line, "a character here is not UTF-8", hint="save the file as UTF-8")
        return Checked(str(path), None, (problem,))
    return check_text(text, path, environment=environment, dialects=dialects, own_dialects=own_dialects)


def load(
    path: Path,
    *,
    environment: Mapping[str, str],
    dialects: Collection[str] = (),
    own_dialects: Callable[[Path], Collection[str]] | None = None,
) -> tuple[Settings, Checked]:
    """Return the settings in ``path``. Raises InvalidConfigurationError with everything that is wrong."""
    checked = check_file(path, environment=environment, dialects=dialects, own_dialects=own_dialects)
    if checked.settings is None:
        raise InvalidConfigurationError(checked.file, checked.errors)
    return checked.settings, checked


def check_text(
    text: str,
    path: Path,
    *,
    environment: Mapping[str, str],
    dialects: Collection[str] = (),
    own_dialects: Callable[[Path], Collection[str]] | None = None,
) -> Checked:
    """Return the configuration in ``text``; files that it names are looked for beside ``path``."""
    root, problems = read_document(text)
    settings = None if root is None else Check(path, environment, dialects, own_dialects, problems).settings(root)
    found = tuple(sorted(problems, key=lambda problem: problem.line))
    return Checked(str(path), None if any(not p.warning for p in found) else settings, found)
