"""What a form says when something does not work: the key of a translated error and what is filled in there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from .address import Address
from .client import (
    GatewayAuthError,
    GatewayBusyError,
    GatewayCertificateError,
    GatewayConnectionError,
    GatewayLockedError,
    GatewayPairingError,
    GatewayRefusedError,
    GatewayUnknownHostError,
    GatewayVersionError,
)
from .models import GatewayError

_KEYS: Final = {
    GatewayUnknownHostError: "unknown_host",
    GatewayBusyError: "too_many_connections",
    GatewayCertificateError: "certificate_not_trusted",
    GatewayAuthError: "token_revoked",
}
_REFUSALS: Final = frozenset({"forbidden_host", "threshold_conflict", "unknown_meter"})
"""Problems of the API that have a text of their own; of others the gateway's words are shown."""


class Trouble(NamedTuple):
    """An error of a form."""

    key: str
    placeholders: Mapping[str, str]


def trouble(error: GatewayError, address: Address) -> Trouble:
    """Return what to say of an error of the gateway at an address."""
    where = {"address": str(address), "host": address.host}
    if (key := _KEYS.get(type(error))) is not None:
        return Trouble(key, where)
    match error:
        case GatewayConnectionError():
            return Trouble("nothing_at_loopback" if address.is_loopback else "cannot_connect", where)
        case GatewayVersionError(api=api, gateway_is_newer=newer):
            return Trouble("gateway_newer" if newer else "gateway_older", {"api": api})
        case GatewayLockedError(retry_after=seconds):
            return Trouble("locked", {"minutes": str(max(1, -(-seconds // 60)))})
        case GatewayPairingError(reason=reason):
            return Trouble(reason, {})
        case GatewayRefusedError(problem=problem):
            return Trouble(problem, where) if problem in _REFUSALS else Trouble("refused", {"reason": str(error)})
        case _:
            return Trouble("not_gateway", where)
