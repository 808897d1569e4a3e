"""A conversation in DLMS with the face that the pump drives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from obisgw.dlms.frames import Frame, Kind
from obisgw.dlms.link import ClientLink, LinkState
from obisgw.iec62056_21.events import Action, Send

if TYPE_CHECKING:
    from collections.abc import Callable

    from obisgw.dlms.conversation import Conversation, ConversationEvent


class DlmsSession:
    """One conversation over a port that has its rate and format.

    ``used`` is told of the highest invocation counter before a message with it leaves.
    """

    least = 0
    """Frames say how long they are."""

    def __init__(self, conversation: Conversation, used: Callable[[int], object] | None = None) -> None:
        self.conversation = conversation
        self.received = 0
        self.sample = b""
        self._used = used
        self._told = -1
        self._started = False

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen."""
        return self.conversation.finished

    @property
    def deadline(self) -> float | None:
        """The next moment to call ``actions``; the first one at once."""
        return self.conversation.deadline if self._started else 0.0

    @property
    def wanted(self) -> int:
        """Octets that must still come before anything can be decided."""
        return self.conversation.wanted

    def actions(self, now: float) -> list[Action]:
        """Return what to do now."""
        if not self._started:
            self._started = True
            self.conversation.start()
        octets = b"".join(self.conversation.actions(now))
        if not octets:
            return []
        last = self.conversation.association.counter - 1
        if self._used is not None and last > self._told:
            self._told = last
            self._used(last)
        return [Send(octets)]

    def sent(self, now: float) -> None:
        """Tell that the last bit of the last ``Send`` has left."""
        self.conversation.sent(now)

    def receive(self, data: bytes, now: float) -> None:
        """Take what came."""
        self.received += len(data)
        self.sample += data[: 256 - len(self.sample)]
        self.conversation.receive(data, now)

    def events(self) -> list[ConversationEvent]:
        """Return what happened."""
        return self.conversation.events()

    def abort(self) -> list[Action]:
        """End now; return the DISC that closes the link."""
        link = self.conversation.link
        if not isinstance(link, ClientLink) or not self._started or link.state in {LinkState.CLOSED, LinkState.FAILED}:
            return []
        return [Send(Frame(link.settings.server, link.settings.client, Kind.DISC).encode())]
