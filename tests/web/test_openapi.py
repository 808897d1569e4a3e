"""The description is exact: schemathesis asks the running server, and each document is held against its schema."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from obisgw.web.edges import BASE
from obisgw.web.openapi import openapi_document
from obisgw.web.schemas import SCHEMAS
from tests.mqtt.samples import METER

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Api


def check(name: str, document: Any) -> None:
    """Hold a document against its schema."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": SCHEMAS}}
    jsonschema.validate(document, schema, format_checker=jsonschema.FormatChecker())


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("/gateway", "Gateway"),
        ("/meters", "Meters"),
        (f"/meters/{METER.id}", "Meter"),
        (f"/meters/{METER.id}/reading", "Reading"),
        (f"/meters/{METER.id}/thresholds", "Thresholds"),
        ("/diagnostics", "Diagnostics"),
        ("/nothing", "Problem"),
        ("/meters/nobody", "Problem"),
        ("/health", "HealthCheck"),
    ],
)
async def test_documents_are_as_described(api: Api, path: str, schema: str) -> None:
    """With a reading of everything that a meter may print."""
    await api.ask(
        "PUT", f"/meters/{METER.id}/thresholds", json={"thresholds": [{"name": "High", "above": "3", "unit": "kW"}]}
    )
    api.service.read("1.6.0(1.234*kW)", "0.9.1(120000)", "B_7()", "F.F(1)", "1.8.0*01(1*kWh)", "32.7.0(12A*V)")
    _, document = await api.ask("GET", path)
    check(schema, document)


async def test_the_streams_documents_are_as_described(api: Api) -> None:
    """Snapshot, readings and events are made of the same parts."""
    socket, welcome = await api.stream()
    check("Gateway", welcome["gateway"])
    snapshot = await socket.receive_json(timeout=5)
    for meter in snapshot["meters"]:
        check("Meter", meter)
    api.service.read("F.F(1)", "9.9.9(1)")
    seen = set()
    while "event" not in seen:
        message = await socket.receive_json(timeout=5)
        seen.add(message["type"])
        match message["type"]:
            case "reading":
                check("Reading", message["reading"])
                check("Health", message["health"])
            case "meter":
                check("Meter", message["description"])
            case "event":
                check("Event", message)
            case other:
                pytest.fail(f"unexpected: {other}")
    assert seen == {"reading", "meter", "event"}
    await socket.close()


def test_every_schema_is_one_and_is_used() -> None:
    """Nothing is described that nobody gets."""
    for schema in SCHEMAS.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    text = repr(openapi_document())
    assert [name for name in SCHEMAS if f"#/components/schemas/{name}'" not in text and name != "Event"] == []


async def test_the_description_is_served(api: Api) -> None:
    """To those who may ask."""
    assert await api.ask("GET", "/openapi.json") == (200, openapi_document())


@pytest.mark.slow
async def test_any_request_gets_an_answer_that_is_described(api: Api) -> None:
    """Schemathesis makes requests from the description, right ones and wrong ones."""
    document = dict(openapi_document())
    # A WebSocket is no answer to a request, and a revoked token would end the test.
    document["paths"] = {path: item for path, item in document["paths"].items() if path not in {"/stream", "/token"}}
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=f"{api.url}{BASE}", headers={"Authorization": f"Bearer {api.token}"})
    asked: list[int] = []

    def ask_all() -> None:
        for result in schema.get_all_operations():
            assert isinstance(result, Ok)
            _asking(result.ok(), asked)()

    await asyncio.get_running_loop().run_in_executor(None, ask_all)
    assert len(asked) > 200
    # Other than a fault: a meter that was not read in time is 504, as described.
    assert 500 not in asked
    assert {200, 201, 204, 400, 404} & set(asked) >= {200, 400, 404}


def _asking(operation: Any, asked: list[int]) -> Callable[[], None]:
    """Return what asks one address in many ways, every other time of a meter that is there."""

    @settings(
        max_examples=40,
        deadline=None,
        phases=[Phase.generate],
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        if len(asked) % 2 and "meter" in (case.path_parameters or {}):
            case.path_parameters["meter"] = METER.id
        if "wait" in (case.query or {}):
            case.query["wait"] = 0
        response = case.call()
        case.validate_response(response, checks=CHECKS)
        asked.append(response.status_code)

    return ask


CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
