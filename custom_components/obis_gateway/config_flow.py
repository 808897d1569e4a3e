"""Setting a gateway up: found by itself or by its address, then paired by the code that it shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, override

import voluptuous as vol
from homeassistant.config_entries import (
    SOURCE_IGNORE,
    SOURCE_REAUTH,
    SOURCE_RECONFIGURE,
    ConfigEntryState,
    ConfigFlow,
    ConfigFlowResult,
)
from homeassistant.const import CONF_CODE, CONF_HOST, CONF_PORT, CONF_TOKEN
from homeassistant.core import callback
from homeassistant.helpers.selector import (
    BooleanSelector,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    TextSelector,
    TextSelectorConfig,
)
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo

from .address import Address, AddressError, LinkLocalError
from .client import GatewayAuthError, GatewayLockedError, GatewayPairingError, GatewayVersionError, check_version
from .const import CONF_ID, CONF_TLS, DEFAULT_PORT, DOMAIN, MANUFACTURER
from .contact import async_discard, async_knows, async_look, async_pair
from .coordinator import ObisConfigEntry, client_of
from .models import LONGEST_ID, Gateway, GatewayError
from .options_flow import GatewayOptionsFlow
from .trouble import Trouble, trouble

_ADDRESS_SCHEMA = vol.Schema(
    {
        vol.Required(CONF_HOST): TextSelector(),
        vol.Required(CONF_PORT, default=DEFAULT_PORT): NumberSelector(
            NumberSelectorConfig(min=1, max=65535, mode=NumberSelectorMode.BOX)
        ),
        vol.Required(CONF_TLS, default=False): BooleanSelector(),
    }
)
_CODE_SCHEMA = vol.Schema({vol.Required(CONF_CODE): TextSelector(TextSelectorConfig(autocomplete="one-time-code"))})
_OF_THE_HOST = frozenset({"invalid_host", "link_local", "unknown_host", "forbidden_host"})
_WRONG_GATEWAY = "wrong_gateway"


class ObisGatewayConfigFlow(ConfigFlow, domain=DOMAIN):
    """Sets a gateway up, and follows it to a new address and with a new token."""

    VERSION = 1

    _address: Address
    _name = MANUFACTURER

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ObisConfigEntry) -> GatewayOptionsFlow:
        """Return the flow of an entry's options."""
        return GatewayOptionsFlow()

    # --- found by itself

    @override
    async def async_step_zeroconf(self, discovery_info: ZeroconfServiceInfo) -> ConfigFlowResult:
        """Take an announcement. It alone tells which gateway it is: a known one need not answer to be followed."""
        properties = discovery_info.properties
        gateway_id = properties.get("id")
        if not isinstance(gateway_id, str) or not 0 < len(gateway_id) <= LONGEST_ID or not gateway_id.isprintable():
            return self.async_abort(reason="invalid_announcement")
        addresses = (discovery_info.ip_address, *discovery_info.ip_addresses)
        tls = properties.get("tls") == "1"
        if (address := Address.announced(addresses, discovery_info.port or DEFAULT_PORT, tls=tls)) is None:
            return self.async_abort(reason="link_local")
        await self.async_set_unique_id(gateway_id, raise_on_progress=False)
        if (entry := self._known_entry(gateway_id)) is not None:
            return await self._async_follow(entry, address)
        self._abort_if_unique_id_configured()
        await self.async_set_unique_id(gateway_id)
        try:
            check_version(str(properties.get("api", "")))
        except GatewayVersionError as error:
            said = trouble(error, address)
            return self.async_abort(reason=said.key, description_placeholders=said.placeholders)
        name = "".join(sign for sign in str(properties.get("name") or "") if sign.isprintable())
        self._address, self._name = address, name.strip() or MANUFACTURER
        self.context["title_placeholders"] = {"name": f"{self._name} ({address.host})"}
        self.context["configuration_url"] = client_of(self.hass, address.data).page
        return await self.async_step_pair()

    async def _async_follow(self, entry: ObisConfigEntry, announced: Address) -> ConfigFlowResult:
        """Give a known gateway's entry its new address, and a chance to one that could not be set up."""
        if await self._async_has_moved(entry, announced):
            self.hass.config_entries.async_update_entry(entry, data={**entry.data, **announced.data})
        elif entry.state is ConfigEntryState.LOADED:
            return self.async_abort(reason="already_configured")
        if entry.state in {ConfigEntryState.LOADED, ConfigEntryState.SETUP_RETRY, ConfigEntryState.SETUP_ERROR}:
            # Also after an error that is not tried again by itself: the gateway may have been updated.
            self.hass.config_entries.async_schedule_reload(entry.entry_id)
        return self.async_abort(reason="already_configured")

    async def _async_has_moved(self, entry: ObisConfigEntry, announced: Address) -> bool:
        """Tell whether a known gateway is to be followed to where it is announced."""
        known = Address.of(entry.data)
        # Anybody in the network can announce anything: nobody but the user ends encryption. And a certificate is made
        # out to a name, which an announcement does not know.
        if known == announced or (known.tls and (known.is_name or not announced.tls)):
            return False
        if entry.state is not ConfigEntryState.LOADED:
            return True
        # A machine with two networks announces now one address, now the other: what works is not set up anew for it.
        return not await async_knows(client_of(self.hass, entry.data))

    # --- found by its address

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask where the gateway is."""
        said = None
        if user_input is not None and (said := await self._async_take(user_input)) is None:
            for entry in self._async_current_entries(include_ignore=False):
                same = Address.of(entry.data) == self._address
                if same and await async_knows(client_of(self.hass, entry.data)):
                    return self.async_abort(reason="already_configured")
            return await self.async_step_pair()
        return self._ask_address("user", user_input, said)

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask where the gateway is now."""
        entry = self._get_reconfigure_entry()
        self._name = entry.title
        if user_input is None:
            return self._ask_address("reconfigure", Address.of(entry.data).data)
        if (said := await self._async_take(user_input)) is None:
            try:
                gateway = await client_of(self.hass, {**entry.data, **self._address.data}).gateway()
            except GatewayAuthError:
                # Its token was revoked, or it is another gateway: the code tells.
                return await self.async_step_pair()
            except GatewayError as error:
                said = trouble(error, self._address)
            else:
                if gateway.id == entry.unique_id:
                    return self._update(entry, self._address.data)
                said = self._wrong_gateway()
        return self._ask_address("reconfigure", user_input, said)

    async def _async_take(self, user_input: Mapping[str, Any]) -> Trouble | None:
        """Take an address where a gateway answers; return what is wrong with another."""
        try:
            address = Address.typed(user_input[CONF_HOST], int(user_input[CONF_PORT]), tls=user_input[CONF_TLS])
        except LinkLocalError:
            return Trouble("link_local", {})
        except AddressError:
            return Trouble("invalid_host", {})
        self._address = address
        return await async_look(self.hass, address)

    def _ask_address(
        self, step: str, values: Mapping[str, Any] | None, said: Trouble | None = None
    ) -> ConfigFlowResult:
        field = CONF_HOST if said is not None and said.key in _OF_THE_HOST else "base"
        return self._ask(step, self.add_suggested_values_to_schema(_ADDRESS_SCHEMA, values), field, said)

    # --- paired by its code

    async def async_step_pair(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the code, and exchange it for a token."""
        if user_input is None:
            return self._ask("pair", _CODE_SCHEMA, CONF_CODE)
        try:
            token, gateway = await async_pair(self.hass, self._address, user_input[CONF_CODE])
        except (GatewayPairingError, GatewayLockedError) as error:
            return self._ask("pair", _CODE_SCHEMA, CONF_CODE, trouble(error, self._address))
        except GatewayError as error:
            # It is not there any more, or never was where it is announced.
            step = "reconfigure" if self.source == SOURCE_RECONFIGURE else "user"
            return self._ask_address(step, self._address.data, trouble(error, self._address))
        if self.source == SOURCE_RECONFIGURE:
            entry = self._get_reconfigure_entry()
            if gateway.id == entry.unique_id:
                return self._update(entry, {**self._address.data, CONF_TOKEN: token})
            await async_discard(client_of(self.hass, {**self._address.data, CONF_TOKEN: token}))
            return self._ask_address("reconfigure", self._address.data, self._wrong_gateway())
        return await self._async_paired(token, gateway)

    async def _async_paired(self, token: str, gateway: Gateway) -> ConfigFlowResult:
        """Create the entry; one that is there already gets the address, and the token if it needs one."""
        await self.async_set_unique_id(gateway.id, raise_on_progress=False)
        data = {**self._address.data, CONF_TOKEN: token}
        if (entry := self._known_entry(gateway.id)) is None:
            return self.async_create_entry(title=gateway.name, data={**data, CONF_ID: gateway.id})
        if await async_knows(client_of(self.hass, {**entry.data, **self._address.data})):
            await async_discard(client_of(self.hass, data))
            data = self._address.data
        return self._update(entry, data, "already_configured")

    async def async_step_reauth(self, _: Mapping[str, Any]) -> ConfigFlowResult:
        """Begin to pair anew: the token is not good any more."""
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for a code of the gateway that is set up."""
        entry = self._get_reauth_entry()
        # The address may have been corrected while the form was open.
        self._address, self._name = Address.of(entry.data), entry.title
        if user_input is None:
            return self._ask("reauth_confirm", _CODE_SCHEMA, CONF_CODE)
        try:
            token, gateway = await async_pair(self.hass, self._address, user_input[CONF_CODE])
        except GatewayError as error:
            on_code = isinstance(error, GatewayPairingError | GatewayLockedError)
            field = CONF_CODE if on_code else "base"
            return self._ask("reauth_confirm", _CODE_SCHEMA, field, trouble(error, self._address))
        if gateway.id != entry.unique_id:
            await async_discard(client_of(self.hass, {**entry.data, CONF_TOKEN: token}))
            return self._ask("reauth_confirm", _CODE_SCHEMA, "base", self._wrong_gateway())
        old = client_of(self.hass, entry.data)
        if await async_knows(old):
            if entry.state is ConfigEntryState.LOADED:
                # Its stream would take the end of the old token for a reason to ask again.
                await self.hass.config_entries.async_unload(entry.entry_id)
            await async_discard(old)
        return self._update(entry, {CONF_TOKEN: token})

    # --- all of them

    def _ask(self, step: str, schema: vol.Schema, field: str, said: Trouble | None = None) -> ConfigFlowResult:
        filled = {"name": self._name} if step != "user" else {}
        if schema is _CODE_SCHEMA:
            filled["address"] = str(self._address)
        return self.async_show_form(
            step_id=step,
            data_schema=schema,
            errors=None if said is None else {field: said.key},
            description_placeholders=filled if said is None else {**filled, **said.placeholders},
        )

    def _wrong_gateway(self) -> Trouble:
        return Trouble(_WRONG_GATEWAY, {"address": str(self._address)})

    def _known_entry(self, gateway_id: str) -> ObisConfigEntry | None:
        entry = self.hass.config_entries.async_entry_for_domain_unique_id(DOMAIN, gateway_id)
        return None if entry is None or entry.source == SOURCE_IGNORE else entry

    def _update(self, entry: ObisConfigEntry, data: Mapping[str, Any], reason: str | None = None) -> ConfigFlowResult:
        """Give an entry what is known to be good, and end this flow and those that ask for it."""
        if self.source != SOURCE_REAUTH:
            for flow in list(entry.async_get_active_flows(self.hass, {SOURCE_REAUTH})):
                self.hass.config_entries.flow.async_abort(flow["flow_id"])
        if reason is None:
            return self.async_update_reload_and_abort(entry, data_updates=data)
        return self.async_update_reload_and_abort(
            entry, data_updates=data, reason=reason, reload_even_if_entry_is_unchanged=False
        )
