"""A DLMS meter over a line: every level of security, bad lines, wrong secrets, counters, and what is remembered."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from obisgw.config.values import KeyUse, Protection, SecurityLevel, Transport
from obisgw.dlms.frames import Kind
from obisgw.dlms.meter import MeterSecurity
from obisgw.dlms.security import Control, Keys, Level
from obisgw.dlms.services import Attribute
from obisgw.errors import MeterError, RefusedError
from obisgw.iec62056_21.dialects import Dialects
from obisgw.iec62056_21.meter_settings import Acknowledged
from obisgw.reader.counters import STEP, Counters
from obisgw.reader.dlms_reader import REST, DlmsReader, DlmsReadout
from obisgw.reader.dlms_settings import DlmsSettings
from obisgw.reader.memory import Memory
from obisgw.reader.object_memory import ObjectMemory
from obisgw.reader.reader import Readout
from obisgw.readings.cosem import cosem_registers
from obisgw.secret import Secret
from obisgw.simulator.cosem_session import CosemOptions, CosemSession
from tests.reader.scripted import in_moved_time
from tests.reader.wire_line import WireLine, line_of, reader_on

pytestmark = pytest.mark.slow

DIALECTS = Dialects.load()
ENCRYPTION, AUTHENTICATION = bytes(range(16)), bytes(range(16, 32))
KEYS = Keys(ENCRYPTION, AUTHENTICATION)
BOTH = Control.AUTHENTICATED | Control.ENCRYPTED
LOWEST = DlmsSettings()
LOW = DlmsSettings(client=1, level=SecurityLevel.LOW, secret=Secret("12345678"))
LOW_METER = CosemOptions(MeterSecurity(Level.LOW, b"12345678"))
CIPHERED = DlmsSettings(
    client=1,
    level=SecurityLevel.GMAC,
    encryption_key=Secret(ENCRYPTION.hex()),
    authentication_key=Secret(AUTHENTICATION.hex()),
    protection=Protection.BOTH,
)
CIPHERED_METER = CosemOptions(MeterSecurity(Level.GMAC, b"", KEYS, BOTH), least_counter=5000)
AARQ = b"\xe6\xe6\x00\x60"


class Kept:
    """What outlives readers."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self.memory = Memory()
        self.objects = ObjectMemory(None)

    def reader(self, line: WireLine, settings: DlmsSettings, *, again: bool = False) -> DlmsReader:
        """Return a reader of a process that has just begun."""
        counters = Counters(None if self.folder is None else self.folder / "counters.json")
        return DlmsReader(reader_on(line, DIALECTS, self.memory), settings, counters, self.objects, again=again)


def written(line: WireLine) -> bytes:
    """What has been sent, as the wire has it: `WireLine` notes seven bits."""
    return b"".join(data for _, data in line.written)


def values(readout: DlmsReadout | Readout) -> dict[str, Decimal | None]:
    """Return the numbers by address."""
    assert isinstance(readout, DlmsReadout), readout
    registers = cosem_registers([(one.wanted, one.value, one.captured) for one in readout.values], readout.units)
    return {one.address: one.number for one in registers}


def frames_with(line: WireLine, head: bytes) -> int:
    """Count the frames that were sent with these octets in them."""
    return sum(bytes(octet & 0x7F for octet in head) in data for _, data in line.written)


@pytest.mark.parametrize(
    ("settings", "meter"),
    [
        pytest.param(LOWEST, CosemOptions(), id="lowest"),
        pytest.param(LOWEST, CosemOptions(frame=32), id="frames of 32"),
        pytest.param(LOWEST, CosemOptions(frame=2030, window=7, most=4000), id="frames of 2030, seven in a row"),
        pytest.param(LOW, LOW_METER, id="password"),
        pytest.param(
            replace(LOW, level=SecurityLevel.SHA256),
            CosemOptions(MeterSecurity(Level.SHA256, b"12345678")),
            id="SHA-256",
        ),
        pytest.param(
            replace(LOW, level=SecurityLevel.MD5), CosemOptions(MeterSecurity(Level.MD5, b"12345678")), id="MD5"
        ),
        pytest.param(CIPHERED, CIPHERED_METER, id="GMAC, ciphered"),
        pytest.param(replace(CIPHERED, key_use=KeyUse.DEDICATED), CIPHERED_METER, id="a dedicated key"),
        pytest.param(replace(CIPHERED, key_use=KeyUse.GENERAL), CIPHERED_METER, id="a general envelope"),
        pytest.param(LOWEST, CosemOptions(confirms=False), id="the meter does not confirm"),
        pytest.param(replace(LOWEST, logical=1, physical=17), CosemOptions(), id="an address of two octets"),
        pytest.param(
            replace(LOWEST, logical=1, physical=17, address_octets=4), CosemOptions(), id="an address of four octets"
        ),
        pytest.param(LOWEST, CosemOptions(most=100), id="short messages"),
    ],
)
def test_the_registers_are_those_of_the_meter(settings: DlmsSettings, meter: CosemOptions) -> None:
    """Signed on in mode E; the second reading needs no list of objects."""

    async def test() -> None:
        async with line_of("household-e", cosem=meter) as line:
            kept = Kept()
            first = await kept.reader(line, settings).read()
            second = await kept.reader(line, settings).read()
            assert isinstance(first, DlmsReadout)
            assert isinstance(second, DlmsReadout)
            found = values(second)
            assert len(found) == len(values(first)) == 34
            assert found["1-0:32.7.0*255"] is not None
            assert 200 < found["1-0:32.7.0*255"] < 250
            assert second.bytes < first.bytes / 2
            assert first.identification is not None
            assert first.identification.model == "VIRTUAL-1"
            assert first.retries <= 1

    in_moved_time(test)


def test_hdlc_without_a_sign_on_is_spoken_at_once() -> None:
    """The first octet is a flag."""

    async def test() -> None:
        async with line_of("household-e", cosem=CosemOptions(direct=True)) as line:
            await line.set_rate(9600)
            found = values(await Kept().reader(line, replace(LOWEST, transport=Transport.HDLC)).read())
            assert len(found) == 34
            assert written(line)[:1] == b"\x7e"

    in_moved_time(test)


def test_after_the_end_a_meter_has_two_seconds_to_return_to_its_sign_on() -> None:
    """DISC is the last that is said, and it is answered."""

    async def test() -> None:
        async with line_of("household-e") as line:
            kept = Kept()
            await kept.reader(line, LOWEST).read()
            left = line.written[-1][0]
            disconnect = int(Kind.DISC.value) | 0x10
            assert line.written[-1][1][5] == disconnect
            await kept.reader(line, LOWEST).read()
            signed_on = next(at for at, data in line.written if data.startswith(b"/?"))
            again = next(at for at, data in line.written if data.startswith(b"/?") and at > left)
            assert again > signed_on
            assert again - left >= REST

    in_moved_time(test)


@pytest.mark.parametrize("after", [2.0, 2.6, 3.0, 4.0])
def test_a_cancelled_reading_closes_the_link(after: float) -> None:
    """The meter hears DISC at once."""

    async def test() -> None:
        async with line_of("household-e") as line:
            task = asyncio.create_task(Kept().reader(line, LOWEST).read())
            await asyncio.sleep(after)
            task.cancel()
            await asyncio.wait((task,))
            assert line.written[-1][1][5] == int(Kind.DISC.value) | 0x10
            await asyncio.sleep(1)
            session = line.wire.stations[0].session
            assert isinstance(session, CosemSession)
            assert not session.in_hdlc

    in_moved_time(test)


@pytest.mark.parametrize(
    "fault",
    [
        "lose=0.002",
        "flip=0.002",
        "silence@9",
        "silence@9-11",
        "cut=0.4@8",
        "cut=0.9@12",
        "pause=1.0@9",
        "noise-before=9",
    ],
)
def test_what_is_lost_costs_no_new_association(fault: str) -> None:
    """Frames that do not come, or come damaged, are asked for again."""

    async def test() -> None:
        async with line_of("household-e", faults=(fault,), seed=3) as line:
            found = values(await Kept().reader(line, LOWEST).read())
            assert len(found) == 34
            assert frames_with(line, AARQ) == 1

    in_moved_time(test)


def test_a_meter_that_falls_silent_for_good_is_given_up_with_words() -> None:
    """After attempts; it neither hangs nor crashes."""

    async def test() -> None:
        async with line_of("household-e", faults=("silence@12-",)) as line:
            with pytest.raises(MeterError, match=r"does not answer|silent"):
                await Kept().reader(line, replace(LOWEST, insist=True)).read()

    in_moved_time(test)


def test_a_link_that_a_killed_process_has_left_open_is_closed() -> None:
    """The meter hears no sign-on as long as it is in HDLC."""

    async def test() -> None:
        async with line_of("household-e") as line:
            await asyncio.sleep(1)
            session = line.wire.stations[0].session
            assert isinstance(session, CosemSession)
            session.link.open = True
            session.in_hdlc, session._heard_at, session._switch = True, asyncio.get_running_loop().time(), 9600
            began = asyncio.get_running_loop().time()
            assert len(values(await Kept().reader(line, LOWEST).read())) == 34
            # Sooner than the meter would have given the link up by itself.
            assert asyncio.get_running_loop().time() - began < 30

    in_moved_time(test)


# --- a meter that does not go over to HDLC


def test_a_readout_in_place_of_hdlc_is_taken_and_remembered() -> None:
    """The meter is asked for HDLC once, and again after a day."""

    async def test() -> None:
        async with line_of("household-e", cosem=CosemOptions(ascii_only=True)) as line:
            kept = Kept()

            def asked() -> list[str]:
                return [one.acknowledgement.mode for one in line.of(Acknowledged) if isinstance(one, Acknowledged)]

            readout = await kept.reader(line, LOWEST).read()
            assert isinstance(readout, Readout)
            assert readout.telegram.proved
            assert asked() == ["2", "0"]
            assert isinstance(await kept.reader(line, LOWEST).read(), Readout)
            assert asked() == ["2", "0", "0"]
            spoken = kept.memory.spoken("wire", "")
            kept.memory.remember_spoken("wire", "", replace(spoken, without_hdlc=time.time() - 90_000))
            await kept.reader(line, LOWEST).read()
            assert asked() == ["2", "0", "0", "2", "0"]

    in_moved_time(test)


def test_a_meter_that_does_not_offer_hdlc_is_read_in_mode_c() -> None:
    """Without being asked for it."""

    async def test() -> None:
        async with line_of("household") as line:
            assert isinstance(await Kept().reader(line, LOWEST).read(), Readout)
            modes = [one.acknowledgement.mode for one in line.of(Acknowledged) if isinstance(one, Acknowledged)]
            assert set(modes) == {"0"}

    in_moved_time(test)


# --- secrets


def test_a_wrong_password_is_said_once() -> None:
    """Not again by itself, also by another process; another one is tried, and the same one where the owner insists."""

    async def test() -> None:
        async with line_of("household-e", cosem=LOW_METER) as line:
            kept, wrong = Kept(), replace(LOW, secret=Secret("00000000"))
            with pytest.raises(RefusedError, match=r"refused the password or the keys .the password or the proof"):
                await kept.reader(line, wrong).read()
            said = len(line.written)
            with pytest.raises(RefusedError, match="before, and they are not tried again"):
                await kept.reader(line, wrong).read()
            assert len(line.written) == said
            with pytest.raises(RefusedError, match="refused the password or the keys"):
                await kept.reader(line, wrong, again=True).read()
            assert frames_with(line, AARQ) == 2
            assert len(values(await kept.reader(line, LOW).read())) == 34
            assert kept.memory.spoken("wire", "").refused is None

    in_moved_time(test)


@pytest.mark.parametrize("wrong", ["encryption_key", "authentication_key"])
def test_a_wrong_key_is_tried_once(wrong: str) -> None:
    """The meter cannot decipher, or does not accept the proof."""

    async def test() -> None:
        async with line_of("household-e", cosem=CIPHERED_METER) as line:
            settings: DlmsSettings = replace(CIPHERED, **{wrong: Secret("ff" * 16)})  # type: ignore[arg-type]
            kept = Kept()
            with pytest.raises(RefusedError, match="refused the password or the keys") as error:
                await kept.reader(line, settings).read()
            assert "ff" * 16 not in str(error.value)
            said = len(line.written)
            with pytest.raises(RefusedError, match="before"):
                await kept.reader(line, settings).read()
            assert len(line.written) == said

    in_moved_time(test)


# --- invocation counters


def test_no_counter_is_used_twice_whatever_ends_the_process(tmp_path: Path) -> None:
    """A process that was killed leaves a step; the next one begins behind it."""

    async def test() -> None:
        async with line_of("household-e", cosem=CIPHERED_METER) as line:
            kept = Kept(tmp_path)
            used = []
            for _ in range(3):
                reader = kept.reader(line, CIPHERED)
                await reader.read()
                used.append(reader.counters.known(reader._counter_key) or 0)
                # Nothing is said to it in time: the process is gone.
            assert 5001 < used[0] < used[0] + STEP // 2 < used[1]
            assert used[1] < used[2]

    in_moved_time(test)


def test_the_counter_is_asked_of_the_meter_where_none_is_kept() -> None:
    """As the public client, with a sign-on of its own; once."""

    async def test() -> None:
        async with line_of("household-e", cosem=CIPHERED_METER) as line:
            reader = Kept().reader(line, CIPHERED)
            await reader.read()
            assert frames_with(line, b"/?!") == 2
            await reader.read()
            assert frames_with(line, b"/?!") == 3

    in_moved_time(test)


def test_a_counter_that_is_too_low_is_corrected_by_what_the_meter_says(tmp_path: Path) -> None:
    """Another program has used the key meanwhile."""

    async def test() -> None:
        async with line_of("household-e", cosem=CIPHERED_METER) as line:
            kept = Kept(tmp_path)
            reader = kept.reader(line, CIPHERED)
            reader.counters.use(reader._counter_key, 10)
            assert len(values(await reader.read())) == 34
            assert (reader.counters.known(reader._counter_key) or 0) > 5000

    in_moved_time(test)


def test_a_counter_far_away_is_not_gone_on_from(tmp_path: Path) -> None:
    """It comes in clear: damage or malice would use up all counters at once."""

    async def test() -> None:
        meter = replace(CIPHERED_METER, least_counter=0xFFFFFF00)
        async with line_of("household-e", cosem=meter) as line:
            reader = Kept(tmp_path).reader(line, CIPHERED)
            reader.counters.use(reader._counter_key, 10)
            with pytest.raises(RefusedError, match="refused the invocation counter"):
                await reader.read()
            assert (reader.counters.known(reader._counter_key) or 0) < 10_000

    in_moved_time(test)


# --- what a meter says of itself


def test_another_firmware_is_asked_for_its_objects_again() -> None:
    """The kept list is another meter's, or an older one's."""

    async def test() -> None:
        async with line_of("household-e") as line:
            kept = Kept()
            first = await kept.reader(line, LOWEST).read()
            ((key, known),) = kept.objects._known.items()
            other = tuple((*one[:3], b"\x09\x041.06") if one[1][2:4] == b"\x00\x02" else one for one in known.stamp)
            assert other != known.stamp
            kept.objects.remember(key, replace(known, stamp=other, units=()))
            again = await kept.reader(line, LOWEST).read()
            assert len(values(first)) == len(values(again)) == 34

    in_moved_time(test)


def test_the_kept_list_outlives_the_process(tmp_path: Path) -> None:
    """A file that is none is asked for again."""

    async def test() -> None:
        file = tmp_path / "objects.json"
        async with line_of("household-e") as line:
            kept = Kept()
            kept.objects = ObjectMemory(file)
            await kept.reader(line, LOWEST).read()
            kept.objects.save()
            kept.objects = ObjectMemory(file)
            second = await kept.reader(line, LOWEST).read()
            assert isinstance(second, DlmsReadout)
            assert second.bytes < 1000
            for text in ("", "[]", '{"format": 1, "known": {"a": {"stamp": 3}}}'):
                file.write_text(text, "utf-8")
                assert ObjectMemory(file).recall("a").objects is None

    in_moved_time(test)


def test_an_object_that_is_not_there_is_an_answer() -> None:
    """The association holds."""

    async def test() -> None:
        async with line_of("household-e") as line:
            async with Kept().reader(line, LOWEST).open() as talk:
                nothing = Attribute(3, bytes((1, 0, 99, 99, 99, 255)), 2)
                one, two = await talk.get([nothing, Attribute(1, bytes((0, 0, 42, 0, 0, 255)), 2)])
            assert one.data is None
            assert two.data is not None

    in_moved_time(test)
