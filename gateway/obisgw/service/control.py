"""The owner's own way to a running service: a Unix socket in the state folder, one JSON line each way.

Who may open the socket could read the state folder anyway: the service's user and root.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from obisgw.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)

NAME: Final = "control.sock"
LONGEST: Final = 1_000_000
_WITHIN: Final = 5.0
_LONGEST_PATH: Final = 107
"""What a socket's address holds (unix(7))."""


class ControlSocket:
    """Answers requests with what ``answer`` makes of them: both are JSON objects.

    ``answer`` raises ValueError for what it does not understand; that is said to who asked.
    """

    def __init__(self, folder: Path, answer: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self._path = folder / NAME
        self._answer = answer
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen. Where that cannot be, the log says so and the service goes on without."""
        try:
            # The folder is locked for this process: a socket in it is of one that was killed.
            self._path.unlink(missing_ok=True)
            bound = _bound(self._path)
        except OSError as error:
            words = "%s cannot be made: %s ('obis-gateway pair' needs it; give a shorter 'state_dir' on a local disk)"
            _log.warning(words, self._path, error.strerror or error)
            return
        self._server = await asyncio.start_unix_server(self._serve, sock=bound, limit=LONGEST)

    async def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_WITHIN):
                if _may(writer.get_extra_info("socket")):
                    line = await reader.readline()
                    writer.write(json.dumps(self._answered(line), ensure_ascii=False).encode() + b"\n")
                    await writer.drain()
        except (TimeoutError, ConnectionError, ValueError) as error:
            _log.debug("control socket: %s", error)
        finally:
            writer.close()

    def _answered(self, line: bytes) -> dict[str, Any]:
        try:
            return self._answer(_request(line))
        except (ValueError, RecursionError) as error:
            return {"error": str(error)}


def _request(line: bytes) -> dict[str, Any]:
    request = json.loads(line)
    if not isinstance(request, dict):
        raise ValueError("a request is one JSON object")  # noqa: TRY004 - of the sender, not of our code
    return request


def _bound(path: Path) -> socket.socket:
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    before = os.umask(0o177)
    try:
        _through_short_path(path, bound.bind)
    except OSError:
        bound.close()
        raise
    finally:
        os.umask(before)
    return bound


def _may(peer: socket.socket) -> bool:
    """Tell whether the other end is root or this user (the file's mode says the same where file systems keep it)."""
    _, user, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return user in {0, os.geteuid()}


def ask(folder: Path, request: dict[str, Any]) -> dict[str, Any] | None:
    """Return the running service's answer; None where none runs. Raises ConfigurationError when it cannot be asked."""
    path = folder / NAME
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(_WITHIN)
        try:
            _through_short_path(path, asking.connect)
            asking.sendall(json.dumps(request).encode() + b"\n")
            answer = b""
            while not answer.endswith(b"\n") and (more := asking.recv(65536)):
                answer += more
            document = json.loads(answer)
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        except PermissionError as error:
            hint = "run this command as root: sudo obis-gateway …"
            raise ConfigurationError("this user may not ask the service", where=str(path), hint=hint) from error
        except (OSError, ValueError) as error:
            hint = "look at the service's log, and start it again"
            raise ConfigurationError("the service does not answer", where=str(path), hint=hint) from error
    if not isinstance(document, dict) or "error" in document:
        told = document.get("error") if isinstance(document, dict) else "no object"
        hint = "command and service should be of the same version"
        raise ConfigurationError(f"the service does not understand: {told}", where=str(path), hint=hint)
    return document


def _through_short_path(path: Path, use: Callable[[str], None]) -> None:
    """Use a socket's path, however long its folder's name is."""
    if len(os.fsencode(path)) <= _LONGEST_PATH:
        use(str(path))
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        use(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)
