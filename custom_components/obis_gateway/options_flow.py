"""An entry's options: for each meter, registers that are shown besides the usual ones, and thresholds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import voluptuous as vol
from homeassistant.config_entries import ConfigEntryState, ConfigFlowResult, OptionsFlowWithReload
from homeassistant.const import CONF_NAME
from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import (
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)
from homeassistant.helpers.translation import async_get_translations

from .address import Address
from .client import GatewayAuthError
from .const import CONF_REGISTERS, CONF_THRESHOLDS, DOMAIN
from .coordinator import client_of
from .models import GatewayError, Meter, Register
from .threshold_form import Request, form_of, has_usual_power, labels, request_of, threshold_schema, watchable, whole
from .trouble import Trouble, trouble

CONF_METER = "meter"


class GatewayOptionsFlow(OptionsFlowWithReload):
    """Changes one thing of one meter, then ends: what the gateway has taken is saved in the same step."""

    _meters: Mapping[str, Meter]
    _meter: Meter
    _changed: str

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask which meter; where there is one there is nothing to ask."""
        if user_input is not None and CONF_METER in user_input:
            self._meter = self._meters[user_input[CONF_METER]]
            return await self.async_step_meter()
        if (said := await self._async_ask_for_meters()) is not None:
            return self._ask("init", {}, said)
        if not self._meters:
            return self.async_abort(reason="no_meters")
        if len(self._meters) == 1:
            [self._meter] = self._meters.values()
            return await self.async_step_meter()
        options = [SelectOptionDict(value=one.id, label=_title(one)) for one in self._meters.values()]
        return self._ask("init", {vol.Required(CONF_METER): _choice(options)})

    async def async_step_meter(self, _: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask what to change."""
        possible = {
            "registers": bool(self._hidden()),
            "add_threshold": bool(watchable(self._meter)) or has_usual_power(self._meter),
            "edit_threshold": bool(self._thresholds()),
            "remove_thresholds": bool(self._thresholds()),
        }
        if not any(possible.values()):
            return self.async_abort(reason="nothing_known", description_placeholders={"meter": self._meter.name})
        return self.async_show_menu(
            step_id="meter",
            menu_options=[step for step, is_possible in possible.items() if is_possible],
            description_placeholders={"meter": self._meter.name},
        )

    async def async_step_registers(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Choose registers that are shown besides the usual ones."""
        if user_input is not None:
            return self._save(CONF_REGISTERS, user_input[CONF_REGISTERS])
        hidden = self._hidden()
        names = await _async_labels(self.hass, hidden.values())
        chosen = self.config_entry.options.get(CONF_REGISTERS, {}).get(self._meter.id, [])
        options = [SelectOptionDict(value=one, label=names[one]) for one in hidden]
        # The meter has not shown these since the gateway's start: they stay chosen.
        options += [SelectOptionDict(value=one, label=one) for one in chosen if one not in names]
        return self._ask("registers", {vol.Required(CONF_REGISTERS, default=chosen): _choice(options, multiple=True)})

    async def async_step_add_threshold(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Set one more threshold."""
        return await self._async_threshold("add_threshold", None, user_input)

    async def async_step_edit_threshold(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Choose a threshold to change."""
        if user_input is not None:
            self._changed = user_input[CONF_NAME]
            return await self.async_step_change_threshold()
        return self._ask("edit_threshold", {vol.Required(CONF_NAME): _choice(labels(self._thresholds()))})

    async def async_step_change_threshold(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Change a threshold."""
        return await self._async_threshold("change_threshold", self._changed, user_input)

    async def async_step_remove_thresholds(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Choose thresholds that are not watched any more."""
        said = None
        if user_input is not None:
            left = [one for one in self._thresholds() if one["name"] not in user_input[CONF_THRESHOLDS]]
            if (said := await self._async_set(left)) is None:
                return self._save(CONF_THRESHOLDS, left)
        choice = _choice(labels(self._thresholds()), multiple=True)
        return self._ask("remove_thresholds", {vol.Required(CONF_THRESHOLDS): choice}, said, user_input)

    async def _async_threshold(
        self, step: str, changed: str | None, user_input: Mapping[str, Any] | None
    ) -> ConfigFlowResult:
        """Show the form of a threshold, a new one or the one of the name ``changed``, and set it at the gateway."""
        saved = {one["name"]: one for one in self._thresholds()}
        said, before = None, None if changed is None else saved.get(changed)
        if user_input is not None:
            request = request_of(user_input)
            wanted = [request if one is before else one for one in saved.values()]
            if before is None:
                wanted.append(request)
            if (said := await self._async_set(wanted)) is None:
                return self._save(CONF_THRESHOLDS, wanted)
        names = await _async_labels(self.hass, watchable(self._meter))
        shown = user_input or (None if before is None else form_of(before))
        return self._ask(step, threshold_schema(self._meter, names, before).schema, said, shown)

    # --- the gateway

    async def _async_ask_for_meters(self) -> Trouble | None:
        """Take the meters of the running entry, or ask the gateway; return what is wrong with that."""
        entry = self.config_entry
        if entry.state is ConfigEntryState.LOADED:
            self._meters = entry.runtime_data.data.meters
            return None
        try:
            self._meters = (await client_of(self.hass, entry.data).meters()).meters
        except GatewayError as error:
            return self._trouble(error)
        return None

    async def _async_set(self, wanted: list[dict[str, Any]]) -> Trouble | None:
        """Set a meter's thresholds at the gateway; return what it says against them."""
        try:
            await client_of(self.hass, self.config_entry.data).set_thresholds(self._meter.id, wanted)
        except GatewayError as error:
            return self._trouble(error)
        return None

    def _trouble(self, error: GatewayError) -> Trouble:
        if isinstance(error, GatewayAuthError):
            self.config_entry.async_start_reauth(self.hass)
        return trouble(error, Address.of(self.config_entry.data))

    # --- what is saved

    def _hidden(self) -> dict[str, Register]:
        return {one.id: one for one in self._meter.registers.values() if not one.enabled}

    def _thresholds(self) -> list[dict[str, Any]]:
        saved: list[Request] = self.config_entry.options.get(CONF_THRESHOLDS, {}).get(self._meter.id, [])
        return [whole(one) for one in saved]

    def _save(self, key: str, value: list[Any]) -> ConfigFlowResult:
        """Save what is set for the meter beside all else, as it is now: another window may have saved meanwhile."""
        options = self.config_entry.options
        of_meters = {**options.get(key, {}), self._meter.id: value}
        return self.async_create_entry(data={**options, key: {one: kept for one, kept in of_meters.items() if kept}})

    def _ask(
        self,
        step: str,
        fields: Mapping[vol.Marker, Any],
        said: Trouble | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> ConfigFlowResult:
        field = CONF_NAME if said is not None and said.key == "threshold_conflict" else "base"
        meter = {} if step == "init" else {"meter": self._meter.name}
        return self.async_show_form(
            step_id=step,
            data_schema=self.add_suggested_values_to_schema(vol.Schema(dict(fields)), values),
            errors=None if said is None else {field: said.key},
            description_placeholders=meter if said is None else {**meter, **said.placeholders},
        )


def _choice(options: list[SelectOptionDict], *, multiple: bool = False) -> SelectSelector:
    return SelectSelector(SelectSelectorConfig(options=options, multiple=multiple, mode=SelectSelectorMode.DROPDOWN))


def _title(meter: Meter) -> str:
    if meter.number is None or meter.number in meter.name:
        return meter.name
    return f"{meter.name} ({meter.number})"


async def _async_labels(hass: HomeAssistant, registers: Iterable[Register]) -> dict[str, str]:
    """Return names with codes, in the language of the installation where the name has a translation."""
    known = await async_get_translations(hass, hass.config.language, "entity", [DOMAIN])
    found = {}
    for one in registers:
        name = known.get(f"component.{DOMAIN}.entity.sensor.{one.translation_key}.name")
        code = one.obis or one.address or one.id
        try:
            found[one.id] = one.label if name is None else f"{name.format(**one.placeholders)} ({code})"
        except KeyError, IndexError, ValueError:
            # A newer gateway fills other things in.
            found[one.id] = one.label
    return found
