"""Meters that send DLMS unasked, on pseudo-terminals: what they push, in pieces, becomes readings."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from obisgw.cli import main, read
from obisgw.config.values import MeterMode, Transport
from obisgw.iec62056_21.dialects import Dialects
from obisgw.secret import Secret
from obisgw.service.dlms_push_edge import PushingMeter
from obisgw.service.edges import HeldBack, Miss, Success
from obisgw.service.line_edge import LineEdges
from tests.dlms.pushing import AUTHENTICATION, KEY, PushLine, ciphered, hdlc, mbus, notification_of, recorded
from tests.service.fakes import settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PLAIN = notification_of(recorded("kam_omnipower_2018_firmware"))
OTHER_KEY = bytes(16)


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Learn nothing from, and nothing for, whoever runs the tests."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)


@pytest.fixture
def key_file(tmp_path: Path) -> Callable[[bytes], str]:
    """Make a file that holds a key."""

    def made(key: bytes) -> str:
        path = tmp_path / f"{key.hex()}.key"
        path.write_text(f"{key.hex()}\n")
        path.chmod(0o600)
        return str(path)

    return made


@pytest.mark.parametrize(
    ("transport", "frames"), [("hdlc", hdlc(ciphered(PLAIN, 7))), ("mbus", mbus(ciphered(PLAIN, 7)))]
)
@pytest.mark.parametrize("both", [True, False], ids=["both keys", "encryption key alone"])
def test_what_is_pushed_with_a_key_is_read(
    transport: str,
    frames: bytes,
    both: bool,  # noqa: FBT001 - a table's column
    key_file: Callable[[bytes], str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Noise before and after it does not matter."""
    keys = ["--encryption-key-file", key_file(KEY)]
    keys += ["--authentication-key-file", key_file(AUTHENTICATION)] if both else []
    with PushLine(b"\x00\x7e\xff\x68" + frames + b"\x13\x55") as line:
        assert main(["read", line.path, "--mode", "D", "--transport", transport, "--json", *keys]) == 0
    document = json.loads(capsys.readouterr().out)
    values = {one["obis"]: (one["value"], one["unit"]) for one in document["registers"]}
    assert values["1-1:1.7.0*255"] == ("3815", "W")
    assert values["1-1:31.7.0*255"] == ("13.69", "A")
    assert document["mode"] == "D"
    assert document["unparsed"] == []


def test_what_is_pushed_in_clear_needs_no_key(capsys: pytest.CaptureFixture[str]) -> None:
    """As Norwegian meters do."""
    with PushLine(recorded("kfm_ma304_list1")) as line:
        assert main(["read", line.path, "--mode", "D", "--transport", "hdlc"]) == 0
    assert "Power import" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("key", "said", "hint"),
    [
        (None, "ciphers what it sends, and no key is configured", "encryption_key_file"),
        (OTHER_KEY, "cannot be deciphered: the key is wrong", "the key of this meter"),
    ],
)
def test_without_the_right_key_it_says_so_at_once(
    key: bytes | None, said: str, hint: str, key_file: Callable[[bytes], str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Once, with what to do, and never the key."""
    keys = [] if key is None else ["--encryption-key-file", key_file(key)]
    with PushLine(hdlc(ciphered(PLAIN, 7))) as line:
        assert main(["read", line.path, "--mode", "D", "--transport", "hdlc", *keys]) == 1
    error = capsys.readouterr().err
    assert error.count(said) == 1
    assert hint in error
    assert key is None or key.hex() not in error


def test_other_frames_than_configured_are_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Instead of a silence."""
    monkeypatch.setattr(read, "PUSH_PATIENCE", 2.5)
    with PushLine(mbus(PLAIN), between=0.3) as line:
        assert main(["read", line.path, "--mode", "D", "--transport", "hdlc"]) == 1
    assert "these look like M-Bus frames: write `transport: mbus`" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "frames"), [("hdlc", hdlc(ciphered(PLAIN, 7))), ("mbus", mbus(ciphered(PLAIN, 7)))])
def test_a_capture_is_decoded(
    name: str, frames: bytes, tmp_path: Path, key_file: Callable[[bytes], str], capsys: pytest.CaptureFixture[str]
) -> None:
    """With the key its registers, without it the sentence."""
    file = tmp_path / name
    file.write_bytes(frames)
    assert main(["decode", str(file), "--json", "--encryption-key-file", key_file(KEY)]) == 0
    assert len(json.loads(capsys.readouterr().out)["registers"]) == 12
    assert main(["decode", str(file)]) == 1
    assert "no key is configured" in capsys.readouterr().err


def meter_at(line: PushLine, tmp_path: Path, key: bytes | None = KEY) -> PushingMeter:
    """Return a service's meter."""
    secret = None if key is None else Secret(key.hex())
    configured = settings(port=line.path, mode=MeterMode.D, transport=Transport.HDLC, encryption_key=secret)
    meter = LineEdges(Dialects.load(), tmp_path).edge_of(configured)
    assert isinstance(meter, PushingMeter)
    return meter


async def outcomes_of(
    meter: PushingMeter, line: PushLine, octets: bytes, count: int
) -> list[Success | Miss | HeldBack]:
    """Return so many outcomes of what is sent once somebody listens."""
    found: list[Success | Miss | HeldBack] = []

    async def sent() -> None:
        while not meter._listener.session or not meter._listener.session._opened:  # noqa: ASYNC110 - the port says nothing
            await asyncio.sleep(0.01)
        await asyncio.to_thread(line.send, octets)

    sending = asyncio.create_task(sent())
    async with asyncio.timeout(20), aclosing(meter.pushes()) as outcomes:
        async for outcome in outcomes:
            found.append(outcome)
            if len(found) == count:
                break
    await sending
    await meter.close()
    return found


async def test_the_service_publishes_what_is_pushed_and_holds_back_what_is_played_again(tmp_path: Path) -> None:
    """An older counter is no reading; the next newer one is."""
    octets = b"".join(hdlc(ciphered(PLAIN, counter)) for counter in (7, 6, 8))
    with PushLine() as line:
        first, older, newer = await outcomes_of(meter_at(line, tmp_path), line, octets, 3)
    assert isinstance(first, Success)
    assert isinstance(older, HeldBack)
    assert "its counter 6 is not newer than 7" in older.reason
    assert isinstance(newer, Success)
    assert newer.baudrate == 2400
    assert newer.reading.meter.flag == "KFM"
    assert newer.trouble.rejected == 1
    numbers = {register.address: register.number for register in newer.reading.registers}
    assert numbers["1-1:1.7.0*255"] == Decimal(3815)


async def test_a_wrong_key_is_a_miss_of_the_service(tmp_path: Path) -> None:
    """At the first telegram."""
    with PushLine() as line:
        [miss] = await outcomes_of(meter_at(line, tmp_path, OTHER_KEY), line, hdlc(ciphered(PLAIN, 7)), 1)
    assert isinstance(miss, Miss)
    assert "the key is wrong" in miss.error.problem
    assert miss.error.hint
    assert OTHER_KEY.hex() not in str(miss.error)


async def test_a_frame_that_was_cut_costs_its_telegram_alone(tmp_path: Path) -> None:
    """Also when only its second segment was lost: that is damage, and no wrong key."""
    frames = hdlc(ciphered(PLAIN, 8), 60)
    first = frames[: frames.index(b"\x7e\x7e") + 1]
    octets = hdlc(ciphered(PLAIN, 7)) + first + frames[-40:] + hdlc(ciphered(PLAIN, 9), 60)
    with PushLine() as line:
        found = await outcomes_of(meter_at(line, tmp_path), line, octets, 3)
    assert [type(one) for one in found] == [Success, HeldBack, Success]


async def test_lists_of_one_meter_are_put_together(tmp_path: Path) -> None:
    """The list of every few seconds brings power alone; the energies of the hour's list stand beside it."""
    octets = recorded("kfm_ma304_list3") + recorded("kfm_ma304_list1")
    with PushLine() as line:
        full, short = await outcomes_of(meter_at(line, tmp_path, None), line, octets, 2)
    assert isinstance(full, Success)
    assert isinstance(short, Success)
    before = {one.address: one.value for one in full.reading.registers}
    now = {one.address: one.value for one in short.reading.registers}
    assert now["1-0:1.8.0*255"] == before["1-0:1.8.0*255"]
    assert now["1-0:1.7.0*255"] != before["1-0:1.7.0*255"]
    assert "0-0:1.0.0*255" in before
    assert "0-0:1.0.0*255" not in now
    assert short.reading.meter == full.reading.meter
