"""`obis-gateway tokens`: who may use the API, and who may not any more."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from obisgw.errors import ConfigurationError

from .owner import add_config, folder_of
from .terminal import out, say

if TYPE_CHECKING:
    import argparse
    from pathlib import Path


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "action", nargs="?", choices=("list", "revoke"), default="list", help="%(choices)s (%(default)s)"
    )
    parser.add_argument("id", nargs="*", help="with 'revoke': the ids of the tokens, as listed")
    add_config(parser)


def run(options: argparse.Namespace) -> int:
    """List or revoke tokens, whether the service runs or not."""
    folder = folder_of(options.config)
    if options.action == "list":
        _show(_asked(folder, {"command": "tokens"})["tokens"])
        return 0
    if not options.id:
        raise ConfigurationError("which token?", hint="obis-gateway tokens revoke ID; 'obis-gateway tokens' lists them")
    revoked = _asked(folder, {"command": "revoke", "ids": options.id})["revoked"]
    for name in revoked:
        say(f"{name}: revoked")
    if unknown := [name for name in options.id if name not in revoked]:
        raise ConfigurationError(f"no such token: {', '.join(unknown)}", hint="'obis-gateway tokens' lists them")
    return 0


def _asked(folder: Path, request: dict[str, Any]) -> dict[str, Any]:
    """Ask the service, or do what it would do where none runs."""
    from obisgw.service.control import ask  # noqa: PLC0415
    from obisgw.service.folder import FolderLock  # noqa: PLC0415
    from obisgw.service.owner import answer_without_pairing  # noqa: PLC0415
    from obisgw.web.clients import Clients  # noqa: PLC0415

    if (answer := ask(folder, request)) is not None:
        return answer
    lock = FolderLock(folder)
    try:
        return answer_without_pairing(Clients(folder / "tokens.json"), request)
    finally:
        lock.close()


def _show(tokens: list[dict[str, Any]]) -> None:
    if not tokens:
        say("Nobody is paired. 'obis-gateway pair' shows a code.")
    for token in tokens:
        out(f"{token['id']}  {token['name']}")
        adopted = f", shows {', '.join(token['adopted'])}" if token["adopted"] else ""
        out(f"          paired {_day(token['created'])}, last used {_day(token['last_used'])}{adopted}")


def _day(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().date().isoformat()
