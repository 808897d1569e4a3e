"""How a session of programming mode is opened: the password comes from a file or the environment, never as an argument.

An argument would stand in the process list and in the shell's history.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from obisgw.errors import ConfigurationError
from obisgw.iec62056_21.password import Password, PasswordLevel, is_password
from obisgw.reader.programming import Wish
from obisgw.secret import Secret

if TYPE_CHECKING:
    import argparse

_LONGEST = 1000


def add_access(parser: argparse.ArgumentParser) -> None:
    """Add the choice of a password."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--password-file", type=Path, metavar="FILE", help="file whose first line is the meter's password"
    )
    group.add_argument("--password-env", metavar="NAME", help="environment variable that holds the meter's password")
    parser.add_argument(
        "--password-level",
        type=str.upper,
        choices=[level.value for level in PasswordLevel],
        default=PasswordLevel.P1.value,
        help="P1 says it in clear, P2 as the maker's algorithm makes it (%(default)s)",
    )
    parser.add_argument(
        "--password-again", action="store_true", help="say it although this meter has refused it before"
    )


def wish_of(options: argparse.Namespace) -> Wish:
    """Return how the session is wanted. Raises ConfigurationError where the password cannot be had."""
    text = _password(options)
    if text is None:
        return Wish()
    if not is_password(text):
        where = f"--password-file {options.password_file}" if options.password_file else "--password-env"
        raise ConfigurationError(
            "this can be no password of a meter",
            where=where,
            hint="up to 32 printable characters without ( ) / and !",
        )
    return Wish(Password(Secret(text), PasswordLevel(options.password_level)), again=options.password_again)


def _password(options: argparse.Namespace) -> str | None:
    if options.password_env is not None:
        value = os.environ.get(options.password_env)
        if value is None:
            raise ConfigurationError(
                "the environment has no such variable",
                where=f"--password-env {options.password_env}",
                hint="export it before the command",
            )
        return value
    file: Path | None = options.password_file
    if file is None:
        return None
    try:
        with file.open(encoding="utf-8", errors="surrogateescape") as opened:
            return opened.readline(_LONGEST).rstrip("\r\n")
    except OSError as error:
        raise ConfigurationError(
            f"the file cannot be read: {error.strerror}", where=f"--password-file {file}"
        ) from error
