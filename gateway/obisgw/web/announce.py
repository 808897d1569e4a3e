"""Being found: the gateway as a service of the local network (DNS-SD over mDNS, RFC 6763)."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import TYPE_CHECKING, Final

from zeroconf import InterfaceChoice, NonUniqueNameException
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from .edges import API_VERSION

if TYPE_CHECKING:
    from obisgw.readings.shown import GatewayInfo

_log = logging.getLogger(__name__)

SERVICE: Final = "_obis-gateway._tcp.local."
AGAIN: Final = 60.0
"""Seconds after which the machine's addresses are looked at again: a Pi's network comes after its services."""

_LONGEST_LABEL: Final = 63


class Announcer:
    """Announces one gateway until it is closed. A network without multicast is said once and tried again."""

    def __init__(self, gateway: GatewayInfo, installation: str, port: int, *, tls: bool) -> None:
        self._gateway = gateway
        self._installation = installation
        self._port = port
        self._tls = tls
        self._zeroconf: AsyncZeroconf | None = None
        self._info: AsyncServiceInfo | None = None
        self._said = ""

    async def run(self) -> None:
        """Announce for ever, by the addresses of the moment; cancelled, it takes the announcement back."""
        addresses: tuple[str, ...] = ()
        try:
            while True:
                found = await asyncio.get_running_loop().run_in_executor(None, machine_addresses)
                if found != addresses or self._zeroconf is None:
                    # Sockets are bound to the interfaces of the moment.
                    await self._withdraw()
                    if await self._announce(found):
                        addresses = found
                await asyncio.sleep(AGAIN)
        finally:
            await self._withdraw()

    async def _announce(self, addresses: tuple[str, ...]) -> bool:
        if not addresses:
            self._trouble("this machine has no address in a network")
            return False
        info = self._service(addresses)
        try:
            self._zeroconf = AsyncZeroconf(interfaces=InterfaceChoice.All)
            await self._zeroconf.async_register_service(info, allow_name_change=True)
        except (OSError, NonUniqueNameException) as error:
            self._trouble(f"the network takes no announcement: {error}")
            await self._withdraw()
            return False
        self._info, self._said = info, ""
        _log.debug("announced as %s at %s", info.name, ", ".join(addresses))
        return True

    def _service(self, addresses: tuple[str, ...]) -> AsyncServiceInfo:
        # Dots would end the label; its end tells two gateways of one name apart.
        plain = self._gateway.name.replace(".", " ").encode()[: _LONGEST_LABEL - 7].decode(errors="ignore").strip()
        return AsyncServiceInfo(
            SERVICE,
            f"{plain or 'OBIS Gateway'} {self._installation[:6]}.{SERVICE}",
            port=self._port,
            server=f"obis-gateway-{self._installation}.local.",
            parsed_addresses=list(addresses),
            properties={
                "id": self._installation,
                "name": self._gateway.name,
                "version": self._gateway.version,
                "api": API_VERSION,
                "tls": "1" if self._tls else "0",
            },
        )

    def _trouble(self, problem: str) -> None:
        if problem != self._said:
            self._said = problem
            _log.info("Home Assistant does not find this gateway by itself: %s (add it there by its address)", problem)

    async def _withdraw(self) -> None:
        zeroconf, self._zeroconf = self._zeroconf, None
        info, self._info = self._info, None
        if zeroconf is None:
            return
        try:
            if info is not None:
                await (await zeroconf.async_unregister_service(info))
            await zeroconf.async_close()
        except OSError as error:
            _log.debug("not taken back: %s", error)


def machine_addresses() -> tuple[str, ...]:
    """Return this machine's addresses by which others reach it; loopback alone where there is no other."""
    import ifaddr  # noqa: PLC0415 - zeroconf's own library for this

    found: set[str] = set()
    for adapter in ifaddr.get_adapters():
        for address in adapter.ips:
            if isinstance(address.ip, str):
                found.add(address.ip)
            elif not address.ip[0].lower().startswith("fe80"):
                # A link-local address means nothing without the other machine's interface.
                found.add(address.ip[0])
    outside = {one for one in found if not one.startswith("127.") and one != "::1"}
    return tuple(sorted(outside or found, key=lambda one: (":" in one, socket.inet_pton(_family(one), one))))


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET
