"""Meters that cheat, and meters that are merely odd: what is believed of them, and what is made of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from obisgw.dlms import acse, axdr, services
from obisgw.dlms.association import Association, AssociationFailed, Done, Event, Got, Opened, Refused, Security
from obisgw.dlms.axdr import Data, Tag
from obisgw.dlms.ciphering import Cipher, Envelope
from obisgw.dlms.clock import decode_time
from obisgw.dlms.frames import Frame, Kind, client_address, server_address
from obisgw.dlms.link import ClientLink, Connected, LinkSettings, Message
from obisgw.dlms.meter import MeterAssociation, MeterSecurity
from obisgw.dlms.negotiation import Parameters
from obisgw.dlms.objects import objects_of
from obisgw.dlms.profile import Column, Profile
from obisgw.dlms.security import Control, Keys, Level, protect
from obisgw.dlms.services import Attribute, Conformance, GetResult, Initiate
from obisgw.dlms.values import ScalerUnit, shown

pytestmark = pytest.mark.slow

NAME = bytes((1, 0, 1, 8, 0, 255))
ENERGY, UNIT = Attribute(3, NAME, 2), Attribute(3, NAME, 3)
OBJECTS = {(3, NAME, 2): axdr.unsigned(4711, 4), (3, NAME, 3): axdr.structure(axdr.integer(0), axdr.enum(30))}
KEYS = Keys(bytes(range(16)), bytes(range(16, 32)))
DEDICATED = Keys(KEYS.encryption, KEYS.authentication, bytes(range(32, 48)))
BOTH = Control.AUTHENTICATED | Control.ENCRYPTED
TITLE = b"MMM\x00\x00\x00\x00\x01"
CIPHERED = Security(Level.LOW, b"1", KEYS, BOTH, title=TITLE, counter=7)
CIPHERING = MeterSecurity(Level.LOW, b"1", KEYS, BOTH)

Change = Callable[[bytes], bytes]


class Talk:
    """Client and meter without a link; ``change`` is what somebody does to the meter's answers."""

    def __init__(self, security: Security, meter: MeterSecurity, change: Change = lambda octets: octets) -> None:
        self.association = Association(security)
        self.meter = MeterAssociation(OBJECTS, meter)
        self.change = change
        self.association.open()

    def run(self) -> list[Event]:
        """Return what happened until the client has nothing more to say."""
        while (message := self.association.outgoing) is not None:
            answer = self.meter.answer(message)
            assert answer is not None
            self.association.receive(self.change(answer))
        return self.association.events()

    def ask(self, *attributes: Attribute) -> Event:
        """Return what a GET gave."""
        self.association.get(*attributes)
        (event,) = self.run()
        return event


def failure(security: Security, meter: MeterSecurity, change: Change) -> AssociationFailed:
    """Return why an association could not be opened."""
    (event,) = Talk(security, meter, change).run()
    assert isinstance(event, AssociationFailed), event
    return event


def aare(change: Callable[[acse.Response], acse.Response]) -> Change:
    """Change the meter's answer to the request for an association."""

    def changed(octets: bytes) -> bytes:
        return change(acse.decode_response(octets)).encode() if octets[:1] == b"\x61" else octets

    return changed


def answered(**more: object) -> Change:
    """Change fields of it."""
    return aare(
        lambda response: acse.Response(
            **{
                name: more.get(name, getattr(response, name))
                for name in ("accepted", "diagnostic", "by_provider", "context", "level", "value", "title", "user")
            }  # type: ignore[arg-type]
        )
    )


IN_CLEAR = Initiate(Conformance(0x7FFFFF), 1024).response()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (answered(user=IN_CLEAR), "in clear where it must be ciphered"),
        (answered(title=None), "no system title of 8 octets"),
        (answered(title=b"SHORT"), "no system title of 8 octets"),
        (answered(title=b"OTHER\x00\x00\x01"), "the tag of a ciphered message is wrong"),
        (answered(title=TITLE), "this end's own system title"),
        (answered(user=b""), "cannot be understood"),
        (answered(user=b"\x0e\x01\x06\x01"), "DLMS version too low"),
        (lambda _: b"\xd8\x01\x05", "deciphering error"),
        (lambda _: b"", "cannot be understood"),
        (lambda _: b"\x61\x00", "cannot be understood"),
    ],
)
def test_a_ciphered_association_is_not_talked_down(change: Change, words: str) -> None:
    """Neither by an answer in clear, nor under another title."""
    assert words in failure(CIPHERED, CIPHERING, change).reason


@pytest.mark.parametrize("level", [Level.MD5, Level.SHA1, Level.SHA256, Level.GMAC])
@pytest.mark.parametrize(
    ("value", "words"), [(b"", "no challenge"), (None, "our own challenge")], ids=["empty", "reflected"]
)
def test_a_challenge_that_proves_nothing_is_not_answered(level: Level, value: bytes | None, words: str) -> None:
    """Whoever reflects it would let the client answer itself."""
    security = Security(level, b"secret", KEYS, title=TITLE)
    talk = Talk(security, MeterSecurity(level, b"secret", KEYS))
    message = talk.association.outgoing
    assert message is not None
    own = acse.decode_request(message).value
    answer = talk.meter.answer(message)
    assert answer is not None
    talk.association.receive(answered(value=own if value is None else value)(answer))
    (event,) = talk.association.events()
    assert isinstance(event, AssociationFailed)
    assert words in event.reason
    assert talk.association.outgoing is None


@pytest.mark.parametrize("level", [Level.MD5, Level.GMAC])
def test_an_association_that_is_accepted_without_a_proof_is_none(level: Level) -> None:
    """The meter says that all is well; it must prove itself all the same."""
    security, meter = Security(level, b"secret", KEYS, title=TITLE), MeterSecurity(level, b"secret", KEYS)
    assert "no challenge" in failure(security, meter, answered(diagnostic=0, value=b"", level=Level.LOWEST)).reason
    accepted = acse.Response(True, 0, user=IN_CLEAR, value=b"12345678", title=CIPHERING.title, level=level).encode()  # noqa: FBT003
    if level is Level.GMAC:
        assert "no system title" in failure(security, meter, answered(title=None)).reason
    proofs = iter([accepted, b"\xc7\x01\xc1\x00\x00"])
    assert "does not accept the proof" in failure(security, meter, lambda _: next(proofs)).reason
    proofs = iter([accepted, b"\xc7\x01\xc1\x00\x01\x00\x09\x10" + bytes(16)])
    assert "own proof is wrong" in failure(security, meter, lambda _: next(proofs)).reason


def test_more_security_than_is_configured_is_said() -> None:
    """The meter goes on as if the client had asked for high level security."""
    failed = failure(Security(), MeterSecurity(), answered(diagnostic=14, value=b"12345678", level=Level.GMAC))
    assert "asks for high level security" in failed.reason
    assert not failed.secret_wrong


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda _: b"\xc4\x01\xc1\x00\x06\x00\x00\x00\x01", "in clear where it must be ciphered"),
        (lambda _: protected(b"\xc4\x01\xc1\x00\x11\x01", Control.ENCRYPTED), "protects its messages less"),
        (lambda _: protected(b"\xc4\x01\xc1\x00\x11\x01", Control.AUTHENTICATED), "protects its messages less"),
        (lambda _: protected(b"\xc5\x01\xc1\x00", BOTH), "holds another one than it says"),
        (lambda octets: octets[:-1] + bytes((octets[-1] ^ 1,)), "tag of a ciphered message is wrong"),
        (lambda octets: octets[:9], "octets are wanted"),
        (lambda _: b"\xcc\x05\x31\x00\x00\x00\x01", "security suite 1"),
        (lambda _: b"\xd4\x05\x30\x00\x00\x00\x01", "dedicated key, and none was agreed"),
        (lambda octets: b"\xdb\x08OTHER\x00\x00\x02" + octets[1:], "another system title"),
    ],
)
def test_an_answer_that_is_not_protected_as_agreed_is_no_value(change: Change, words: str) -> None:
    """It ends the association."""
    talk = Talk(CIPHERED, CIPHERING)
    assert isinstance(talk.run()[0], Opened)
    talk.change = change
    failed = talk.ask(ENERGY)
    assert isinstance(failed, AssociationFailed)
    assert words in failed.reason


def protected(plain: bytes, control: Control) -> bytes:
    octets = protect(plain, control, KEYS.encryption, KEYS.authentication, CIPHERING.title, 5000)
    return b"\xcc" + bytes((len(octets),)) + octets


def test_an_answer_that_was_recorded_is_not_taken_again() -> None:
    """Its counter is not newer."""
    talk, recorded = Talk(CIPHERED, CIPHERING), list[bytes]()
    talk.run()

    def record(octets: bytes) -> bytes:
        recorded.append(octets)
        return octets

    talk.change = record
    assert talk.ask(ENERGY) == Got((GetResult(OBJECTS[3, NAME, 2]),))
    talk.change = lambda _: recorded[0]
    failed = talk.ask(UNIT)
    assert isinstance(failed, AssociationFailed)
    assert "came again" in failed.reason


def test_an_exception_in_clear_is_a_refusal_and_no_more() -> None:
    """The next request is answered."""
    talk = Talk(CIPHERED, CIPHERING)
    talk.run()
    talk.change = lambda _: b"\xd8\x01\x02"
    assert talk.ask(ENERGY) == Refused("service not allowed, service not supported")
    talk.change = lambda octets: octets
    assert talk.ask(ENERGY) == Got((GetResult(OBJECTS[3, NAME, 2]),))


@pytest.mark.parametrize("first", [0xFFFF_FFFF, 0x1_0000_0000])
def test_no_counter_is_used_twice_when_they_come_to_an_end(first: int) -> None:
    """The last one opens the association; for the request behind it there is none."""
    talk = Talk(Security(Level.LOW, b"1", KEYS, BOTH, title=TITLE, counter=first), CIPHERING)
    events = talk.run()
    if isinstance(events[0], Opened):
        events = [talk.ask(ENERGY)]
    (failed,) = events
    assert isinstance(failed, AssociationFailed)
    assert "counter is used up" in failed.reason
    talk.association.release()
    assert talk.association.outgoing is None


@pytest.mark.parametrize("most", [0, 1, 11, 12, 40])
def test_a_meter_that_takes_hardly_anything_is_asked_all_the_same(most: int) -> None:
    """Nothing stands for no limit."""
    meter = MeterAssociation(OBJECTS, MeterSecurity())
    association = Association(Security())
    association.open()
    message = association.outgoing
    assert message is not None
    meter.answer(message)
    user = Initiate(Conformance.GET, most).response()
    association.receive(acse.Response(True, 0, user=user).encode())  # noqa: FBT003
    assert isinstance(association.events()[0], Opened)
    assert association.most >= 12
    association.get(ENERGY)
    request = association.outgoing
    assert request is not None
    answer = meter.answer(request)
    assert answer is not None
    association.receive(answer)
    assert association.events() == [Got((GetResult(OBJECTS[3, NAME, 2]),))]


def test_a_meter_that_grants_no_reading_is_told_apart() -> None:
    """In place of hundreds of refusals."""
    user = Initiate(Conformance.SET | Conformance.ACTION, 1024).response()
    assert (
        "does not grant this client to read (GET)" in failure(Security(), MeterSecurity(), answered(user=user)).reason
    )


ENVELOPES = [Envelope.GLOBAL, Envelope.DEDICATED, Envelope.GENERAL, Envelope.GENERAL_DEDICATED]


@pytest.mark.parametrize("envelope", ENVELOPES)
def test_messages_go_in_every_envelope(envelope: Envelope) -> None:
    """With the tag of the form, and of the key."""
    tags = {
        Envelope.GLOBAL: 0xC8,
        Envelope.DEDICATED: 0xD0,
        Envelope.GENERAL: 0xDB,
        Envelope.GENERAL_DEDICATED: 0xDC,
    }
    talk = Talk(Security(Level.GMAC, b"", DEDICATED, BOTH, envelope, TITLE), MeterSecurity(Level.GMAC, b"", KEYS, BOTH))
    assert isinstance(talk.run()[0], Opened)
    sent = list[bytes]()
    answer = talk.meter.answer

    def record(message: bytes) -> bytes | None:
        sent.append(message)
        return answer(message)

    talk.meter.answer = record  # type: ignore[method-assign]
    assert talk.ask(ENERGY, UNIT) == Got(tuple(GetResult(value) for value in OBJECTS.values()))
    assert sent[0][0] == tags[envelope]


def opened() -> Association:
    """Return an association in clear that is open."""
    talk = Talk(Security(), MeterSecurity())
    assert isinstance(talk.run()[0], Opened)
    return talk.association


def taken(association: Association) -> bytes | None:
    """Take the next message."""
    return association.outgoing


def got(*answers: str, count: int = 1) -> list[Event]:
    """Return what comes of answers to one request."""
    association = opened()
    association.get(*([ENERGY, UNIT][:count]))
    taken(association)
    for answer in answers:
        association.receive(bytes.fromhex(answer))
        taken(association)
    return association.events()


VALUE = Got((GetResult(axdr.unsigned(4711, 4)),))


@pytest.mark.parametrize(
    ("answers", "count", "expected"),
    [
        (["c402c10100000001000506 00001267"], 1, VALUE),
        (["c402c100000000010003060000", "c402c1010000000200021267"], 1, VALUE),
        (["c402c10000000001000506 00001267", "c402c101000000020000"], 1, VALUE),
        (["c402c101000000010009060000126700000000"], 1, VALUE),
        (["c401c100060000126700000000"], 1, VALUE),
        (
            ["c402c100000000010004 02000600", "c402c10100000002000500126701 04"],
            2,
            Got((GetResult(axdr.unsigned(4711, 4)), GetResult(None, 4))),
        ),
    ],
    ids=["one block", "two blocks", "an empty last block", "a padded block", "a padded answer", "a list in blocks"],
)
def test_long_answers_come_in_forms_of_their_own(answers: list[str], count: int, expected: Event) -> None:
    """Each gives the value, and nothing else."""
    assert got(*answers, count=count) == [expected]


@pytest.mark.parametrize(
    ("answers", "count", "words"),
    [
        (["c402c10100000001000506000012 67", "c402c1010000000200021267"], 1, None),
        (["c402c101000000010000"], 1, "cannot be understood"),
        (["c402c10100000001010e"], 1, "data block unavailable"),
        (["c402c10000000002000101"], 1, "block 2 came in place of 1"),
        (["c402c1010000000100070600001267ffff"], 1, "octets too many"),
        (["c401c100060000126701"], 1, "octets too many"),
        (["c401c10063"], 1, "no type of data 99"),
        (["c403c1010006000012 67"], 2, "1 results for 2 attributes"),
        (["c401c1000600001267"], 2, "1 results for 2 attributes"),
        (["c404c100"], 1, "GET response of kind 4"),
        ([f"c402c100{number:08x}0000" for number in range(1, 12)], 1, "blocks of nothing"),
    ],
)
def test_what_cannot_be_a_value_is_refused_and_the_association_holds(
    answers: list[str], count: int, words: str | None
) -> None:
    """One attribute that nobody understands costs no other."""
    events = got(*answers, count=count)
    if words is None:
        # The answer was whole before; what comes behind it was not asked for.
        assert events[0] == VALUE
        return
    assert isinstance(events[0], Refused)
    assert words in events[0].reason


def test_an_answer_to_another_request_ends_the_association() -> None:
    """Whose value it is nobody can tell."""
    (event,) = got("c501c100")
    assert isinstance(event, AssociationFailed)


def test_a_method_that_answers_in_blocks_is_named() -> None:
    """It is not supported."""
    association = opened()
    association.act(70, NAME, 1)
    taken(association)
    association.receive(bytes.fromhex("c702c1000000000100020102"))
    (event,) = association.events()
    assert event == Refused("the meter answers a method in blocks or lists, which is not supported")
    association.act(70, NAME, 1)
    taken(association)
    association.receive(bytes.fromhex("c701c10000"))
    assert association.events() == [Done(0, None)]


def test_answers_in_general_blocks_are_acknowledged_one_by_one() -> None:
    """Ours count on behind the request; the last one needs no answer."""
    association = opened()
    association.get(ENERGY)
    taken(association)
    association.receive(bytes.fromhex("e0010001000004c401c100"))
    assert taken(association) == bytes.fromhex("e0810002000100")
    association.receive(bytes.fromhex("e0010002000202 0600"))
    assert taken(association) == bytes.fromhex("e0810003000200")
    association.receive(bytes.fromhex("e081000300030300 1267"))
    assert taken(association) is None
    assert association.events() == [VALUE]


@pytest.mark.parametrize(
    "blocks", [["e0010002000001c4"], ["e0010001000001c4", "e0010003000001c4"], ["e001000100"], ["e0010001000000"] * 12]
)
def test_general_blocks_that_are_lost_or_empty_end_it(blocks: list[str]) -> None:
    """With a reason."""
    association = opened()
    association.get(ENERGY)
    for number, block in enumerate(blocks):
        octets = bytearray.fromhex(block)
        if len(blocks) > 2:
            octets[3] = number + 1
        association.receive(bytes(octets))
    assert isinstance(association.events()[0], AssociationFailed)


# --- links


@pytest.mark.parametrize(
    ("information", "expected"),
    [
        ("", Parameters(128, 128, 1, 1)),
        ("818012050180060180070400000001080400000001", Parameters(128, 128, 1, 1)),
        ("81801405020200060203000704000000010804000000 03", Parameters(768, 512, 3, 1)),
        ("818006050140060120", Parameters(32, 64, 1, 1)),
        ("8180070502ffff060109", Parameters(9, 2030, 1, 1)),
        ("818014050140060120", Parameters(128, 128, 1, 1)),
        ("0102030405", Parameters(128, 128, 1, 1)),
        ("81800405000600", Parameters(128, 128, 1, 1)),
        ("81800c05010006010007010008 0100", Parameters(128, 128, 1, 1)),
    ],
    ids=["none", "the defaults", "two octets", "no windows", "too much", "cut", "something else", "empty", "zero"],
)
def test_what_a_meter_grants_holds_however_it_says_it(information: str, expected: Parameters) -> None:
    """Ours are the smaller ones of both; what the meter leaves out has its default."""
    client, server = client_address(16), server_address(1, 17, size=4)
    link = ClientLink(LinkSettings(client, server))
    link.connect()
    (snrm,) = link.actions(0.0)
    assert snrm[3:7] == bytes.fromhex("00020023")
    link.sent(0.0)
    link.receive(Frame(client, server, Kind.UA, bytes.fromhex(information)).encode(), 0.1)
    assert link.events() == [Connected(expected)]


def test_segments_may_be_longer_than_agreed_and_without_a_header() -> None:
    """Only the first one has it; a meter that ignores what was agreed is read all the same."""
    client, server = client_address(16), server_address(1)
    link = ClientLink(LinkSettings(client, server, Parameters(64, 64, 1, 1)))
    link.connect()
    link.actions(0.0)
    link.sent(0.0)
    link.receive(Frame(client, server, Kind.UA).encode(), 0.1)
    link.send(b"question")
    link.actions(0.2)
    link.sent(0.2)
    first = Frame(client, server, Kind.I, b"\xe6\xe7\x00" + bytes(300), 0, 1, segmented=True)
    link.receive(first.encode(), 0.3)
    link.actions(0.4)
    link.sent(0.4)
    link.receive(Frame(client, server, Kind.I, b"\xe6\xe7\x00 is data here", 1, 1).encode(), 0.5)
    assert link.events()[-1] == Message(bytes(300) + b"\xe6\xe7\x00 is data here")


# --- objects, values, profiles


def listed(class_id: int, version: int, name: bytes, *rights: tuple[int, int]) -> Data:
    """Return an entry of the list of objects; each right has selectors, or none."""
    attributes = axdr.array(
        *(
            axdr.structure(
                axdr.integer(number),
                axdr.enum(mode),
                axdr.array(axdr.integer(1), axdr.integer(2)) if number == 2 else axdr.NULL,
            )
            for number, mode in rights
        )
    )
    methods = axdr.array(axdr.structure(axdr.integer(1), axdr.enum(1)))
    return axdr.structure(
        axdr.unsigned(class_id, 2),
        axdr.unsigned(version),
        axdr.octet_string(name),
        axdr.structure(attributes, methods),
    )


RIGHTS = ((1, 1), (2, 3), (3, 0), (4, 4), (5, 5), (6, 2), (-1, 1))


@pytest.mark.parametrize("version", [0, 1, 2, 3])
def test_rights_are_modes_and_from_version_three_on_bits(version: int) -> None:
    """Four lets an authenticated request read in the first case, and nobody in the second."""
    association = listed(15, version, bytes((0, 0, 40, 0, 0, 255)), (1, 1))
    *_, register = objects_of(axdr.array(association, listed(7, 1, NAME, *RIGHTS)))
    assert register.readable == ({1, 2, 5} if version == 3 else {1, 2, 4})


def test_bits_beyond_the_modes_are_bits_whatever_the_version() -> None:
    """Read with an authenticated and encrypted answer, and write with one."""
    (one,) = objects_of(axdr.array(listed(3, 0, NAME, (2, 0b1101_1001), (3, 0b1101_1010))))
    assert one.readable == {2}


def test_an_object_without_rights_is_tried() -> None:
    """A few lists leave them out."""
    bare = axdr.structure(axdr.unsigned(3, 2), axdr.unsigned(0), axdr.octet_string(NAME), axdr.NULL)
    assert objects_of(axdr.array(bare))[0].readable == {2}


@pytest.mark.parametrize(
    ("data", "unit", "text"),
    [
        (axdr.unsigned(4711, 4), axdr.structure(axdr.integer(-1), axdr.enum(255)), "471.1"),
        (axdr.structure(axdr.unsigned(4711, 4)), axdr.structure(axdr.integer(0), axdr.enum(30)), "4711"),
        (axdr.array(axdr.structure(axdr.integer(-5))), axdr.structure(axdr.integer(1), axdr.enum(30)), "-50"),
        (Data(Tag.FLOAT32, float("nan")), axdr.NULL, None),
        (Data(Tag.DELTA_INTEGER, 5), axdr.NULL, None),
        (axdr.structure(axdr.unsigned(1), axdr.unsigned(2)), axdr.NULL, None),
        (axdr.NULL, axdr.NULL, None),
    ],
)
def test_values_are_shown_as_far_as_they_mean_something(data: Data, unit: Data, text: str | None) -> None:
    """Wrapped ones too; differences and structures are no values."""
    value = shown(data, ScalerUnit.of(unit))
    assert (None if value is None else value.text) == text


def test_units_that_are_none_are_none() -> None:
    """255 counts, and nobody knows 200."""
    assert ScalerUnit.of(axdr.structure(axdr.integer(0), axdr.enum(255))).unit is None
    assert ScalerUnit.of(axdr.structure(axdr.integer(0), axdr.enum(200))).unit is None


CLOCK, REGISTER, STATUS = (
    Column(8, bytes((0, 0, 1, 0, 0, 255)), 2),
    Column(3, NAME, 2),
    Column(1, bytes((0, 0, 96, 10, 1, 255)), 2),
)


def test_rows_may_leave_out_what_they_like() -> None:
    """Times that follow from the row before, values that there are none of, deviations."""
    berlin = decode_time(bytes.fromhex("07ea0a1907000000008000ff"))
    assert berlin is not None
    assert berlin.deviation is None
    rows = list(
        Profile((CLOCK, STATUS, REGISTER), 900, {NAME: ScalerUnit(0, "Wh")}, UTC).rows(
            axdr.array(
                axdr.structure(axdr.octet_string(berlin.encode()), axdr.unsigned(0), axdr.unsigned(1, 4)),
                axdr.structure(axdr.NULL, axdr.NULL, axdr.unsigned(2, 4)),
                axdr.structure(axdr.NULL, axdr.unsigned(8), axdr.NULL),
                axdr.structure(axdr.unsigned(1_792_000_000, 4), axdr.unsigned(0), Data(Tag.DELTA_INTEGER, 3)),
            )
        )
    )
    assert [row.end for row in rows] == [
        datetime(2026, 10, 25, 0, 0, tzinfo=UTC),
        datetime(2026, 10, 25, 0, 15, tzinfo=UTC),
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        datetime.fromtimestamp(1_792_000_000, UTC),
    ]
    numbers = [None if (value := row.values[0]) is None else value.number for row in rows]
    assert numbers == [Decimal(1), Decimal(2), None, None]


def test_what_was_sealed_for_one_is_not_opened_by_its_sender() -> None:
    """A message that comes back to where it came from."""
    cipher = Cipher(KEYS, BOTH, Envelope.GENERAL, TITLE)
    sealed = cipher.seal(services.get_request(ENERGY))
    with pytest.raises(ValueError, match="own system title"):
        cipher.open(sealed)
