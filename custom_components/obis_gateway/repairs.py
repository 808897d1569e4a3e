"""What the owner does about a problem, step by step."""

from __future__ import annotations

import asyncio
from typing import Any, Final, override

from homeassistant.components.repairs import ConfirmRepairFlow, RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import issue_registry as ir

from .client import GatewayAuthError, GatewayRefusedError
from .const import DOMAIN
from .coordinator import GatewayCoordinator, ObisConfigEntry
from .devices import async_remove_meter
from .issues import REPLACED
from .memory import async_memory
from .models import GatewayError, Health, Meter
from .notices import APART, MISPLACED, SILENT, TWICE
from .problems import async_shown_by_mqtt

READ_WITHIN: Final = 50.0
"""Seconds. Proxies before Home Assistant wait for an answer for a minute."""

WITHDRAWN_WITHIN: Final = 10.0
"""Seconds that gateway, broker and Home Assistant have for removing a device."""


class ProblemFlow(RepairsFlow):
    """What all flows share. ``meter_id`` is empty where the problem is of the gateway."""

    def __init__(self, entry: ObisConfigEntry, meter_id: str) -> None:
        self._entry = entry
        self._meter_id = meter_id

    @property
    def _coordinator(self) -> GatewayCoordinator | None:
        return self._entry.runtime_data if self._entry.state is ConfigEntryState.LOADED else None

    @property
    def _meter(self) -> Meter | None:
        return None if self._coordinator is None else self._coordinator.meter(self._meter_id)

    @property
    def _placeholders(self) -> dict[str, str]:
        issue = ir.async_get(self.hass).async_get_issue(DOMAIN, self.issue_id)
        return dict((issue and issue.translation_placeholders) or {})

    def _confirm(self, problem: str | None = None, **more: str) -> RepairsFlowResult:
        return self.async_show_form(
            step_id="confirm",
            errors=None if problem is None else {"base": problem},
            description_placeholders={**self._placeholders, **more},
        )

    async def async_step_init(self, _: dict[str, str] | None = None) -> RepairsFlowResult:
        """Tell what is to be done."""
        return self._confirm()


class ReadAgainFlow(ProblemFlow):
    """The head was put right: the meter is read to see whether it helped."""

    async def async_step_confirm(self, _: dict[str, str] | None = None) -> RepairsFlowResult:
        """Read the meter."""
        coordinator = self._coordinator
        if coordinator is None or self._meter is None:
            return self.async_abort(reason="not_loaded")
        client = coordinator.client
        try:
            before = await self._health(coordinator)
            await client.read(self._meter_id, READ_WITHIN)
            after = await self._health(coordinator)
        except GatewayRefusedError as error:
            known = error.problem if error.problem in {"read_failed", "read_timeout"} else "refused"
            return self._confirm(known, error=str(error))
        except GatewayAuthError:
            self._entry.async_start_reauth(self.hass)
            return self.async_abort(reason="invalid_auth")
        except GatewayError as error:
            return self._confirm("cannot_connect", error=str(error))
        return await self._judge(before, after)

    async def _health(self, coordinator: GatewayCoordinator) -> Health:
        """Return how reading goes, asked for: the stream may be a moment late, or not there."""
        meter = (await coordinator.client.meters()).meters.get(self._meter_id)
        return Health() if meter is None else meter.health

    async def _judge(self, _: Health, __: Health) -> RepairsFlowResult:
        return self.async_create_entry(data={})


class HeadFlow(ReadAgainFlow):
    """As before, and the telegram has to come undamaged."""

    @override
    async def _judge(self, before: Health, after: Health) -> RepairsFlowResult:
        damaged = after.parity_errors - before.parity_errors
        if damaged > 0 or after.block_check_errors > before.block_check_errors:
            return self._confirm("still_damaged", characters=str(max(damaged, 0)))
        memory = await async_memory(self.hass, self._entry.entry_id)
        if (watched := memory.watched.get(self._meter_id)) is not None:
            watched.damage.forget()
            memory.async_save()
        return self.async_create_entry(data={})


class ReplacedFlow(ProblemFlow):
    """Another meter stands in the place of one: its device is removed or kept."""

    @override
    async def async_step_init(self, _: dict[str, str] | None = None) -> RepairsFlowResult:
        return self.async_show_menu(
            step_id="init", menu_options=["keep", "remove"], description_placeholders=self._placeholders
        )

    async def async_step_keep(self, _: dict[str, str] | None = None) -> RepairsFlowResult:
        """Ask no more."""
        return await self._answered()

    async def async_step_remove(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Remove the device with its entities; their statistics stay."""
        if user_input is None:
            return self.async_show_form(step_id="remove", description_placeholders=self._placeholders)
        if (meter := self._meter) is not None and meter.available:
            return self.async_abort(reason="read_again", description_placeholders=self._placeholders)
        answered = await self._answered()
        if self._coordinator is not None:
            self._coordinator.async_hide(self._meter_id)
        async_remove_meter(self.hass, self._entry.entry_id, self._meter_id)
        return answered

    async def _answered(self) -> RepairsFlowResult:
        memory = await async_memory(self.hass, self._entry.entry_id)
        memory.answered.add(self._meter_id)
        memory.replaced.pop(self._meter_id, None)
        memory.async_save()
        return self.async_create_entry(data={})


class ShownByMqttFlow(ProblemFlow):
    """MQTT discovery shows the meter too: the gateway is told again that it is shown here."""

    async def async_step_confirm(self, _: dict[str, str] | None = None) -> RepairsFlowResult:
        """Adopt the meter, and wait until its other device is gone."""
        coordinator = self._coordinator
        if coordinator is None or self._meter is None:
            return self.async_abort(reason="not_loaded")
        gone = asyncio.Event()

        @callback
        def look(_: Event[Any] | None = None) -> None:
            if f"{DOMAIN}_{self._meter_id}" not in async_shown_by_mqtt(self.hass):
                gone.set()

        stop = self.hass.bus.async_listen(dr.EVENT_DEVICE_REGISTRY_UPDATED, look)
        try:
            # Who has adopted a meter already and does so again is told of nothing: the gateway looks at all anew.
            await coordinator.client.leave(self._meter_id)
            await coordinator.client.adopt(self._meter_id)
            look()
            async with asyncio.timeout(WITHDRAWN_WITHIN):
                await gone.wait()
        except GatewayAuthError:
            self._entry.async_start_reauth(self.hass)
            return self.async_abort(reason="invalid_auth")
        except GatewayError as error:
            return self._confirm("cannot_connect", error=str(error))
        except TimeoutError:
            return self._confirm("still_there")
        finally:
            stop()
        return self.async_create_entry(data={})


class OlderGatewayFlow(ProblemFlow):
    """The gateway was updated: the entry is set up again."""

    async def async_step_confirm(self, _: dict[str, str] | None = None) -> RepairsFlowResult:
        """Set up again."""
        placeholders = self._placeholders
        await self.hass.config_entries.async_reload(self._entry.entry_id)
        if self._entry.state is ConfigEntryState.LOADED:
            return self.async_create_entry(data={})
        more = {"error": self._entry.reason or ""}
        return self.async_show_form(
            step_id="confirm",
            errors={"base": "still_apart"},
            description_placeholders={**placeholders, **self._placeholders, **more},
        )


_FLOWS: Final[dict[str, type[ProblemFlow]]] = {
    SILENT: ReadAgainFlow,
    MISPLACED: HeadFlow,
    REPLACED: ReplacedFlow,
    TWICE: ShownByMqttFlow,
    APART: OlderGatewayFlow,
}


async def async_create_fix_flow(
    hass: HomeAssistant, _: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the flow of an issue; nothing is left to be done of one whose entry was removed meanwhile."""
    about = data or {}
    entry = hass.config_entries.async_get_entry(str(about.get("entry_id")))
    flow = _FLOWS.get(str(about.get("kind")))
    return ConfirmRepairFlow() if entry is None or flow is None else flow(entry, str(about.get("meter", "")))
