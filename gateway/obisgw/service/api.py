"""The API beside the reading of meters: started, retried, changed and stopped without touching it.

What it is made of is imported here and nowhere else, when it is enabled: without it, its libraries take no memory.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from obisgw.errors import ObisGatewayError

if TYPE_CHECKING:
    from pathlib import Path

    from obisgw.config.table import ApiSettings
    from obisgw.readings.shown import GatewayInfo
    from obisgw.readings.thresholds import Threshold
    from obisgw.web.edges import ServiceEdge
    from obisgw.web.server import ApiServer

_log = logging.getLogger(__name__)

RETRY: Final = 5.0
RETRY_LONGEST: Final = 300.0


class Api:
    """The server, and what outlives it: clients, the code that is open, and the feed of readings."""

    def __init__(self, folder: Path, installation: str, service: ServiceEdge) -> None:
        from obisgw.web import server  # noqa: PLC0415 - see above
        from obisgw.web.clients import Clients  # noqa: PLC0415
        from obisgw.web.feed import Feed  # noqa: PLC0415
        from obisgw.web.pairing import Pairing  # noqa: PLC0415

        from .control import ControlSocket  # noqa: PLC0415
        from .owner import answer  # noqa: PLC0415

        self._new_server = server.ApiServer
        self._installation = installation
        self._service = service
        self.clients = Clients(folder / "tokens.json")
        self.pairing = Pairing()
        self.feed = Feed(lambda meter_id: [one.id for one in self.clients.thresholds_of(meter_id)])
        self._control = ControlSocket(
            folder, lambda request: answer(self.clients, self.pairing, asyncio.get_running_loop().time(), request)
        )
        self._settings: tuple[ApiSettings, GatewayInfo] | None = None
        self._serving: asyncio.Task[None] | None = None
        self._server: ApiServer | None = None
        self.clients.on_revoked.append(self._revoked)

    @property
    def adopted(self) -> frozenset[str]:
        """The meters that clients show, which MQTT then does not announce."""
        return self.clients.adopted

    def thresholds_of(self, meter_id: str) -> tuple[Threshold, ...]:
        """Return what clients wish to be watched of a meter."""
        return self.clients.thresholds_of(meter_id)

    async def use(self, settings: ApiSettings, gateway: GatewayInfo) -> None:
        """Serve with these settings from now on; a server that has them already goes on undisturbed."""
        if (settings, gateway) == self._settings:
            return
        first = self._settings is None
        await self._end()
        if first:
            await self._control.start()
        self._settings = settings, gateway
        self._serving = asyncio.create_task(self._serve(settings, gateway), name="API")

    async def stop(self) -> None:
        """End all connections and give the port back."""
        await asyncio.gather(self._control.stop(), self._end())

    async def _end(self) -> None:
        self._settings = None
        serving, self._serving = self._serving, None
        if serving is not None:
            serving.cancel()
            await asyncio.wait((serving,))
        server, self._server = self._server, None
        if server is not None:
            await server.stop()

    async def _serve(self, settings: ApiSettings, gateway: GatewayInfo) -> None:
        """Start the server, however often it takes. Each trouble is said once."""
        pause, said = RETRY, ""
        while True:
            server = self._new_server(
                settings, gateway, self._installation, self.clients, self.pairing, self._service, self.feed
            )
            try:
                await server.start()
            except ObisGatewayError as error:
                if str(error) != said:
                    said = str(error)
                    _log.error("%s: meters are read all the same, and the API is tried again", error)
            except Exception:  # noqa: BLE001 - said whole; meters are read on
                _log.exception("the API cannot be started: a fault of the program; meters are read all the same")
                pause = RETRY_LONGEST
            else:
                break
            await asyncio.sleep(pause)
            pause = min(2 * pause, RETRY_LONGEST)
        self._server = server
        secure = "https" if settings.certificate else "http"
        _log.info("API and status page: %s://%s:%d/", secure, settings.host or "<this machine>", server.port)
        if not self.clients.list():
            self._offer()
        if settings.announce:
            await self._announce(gateway, server.port, tls=secure == "https")

    async def _announce(self, gateway: GatewayInfo, port: int, *, tls: bool) -> None:
        """Let the gateway be found until cancelled; what goes wrong with that keeps nobody from its address."""
        from obisgw.web.announce import Announcer  # noqa: PLC0415 - the largest of the API's libraries

        try:
            await Announcer(gateway, self._installation, port, tls=tls).run()
        except Exception:  # noqa: BLE001 - said whole
            _log.exception("the gateway cannot be announced: a fault of the program; add it by its address")

    def _offer(self) -> None:
        """Say a first code in the log: nobody is paired yet."""
        code = self.pairing.open(asyncio.get_running_loop().time())
        words = "pairing code for Home Assistant or the status page: %s %s (for five minutes, once; 'obis-gateway pair' shows a new one)"
        _log.info(words, code[:3], code[3:])

    def _revoked(self, _client_id: str) -> None:
        self._service.clients_changed()
