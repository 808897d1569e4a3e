"""The JSON object of `read --json` and `decode --json`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from obisgw.iec62056_21.capture import telegrams_in
from obisgw.iec62056_21.dialects import Dialects
from obisgw.readings.document import capture_document, reading_document, why_unproved
from obisgw.readings.registers import registers_of
from tests.corpus import SIGN_ONS, TELEGRAMS, Case, brackets

DIALECTS = Dialects.load()
ENTRY = {
    *("address", "obis", "value", "unit", "brackets", "time"),
    *("key", "name", "unit_of_measurement", "device_class", "state_class"),
}


def decode(raw: bytes) -> dict[str, Any]:
    """The object as `decode` prints it."""
    document: dict[str, Any] = json.loads(json.dumps(capture_document(telegrams_in(raw, DIALECTS))))
    return document


@pytest.mark.parametrize("case", [case for case in TELEGRAMS if not case.refused], ids=str)
def test_documents_of_real_meters(case: Case) -> None:
    """Every data set as described, under a key of its own."""
    document = decode(case.raw)
    assert set(document) == {"mode", "identification", "medium", "checks", "registers", "unparsed"}
    assert document["mode"] == case.about["mode"][0]
    assert document["medium"] == case.about["medium"]
    assert (document["identification"] or {}).get("raw") == case.about["identification"]
    assert document["checks"]["parity_errors"] == 0
    assert document["checks"]["bcc"] == ("ok" if case.checked else "absent")
    listed = [one for one in document["registers"] if one["address"] or not case.profile]
    for one, entry in zip(listed, case.expect, strict=True):
        assert set(one) == ENTRY
        assert [one[key] for key in ("address", "obis", "value", "unit")] == [
            entry[key] for key in ("address", "obis", "value", "unit")
        ]
        assert one["brackets"] == [list(pair) for pair in brackets(entry)]
        if "time" in entry:
            assert one["time"] == entry["time"]
    keys = [one["key"] for one in document["registers"]]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("case", [case for case in TELEGRAMS if case.refused], ids=str)
def test_documents_without_a_proved_register(case: Case) -> None:
    """A wrong check or an error answer: nothing under ``registers``."""
    document = decode(case.raw)
    assert document["registers"] == []
    if case.about["check"].get("valid") is False:
        seen = document["unproved"]
        assert [one["address"] for one in seen] == [entry["address"] for entry in case.expect]
    else:
        assert [item["reason"] for item in document["unparsed"]] == ["error answer of the meter"]


@pytest.mark.parametrize("case", SIGN_ONS, ids=str)
def test_a_sign_on_names_the_meter(case: Case) -> None:
    """Without data there is nothing to prove."""
    document = decode(case.raw)
    assert document["identification"]["manufacturer"]
    assert (document["registers"], document["unproved"]) == ([], [])


def test_the_example_of_a_register() -> None:
    """A counter of energy, selectable in the energy dashboard."""
    document = decode(b"/ISk5MT174-0001\r\n\r\n1.8.1(12345.678*kWh)\r\n!\r\n")
    assert document["identification"] == {
        "raw": "/ISk5MT174-0001",
        "manufacturer": "ISK",
        "baud_char": "5",
        "model": "MT174-0001",
    }
    assert document["checks"] == {"bcc": "absent", "parity_errors": 0}
    (register,) = document["registers"]
    assert register | {"key": None, "name": None} == {
        "address": "1.8.1",
        "obis": "1-0:1.8.1*255",
        "value": "12345.678",
        "unit": "kWh",
        "brackets": [["12345.678", "kWh"]],
        "time": None,
        "key": None,
        "name": None,
        "unit_of_measurement": "kWh",
        "device_class": "energy",
        "state_class": "total_increasing",
    }


def test_of_readouts_in_mode_a_that_come_again_the_newest_value_holds() -> None:
    """They have neither STX nor ETX, and are no answers to single questions."""
    document = decode(b"/KAM 685-382\r\n1.8.0(1*kWh)\r\n!\r\n/KAM 685-382\r\n1.8.0(2*kWh)\r\n!\r\n")
    assert document["mode"] == "A"
    assert [(one["address"], one["value"]) for one in document["registers"]] == [("1.8.0", "2")]


def test_of_pushes_that_come_again_the_newest_value_holds() -> None:
    """Each register once, in the order in which it was first seen."""
    head, tail = b"/XYZ5M\r\n\r\n", b"!\r\n"
    first, second = b"1.8.0(1*kWh)\r\n2.8.0(7*kWh)\r\n", b"1.8.0(2*kWh)\r\n1.7.0(3*kW)\r\n"
    damaged = b"/XYZ5M\r\n\r\n1.8.0(9*kW"
    document = decode(head + first + tail + head + second + tail + damaged)
    assert [(one["address"], one["value"]) for one in document["registers"]] == [
        ("1.8.0", "2"),
        ("2.8.0", "7"),
        ("1.7.0", "3"),
    ]
    assert document["unparsed"] == [{"raw": "1.8.0(9*kW", "reason": "brackets do not pair"}]


def test_of_two_meters_the_last_one_counts() -> None:
    """Their registers never mix."""
    document = decode(b"/ABC5A\r\n\r\n1.8.0(1*kWh)\r\n!\r\n/XYZ5B\r\n\r\n2.8.0(2*kWh)\r\n!\r\n")
    assert document["identification"]["raw"] == "/XYZ5B"
    assert [one["address"] for one in document["registers"]] == ["2.8.0"]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"/XYZ5M\r\n\x021.8.0(1*kWh)\r\n!\r\n\x03\x00", "block check is wrong (xor)"),
        (b"/XYZ5M\r\n\r\n1.8.0(1*kWh)\r\n!1234\r\n", "block check is wrong (crc16)"),
        (b"/XYZ5M\r\n\r\n1.8.0(1*kWh)\r\n2.8.0(\x001*kWh)\r\n!\r\n", "1 characters were damaged"),
        (b"/XYZ5M\r\n\r\n1.8.0(1*kWh)\r\n", "not whole"),
    ],
)
def test_what_is_not_proved_says_why(raw: bytes, words: str) -> None:
    """In words, for the terminal."""
    (message,) = telegrams_in(raw, DIALECTS).messages
    assert words in (why_unproved(message.telegram) or "")
    found, unparsed = registers_of(message.telegram, message.dialect)
    document = reading_document(message.telegram, message.dialect.medium, found, unparsed)
    assert document["registers"] == []
    assert len(document["unproved"]) == 1  # type: ignore[arg-type]


def test_nothing_at_all_is_a_document_too() -> None:
    """An empty file."""
    assert decode(b"")["identification"] is None
