"""Octets that others wrote: the standard's own examples, and what three other implementations make of the same."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from obisgw.dlms import acse, axdr, services
from obisgw.dlms.axdr import Data, Tag
from obisgw.dlms.ciphering import Cipher, Envelope
from obisgw.dlms.errors import DecodeError
from obisgw.dlms.frames import Frame, Kind, client_address, decode_frame, server_address
from obisgw.dlms.profile import by_entry, by_range
from obisgw.dlms.security import Control, Keys, Level, Pass, protect, unprotect
from obisgw.dlms.services import AccessResult, Attribute, Block, Conformance, GetResult

ENCRYPTION = bytes.fromhex("000102030405060708090A0B0C0D0E0F")
AUTHENTICATION = bytes.fromhex("D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF")
TITLE = bytes.fromhex("4D4D4D0000BC614E")
COUNTER = 0x01234567
KEYS = Keys(ENCRYPTION, AUTHENTICATION)
"""Keys, title and counter of the Green Book's examples."""

GET_CLOCK = bytes.fromhex("C0010000080000010000FF0200")
REGISTER = bytes((1, 0, 1, 8, 0, 255))

CIPHERED = [
    # The standard's example, which all three others write as well.
    pytest.param(
        Envelope.GLOBAL,
        0x30,
        "C81E3001234567411312FF935A47566827C467BC7D825C3BE4A77C3FCC056B6B",
        id="authenticated and encrypted",
    ),
    pytest.param(
        Envelope.GLOBAL, 0x10, "C81E1001234567C0010000080000010000FF020006725D910F9221D263877516", id="authenticated"
    ),
    pytest.param(Envelope.GLOBAL, 0x20, "C8122001234567411312FF935A47566827C467BC", id="encrypted"),
    # As another implementation puts them into the general envelope.
    pytest.param(
        Envelope.GENERAL,
        0x30,
        "DB084D4D4D0000BC614E1E3001234567411312FF935A47566827C467BC7D825C3BE4A77C3FCC056B6B",
        id="general, authenticated and encrypted",
    ),
    pytest.param(
        Envelope.GENERAL,
        0x20,
        "DB084D4D4D0000BC614E122001234567411312FF935A47566827C467BC",
        id="general, encrypted",
    ),
]


@pytest.mark.parametrize(("envelope", "control", "octets"), CIPHERED)
def test_requests_are_ciphered_and_deciphered_as_the_standard_does(
    envelope: Envelope, control: int, octets: str
) -> None:
    """Octet by octet, and with one octet changed not at all where they carry a tag."""
    message = bytes.fromhex(octets)
    sender = Cipher(KEYS, Control(control), envelope, TITLE, counter=COUNTER)
    assert sender.seal(GET_CLOCK) == message
    receiver = Cipher(KEYS, Control(control), envelope, b"RECEIVER", TITLE)
    assert receiver.open(message) == GET_CLOCK
    if control & 0x10:
        damaged = message[:-1] + bytes((message[-1] ^ 1,))
        with pytest.raises(DecodeError):
            Cipher(KEYS, Control(control), envelope, b"RECEIVER", TITLE).open(damaged)


def test_an_association_of_the_standard_is_requested_in_ciphered_form() -> None:
    """The Green Book's AARQ with a dedicated key, and the InitiateResponse of its AARE."""
    request = acse.decode_request(
        bytes.fromhex(
            "6066A109060760857405080103A60A04084D4D4D0000BC614E8A0207808B0760857405080205AC0A80084B35366956616759"
            "BE34043221303001234567801302FF8A7874133D414CED25B42534D28DB0047720606B175BD52211BE6841DB204D39EE6FDB8E356855"
        )
    )
    assert (request.level, request.value, request.title) == (Level.GMAC, b"K56iVagY", TITLE)
    plain, control, counter = unprotect(request.user[2:], ENCRYPTION, AUTHENTICATION, TITLE)
    assert (control, counter) == (0x30, COUNTER)
    initiate = services.decode_initiate_request(plain)
    assert initiate.dedicated == bytes.fromhex("00112233445566778899AABBCCDDEEFF")
    assert initiate.most == 0x04B0
    assert initiate.request() == plain
    assert protect(plain, Control(0x30), ENCRYPTION, AUTHENTICATION, TITLE, COUNTER) == request.user[2:]
    answer = bytes.fromhex("3001234567891214A0845E475714383F65BC19745CA235906525E4F3E1C893")
    response = services.decode_initiate_response(unprotect(answer, ENCRYPTION, AUTHENTICATION, TITLE)[0])
    assert (response.most, response.vaa) == (0x0400, 7)


AARQS = [
    # The standard's examples of low and high level security.
    pytest.param(
        "6036A1090607608574050801018A0207808B0760857405080201AC0A80083132333435363738BE10040E01000000065F1F0400007E1FFFFF",
        Level.LOW,
        b"12345678",
        id="the standard's, password",
    ),
    pytest.param(
        "6036A1090607608574050801018A0207808B0760857405080202AC0A80084B35366956616759BE10040E01000000065F1F0400007E1FFFFF",
        Level.HIGH,
        b"K56iVagY",
        id="the standard's, high level",
    ),
    # Written by two other implementations.
    pytest.param(
        "601da109060760857405080101be10040e01000000065f1f0400401e5dffff", Level.LOWEST, b"", id="another's, lowest"
    ),
    pytest.param(
        "603ea1090607608574050801018a0207808b0760857405080203ac128010c5d1b0f06939dedb148f1b495d98574fbe10040e01000000065f1f0400401e5dffff",
        Level.MD5,
        bytes.fromhex("c5d1b0f06939dedb148f1b495d98574f"),
        id="another's, MD5",
    ),
    pytest.param(
        "604aa109060760857405080101a60a04084d4d4d0000bc614e8a0207808b0760857405080205ac1280106f7e8a602bf85da8084f463b4c89a3d0be10040e01000000065f1f0400401e5dffff",
        Level.GMAC,
        bytes.fromhex("6f7e8a602bf85da8084f463b4c89a3d0"),
        id="another's, GMAC",
    ),
    pytest.param(
        "6029a109060760857405080101a60a04087574693f1f57a96fbe10040e01000000065f1f040020525fffff",
        Level.LOWEST,
        b"",
        id="a third's, with a title",
    ),
]


@pytest.mark.parametrize(("octets", "level", "value"), AARQS)
def test_requests_for_an_association_are_read_and_written_alike(octets: str, level: Level, value: bytes) -> None:
    """With the same fields in the same order."""
    request = acse.decode_request(bytes.fromhex(octets))
    assert (request.level, request.value) == (level, value)
    assert request.encode() == bytes.fromhex(octets)
    initiate = services.decode_initiate_request(request.user)
    assert initiate.request() == request.user


@pytest.mark.parametrize(
    ("octets", "accepted", "diagnostic", "value"),
    [
        (
            "6129A109060760857405080101A203020100A305A103020100BE10040E0800065F1F0400007C1F04000007",
            True,
            0,
            b"",
        ),
        (
            "6129A109060760857405080101A203020101A305A10302010DBE10040E0800065F1F0400007C1F04000007",
            False,
            13,
            b"",
        ),
        (
            "6142A109060760857405080101A203020100A305A10302010E88020780890760857405080202AA0A8008503677524A323146BE10040E0800065F1F0400007C1F04000007",
            True,
            14,
            b"P6wRJ21F",
        ),
    ],
    ids=["accepted", "wrong password", "high level security"],
)
def test_the_standards_answers_are_understood(octets: str, accepted: bool, diagnostic: int, value: bytes) -> None:  # noqa: FBT001
    """As the Green Book prints them."""
    response = acse.decode_response(bytes.fromhex(octets))
    assert (response.accepted, response.diagnostic, response.value) == (accepted, diagnostic, value)
    assert services.decode_initiate_response(response.user).most == 0x0400


CLIENT, METER = b"MMM\x00\x00\x00\x00\x01", b"OBG\x00\x00\x00\x00\x01"
SECRET = b"0123456789abcdef"


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (Pass(Level.MD5, b"PwdStoCxPwdStoCx", b"", secret=b"secret"), "b5703d2396779cd5015f4887c11b23b6"),
        (Pass(Level.SHA1, b"PwdStoCxPwdStoCx", b"", secret=b"secret"), "3c20f03e5e52a91123effdd6b9c3e59ad498d239"),
        (
            Pass(Level.SHA256, b"StoC0123", b"CtoS4567", CLIENT, METER, SECRET),
            "165e0ea505e0139465267761c55e1e868be782fe8b97eddd58b1ce439037e4ef",
        ),
        # Two other implementations agree on this one.
        (Pass(Level.GMAC, b"P6wRJ21F", b"", TITLE, keys=KEYS), "100123456740c4ed71e5ed086db5c77695"),
    ],
    ids=["MD5", "SHA-1", "SHA-256", "GMAC"],
)
def test_challenges_are_answered_as_others_do(asked: Pass, answer: str) -> None:
    """And the answer of anybody else is seen to be wrong."""
    assert asked.answer(COUNTER).hex() == answer
    assert asked.right(bytes.fromhex(answer))
    assert not asked.right(bytes.fromhex(answer)[:-1] + b"\x00")


PROFILE = bytes((1, 0, 99, 1, 0, 255))
REQUESTS = [
    (services.get_request(Attribute(3, REGISTER, 2)), "c001c100030100010800ff0200"),
    (
        services.get_list_request((Attribute(3, REGISTER, 2), Attribute(3, REGISTER, 3))),
        "c003c10200030100010800ff020000030100010800ff0300",
    ),
    (services.get_next_request(5), "c002c100000005"),
    (
        services.get_request(by_entry(PROFILE, 1, 10)),
        "c001c100070100630100ff02010202040600000001060000000a120001120000",
    ),
    (
        services.get_request(by_range(PROFILE, datetime(2026, 10, 25, tzinfo=UTC), datetime(2026, 10, 26, tzinfo=UTC))),
        "c001c100070100630100ff0201010204020412000809060000010000ff0f02120000090c07ea0a1907000000000000ff090c07ea0a1a01000000000000ff0100",
    ),
]


@pytest.mark.parametrize(("ours", "theirs"), REQUESTS, ids=["normal", "list", "next", "entries", "range"])
def test_requests_are_those_of_others(ours: bytes, theirs: str) -> None:
    """Octet by octet."""
    assert ours.hex() == theirs


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        ("c401c1000600bc614e", GetResult(axdr.unsigned(12_345_678, 4))),
        ("c401c10104", GetResult(None, AccessResult.OBJECT_UNDEFINED)),
        ("c403c1020006000000010104", (GetResult(axdr.unsigned(1, 4)), GetResult(None, 4))),
        ("c402c1000000000100050102030405", Block(1, last=False, octets=bytes(range(1, 6)))),
        ("c402c101000000020000", Block(2, last=True, octets=b"")),
    ],
    ids=["value", "refused", "list", "block", "an empty block"],
)
def test_answers_are_understood(octets: str, expected: object) -> None:
    """Normal, with a reason, several, and parts of long ones."""
    assert services.decode_get_response(bytes.fromhex(octets)) == expected


DATA = [
    ("00", axdr.NULL),
    ("0301", Data(Tag.BOOLEAN, value=True)),
    ("0409b380", Data(Tag.BIT_STRING, b"\xb3\x80", 9)),
    ("0ffb", axdr.integer(-5)),
    ("10f448", axdr.integer(-3000, 2)),
    ("05fffeee90", axdr.integer(-70_000, 4)),
    ("14c000000000000000", axdr.integer(-(2**62), 8)),
    ("11c8", axdr.unsigned(200)),
    ("12ea60", axdr.unsigned(60_000, 2)),
    ("06ee6b2800", axdr.unsigned(4_000_000_000, 4)),
    ("15ffffffffffffffff", axdr.unsigned(2**64 - 1, 8)),
    ("0981c8" + "00" * 200, axdr.octet_string(bytes(200))),
    ("0a03454d48", Data(Tag.VISIBLE_STRING, "EMH")),
    ("0c075ac3a4686c6572", Data(Tag.UTF8_STRING, "Zähler")),
    ("0d12", Data(Tag.BCD, b"\x12")),
    ("161e", axdr.enum(30)),
    ("173fc00000", Data(Tag.FLOAT32, 1.5)),
    ("18bfb999999999999a", Data(Tag.FLOAT64, -0.1)),
    ("1907e80101010c000000ffc400", Data(Tag.DATE_TIME, bytes.fromhex("07e80101010c000000ffc400"))),
    ("1a07e8010101", Data(Tag.DATE, bytes.fromhex("07e8010101"))),
    ("1b0c000000", Data(Tag.TIME, bytes.fromhex("0c000000"))),
    (
        "010302020f010002020f010002020f0100",
        axdr.array(*(axdr.structure(axdr.integer(1), axdr.NULL) for _ in range(3))),
    ),
]


@pytest.mark.parametrize(("octets", "data"), DATA, ids=[data.tag.name for _, data in DATA])
def test_data_of_every_type_are_those_of_others(octets: str, data: Data) -> None:
    """Both ways."""
    assert axdr.decode(bytes.fromhex(octets)) == data
    assert axdr.encode(data).hex() == octets


def test_a_compact_array_comes_out_as_an_array() -> None:
    """Its type is written once: number, octets, choice."""
    rows = axdr.decode(bytes.fromhex("1302030609161000000001026162030000000202616203"))
    assert rows == axdr.array(
        *(axdr.structure(axdr.unsigned(n, 4), axdr.octet_string(b"ab"), axdr.enum(3)) for n in (1, 2))
    )
    pairs = axdr.decode(bytes.fromhex("130100020f0401020304"))
    assert pairs == axdr.array(
        axdr.array(axdr.integer(1), axdr.integer(2)), axdr.array(axdr.integer(3), axdr.integer(4))
    )


FRAMES = [
    ("7ea00802232193bd647e", Kind.SNRM, {}),
    ("7ea00802232153b1a27e", Kind.DISC, {}),
    (
        "7ea81a02232130bc70e6e600c001c100030100010800ff020032687e",
        Kind.I,
        {
            "information": bytes.fromhex("e6e600c001c100030100010800ff0200"),
            "sent": 0,
            "awaited": 1,
            "segmented": True,
        },
    ),
]


@pytest.mark.parametrize(("octets", "kind", "more"), FRAMES, ids=["SNRM", "DISC", "I"])
def test_frames_are_those_of_others(octets: str, kind: Kind, more: dict[str, object]) -> None:
    """Octet by octet, both ways."""
    frame = Frame(server_address(1, 17), client_address(16), kind, **more)  # type: ignore[arg-type]
    assert frame.encode().hex() == octets
    assert decode_frame(bytes.fromhex(octets)[1:-1]) == frame


def test_the_conformance_of_the_standard_has_its_bits_in_their_places() -> None:
    """The first bit of the string is the highest."""
    initiate = services.decode_initiate_request(bytes.fromhex("01000000065F1F0400007E1FFFFF"))
    assert initiate.conformance == (
        Conformance.PRIORITY
        | Conformance.ATTRIBUTE_0_WITH_GET
        | Conformance.BLOCK_TRANSFER_WITH_GET
        | Conformance.BLOCK_TRANSFER_WITH_SET
        | Conformance.BLOCK_TRANSFER_WITH_ACTION
        | Conformance.MULTIPLE_REFERENCES
        | Conformance.GET
        | Conformance.SET
        | Conformance.SELECTIVE_ACCESS
        | Conformance.EVENT_NOTIFICATION
        | Conformance.ACTION
    )
