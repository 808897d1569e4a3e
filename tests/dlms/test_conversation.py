"""A whole conversation: opened, asked, closed, and what becomes of it where the meter will not."""

from __future__ import annotations

import pytest

from obisgw.dlms import axdr
from obisgw.dlms.association import Association, Opened, Security
from obisgw.dlms.conversation import Answered, Conversation, Ended, Failing
from obisgw.dlms.link import ClientLink, LinkSettings
from obisgw.dlms.meter import MeterAssociation, MeterSecurity
from obisgw.dlms.meter_link import Arrived, MeterLink
from obisgw.dlms.security import Level
from obisgw.dlms.services import AccessResult, Attribute, Conformance, GetResult
from obisgw.dlms.wrapper import WrapperLink, WrapperSettings, wrapped

from .pairs import CLIENT, SERVER

NAMES = [bytes((1, 0, number, 8, 0, 255)) for number in range(1, 41)]
OBJECTS = {(3, name, 2): axdr.unsigned(number, 4) for number, name in enumerate(NAMES)}
ATTRIBUTES = [Attribute(3, name, 2) for name in NAMES]
ALL = Conformance(0x7FFFFF)


def talk(conversation: Conversation, meter: MeterAssociation, *, silent: bool = False) -> list[object]:
    """Return what happened, until the conversation ended; ``silent``: from then on the meter says nothing."""
    link, now = MeterLink(frozenset({SERVER})), 0.0
    events: list[object] = []
    conversation.start()
    for _ in range(5000):
        for octets in conversation.actions(now):
            now += 0.01
            conversation.sent(now)
            answer = b"" if silent else link.receive(octets)
            for event in link.events():
                if isinstance(event, Arrived) and (reply := meter.answer(event.octets)) is not None:
                    answer += link.answer(reply)
            if answer:
                conversation.receive(answer, now + 0.01)
        events += conversation.events()
        if conversation.finished:
            return events
        now = max(now + 0.001, conversation.deadline or 0.0)
    raise AssertionError("it does not end")


def conversation(security: Security | None = None) -> Conversation:
    """Return a client's end."""
    return Conversation(ClientLink(LinkSettings(CLIENT, SERVER)), Association(security or Security()))


@pytest.mark.parametrize(
    "offered",
    [ALL, ALL & ~Conformance.MULTIPLE_REFERENCES, ALL & ~Conformance.BLOCK_TRANSFER_WITH_GET],
    ids=["all", "one by one", "no blocks"],
)
def test_all_that_was_asked_is_answered_in_its_order(offered: Conformance) -> None:
    """Several at once where the meter takes that."""
    talking = conversation()
    talking.ask(*ATTRIBUTES, Attribute(3, bytes(6), 2))
    talking.close()
    events = talk(talking, MeterAssociation(OBJECTS, MeterSecurity(), offered=offered, most=300))
    assert isinstance(events[0], Opened)
    answers = [event for event in events if isinstance(event, Answered)]
    assert [one.attribute for one in answers[:-1]] == ATTRIBUTES
    assert [one.result.data for one in answers[:-1]] == list(OBJECTS.values())
    assert answers[-1].result == GetResult(None, AccessResult.OBJECT_UNDEFINED)
    assert events[-1] == Ended()


def test_a_meter_that_takes_one_at_a_time_in_spite_of_what_it_offers_is_asked_so() -> None:
    """It refuses the list; the association holds."""

    class Alone(MeterAssociation):
        def _served(self, plain: bytes) -> bytes:
            return b"\xd8\x01\x02" if plain[:2] == b"\xc0\x03" else super()._served(plain)

    talking = conversation()
    talking.ask(*ATTRIBUTES[:5])
    talking.close()
    events = talk(talking, Alone(OBJECTS, MeterSecurity()))
    assert len([event for event in events if isinstance(event, Answered)]) == 5


@pytest.mark.parametrize(
    ("security", "meter", "failing"),
    [
        (Security(Level.LOW, b"x"), MeterSecurity(Level.LOW, b"y"), Failing.SECRET),
        (Security(), MeterSecurity(Level.LOW, b"y"), Failing.REFUSED),
    ],
)
def test_why_it_ended_decides_about_trying_again(security: Security, meter: MeterSecurity, failing: Failing) -> None:
    """The link is closed in any case."""
    ended = talk(conversation(security), MeterAssociation(OBJECTS, meter))[-1]
    assert isinstance(ended, Ended)
    assert ended.failing is failing


def test_a_meter_that_says_nothing_ends_it() -> None:
    """As silence."""
    ended = talk(conversation(), MeterAssociation(OBJECTS, MeterSecurity()), silent=True)[-1]
    assert isinstance(ended, Ended)
    assert ended.failing is Failing.SILENT


def test_over_tcp_the_same_is_said_with_another_header() -> None:
    """No link to be agreed on."""
    talking = Conversation(WrapperLink(WrapperSettings(16, 1)), Association(Security()))
    talking.ask(*ATTRIBUTES)
    talking.close()
    meter, now, events = MeterAssociation(OBJECTS, MeterSecurity()), 0.0, []
    talking.start()
    while not talking.finished:
        for octets in talking.actions(now):
            talking.sent(now)
            assert octets[:8] == bytes((0, 1, 0, 16, 0, 1)) + (len(octets) - 8).to_bytes(2, "big")
            reply = meter.answer(octets[8:])
            assert reply is not None
            answer = wrapped(reply, 1, 16)
            for place in range(0, len(answer), 5):
                talking.receive(answer[place : place + 5], now)
        events += talking.events()
        now += 0.01
    events += talking.events()
    assert len([event for event in events if isinstance(event, Answered)]) == 40
    assert events[-1] == Ended()
