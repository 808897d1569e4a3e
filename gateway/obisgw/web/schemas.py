"""The shapes of the API's documents, as JSON Schema (2020-12). Members may be added in a minor version: clients ignore them."""

from __future__ import annotations

from typing import Any, Final

from obisgw.obis import ValueKind
from obisgw.readings.derive import EventKind

from .problems import Problem

Schema = dict[str, Any]


def ref(name: str) -> Schema:
    """Return a reference to one of ``SCHEMAS``."""
    return {"$ref": f"#/components/schemas/{name}"}


def _text(meaning: str, **more: object) -> Schema:
    return {"type": "string", "description": meaning, **more}


def _text_or_null(meaning: str) -> Schema:
    return {"type": ["string", "null"], "description": meaning}


def _count(meaning: str) -> Schema:
    return {"type": "integer", "minimum": 0, "description": meaning}


def _truth(meaning: str) -> Schema:
    return {"type": "boolean", "description": meaning}


def _list(items: Schema, meaning: str) -> Schema:
    return {"type": "array", "items": items, "description": meaning}


def _map(values: Schema, meaning: str) -> Schema:
    return {"type": "object", "additionalProperties": values, "description": meaning}


def _object(meaning: str, properties: dict[str, Schema], *, optional: tuple[str, ...] = ()) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "description": meaning, "properties": properties, "required": required}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


_TIME: Final = {"format": "date-time"}

SCHEMAS: Final[dict[str, Schema]] = {
    "Health": _object(
        "How reading a meter goes since the service started.",
        {
            "reads": _count("Readings"),
            "failures": _count("Readouts that failed"),
            "silences": _count("Attempts without answer"),
            "parity_errors": _count("Characters with a parity error"),
            "block_check_errors": _count("Telegrams with a bad block check"),
            "reads_today": _count("Readouts begun today"),
            "last_success": {"type": ["string", "null"], **_TIME, "description": "Time of the newest reading, UTC"},
            "last_duration": {"type": ["number", "null"], "description": "Seconds that it took"},
            "baudrate": {"type": ["integer", "null"], "description": "Rate of the data"},
            "switch_margin": {"type": ["number", "null"], "description": "Seconds before the switch of the rate"},
            "clock_deviation": {
                "type": ["number", "null"],
                "description": "Seconds that the meter's clock was ahead of ours in the last full reading",
            },
            "last_error": _text_or_null("Why the last readout failed, and what to do"),
        },
    ),
    "Register": _object(
        "One register and what it means.",
        {
            "id": _text("Stable name, the key in `Reading.values`", examples=["1_0_1_8_0_255"]),
            "key": _text("Readable name of [a-z0-9_]", examples=["active_energy_import"]),
            "obis": _text_or_null("Full OBIS code; null where the address is none"),
            "address": _text("Address as the meter prints it", examples=["1.8.0"]),
            "name": _text("English name", examples=["Energy import"]),
            "kind": {"enum": [kind.value for kind in ValueKind], "description": "All but `number` are texts"},
            "unit": _text_or_null("Home Assistant's unit"),
            "device_class": _text_or_null("Home Assistant's device class"),
            "state_class": _text_or_null("Home Assistant's state class"),
            "precision": {"type": ["integer", "null"], "minimum": 0, "description": "Decimals of the value"},
            "category": {"enum": ["diagnostic", None]},
            "enabled": _truth("Whether it is shown without being asked for"),
            "billing_period": {"type": ["integer", "null"], "description": "Number of a closed billing period"},
            "translation_key": _text_or_null("Key of the name's translations"),
            "placeholders": _map({"type": "string"}, "What varies in the name"),
        },
    ),
    "Reading": _object(
        "One proved telegram; between full readouts, the last one with the newest values of the fast registers in it.",
        {
            "at": _text("Time of the last byte, UTC: of the telegram, or of the newest value", **_TIME),
            "duration": {"type": "number", "minimum": 0, "description": "Seconds that the readout took"},
            "tariff": _text_or_null("The tariff in force; null while unknown"),
            "values": _map({"type": ["string", "null"]}, "By register id: the digits of the line, null for no number"),
            "times": _map({"type": "string"}, "By register id: its own time stamp, the meter's local time"),
            "thresholds": _map({"type": ["boolean", "null"]}, "By threshold id: beyond the limit; null if unknown"),
        },
    ),
    "ThresholdRequest": {
        **_object(
            "A limit to watch: either `above` or `below`.",
            {
                "name": _text("Name, unique at the meter", minLength=1, maxLength=64),
                "register": _text_or_null("OBIS code such as 16.7.0; null for the usual power register"),
                "above": {"type": ["string", "number", "null"], "description": "On above this"},
                "below": {"type": ["string", "number", "null"], "description": "On below this"},
                "unit": _text_or_null("Unit of limit and hysteresis, such as kW; null for the register's own"),
                "hysteresis": {"type": ["string", "number", "null"], "description": "Off when back by so much more"},
                "for": {"type": "number", "minimum": 0, "maximum": 86400, "description": "Seconds beyond the limit"},
            },
            optional=("register", "above", "below", "unit", "hysteresis", "for"),
        ),
    },
    "Threshold": _object(
        "A limit that is watched.",
        {
            "id": _text("Stable name of [a-z0-9_]"),
            "name": _text("Name"),
            "register": _text_or_null("OBIS code; null for the usual power register"),
            "above": _text_or_null("On above this"),
            "below": _text_or_null("On below this"),
            "unit": _text_or_null("Unit of limit and hysteresis"),
            "hysteresis": _text("Off when back by so much more"),
            "for": {"type": "number", "minimum": 0, "description": "Seconds beyond the limit before it is on"},
            "source": {"enum": ["configuration", "client"]},
        },
    ),
    "Thresholds": _object("A client's limits at one meter.", {"thresholds": _list(ref("Threshold"), "All of them")}),
    "ThresholdsRequest": _object(
        "A client's limits at one meter, which replace those before.",
        {"thresholds": {**_list(ref("ThresholdRequest"), "All of them"), "maxItems": 50}},
    ),
    "Meter": _object(
        "One meter with its registers and its newest reading.",
        {
            "id": _text("Stable name made of maker and number", examples=["isk_12345678"]),
            "name": _text("Name to show"),
            "number": _text_or_null("The meter's own number"),
            "flag": _text_or_null("The maker's three letters"),
            "manufacturer": _text_or_null("The maker's name"),
            "model": _text_or_null("As the meter identifies itself"),
            "medium": _text("What is measured", examples=["electricity"]),
            "entry": _text_or_null("Its name in the configuration"),
            "interval": {"type": ["number", "null"], "description": "Seconds between readings; null if it decides"},
            "on_request": _truth("Whether it can be asked"),
            "available": _truth("Whether the last readout was good"),
            "problem": _text_or_null("Why not, and what to do"),
            "replaced_by": _text_or_null("Id of the meter that stands in its place"),
            "tariffs": _list({"type": "string"}, "The tariffs that it has shown"),
            "registers": _list(ref("Register"), "All registers that it has shown"),
            "thresholds": _list(ref("Threshold"), "All limits that are watched"),
            "reading": _or_null(ref("Reading")),
            "health": ref("Health"),
            "adopted": _truth("Whether the asking client has adopted it"),
        },
        optional=("adopted",),
    ),
    "Meters": _object(
        "All meters, as of `sequence` of `stream`.",
        {
            "stream": _text("Names this run of the gateway"),
            "sequence": _count("Number of the newest message"),
            "meters": _list(ref("Meter"), "All meters"),
        },
    ),
    "Gateway": _object(
        "The gateway.",
        {
            "id": _text("Tells it from all others, wherever it moves"),
            "slug": _text("Its identifier in the configuration"),
            "name": _text("Its name"),
            "version": _text("Version of the program"),
            "api": _text("Version of this API: another major does not fit", examples=["1.0"]),
            "started_at": _text("When it was started, UTC", **_TIME),
            "stream": _text("Names this run of the gateway"),
            "sequence": _count("Number of the newest message"),
            "mqtt": _object(
                "The way over the broker.",
                {
                    "enabled": _truth("Whether it is used"),
                    "connected": _truth("Whether the broker takes messages"),
                    "problem": _text_or_null("Why not"),
                },
            ),
        },
    ),
    "HealthCheck": _object("That the gateway is there.", {"status": {"const": "ok"}, "api": _text("API version")}),
    "PairRequest": _object(
        "A pairing code.",
        {
            "code": _text("Six digits from `obis-gateway pair`", minLength=1, maxLength=32),
            "name": _text("Who asks, for the list of tokens", minLength=1, maxLength=64),
        },
    ),
    "Paired": _object(
        "A token, which is shown this once.",
        {"token": _text("For `Authorization: Bearer`"), "token_id": _text("Its id"), "gateway": ref("Gateway")},
    ),
    "Accepted": _object("The meter is read next.", {"accepted": {"const": True}}),
    "Diagnostics": _object(
        "What helps to find a fault, without secrets.",
        {
            "gateway": ref("Gateway"),
            "service": {"type": "object"},
            "clients": _count("Tokens"),
            "streams": _count("Open streams"),
            "meters": _list(ref("Meter"), "All meters"),
        },
    ),
    "Event": _object(
        "Something that happened at a meter.",
        {
            "type": {"const": "event"},
            "sequence": _count("Its number"),
            "meter": _text("The meter's id"),
            "event_type": {"enum": [kind.value for kind in EventKind]},
            "at": _text("When, UTC", **_TIME),
            "details": _map({"type": "string"}, "What it is about"),
        },
    ),
    "Problem": _object(
        "What went wrong and what to do (RFC 9457).",
        {
            "type": {"enum": [f"urn:obis-gateway:problem:{one.slug}" for one in Problem]},
            "title": _text("The kind of problem"),
            "status": {"type": "integer"},
            "detail": _text("What happened and what to do"),
        },
    ),
}
