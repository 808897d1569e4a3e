"""A link and an association as one: opened, asked as often as wished, closed. Without I/O.

Attributes are asked for together where the meter takes several at once, and one by one where it does not. Whatever fails,
the association is released and the link closed as far as they still answer.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Protocol, assert_never

from .association import Association, AssociationFailed, Done, Event, Got, Opened, Refused, Released, State
from .axdr import Data
from .link import Closed, Connected, LinkEvent, LinkFailed, LinkState, Message
from .services import Attribute, Conformance, GetResult

MOST_AT_ONCE: Final = 12
"""Attributes in one request: a few meters refuse more."""

_REQUEST_HEAD: Final = 40
_ANSWER_SIZE: Final = 24
"""Octets that the answer to one attribute may take where meters cannot send long answers in blocks."""


class Link(Protocol):
    """What ``ClientLink`` and ``WrapperLink`` have in common."""

    state: LinkState
    retries: int

    @property
    def damaged(self) -> int:
        """Frames that failed their checks."""

    @property
    def idle(self) -> bool:
        """Whether a message may be sent."""

    @property
    def deadline(self) -> float | None:
        """The next moment to call ``actions``."""

    @property
    def wanted(self) -> int:
        """Octets that must still come."""

    def connect(self) -> None:
        """Begin to open the link."""

    def send(self, message: bytes) -> None:
        """Send a message."""

    def disconnect(self) -> None:
        """Begin to close the link."""

    def events(self) -> list[LinkEvent]:
        """Return what happened."""

    def actions(self, now: float) -> list[bytes]:
        """Return the octets to send now."""

    def sent(self, now: float) -> None:
        """Tell that they have left."""

    def receive(self, data: bytes, now: float) -> None:
        """Take octets."""


class Failing(Enum):
    """What a conversation failed at, for whoever decides about trying again."""

    SILENT = auto()
    """The meter never answered."""
    LINK = auto()
    """The link was lost."""
    REFUSED = auto()
    """The meter does not want this client so."""
    SECRET = auto()
    """The password or the key is wrong: trying again may lock the meter."""
    COUNTER = auto()
    """The invocation counter is too low."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One attribute's value, or why there is none (see ``services.access_result``)."""

    attribute: Attribute
    result: GetResult


@dataclass(frozen=True, slots=True)
class Performed:
    """A SET or ACTION was answered: 0 is success."""

    result: int
    data: Data | None


@dataclass(frozen=True, slots=True)
class Ended:
    """The conversation is over: as it should be where ``failing`` is None."""

    failing: Failing | None = None
    reason: str = ""
    counter: int | None = None


ConversationEvent = Opened | Answered | Performed | Refused | Ended


class Conversation:
    """One conversation. ``start`` begins it, ``ask`` may be called at any time until ``close``."""

    def __init__(self, link: Link, association: Association) -> None:
        self.link = link
        self.association = association
        self.finished = False
        self._queue: deque[Attribute] = deque()
        self._asked: tuple[Attribute, ...] = ()
        self._work: deque[tuple[Attribute, Data] | tuple[int, bytes, int, Data | None]] = deque()
        self._performing = False
        self._alone = False
        """Attributes are asked for one by one: the meter has refused several."""
        self._closing = False
        self._ending = Ended()
        self._connected = False
        self._events: list[ConversationEvent] = []

    @property
    def deadline(self) -> float | None:
        """The next moment to call ``actions``: at once where there is something to say."""
        opened = self.association.state is State.OPEN
        if not self.finished and self.link.idle and (not opened or self._queue or self._work or self._closing):
            return float("-inf")
        return self.link.deadline

    @property
    def wanted(self) -> int:
        """Octets that must still come before anything can be decided."""
        return self.link.wanted

    @property
    def waiting(self) -> int:
        """Attributes that are not answered yet."""
        return len(self._queue) + len(self._asked)

    def events(self) -> list[ConversationEvent]:
        """Return what happened since the last call."""
        events, self._events = self._events, []
        return events

    def start(self) -> None:
        """Begin."""
        self.link.connect()

    def ask(self, *attributes: Attribute) -> None:
        """Ask for attributes as soon as all before them are answered."""
        self._queue.extend(attributes)

    def close(self) -> None:
        """End when everything is answered."""
        self._closing = True

    def abort(self) -> None:
        """End as soon as the meter lets us, whatever is still to be answered."""
        self._queue.clear()
        self._work.clear()
        self._closing = True

    def actions(self, now: float) -> list[bytes]:
        """Return the octets to send now."""
        self._go_on()
        actions = self.link.actions(now)
        self._follow()
        if not actions:
            # A link that is open at once has just told so.
            self._go_on()
            actions = self.link.actions(now)
        return actions

    def sent(self, now: float) -> None:
        """Tell that the octets have left."""
        self.link.sent(now)

    def receive(self, data: bytes, now: float) -> None:
        """Take octets that came by ``now``."""
        self.link.receive(data, now)
        self._follow()
        self._go_on()

    # --- inside

    def _follow(self) -> None:
        for event in self.link.events():
            match event:
                case Connected():
                    self._connected = True
                    self.association.open()
                case Message(octets=octets):
                    self.association.receive(octets)
                case Closed():
                    self._end(self._ending)
                case LinkFailed(reason=reason):
                    failing = Failing.LINK if self._connected else Failing.SILENT
                    self._end(Ended(failing, reason) if self._ending.failing is None else self._ending)
        for understood in self.association.events():
            self._understood(understood)

    def _understood(self, event: Event) -> None:
        match event:
            case Opened():
                self._events.append(event)
            case Got(results=results):
                asked, self._asked = self._asked, ()
                self._events.extend(Answered(one, result) for one, result in zip(asked, results, strict=True))
            case Done(result=result, data=data):
                self._performing = False
                self._events.append(Performed(result, data))
            case Refused():
                self._refused(event)
            case AssociationFailed(reason=reason, secret_wrong=secret, counter=counter):
                failing = Failing.SECRET if secret else Failing.COUNTER if counter is not None else Failing.REFUSED
                self._ending = Ended(failing, reason, counter)
                self.link.disconnect()
            case Released():
                self.link.disconnect()
            case _ as unreachable:
                assert_never(unreachable)

    def _refused(self, refused: Refused) -> None:
        if len(self._asked) > 1:
            # Several at once may be what it does not want.
            self._alone = True
            self._queue.extendleft(reversed(self._asked))
            self._asked = ()
            return
        if self._asked:
            self._asked = ()
        self._performing = False
        self._events.append(refused)

    def _go_on(self) -> None:
        """Say what is to be said next."""
        if self.finished or not self.link.idle:
            return
        association = self.association
        if (message := association.outgoing) is not None:
            self.link.send(message)
            return
        if not association.idle or self._asked or self._performing:
            return
        if self._queue:
            self._asked = tuple(self._queue.popleft() for _ in range(min(self._at_once, len(self._queue))))
            association.get(*self._asked)
        elif self._work:
            self._performing = True
            match self._work.popleft():
                case (Attribute() as attribute, data):
                    association.set(attribute, data)
                case (class_id, name, method, data):
                    association.act(class_id, name, method, data)
        elif self._closing:
            association.release()
        if (message := association.outgoing) is not None:
            self.link.send(message)

    @property
    def _at_once(self) -> int:
        granted, most = self.association.granted, self.association.most
        if self._alone or Conformance.MULTIPLE_REFERENCES not in granted or self._queue[0].selector is not None:
            return 1
        size = 11
        if Conformance.BLOCK_TRANSFER_WITH_GET not in granted:
            size = _ANSWER_SIZE
        fitting = max(1, (most - _REQUEST_HEAD) // size)
        # One that selects a part of a profile is asked for by itself.
        plain = next((n for n, one in enumerate(self._queue) if one.selector is not None), len(self._queue))
        return max(1, min(MOST_AT_ONCE, fitting, plain))

    def _end(self, ending: Ended) -> None:
        if not self.finished:
            self.finished = True
            self._events.append(ending)
