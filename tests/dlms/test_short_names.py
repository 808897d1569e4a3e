"""Meters whose objects have short names."""

from __future__ import annotations

import pytest

from obisgw.dlms import axdr
from obisgw.dlms.association import Association, AssociationFailed, Got, Opened, Security
from obisgw.dlms.axdr import Data
from obisgw.dlms.buffer import Reader
from obisgw.dlms.errors import DecodeError
from obisgw.dlms.meter import MeterAssociation, MeterSecurity
from obisgw.dlms.security import Control, Keys, Level
from obisgw.dlms.services import AccessResult, Attribute, Conformance, GetResult
from obisgw.dlms.short_names import ASSOCIATION, ASSOCIATION_LIST, ASSOCIATION_NAME, joined_results, short_objects_of

IMPORT, LONG = bytes((1, 0, 1, 8, 0, 255)), bytes((0, 0, 96, 1, 0, 255))
OBJECTS = {
    (3, IMPORT, 2): axdr.unsigned(1234, 4),
    (3, IMPORT, 3): axdr.structure(axdr.integer(0), axdr.enum(30)),
    (1, LONG, 2): axdr.octet_string(bytes(3000)),
}
LIST = axdr.array(
    *(
        axdr.structure(axdr.integer(base, 2), axdr.unsigned(class_id, 2), axdr.unsigned(0), axdr.octet_string(name))
        for base, class_id, name in ((0x1000, 3, IMPORT), (0xA000 - 0x10000, 1, LONG))
    )
)
BASES = {ASSOCIATION: (12, ASSOCIATION_NAME), 0x1000: (3, IMPORT), 0xA000: (1, LONG)}


def exchange(association: Association, meter: MeterAssociation) -> list[object]:
    """Let both talk until the client has nothing to say."""
    while (message := association.outgoing) is not None:
        answer = meter.answer(message)
        assert answer is not None
        association.receive(answer)
    return list(association.events())


def test_the_list_gives_names_and_by_them_values_are_read() -> None:
    """One, several, and a long one in blocks; base names may be written as negative numbers."""
    meter = MeterAssociation(
        {**OBJECTS, (12, ASSOCIATION_NAME, 2): LIST},
        MeterSecurity(Level.LOW, b"1"),
        offered=Conformance(0x7FFFFF),
        most=300,
        bases={**BASES, 0xA000: (1, LONG)},
    )
    association = Association(Security(Level.LOW, b"1", short_names=True))
    association.open()
    [opened] = exchange(association, meter)
    assert isinstance(opened, Opened)
    association.get(ASSOCIATION_LIST)
    [got] = exchange(association, meter)
    assert isinstance(got, Got)
    assert got.results[0].data is not None
    objects, association.names = short_objects_of(got.results[0].data)
    assert [one.obis for one in objects] == ["1-0:1.8.0*255", "0-0:96.1.0*255"]
    association.names.bases[1, LONG]
    association.get(Attribute(3, IMPORT, 2), Attribute(3, IMPORT, 3), Attribute(3, IMPORT, 9))
    [got] = exchange(association, meter)
    assert got == Got(
        (
            GetResult(OBJECTS[3, IMPORT, 2]),
            GetResult(OBJECTS[3, IMPORT, 3]),
            GetResult(None, AccessResult.READ_WRITE_DENIED),
        )
    )


def test_attributes_behind_the_last_short_name_are_not_asked_for() -> None:
    """They would have no name."""
    entry = axdr.structure(
        axdr.integer(-9, 2), axdr.unsigned(3, 2), axdr.unsigned(0), axdr.octet_string(bytes((1, 0, 1, 8, 0, 255)))
    )
    (one,), names = short_objects_of(axdr.array(entry))
    assert one.readable == {2}
    assert names.of(one.attribute(2)) == 0xFFFF


KEYS = Keys(bytes(range(16)), bytes(range(16, 32)))
BOTH = Control.AUTHENTICATED | Control.ENCRYPTED
TITLE = b"MMM\x00\x00\x00\x00\x01"


@pytest.mark.parametrize("control", [Control(0), BOTH], ids=["in clear", "ciphered"])
@pytest.mark.parametrize("level", [Level.MD5, Level.SHA1, Level.SHA256, Level.GMAC])
def test_who_refers_by_short_names_proves_himself_by_reading(level: Level, control: Control) -> None:
    """The proof goes to a method that has a short name as well; a wrong one is seen."""
    objects = {**OBJECTS, (12, ASSOCIATION_NAME, 2): LIST}
    for secret, keys in ((b"secret", KEYS), (b"other", Keys(KEYS.encryption, bytes(16)))):
        meter = MeterAssociation(objects, MeterSecurity(level, b"secret", KEYS, control), bases=BASES)
        association = Association(Security(level, secret, keys, control, title=TITLE, short_names=True))
        association.open()
        sent = association.outgoing
        assert sent is not None
        answer = meter.answer(sent)
        assert answer is not None
        association.receive(answer)
        events = exchange(association, meter)
        assert isinstance(events[0], Opened if secret == b"secret" else AssociationFailed)


@pytest.mark.parametrize(
    ("octets", "value"),
    [
        ("0100060000126700", axdr.unsigned(4711, 4)),
        ("0600001267", axdr.unsigned(4711, 4)),
        ("0101160300", axdr.array(axdr.enum(3))),
        ("0103", None),
    ],
    ids=["with their number", "alone", "an array of one", "nonsense"],
)
def test_a_long_value_comes_with_its_number_or_alone(octets: str, value: Data | None) -> None:
    """Meters differ."""
    if value is None:
        with pytest.raises(DecodeError):
            joined_results(Reader(bytes.fromhex(octets)), 1)
        return
    (result,) = joined_results(Reader(bytes.fromhex(octets)), 1)
    assert result.data == value
