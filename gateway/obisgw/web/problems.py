"""Problem documents (RFC 9457): what went wrong and what to do, for every answer that is no success."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping

_TYPE = "urn:obis-gateway:problem:"


class Problem(Enum):
    """The kinds of problems. Clients act by them, people read ``title`` and the detail."""

    UNAUTHORIZED = ("unauthorized", HTTPStatus.UNAUTHORIZED, "A valid token is needed")
    WRONG_CODE = ("wrong_code", HTTPStatus.FORBIDDEN, "The pairing code is wrong")
    NO_CODE = ("no_code", HTTPStatus.FORBIDDEN, "No pairing code is open")
    PAIRING_LOCKED = ("pairing_locked", HTTPStatus.TOO_MANY_REQUESTS, "Pairing is locked for a while")
    UNKNOWN_METER = ("unknown_meter", HTTPStatus.NOT_FOUND, "There is no such meter")
    NO_READING = ("no_reading", HTTPStatus.NOT_FOUND, "The meter has not been read yet")
    NOT_ON_REQUEST = ("not_on_request", HTTPStatus.CONFLICT, "The meter cannot be asked")
    READ_FAILED = ("read_failed", HTTPStatus.BAD_GATEWAY, "The meter could not be read")
    READ_TIMEOUT = ("read_timeout", HTTPStatus.GATEWAY_TIMEOUT, "No reading came in time")
    INVALID_REQUEST = ("invalid_request", HTTPStatus.BAD_REQUEST, "The request cannot be understood")
    REQUEST_TIMEOUT = ("request_timeout", HTTPStatus.REQUEST_TIMEOUT, "The request came too slowly")
    TOO_LARGE = ("too_large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The request is too large")
    FORBIDDEN_HOST = ("forbidden_host", HTTPStatus.MISDIRECTED_REQUEST, "This machine is not known by that name")
    FORBIDDEN_ORIGIN = ("forbidden_origin", HTTPStatus.FORBIDDEN, "Another web site may not use this API")
    TOO_MANY_CONNECTIONS = ("too_many_connections", HTTPStatus.SERVICE_UNAVAILABLE, "Too many connections are open")
    TOO_SLOW = ("too_slow", HTTPStatus.SERVICE_UNAVAILABLE, "The stream is not read quickly enough")
    NOT_FOUND = ("not_found", HTTPStatus.NOT_FOUND, "There is nothing at this address")
    METHOD_NOT_ALLOWED = ("method_not_allowed", HTTPStatus.METHOD_NOT_ALLOWED, "This method does not fit the address")
    THRESHOLD_CONFLICT = ("threshold_conflict", HTTPStatus.CONFLICT, "A threshold with this name exists already")
    INTERNAL = ("internal", HTTPStatus.INTERNAL_SERVER_ERROR, "A fault of the gateway")

    def __init__(self, slug: str, status: HTTPStatus, title: str) -> None:
        self.slug = slug
        self.status = status
        self.title = title


@dataclass
class ProblemError(Exception):
    """Ends a request with a problem document. ``detail`` says what happened and what to do; ``more`` adds members."""

    problem: Problem
    detail: str
    more: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, object]:
        """Return the document."""
        problem = self.problem
        return {
            "type": f"{_TYPE}{problem.slug}",
            "title": problem.title,
            "status": int(problem.status),
            "detail": self.detail,
            **self.more,
        }

    def response(self) -> web.Response:
        """Return the answer that carries it."""
        return web.Response(
            status=int(self.problem.status),
            body=json.dumps(self.document(), ensure_ascii=False).encode(),
            content_type="application/problem+json",
            headers=self.headers,
        )
