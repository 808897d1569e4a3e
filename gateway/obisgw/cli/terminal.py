"""Where the commands' words go: data to standard output, everything else to standard error."""

from __future__ import annotations

import sys


def out(text: str) -> None:
    """Write one line of data."""
    sys.stdout.write(f"{text}\n")
    # Whoever reads along gets each reading when it comes, not the next four kilobytes.
    sys.stdout.flush()


def say(text: str) -> None:
    """Write one line for the person at the terminal."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
