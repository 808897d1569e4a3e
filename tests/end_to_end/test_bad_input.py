"""Bad input through the real service on pseudo-terminals: nothing crashes, hangs, grows or publishes what was not sent.

All meters of the table run at once in one `obis-gateway run`: each does wrong for some readouts, or until the log says
so, and well afterwards. The tests then look at what became of each.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from obisgw.iec62056_21.characters import ACK, ETX, NAK, STX, add_parity
from obisgw.simulator.light import Burst
from tests.mqtt.brokers import Watcher, mosquitto, until

from .bad_meters import IDENTIFICATION, POISON, RATE, Line, Meter, block, heard, telegram

pytestmark = pytest.mark.timeout(150)

Fault = Callable[[Meter], Awaitable[None]]
Log = Callable[[], list[str]]
Damage = Callable[[Meter, bytes], bytes]

DEADLINE = 120.0
"""All faults, and the readings after them, in one service; a third of it on an idle machine."""

# --- faults of three lines


def good(*more: str, **published: str | None) -> Fault:
    """Return what is no fault: ``more`` data sets, all checks right, and as what they must be published."""

    async def fault(meter: Meter) -> None:
        await meter.identify()
        await meter.line.say(meter.truth(*more, **published))

    return fault


def data(damage: Damage) -> Fault:
    """Return the fault of a meter whose data message, parity included, goes through ``damage``."""

    async def fault(meter: Meter) -> None:
        await meter.identify()
        await meter.line.say(damage(meter, add_parity(meter.poison())), raw=True)

    return fault


def answers(message: bytes) -> Fault:
    """Return the fault of a meter that answers a request so, and says nothing else."""
    return lambda meter: meter.line.say(message)


def sends(message: bytes, rate: int = RATE) -> Fault:
    """Return the fault of a meter that sends this in place of its data."""

    async def fault(meter: Meter) -> None:
        await meter.identify()
        await meter.line.say(message, rate=rate)

    return fault


def flips(rate: float) -> Damage:
    """Flip single bits, one at least."""

    def damage(meter: Meter, message: bytes) -> bytes:
        changed = bytes(c ^ (1 << meter.chance.randrange(8) if meter.chance.random() < rate else 0) for c in message)
        return changed if changed != message else changed[:-1] + bytes((changed[-1] ^ 1,))

    return damage


def cut(share: float) -> Damage:
    """End the message early."""
    return lambda _, message: message[: int(len(message) * share)]


def two_single_flips(_meter: Meter, message: bytes) -> bytes:
    """Flip the same bit in two characters: the block check stays right, both parities become wrong."""
    changed, place = bytearray(message), message.index(add_parity(POISON.encode()))
    changed[place] ^= 1
    changed[place + 1] ^= 1
    return bytes(changed)


# --- the line


async def silence(_meter: Meter) -> None:
    """Say nothing."""


async def noise_around(meter: Meter) -> None:
    """Noise before, between and after what is right."""
    await meter.line.say(meter.noise(8).replace(b"/", b"\0"), raw=True)
    await meter.identify()
    await meter.line.say(b"\x7f\0\xff\x11" + add_parity(meter.truth()) + meter.noise(30), raw=True)


async def noise_like_no_parity(meter: Meter) -> None:
    """Noise as from a line without parity, and then errors that only parity shows."""
    await meter.line.say(b"\x01\x04\x08\x10\x07\x01\x04\x08", raw=True)
    await asyncio.sleep(0.02)
    await data(two_single_flips)(meter)


async def two_meters(meter: Meter) -> None:
    """Two meters talk at once: the light of both falls into the head."""
    one, other = (add_parity(block(telegram(f"0.0.0(0000{n})", f"1.8.0({POISON}.{n}*kWh)"))) for n in "12")
    await meter.identify()
    await meter.line.say(heard([Burst(1.0, RATE, one), Burst(1.00033, RATE, other)]), raw=True)


async def two_identifications(meter: Meter) -> None:
    """Two meters answer the general call, bit over bit."""
    one, other = add_parity(IDENTIFICATION), add_parity(b"/ISk5MT174-0001\r\n")
    await meter.line.say(heard([Burst(1.0, RATE, one), Burst(1.0003, RATE, other)]), raw=True)


async def wrong_speed(meter: Meter) -> None:
    """Answer at 300 Bd what was asked at 9600."""
    await meter.line.say(heard([Burst(1.0, 300, add_parity(IDENTIFICATION))]), raw=True, rate=200)


async def unplugged(meter: Meter) -> None:
    """Vanish in the middle of a telegram, and say the rest of it when back."""
    await meter.identify()
    await meter.line.say(meter.poison()[:50])
    meter.line.unplug()
    await asyncio.sleep(0.3)
    meter.line.open()
    await meter.line.say(meter.poison()[50:])


async def thief(meter: Meter) -> None:
    """Let another program read a part of what comes."""
    await meter.identify()
    message, stolen = add_parity(meter.poison()), b""
    # What is stolen is chance; a right block check must not be: two equal pieces would cancel out in it.
    piece = bytes((message[30] ^ 0x80,)) + message[31:47]
    await meter.line.say(message[:30], raw=True)
    for _ in range(20):
        await meter.line.say(piece, raw=True, rate=1_000_000)
        stolen += meter.line.steal()
    await meter.line.say(message[47:], raw=True)


async def blocked(meter: Meter) -> None:
    """From the second readout on, let nothing through until healed: the driver's buffers hold all."""
    if meter.readouts < 2:
        await meter.well()
        return
    meter.line.hold(stopped=True)
    await meter.healed.wait()
    meter.line.hold(stopped=False)


# --- meters that do wrong


async def endless_blocks(meter: Meter) -> None:
    """Send partial blocks of which none is the last."""
    await meter.identify()
    acknowledged = bytes((ACK,))
    while acknowledged == bytes((ACK,)):
        await meter.line.say(block(b"1.8.0(666666*kWh)\r\n" * 400, end=b"\x04"), rate=200_000)
        acknowledged = await meter.line.one(within=1.0)


async def next_message_at_once(meter: Meter) -> None:
    """Lose ETX to another character, with the parity right, and send the next message behind it at once."""
    first = add_parity(meter.poison()).replace(b"\x03", b"\x81")
    await meter.identify()
    await meter.line.say(first + add_parity(block(telegram(f"1.8.0({POISON}.9*kWh)"))), raw=True)


async def false_mark(meter: Meter) -> None:
    """Have the end mark twice, all checks right: what is behind the first is no data."""
    energy = len(meter.good) + 1
    meter.good.append({"identification_number": meter.number, "active_energy_import": f"{energy}.500"})
    values = (f"0.0.0({meter.number})", f"1.8.0({energy:06d}.500*kWh)", "!", f"1.7.0({POISON}*kW)")
    await sends(block(telegram(*values)))(meter)


async def pushes_unasked(meter: Meter) -> None:
    """Send as a push meter does, on a line that is asked."""
    for _ in range(10):
        await meter.line.say(b"/ESY5Q3DA1024\r\n\r\n1-0:1.8.0*255(666666.0*kWh)\r\n!\r\n")
        await asyncio.sleep(0.2)


async def late_data(meter: Meter) -> None:
    """Answer a request that was given up: data come to the next one, and no identification in front of them."""
    await (meter.well() if meter.readouts < 2 else meter.line.say(meter.truth()))


async def exchanged(meter: Meter) -> None:
    """Be another meter from the third readout on."""
    await meter.identify()
    await meter.line.say(meter.truth(number=meter.number if meter.readouts < 3 else "55555551"))


async def neighbours(meter: Meter) -> None:
    """Two meters at one line: the second answers for the first once, and later the first is exchanged."""
    meter.numbers.setdefault("2", "55555552")
    if meter.asked == "1":
        wrong, exchanged = meter.exchanges == 1, meter.exchanges > 2
        meter.numbers["1"] = "55555552" if wrong else "55555553" if exchanged else meter.number
        meter.exchanges += 1
    await meter.well()


async def data_alone(meter: Meter) -> None:
    """Send data without an identification, from the first readout on."""
    await meter.line.say(meter.truth())


# --- meters that push


async def pushes_cut(meter: Meter) -> None:
    """Lose the second half of each telegram and the beginning of the next."""
    await meter.line.say(IDENTIFICATION + b"\r\n1.8.0(666666*kWh)\r\n2.8.0(66" + IDENTIFICATION + b"\r\n1.8.0(6666")


async def pushes_flipped(meter: Meter) -> None:
    """Damage one character of a telegram without block check."""
    message = add_parity(IDENTIFICATION + b"\r\n1.8.0(666666*kWh)\r\n!\r\n")
    await meter.line.say(message.replace(b"6", b"7", 1), raw=True)


async def pushes_nonsense(meter: Meter) -> None:
    """Send what is no telegram, and lines that never end."""
    await meter.line.say(bytes(3000) + meter.noise(3000) + b"/OBg5" + b"A" * 3000, raw=True, rate=200_000)
    await meter.line.say(b"\r\n" + IDENTIFICATION + b"\r\n1.8.0(" + b"6" * 70_000, rate=200_000)
    await meter.line.say(b"\r\n")


# --- values

SIXTY = "1234567890" * 6
NO_NUMBERS = (
    *("(-)", "(+)", "(1e5*kWh)", "(NaN*kWh)", "(Infinity)", "(-Infinity*kWh)", "(0x10*kWh)", "(12_3*kWh)"),
    *("(1.2.3*kWh)", "(1,2.3*kWh)", "(--1*kWh)", "(1-*kWh)", "(.*kWh)", "(1 2*kWh)", "(12.3abc*kWh)", "(sNaN)"),
    *("(1/2*kWh)", "(*kWh)", "()", '("1"*kWh)', "(6{{6}}6*kWh)", "(0b1*kWh)", "(1'000*kWh)"),
)
"""Values of a counter that are no numbers."""


def tariffs(*values: str | None) -> dict[str, str | None]:
    """Return what 1.8.1, 1.8.2 and so on are published as."""
    return {f"active_energy_import_tariff_{tariff}": value for tariff, value in enumerate(values, 1)}


SAID = 0
HELD = r"WARNING .*: held back, and read again: "
"""What passes the line's checks and is odd, as another list of registers, waits for another telegram."""
ONCE = r"INFO .*: read again after \d+ failed readouts?$"


@dataclass(frozen=True)
class Case:
    """One fault. ``says``: what the log says, once. Without it, the log says nothing but that the meter was read.

    ``readouts``: so many it lasts; ``SAID``: until the log says it. ``settings``: of the meter in the configuration.
    ``ids``: of the meters that are published after the fault, where that is not the one meter.
    """

    fault: Fault
    says: str = ""
    readouts: int = SAID
    settings: str = ""
    ids: tuple[str, ...] = ()


DAMAGED = "the data were damaged: "
STOPPED = "the data stopped in the middle: "
UNREADABLE = "unreadable characters: "

CASES = {
    # the line
    "noise around": Case(noise_around, readouts=3),
    "noise in the data": Case(data(lambda meter, m: m[:40] + meter.noise(3) + m[40:]), DAMAGED),
    "noise like no parity": Case(noise_like_no_parity, DAMAGED),
    "two bits": Case(data(two_single_flips), DAMAGED),
    "bits flipped": Case(data(flips(0.02)), f"{DAMAGED}|{STOPPED}"),
    "bits flipped everywhere": Case(data(flips(0.4)), f"{DAMAGED}|{STOPPED}|{UNREADABLE}"),
    "cut in the middle": Case(data(cut(0.4)), STOPPED),
    "cut near the end": Case(data(cut(0.9)), STOPPED),
    "without block check": Case(data(lambda _, m: m[:-1]), STOPPED),
    "without end": Case(data(lambda _, m: m[:-2]), STOPPED),
    "two meters at once": Case(two_meters, f"{DAMAGED}|{STOPPED}|{UNREADABLE}|sends no data|beginning of what"),
    "two identifications": Case(two_identifications, f"{UNREADABLE}|{STOPPED}"),
    "silence": Case(silence, "the meter does not answer: the line is silent"),
    "wrong speed": Case(wrong_speed, UNREADABLE),
    "NUL flood": Case(answers(bytes(3000)), UNREADABLE),
    "NUL flood before the data": Case(data(lambda _, m: bytes(2000) + m[:-3]), readouts=2),
    "non-ASCII": Case(data(lambda _, m: bytes(c | 0x80 for c in m)), f"{DAMAGED}|{STOPPED}|{UNREADABLE}"),
    "echo": Case(answers(b"/?!\r\n"), "your head hears itself, but not the meter"),
    "echo for ever": Case(answers(b"/?!\r\n" * 200), f"{UNREADABLE}|your head hears itself"),
    "unplugged": Case(unplugged, "the port vanished while it was in use"),
    "another program reads along": Case(thief, readouts=2),
    "nothing passes": Case(blocked, "the meter does not answer: the line is silent"),
    # meters that do wrong
    "endless data": Case(sends(b"\x02" + b"1.8.0(666666*kWh)\r\n" * 4000, 200_000), "the data did not end"),
    "endless line": Case(sends(b"\x021.8.0(" + b"6" * 70_000, 200_000), "the data did not end"),
    "endless blocks": Case(endless_blocks, "the data did not end"),
    "endless brackets": Case(
        sends(block(b"1.8.0" + b"(" * 60_000 + b"\r\n"), 200_000), "the telegram holds no register"
    ),
    "identification for ever": Case(answers(IDENTIFICATION * 300), UNREADABLE),
    "identification of 1 kB": Case(answers(b"/OBg5" + b"X" * 1024 + b"\r\n"), UNREADABLE),
    "identification damaged": Case(answers(b"/OBg\x15BAD\r\n"), UNREADABLE),
    "break for ever": Case(answers(b"\x01B0\x03q"), "the meter still holds an earlier session"),
    "session ended": Case(sends(b"\x01B0\x03q"), "the meter refused"),
    "no data": Case(Meter.identify, readouts=2),
    "NAK for data": Case(sends(bytes((NAK,)) * 3), readouts=2),
    "ACK for data": Case(sends(bytes((ACK,))), readouts=2),
    "only STX": Case(sends(bytes((STX,)) * 700), f"{UNREADABLE}|{STOPPED}"),
    "only ETX": Case(sends(bytes((ETX,)) * 700), readouts=2),
    "empty readout": Case(sends(block(b"")), "the list that it sends is empty"),
    "empty list": Case(sends(block(telegram())), "the list that it sends is empty"),
    "next message at once": Case(next_message_at_once, DAMAGED),
    "message in a message": Case(sends(b"\x021.8.0(66" + block(b"666.0*kWh)\r\n!\r\n")), DAMAGED),
    "false end mark and silence": Case(sends(b"\x021.8.0(666666)\r\n!\r\n"), STOPPED),
    "false end mark": Case(false_mark, readouts=2),
    "late data": Case(late_data, readouts=3),
    # Its id was given without the maker's letters, and stays.
    "data alone": Case(data_alone, readouts=3, ids=("{number}",)),
    "error message": Case(sends(block(b"(ER0005)")), "the telegram holds no register"),
    "a push meter": Case(pushes_unasked, "set `mode: D`"),
    "another meter than configured": Case(
        sends(block(telegram("0.0.0(99999999)", "1.8.0(666666*kWh)"))),
        "another meter answers: its number is 99999999",
        settings="number: {number}",
    ),
    "exchanged": Case(exchanged, "meter obg_55555551 stands where obg_[0-9]+ was; it is published as a new device"),
    "neighbours": Case(
        neighbours,
        "meter obg_55555553 stands where",
        settings="address: '1'",
        ids=("obg_55555552", "obg_55555553"),
    ),
    # meters that push
    "pushes cut": Case(pushes_cut, "only damaged telegrams come", settings="mode: d"),
    "pushes flipped": Case(pushes_flipped, "only damaged telegrams come", settings="mode: d"),
    "pushes nonsense": Case(pushes_nonsense, "only damaged telegrams come", settings="mode: d"),
    # values
    "60 digits": Case(
        good(f"1.8.1({SIXTY}*kWh)", f"1.8.2({SIXTY}.{SIXTY}*kWh)", **tariffs(SIXTY, f"{SIXTY}.{SIXTY}")), readouts=2
    ),
    "unknown units": Case(
        good(
            *("2.8.0(1.5*furlong)", "21.7.0(2.5*{}\"')", "C.99.9(3*\\u0041)", f"41.7.0(1*{'k' * 200})"),
            active_energy_export="1.5",
            active_power_import_l1="2.5",
            register_0_0_96_99_9_255="3",
            active_power_import_l2="1",
        ),
        readouts=2,
    ),
    "no numbers": Case(
        good(
            *(f"1.8.{tariff}{value}" for tariff, value in enumerate(NO_NUMBERS, 1)),
            **tariffs(*(None for _ in NO_NUMBERS)),
        ),
        readouts=2,
    ),
    "odd numbers": Case(
        good(
            *("1.8.1( 12.3*kWh)", "1.8.2(12,3*kWh)", "1.8.3(+0012*kWh)", "1.8.4(-0.50*kWh)", "1.8.5(.5*kWh)"),
            **tariffs("12.3", "12.3", "12", "-0.50", "0.5"),
        ),
        readouts=2,
    ),
    # The exclusive or does not see a NUL.
    "NUL in values": Case(
        good("1.8.1(12\x0034.5*kWh)", "1.8.2(\x0066.6*kWh)", "1.8.3(66.6\x00*kWh)", "\x002.8.0(66*kWh)"), readouts=2
    ),
    "control characters in values": Case(
        good(
            *("1.8.1(66\x0866.5*kWh)", "1.8.2(66\t6*kWh)", "1.8.3(66\x7f6*kWh)"),
            *("2.8.0(66\x1b[1m*kWh)", "3.8.0(6\r\n6)", "4.8.0(6(6)6)", "5.8.0(66", "6.8.0)66("),
        ),
        readouts=2,
    ),
    "registers twice": Case(
        good(
            *("2.8.0(1.5*kWh)", "2.8.0(2.5*kWh)", "1-0:2.8.0*255(3.5*kWh)"),
            active_energy_export="1.5",
            active_energy_export_2="2.5",
            active_energy_export_3="3.5",
        ),
        readouts=2,
    ),
    "odd addresses": Case(
        good(
            *("{{7*7}}(1)", "'](2)", "active_energy_import(3)"),
            address_7_7_5b69744e="1",
            address_8ec68dd3="2",
            address_active_energy_im_a2a2ab92="3",
        ),
        readouts=2,
    ),
    "impossible times": Case(
        good(
            *("0.9.1(999999)", "0.9.2(000000)", "2.8.0(1.5*kWh)(99-99-99,99:99)"),
            time="999999",
            date="000000",
            active_energy_export="1.5",
        ),
        readouts=2,
    ),
}


@dataclass
class Outcome:
    """What became of one case."""

    meter: Meter
    case: Case
    watcher: Watcher
    log: list[str] = field(default_factory=list)
    good_before: int = 0
    recovered: bool = False

    @property
    def ids(self) -> tuple[str, ...]:
        """The meters that must be read after the fault."""
        return tuple(one.format(number=self.meter.number) for one in self.case.ids or ("obg_{number}",))

    def look(self, log: list[str]) -> bool:
        """Heal the meter when its fault was seen; return whether it has been read well since."""
        named = (f" {self.meter.line.path}: ", f" at {self.meter.line.path}: ")
        self.log = [line for line in log if any(name in line for name in named)]
        if not self.meter.healed.is_set():
            said = bool(self.case.says) and any(re.search(self.case.says, line) for line in self.log)
            lasted = self.meter.readouts > self.case.readouts
            if said if self.case.readouts == SAID else lasted:
                self.meter.healed.set()
                self.good_before = len(self.meter.good)
        elif not self.recovered:
            since = self.meter.good[self.good_before :]
            last = [self.watcher.last(f"obis_gateway/{meter}/state") for meter in self.ids]
            self.recovered = all(state is not None and json.loads(state)["registers"] in since for state in last)
        return self.recovered


@dataclass
class Life:
    """One life of the service with all meters."""

    outcomes: dict[str, Outcome]
    published: dict[str, list[dict[str, Any]]]
    log: str
    status: int
    ended_in: float
    memory: list[int]
    """Resident, kB, every half second."""


def number_of(place: int) -> str:
    """Return a meter's number."""
    return f"{10000001 + place}"


def configuration(folder: Path, lines: dict[str, Line], broker: int) -> str:
    """Return the service's configuration: every meter at a port of its own, as fast as settings allow."""
    entries = []
    for place, (name, line) in enumerate(lines.items()):
        common = f"port: {line.path}, baudrate: {RATE}, every: 1s, connection: 3x99999A, latency: 0.1"
        settings = CASES[name].settings.format(number=number_of(place))
        entries.append(f"- {{name: {name}, {common}{settings and ', '}{settings}}}")
        if name == "neighbours":
            entries.append(f"- {{name: the other neighbour, {common}, address: '2'}}")
    mqtt = f"mqtt: {{host: 127.0.0.1, port: {broker}}}"
    return "\n".join(
        ["meters:", *entries, mqtt, "api: {enabled: false}", f"gateway: {{state_dir: {folder}/state}}", ""]
    )


def resident(pid: int) -> int:
    """Return the process's resident memory in kB."""
    (size,) = re.findall(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text("ascii"))
    return int(size)


async def observe(process: asyncio.subprocess.Process, outcomes: dict[str, Outcome], log: Log) -> list[int]:
    """Wait until every meter has done well again; return the memory that the service had meanwhile."""
    memory: list[int] = []
    began = time.monotonic()
    while time.monotonic() - began < DEADLINE and process.returncode is None:
        if len(memory) < (time.monotonic() - began) * 2:
            memory.append(resident(process.pid))
        lines = log()
        looked = [outcome.look(lines) for outcome in outcomes.values()]
        if all(looked):
            break
        await asyncio.sleep(0.05)
    return memory


async def live(folder: Path) -> Life:
    """Run the service with all cases."""
    lines = {name: Line(folder / f"meter{place}") for place, name in enumerate(CASES)}
    file, log = folder / "obis-gateway.yaml", folder / "log"
    async with mosquitto(folder) as broker:
        watcher = Watcher(broker.port)
        outcomes = {}
        for place, (name, case) in enumerate(CASES.items()):
            pushes = "mode: d" in case.settings
            meter = Meter(lines[name], number_of(place), case.fault, random.Random(place), pushes)
            outcomes[name] = Outcome(meter, case, watcher)
        file.write_text(configuration(folder, lines, broker.port), "utf-8")
        with log.open("wb") as stream:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "obisgw", "run", "--config", str(file)),
                stderr=stream,
                env={name: value for name, value in os.environ.items() if name != "JOURNAL_STREAM"},
            )
        tasks = [asyncio.create_task(outcome.meter.live()) for outcome in outcomes.values()]
        try:
            memory = await observe(process, outcomes, lambda: log.read_text("utf-8").splitlines())
            stopping = time.monotonic()
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            status = await asyncio.wait_for(process.wait(), 10)
            ended_in = time.monotonic() - stopping
            await until(lambda: watcher.last("obis_gateway/gateway/availability") == b"offline")
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            for task in tasks:
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
            watcher.close()
            for line in lines.values():
                line.close()
    assert all(isinstance(end, asyncio.CancelledError) for end in ends), "a meter of the test is at fault"
    published: dict[str, list[dict[str, Any]]] = {}
    for topic, payload, _ in watcher.messages:
        if (match := re.fullmatch(r"obis_gateway/(.*)/state", topic)) and match[1] != "gateway":
            published.setdefault(match[1], []).append(json.loads(payload))
    return Life(outcomes, published, log.read_text("utf-8"), status, ended_in, memory)


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    """Return what one life of the service with all the cases gave."""
    return asyncio.run(live(tmp_path_factory.mktemp("bad_input")))


def test_the_service_lives_and_ends_in_time(life: Life) -> None:
    """It neither crashed nor hung, and no readout met a fault of the program."""
    assert life.status == 0
    assert life.ended_in < 2
    assert "Traceback" not in life.log, life.log
    assert "a fault of the program" not in life.log, life.log


def test_its_memory_stays(life: Life) -> None:
    """Endless telegrams, floods and 60 meters leave nothing behind."""
    settled = life.memory[len(life.memory) // 3]
    assert max(life.memory) < settled + 6_000, life.memory


@pytest.mark.parametrize("name", CASES)
def test_only_what_was_on_the_line_is_published(life: Life, name: str) -> None:
    """Every state is one telegram that the meter sent whole and unharmed, none is a mixture."""
    outcome = life.outcomes[name]
    for meter in {*outcome.ids, *(f"obg_{good['identification_number']}" for good in outcome.meter.good)}:
        for state in life.published.get(meter, []):
            assert state["registers"] in outcome.meter.good


def test_no_other_meter_is_published(life: Life) -> None:
    """Nothing on the line made up a number or a maker."""
    outcomes = life.outcomes.values()
    sent = {f"obg_{good['identification_number']}" for outcome in outcomes for good in outcome.meter.good}
    assert life.published.keys() <= sent | set(life.outcomes["data alone"].ids)


@pytest.mark.parametrize("name", CASES)
def test_the_next_reading_after_the_fault_is_published(life: Life, name: str) -> None:
    """Whatever the fault was."""
    outcome = life.outcomes[name]
    assert outcome.meter.healed.is_set(), outcome.log
    assert outcome.recovered, outcome.log


@pytest.mark.parametrize("name", CASES)
def test_each_change_of_state_is_said_once(life: Life, name: str) -> None:
    """One line when the trouble begins, with its remedy, and one when it is over."""
    outcome = life.outcomes[name]
    said = [line for line in outcome.log if " INFO " not in line]
    troubles = [line for line in said if not re.search(HELD, line)]
    assert len(said) - len(troubles) <= 1, outcome.log
    if not outcome.case.says:
        assert not troubles
        return
    telling = [line for line in troubles if re.search(outcome.case.says, line)]
    # Where chance decides what the meter is seen to do, it may be another thing the next time: each is said once.
    kinds = outcome.case.says.split("|")
    assert 1 <= len(telling) <= len(kinds), outcome.log
    assert all(sum(bool(re.search(kind, line)) for line in telling) <= 1 for kind in kinds), outcome.log
    if "stands where" in outcome.case.says:
        return
    assert telling == troubles
    assert telling[0].endswith(")"), "no remedy"
    assert len([line for line in outcome.log if re.search(ONCE, line)]) == 1, outcome.log
