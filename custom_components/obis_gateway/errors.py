"""What a gateway's error is called in this integration's translations."""

from __future__ import annotations

from typing import TypedDict

from .client import (
    GatewayAuthError,
    GatewayCertificateError,
    GatewayConnectionError,
    GatewayRefusedError,
    GatewayVersionError,
)
from .const import DOMAIN
from .models import GatewayError, GatewayResponseError


class GatewayMismatchError(GatewayError):
    """Another gateway answers at the address."""


class Translated(TypedDict):
    """Keywords of Home Assistant's exceptions: ``HomeAssistantError(**translated(error, gateway))``."""

    translation_domain: str
    translation_key: str
    translation_placeholders: dict[str, str]


def translated(error: GatewayError, gateway: str, **more: str) -> Translated:
    """Return how an error is said; ``gateway`` is the name under which the user knows it."""
    placeholders = {"gateway": gateway, "error": str(error), **more}
    match error:
        case GatewayCertificateError():
            key = "bad_certificate"
        case GatewayConnectionError():
            key = "cannot_connect"
        case GatewayAuthError():
            key = "invalid_auth"
        case GatewayVersionError(gateway_is_newer=newer, api=api):
            key = "gateway_newer" if newer else "gateway_older"
            placeholders["api"] = api
        case GatewayMismatchError():
            key = "another_gateway"
        case GatewayResponseError():
            key = "invalid_answer"
        case GatewayRefusedError(problem="read_failed" | "read_timeout" | "not_on_request" | "unknown_meter" as key):
            pass
        case _:
            key = "refused"
    return Translated(translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders)
