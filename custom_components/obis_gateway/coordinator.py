"""What is known of one gateway: pushed as it happens, polled where that fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_HOST, CONF_PORT, CONF_TOKEN
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed

from .client import GatewayClient
from .const import CONF_TLS, DOMAIN, LOGGER
from .errors import translated
from .models import Gateway, GatewayError, Meter, MeterEvent

POLL_EVERY = timedelta(seconds=30)

type ObisConfigEntry = ConfigEntry[GatewayCoordinator]
type EventListener = Callable[[MeterEvent], None]


@dataclass(frozen=True, slots=True)
class GatewayData:
    """The gateway and the meters that are shown, by their ids."""

    gateway: Gateway
    meters: Mapping[str, Meter]


def client_of(hass: HomeAssistant, data: Mapping[str, Any]) -> GatewayClient:
    """Return the client of a config entry's data; the token may be missing yet."""
    return GatewayClient(
        async_get_clientsession(hass),
        data[CONF_HOST],
        data[CONF_PORT],
        data.get(CONF_TOKEN),
        tls=data.get(CONF_TLS, False),
    )


class GatewayCoordinator(DataUpdateCoordinator[GatewayData]):
    """One gateway's meters."""

    config_entry: ObisConfigEntry

    def __init__(self, hass: HomeAssistant, entry: ObisConfigEntry, client: GatewayClient) -> None:
        super().__init__(
            hass, LOGGER, config_entry=entry, name=DOMAIN, update_interval=POLL_EVERY, always_update=False
        )
        self.client = client
        self.streaming = False
        self.left_to_others: Mapping[str, str] = {}
        """Meters that another entry shows: its title by the meter's id."""
        self._event_listeners: dict[object, tuple[str | None, EventListener]] = {}

    def meter(self, meter_id: str) -> Meter | None:
        """Return a meter that is shown, None where there is none."""
        return self.data.meters.get(meter_id)

    @callback
    def async_add_event_listener(self, meter_id: str | None, listener: EventListener) -> CALLBACK_TYPE:
        """Call with what happens at a meter, or at every one; return what ends that."""
        key = object()
        self._event_listeners[key] = (meter_id, listener)

        @callback
        def remove() -> None:
            self._event_listeners.pop(key, None)

        return remove

    async def _async_update_data(self) -> GatewayData:
        try:
            return GatewayData(await self.client.gateway(), await self.client.meters())
        except GatewayError as error:
            raise UpdateFailed(**translated(error, self.config_entry.title)._asdict()) from error
