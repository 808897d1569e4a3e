"""The meter's end of IEC 62056-21, modes A to D, sans-IO.

The face is that of the reading device's sessions. One thing is more: ``actions`` may give ``StopSending`` while a
``Send`` is under way, because a break ends everything at any time (clause 6.4).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from enum import Enum, auto

from .block_check import BlockCheckKind
from .characters import ACK, EOT, ETX, LF, NAK, NUL, SOH, add_parity, parity_errors, strip_parity
from .events import Send, SetLine
from .identification import MODE_C_RATES, MODE_C_RESERVED_RATES, Mode
from .messages import Request, addresses_match, break_message, parse_acknowledgement, parse_request
from .meter_answers import data_messages, encode, identification_message, pushed_message
from .meter_dialogue import MeterDialogue
from .meter_settings import (
    Acknowledged,
    AcknowledgementRule,
    Answered,
    BreakHeard,
    FellBack,
    Ignored,
    MeterData,
    MeterEvent,
    MeterList,
    MeterSettings,
    Part,
    RequestHeard,
    StopSending,
    Woken,
)
from .meter_sleep import Sleep

MeterAction = Send | SetLine | StopSending

_BREAKS = tuple(break_message(kind) for kind in (BlockCheckKind.XOR, BlockCheckKind.SUM7))
_ANSWERS = {bytes((ACK,)), bytes((NAK,)), add_parity(bytes((NAK,)))}
_LONGEST_MESSAGE = 64
_LONGEST_COMMAND = 300
_MESSAGE_GAP = 0.12
"""Silence that ends a message without CR LF: three characters at 300 Bd and a little."""


class _Phase(Enum):
    LISTENING = auto()
    ANSWERING = auto()
    CHOOSING = auto()
    BLOCK_SENT = auto()
    REPEATABLE = auto()
    PROGRAMMING = auto()


class MeterSession:
    """A meter that listens for requests, or pushes by itself in mode D, for as long as it is fed.

    ``data(now)`` gives the data block of ``/?!`` when its first character is due.
    """

    def __init__(self, settings: MeterSettings, data: MeterData) -> None:
        self.settings = settings
        self.baudrate = settings.start_baudrate
        self.part = Part.IDENTIFICATION
        """What the latest Send carries."""
        self.readouts = 0
        """How many requests were taken, or pushes begun, so far."""
        self._list = MeterList(data, direct=settings.direct_data)
        self._current = self._list
        self._mode = settings.effective_mode
        self._phase = _Phase.LISTENING
        self._events: list[MeterEvent] = []
        self._buffer = bytearray()
        self._last_heard = float("-inf")
        self._due: float | None = 0.0 if self._mode is Mode.D else None
        self._next: Part | None = Part.PUSH if self._mode is Mode.D else None
        self._switch: int | None = settings.start_baudrate
        self._sending = False
        self._stop = False
        self._blocks: deque[bytes] = deque()
        self._block = b""
        self._message = b""
        self._started = 0.0
        self._repeats = 0
        self._session_open = settings.session_open
        self._requests: list[float] = []
        self._sleep = None if settings.wake_up is None else Sleep(settings.wake_up)
        programming = settings.programming
        self._dialogue = None if programming is None else MeterDialogue(settings, programming, data)
        self._outgoing: bytes | None = None
        self._hears_from = float("-inf")

    @property
    def finished(self) -> bool:
        """Never: a meter goes on."""
        return False

    @property
    def wanted(self) -> int:
        """A meter looks at each character."""
        return 1

    @property
    def latest_block(self) -> bytes:
        """The data block of the latest data message, as the meter meant it."""
        return self._block

    @property
    def choosing(self) -> bool:
        """Whether the meter waits for an acknowledgement."""
        return self._phase is _Phase.CHOOSING

    @property
    def deadline(self) -> float | None:
        """Next moment to call ``actions``, or None."""
        if self._stop:
            return float("-inf")
        if self._sending:
            return None
        if self._switch is not None:
            return float("-inf")
        times = [self._due] if self._due is not None else []
        if self._lineless_request() is not None:
            times.append(self._last_heard + _MESSAGE_GAP)
        return min(times, default=None)

    def events(self) -> list[MeterEvent]:
        """Return what happened since the last call, in order."""
        events, self._events = self._events, []
        return events

    def actions(self, now: float) -> Sequence[MeterAction]:
        """Return what is to be done now, in order."""
        actions: list[MeterAction] = []
        if self._stop:
            self._stop = False
            actions.append(StopSending())
        if self._sending:
            return actions
        if self._lineless_request() is not None and now >= self._last_heard + _MESSAGE_GAP:
            self._hear_message(self._last_heard)
        self._expire(now)
        if self._switch is not None:
            self.baudrate, self._switch = self._switch, None
            actions.append(SetLine(self.baudrate))
        if self._next is not None and self._due is not None and now >= self._due:
            actions.append(Send(self._begin(self._next, now)))
        return actions

    def sent(self, now: float) -> None:  # noqa: C901 - one branch a part
        """Take note that the last bit of the last Send has left the line."""
        if not self._sending:
            raise ValueError("nothing was being sent")
        self._sending = False
        self._buffer.clear()
        settings = self.settings
        match self.part:
            case Part.IDENTIFICATION if self._mode is Mode.C:
                self._phase = _Phase.CHOOSING
                self._due = None if settings.fallback is None else now + settings.fallback
            case Part.IDENTIFICATION:
                if self._mode is Mode.B:
                    self._switch = settings.announced_baudrate
                self._schedule(Part.DATA, now + self._data_reaction)
            case Part.DATA if self._blocks:
                self._phase = _Phase.BLOCK_SENT
                self._due = now + settings.patience
            case Part.DATA:
                self._events.append(Answered(self._block, self._started, now))
                if self._repeats > 0:
                    self._phase = _Phase.REPEATABLE
                    self._due = now + settings.patience
                else:
                    self._listen()
            case Part.PUSH:
                self._events.append(Answered(self._block, self._started, now))
                self._schedule(Part.PUSH, max(now + 0.02, self._started + settings.interval))
            case Part.ANSWER if self._dialogue is not None and not self._dialogue.ended:
                self._phase = _Phase.PROGRAMMING
                self._hears_from = now + self._dialogue.programming.deaf_for
                self._due = now + self._dialogue.programming.inactivity
            case Part.ANSWER | Part.BREAK:
                self._listen()

    def receive(self, data: bytes, now: float) -> None:
        """Take bytes from the line; ``now`` is the time of the last bit of the last of them."""
        period = 10 / self.baudrate
        for position, character in enumerate(data):
            self._hear(character, now - (len(data) - 1 - position) * period)

    def _hear(self, character: int, now: float) -> None:
        if now - self._last_heard > _MESSAGE_GAP * 300 / min(self.baudrate, 300) and self._buffer:
            self._drop("no end of the message")
        self._last_heard = now
        if character == NUL:
            if self._sleep is not None and self.baudrate == self.settings.start_baudrate:
                self._sleep.hear_nul(now, 10 / self.baudrate)
            return
        self._buffer.append(character)
        if self._is_break(now) or self._sending or self._phase is _Phase.ANSWERING or self._mode is Mode.D:
            # Half duplex: what comes while the meter speaks is not heard, except the sign-off.
            del self._buffer[:-8]
        elif self._phase is _Phase.PROGRAMMING and self._dialogue is not None:
            self._hear_command(self._dialogue, character, now)
        elif self._phase in (_Phase.BLOCK_SENT, _Phase.REPEATABLE) and bytes(self._buffer) in _ANSWERS:
            self._buffer.clear()
            self._hear_answer(character & 0x7F, now)
        elif character & 0x7F == LF:
            self._hear_message(now)
        elif self._dialogue is not None and self._dialogue.programming.sessionless and self._command_begun:
            self._hear_sessionless(self._dialogue, now)
        elif len(self._buffer) > _LONGEST_MESSAGE:
            self._drop("a message too long for a request")

    def _hear_command(self, dialogue: MeterDialogue, character: int, now: float) -> None:
        del self._buffer[:-8]
        self._due = now + dialogue.programming.inactivity
        damaged = self.settings.format.software_parity and self.settings.strict_parity and character.bit_count() & 1
        if now - 10 / self.baudrate < self._hears_from:
            return
        # A damaged character spoils the block check.
        self._say(dialogue, dialogue.hear(NUL if damaged else character & 0x7F, now), now)

    @property
    def _command_begun(self) -> bool:
        return SOH in strip_parity(bytes(self._buffer))[0]

    def _hear_sessionless(self, dialogue: MeterDialogue, now: float) -> None:
        """Take a command that follows a request without line end, as soon as it is whole."""
        text = strip_parity(bytes(self._buffer))[0]
        start = text.index(SOH)
        if len(text) - start < 5 or text[-2] not in (ETX, EOT):
            if len(text) > _LONGEST_COMMAND:
                self._drop("a command too long")
            return
        self._buffer.clear()
        request = parse_request(text[max(text.rfind(b"/", 0, start), 0) : start])
        if request is not None and addresses_match(request.address, self.settings.address):
            dialogue.begin()
            self._say(dialogue, dialogue.answer(text[start:], now), now)
            dialogue.ended = True

    def _say(self, dialogue: MeterDialogue, reply: bytes | None, now: float) -> None:
        self._events += dialogue.events()
        if reply is None:
            return
        self.readouts += 1
        self._block = dialogue.latest
        if reply:
            self._outgoing = reply
            self._schedule(Part.ANSWER, now + self._data_reaction)
        elif dialogue.ended:
            self._listen()

    def _awake(self, now: float, length: int) -> bool:
        if self._sleep is None:
            return True
        woken_at = self._sleep.woken_at(now - length * 10 / self.baudrate)
        if woken_at is not None:
            self._events.append(Woken(woken_at))
        return woken_at is not None

    def _is_break(self, now: float) -> bool:
        text = strip_parity(bytes(self._buffer))[0]
        if not text.endswith(_BREAKS):
            return False
        self._buffer.clear()
        if self._mode is not Mode.D:
            self._events.append(BreakHeard(now))
            self._session_open = False
            if self._sending:
                # The line answers StopSending with sent(): part BREAK makes that the end of everything.
                self._stop, self.part = True, Part.BREAK
            else:
                self._listen()
        return True

    def _lineless_request(self) -> Request | None:
        if self.settings.line_end_required or self._phase is not _Phase.LISTENING or not self._buffer:
            return None
        return parse_request(self._message_text())

    def _message_text(self) -> bytes:
        text = strip_parity(bytes(self._buffer))[0]
        start = max(text.rfind(b"/"), 0)
        return text[start:]

    def _hear_message(self, now: float) -> None:
        raw = bytes(self._buffer)
        text, errors = strip_parity(raw)
        self._buffer.clear()
        if self.settings.format.software_parity and self.settings.strict_parity and errors:
            places = ", ".join(str(place) for place in parity_errors(raw))
            self._events.append(Ignored(raw, f"wrong parity in characters {places}", now))
            return
        match self._phase:
            case _Phase.CHOOSING if ACK in text:
                self._hear_acknowledgement(text[text.rfind(bytes((ACK,))) :], raw, now)
            case _:
                self._hear_request(text[max(text.rfind(b"/"), 0) :], raw, now)

    def _hear_answer(self, answer: int, now: float) -> None:
        if answer == NAK and self._repeats > 0:
            self._repeats -= 1
            self._blocks.appendleft(self._message)
            self._schedule(Part.DATA, now + self._data_reaction)
        elif answer == ACK and self._phase is _Phase.BLOCK_SENT:
            self._schedule(Part.DATA, now + self._data_reaction)
        else:
            self._events.append(Ignored(bytes((answer,)), "nothing to repeat or continue", now))

    def _hear_acknowledgement(self, text: bytes, raw: bytes, now: float) -> None:
        rule = self.settings.acknowledgement
        acknowledgement = parse_acknowledgement(text)
        if acknowledgement is None or rule is AcknowledgementRule.IGNORE:
            reason = "a malformed acknowledgement" if acknowledgement is None else "this meter ignores acknowledgements"
            self._events.append(Ignored(raw, reason, now))
            return
        rates = MODE_C_RATES | MODE_C_RESERVED_RATES
        if rule is AcknowledgementRule.ANY and acknowledgement.baud_char in rates:
            rate = rates[acknowledgement.baud_char]
        elif rule is not AcknowledgementRule.STAY and acknowledgement.baud_char == self.settings.identified.baud_char:
            rate = self.settings.announced_baudrate
        else:
            rate = self.settings.start_baudrate
        self._events.append(Acknowledged(acknowledgement, rate, now))
        self._switch = rate
        self._outgoing = None
        session = acknowledgement.mode == "1" and self._dialogue is not None
        self._schedule(Part.ANSWER if session else Part.DATA, now + self._data_reaction)

    def _hear_request(self, text: bytes, raw: bytes, now: float) -> None:
        request = parse_request(text)
        settings = self.settings
        if request is None:
            self._events.append(Ignored(raw, "not a request", now))
        elif not self._awake(now, len(text)):
            self._events.append(Ignored(raw, "asleep: no wake-up signal of the right length and pause", now))
        elif (chosen := self._list_for(request)) is None:
            self._events.append(Ignored(raw, f"no list for command /{request.command}{request.address}", now))
        elif not self._addressed(request, chosen):
            self._events.append(Ignored(raw, f"address {request.address!r} is not mine", now))
        else:
            self._requests = [at for at in self._requests if now - at <= settings.patience_requests] + [now]
            if len(self._requests) < settings.requests_needed:
                self._events.append(Ignored(raw, f"{settings.requests_needed} requests are needed", now))
                return
            self._current = chosen
            self._events.append(RequestHeard(request, now))
            self.readouts += 1
            if self._session_open:
                self._session_open = False
                self._schedule(Part.BREAK, now + settings.reaction)
            elif chosen.direct:
                if chosen.baudrate is not None or self._mode is Mode.B:
                    self._switch = chosen.baudrate or settings.announced_baudrate
                self._schedule(Part.DATA, now + self._data_reaction)
            else:
                self._schedule(Part.IDENTIFICATION, now + settings.reaction)

    def _list_for(self, request: Request) -> MeterList | None:
        if request.command == "?":
            return self._list
        # Kamstrup's /#1 has its number where an address would stand.
        lists = self.settings.lists
        return lists.get(request.command + request.address) or lists.get(request.command)

    def _addressed(self, request: Request, chosen: MeterList) -> bool:
        settings = self.settings
        if settings.address_ignored or (
            request.command + request.address in settings.lists and chosen is not self._list
        ):
            return True
        if settings.address_required and not request.address.lstrip("0"):
            return False
        return addresses_match(request.address, settings.address)

    def _expire(self, now: float) -> None:
        if self._due is None or now < self._due or self._next is not None:
            return
        match self._phase:
            case _Phase.CHOOSING:
                # An acknowledgement that is on its way keeps the meter waiting.
                if ACK in self._buffer and now - self._last_heard < _MESSAGE_GAP:
                    self._due = self._last_heard + _MESSAGE_GAP
                    return
                self._events.append(FellBack(now))
                self._schedule(Part.DATA, now)
            case _Phase.BLOCK_SENT | _Phase.REPEATABLE:
                self._blocks.clear()
                self._listen()
            case _Phase.PROGRAMMING if self._dialogue is not None:
                self._outgoing = self._dialogue.expire(now)
                self._events += self._dialogue.events()
                if self._outgoing:
                    self._schedule(Part.ANSWER, now)
                else:
                    self._listen()
            case _:
                self._due = None

    @property
    def _data_reaction(self) -> float:
        settings = self.settings
        return settings.reaction if settings.data_reaction is None else settings.data_reaction

    def _schedule(self, part: Part, at: float) -> None:
        self._phase = _Phase.ANSWERING
        self._next, self._due = part, at

    def _listen(self) -> None:
        self._phase = _Phase.LISTENING
        self._next = self._due = None
        self._blocks.clear()
        self._buffer.clear()
        self._repeats = 0
        if self.baudrate != self.settings.start_baudrate or self._switch is not None:
            self._switch = self.settings.start_baudrate

    def _drop(self, reason: str) -> None:
        self._events.append(Ignored(bytes(self._buffer), reason, self._last_heard))
        self._buffer.clear()

    def _begin(self, part: Part, now: float) -> bytes:
        settings = self.settings
        self._sending, self.part, self._next, self._due = True, part, None, None
        self._buffer.clear()
        match part:
            case Part.IDENTIFICATION:
                return settings.noise_before + encode(settings, identification_message(settings))
            case Part.BREAK:
                return encode(settings, _BREAKS[0])
            case Part.PUSH:
                self._started = now
                self.readouts += 1
                self._block = self._list.data(now)
                return (
                    settings.noise_before
                    + encode(settings, pushed_message(settings, self._block))
                    + settings.noise_after
                )
            case Part.ANSWER if self._dialogue is not None:
                outgoing = self._dialogue.begin() if self._outgoing is None else self._outgoing
                return settings.noise_before + encode(settings, outgoing) + settings.noise_after
            case _:
                return self._begin_data(now)

    def _begin_data(self, now: float) -> bytes:
        settings = self.settings
        if not self._blocks:
            self._started, self._repeats = now, settings.repeats
            self._block = self._current.data(now)
            self._blocks.extend(data_messages(settings, self._block))
            before = encode(settings, settings.before_data)
        else:
            before = b""
        self._message = self._blocks.popleft()
        return before + encode(settings, self._message) + (b"" if self._blocks else settings.noise_after)
