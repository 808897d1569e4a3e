"""Objects of DLMS meters as registers, identities, documents, periods and events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from obisgw.dlms import axdr
from obisgw.dlms.axdr import Data, Tag
from obisgw.dlms.classes import ClassId
from obisgw.dlms.objects import MeterObject
from obisgw.dlms.profile import Column, Profile, Row
from obisgw.dlms.readout import units_of, wanted
from obisgw.dlms.services import AccessResult, GetResult
from obisgw.dlms.values import ScalerUnit, Shown
from obisgw.iec62056_21.identification import parse_identification
from obisgw.iec62056_21.vdew.status import Status
from obisgw.obis import Medium
from obisgw.readings.cosem import Value, cosem_identity, cosem_registers, cosem_telegram, without_value
from obisgw.readings.cosem_objects import object_document, value_text
from obisgw.readings.cosem_stored import CosemPeriods, log_entries
from obisgw.readings.reading import Register

IMPORT = bytes((1, 0, 1, 8, 0, 255))


def one(class_id: int, name: bytes, value: Data | None, captured: Data | None = None) -> Value:
    """Return an object with what was read of it."""
    meter_object = MeterObject(class_id, 0, name, frozenset(range(2, 8)))
    return wanted([meter_object])[0], value, captured


def attributes(document: dict[str, object]) -> list[dict[str, object]]:
    """Return what a document says of an object's attributes."""
    found = document["attributes"]
    assert isinstance(found, list)
    return found


def registers(*values: Value, units: dict[bytes, ScalerUnit] | None = None) -> tuple[Register, ...]:
    """Return what they become."""
    return cosem_registers(values, units or {})


@pytest.mark.parametrize(
    ("scaler", "data", "text"),
    [
        (0, axdr.unsigned(12345, 4), "12345"),
        (-3, axdr.unsigned(12345, 4), "12.345"),
        (3, axdr.unsigned(12, 4), "12000"),
        (-1, Data(Tag.LONG, -2305), "-230.5"),
        (-10, axdr.unsigned(1, 4), "0.0000000001"),
    ],
)
def test_digits_are_exact(scaler: int, data: Data, text: str) -> None:
    """The scaler moves the point and nothing else."""
    (register,) = registers(one(3, IMPORT, data), units={IMPORT: ScalerUnit(scaler, "Wh")})
    assert (register.value, register.number, register.unit) == (text, Decimal(text), "Wh")
    assert register.address == "1-0:1.8.0*255"
    assert register.description.key == "active_energy_import"


def test_a_register_without_its_scaler_is_no_value() -> None:
    """Neither one whose scaler was refused, nor one with a scaler that cannot be."""
    impossible = axdr.structure(axdr.integer(-127), axdr.enum(30))
    attribute = MeterObject(3, 0, IMPORT, frozenset({2, 3})).attribute(3)
    for result in (GetResult(None, AccessResult.READ_WRITE_DENIED), GetResult(impossible)):
        units = units_of([attribute], [result])
        value = one(3, IMPORT, axdr.unsigned(1, 4))
        assert cosem_registers([value], units) == ()
        assert without_value([value], units)[0].raw == "1-0:1.8.0*255"


def test_a_maximum_has_the_time_at_which_it_was_captured() -> None:
    """As the ASCII modes print it, in a second bracket."""
    name = bytes((1, 0, 1, 6, 0, 255))
    stamp = axdr.octet_string(bytes.fromhex("07EA0301FF121E0000FFC400"))
    (register,) = registers(one(4, name, axdr.unsigned(1652, 4), stamp), units={name: ScalerUnit(0, "W")})
    assert register.time == datetime(2026, 3, 1, 18, 30)  # noqa: DTZ001 - the meter's own
    assert [bracket.value for bracket in register.brackets] == ["1652", "2026-03-01 18:30:00"]


def test_the_telegram_is_proved_and_holds_every_register() -> None:
    """Signs that would end a data set are left out of its text."""
    values = registers(
        one(1, bytes((0, 0, 96, 1, 0, 255)), axdr.octet_string(b"12(3)!")),
        one(3, IMPORT, axdr.unsigned(5, 4)),
        units={IMPORT: ScalerUnit(0, "Wh")},
    )
    telegram = cosem_telegram(None, values)
    assert telegram.proved
    assert telegram.block == b"0-0:96.1.0*255(123)\r\n1-0:1.8.0*255(5*Wh)\r\n"
    assert values[0].value == "12(3)!"


@pytest.mark.parametrize(
    ("line", "objects", "expected"),
    [
        ("/OBG5\\2VIRTUAL", {"42.0.0": b"ABC123", "96.1.0": b"777"}, ("obg_777", "777", "OBG")),
        (None, {"42.0.0": b"ISK1030775213859", "96.1.0": b"777"}, ("isk_777", "777", "ISK")),
        (None, {"42.0.0": b"ISK1030775213859"}, ("isk_1030775213859", "1030775213859", "ISK")),
        (None, {"42.0.0": b"\x01\x02\x03"}, ("cellar", None, None)),
        (None, {}, ("cellar", None, None)),
    ],
)
def test_the_meter_is_known_by_its_number(
    line: str | None, objects: dict[str, bytes], expected: tuple[str, str | None, str | None]
) -> None:
    """That of the ASCII modes where it has one, else what its logical device name says."""
    found = registers(
        *(
            one(1, bytes((0, 0, *(int(group) for group in code.split(".")), 255)), axdr.octet_string(octets))
            for code, octets in objects.items()
        ),
        one(3, IMPORT, axdr.unsigned(5, 4)),
        units={IMPORT: ScalerUnit(0, "Wh")},
    )
    identification = None if line is None else parse_identification(line.encode())
    identity = cosem_identity(identification, found, "Cellar")
    assert (identity.id, identity.number, identity.flag) == expected
    assert identity.medium is Medium.ELECTRICITY


def test_an_object_says_what_it_holds_what_is_refused_and_what_is_not_read() -> None:
    """Names by the class; of a class that nobody knows the octets; passwords never."""
    register = MeterObject(3, 0, IMPORT, frozenset({1, 2, 3}))
    unknown = MeterObject(8192, 7, bytes((0, 0, 128, 0, 0, 255)), frozenset({1, 2}))
    port = MeterObject(ClassId.LOCAL_PORT_SETUP, 0, bytes((0, 0, 20, 0, 0, 255)), frozenset(range(1, 10)))
    results = {
        register.attribute(2): GetResult(axdr.unsigned(5, 4)),
        register.attribute(3): GetResult(None, AccessResult.READ_WRITE_DENIED),
        unknown.attribute(2): GetResult(axdr.octet_string(b"\x01\x02")),
        port.attribute(7): GetResult(axdr.octet_string(b"secret")),
    }
    units = {IMPORT: ScalerUnit(-3, "kWh")}
    value, scaler = attributes(object_document(register, results, units))
    assert value == {"number": 2, "name": "value", "value": 5, "text": "0.005", "unit": "kWh"}
    assert scaler == {"number": 3, "name": "scaler_unit", "refused": "read write denied"}
    assert value_text(value) == "0.005 kWh"
    document = object_document(unknown, results, {})
    assert (document["class_name"], document["version"]) == ("class 8192", 7)
    assert attributes(document)[0]["raw"] == "09020102"
    (shown,) = [one for one in attributes(object_document(port, results, {})) if one["number"] == 7]
    assert shown == {"number": 7, "name": "pass_p1", "not_read": "it is a secret"}


# --- what is stored

CLOCK = Column(8, bytes((0, 0, 1, 0, 0, 255)), 2)
PROFILE = Profile((CLOCK, Column(3, IMPORT, 2)), 900, {IMPORT: ScalerUnit(0, "Wh")})
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def row(minutes: int, number: int | None, status: int | None = None, problem: str = "") -> Row:
    """Return a row that ends so many minutes after noon."""
    shown = None if number is None else Shown(str(number), Decimal(number), "Wh")
    return Row(NOON + timedelta(minutes=minutes), None, status, (shown,), problem)


def test_periods_come_each_once_and_begin_where_they_must() -> None:
    """Overlaps are left out; a period that a power failure cut has two parts."""
    periods = CosemPeriods(PROFILE, NOON, NOON + timedelta(hours=1))
    rows = [row(0, 1), row(15, 2), row(15, 2), row(20, 3, 0x80), row(30, 4), row(45, None), row(75, 9)]
    found = list(periods.of(rows[:3])) + list(periods.of(rows[2:]))
    assert [(one.end - NOON).seconds // 60 for one in found] == [15, 20, 30, 45]
    assert all(before.end == after.start for before, after in pairwise(found))
    assert found[1].status is Status.POWER_FAILURE
    assert found[0].values == (Decimal(2),)
    assert found[3].values == (None,)
    assert found[0].channels[0].unit == "Wh"


def test_a_row_without_a_time_is_named_and_belongs_to_no_period() -> None:
    """Its values are kept as a note."""
    periods = CosemPeriods(PROFILE, NOON, NOON + timedelta(hours=1))
    assert list(periods.of([Row(None, None, None, (Shown("7"),), "the row has no time")])) == []
    assert [(note.raw, note.reason) for note in periods.notes] == [("7", "the row has no time")]


def test_events_are_named_and_come_once() -> None:
    """By the companion specifications' numbers, in the standard's log alone."""
    event = Column(1, bytes((0, 0, 96, 11, 0, 255)), 2)
    profile = Profile((CLOCK, event), 0, {})
    rows = [Row(NOON, None, None, (Shown("2", Decimal(2)),)), Row(NOON, None, None, (Shown("2", Decimal(2)),))]
    entries, notes = log_entries(profile, bytes((0, 0, 99, 98, 0, 255)), rows)
    assert [(one.at, one.meaning, one.word) for one in entries] == [(NOON, "power up", "2")]
    assert notes == ()
    entries, _ = log_entries(profile, bytes((0, 0, 99, 98, 1, 255)), rows)
    assert entries[0].meaning is None


@pytest.mark.parametrize("word", [-1, -128, 0xFF, 1 << 63, -(1 << 63)])
def test_a_status_word_of_any_type_has_an_end(word: int) -> None:
    """Also one with a sign."""
    periods = CosemPeriods(PROFILE, NOON, NOON + timedelta(hours=1))
    assert len(list(periods.of([row(15, 1, word)]))) == 1
