"""Every telegram of the corpus, whole, byte by byte, and cut at every position."""

from __future__ import annotations

import pytest

from obisgw.iec62056_21.block_check import BlockCheck, BlockCheckKind
from obisgw.iec62056_21.capture import telegrams_in
from obisgw.iec62056_21.characters import CharacterFormat, add_parity
from obisgw.iec62056_21.data_sets import parse_data_sets
from obisgw.iec62056_21.dialects import Dialects
from obisgw.iec62056_21.events import Received
from obisgw.iec62056_21.framing import BlockReceiver, Parity
from obisgw.iec62056_21.push import PushSession
from obisgw.iec62056_21.settings import SessionSettings
from obisgw.iec62056_21.telegram import DataSet, Telegram
from tests.corpus import SIGN_ONS, TELEGRAMS, Case, brackets

DIALECTS = Dialects.load()
PUSHED = [case for case in TELEGRAMS if case.about["mode"].startswith("D") and not case.refused]
READOUTS = [
    case
    for case in TELEGRAMS
    if case.about["kind"] == "readout" and not case.refused and case.about["check"]["type"] == "bcc-xor"
]
CAPTURED = {
    "bcc-xor": BlockCheckKind.XOR,
    "bcc-sum7": BlockCheckKind.SUM7,
    "p1-crc16": BlockCheckKind.CRC16,
}


def proved(capture: bytes) -> list[Telegram]:
    """The telegrams in ``capture`` whose values may be used."""
    messages = telegrams_in(capture, DIALECTS).messages
    return [message.telegram for message in messages if message.telegram.proved]


def data_sets(telegrams: list[Telegram]) -> list[DataSet]:
    """The data sets of all telegrams, in order."""
    return [one for telegram in telegrams for one in parse_data_sets(telegram.block)[0]]


def assert_expected(found: list[DataSet], case: Case) -> None:
    """Compare address and brackets of each data set with the description."""
    if case.profile:
        found = [one for one in found if one.address]
    assert [(one.address, [(item.value, item.unit) for item in one.brackets]) for one in found] == [
        (entry["address"], brackets(entry)) for entry in case.expect
    ]


@pytest.mark.parametrize("case", [case for case in TELEGRAMS if not case.refused], ids=str)
def test_a_whole_telegram_gives_its_data_sets(case: Case) -> None:
    """Address, values and units exactly as on the line, in order."""
    assert_expected(data_sets(proved(case.raw)), case)


@pytest.mark.parametrize("case", [case for case in TELEGRAMS if case.about["check"].get("valid") is False], ids=str)
def test_a_telegram_with_a_wrong_check_proves_nothing(case: Case) -> None:
    """Damaged on the line or edited by hand: refused all the same."""
    assert proved(case.raw) == []


@pytest.mark.parametrize("case", SIGN_ONS, ids=str)
def test_a_sign_on_alone_gives_no_telegram(case: Case) -> None:
    """Identifications without data are told, and nothing is made of them."""
    capture = telegrams_in(case.raw, DIALECTS)
    assert capture.messages == ()
    assert capture.identifications


@pytest.mark.parametrize("case", [case for case in TELEGRAMS if case.checked and not case.refused], ids=str)
def test_the_check_is_the_one_that_the_meter_computes(case: Case) -> None:
    """XOR, sum modulo 128 or CRC-16, found by the identification alone."""
    telegrams = proved(case.raw)
    assert {telegram.check for telegram in telegrams} == {BlockCheck.OK}
    if case.about["identification"]:
        assert {telegram.check_kind for telegram in telegrams} == {CAPTURED[case.about["check"]["type"]]}


@pytest.mark.slow
@pytest.mark.parametrize("case", TELEGRAMS, ids=str)
def test_a_telegram_cut_at_any_position_proves_nothing_of_it(case: Case) -> None:
    """Of a dialogue, answers in front of the cut stay; a push without check is whole with its end mark."""
    whole = [telegram.raw for telegram in proved(case.raw)]
    # The longest readout is tried at every seventh position, and at every one near its end.
    step = 7 if len(case.raw) > 2000 else 1
    for cut in sorted({*range(0, len(case.raw), step), *range(max(0, len(case.raw) - 60), len(case.raw))}):
        left = case.raw[:cut]
        found = [telegram.raw for telegram in proved(left)]
        assert found == whole[: len(found)]
        assert all(raw in left for raw in found)


@pytest.mark.parametrize("case", READOUTS, ids=str)
@pytest.mark.parametrize("parity", [True, False], ids=["7E1", "8N1"])
def test_parity_bits_change_nothing(case: Case, parity: bool) -> None:  # noqa: FBT001
    """The same readout recorded with and without the parity in bit 7."""
    assert_expected(data_sets(proved(add_parity(case.raw) if parity else case.raw)), case)


@pytest.mark.parametrize("case", READOUTS, ids=str)
def test_a_readout_is_the_same_byte_by_byte(case: Case) -> None:
    """The receiver of a session finds the block that the whole capture has."""
    receiver = BlockReceiver((BlockCheckKind.XOR,), software_parity=False, parity=Parity.ABSENT)
    for byte in case.raw[case.raw.index(b"\x02") :]:
        receiver.feed(bytes((byte,)))
    assert receiver.block is not None
    assert receiver.block.check is BlockCheck.OK
    assert_expected(list(parse_data_sets(receiver.block.text)[0]), case)


@pytest.mark.parametrize("case", PUSHED, ids=str)
def test_a_push_is_the_same_byte_by_byte(case: Case) -> None:
    """A listening session gives the data sets that the whole capture has.

    Heard twice, as meters send without end: telegrams of another form than the first wait for the next one like them.
    """
    session = PushSession(SessionSettings(format=CharacterFormat.HARDWARE), 9600, DIALECTS)
    session.actions(0.0)
    now = 0.0
    for _ in range(2):
        for byte in case.raw:
            now += 0.001
            session.receive(bytes((byte,)), now)
        session.actions(now + 30.0)
    heard = {event.telegram.block: event.telegram for event in session.events() if isinstance(event, Received)}
    assert_expected(data_sets(list(heard.values())), case)
