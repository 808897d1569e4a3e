"""The API described for programs (OpenAPI 3.1)."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from obisgw import __version__

from .bodies import LONGEST_WAIT
from .edges import API_VERSION, BASE
from .problems import Problem
from .schemas import SCHEMAS, ref

Json = dict[str, Any]

_STREAM: Final = """\
A WebSocket; messages are JSON objects with a `type`. The token comes in the `Authorization` header or, from browsers, in
a first message `{"type": "auth", "token": …}` within ten seconds. The gateway says `welcome` (`api`, `stream`, `sequence`,
`gateway`). The client sends `{"type": "subscribe", "stream": …, "since": …}` with what it saw last, or null. If all that
it missed is still there it comes next; else a `snapshot` (`sequence`, `meters`; `complete` is false when events may have
been missed). Then each change as it happens, numbered by `sequence`: `meter` (`meter`, `description`: always before a
reading that needs it), `reading` (`meter`, `reading`, `health`), `availability` (`meter`, `available`, `problem`,
`health`), `event` (see schema Event), `meter_removed` (`meter`). `error` carries a `problem` and is the last one; close
codes: 4400 bad message, 4401 token, 4429 too slow, 1001 the gateway stops. Clients ignore types and members that they do
not know."""


@cache
def openapi_document() -> Json:
    """Return the description of all addresses."""
    meter = [{"name": "meter", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}]
    wait = {
        "name": "wait",
        "in": "query",
        "description": "Seconds to wait for the reading",
        "schema": {"type": "number", "minimum": 0, "maximum": LONGEST_WAIT},
    }
    unknown = (Problem.UNKNOWN_METER,)
    paths: Json = {
        "/health": {"get": _operation("Tell that the gateway is there", "HealthCheck", open_to_all=True)},
        "/pair": {
            "post": _operation(
                "Exchange a pairing code for a token",
                "Paired",
                status=201,
                body="PairRequest",
                problems=(
                    Problem.WRONG_CODE,
                    Problem.NO_CODE,
                    Problem.PAIRING_LOCKED,
                    Problem.FORBIDDEN_ORIGIN,
                ),
                open_to_all=True,
            )
        },
        "/token": {"delete": _operation("Revoke the token that is shown", None, status=204)},
        "/gateway": {"get": _operation("Describe the gateway", "Gateway")},
        "/meters": {"get": _operation("Describe all meters", "Meters")},
        "/meters/{meter}": {"parameters": meter, "get": _operation("Describe a meter", "Meter", problems=unknown)},
        "/meters/{meter}/reading": {
            "parameters": meter,
            "get": _operation("Return the newest reading", "Reading", problems=(*unknown, Problem.NO_READING)),
        },
        "/meters/{meter}/read": {
            "parameters": meter,
            "post": _read(wait, unknown),
        },
        "/meters/{meter}/adoption": {
            "parameters": meter,
            "put": _operation("Show the meter in place of MQTT discovery", None, status=204, problems=unknown),
            "delete": _operation("Leave the meter to MQTT discovery", None, status=204),
        },
        "/meters/{meter}/thresholds": {
            "parameters": meter,
            "get": _operation("Return one's own thresholds", "Thresholds", problems=unknown),
            "put": _operation(
                "Replace one's own thresholds",
                "Thresholds",
                body="ThresholdsRequest",
                problems=(*unknown, Problem.THRESHOLD_CONFLICT),
            ),
        },
        "/diagnostics": {"get": _operation("Return what helps to find a fault, without secrets", "Diagnostics")},
        "/openapi.json": {"get": _operation("Return this description", None, answer={"type": "object"})},
        "/stream": {"get": _stream()},
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "OBIS Gateway",
            "version": API_VERSION,
            "description": f"Readings of utility meters, pushed. Program version {__version__}. "
            "Values are texts with the digits of the line. No address writes to a meter.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": BASE}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "See `/pair`"}},
        },
    }


def _operation(
    summary: str,
    schema: str | None,
    *,
    status: int = 200,
    body: str | None = None,
    problems: tuple[Problem, ...] = (),
    answer: Json | None = None,
    open_to_all: bool = False,
) -> Json:
    everywhere = (Problem.TOO_MANY_CONNECTIONS, Problem.INTERNAL, Problem.FORBIDDEN_HOST, Problem.INVALID_REQUEST)
    found = {*problems, *everywhere, *(() if open_to_all else (Problem.UNAUTHORIZED, Problem.FORBIDDEN_ORIGIN))}
    if body is not None:
        found |= {Problem.TOO_LARGE, Problem.REQUEST_TIMEOUT}
    answer = answer or (None if schema is None else ref(schema))
    good: Json = {"description": summary}
    if answer is not None:
        good["content"] = {"application/json": {"schema": answer}}
    operation: Json = {"summary": summary, "responses": {str(status): good, **_problems(found)}}
    if body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": ref(body)}}}
    if open_to_all:
        operation["security"] = []
    return operation


def _read(wait: Json, unknown: tuple[Problem, ...]) -> Json:
    problems = (*unknown, Problem.NOT_ON_REQUEST, Problem.READ_FAILED, Problem.READ_TIMEOUT)
    operation = _operation("Read the meter as soon as its line is free", "Accepted", status=202, problems=problems)
    operation["parameters"] = [wait]
    content = {"application/json": {"schema": ref("Reading")}}
    operation["responses"]["200"] = {"description": "The reading that was waited for", "content": content}
    return operation


def _stream() -> Json:
    operation = _operation("Every change as it happens", None, status=101)
    operation["description"] = _STREAM
    return operation


def _problems(problems: set[Problem]) -> Json:
    by_status: dict[str, list[str]] = {}
    for problem in sorted(problems, key=lambda one: one.slug):
        by_status.setdefault(str(int(problem.status)), []).append(problem.slug)
    content = {"application/problem+json": {"schema": ref("Problem")}}
    return {status: {"description": ", ".join(slugs), "content": content} for status, slugs in by_status.items()}
