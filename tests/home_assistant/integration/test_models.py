"""Every member of every document, with what should not be there: it is understood, or said to be wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

import pytest

from custom_components.obis_gateway import client
from custom_components.obis_gateway.models import (
    LONGEST_NAME,
    MOST_DETAILS,
    MOST_TARIFFS,
    GatewayError,
    GatewayResponseError,
    Meter,
    MeterEvent,
    message_of,
)
from tests.home_assistant.integration.impostor import meter_document

WRONG: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 2**63, -(2**63), 10**400, -(10**400), 0.5, -0.0, 1e308),
    *("", " ", "\ud800", "a\x00b", "9" * 5000, "NaN", "\u0661\u0662", "2026-W01", "24:00"),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-11-24T12:00:00+99:00"),
    *([], [[]], [None], [1], ["a"], ["a"] * 3000, [{}], [{"id": 1}]),
    *(
        {},
        {"": ""},
        {"a": None},
        {"a": 1},
        {"a": []},
        {"\ud800": "\ud800"},
        {str(number): "" for number in range(3000)},
    ),
)

HEALTH: Final = {
    "reads": 1,
    "failures": 1,
    "silences": 1,
    "parity_errors": 1,
    "block_check_errors": 1,
    "reads_today": 1,
    "last_success": "2026-11-22T12:00:00Z",
    "last_duration": 1.5,
    "baudrate": 9600,
    "last_error": "why",
}
LIMIT: Final = {
    "id": "high",
    "name": "High",
    "register": "1-0:16.7.0*255",
    "above": "3",
    "below": None,
    "unit": "kW",
    "hysteresis": "0",
    "for": 1,
    "source": "client",
}
GATEWAY: Final = {"id": "g", "name": "Gateway", "version": "1", "api": "1.0", "stream": "run", "sequence": 1}
METER: Final = meter_document(thresholds=[LIMIT], health=HEALTH, tariffs=["t1"], replaced_by=None) | {
    "reading": {**meter_document()["reading"], "tariff": "t1", "times": {"r": "2026"}, "thresholds": {"high": True}}
}
PROBLEM: Final = {
    "type": "urn:obis-gateway:problem:pairing_locked",
    "title": "Locked",
    "status": 429,
    "detail": "later",
    "retry_after": 60,
}
MESSAGES: Final[tuple[dict[str, Any], ...]] = (
    {"type": "welcome", "api": "1.0", "gateway": GATEWAY},
    {"type": "snapshot", "stream": "run", "sequence": 1, "complete": True, "meters": [METER]},
    {"type": "reading", "sequence": 1, "meter": "abc_1", "reading": METER["reading"], "health": HEALTH},
    {"type": "availability", "sequence": 1, "meter": "abc_1", "available": False, "problem": "why", "health": HEALTH},
    {"type": "event", "sequence": 1, "meter": "abc_1", "event_type": "clock_set", "at": None, "details": {"by": "30"}},
    {"type": "meter", "sequence": 1, "description": METER},
    {"type": "meter_removed", "sequence": 1, "meter": "abc_1"},
    {"type": "error", "problem": PROBLEM},
)


def damaged(document: Any) -> Iterator[Any]:
    """Return the document over and over, each time with one wrong thing at one place, or one left out."""
    match document:
        case dict():
            for key, value in document.items():
                rest = {other: kept for other, kept in document.items() if other != key}
                yield rest
                for wrong in (*WRONG, *damaged(value)):
                    yield {**rest, key: wrong}
        case [first, *_]:
            for wrong in (*WRONG, *damaged(first)):
                yield [wrong]
        case _:
            return


@pytest.mark.parametrize("message", MESSAGES, ids=[message["type"] for message in MESSAGES])
def test_a_damaged_message_is_understood_or_said_to_be_wrong(message: dict[str, Any]) -> None:
    """Nothing else comes of it: no other error, and no value that cannot be shown."""
    understood = 0
    # An error of the gateway's is always raised.
    with suppress(GatewayError):
        client._message(message)
    for document in damaged(message):
        try:
            text = json.dumps(document)
        except ValueError:
            continue
        with suppress(GatewayError):
            repr(client._message(client._json(text)))
            understood += 1
    assert understood > 0 or message["type"] == "error"


def test_names_are_short_and_can_be_seen() -> None:
    """What cannot be seen counts as left out."""
    meter = Meter.from_json({"id": "a", "name": " \n", "model": "x" * 5000, "registers": [{"id": "r", "unit": "\t"}]})
    assert meter.name == "a"
    assert meter.model == "x" * LONGEST_NAME
    assert meter.registers["r"].unit is None


def test_what_is_told_of_an_event_can_be_an_attribute() -> None:
    """Keys as well as texts."""
    event = {"type": "event", "sequence": 1, "meter": "a", "event_type": "clock_set"}
    told = message_of({**event, "details": {"a\x00\ud800": "b\n"}})
    assert isinstance(told, MeterEvent)
    assert told.details == {"a  ": "b "}
    with pytest.raises(GatewayResponseError, match="details"):
        message_of({**event, "details": {str(number): "" for number in range(MOST_DETAILS + 1)}})


def test_no_meter_has_so_many_tariffs() -> None:
    """They are choices in a list."""
    with pytest.raises(GatewayResponseError, match="tariffs"):
        Meter.from_json({"id": "a", "tariffs": [str(number) for number in range(MOST_TARIFFS + 1)]})
