"""Every command line that a page shows is one that the program takes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from obisgw.cli import COMMANDS, _parse

from .pages import PAGES, ROOT, blocks, name_of, spans

SHELL = ("sh", "bash", "console")
_ENDS = re.compile(r"[|;&<>]+")


def command_lines(text: str) -> list[list[str]]:
    """The words of each simple command in a shell text, without ``sudo`` and variables in front."""
    found = []
    for line in text.replace("\\\n", " ").splitlines():
        words: list[str] = []
        lexer = shlex.shlex(line.removeprefix("$ "), posix=True, punctuation_chars=True)
        lexer.commenters = "#"
        lexer.whitespace_split = True
        for word in [*lexer, ";"]:
            if _ENDS.fullmatch(word):
                found.append(words)
                words = []
            elif words or (word != "sudo" and not re.fullmatch(r"[A-Z_]+=.*", word)):
                words.append(word)
    return [words for words in found if words]


IN_BLOCKS = [(str(block), words) for block in blocks(*SHELL) for words in command_lines(block.text)]
IN_TEXT = [(name_of(page), span.removeprefix("sudo ").split()) for page in PAGES for span in spans(page)]
SHOWN = [(where, words[1:]) for where, words in IN_BLOCKS if Path(words[0]).name == "obis-gateway"]
SPOKEN = [(where, words[1:]) for where, words in IN_TEXT if words[0] == "obis-gateway" and len(words) > 1]
SCRIPTS = [(where, words) for where, words in IN_BLOCKS + IN_TEXT if re.match(r"script/\w", words[0])]


def named(case: object) -> str:
    return " ".join(case) if isinstance(case, list) else str(case)


def accepted(words: list[str]) -> bool:
    """Whether the program's own parser takes the words; help and version end it with 0."""
    try:
        _parse(words)
    except SystemExit as end:
        return end.code == 0
    return True


@pytest.mark.parametrize(("where", "words"), SHOWN, ids=named)
def test_a_shown_command_line_parses(where: str, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Commands, options and choices in fenced blocks are those of the program."""
    assert accepted(words), f"{where}: {capsys.readouterr().err}"


@pytest.mark.parametrize(("where", "words"), SPOKEN, ids=named)
def test_a_command_in_the_text_parses(where: str, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A command's name alone may stand for it; with more words it must be whole."""
    command, *more = words
    assert command in {*COMMANDS, "COMMAND", "--help", "--version"}, where
    if more and command != "COMMAND":
        # An option may be named without the port that it goes with.
        assert accepted(words) or accepted([*words, "PORT"]), f"{where}: {capsys.readouterr().err}"


@pytest.mark.parametrize(("where", "words"), SCRIPTS, ids=named)
def test_a_script_that_is_named_exists(where: str, words: list[str]) -> None:
    """Scripts are there and executable; the demo's options are the program's."""
    script = ROOT / words[0]
    assert script.exists(), where
    assert script.stat().st_mode & 0o111, where
    options = [word for word in words[1:] if word.startswith("-")]
    if script.name == "demo":
        assert accepted(["demo", *options])
    else:
        assert all(option in script.read_text("utf-8") for option in options if option not in {"-k", "-x", "--help"})


def test_every_command_of_the_program_is_mentioned() -> None:
    """A command that no page names is not found by anybody."""
    mentioned = {words[0] for _, words in SHOWN + SPOKEN + IN_TEXT}
    assert set(COMMANDS) <= mentioned


def test_a_wrong_command_line_is_caught(capsys: pytest.CaptureFixture[str]) -> None:
    """The checks above can fail."""
    assert not accepted(["read", "/dev/ttyUSB0", "--no-such-option"])
    assert not accepted(["run", "--config"])
    assert capsys.readouterr().err
    assert command_lines("sudo A=b obis-gateway run --config x # why\ncd y && obis-gateway ports | head") == [
        ["obis-gateway", "run", "--config", "x"],
        ["cd", "y"],
        ["obis-gateway", "ports"],
        ["head"],
    ]
