"""A meter that goes over to HDLC after its sign-on in mode E, or speaks it at once, or is wrapped in TCP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from obisgw.dlms.frames import server_address
from obisgw.dlms.meter import MeterAssociation, MeterSecurity
from obisgw.dlms.meter_link import Arrived, LinkClosed, LinkOpened, MeterLink
from obisgw.dlms.negotiation import Parameters
from obisgw.dlms.security import NOTHING, Level
from obisgw.iec62056_21.events import Send, SetLine
from obisgw.iec62056_21.messages import parse_acknowledgement
from obisgw.iec62056_21.meter import MeterAction, MeterSession
from obisgw.iec62056_21.meter_answers import encode
from obisgw.iec62056_21.meter_settings import MeterData, MeterSettings, Part

from .cosem_objects import CosemObjects

if TYPE_CHECKING:
    from .household import Household

PUBLIC_CLIENT = 16
_QUIET = 0.2
"""Silence that ends a frame without its end."""

_ADDRESSES = frozenset({server_address(1), server_address(1, 17), server_address(1, 17, size=4)})


@dataclass(frozen=True, slots=True)
class CosemOptions:
    """How the meter speaks DLMS. Times in seconds.

    ``direct``: HDLC without sign-on. ``frame`` and ``window``: information field and frames in a row that it takes;
    ``most`` octets of a message. ``confirms``: it confirms the change to HDLC; ``ascii_only``: it gives its readout in
    place of HDLC. ``least_counter``: the invocation counter that it expects at first.
    """

    security: MeterSecurity = field(default_factory=MeterSecurity)
    direct: bool = False
    frame: int = 128
    window: int = 1
    most: int = 1024
    reaction: float = 0.02
    inactivity: float = 120.0
    confirms: bool = True
    ascii_only: bool = False
    least_counter: int = 0


class CosemMeter:
    """The server behind a link or a wrapper: what it answers to whom."""

    def __init__(self, household: Household, options: CosemOptions, household_time: Callable[[float], float]) -> None:
        self.moment = 0.0
        """When the latest message came."""
        objects = CosemObjects(household, lambda: household_time(self.moment), lambda: self.secured.expected_counter)
        self.secured = MeterAssociation(objects.objects(), options.security, most=options.most)
        self.secured.expect_counter(options.least_counter)
        self.public = MeterAssociation(objects.public(), MeterSecurity(), most=options.most)
        self._open_to_all = options.security.level is Level.LOWEST and options.security.must is NOTHING

    def of(self, client: int) -> MeterAssociation:
        """Return the association that a client gets."""
        return self.public if client == PUBLIC_CLIENT and not self._open_to_all else self.secured

    def reset(self) -> None:
        """Be as after the link was closed."""
        self.secured.reset()
        self.public.reset()


class CosemSession(MeterSession):
    """One meter on the wire. The sign-on is that of any meter; from the confirmation on, HDLC."""

    def __init__(self, settings: MeterSettings, data: MeterData, cosem: CosemMeter, options: CosemOptions) -> None:
        super().__init__(settings, data)
        self.options = options
        self.cosem = cosem
        self.link = MeterLink(_ADDRESSES, Parameters(options.frame, options.frame, options.window, options.window))
        self.in_hdlc = options.direct
        self._confirmation: bytes | None = None
        self._answers: list[tuple[float, bytes]] = []
        self._heard_at = 0.0
        self._closing = False

    @property
    def deadline(self) -> float | None:
        """Next moment to call ``actions``, or None."""
        if not self.in_hdlc or self._switch is not None:
            return super().deadline
        if self._sending:
            return None
        times = [at for at, _ in self._answers[:1]]
        if not self.options.direct:
            times.append(self._heard_at + self.options.inactivity)
        return min(times, default=None)

    def actions(self, now: float) -> Sequence[MeterAction]:
        """Return what is to be done now, in order."""
        if not self.in_hdlc or self._switch is not None:
            return super().actions(now)
        if self._sending:
            return []
        if self._answers and now >= self._answers[0][0]:
            _, octets = self._answers.pop(0)
            self._sending, self.part = True, Part.ANSWER
            return [Send(octets)]
        if not self.options.direct and now >= self._heard_at + self.options.inactivity:
            self._leave()
            self.baudrate, self._switch = self.settings.start_baudrate, None
            return [SetLine(self.baudrate)]
        return []

    def sent(self, now: float) -> None:
        """Take note that the last bit of the last Send has left the line."""
        if self.in_hdlc:
            self._sending = False
            self._heard_at = now
            if self._closing and not self.options.direct:
                self._leave()
        elif self._confirmation is not None and self.part is Part.ANSWER:
            self._sending, self._confirmation = False, None
            self._enter_hdlc(now)
        else:
            super().sent(now)

    def receive(self, data: bytes, now: float) -> None:
        """Take bytes from the line; ``now`` is the time of the last bit of the last of them."""
        if not self.in_hdlc:
            super().receive(data, now)
            return
        if now - self._heard_at > _QUIET:
            self.link.quiet()
        self._heard_at = now
        self.cosem.moment = now
        octets = self.link.receive(data)
        for event in self.link.events():
            match event:
                case Arrived(client=client, octets=message):
                    reply = self.cosem.of(client[0] >> 1).answer(message)
                    octets += b"" if reply is None else self.link.answer(reply)
                case LinkOpened():
                    self.cosem.reset()
                case LinkClosed():
                    self.cosem.reset()
                    self._closing = True
        if octets:
            self.readouts += 1
            self._answers.append((now + self.options.reaction, octets))

    # --- the change

    def _hear_acknowledgement(self, text: bytes, raw: bytes, now: float) -> None:
        acknowledgement = parse_acknowledgement(text)
        super()._hear_acknowledgement(text, raw, now)
        asked = acknowledgement is not None and (acknowledgement.protocol, acknowledgement.mode) == ("2", "2")
        if acknowledgement is None or not asked or self.options.ascii_only or self._next is not Part.DATA:
            return
        if self.options.confirms:
            self._confirmation = acknowledgement.encode()
            self._schedule(Part.ANSWER, now + self._data_reaction)
        else:
            self._next = self._due = None
            self._enter_hdlc(now)

    def _begin(self, part: Part, now: float) -> bytes:
        if self._confirmation is None:
            return super()._begin(part, now)
        self._sending, self.part, self._next, self._due = True, part, None, None
        self._buffer.clear()
        return encode(self.settings, self._confirmation)

    def _enter_hdlc(self, now: float) -> None:
        self.in_hdlc, self._heard_at, self._closing = True, now, False
        self.link.close()
        self.link.quiet()

    def _leave(self) -> None:
        self.in_hdlc = self._closing = False
        self._answers.clear()
        self.link.close()
        self.cosem.reset()
        self._listen()
