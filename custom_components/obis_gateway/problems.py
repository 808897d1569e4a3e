"""Finds what the owner has to know or can put right, and takes it back when it is over.

Each rule answers with a notice or None; what was said is compared with it, so that nothing is said twice or flickers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
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
from homeassistant.util.hass_dict import HassKey

from . import notices
from .client import GatewayVersionError
from .const import DOMAIN
from .coordinator import GatewayCoordinator, ObisConfigEntry
from .damage import Damage
from .devices import async_device_of
from .issues import REPLACED, Issue, async_clear, async_of_entry, async_say
from .models import Meter, MeterEvent
from .notices import APART, MISPLACED, OUTDATED, SILENT, TWICE, TWO_GATEWAYS
from .silence import Silence, last_reading

LOOK_EVERY: Final = timedelta(minutes=1)
TWICE_FOR: Final = 120.0
"""Seconds that the gateway has for withdrawing a meter from MQTT discovery after it was adopted."""

EVENT_REPLACED: Final = "meter_replaced"

CONF_KEPT: Final = "kept"
"""In an entry's data: the replaced meters whose devices the owner wants to keep."""


@dataclass(slots=True)
class _Watched:
    """What is remembered of one meter, also while its entry is loaded anew."""

    meter: Meter | None
    silence: Silence
    damage: Damage


_MEMORY: HassKey[dict[str, dict[str, _Watched]]] = HassKey(f"{DOMAIN}.problems")


@callback
def async_setup_problems(hass: HomeAssistant) -> None:
    """Look after entries that are not loaded: those that do not fit their gateway, and those that are removed."""
    memory = hass.data.setdefault(_MEMORY, {})

    @callback
    def changed(change: ConfigEntryChange, entry: ConfigEntry) -> None:
        if entry.domain != DOMAIN:
            return
        if change is ConfigEntryChange.REMOVED or entry.disabled_by is not None:
            memory.pop(entry.entry_id, None)
            async_clear(hass, entry.entry_id)
        elif entry.state is ConfigEntryState.SETUP_RETRY:
            api = (entry.error_reason_translation_placeholders or {}).get("api", "")
            key = entry.error_reason_translation_key
            if key in {"gateway_newer", "gateway_older"}:
                async_say(hass, entry.entry_id, notices.versions_apart(entry, api, newer=key == "gateway_newer"))

    async_dispatcher_connect(hass, SIGNAL_CONFIG_ENTRY_CHANGED, changed)


@callback
def async_watch(entry: ObisConfigEntry) -> None:
    """Look for problems of an entry that is set up, until it is unloaded."""
    _Watch(entry.runtime_data).async_start()


@callback
def async_head_was_moved(hass: HomeAssistant, entry_id: str, meter_id: str) -> None:
    """Forget the damage before."""
    if (watched := hass.data[_MEMORY].get(entry_id, {}).get(meter_id)) is not None:
        watched.damage.forget()


class _Watch:
    """Looks at each reading, and once a minute for what comes by nothing happening."""

    def __init__(self, coordinator: GatewayCoordinator) -> None:
        self._coordinator = coordinator
        self._hass = coordinator.hass
        self._entry = coordinator.config_entry
        self._watched = self._hass.data[_MEMORY].setdefault(self._entry.entry_id, {})
        self._said: dict[str, Issue] = {}
        self._twice: dict[str, float] = {}
        """Since when meters are shown by MQTT as well."""
        self._away = False

    @callback
    def async_start(self) -> None:
        """Begin, and end with the entry."""
        on_unload = self._entry.async_on_unload
        on_unload(partial(async_clear, self._hass, self._entry.entry_id, unloaded=True))
        self._look()
        for issue_id, issue in async_of_entry(self._hass, self._entry.entry_id).items():
            if issue_id not in self._said and (issue.data or {}).get("kind") != REPLACED:
                ir.async_delete_issue(self._hass, DOMAIN, issue_id)
        on_unload(self._coordinator.async_add_listener(self._updated))
        on_unload(self._coordinator.async_add_event_listener(None, self._happened))
        on_unload(async_track_time_interval(self._hass, self._look, LOOK_EVERY))
        on_unload(self._hass.bus.async_listen(dr.EVENT_DEVICE_REGISTRY_UPDATED, self._device_changed))

    # --- when

    @callback
    def _updated(self) -> None:
        self._look_for_return()
        meters = self._coordinator.data.meters
        for meter in meters.values():
            watched = self._watched.get(meter.id)
            if watched is None or watched.meter is not meter:
                self._look_at(meter)
        if len(meters) != len(self._watched):
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
        self._look_for_twins()

    @callback
    def _device_changed(self, event: Event[dr.EventDeviceRegistryUpdatedData]) -> None:
        if event.data["action"] == "remove":
            self._look_for_twins()
            self._look_for_answered()

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
            for watched in self._watched.values():
                watched.silence.began = monotonic()

    @callback
    def _look_at(self, meter: Meter) -> None:
        now = monotonic()
        watched = self._watched.get(meter.id)
        if watched is None:
            watched = self._watched[meter.id] = self._remembered(meter, now)
        if watched.meter is not meter:
            watched.meter = meter
            watched.damage.take(meter.health)
        watched.silence.take(meter, now)
        self._say(SILENT, meter.id, self._silent(meter) if watched.silence.long and not meter.replaced_by else None)
        misplaced = watched.damage.much and not meter.replaced_by
        self._say(MISPLACED, meter.id, notices.misplaced(meter, self._entry.title) if misplaced else None)
        if meter.replaced_by:
            self._replaced(meter.id, meter.replaced_by)
        elif meter.available:
            self._not_replaced(meter.id)

    def _silent(self, meter: Meter) -> Issue:
        return notices.silent(meter, self._entry.title, self._said.get(f"{SILENT}_{meter.id}"))

    def _remembered(self, meter: Meter, now: float) -> _Watched:
        """Return what is known of a meter that is new here, by what was said before the restart."""
        said = async_of_entry(self._hass, self._entry.entry_id)
        silent = said.get(f"{SILENT}_{meter.id}")
        last = last_reading(meter) if silent is None else str((silent.data or {}).get("last", ""))
        silence = Silence(now, last, long=silent is not None)
        return _Watched(None, silence, Damage(much=f"{MISPLACED}_{meter.id}" in said))

    @callback
    def _replaced(self, before: str, now: str) -> None:
        entry_id = self._entry.entry_id
        device = async_device_of(self._hass, entry_id, before)
        if device is None or before in self._entry.data.get(CONF_KEPT, []):
            return
        new, new_device = self._coordinator.meter(now), async_device_of(self._hass, entry_id, now)
        names = {
            "meter": device.name_by_user or device.name or before,
            "number": device.serial_number or before,
            "new_meter": (new_device and (new_device.name_by_user or new_device.name)) or now,
            "new_number": (new and new.number) or now,
        }
        self._put(notices.replaced(before, names))

    @callback
    def _not_replaced(self, meter_id: str) -> None:
        """Take back what was asked of a meter that is read again, and what was answered."""
        issue_id = f"{REPLACED}_{meter_id}"
        if ir.async_get(self._hass).async_get_issue(DOMAIN, issue_id) is not None:
            self._take_back(issue_id)
        kept = self._entry.data.get(CONF_KEPT, [])
        if meter_id in kept:
            data = {**self._entry.data, CONF_KEPT: [one for one in kept if one != meter_id]}
            self._hass.config_entries.async_update_entry(self._entry, data=data)

    @callback
    def _look_for_answered(self) -> None:
        """Ask no more about the device of a replaced meter that was removed elsewhere."""
        for issue_id, issue in async_of_entry(self._hass, self._entry.entry_id).items():
            data = issue.data or {}
            gone = async_device_of(self._hass, self._entry.entry_id, str(data.get("meter"))) is None
            if data.get("kind") == REPLACED and gone:
                self._take_back(issue_id)

    @callback
    def _look_at_entry(self) -> None:
        coordinator, entry = self._coordinator, self._entry
        apart = None
        if isinstance(error := coordinator.error, GatewayVersionError):
            apart = notices.versions_apart(entry, error.api, newer=error.gateway_is_newer)
        self._say(APART, entry.entry_id, apart)
        outdated = notices.outdated(entry, coordinator.data.gateway) if apart is None else None
        self._say(OUTDATED, entry.entry_id, outdated)
        left = coordinator.left_to_others
        self._say_all(TWO_GATEWAYS, [notices.two_gateways(entry, meter_id, other) for meter_id, other in left.items()])

    @callback
    def _look_for_twins(self) -> None:
        """Look for devices that MQTT discovery has made of meters that are shown here."""
        registry = dr.async_get(self._hass)
        by_mqtt = {
            identifier
            for entry in self._hass.config_entries.async_entries("mqtt")
            for device in dr.async_entries_for_config_entry(registry, entry.entry_id)
            if device.disabled_by is None
            for identifier in device.identifiers
        }
        now = monotonic()
        meters = [
            meter for meter in self._coordinator.data.meters.values() if ("mqtt", f"{DOMAIN}_{meter.id}") in by_mqtt
        ]
        self._twice = {meter.id: self._twice.get(meter.id, now) for meter in meters}
        long = [meter for meter in meters if now - self._twice[meter.id] >= TWICE_FOR]
        self._say_all(TWICE, [notices.shown_by_mqtt(meter, self._entry.title) for meter in long])

    # --- said

    @callback
    def _say(self, kind: str, about: str, issue: Issue | None) -> None:
        if issue is not None:
            self._put(issue)
        elif (issue_id := f"{kind}_{about}") in self._said:
            self._take_back(issue_id)

    @callback
    def _say_all(self, kind: str, issues: Iterable[Issue]) -> None:
        """Say these notices, and no others of their kind."""
        wanted = {issue.id: issue for issue in issues}
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
    def _forget_others(self) -> None:
        """Forget meters that are shown no more. What was asked of a replaced one stays."""
        for meter_id in self._watched.keys() - self._coordinator.data.meters.keys():
            del self._watched[meter_id]
            self._say(SILENT, meter_id, None)
            self._say(MISPLACED, meter_id, None)
