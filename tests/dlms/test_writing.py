"""Changes are made by the owner's permission for these very changes, and never where they erase what is stored."""

from __future__ import annotations

import pytest

from obisgw.dlms import axdr
from obisgw.dlms.association import Security
from obisgw.dlms.conversation import Ended, Performed
from obisgw.dlms.link import ClientLink, LinkSettings
from obisgw.dlms.meter import MeterAssociation, MeterSecurity
from obisgw.dlms.services import Attribute
from obisgw.dlms.writing import AttributeChange, Change, MethodCall, WritingConversation
from obisgw.permission import WritePermission

from .pairs import CLIENT, SERVER
from .test_conversation import talk

CLOCK = bytes((0, 0, 1, 0, 0, 255))
PROFILE = bytes((1, 0, 99, 1, 0, 255))
TIME = AttributeChange(Attribute(8, CLOCK, 2), axdr.octet_string(bytes(12)))
QUARTER = MethodCall(8, CLOCK, 1, axdr.integer(0))


def writing(changes: tuple[Change, ...], permitted: tuple[Change, ...]) -> WritingConversation:
    """Return a conversation with a permission for ``permitted``."""
    link = ClientLink(LinkSettings(CLIENT, SERVER))
    return WritingConversation(link, Security(), changes, WritePermission("Meter", permitted))


def test_what_is_permitted_is_done_once_and_in_order() -> None:
    """SET, then ACTION; each is answered."""
    meter = MeterAssociation({(8, CLOCK, 2): axdr.octet_string(bytes(12))}, MeterSecurity())
    conversation = writing((TIME, QUARTER), (TIME, QUARTER))
    conversation.close()
    events = talk(conversation, meter)
    assert [event.result for event in events if isinstance(event, Performed)] == [0, 0]
    assert meter.written == [(TIME.attribute, TIME.data)]
    assert meter.acted == [(8, CLOCK, 1)]
    assert events[-1] == Ended()


@pytest.mark.parametrize("permitted", [(), (QUARTER,), (QUARTER, TIME)])
def test_other_changes_than_the_permitted_ones_are_not_even_begun(permitted: tuple[Change, ...]) -> None:
    """Fewer, others, in another order."""
    with pytest.raises(PermissionError, match="not the changes"):
        writing((TIME, QUARTER), permitted)


@pytest.mark.parametrize(
    "change",
    [
        MethodCall(7, PROFILE, 1, axdr.integer(0)),
        *(AttributeChange(Attribute(7, PROFILE, number), axdr.array()) for number in (2, 3, 4, 8)),
    ],
)
def test_what_erases_stored_data_is_refused_for_good(change: Change) -> None:
    """Also with a permission."""
    with pytest.raises(PermissionError, match="erases"):
        writing((change,), (change,))
