"""Meters whose objects have short names."""

from __future__ import annotations

from obisgw.dlms import axdr
from obisgw.dlms.association import Association, Got, Opened, Security
from obisgw.dlms.meter import MeterAssociation, MeterSecurity
from obisgw.dlms.security import Level
from obisgw.dlms.services import AccessResult, Attribute, Conformance, GetResult
from obisgw.dlms.short_names import ASSOCIATION, ASSOCIATION_LIST, ASSOCIATION_NAME, short_objects_of

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
