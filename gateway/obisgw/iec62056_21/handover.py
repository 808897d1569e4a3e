"""Sign-on in mode E (IEC 62056-21 annex E): the meter is asked to go on in HDLC, and says that it will, or reads itself out.

The confirmation comes at the new rate and still with parity. A meter that does not know mode E sends its readout in its
place, which is taken like any other.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from . import timing
from .characters import STX, strip_parity
from .events import Action, HandedOver
from .session import ReadoutSession

if TYPE_CHECKING:
    from .dialects import Dialects
    from .plan import LinePlan
    from .settings import SessionSettings

_CONFIRMATION: Final = re.compile(rb"\x062.2\r\n", re.DOTALL)
_SOME_TEXT: Final = 16
"""Characters of a readout without STX; a confirmation has six."""


class _Stage(Enum):
    CONFIRMATION = auto()


class HandoverSession(ReadoutSession):
    """One attempt. It ends with ``HandedOver``, ``Received`` or ``Failed``.

    ``insist`` asks also a meter whose identification does not offer HDLC.
    """

    def __init__(self, settings: SessionSettings, plan: LinePlan, dialects: Dialects, *, insist: bool = False) -> None:
        super().__init__(settings, plan, dialects)
        self._insist = insist
        self._heard = b""

    @property
    def asked(self) -> bool:
        """Whether the meter was, or will be, asked for HDLC."""
        return self.mode_control == "2"

    def _met(self) -> None:
        super()._met()
        if self._insist or (self.identification is not None and self.identification.offers_mode_e):
            self.protocol_control = self.mode_control = "2"

    def _begin(self, now: float, patience: float) -> None:
        if self.asked and self.acknowledged:
            self._enter(_Stage.CONFIRMATION, now + timing.CONFIRMATION_MAX + self.settings.latency)
        else:
            super()._begin(now, patience)

    def _take(self, data: bytes, now: float) -> None:
        if self._state is not _Stage.CONFIRMATION:
            super()._take(data, now)
            return
        self._heard += data
        text, _ = strip_parity(self._heard)
        if _CONFIRMATION.search(text):
            self._hand_over(now, confirmed=True)
        elif STX in text or len(text) > _SOME_TEXT:
            heard, self._heard = self._heard, b""
            super()._begin(now, timing.CHARACTER_GAP)
            super()._take(heard, now)

    def _proceed(self, now: float) -> Action | None:
        if self._state is not _Stage.CONFIRMATION:
            return super()._proceed(now)
        self._hand_over(now, confirmed=False)
        return None

    def _hand_over(self, now: float, *, confirmed: bool) -> None:
        self._events.append(HandedOver(confirmed, now))
        self._finish()
