"""The API's server: the application made of its parts, its socket, its start and end."""

from __future__ import annotations

import errno
import logging
from typing import TYPE_CHECKING, Final

from aiohttp import web
from aiohttp.typedefs import Handler

from obisgw.errors import ConfigurationError, SinkError

from .access import crowd, doors
from .bodies import LARGEST
from .entrance import KEPT_FOR, Entrance, no_noise
from .problems import Problem, ProblemError
from .routes import Api
from .stream import Close, Ending

if TYPE_CHECKING:
    import asyncio
    import ssl

    from obisgw.config.table import ApiSettings
    from obisgw.readings.shown import GatewayInfo

    from .clients import Clients
    from .edges import ServiceEdge
    from .feed import Feed
    from .pairing import Pairing

_log = logging.getLogger(__name__)

_END_WITHIN: Final = 1.0
_OF_AIOHTTP: Final = logging.getLogger("aiohttp.server")
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Server": "obis-gateway",
    "X-Content-Type-Options": "nosniff",
}


class ApiServer:
    """Serves the API and the status page from ``start`` to ``stop``."""

    def __init__(
        self,
        settings: ApiSettings,
        gateway: GatewayInfo,
        installation: str,
        clients: Clients,
        pairing: Pairing,
        service: ServiceEdge,
        feed: Feed,
    ) -> None:
        self._settings = settings
        self._clients = clients
        self._api = Api(gateway, installation, clients, pairing, service, feed)
        self._runner: web.AppRunner | None = None
        self._entrance: Entrance | None = None
        self._listening: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The TCP port that is served; another one than configured where that was 0."""
        if self._listening is None or not self._listening.sockets:
            return self._settings.port
        return int(self._listening.sockets[0].getsockname()[1])

    def application(self) -> web.Application:
        """Return the whole application."""
        from .page import page_routes  # noqa: PLC0415 - beside the API, not below it

        application = web.Application(
            middlewares=[self._hear, _answers, crowd(), doors(self._clients, self._settings.allowed_hosts)],
            client_max_size=LARGEST,
        )
        application.add_routes([*self._api.routes(), *page_routes()])
        application.on_response_prepare.append(_with_headers)
        return application

    async def start(self) -> None:
        """Serve. Raises ConfigurationError for a certificate that is none, SinkError when the port cannot be had."""
        context = self._tls()
        runner = web.AppRunner(
            self.application(),
            access_log=None,
            shutdown_timeout=_END_WITHIN,
            keepalive_timeout=KEPT_FOR,
            lingering_time=_END_WITHIN,
            # Nobody sends compressed requests, and small ones can be made to unpack to large ones.
            auto_decompress=False,
        )
        await runner.setup()
        if runner.server is None:  # pragma: no cover - there after setup()
            raise RuntimeError("no server")
        self._entrance = Entrance(runner.server)
        _OF_AIOHTTP.addFilter(no_noise)
        settings = self._settings
        where = f"API at port {settings.port}"
        try:
            self._listening = await self._entrance.open(settings.host, settings.port, context)
        except OSError as error:
            await runner.cleanup()
            match error.errno:
                case errno.EADDRINUSE:
                    hint = "another program, or another gateway, has it: choose another 'port' in section 'api'"
                    raise SinkError("the port is in use", where=where, hint=hint) from error
                case errno.EACCES:
                    hint = "ports below 1024 are root's: choose another 'port' in section 'api'"
                    raise SinkError("this user may not open the port", where=where, hint=hint) from error
                case _:
                    hint = "'host' in section 'api' is an address of this machine"
                    raise SinkError(error.strerror or str(error), where=where, hint=hint) from error
        self._runner = runner
        self._clients.on_revoked.append(self._revoked)

    async def stop(self) -> None:
        """Tell the streams, and end within a second."""
        if self._runner is None or self._listening is None:
            return
        self._clients.on_revoked.remove(self._revoked)
        self._listening.close()
        self._api.end()
        # Waits for requests under way, streams among them, but not longer than it may.
        await self._runner.cleanup()
        if self._entrance is not None:
            self._entrance.close()
        self._runner = self._listening = None

    @web.middleware
    async def _hear(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self._entrance is not None:
            self._entrance.heard(request.transport)
        return await handler(request)

    def _revoked(self, client_id: str) -> None:
        problem = ProblemError(Problem.UNAUTHORIZED, "the token was revoked: pair again")
        self._api.end_streams(Ending(problem, Close.UNAUTHORIZED), client_id)

    def _tls(self) -> ssl.SSLContext | None:
        if self._settings.certificate is None:
            if self._settings.key is not None:
                raise ConfigurationError("'key' without 'certificate'", where="section 'api'", hint="give both")
            return None
        from .tls import server_context  # noqa: PLC0415 - OpenSSL costs memory

        return server_context(self._settings.certificate, self._settings.key)


async def _with_headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)


@web.middleware
async def _answers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Make a problem document of whatever goes wrong."""
    try:
        return await handler(request)
    except ProblemError as problem:
        return problem.response()
    except ConnectionError:
        # The client went in the middle of its request: nobody is left to read this.
        return ProblemError(Problem.INVALID_REQUEST, "the connection ended").response()
    except web.HTTPNotFound:
        detail = "the API's addresses begin with /api/v1; /api/v1/openapi.json describes them"
        return ProblemError(Problem.NOT_FOUND, detail).response()
    except web.HTTPMethodNotAllowed as error:
        allowed = ", ".join(sorted(error.allowed_methods))
        detail = f"this address takes {allowed}"
        return ProblemError(Problem.METHOD_NOT_ALLOWED, detail, headers={"Allow": allowed}).response()
    except web.HTTPRequestEntityTooLarge:
        return ProblemError(Problem.TOO_LARGE, f"a request has at most {LARGEST} bytes").response()
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return ProblemError(Problem.INVALID_REQUEST, error.reason).response()
    except Exception as fault:  # noqa: BLE001 - the outermost place: said whole in the log
        _log.error("%s %s: a fault of the program", request.method, request.path, exc_info=fault)
        detail = "please report it with the lines of the gateway's log"
        return ProblemError(Problem.INTERNAL, detail).response()
