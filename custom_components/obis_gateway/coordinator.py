"""What is known of one gateway: told as it happens, asked for where that fails."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_HOST, CONF_PORT, CONF_TOKEN
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed

from .adoption import Adoption
from .chosen import chosen
from .claims import async_claim, async_release
from .client import (
    GatewayAuthError,
    GatewayClient,
    GatewayConnectionError,
    GatewayVersionError,
)
from .const import CONF_TLS, LOGGER
from .devices import Devices, async_device_of, async_disabled
from .errors import GatewayMismatchError, translated
from .known import Known
from .listeners import Listeners
from .models import (
    Availability,
    Change,
    Gateway,
    GatewayError,
    Message,
    Meter,
    MeterChanged,
    MeterEvent,
    MeterRemoved,
    NewReading,
    Snapshot,
    Welcome,
)

POLL_EVERY: Final = timedelta(seconds=30)
CHECK_EVERY: Final = 30
"""Polls of which one is made although the gateway tells everything by itself: a quarter of an hour."""

type ObisConfigEntry = ConfigEntry[GatewayCoordinator]


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
    """One gateway and its meters.

    A listener whose context is a meter's id is called when something of that meter changed, others at every change.
    """

    config_entry: ObisConfigEntry

    def __init__(self, hass: HomeAssistant, entry: ObisConfigEntry, client: GatewayClient) -> None:
        super().__init__(
            hass, LOGGER, config_entry=entry, name=entry.title, update_interval=POLL_EVERY, always_update=False
        )
        self.client = client
        self.known = Known()
        self.streaming = False
        self.error: GatewayError | None = None
        """Why the gateway is not available; None while it is."""
        self.left_to_others: Mapping[str, str] = {}
        """Meters that another entry shows: that entry's title by the meter's id."""
        self.chosen = chosen(entry.options)
        """Registers that are shown because the options say so, as ids of meter and register."""
        self._adoption = Adoption(hass, entry, client)
        self._devices = Devices(hass, entry.entry_id, client.page)
        self._hidden: set[str] = set()
        self._unasked = 0
        self._settled = False
        self._looking = Listeners[()]()
        self._describing = Listeners[Meter]()
        self._happening = Listeners[MeterEvent]()
        entry.async_on_unload(partial(async_release, hass, entry))
        entry.async_on_unload(
            hass.bus.async_listen(dr.EVENT_DEVICE_REGISTRY_UPDATED, self._adopt, event_filter=_was_disabled)
        )

    # --- for those who look

    def meter(self, meter_id: str) -> Meter | None:
        """Return a meter that is shown, None where there is none."""
        return self.data.meters.get(meter_id)

    @callback
    @override
    def async_add_listener(self, update_callback: CALLBACK_TYPE, context: Any = None) -> CALLBACK_TYPE:
        """Call after each change, or after those of the meter whose id is ``context``."""
        remove = super().async_add_listener(update_callback, context)
        forget = self._looking.async_add(context, update_callback)

        @callback
        def removed() -> None:
            forget()
            remove()

        return removed

    @callback
    def async_add_event_listener(self, meter_id: str | None, listener: Callable[[MeterEvent], None]) -> CALLBACK_TYPE:
        """Call with what happens at a meter, or at every one."""
        return self._happening.async_add(meter_id, listener)

    @callback
    def async_add_meter_listener(self, listener: Callable[[Meter], None]) -> CALLBACK_TYPE:
        """Call with each meter that is shown, now and whenever it has new registers, limits or options."""
        for meter in self.data.meters.values():
            listener(meter)
        return self._describing.async_add(None, listener)

    @callback
    def async_hide(self, meter_id: str) -> None:
        """Show a meter no more until it is read again."""
        self._hidden.add(meter_id)
        self._forget(meter_id)

    async def async_leave_all(self) -> None:
        """Tell the gateway that none of its meters is shown here any more."""
        await self._adoption.async_leave_all()

    # --- asked

    @override
    async def _async_update_data(self) -> GatewayData:
        if self.streaming and self._unasked < CHECK_EVERY:
            self._unasked += 1
            return self._shown(self.data.gateway)
        before = self.known.sequence
        try:
            gateway = await self.client.gateway()
            snapshot = await self.client.meters()
            if gateway.id != self.config_entry.unique_id:
                raise GatewayMismatchError(f"another gateway ({gateway.name}) answers at its address")
        except GatewayError as error:
            if self.streaming and isinstance(error, GatewayConnectionError):
                LOGGER.debug("%s told everything, but did not answer: %s", self.name, error)
                return self.data
            raise self._failure(error) from error
        self._unasked = 0
        self.known.look(gateway, before)
        if self.known.snapshot(snapshot, told=False):
            self._adoption.async_told(snapshot.meters)
        self._came_up()
        return self._shown(gateway)

    def _failure(self, error: GatewayError) -> Exception:
        """Note that the gateway is not available, and return what Home Assistant is told."""
        self.error = error
        if self.last_update_success:
            # Said here and not by the base class: a gateway that is started anew is no error.
            self.last_update_success = False
            if self.data is not None:
                level = logging.ERROR if isinstance(error, GatewayVersionError) else logging.INFO
                LOGGER.log(level, "%s is not available: %s", self.name, error)
        said = translated(error, self.name)
        # Other versions and another gateway are tried again as well: it is there that something is put right.
        return ConfigEntryAuthFailed(**said) if isinstance(error, GatewayAuthError) else UpdateFailed(**said)

    @callback
    def _came_up(self) -> None:
        self.error = None
        if not self.last_update_success:
            self.last_update_success = True
            LOGGER.info("%s is available again", self.name)

    @callback
    @override
    def _async_refresh_finished(self) -> None:
        if self.last_update_success:
            self._settle(self.data.meters.values())

    # --- told, by the class Push

    @callback
    def async_stream_began(self) -> None:
        """Rely on the stream: all that happened has been taken."""
        self.streaming = True
        self._unasked = 0
        if not self.last_update_success:
            self._came_up()
            self.async_update_listeners()

    @callback
    def async_stream_ended(self) -> None:
        """Rely on polling."""
        self.streaming = False

    @callback
    def async_take(self, message: Message) -> None:
        """Take what the gateway tells. Raises GatewayResponseError where something was left out."""
        match message:
            case Welcome(gateway=gateway):
                self.known.welcome(gateway)
                self.data = GatewayData(gateway, self.data.meters)
            case Snapshot():
                if not message.complete:
                    LOGGER.info("what happened at the meters of %s while it was away is not known", self.name)
                self.known.snapshot(message, told=True)
                self._adoption.async_told(message.meters)
                self.data = self._shown(self.data.gateway)
                self._settle(self.data.meters.values())
                self.async_update_listeners()
            case _:
                if (news := self.known.change(message)) is not None:
                    self._changed(news)

    @callback
    def _changed(self, news: Change) -> None:
        match news:
            case MeterEvent(meter=meter_id) if meter_id in self.data.meters:
                if not self.last_update_success:
                    # It happened while the gateway was away: an entity that is not available could not show it.
                    self._came_up()
                    self.async_update_listeners()
                self._happening.async_call(meter_id, news)
                if (replaced := news.details.get("previous_meter")) not in {None, meter_id}:
                    # Automations wait at the old meter's entity: the new one's is only just being made.
                    self._happening.async_call_only(replaced, news)
            case NewReading(meter=meter_id) | Availability(meter=meter_id) if meter_id in self.data.meters:
                self._put(self.known.meters[meter_id])
                self._looking.async_call(meter_id)
            case NewReading(meter=meter_id) if meter_id in self._hidden:
                self._hidden.discard(meter_id)
                self._show(self.known.meters[meter_id])
            case MeterChanged(meter=meter):
                self._show(meter)
            case MeterRemoved(meter=meter_id) if meter_id not in self.known.meters:
                self._devices.async_remove(meter_id)
                self._forget(meter_id)
            case _:
                pass

    # --- shown

    @callback
    def _shown(self, gateway: Gateway) -> GatewayData:
        """Return what is shown of all that is known."""
        meters = {meter.id: meter for meter in self.known.meters.values() if self._claims(meter)}
        if gone := self.left_to_others.keys() - self.known.meters.keys():
            self.left_to_others = {key: title for key, title in self.left_to_others.items() if key not in gone}
        return GatewayData(gateway, meters)

    @callback
    def _claims(self, meter: Meter) -> bool:
        """Tell whether a meter is shown here."""
        if meter.id in self._hidden:
            return False
        if meter.replaced_by and async_device_of(self.hass, self.config_entry.entry_id, meter.id) is None:
            # The gateway names it until it is started anew, its owner has removed it or never had it.
            return False
        owner = async_claim(self.hass, self.config_entry, meter.id)
        if owner is self.config_entry:
            if meter.id in self.left_to_others:
                self.left_to_others = {key: title for key, title in self.left_to_others.items() if key != meter.id}
            return True
        if meter.id not in self.left_to_others:
            LOGGER.warning("meter %s of %s is left to %s, which shows it already", meter.id, self.name, owner.title)
            self._devices.async_remove(meter.id)
        self.left_to_others = {**self.left_to_others, meter.id: owner.title}
        return False

    @callback
    def _show(self, meter: Meter) -> None:
        if self._claims(meter):
            self._put(meter)
            self._settle((meter,))
            self._looking.async_call(meter.id)

    @callback
    def _put(self, meter: Meter) -> None:
        self.data = GatewayData(self.data.gateway, {**self.data.meters, meter.id: meter})

    @callback
    def _forget(self, meter_id: str) -> None:
        async_release(self.hass, self.config_entry, meter_id)
        self._devices.async_forget(meter_id)
        self.data = self._shown(self.data.gateway)
        self._adopt()
        self.async_update_listeners()

    @callback
    def _settle(self, meters: Iterable[Meter]) -> None:
        """Let devices, entities and the gateway follow what is shown."""
        self._settled = True
        for meter in self._devices.async_follow(self.data.gateway, meters):
            self._describing.async_call(None, meter)
        self._adopt()

    @callback
    def _adopt(self, _: object = None) -> None:
        """Tell the gateway which meters are shown; those whose devices the user has disabled are not."""
        if not self._settled:
            return  # Nothing is known yet.
        disabled = async_disabled(self.hass, self.config_entry.entry_id)
        shown = {meter_id: meter for meter_id, meter in self.data.meters.items() if meter_id not in disabled}
        self._adoption.async_update(shown)


@callback
def _was_disabled(event_data: dr.EventDeviceRegistryUpdatedData) -> bool:
    """Tell whether a device was disabled or enabled."""
    return event_data["action"] == "update" and "disabled_by" in event_data["changes"]
