"""What Home Assistant's system information says. People paste it in public: no names, no addresses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from homeassistant.components.system_health import SystemHealthRegistration
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback

from .const import DOMAIN
from .coordinator import GatewayCoordinator, client_of
from .errors import translated
from .models import GatewayError
from .targets import async_loaded


@callback
def async_register(_: HomeAssistant, register: SystemHealthRegistration) -> None:
    """Register what is told."""
    register.async_register_info(_async_info, f"/config/integrations/integration/{DOMAIN}")


async def _async_info(hass: HomeAssistant) -> dict[str, Any]:
    entries = [entry for entry in hass.config_entries.async_entries(DOMAIN) if entry.disabled_by is None]
    loaded = async_loaded(hass)

    def of_all[T](value: Callable[[GatewayCoordinator], T]) -> T | str:
        """Return the value of the one gateway, or those of all, told apart by their order."""
        values = [value(coordinator) for coordinator in loaded]
        return values[0] if len(values) == 1 else ", ".join(map(str, values)) or "-"

    return {
        "reachable": _async_reachable(hass, entries),
        "version": of_all(lambda gateway: gateway.data.gateway.version or "-"),
        "api_version": of_all(lambda gateway: gateway.data.gateway.api),
        "stream": of_all(lambda gateway: gateway.streaming),
        "meters": sum(len(gateway.data.meters) for gateway in loaded),
        "meters_available": sum(
            gateway.last_update_success and meter.available
            for gateway in loaded
            for meter in gateway.data.meters.values()
        ),
    }


async def _async_reachable(hass: HomeAssistant, entries: list[ConfigEntry[Any]]) -> str | dict[str, str]:
    """Return ``ok`` when all gateways answer now, else what is wrong with which, by their order."""
    outcomes = await asyncio.gather(*(_async_failure(hass, entry) for entry in entries))
    failures = [
        failure if len(entries) == 1 else f"{place}: {failure}" for place, failure in enumerate(outcomes, 1) if failure
    ]
    return {"type": "failed", "error": ", ".join(failures)} if failures else "ok"


async def _async_failure(hass: HomeAssistant, entry: ConfigEntry[Any]) -> str | None:
    try:
        await client_of(hass, entry.data).health()
    except GatewayError as error:
        return translated(error, "")["translation_key"]
    return None
