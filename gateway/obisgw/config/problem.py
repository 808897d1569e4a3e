"""What is wrong with a configuration: all of it at once, each with its line."""

from __future__ import annotations

from dataclasses import dataclass

from obisgw.errors import ConfigurationError


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing to change. A ``warning`` does not keep the gateway from running."""

    line: int
    problem: str
    hint: str | None = None
    warning: bool = False

    def sentence(self, file: str) -> str:
        """Return ``file:line: problem (hint)``."""
        severity = "warning: " if self.warning else ""
        return f"{file}:{self.line}: {severity}{self.problem}" + (f" ({self.hint})" if self.hint else "")


class InvalidConfigurationError(ConfigurationError):
    """The file cannot be used. ``problems`` holds every one found, in order of lines."""

    def __init__(self, file: str, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        self.file = file
        super().__init__("the configuration cannot be used", where=file)
        self.args = ("\n".join(problem.sentence(file) for problem in problems),)
