"""The trigger ``obis_gateway.tariff_changed``.

It compares readings, not states: a change while a gateway was away is told with the first reading afterwards, and a meter
that has merely been away is no change. It needs nothing of the trigger helper that came after 2026.6.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final, override

import voluptuous as vol
from homeassistant.config_entries import SIGNAL_CONFIG_ENTRY_CHANGED, ConfigEntry, ConfigEntryChange
from homeassistant.const import ATTR_DEVICE_ID, CONF_OPTIONS, CONF_TARGET
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.target import TargetSelection
from homeassistant.helpers.trigger import Trigger, TriggerActionRunner, TriggerConfig
from homeassistant.helpers.typing import ConfigType

from .const import DOMAIN
from .coordinator import GatewayCoordinator
from .devices import async_device_of
from .targets import async_device_ids, async_loaded, async_strangers

CONF_FROM: Final = "from"
CONF_TO: Final = "to"

_TARIFFS: Final = vol.All(cv.ensure_list, vol.Length(min=1), [cv.string])
_SCHEMA: Final = vol.Schema(
    {
        vol.Required(CONF_TARGET): cv.TARGET_FIELDS,
        vol.Optional(CONF_OPTIONS, default={}): {vol.Optional(CONF_FROM): _TARIFFS, vol.Optional(CONF_TO): _TARIFFS},
    }
)


class TariffChangedTrigger(Trigger):
    """Fires when a meter that is targeted counts in another tariff than before."""

    @classmethod
    @override
    async def async_validate_config(cls, hass: HomeAssistant, config: ConfigType) -> ConfigType:
        """Check target and options."""
        checked: ConfigType = _SCHEMA(config)
        selection = TargetSelection(checked[CONF_TARGET])
        if not selection.has_any_target:
            raise vol.Invalid("choose at least one meter", path=[CONF_TARGET])
        if strangers := async_strangers(hass, checked[CONF_TARGET]):
            raise vol.Invalid(f"not of a meter of an OBIS Gateway: {', '.join(sorted(strangers))}", path=[CONF_TARGET])
        options = checked[CONF_OPTIONS]
        before, now = options.get(CONF_FROM), options.get(CONF_TO)
        if before and now and len({*before, *now}) == 1:
            raise vol.Invalid(f"a change from {before[0]} to {now[0]} is none", path=[CONF_OPTIONS, CONF_TO])
        return checked

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        super().__init__(hass, config)
        options: Mapping[str, Any] = config.options or {}
        self._target: Mapping[str, Any] = config.target or {}
        self._from: list[str] = options.get(CONF_FROM, [])
        self._to: list[str] = options.get(CONF_TO, [])

    @override
    async def async_attach_runner(
        self, run_action: TriggerActionRunner, did_not_trigger: object = None
    ) -> CALLBACK_TYPE:
        """Run the action at each change from now on."""
        watch = _Watch(self._hass, self, run_action)
        return watch.async_start()

    @callback
    def async_wants(self, device_id: str, before: str, now: str) -> bool:
        """Tell whether a meter's change is meant."""
        wanted = (not self._from or before in self._from) and (not self._to or now in self._to)
        return wanted and device_id in async_device_ids(self._hass, self._target)


class _Watch:
    """The tariffs as one attached trigger has seen them, over all gateways, reloads and silences."""

    def __init__(self, hass: HomeAssistant, trigger: TariffChangedTrigger, run_action: TriggerActionRunner) -> None:
        self._hass = hass
        self._trigger = trigger
        self._run_action = run_action
        self._tariffs: dict[str, str] = {}
        self._removers: dict[GatewayCoordinator, CALLBACK_TYPE] = {}

    @callback
    def async_start(self) -> CALLBACK_TYPE:
        """Watch, until what is returned is called."""
        self._follow()
        stop = async_dispatcher_connect(self._hass, SIGNAL_CONFIG_ENTRY_CHANGED, self._entry_changed)

        @callback
        def end() -> None:
            stop()
            for remove in self._removers.values():
                remove()
            self._removers.clear()

        return end

    @callback
    def _entry_changed(self, _: ConfigEntryChange, entry: ConfigEntry) -> None:
        if entry.domain == DOMAIN:
            self._follow()

    @callback
    def _follow(self) -> None:
        """Listen to the gateways that are set up, and to no others."""
        loaded = async_loaded(self._hass)
        for gone in self._removers.keys() - {*loaded}:
            self._removers.pop(gone)()
        for coordinator in loaded:
            if coordinator not in self._removers:
                self._removers[coordinator] = coordinator.async_add_listener(partial(self._look, coordinator))
                self._look(coordinator)

    @callback
    def _look(self, coordinator: GatewayCoordinator) -> None:
        for meter in coordinator.data.meters.values():
            now = None if meter.reading is None else meter.reading.tariff
            before = self._tariffs.get(meter.id)
            if now is None or now == before:
                continue
            self._tariffs[meter.id] = now
            device = async_device_of(self._hass, coordinator.config_entry.entry_id, meter.id)
            if before is None or device is None or not self._trigger.async_wants(device.id, before, now):
                continue
            self._run_action(
                {
                    ATTR_DEVICE_ID: device.id,
                    "meter": meter.id,
                    "meter_name": device.name_by_user or device.name or meter.name,
                    "from_tariff": before,
                    "to_tariff": now,
                },
                f"tariff of {meter.name} changed from {before} to {now}",
            )


async def async_get_triggers(_: HomeAssistant) -> dict[str, type[Trigger]]:
    """Return this integration's triggers by their names."""
    return {"tariff_changed": TariffChangedTrigger}
