"""Listening to a meter that sends DLMS unasked: a session for the pump, and the port that it runs over."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from obisgw.config.values import LineFormat, Transport
from obisgw.dlms.push import HdlcPush, MbusPush, PushEvent, PushKeys
from obisgw.errors import MeterError
from obisgw.iec62056_21.events import Action, SetLine

from .explain import OTHERS, protocol_in
from .pump import pump
from .reader import PUSH_PACE

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from obisgw.secret import Secret

    from .reader import MeterReader

PUSH_BAUDRATE: Final = 2400
QUIET: Final = 0.4
"""Seconds without a character that end a telegram, and the line's latency; its frames follow each other at once."""

_SAMPLE: Final = 256
_FORMATS: Final = {Transport.HDLC: LineFormat.HARDWARE_8N1, Transport.MBUS: LineFormat.HARDWARE_8E1}
_PROTOCOLS: Final = {Transport.HDLC: "HDLC", Transport.MBUS: "M-Bus"}


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of a telegram. ``started`` and ``at``: its first and its last character, by the event loop's time."""

    event: PushEvent
    started: float
    at: float


class DlmsPushSession:
    """Finds notifications in an endless stream. Never finishes by itself; never sends."""

    wanted = 1
    least = 0
    """Nothing is known of what comes: telegrams are short."""

    def __init__(self, push: HdlcPush | MbusPush, baudrate: int, latency: float) -> None:
        self.baudrate = baudrate
        self.received = 0
        self.sample = b""
        """The latest characters, for whoever has to explain that nothing is understood."""
        self.finished = False
        self.deadline: float | None = 0.0
        self._push = push
        self._quiet = QUIET + latency
        self._opened = False
        self._started: float | None = None
        self._events: list[Heard] = []

    def events(self) -> list[Heard]:
        """Return what happened since the last call, in order."""
        events, self._events = self._events, []
        return events

    def actions(self, now: float) -> list[Action]:
        """Return what to do now: set the line once; later calls only end telegrams that went quiet."""
        if not self._opened:
            self._opened = True
            self.deadline = None
            return [SetLine(self.baudrate)]
        if self.deadline is not None and now >= self.deadline:
            self.deadline = None
            started, self._started = self._started, None
            if (cut := self._push.quiet()) is not None:
                self._events.append(Heard(cut, now if started is None else started, now))
        return []

    def sent(self, now: float) -> None:
        """Raise: nothing is ever sent."""
        message = f"a push session sends nothing (at {now})"
        raise RuntimeError(message)

    def abort(self) -> list[Action]:
        """End now; there is nobody to take leave of."""
        self.finished = True
        self.deadline = None
        return []

    def receive(self, data: bytes, now: float) -> None:
        """Take characters that arrived by ``now``."""
        self.received += len(data)
        self.sample = (self.sample + data)[-_SAMPLE:]
        started = self._started = now if self._started is None else self._started
        for event in self._push.receive(data):
            self._events.append(Heard(event, started, now))
            self._started = None
        self.deadline = now + self._quiet


class DlmsListener:
    """Listens to one meter. What it knows of counters outlives a port that is lost; ``session`` is the latest one."""

    def __init__(self, reader: MeterReader, framing: Transport, keys: PushKeys | None) -> None:
        self._reader = reader
        self._framing = framing
        self._push = MbusPush(keys) if framing is Transport.MBUS else HdlcPush(keys)
        self.baudrate = reader.settings.baudrate or PUSH_BAUDRATE
        self.session: DlmsPushSession | None = None

    @property
    def received(self) -> int:
        """Characters that have come since the port was opened."""
        return 0 if self.session is None else self.session.received

    async def pushes(self) -> AsyncGenerator[Heard, None]:
        """Yield what the meter sends, until the port is lost or the generator is closed. The port is held."""
        settings = self._reader.port_settings
        chosen = settings.format in {LineFormat.HARDWARE_8N1, LineFormat.HARDWARE_8E1}
        form = settings.format if chosen else _FORMATS[self._framing]
        self._push.quiet()
        async with self._reader.port.use(replace(settings, baudrate=self.baudrate, format=form)) as port:
            session = DlmsPushSession(self._push, self.baudrate, self._reader.settings.latency)
            self.session = session
            async with aclosing(pump(session, port, pace_max=PUSH_PACE)) as events:
                async for heard in events:
                    yield heard

    def nothing_pushed(self, seconds: float, before: int = 0) -> MeterError:
        """Return the error of a meter that sent no telegram for so long; ``before`` is what was received until then."""
        where, heard = self._reader.settings.where, self.received - before
        if self.session is None or heard <= 0:
            hint = "check the head or cable, and whether the operator has switched the customer interface on"
            return MeterError(f"nothing has come for {seconds:.0f} s", where=where, hint=hint)
        sample = self.session.sample
        last = sample[-16:].hex(" ")
        problem = f"{heard} characters have come in {seconds:.0f} s at {self.baudrate} Bd, but no telegram; the last were {last}"
        return MeterError(problem, where=where, hint=self._hint(protocol_in(sample)))

    def _hint(self, other: str | None) -> str:
        if other == _PROTOCOLS[self._framing]:
            return "frames come, but no whole one: check the head's place, and send a capture (`obis-gateway capture`)"
        match other:
            case "HDLC":
                return "these look like HDLC frames: write `transport: hdlc`"
            case "M-Bus":
                return "these look like M-Bus frames: write `transport: mbus`"
            case "D":
                return "this is text, no DLMS: remove `transport` and the keys"
            case "SML":
                return OTHERS["SML"]
            case _:
                return "another speed or format: try `baudrate` 2400, 9600, 115200, each with `format` 8n1 and 8e1"


def push_keys(encryption: Secret | None, authentication: Secret | None) -> PushKeys | None:
    """Return the owner's keys, given as 32 hexadecimal digits; None without an encryption key."""
    if encryption is None:
        return None
    other = b"" if authentication is None else bytes.fromhex(authentication.reveal())
    return PushKeys(bytes.fromhex(encryption.reveal()), other)
