"""A gateway that Home Assistant has been paired with, as its user sees it."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tests.live.gateway import Cable, Gateway, Simulated

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from tests.live.home_assistant import HomeAssistant

DOMAIN: Final = "obis_gateway"
FLOWS: Final = "/api/config/config_entries/flow"


@dataclass
class Installed:
    """A gateway's entry in Home Assistant."""

    home: HomeAssistant
    gateway: Gateway
    entry_id: str

    async def entry(self) -> dict[str, Any]:
        """Return the config entry."""
        (found,) = [one for one in await entries(self.home) if one["entry_id"] == self.entry_id]
        return found

    async def devices(self) -> dict[str, dict[str, Any]]:
        """Return the entry's devices by their identifiers: the ids of the gateway and of the meters."""
        found = await self.home.socket.call("config/device_registry/list")
        return {one["identifiers"][0][1]: one for one in found if self.entry_id in one["config_entries"]}

    async def entities(self) -> dict[str, dict[str, Any]]:
        """Return the entry's entities by unique id."""
        found = await self.home.socket.call("config/entity_registry/list")
        return {one["unique_id"]: one for one in found if one["config_entry_id"] == self.entry_id}

    async def entity_id(self, unique_id: str) -> str:
        """Return the entity id of one entity."""
        return str((await self.entities())[unique_id]["entity_id"])

    async def state(self, unique_id: str) -> str | None:
        """Return the state of one entity; None while it has none."""
        found = (await self.home.states()).get(await self.entity_id(unique_id))
        return None if found is None else str(found["state"])


async def entries(home: HomeAssistant) -> list[dict[str, Any]]:
    """Return the config entries of our integration."""
    found: list[dict[str, Any]] = await home.socket.call("config_entries/get", domain=DOMAIN)
    return found


async def flow_of(home: HomeAssistant, **context: str) -> dict[str, Any]:
    """Return the flow in progress with this context, as soon as there is one."""

    async def seek() -> dict[str, Any] | None:
        for flow in await home.socket.call("config_entries/flow/progress"):
            if flow["handler"] == DOMAIN and context.items() <= flow["context"].items():
                return dict(flow)
        return None

    found: dict[str, Any] = await becomes(seek)
    return found


async def becomes(seek: Callable[[], Awaitable[Any]], seconds: float = 30) -> Any:
    """Return what ``seek`` finds, as soon as it finds anything."""
    async with asyncio.timeout(seconds):
        while not (found := await seek()):  # noqa: ASYNC110 - other processes' doing
            await asyncio.sleep(0.05)
    return found


async def add_by_address(home: HomeAssistant, port: int, code: str) -> dict[str, Any]:
    """Walk the flow that asks for the address, and return how it ends."""
    flow = await home.rest("POST", FLOWS, {"handler": DOMAIN})
    assert flow["step_id"] == "user"
    address = {"host": "127.0.0.1", "port": port, "tls": False}
    flow = await home.rest("POST", f"{FLOWS}/{flow['flow_id']}", address)
    assert (flow["step_id"], flow["errors"]) == ("pair", None)
    ended: dict[str, Any] = await home.rest("POST", f"{FLOWS}/{flow['flow_id']}", {"code": code})
    return ended


@dataclass
class Cabled(Installed):
    """The same, reached through ``cable``."""

    cable: Cable


@contextlib.asynccontextmanager
async def installed(home: HomeAssistant, folder: Path, *meters: Simulated) -> AsyncIterator[Cabled]:
    """Start a gateway with these meters and add it; at the end remove it, and see that nothing is left of it."""
    async with Gateway(folder, meters or (Simulated("House"),)) as gateway, Cable(gateway.port) as cable:
        await gateway.let_in()
        for place in range(len(gateway.meters)):
            await gateway.meter(place)
        ended = await add_by_address(home, cable.port, await gateway.code())
        assert ended["type"] == "create_entry", ended
        found = Cabled(home, gateway, ended["result"]["entry_id"], cable)
        assert (await found.entry())["state"] == "loaded"
        yield found
        await remove(found)


async def remove(installed: Installed) -> None:
    """Remove the entry; its entities, devices, adoption and token go with it."""
    home, gateway = installed.home, installed.gateway
    of_ours = [one["entity_id"] for one in (await installed.entities()).values()]
    answer = await home.rest("DELETE", f"/api/config/config_entries/entry/{installed.entry_id}")
    assert answer["require_restart"] is False
    assert await entries(home) == []
    assert (await home.states()).keys() & set(of_ours) == set()
    assert await installed.devices() == {}
    assert await gateway.tokens() == []
