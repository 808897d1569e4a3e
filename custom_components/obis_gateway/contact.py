"""What the flows ask of a gateway: whether it is there, a token for a code, the end of a token."""

from __future__ import annotations

from homeassistant.core import HomeAssistant

from .address import Address
from .client import (
    GatewayAuthError,
    GatewayBusyError,
    GatewayCertificateError,
    GatewayClient,
    GatewayConnectionError,
    GatewayPairingError,
    GatewayUnknownHostError,
)
from .const import CONF_TLS, LOGGER
from .coordinator import client_of
from .models import Gateway, GatewayError
from .trouble import Trouble, trouble

_DIGITS = 6
_LONGEST_NAME = 64
"""What the gateway takes as a client's name."""


async def async_look(hass: HomeAssistant, address: Address) -> Trouble | None:
    """Return None when a gateway of our version answers at an address, else what is wrong."""
    try:
        await client_of(hass, address.data).health()
    except GatewayConnectionError as error:
        # These know better than the other scheme would; and what does not answer at all is not waited for twice.
        known = isinstance(error, GatewayUnknownHostError | GatewayBusyError | GatewayCertificateError)
        if known or isinstance(error.__cause__, TimeoutError) or not await _async_other_scheme(hass, address):
            return trouble(error, address)
        return Trouble("without_tls" if address.tls else "only_tls", {"address": str(address)})
    except GatewayError as error:
        return trouble(error, address)
    return None


async def async_pair(hass: HomeAssistant, address: Address, code: str) -> tuple[str, Gateway]:
    """Return a token, and the gateway that gave it. Raises GatewayError."""
    digits = "".join(sign for sign in code if sign.isalnum())
    if len(digits) != _DIGITS or not (digits.isascii() and digits.isdecimal()):
        # Not one of the five tries is wasted.
        raise GatewayPairingError("invalid_code", "a code has six digits")
    client = client_of(hass, address.data)
    # A gateway of another version is not left with a token that nobody uses.
    await client.health()
    return await client.pair(digits, _client_name(hass))


async def async_knows(client: GatewayClient) -> bool:
    """Tell whether a gateway answers and takes the client's token."""
    try:
        await client.gateway()
    except GatewayError:
        return False
    return True


async def async_discard(client: GatewayClient) -> None:
    """End a token that is not used any more."""
    try:
        await client.revoke()
    except GatewayAuthError:
        return
    except GatewayError as error:
        LOGGER.warning(
            "The gateway at %s keeps a token that is not used any more (%s): end it there with 'obis-gateway tokens'",
            client.page,
            error,
        )


def _client_name(hass: HomeAssistant) -> str:
    """Return the name for the gateway's list of tokens."""
    location = "".join(sign for sign in hass.config.location_name if sign.isprintable()).strip()
    room = _LONGEST_NAME - len("Home Assistant ()")
    return f"Home Assistant ({location[:room]})" if location else "Home Assistant"


async def _async_other_scheme(hass: HomeAssistant, address: Address) -> bool:
    """Tell whether the gateway would answer with TLS instead of without, or the other way round."""
    try:
        await client_of(hass, {**address.data, CONF_TLS: not address.tls}).health()
    except GatewayCertificateError:
        return True
    except GatewayError:
        return False
    return True
