"""What the operating system says of a port, in words: who must do what."""

from __future__ import annotations

import errno
import getpass
import grp
import os
from pathlib import Path

from obisgw.errors import (
    LineError,
    PortInUseError,
    PortLostError,
    PortMissingError,
    PortPermissionError,
)

_DENIED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_IN_USE = frozenset({errno.EBUSY, errno.EAGAIN, errno.ETXTBSY})
_GONE = frozenset({errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.ENOTDIR, errno.EIO, errno.ELOOP})

_NAMED = 3
"""So many programs that hold a port are named."""

PROC = Path("/proc")


def is_device(url: str) -> bool:
    """Whether ``url`` is a path on this machine and not the address of a port on the network."""
    return "://" not in url


def shown(url: str) -> str:
    """Return ``url`` without its query, where keys and passwords stand."""
    return url if is_device(url) else url.partition("?")[0]


def open_trouble(url: str, error: BaseException, *, proc: Path = PROC) -> LineError:
    """Return the error that says why ``url`` could not be opened, and the remedy."""
    number = error.errno if isinstance(error, OSError) else None
    if not is_device(url):
        return PortMissingError(
            f"no connection: {_words(error)}",
            where=shown(url),
            hint="check host, port number and that nobody else is connected; most serial servers serve one client",
        )
    if number in _DENIED:
        return _denied(url, error)
    if number in _IN_USE:
        return in_use(url, holders(url, proc=proc))
    if number in _GONE or not os.path.exists(url):  # noqa: PTH110 - a text that may be no path at all
        return PortMissingError(
            "there is no such port" if number != errno.EIO else "the port does not answer",
            where=url,
            hint="is the adapter plugged in? `obis-gateway ports` lists what is there",
        )
    if number in {errno.ENOTTY, errno.EISDIR}:
        return LineError("this is no serial port", where=url, hint="`obis-gateway ports` lists the serial ports")
    return LineError(f"the port cannot be opened: {_words(error)}", where=url, hint="try to unplug and replug it")


def lost(url: str, error: BaseException | None) -> PortLostError:
    """Return the error of a port that vanished while it was open."""
    reason = f": {_words(error)}" if error is not None and is_device(url) is False else ""
    return PortLostError(
        f"the port vanished while it was in use{reason}",
        where=shown(url),
        hint="adapter unplugged, or its power failed; reading goes on as soon as it is back"
        if is_device(url)
        else "the connection was closed; reading goes on as soon as it can be opened again",
    )


def in_use(url: str, by: list[tuple[int, str]]) -> PortInUseError:
    """Return the error of a port that others hold; ``by``: process numbers and names."""
    if not by:
        return PortInUseError(
            "another program holds the port; this user may not see which",
            where=url,
            hint=f"`sudo fuser -v {url}` names it; stop it, or give it another port",
        )
    names = ", ".join(f"{name} (process {pid})" for pid, name in by[:_NAMED])
    if len(by) > _NAMED:
        names += f" and {len(by) - _NAMED} more"
    return PortInUseError(
        f"the port is in use by {names}", where=url, hint="stop that program, or give it another port"
    )


def holders(path: str, *, proc: Path = PROC) -> list[tuple[int, str]]:
    """Return number and name of every other process that has ``path`` open, as far as this user may see them.

    Where nobody else has it, but this process does, this process is named.
    """
    try:
        device = os.stat(path).st_rdev  # noqa: PTH116 - the number is all that counts
    except OSError:
        return []
    processes = (process for process in proc.iterdir() if process.name.isdigit())
    found = [(int(process.name), _name(process)) for process in processes if _has_open(process, device)]
    others = [holder for holder in found if holder[0] != os.getpid()]
    return sorted(others or found)


def _has_open(process: Path, device: int) -> bool:
    try:
        descriptors = list((process / "fd").iterdir())
    except OSError:
        return False  # It ended, or belongs to somebody else.
    for descriptor in descriptors:
        try:
            if descriptor.stat().st_rdev == device:
                return True
        except OSError:
            continue  # Closed since.
    return False


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text("utf-8", "replace").strip()
    except OSError:
        return "a process that has ended"


def _denied(url: str, error: BaseException) -> PortPermissionError:
    problem = "this user may not open the port"
    try:
        group = os.stat(url).st_gid  # noqa: PTH116
        name = grp.getgrgid(group).gr_name
    except (OSError, KeyError):
        return PortPermissionError(f"{problem}: {_words(error)}", where=url)
    user = _user()
    if group == 0:
        hint = f"it belongs to root alone: add a udev rule that gives it to the group dialout, and {user} to that group"
    else:
        hint = f"join its group: `sudo usermod -aG {name} {user}`, then log in again or restart the service"
    return PortPermissionError(problem, where=url, hint=hint)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _words(error: BaseException | None) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower() if error.errno is not None and error.errno > 0 else error.strerror
    return str(error) or type(error).__name__
