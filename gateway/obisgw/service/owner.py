"""What the owner asks of a running service by its control socket: pairing codes, tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from obisgw.web.pairing import VALID_FOR

if TYPE_CHECKING:
    from obisgw.web.clients import Clients
    from obisgw.web.pairing import Pairing


def answer(clients: Clients, pairing: Pairing, now: float, request: dict[str, Any]) -> dict[str, Any]:
    """Do what ``request`` names: ``pair``, ``tokens`` or ``revoke``. Raises ValueError for anything else."""
    if request.get("command") == "pair":
        return {"code": pairing.open(now), "seconds": VALID_FOR}
    return answer_without_pairing(clients, request)


def answer_without_pairing(clients: Clients, request: dict[str, Any]) -> dict[str, Any]:
    """Do what needs no running service."""
    match request:
        case {"command": "tokens"}:
            return {
                "tokens": [
                    {
                        "id": client.id,
                        "name": client.name,
                        "created": client.created,
                        "last_used": client.last_used,
                        "adopted": sorted(client.adopted),
                    }
                    for client in clients.list()
                ]
            }
        case {"command": "revoke", "ids": [*ids]}:
            return {"revoked": [one for one in ids if isinstance(one, str) and clients.revoke(one)]}
        case _:
            raise ValueError(f"unknown command {str(request.get('command'))[:40]!r}")
