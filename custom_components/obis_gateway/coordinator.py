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
from .devices import async_register_gateway, async_register_meter, async_remove_meter
from .errors import GatewayMismatchError, translated
from .known import Known
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
type EventListener = Callable[[MeterEvent], None]
type MeterListener = Callable[[Meter], None]


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
        self._device_id = ""
        self._described: dict[str, Meter] = {}
        self._hidden: set[str] = set()
        self._changed_units: set[tuple[str, str]] = set()
        self._unasked = 0
        self._by_context: dict[object, dict[object, CALLBACK_TYPE]] = {}
        self._meter_listeners: dict[object, MeterListener] = {}
        self._event_listeners: dict[object, tuple[str | None, EventListener]] = {}
        entry.async_on_unload(partial(async_release, hass, entry))

    # --- for those who look

    def meter(self, meter_id: str) -> Meter | None:
        """Return a meter that is shown, None where there is none."""
        return self.data.meters.get(meter_id)

    @callback
    @override
    def async_add_listener(self, update_callback: CALLBACK_TYPE, context: Any = None) -> CALLBACK_TYPE:
        """Call after each change, or after those of the meter whose id is ``context``."""
        remove = super().async_add_listener(update_callback, context)
        forget = _added(self._by_context.setdefault(context, {}), update_callback)

        @callback
        def removed() -> None:
            forget()
            remove()

        return removed

    @callback
    def async_add_event_listener(self, meter_id: str | None, listener: EventListener) -> CALLBACK_TYPE:
        """Call with what happens at a meter, or at every one."""
        return _added(self._event_listeners, (meter_id, listener))

    @callback
    def async_add_meter_listener(self, listener: MeterListener) -> CALLBACK_TYPE:
        """Call with each meter that is shown, now and whenever it has new registers, limits or options."""
        for meter in self.data.meters.values():
            listener(meter)
        return _added(self._meter_listeners, listener)

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
                for wanted, listener in list(self._event_listeners.values()):
                    if wanted in {None, meter_id}:
                        _call(listener, news)
            case NewReading(meter=meter_id) | Availability(meter=meter_id) if meter_id in self.data.meters:
                self._put(self.known.meters[meter_id])
                self._tell(meter_id)
            case NewReading(meter=meter_id) if meter_id in self._hidden:
                self._hidden.discard(meter_id)
                self._show(self.known.meters[meter_id])
            case MeterChanged(meter=meter):
                self._show(meter)
            case MeterRemoved(meter=meter_id) if meter_id not in self.known.meters:
                async_remove_meter(self.hass, self.config_entry.entry_id, meter_id)
                self._forget(meter_id)
            case _:
                pass

    # --- shown

    @callback
    def _shown(self, gateway: Gateway) -> GatewayData:
        """Return what is shown of all that is known."""
        return GatewayData(gateway, {meter.id: meter for meter in self.known.meters.values() if self._claims(meter)})

    @callback
    def _claims(self, meter: Meter) -> bool:
        """Tell whether a meter is shown here."""
        if meter.id in self._hidden:
            return False
        owner = async_claim(self.hass, self.config_entry, meter.id)
        if owner is self.config_entry:
            if meter.id in self.left_to_others:
                self.left_to_others = {key: title for key, title in self.left_to_others.items() if key != meter.id}
            return True
        if meter.id not in self.left_to_others:
            LOGGER.warning("meter %s of %s is left to %s, which shows it already", meter.id, self.name, owner.title)
            self.left_to_others = {**self.left_to_others, meter.id: owner.title}
            async_remove_meter(self.hass, self.config_entry.entry_id, meter.id)
        return False

    @callback
    def _show(self, meter: Meter) -> None:
        if self._claims(meter):
            self._put(meter)
            self._settle((meter,))
            self._tell(meter.id)

    @callback
    def _put(self, meter: Meter) -> None:
        self.data = GatewayData(self.data.gateway, {**self.data.meters, meter.id: meter})

    @callback
    def _forget(self, meter_id: str) -> None:
        async_release(self.hass, self.config_entry, meter_id)
        self._described.pop(meter_id, None)
        self.data = self._shown(self.data.gateway)
        self._adoption.async_update(self.data.meters)
        self.async_update_listeners()

    @callback
    def _settle(self, meters: Iterable[Meter]) -> None:
        """Let devices, entities and the gateway follow what is shown."""
        hass, entry_id, gateway = self.hass, self.config_entry.entry_id, self.data.gateway
        self._device_id = async_register_gateway(hass, entry_id, gateway, self.client.page)
        for meter in meters:
            before = self._described.get(meter.id)
            if before is None or _description(before) != _description(meter):
                self._described[meter.id] = meter
                if before is not None:
                    self._say_units(before, meter)
                async_register_meter(hass, entry_id, meter, gateway, self._device_id)
                for listener in list(self._meter_listeners.values()):
                    _call(listener, meter)
        self._adoption.async_update(self.data.meters)

    def _say_units(self, before: Meter, now: Meter) -> None:
        """Say once of a register that its unit changed."""
        for key, register in now.registers.items():
            former = before.registers.get(key)
            if former is None or former.unit == register.unit or (now.id, key) in self._changed_units:
                continue
            self._changed_units.add((now.id, key))
            LOGGER.warning(
                "%s: register %s of %s is in %s now, and was in %s",
                *(self.name, register.address or key, now.name),
                *(register.unit or "no unit", former.unit or "no unit"),
            )

    @callback
    def _tell(self, meter_id: str) -> None:
        for context in (meter_id, None):
            for listener in list(self._by_context.get(context, {}).values()):
                _call(listener)


def _added[T](listeners: dict[object, T], listener: T) -> CALLBACK_TYPE:
    key = object()
    listeners[key] = listener

    @callback
    def remove() -> None:
        listeners.pop(key, None)

    return remove


def _call[*Ts](listener: Callable[[*Ts], None], *arguments: *Ts) -> None:
    """Call a listener; a fault of one is said in the log and does not keep the others from theirs."""
    try:
        listener(*arguments)
    except Exception:  # noqa: BLE001 - said whole in the log
        LOGGER.exception("a listener failed; please report this")


def _description(meter: Meter) -> tuple[object, ...]:
    """Return what devices and entities are made of."""
    return (
        meter.name,
        meter.number,
        meter.manufacturer,
        meter.model,
        meter.on_request,
        meter.tariffs,
        meter.thresholds,
        meter.registers,
    )
