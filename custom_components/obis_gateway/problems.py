"""Finds what the owner has to know or can put right, and takes it back when it is over.

Each rule answers with a notice or None; what was said is compared with it, so that nothing is said twice or flickers.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from typing import Final

from homeassistant.config_entries import SIGNAL_CONFIG_ENTRY_CHANGED, ConfigEntry, ConfigEntryChange, ConfigEntryState
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.event import async_track_time_interval

from . import notices
from .client import GatewayVersionError
from .const import DOMAIN
from .coordinator import GatewayCoordinator, ObisConfigEntry
from .devices import async_device_of
from .issues import REPLACED, Issue, async_clear, async_of_entry, async_say
from .memory import Memory, Watched, async_forget, async_memory
from .models import Meter, MeterEvent
from .notices import APART, MISPLACED, OUTDATED, SILENT, TWICE, TWO_GATEWAYS

LOOK_EVERY: Final = timedelta(minutes=1)
TWICE_FOR: Final = 120.0
"""Seconds that the gateway has for withdrawing a meter from MQTT discovery after it was adopted."""

EVENT_REPLACED: Final = "meter_replaced"


@callback
def async_setup_problems(hass: HomeAssistant) -> None:
    """Look after entries that are not loaded: those that do not fit their gateway, and those that are removed."""

    @callback
    def changed(change: ConfigEntryChange, entry: ConfigEntry) -> None:
        if entry.domain != DOMAIN:
            return
        if change is ConfigEntryChange.REMOVED:
            async_clear(hass, entry.entry_id)
            hass.async_create_task(async_forget(hass, entry.entry_id), f"forget {entry.title}")
        elif entry.disabled_by is not None:
            async_clear(hass, entry.entry_id)
        elif entry.state in {ConfigEntryState.SETUP_ERROR, ConfigEntryState.SETUP_RETRY}:
            api = (entry.error_reason_translation_placeholders or {}).get("api", "")
            key = entry.error_reason_translation_key
            if key in {"gateway_newer", "gateway_older"}:
                async_say(hass, entry.entry_id, notices.versions_apart(entry, api, newer=key == "gateway_newer"))

    async_dispatcher_connect(hass, SIGNAL_CONFIG_ENTRY_CHANGED, changed)


async def async_watch(entry: ObisConfigEntry) -> None:
    """Look for problems of an entry that is set up, until it is unloaded."""
    coordinator = entry.runtime_data
    memory = await async_memory(coordinator.hass, entry.entry_id)
    _Watch(coordinator, memory).async_start()


class _Watch:
    """Looks at each reading, and once a minute for what comes by nothing happening."""

    def __init__(self, coordinator: GatewayCoordinator, memory: Memory) -> None:
        self._coordinator = coordinator
        self._memory = memory
        self._hass = coordinator.hass
        self._entry = coordinator.config_entry
        self._said: dict[str, Issue] = {}
        self._of_meters: dict[tuple[str, str], Issue] = {}
        self._twice: dict[str, float] = {}
        """Since when meters are shown by MQTT as well."""
        self._away = False

    @callback
    def async_start(self) -> None:
        """Begin, and end with the entry."""
        on_unload = self._entry.async_on_unload
        on_unload(partial(async_clear, self._hass, self._entry.entry_id, unloaded=True))
        self._look()
        for issue_id in async_of_entry(self._hass, self._entry.entry_id).keys() - self._said.keys():
            ir.async_delete_issue(self._hass, DOMAIN, issue_id)
        on_unload(self._coordinator.async_add_listener(self._updated))
        on_unload(self._coordinator.async_add_event_listener(None, self._happened))
        on_unload(async_track_time_interval(self._hass, self._look, LOOK_EVERY))
        on_unload(self._hass.bus.async_listen(dr.EVENT_DEVICE_REGISTRY_UPDATED, self._device_changed))

    # --- when

    @callback
    def _updated(self) -> None:
        self._look_for_return()
        meters, watched = self._coordinator.data.meters, self._memory.watched
        for meter in meters.values():
            if meter.id not in watched or watched[meter.id].meter is not meter:
                self._look_at(meter)
        if len(meters) != len(watched):
            self._forget_others()
        self._look_at_entry()

    @callback
    def _look(self, _: datetime | None = None) -> None:
        self._look_for_return()
        self._forget_others()
        self._look_at_entry()
        if self._coordinator.last_update_success:
            for meter in self._coordinator.data.meters.values():
                self._look_at(meter)
        self._look_for_replaced()
        self._look_for_twins()

    @callback
    def _device_changed(self, event: Event[dr.EventDeviceRegistryUpdatedData]) -> None:
        if event.data["action"] == "remove":
            self._look_for_replaced()
            self._look_for_twins()

    @callback
    def _happened(self, event: MeterEvent) -> None:
        before = event.details.get("previous_meter")
        if event.event_type == EVENT_REPLACED and before:
            self._replaced(before, event.meter)

    # --- what

    @callback
    def _look_for_return(self) -> None:
        """Have patience with all meters anew when the gateway is back: it may have to read them first."""
        away, self._away = self._away, not self._coordinator.last_update_success
        if away and not self._away:
            for watched in self._memory.watched.values():
                watched.silence.began = monotonic()

    @callback
    def _look_at(self, meter: Meter) -> None:
        now = monotonic()
        watched = self._memory.of(meter, now)
        is_new = watched.meter is not meter
        if is_new:
            watched.meter = meter
            watched.damage.take(meter.health)
            self._look_whether_replaced(meter)
        last = watched.silence.last
        watched.silence.take(meter, now)
        if watched.silence.last != last:
            self._memory.async_arrived(meter)
        wanted = not meter.replaced_by and watched.silence.long, not meter.replaced_by and watched.damage.much
        said = (SILENT, meter.id) in self._of_meters, (MISPLACED, meter.id) in self._of_meters
        if wanted != said or (is_new and any(said)):
            self._say_how_reading_goes(meter, watched, is_silent=wanted[0], is_damaged=wanted[1])
            self._memory.async_save()

    @callback
    def _say_how_reading_goes(self, meter: Meter, watched: Watched, *, is_silent: bool, is_damaged: bool) -> None:
        title, silent, misplaced = self._entry.title, None, None
        if (device := self._device(meter.id)) is not None:
            if is_silent:
                before = self._of_meters.get((SILENT, meter.id))
                silent = notices.silent(meter, device, watched.silence.last, title, before)
            if is_damaged:
                misplaced = notices.misplaced(meter, device, title)
        self._say_of(SILENT, meter.id, silent)
        self._say_of(MISPLACED, meter.id, misplaced)

    @callback
    def _look_whether_replaced(self, meter: Meter) -> None:
        if meter.replaced_by:
            self._replaced(meter.id, meter.replaced_by)
        elif meter.available and (meter.id in self._memory.replaced or meter.id in self._memory.answered):
            # It is read again.
            self._memory.answered.discard(meter.id)
            self._memory.replaced.pop(meter.id, None)
            self._look_for_replaced()

    @callback
    def _replaced(self, before: str, now: str) -> None:
        if before not in self._memory.answered and self._memory.replaced.get(before) != now:
            self._memory.replaced[before] = now
            self._look_for_replaced()

    @callback
    def _look_for_replaced(self) -> None:
        """Ask about the devices of replaced meters for as long as they are there."""
        issues = []
        for before, now in [*self._memory.replaced.items()]:
            if (device := self._device(before)) is None:
                del self._memory.replaced[before]
            else:
                issues.append(notices.replaced(before, device, now, self._device(now)))
        self._say_all(REPLACED, issues)
        self._memory.async_save()

    @callback
    def _look_at_entry(self) -> None:
        coordinator, entry = self._coordinator, self._entry
        apart = None
        if isinstance(error := coordinator.error, GatewayVersionError):
            apart = notices.versions_apart(entry, error.api, newer=error.gateway_is_newer)
        self._say_all(APART, [apart])
        outdated = notices.outdated(entry, coordinator.data.gateway) if apart is None else None
        self._say_all(OUTDATED, [outdated])
        left = coordinator.left_to_others
        self._say_all(TWO_GATEWAYS, [notices.two_gateways(entry, left) if left else None])

    @callback
    def _look_for_twins(self) -> None:
        """Look for devices that MQTT discovery has made of meters that are shown here."""
        by_mqtt = async_shown_by_mqtt(self._hass)
        meters = [meter_id for meter_id in self._coordinator.data.meters if f"{DOMAIN}_{meter_id}" in by_mqtt]
        now = monotonic()
        self._twice = {meter_id: self._twice.get(meter_id, now) for meter_id in meters}
        self._say_all(
            TWICE,
            [
                notices.shown_by_mqtt(meter_id, device, self._entry.title)
                for meter_id, since in self._twice.items()
                if now - since >= TWICE_FOR and (device := self._device(meter_id)) is not None
            ],
        )

    def _device(self, meter_id: str) -> dr.DeviceEntry | None:
        return async_device_of(self._hass, self._entry.entry_id, meter_id)

    @callback
    def _forget_others(self) -> None:
        """Forget meters that are shown no more."""
        for meter_id in self._memory.watched.keys() - self._coordinator.data.meters.keys():
            self._memory.forget(meter_id)
            self._say_of(SILENT, meter_id, None)
            self._say_of(MISPLACED, meter_id, None)
            self._memory.async_save()

    # --- said

    @callback
    def _say_of(self, kind: str, meter_id: str, issue: Issue | None) -> None:
        """Say this of a meter, and nothing else of the kind."""
        said = self._of_meters.pop((kind, meter_id), None)
        if issue is not None:
            self._of_meters[kind, meter_id] = issue
            self._put(issue)
        if said is not None and (issue is None or issue.id != said.id):
            self._take_back(said.id)

    @callback
    def _say_all(self, kind: str, issues: Iterable[Issue | None]) -> None:
        """Say these, and no others of the kind."""
        wanted = {issue.id: issue for issue in issues if issue is not None}
        for issue in wanted.values():
            self._put(issue)
        for issue_id in [said.id for said in self._said.values() if said.kind == kind and said.id not in wanted]:
            self._take_back(issue_id)

    @callback
    def _put(self, issue: Issue) -> None:
        if self._said.get(issue.id) != issue:
            self._said[issue.id] = issue
            async_say(self._hass, self._entry.entry_id, issue)

    @callback
    def _take_back(self, issue_id: str) -> None:
        self._said.pop(issue_id, None)
        ir.async_delete_issue(self._hass, DOMAIN, issue_id)


@callback
def async_shown_by_mqtt(hass: HomeAssistant) -> set[str]:
    """Return the identifiers of all devices by MQTT that are not disabled."""
    registry = dr.async_get(hass)
    return {
        identifier[1]
        for entry in hass.config_entries.async_entries("mqtt")
        for device in dr.async_entries_for_config_entry(registry, entry.entry_id)
        if device.disabled_by is None
        for identifier in device.identifiers
        if identifier[0] == "mqtt"
    }
