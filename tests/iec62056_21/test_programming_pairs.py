"""Both ends of programming mode against each other: simulated meters, without I/O, the clock moved by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from obisgw.iec62056_21.dialects import Dialects
from obisgw.iec62056_21.events import (
    AnswerReceived,
    EchoSeen,
    Event,
    Failed,
    Failure,
    PartReceived,
    RequestFailed,
    RequestRefused,
    SessionClosed,
    SessionOpened,
)
from obisgw.iec62056_21.ladder import next_plan
from obisgw.iec62056_21.meter_programming import CommandHeard, PasswordHeard, SessionEnded
from obisgw.iec62056_21.meter_settings import BreakHeard
from obisgw.iec62056_21.opening import Access
from obisgw.iec62056_21.password import Password, PasswordLevel
from obisgw.iec62056_21.plan import LinePlan
from obisgw.iec62056_21.programming import ProgrammingSession
from obisgw.iec62056_21.settings import SessionSettings
from obisgw.secret import Secret
from obisgw.simulator.profile import load_profile, profile_names
from obisgw.simulator.serve import Simulator, SimulatorOptions
from tests.iec62056_21.dialogues import request
from tests.simulator.hand_clock import HandClock

if TYPE_CHECKING:
    from obisgw.iec62056_21.commands import ReadRequest
    from obisgw.simulator.wire import Wire

DIALECTS = Dialects.load()
OPENABLE = [name for name in profile_names() if load_profile(name).settings.programming is not None]


def password_of(name: str) -> Password | None:
    """The password that the profile's meter wants."""
    programming = load_profile(name).settings.programming
    return None if programming is None or programming.password is None else Password(Secret(programming.password))


class Pair:
    """A session at a simulated meter."""

    def __init__(self, profile: str, access: Access | None = None, **options: object) -> None:
        self.wire: Wire = Simulator(SimulatorOptions(profile=profile, **options)).wire()  # type: ignore[arg-type]
        self.clock = HandClock(self.wire)
        self.profile = profile
        access = access or Access(password_of(profile))
        plan: LinePlan | None = LinePlan()
        attempt = 0
        while plan is not None:
            attempt += 1
            self.session = ProgrammingSession(SessionSettings(), plan, DIALECTS, access)
            self.events = self.clock.run(self.session, 30, lambda event: isinstance(event, SessionOpened))
            failure = self.events[-1].failure if isinstance(self.events[-1], Failed) else None
            # AMIS wants its request twice, and a Metcom may still hold a session.
            plan = None if failure is None else next_plan(plan, failure, self.session.identification, attempt)

    def ask(self, *requests: ReadRequest, seconds: float = 60.0) -> list[Event]:
        """Ask, and return what became of it."""
        for one in requests:
            self.session.ask(one)
        done: list[Event] = []
        ends = AnswerReceived | RequestRefused | RequestFailed
        while sum(isinstance(event, ends) for event in done) < len(requests) and not self.session.finished:
            new = self.clock.run(self.session, seconds, lambda event: isinstance(event, ends))
            done += new
            if not new:
                break
        self.events += done
        return [event for event in done if not isinstance(event, EchoSeen)]

    def close(self) -> list[Event]:
        """End the session in order."""
        self.session.close()
        return self.clock.run(self.session, 5)

    @property
    def heard(self) -> list[object]:
        """What the meter says happened."""
        return [event for _, event in self.wire.events()]


@pytest.mark.parametrize("name", OPENABLE)
def test_every_meter_with_programming_mode_is_asked_for_a_register(name: str) -> None:
    """With its password where it wants one; by the address that its dialect says."""
    pair = Pair(name)
    assert any(isinstance(event, SessionOpened) for event in pair.events), pair.events
    identification = pair.session.identification
    assert identification is not None
    wanted = "16.7.0" if name == "taipit-neva" else "1.8.0"
    (answered,) = pair.ask(DIALECTS.match(identification).request_for(wanted))
    assert isinstance(answered, AnswerReceived), answered
    assert b"(" in answered.telegram.block
    assert answered.telegram.proved
    assert isinstance(pair.close()[-1], SessionClosed)
    assert any(isinstance(event, BreakHeard) for event in pair.heard)


@pytest.mark.parametrize(("share", "seed"), [(1.0, 1), *((0.5, seed) for seed in range(8))])
@pytest.mark.parametrize("name", ["household", "household-fast", "household-password", "energomera-ce301"])
def test_an_echo_changes_nothing(name: str, share: float, seed: int) -> None:
    """Whole or in parts: every value is the meter's, and no password is taken for an answer."""
    pair = Pair(name, echo=share, seed=seed)
    assert any(isinstance(event, SessionOpened) for event in pair.events), pair.events
    what = "ET0PE" if name == "energomera-ce301" else "1.8.0"
    for _ in range(3):
        (answered,) = pair.ask(request(what))
        assert isinstance(answered, AnswerReceived), answered
        assert answered.telegram.block.startswith(what.encode() + b"(")
    assert all(event.accepted for event in pair.heard if isinstance(event, PasswordHeard))


@pytest.mark.parametrize(
    ("name", "level"), [("energomera-ce301", PasswordLevel.P2), ("siemens-amis", PasswordLevel.P2)]
)
def test_p2_is_computed_as_the_maker_does(name: str, level: PasswordLevel) -> None:
    """CRC-32 from the operand on (Energomera); the password itself (AMIS)."""
    wanted = password_of(name)
    assert wanted is not None
    pair = Pair(name, Access(replace(wanted, level=level)))
    assert [event.accepted for event in pair.events if isinstance(event, SessionOpened)] == [True]


@pytest.mark.parametrize("name", ["household-password", "energomera-ce301", "siemens-amis", "taipit-neva"])
def test_a_wrong_password_ends_the_session_and_is_said_once(name: str) -> None:
    """NAK, a break, an error's text and NEVA's BEL all mean no."""
    pair = Pair(name, Access(Password(Secret("wrong"))))
    failed = pair.events[-1]
    assert isinstance(failed, Failed)
    assert failed.failure is Failure.PASSWORD
    assert [event.accepted for event in pair.heard if isinstance(event, PasswordHeard)] == [False]
    assert "wrong" not in repr(pair.events)


def test_without_the_password_a_locked_register_is_refused_and_the_session_stays_open() -> None:
    """The meter's own words name what is missing."""
    pair = Pair("energomera-ce301", Access())
    (refused,) = pair.ask(request("ET0PE"))
    assert isinstance(refused, RequestRefused)
    assert refused.refusal.text == "ERR15"
    assert "password" in refused.refusal.meaning
    assert not pair.session.finished


@pytest.mark.parametrize(("reaction", "least"), [(0.02, 8.0), (0.2, 3.0)])
def test_registers_are_read_as_often_as_the_meter_reacts(reaction: float, least: float) -> None:
    """At 9600 Bd, one register each, the third letter of the maker in upper case."""
    pair = Pair("household", Access(hasty=True), reaction=reaction)
    pair.ask(request("16.7.0"))
    began = pair.clock.now
    answers = [pair.ask(request("16.7.0"))[0] for _ in range(20)]
    assert all(isinstance(answer, AnswerReceived) for answer in answers)
    assert 20 / (pair.clock.now - began) >= least


def test_a_meter_that_is_deaf_after_its_answers_is_asked_later() -> None:
    """Haste is given up after the second command that it missed; no value is lost for good."""
    pair = Pair("household", Access(hasty=True))
    dialogue = pair.wire.stations[0].session._dialogue
    assert dialogue is not None
    dialogue.programming = replace(dialogue.programming, deaf_for=0.15)
    answers = [pair.ask(request("16.7.0"))[0] for _ in range(5)]
    assert all(isinstance(answer, AnswerReceived) for answer in answers)
    assert not pair.session.hasty
    commands = [event for event in pair.heard if isinstance(event, CommandHeard)]
    assert len(commands) == 5


def test_a_session_is_kept_beyond_the_meter_s_time_out() -> None:
    """Energomera ends it after 1.5 s; the last request is repeated meanwhile."""
    pair = Pair("energomera-ce301", Access(password_of("energomera-ce301"), keep_alive=True))
    pair.ask(request("FREQU"))
    pair.events += pair.clock.run(pair.session, 20)
    (answered,) = pair.ask(request("ET0PE"))
    assert isinstance(answered, AnswerReceived)
    assert not any(isinstance(event, SessionEnded) for event in pair.heard)
    assert sum(isinstance(event, AnswerReceived) for event in pair.events) == 2


def test_a_session_that_nobody_keeps_is_closed_in_time() -> None:
    """The break comes before the meter ends it."""
    pair = Pair("energomera-ce301")
    events = pair.clock.run(pair.session, 5)
    assert isinstance(events[-1], SessionClosed)
    heard = pair.heard
    assert any(isinstance(event, BreakHeard) for event in heard)
    assert not any(isinstance(event, SessionEnded) for event in heard)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("fault", ["flip=0.01", "lose=0.01", "insert=0.01", "cut=0.5@%3", "bad-check@%2", "silence@%4"])
def test_noise_never_gives_a_wrong_value(fault: str, seed: int) -> None:
    """Every answer is what the meter meant; what is damaged is repeated or told."""
    pair = Pair("household", faults=(fault,), seed=seed)
    opened = any(isinstance(event, SessionOpened) for event in pair.events)
    if not opened:
        assert isinstance(pair.events[-1], Failed)
        return
    for what in ("0.0.0", "1.8.0", "C.7.0", "0.2.0"):
        if pair.session.finished:
            break
        for event in pair.ask(request(what)):
            if isinstance(event, AnswerReceived):
                assert event.telegram.block == pair.wire.stations[0].session.latest_block


def test_a_profile_in_blocks_arrives_whole() -> None:
    """R6 with eight lines a block."""
    pair = Pair("household")
    rows = b"P.01(1240101001500)(00)(15)(1)(1.5)(kW)\r\n" + b"".join(b"(%d.123)\r\n" % row for row in range(50))
    dialogue = pair.wire.stations[0].session._dialogue
    assert dialogue is not None
    dialogue.programming = replace(dialogue.programming, records={"P.01": lambda _argument, _now: rows})
    events = pair.ask(request("P.01", "0;1;8", *DIALECTS.named("emh").programming.commands[1:2]))
    assert isinstance(events[-1], AnswerReceived)
    assert events[-1].telegram.block == rows
    assert sum(isinstance(event, PartReceived) for event in events) == 6


def test_a_read_without_session_is_one_exchange() -> None:
    """Energomera: request without CR LF and command in one message, at the initial rate."""
    wire = Simulator("household").wire()
    meter = wire.stations[0].session
    assert meter._dialogue is not None
    meter._dialogue.programming = replace(meter._dialogue.programming, sessionless=True)
    clock = HandClock(wire)
    settings = SessionSettings(dialect=DIALECTS.named("energomera-no-line-end"))
    kind = replace(settings.dialect, block_checks=DIALECTS.match(None).block_checks) if settings.dialect else None
    session = ProgrammingSession(replace(settings, dialect=kind), LinePlan(), DIALECTS)
    session.ask(request("1.8.0"))
    session.ask(request("2.8.0"))
    session.close()
    events = clock.run(session, 60)
    assert [type(event) for event in events] == [SessionOpened, AnswerReceived, AnswerReceived, SessionClosed]
    assert clock.rates == [300]
