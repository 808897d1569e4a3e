"""The status page: three files, which hold no data; the page asks the API for it, with a token of its own."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from aiohttp import web

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

_FILES: Final = {
    "/": ("index.html", "text/html"),
    "/status.css": ("status.css", "text/css"),
    "/status.js": ("status.js", "text/javascript"),
}


def page_routes() -> list[web.RouteDef]:
    """Return the addresses of the page."""
    return [web.get(path, _handler(name, kind)) for path, (name, kind) in _FILES.items()]


def _handler(name: str, kind: str) -> Handler:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=_content(name), content_type=kind, charset="utf-8")

    return handler


@cache
def _content(name: str) -> bytes:
    return files(__package__).joinpath("static", name).read_bytes()
