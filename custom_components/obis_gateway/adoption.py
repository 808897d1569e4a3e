"""Tells the gateway which meters are shown here, so that MQTT does not show them too, and which limits to watch."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback

from .client import GatewayAuthError, GatewayClient, GatewayConnectionError
from .const import CONF_THRESHOLDS, LOGGER
from .models import GatewayError, Meter


class Adoption:
    """What one entry tells of the meters that it shows. What fails is told again at the next occasion."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry[Any], client: GatewayClient) -> None:
        self._hass = hass
        self._entry = entry
        self._client = client
        self._shown: Mapping[str, Meter] = {}
        self._adopted: dict[str, bool] = {}
        self._limited: set[str] = set()
        self._refused: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    @callback
    def async_told(self, meters: Mapping[str, Meter]) -> None:
        """Take what the gateway itself says of who shows which meter."""
        self._adopted |= {meter.id: meter.adopted for meter in meters.values() if meter.adopted is not None}

    @callback
    def async_update(self, shown: Mapping[str, Meter]) -> None:
        """Tell what has changed, where this entry shows these meters."""
        self._shown = shown
        self._limited &= shown.keys()
        if self._due() and (self._task is None or self._task.done()):
            self._task = self._entry.async_create_background_task(
                self._hass, self._tell(), f"adoption by {self._entry.title}"
            )

    async def async_leave_all(self) -> None:
        """Tell that no meter is shown here any more."""
        self._shown = {}
        await self._tell()

    def _due(self) -> list[str]:
        """Return the meters of which something is to be told."""
        shown = self._shown
        unsaid = [meter_id for meter_id in shown if not self._adopted.get(meter_id) or meter_id not in self._limited]
        gone = [meter_id for meter_id, adopted in self._adopted.items() if adopted and meter_id not in shown]
        return [meter_id for meter_id in (*unsaid, *gone) if meter_id not in self._refused]

    async def _tell(self) -> None:
        while due := self._due():
            for meter_id in due:
                try:
                    await self._tell_of(meter_id)
                except (GatewayConnectionError, GatewayAuthError) as error:
                    LOGGER.debug("%s could not be told of its meters: %s", self._entry.title, error)
                    return
                except GatewayError as error:
                    # It understood and will not: once is enough.
                    self._refused.add(meter_id)
                    LOGGER.warning("%s refuses what was asked for meter %s: %s", self._entry.title, meter_id, error)

    async def _tell_of(self, meter_id: str) -> None:
        meter = self._shown.get(meter_id)
        if self._adopted.get(meter_id, False) != (meter is not None):
            await (self._client.leave(meter_id) if meter is None else self._client.adopt(meter_id))
            self._adopted[meter_id] = meter is not None
        if meter is not None and meter_id not in self._limited:
            wanted = self._entry.options.get(CONF_THRESHOLDS, {}).get(meter_id, [])
            if wanted or any(threshold.from_client for threshold in meter.thresholds):
                await self._client.set_thresholds(meter_id, wanted)
            self._limited.add(meter_id)
