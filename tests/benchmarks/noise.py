"""Wrong values that get through a noisy line: sessions and registers as the gateway uses them, without line time.

Every character from the meter is exposed, those of the identification and of repeats too. A value is wrong when its
address, text and unit did not stand in the telegram so. Only what the gateway would take counts: proved telegrams.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from obisgw.iec62056_21.characters import add_parity, strip_parity
from obisgw.iec62056_21.dialects import Dialects
from obisgw.iec62056_21.events import Event, Failed, Received, Send
from obisgw.iec62056_21.identification import Identification
from obisgw.iec62056_21.ladder import next_plan
from obisgw.iec62056_21.plan import LinePlan
from obisgw.iec62056_21.session import PushSession, ReadoutSession, SessionSettings
from obisgw.iec62056_21.telegram import Telegram
from obisgw.readings.registers import registers_of
from tests.benchmarks.figures import Figure
from tests.benchmarks.telegrams import Household

READOUTS = 1000
RATE = 0.004
_IDENTIFICATION = b"/ISK5MT174-0001\r\n"
_DIALECTS = Dialects.load()

Noise = Callable[[bytes, random.Random], bytes]


def _hits(size: int, rate: float, chance: random.Random) -> list[int]:
    """Return which of ``size`` places are hit, each with probability ``rate``, without asking each one."""
    hits: list[int] = []
    place = -1
    while True:
        place += 1 + int(math.log(1 - chance.random()) / math.log(1 - rate))
        if place >= size:
            return hits
        hits.append(place)


def one_bit(data: bytes, chance: random.Random) -> bytes:
    """Flip one bit of a character."""
    text = bytearray(data)
    for place in _hits(len(text), RATE, chance):
        text[place] ^= 1 << chance.randrange(8)
    return bytes(text)


def each_bit(data: bytes, chance: random.Random) -> bytes:
    """Flip bits wherever they stand: some characters lose two and keep their parity."""
    text = bytearray(data)
    for place in _hits(len(text) * 8, RATE, chance):
        text[place // 8] ^= 1 << place % 8
    return bytes(text)


def pairs(data: bytes, chance: random.Random) -> bytes:
    """Flip two bits of a character, which keeps its parity."""
    text = bytearray(data)
    for place in _hits(len(text), RATE, chance):
        one, other = chance.sample(range(8), 2)
        text[place] ^= 1 << one | 1 << other
    return bytes(text)


def lost(data: bytes, chance: random.Random) -> bytes:
    """Lose characters."""
    text = bytearray(data)
    for place in reversed(_hits(len(text), RATE, chance)):
        del text[place]
    return bytes(text)


@dataclass
class Tally:
    """What came of the readouts."""

    telegrams: int = 0
    damaged: int = 0
    accepted_damaged: int = 0
    values: int = 0
    wrong: int = 0

    def take(self, telegram: Telegram, sent: bytes) -> None:
        """Count the values of a telegram that a session handed on, against what the meter sent."""
        if not telegram.proved:
            return
        dialect = _DIALECTS.match(telegram.identification)
        registers, _ = registers_of(telegram, dialect)
        true = _values(sent)
        wrong = sum((one.address, *((b.value, b.unit) for b in one.brackets)) not in true for one in registers)
        self.values += len(registers)
        self.wrong += wrong
        self.accepted_damaged += wrong > 0


def _values(message: bytes) -> set[tuple[object, ...]]:
    """Return what the message says, taken apart by other means than the parser's."""
    values: set[tuple[object, ...]] = set()
    for line in message.lstrip(b"\x02").decode().split("\r\n"):
        if "(" in line:
            address, bracket = line.rstrip(")").split("(")
            value, star, unit = bracket.partition("*")
            values.add((address, (value, unit if star else None)))
    return values


def _readout(message: bytes, noise: Noise, chance: random.Random, tally: Tally) -> None:
    """Read a mode C meter over a noisy line, with every attempt that the ladder allows."""
    plan: LinePlan | None = LinePlan()
    attempt, now = 1, 0.0
    while plan is not None:
        session = ReadoutSession(SessionSettings(), plan, _DIALECTS)
        failed: Failed | None = None
        identification: Identification | None = None
        while not session.finished:
            for action in session.actions(now):
                if not isinstance(action, Send):
                    continue
                now += 0.3
                session.sent(now)
                for piece in _answer(strip_parity(action.data)[0], message, noise, chance, tally):
                    now += 0.02
                    session.receive(piece, now)
            for event in session.events():
                failed = _follow(event, message, tally) or failed
            identification = session.identification
            if not session.finished:
                now = max(now, session.deadline or now) + 1e-6
        if failed is None:
            return
        plan = next_plan(plan, failed.failure, identification, attempt)
        attempt += 1


def _follow(event: Event, message: bytes, tally: Tally) -> Failed | None:
    match event:
        case Received(telegram):
            tally.take(telegram, message)
        case Failed():
            return event
        case _:
            pass
    return None


def _answer(heard: bytes, message: bytes, noise: Noise, chance: random.Random, tally: Tally) -> list[bytes]:
    """Return what comes back, in the pieces of a pump that sleeps."""
    if heard.startswith(b"/?"):
        clean = add_parity(_IDENTIFICATION)
    elif heard[:1] in {b"\x06", b"\x15"}:
        clean = add_parity(message)
    else:
        return []
    dirty = noise(clean, chance)
    if clean[0] == 0x82 or clean[:1] == b"\x02":
        tally.telegrams += 1
        tally.damaged += dirty != clean
    return [dirty[place : place + 200] for place in range(0, len(dirty), 200)]


def _push(message: bytes, noise: Noise, chance: random.Random, tally: Tally, session: PushSession, now: float) -> None:
    """Listen to a meter of mode D: no block check, only parity."""
    clean = add_parity(_IDENTIFICATION + b"\r\n" + message[1:-2])
    dirty = noise(clean, chance)
    tally.telegrams += 1
    tally.damaged += dirty != clean
    for place in range(0, len(dirty), 200):
        session.actions(now)
        session.receive(dirty[place : place + 200], now)
        now += 0.2
    while session.deadline is not None and session.deadline < now + 20:
        now = session.deadline + 1e-6
        before = session.deadline
        session.actions(now)
        if session.deadline == before:
            break
    for event in session.events():
        _follow(event, message, tally)


def run(noise: Noise, *, push: bool = False, readouts: int = READOUTS, seed: int = 4) -> Tally:
    """Return the tally of so many readouts."""
    tally, chance = Tally(), random.Random(seed)
    household = Household(seed=seed)
    session = PushSession(SessionSettings(), 9600, _DIALECTS)
    for place in range(readouts):
        if push:
            _push(household.message(), noise, chance, tally, session, place * 60.0)
        else:
            _readout(household.message(), noise, chance, tally)
    return tally


def measure() -> list[Figure]:
    """Return the wrong values of single flipped bits, which must be none, and the shares of what no check can see."""
    clean = run(lambda data, _chance: data, readouts=3)
    assert clean.values > 100, "the bench itself reads nothing"
    assert clean.wrong == 0, "the bench itself calls right values wrong"
    figures = []
    for name, noise, push in (
        ("mode C, one bit of 4 in 1,000 characters flipped", one_bit, False),
        ("mode C, 4 in 1,000 bits flipped", each_bit, False),
        ("mode D (no block check), one bit of 4 in 1,000 characters flipped", one_bit, True),
    ):
        tally = run(noise, push=push)
        figures.append(Figure(f"noise, {name}: wrong values", tally.wrong, "", 0, note=_note(tally)))
    for name, noise, push in (
        ("mode C, two bits of 4 in 1,000 characters flipped", pairs, False),
        ("mode C, 4 in 1,000 characters lost", lost, False),
        ("mode D (no block check), two bits of 4 in 1,000 characters flipped", pairs, True),
        ("mode D (no block check), 4 in 1,000 characters lost", lost, True),
    ):
        tally = run(noise, push=push)
        share = 100 * tally.accepted_damaged / tally.damaged
        values = 100 * tally.wrong / max(1, tally.values)
        note = f"{_note(tally)}: {values:.2g} % of the published values"
        figures.append(Figure(f"noise, {name}: damaged telegrams with wrong values taken", share, "%", note=note))
    return figures


def _note(tally: Tally) -> str:
    return (
        f"{READOUTS} readouts, {tally.telegrams} telegrams, {tally.damaged} damaged, {tally.values} values published, "
        f"{tally.wrong} wrong"
    )
