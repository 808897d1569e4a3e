"""Wrong values published out of damaged telegrams: the checks of the line and those of plausibility together.

The core alone, without line time: a simulated household's telegrams in their order, each damaged on its way; what the
line's own checks let through is judged as the service judges it, and what is published is held against the truth.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from obisgw.iec62056_21.block_check import BlockCheck, BlockCheckKind, xor_check
from obisgw.iec62056_21.characters import add_parity, strip_parity
from obisgw.iec62056_21.dialects import Dialects
from obisgw.iec62056_21.identification import Mode, parse_identification
from obisgw.iec62056_21.telegram import Telegram
from obisgw.obis import Medium
from obisgw.readings.checks import Checker
from obisgw.readings.published import published
from obisgw.readings.reading import MeterIdentity, Reading
from obisgw.readings.registers import registers_of
from obisgw.simulator.household import Household
from obisgw.simulator.values import render
from tests.benchmarks.noise import _hits

RATE = 0.004
LIST = """\
F.F(00000000)
0.0.0({number})
0.9.1({clock:%H%M%S})
0.9.2({clock:%y%m%d})
0.1.0({resets:2})
1.8.0({imported:6.3}*kWh)
1.8.1({imported_1:6.3}*kWh)
1.8.2({imported_2:6.3}*kWh)
2.8.0({exported:6.3}*kWh)
2.8.1({exported_1:6.3}*kWh)
2.8.2({exported_2:6.3}*kWh)
1.8.0*01({past.imported:6.3}*kWh)
1.6.0({maximum:2.3}*kW)({maximum_at:%y%m%d%H%M})
16.7.0({signed:2.3}*kW)
36.7.0({signed_l1:2.3}*kW)
56.7.0({signed_l2:2.3}*kW)
76.7.0({signed_l3:2.3}*kW)
32.7.0({voltage_l1:3.1}*V)
52.7.0({voltage_l2:3.1}*V)
72.7.0({voltage_l3:3.1}*V)
31.7.0({current_l1:2.2}*A)
51.7.0({current_l2:2.2}*A)
71.7.0({current_l3:2.2}*A)
14.7.0({frequency:2.2}*Hz)
!
""".replace("1.8.0*01(", "%1 1.8.0*{n:02d}(")

_ID = parse_identification(b"/ISK5MT174-0001")
_DIALECT = Dialects.load().match(_ID)
_METER = MeterIdentity("isk_1", "1", "ISK", None, None, Medium.ELECTRICITY)
_START = datetime(2026, 3, 2, tzinfo=UTC)

Damage = Callable[[bytes, random.Random], bytes]


def none(data: bytes, _chance: random.Random) -> bytes:
    return data


def flips(data: bytes, chance: random.Random) -> bytes:
    """Flip bits of characters with their parity."""
    text = bytearray(add_parity(data))
    for place in _hits(len(text), RATE, chance):
        text[place] ^= 1 << chance.randrange(8)
    return bytes(text)


def pairs(data: bytes, chance: random.Random) -> bytes:
    """Flip two bits of a character: its parity stays right."""
    text = bytearray(add_parity(data))
    for place in _hits(len(text), RATE, chance):
        one, other = chance.sample(range(8), 2)
        text[place] ^= 1 << one | 1 << other
    return bytes(text)


def lost(data: bytes, chance: random.Random) -> bytes:
    text = bytearray(add_parity(data))
    for place in reversed(_hits(len(text), RATE, chance)):
        del text[place]
    return bytes(text)


def swapped(data: bytes, chance: random.Random, rate: float = RATE) -> bytes:
    """Swap neighbouring digits: neither parity nor block check can see it."""
    text = bytearray(data)
    for place in _hits(len(text) - 1, rate, chance):
        if 48 <= text[place] <= 57 and 48 <= text[place + 1] <= 57:
            text[place], text[place + 1] = text[place + 1], text[place]
    return add_parity(bytes(text))


def dropped(data: bytes, chance: random.Random) -> bytes:
    """Drop pairs of equal characters, which an exclusive or does not miss."""
    text = bytearray(data)
    for place in reversed(_hits(len(text) - 1, RATE, chance)):
        if place + 1 < len(text) and text[place] == text[place + 1]:
            del text[place : place + 2]
    return add_parity(bytes(text))


DAMAGES: dict[str, Damage] = {
    "bits flipped": flips,
    "bits flipped in pairs": pairs,
    "characters lost": lost,
    "digits swapped": swapped,
    "equal digits dropped in pairs": dropped,
}


@dataclass
class Tally:
    """What became of so many telegrams. ``wrong`` are published values that the meter never had."""

    telegrams: int = 0
    passed: int = 0
    good: int = 0
    published: int = 0
    wrong: int = 0
    wrong_passed: int = 0
    held_good: int = 0
    withheld: int = 0


def _proved(raw: bytes) -> bytes | None:
    """Return the block of a message that parity and block check let through."""
    clean, errors = strip_parity(raw)
    if errors or clean[:1] != b"\x02" or clean[-2:-1] != b"\x03" or b"\x02" in clean[1:-2] or b"\x03" in clean[1:-2]:
        return None
    return clean[1:-2] if xor_check(clean[1:-1]) == clean[-1] else None


def _reading(block: bytes, at: datetime) -> Reading:
    telegram = Telegram(_ID, Mode.C, block, BlockCheck.OK, BlockCheckKind.XOR, 0, True, block)  # noqa: FBT003
    registers, unparsed = registers_of(telegram, _DIALECT)
    return Reading(_METER, at, 0.6, registers, unparsed, telegram)


def run(damage: Damage, telegrams: int, seed: int, interval: float = 15.0, every: int = 100_000) -> Tally:
    """Return what came of so many telegrams; a new household each ``every``."""
    tally, chance = Tally(), random.Random(seed)
    truths: dict[datetime, bytes] = {}
    household, checker, t, damaged = Household(seed), Checker(), 60.0, 0
    for count in range(telegrams):
        if count and count % every == 0:
            seed += 1
            household, checker, t, damaged = Household(seed), Checker(), 60.0, 0
        body = render(LIST, household, t) + b"\x03"
        message = b"\x02" + body + bytes((xor_check(body),))
        tally.telegrams += 1
        raw = damage(message, chance) if damage is not none else add_parity(message)
        block = _proved(raw)
        step = 2.0
        if block is None:
            damaged += 1
        else:
            tally.passed += 1
            good = block == body[:-1]
            tally.good += good
            reading = _reading(block, _START + timedelta(seconds=t))
            truths[reading.at] = body[:-1]
            if len(truths) > 8:
                del truths[next(iter(truths))]
            verdict = checker.take(reading, t, damaged=damaged)
            damaged = 0
            if verdict.reading is None:
                tally.held_good += good and not verdict.read_again
            else:
                step = interval
                tally.published += 1
                tally.withheld += good and len(verdict.reading.registers) < len(reading.registers)
                true = truths[verdict.reading.at]
                if verdict.reading.telegram.block != true:
                    truth = {i.component: i.value for i in published(_reading(true, reading.at).registers)}
                    wrong = [
                        (i.component, i.value, truth.get(i.component))
                        for i in published(verdict.reading.registers)
                        if truth.get(i.component) != i.value
                    ]
                    if wrong:
                        tally.wrong += 1
            if verdict.read_again:
                step = 2.0
        t += step
    return tally


if __name__ == "__main__":
    number = int(sys.argv[1])
    names = sys.argv[2:] or ["none", *DAMAGES]
    for name in names:
        began = time.process_time()
        result = run(DAMAGES.get(name, none), number, 1)
        sys.stdout.write(f"{name}: {result}, {time.process_time() - began:.0f} s\n")
        sys.stdout.flush()
