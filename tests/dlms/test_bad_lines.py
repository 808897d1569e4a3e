"""Whole conversations over lines and with meters that do everything but behave: they end, and no value is wrong."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obisgw.dlms import axdr
from obisgw.dlms.association import Association, Opened, Security
from obisgw.dlms.conversation import Answered, Conversation, Ended, Failing
from obisgw.dlms.frames import Frame, FrameReceiver, Kind, decode_frame
from obisgw.dlms.link import ClientLink, LinkSettings
from obisgw.dlms.meter import MeterAssociation, MeterSecurity
from obisgw.dlms.meter_link import Arrived, LinkClosed, LinkOpened, MeterLink
from obisgw.dlms.negotiation import Parameters
from obisgw.dlms.services import Attribute

from .pairs import CLIENT, SERVER

pytestmark = pytest.mark.slow

NAMES = [bytes((1, 0, number, 8, 0, 255)) for number in range(1, 9)]
LONG = bytes((0, 0, 96, 1, 0, 255))
_CHANCE = random.Random(3)
OBJECTS = {(3, name, 2): axdr.unsigned(1000 + number, 4) for number, name in enumerate(NAMES)} | {
    (1, LONG, 2): axdr.octet_string(_CHANCE.randbytes(1500) + b"\x7e\xa0\x7e" * 20)
}
ATTRIBUTES = [Attribute(class_id, name, number) for class_id, name, number in OBJECTS]

Answer = Callable[[list[bytes]], list[bytes]]
"""What becomes of the meter's frames on their way."""


@dataclass
class Talk:
    """A conversation with a meter on a bad line; ``pieces`` is how many octets come at once."""

    window: int = 1
    pieces: int = 0
    spoil: Answer = field(default=lambda frames: frames)
    between: Callable[[bytes], bytes] = field(default=lambda octets: octets)
    to_meter: Callable[[bytes], bytes] = field(default=lambda octets: octets)
    echo: bool = False
    security: MeterSecurity = field(default_factory=MeterSecurity)
    opened: int = 0
    seconds: float = 0.0
    frames: int = 0

    def run(self) -> list[object]:
        """Return what happened. Fails where the conversation does not end within an hour of the line's time."""
        parameters = Parameters(128, 128, self.window, self.window)
        talking = Conversation(ClientLink(LinkSettings(CLIENT, SERVER, parameters)), Association(Security()))
        link, meter = MeterLink(frozenset({SERVER}), parameters), MeterAssociation(OBJECTS, self.security, most=400)
        talking.ask(*ATTRIBUTES)
        talking.close()
        talking.start()
        events: list[object] = []
        while not talking.finished:
            for octets in talking.actions(self.seconds):
                self.seconds += len(octets) / 960
                talking.sent(self.seconds)
                self.frames += 1
                assert self.frames < 20_000, "it talks for ever"
                link.quiet()
                answer = self.between(b"".join(self.spoil(list(self._answers(link, meter, self.to_meter(octets))))))
                self._deliver(talking, octets + answer if self.echo else answer)
            events += talking.events()
            self.seconds = max(self.seconds + 0.001, talking.deadline or 0.0)
            assert self.seconds < 3600, "it does not end"
        return events + talking.events()

    def _answers(self, link: MeterLink, meter: MeterAssociation, octets: bytes) -> Iterator[bytes]:
        answer = link.receive(octets)
        for event in link.events():
            match event:
                case Arrived(octets=asked):
                    if (reply := meter.answer(asked)) is not None:
                        answer += link.answer(reply)
                case LinkOpened():
                    self.opened += 1
                    meter.reset()
                case LinkClosed():
                    meter.reset()
        for frame in FrameReceiver().receive(answer):
            yield frame.encode()

    def _deliver(self, talking: Conversation, octets: bytes) -> None:
        size = self.pieces or max(1, len(octets))
        for place in range(0, len(octets), size):
            piece = octets[place : place + size]
            self.seconds += len(piece) / 960
            talking.receive(piece, self.seconds)


def values_are_right(events: list[object]) -> int:
    """Check every value that was given; return their number."""
    answers = [event for event in events if isinstance(event, Answered)]
    for one in answers:
        key = one.attribute.class_id, one.attribute.name, one.attribute.number
        assert one.result.data == OBJECTS[key]
    return len(answers)


def nth(number: int, change: Callable[[bytes], list[bytes]]) -> Answer:
    """Change one of the frames that the meter sends, counted from 0."""
    count = iter(range(10_000))

    def spoil(frames: list[bytes]) -> list[bytes]:
        return [one for frame in frames for one in (change(frame) if next(count) == number else [frame])]

    return spoil


def losing(number: int) -> Callable[[bytes], bytes]:
    """Lose one of what the client sends, counted from 0."""
    count = iter(range(10_000))
    return lambda octets: b"" if next(count) == number else octets


def flipped(frame: bytes) -> list[bytes]:
    place = len(frame) // 2
    return [frame[:place] + bytes((frame[place] ^ 0x10,)) + frame[place + 1 :]]


LOSSES: dict[str, Callable[[bytes], list[bytes]]] = {
    "lost": lambda _: [],
    "cut": lambda frame: [frame[: len(frame) // 2]],
    "without its last flag": lambda frame: [frame[:-1]],
    "flipped": flipped,
    "twice": lambda frame: [frame, frame],
    "three times": lambda frame: [frame] * 3,
    "behind noise": lambda frame: [b"\x00\x7e\xa7\xff\x55", frame],
    "before noise": lambda frame: [frame, b"\x7e\x7e\xa0\x0c\x01"],
}


@pytest.mark.parametrize("window", [1, 7])
@pytest.mark.parametrize("loss", LOSSES)
def test_one_bad_frame_costs_no_association_and_no_value(loss: str, window: int) -> None:
    """Whichever frame it is, from the first one of the answers to the last."""
    for number in range(1, 22):
        talk = Talk(window, spoil=nth(number, LOSSES[loss]))
        events = talk.run()
        assert values_are_right(events) == len(ATTRIBUTES), f"{loss}, frame {number}"
        assert events[-1] == Ended()
        assert talk.opened == 1


@pytest.mark.parametrize("window", [1, 7])
def test_the_clients_own_frames_may_be_lost_as_well(window: int) -> None:
    """The meter is asked what it has heard."""
    for number in range(1, 12):
        talk = Talk(window, to_meter=losing(number))
        events = talk.run()
        assert values_are_right(events) == len(ATTRIBUTES)
        assert talk.opened == 1


@pytest.mark.parametrize("window", [1, 7])
@pytest.mark.parametrize("pieces", [1, 2, 3, 50])
def test_answers_may_come_in_pieces_with_an_echo_in_front(window: int, pieces: int) -> None:
    """At every octet."""
    events = Talk(window, pieces=pieces, echo=True).run()
    assert values_are_right(events) == len(ATTRIBUTES)
    assert events[-1] == Ended()


@pytest.mark.parametrize("window", [1, 7])
def test_a_line_that_doubles_everything_does_not_multiply_it(window: int) -> None:
    """Each frame comes twice, in both directions."""
    talk = Talk(window, spoil=lambda frames: [one for frame in frames for one in (frame, frame)])
    events = talk.run()
    assert values_are_right(events) == len(ATTRIBUTES)
    assert talk.frames < 200


@pytest.mark.parametrize("window", [3, 7])
def test_frames_of_a_window_may_change_places(window: int) -> None:
    """They are asked for again."""
    chance = random.Random(window)

    def shuffled(frames: list[bytes]) -> list[bytes]:
        return chance.sample(frames, len(frames)) if chance.random() < 0.5 else frames

    talk = Talk(window, spoil=shuffled)
    assert values_are_right(talk.run()) == len(ATTRIBUTES)
    assert talk.opened == 1


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), rate=st.sampled_from([0.05, 0.2, 0.5]), window=st.sampled_from([1, 2, 7]))
def test_no_line_is_bad_enough_for_a_wrong_value(seed: int, rate: float, window: int) -> None:
    """Lost, cut, flipped, doubled, late and out of order, all at once: it ends, with right values or with a reason."""
    chance, late = random.Random(seed), list[bytes]()

    def spoil(frames: list[bytes]) -> list[bytes]:
        out = list[bytes]()
        for frame in frames:
            if chance.random() < rate:
                out += chance.choice(list(LOSSES.values()))(frame)
                late.append(frame)
            else:
                out.append(frame)
        if late and chance.random() < rate:
            out.insert(chance.randrange(len(out) + 1), late[chance.randrange(len(late))])
        return out

    talk = Talk(window, spoil=spoil)
    events = talk.run()
    values_are_right(events)
    assert isinstance(events[-1], Ended)


def frame_of(
    kind: Kind, awaited: int = 0, information: bytes = b"", sent: int = 0, *, segmented: bool = False
) -> bytes:
    return Frame(CLIENT, SERVER, kind, information, sent, awaited, segmented=segmented).encode()


def always(octets: bytes, begin: int = 3) -> Answer:
    """Behave for so many answers; from then on say only this."""
    count = iter(range(100_000))
    return lambda frames: frames if next(count) < begin else [octets]


@pytest.mark.parametrize(
    "stuck",
    [
        *(pytest.param(frame_of(Kind.RR, n), id=f"RR {n}") for n in range(8)),
        *(pytest.param(frame_of(Kind.RNR, n), id=f"RNR {n}") for n in (0, 2, 3)),
        *(pytest.param(frame_of(Kind.REJ, n), id=f"REJ {n}") for n in (0, 1, 2, 3)),
        *(pytest.param(frame_of(Kind.I, 3, b"\xe6\xe7\x00", sent=n), id=f"I {n}") for n in range(8)),
        pytest.param(frame_of(Kind.RR, 2) + frame_of(Kind.RR, 3), id="two RR in turn"),
        pytest.param(frame_of(Kind.RR, 2) + frame_of(Kind.REJ, 2), id="RR and REJ in turn"),
        pytest.param(frame_of(Kind.UA), id="UA"),
        pytest.param(frame_of(Kind.SNRM), id="SNRM"),
        pytest.param(b"\x7e\xa7\xff\x00", id="the beginning of a frame"),
        pytest.param(b"\x55" * 40, id="noise"),
    ],
)
@pytest.mark.parametrize("window", [1, 7])
def test_a_meter_that_says_one_thing_for_ever_is_left(stuck: bytes, window: int) -> None:
    """In the middle of a conversation."""
    talk = Talk(window, spoil=always(stuck))
    events = talk.run()
    values_are_right(events)
    ended = events[-1]
    assert isinstance(ended, Ended)
    assert ended.failing is not None
    assert ended.reason
    assert talk.seconds < 300


def test_a_meter_that_sends_segments_of_nothing_is_left() -> None:
    """Each in its turn, and no end."""
    numbers = iter(range(2, 100_000))

    def spoil(frames: list[bytes]) -> list[bytes]:
        number = next(numbers)
        return frames if number < 5 else [frame_of(Kind.I, 3, sent=(number - 3) % 8, segmented=True)]

    ended = Talk(spoil=spoil).run()[-1]
    assert isinstance(ended, Ended)
    assert ended.failing is Failing.LINK


def test_noise_that_never_ends_does_not_put_off_the_end() -> None:
    """Something comes at every moment, and nothing of it is a frame."""
    talking = Conversation(ClientLink(LinkSettings(CLIENT, SERVER)), Association(Security()))
    talking.start()
    now = 0.0
    while not talking.finished:
        for _ in talking.actions(now):
            talking.sent(now)
        talking.receive(b"\x7e\xa1\x00\x55", now)
        now += 0.05
        assert now < 300
    ended = talking.events()[-1]
    assert isinstance(ended, Ended)
    assert ended.failing is Failing.SILENT


@pytest.mark.parametrize(
    ("last", "words"),
    [(frame_of(Kind.DM), "closed the link"), (frame_of(Kind.FRMR, information=b"\x10\x00\x01"), "rejects a frame")],
    ids=["DM", "FRMR"],
)
def test_a_meter_that_ends_it_is_named(last: bytes, words: str) -> None:
    """In the middle."""
    ended = Talk(spoil=always(last)).run()[-1]
    assert isinstance(ended, Ended)
    assert words in ended.reason


def test_a_busy_meter_is_waited_for() -> None:
    """It says that it is, and goes on later."""
    busy = iter(range(10_000))

    def spoil(frames: list[bytes]) -> list[bytes]:
        number = next(busy)
        return [frame_of(Kind.RNR, 2)] if 4 <= number < 10 else frames

    talk = Talk(spoil=spoil)
    assert values_are_right(talk.run()) == len(ATTRIBUTES)
    assert talk.opened == 1


def test_a_second_ua_and_a_late_answer_change_nothing() -> None:
    """An answer of the last request comes before that of this one."""
    before: list[bytes] = []

    def spoil(frames: list[bytes]) -> list[bytes]:
        late, before[:] = list(before), frames
        return late + frames

    talk = Talk(spoil=spoil)
    events = talk.run()
    assert values_are_right(events) == len(ATTRIBUTES)
    assert isinstance(events[0], Opened)
    assert talk.opened == 1


@pytest.mark.parametrize("window", [1, 7])
def test_a_meter_that_forgets_to_give_the_word_is_not_waited_for_long(window: int) -> None:
    """None of its frames with data has the bit for it."""

    def spoil(frames: list[bytes]) -> list[bytes]:
        decoded = [decode_frame(frame[1:-1]) for frame in frames]
        return [(replace(one, poll=False) if one.kind is Kind.I else one).encode() for one in decoded]

    talk = Talk(window, spoil=spoil)
    assert values_are_right(talk.run()) == len(ATTRIBUTES)
    assert talk.seconds < 20
