"""DLMS over HDLC on the line's own time: registers a second, a load profile, windows, associations.

The gateway's reader and the simulated meter talk in a loop whose time passes only by timers, so another busy process
changes nothing; processor time does not count and is stated. Every octet and every change of the word is counted.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from typing import Any, TypeVar

from obisgw.config.values import Protection, SecurityLevel, Transport
from obisgw.dlms.frames import FrameReceiver, Kind
from obisgw.dlms.meter import MeterSecurity
from obisgw.dlms.profile import Row
from obisgw.dlms.readout import wanted
from obisgw.dlms.security import Control, Keys, Level
from obisgw.iec62056_21.dialects import Dialects
from obisgw.reader.counters import Counters
from obisgw.reader.dlms_reader import DlmsReader
from obisgw.reader.dlms_settings import DlmsSettings
from obisgw.reader.dlms_stored import LOAD, DlmsStored
from obisgw.reader.object_memory import ObjectMemory
from obisgw.secret import Secret
from obisgw.simulator.cosem_session import CosemOptions
from obisgw.simulator.household import Household
from obisgw.simulator.serve import Simulator, SimulatorOptions
from tests.benchmarks.figures import Figure, number
from tests.reader.scripted import MovedLoop
from tests.reader.wire_line import WireLine, reader_on

RATE = 9600
DAYS, COLUMNS = 35, 4
ROW = 28
"""Octets of a row: a structure (2), a time (14), a status of one octet (2), two counters of four (5 each)."""

FAST, SLOW = 0.02, 0.2
ROUNDS = 5
PAUSE = 5.0
"""Seconds between two conversations: longer than the reader leaves a meter alone."""

_START_RATE = 300
_MINIMUM = 0.2
"""Seconds that a reading device waits before it acknowledges."""

LIMITS = {"registers": 10.0, "profile": 1.05, "association": 1.1, "window": 0.95}

_KEYS = Keys(bytes(range(16)), bytes(range(16, 32)))
_LOWEST = DlmsSettings(transport=Transport.HDLC)
_ASSOCIATIONS = (
    ("no password", _LOWEST, MeterSecurity(), FAST),
    # A meter of this maker answers a sign-on after 200 ms at the earliest.
    ("no password, with the sign-on in mode E", DlmsSettings(), MeterSecurity(), SLOW),
    (
        "password",
        replace(_LOWEST, client=1, level=SecurityLevel.LOW, secret=Secret("12345678")),
        MeterSecurity(Level.LOW, b"12345678"),
        FAST,
    ),
    (
        "GMAC, ciphered",
        replace(
            _LOWEST,
            client=1,
            level=SecurityLevel.GMAC,
            encryption_key=Secret(_KEYS.encryption.hex()),
            authentication_key=Secret(_KEYS.authentication.hex()),
            protection=Protection.BOTH,
        ),
        MeterSecurity(Level.GMAC, b"", _KEYS, Control.AUTHENTICATED | Control.ENCRYPTED),
        FAST,
    ),
)

T = TypeVar("T")


class CountedLine(WireLine):
    """A line at its rate that keeps what went over it; each write gives the meter the word once."""

    def __init__(self, simulator: Simulator) -> None:
        super().__init__(simulator)
        self.asked: list[bytes] = []
        self.answered = bytearray()
        self.busy_for = 0.0
        """Seconds that all octets took so far, each at its rate."""

    def write_now(self, data: bytes) -> float:
        """Put it on the wire."""
        self.asked.append(data)
        self.busy_for += self.line_time(len(data))
        return super().write_now(data)

    def take(self) -> bytes:
        """What has arrived by now."""
        data = super().take()
        self.answered += data
        self.busy_for += self.line_time(len(data))
        return data


def _words(octets: bytes, window: int) -> int:
    """Return how often a side must have the word at least to say these frames: a message's by the window, others alone."""
    words = frames = 0
    for frame in FrameReceiver().receive(octets):
        if frame.kind is not Kind.I:
            words += frame.kind not in {Kind.RR, Kind.RNR, Kind.REJ}
            continue
        frames += 1
        if not frame.segmented:
            words += -(-frames // window)
            frames = 0
    return words


@dataclass
class Stretch:
    """A part of a conversation: its seconds, its octets, and how often the meter had the word and had to have it.

    ``own``: seconds that the sign-on makes the reading device wait.
    """

    reaction: float
    seconds: float = 0.0
    octets: int = 0
    busy_for: float = 0.0
    own: float = 0.0
    words: int = 0
    least: int = 0
    processor: float = 0.0

    @property
    def line_time(self) -> float:
        """Seconds of all octets of both sides, and of the reactions that the frames cannot do without."""
        return self.busy_for + self.least * self.reaction + self.own

    @property
    def ratio(self) -> float:
        """Time over line time."""
        return self.seconds / self.line_time

    def told(self) -> str:
        """Return what it was made of."""
        return f"{number(self.seconds)} s, {self.octets:,} octets, the meter had the word {self.words} times"


@dataclass(frozen=True, slots=True)
class Bench:
    """A line with a meter, and the reader on it."""

    line: CountedLine
    simulator: Simulator
    reader: DlmsReader
    cosem: CosemOptions

    @contextmanager
    def stretch(self) -> Iterator[Stretch]:
        """Measure what is done meanwhile."""
        loop, line, measured = asyncio.get_running_loop(), self.line, Stretch(self.cosem.reaction)
        asked, answered, busy = len(line.asked), len(line.answered), line.busy_for
        began, spent = loop.time(), time.process_time()
        yield measured
        measured.seconds, measured.processor = loop.time() - began, time.process_time() - spent
        said, heard = line.asked[asked:], bytes(line.answered[answered:])
        measured.octets, measured.busy_for = sum(map(len, said)) + len(heard), line.busy_for - busy
        measured.words = len(said)
        # A long question costs the word as well: the meter acknowledges each window of it but the last.
        window = self.cosem.window
        questions = _words(b"".join(said), window)
        messages = _words(b"".join(said), 1 << 30)
        measured.least = _words(heard, window) + questions - messages
        if said and said[0][0] & 0x7F == ord("/"):
            # The identification and the confirmation are answers as well.
            measured.least, measured.own = measured.least + 2, _MINIMUM


@asynccontextmanager
async def bench(cosem: CosemOptions, settings: DlmsSettings = _LOWEST) -> AsyncIterator[Bench]:
    """Have a meter on a line, and a reader that has read it once."""
    direct = settings.transport is Transport.HDLC
    options = SimulatorOptions("household-e", cosem=replace(cosem, direct=direct), reaction=cosem.reaction)
    simulator = Simulator(options)
    line = CountedLine(simulator)
    try:
        if direct:
            await line.set_rate(RATE)
        reader = DlmsReader(reader_on(line, Dialects.load()), settings, Counters(None), ObjectMemory(None))
        await reader.read()
        await asyncio.sleep(PAUSE)
        if not direct:
            await line.set_rate(_START_RATE)
        yield Bench(line, simulator, reader, cosem)
    finally:
        await line.close()


def in_line_time(run: Coroutine[Any, Any, T]) -> T:
    """Run in a loop whose time passes only by timers."""
    with asyncio.Runner(loop_factory=MovedLoop) as runner:
        return runner.run(run)


async def registers(cosem: CosemOptions, *, alone: bool) -> tuple[float, Stretch]:
    """Return registers a second over an open association; ``alone``: each is asked for by itself."""
    async with bench(cosem) as on, on.reader.open() as talk:
        objects, _ = await on.reader.described(talk)
        attributes = [item.value for item in wanted(objects)] * ROUNDS
        with on.stretch() as stretch:
            asked = [[one] for one in attributes] if alone else [attributes]
            results = [result for some in asked for result in await talk.get(some)]
        if any(result.data is None for result in results):
            raise RuntimeError("not every register was given")
    return len(attributes) / stretch.seconds, stretch


async def profile(cosem: CosemOptions) -> Stretch:
    """Read the load profile of 35 days as `obis-gateway profile` does, from opening to closing; compare every value."""
    async with bench(cosem) as on:
        household = on.simulator.households[0]
        until = household.moment(0)
        stored = DlmsStored(on.reader, None, LOAD, until - timedelta(days=DAYS), until, UTC)
        rows: dict[object, Row] = {}
        with on.stretch() as stretch:
            async with aclosing(stored.run()) as slices:
                async for some in slices:
                    rows |= {row.end: row for row in some}
        wrong = sum(_is_wrong(row, household) for row in rows.values())
        if wrong or len(rows) < DAYS * 96:
            raise RuntimeError(f"{len(rows)} rows, {wrong} of them wrong")
    return stretch


def _is_wrong(row: Row, household: Household) -> bool:
    if row.end is None or row.problem or row.status is None:
        return True
    energy = household.energy_at((row.end - household.moment(0)).total_seconds())
    expected = [int(value.scaleb(3)) for value in (energy.imported, energy.exported)]
    return [None if value is None else value.number for value in row.values] != expected


async def association(settings: DlmsSettings, cosem: CosemOptions) -> Stretch:
    """Open a link and an association, nothing else."""
    async with bench(cosem, settings) as on, AsyncExitStack() as stack:
        with on.stretch() as stretch:
            await stack.enter_async_context(on.reader.open())
    return stretch


def measure() -> list[Figure]:
    """Return all figures of DLMS."""
    figures: list[Figure] = []
    all_stretches: list[Stretch] = []
    for name, alone in (("twelve at once", False), ("one by one", True)):
        rate, stretch = in_line_time(registers(CosemOptions(reaction=FAST), alone=alone))
        all_stretches.append(stretch)
        figures.append(
            Figure(
                f"DLMS, registers a second, 9600 Bd, reaction 20 ms, {name}",
                rate,
                "/s",
                LIMITS["registers"],
                at_least=True,
                note=f"frames of 128, window 1; {stretch.told()}; {number(stretch.ratio)} of the line time",
            )
        )
    shapes = [(frame, window, reaction) for frame in (2030, 128) for reaction in (FAST, SLOW) for window in (1, 7)]
    profiles = {
        shape: in_line_time(profile(CosemOptions(frame=shape[0], window=shape[1], reaction=shape[2], most=16_000)))
        for shape in shapes
    }
    all_stretches += profiles.values()
    figures += [_profile_figure(shape, stretch) for shape, stretch in profiles.items()]
    rows, plain = DAYS * 96 * ROW * 10 / RATE, profiles[2030, 1, FAST]
    figures.append(
        Figure(
            "DLMS, load profile, frames of 2030, window 1, reaction 20 ms: time / line time of its rows alone",
            plain.seconds / rows,
            "",
            LIMITS["profile"],
            note=f"{number(plain.seconds)} s, the rows {number(rows)} s; the rest is blocks, frames, words, the opening",
        )
    )
    for frame in (2030, 128):
        one, seven = (profiles[frame, window, SLOW] for window in (1, 7))
        figures.append(
            Figure(
                f"DLMS, load profile, frames of {frame}, reaction 200 ms: time with window 7 / with window 1",
                seven.seconds / one.seconds,
                "",
                LIMITS["window"],
                note=f"{number(seven.seconds)} s in place of {number(one.seconds)} s",
            )
        )
    for name, settings, security, reaction in _ASSOCIATIONS:
        stretch = in_line_time(association(settings, CosemOptions(security, reaction=reaction)))
        all_stretches.append(stretch)
        figures.append(
            Figure(
                f"DLMS, association / line time, {name}",
                stretch.ratio,
                "",
                LIMITS["association"],
                note=f"from the first octet on, reaction {number(reaction * 1000)} ms; {stretch.told()}",
            )
        )
    figures.append(_needless(all_stretches))
    return figures


def _profile_figure(shape: tuple[int, int, float], stretch: Stretch) -> Figure:
    frame, window, reaction = shape
    return Figure(
        f"DLMS, load profile / line time, frames of {frame}, window {window}, reaction {number(reaction * 1000)} ms",
        stretch.ratio,
        "",
        LIMITS["profile"],
        note=(
            f"{DAYS} days x 96 rows x {COLUMNS} columns in slices of a week, every value compared; {stretch.told()}; "
            f"{number(stretch.processor)} s of processor time for both ends"
        ),
    )


def _needless(stretches: Iterable[Stretch]) -> Figure:
    extra = sum(stretch.words - stretch.least for stretch in stretches)
    return Figure("DLMS, times that the meter got the word without need", extra, "", 0, note="in all of these")
