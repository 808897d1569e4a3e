"""Where the commands' words go: data to standard output, everything else to standard error."""

from __future__ import annotations

import sys

from obisgw.errors import ConfigurationError


def out(text: str) -> None:
    """Write one line of data."""
    try:
        sys.stdout.write(f"{text}\n")
        # Whoever reads along gets each reading when it comes, not the next four kilobytes.
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise ConfigurationError(
            f"standard output cannot be written: {error.strerror}", hint="is the disk full?"
        ) from error


def say(text: str) -> None:
    """Write one line for the person at the terminal."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
