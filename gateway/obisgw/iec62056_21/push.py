"""Listening to a meter that sends unasked: mode D and the P1 port built on it (IEC 62056-21 clause 6.4.5)."""

from __future__ import annotations

import re

from . import timing
from .block_check import BlockCheck, BlockCheckKind, compute, crc16
from .characters import ETX, STX, strip_parity, without_parity
from .dialects import Dialect, Dialects
from .events import Action, Event, Failure, Identified, Received, Rejected, SetLine
from .framing import MAX_MESSAGE, end_of_data, parity_carried
from .identification import Identification, Mode, parse_identification
from .likeness import Likeness
from .p1 import crc_expected
from .settings import SessionSettings
from .telegram import Telegram

MAX_IDENTIFICATION = 96
MAX_SAMPLE = 256

_START = re.compile(rb"/[A-Za-z]{3}[ -'*-.0-~]*\r*\n")
_CRC = re.compile(rb"[0-9A-Fa-f]{1,4}(?=[\r\n])")


class PushSession:
    """Finds telegrams in an endless stream. Never finishes by itself; never sends.

    Events: `Identified`, `Received` for each proved telegram, `Rejected` for each that was begun and not proved.
    """

    def __init__(self, settings: SessionSettings, baudrate: int, dialects: Dialects) -> None:
        self.settings = settings
        self.baudrate = baudrate
        self.received = 0
        self.sample = b""
        """The last raw characters that belong to no telegram, for whoever has to explain a failure."""
        self.finished = False
        self.identification: Identification | None = None
        self._dialects = dialects
        self._software_parity = settings.format.software_parity
        self._raw = bytearray()
        self._clean = bytearray()
        self._searched = 0
        self._body = 0
        """Where the data begin behind the identification; 0 while no telegram has begun."""
        self._mark = -1
        """Where the end mark stands; negative while it has not come."""
        self._crc_expected = False
        self._likeness = Likeness()
        self._started = 0.0
        self._opened = False
        self._events: list[Event] = []
        self._deadline: float | None = 0.0

    @property
    def deadline(self) -> float | None:
        """The next moment to call ``actions``; None while nothing is under way."""
        return self._deadline

    @property
    def wanted(self) -> int:
        """Characters that must still come before anything can be decided."""
        if not self._body or self.settings.expected_size is None or self._mark >= 0:
            return 1
        return max(1, self.settings.expected_size - len(self._raw))

    @property
    def least(self) -> int:
        """Nothing is known: pushed telegrams are short and fast."""
        return 0

    def events(self) -> list[Event]:
        """Return what happened since the last call, in order."""
        events, self._events = self._events, []
        return events

    def actions(self, now: float) -> list[Action]:
        """Return what to do now: set the line once; later calls only end telegrams that went quiet."""
        if not self._opened:
            self._opened = True
            self._deadline = None
            return [SetLine(self.baudrate)]
        if self._deadline is not None and now >= self._deadline:
            self._went_quiet(now)
        return []

    def sent(self, now: float) -> None:
        """Raise: a push session never sends."""
        message = f"a push session sends nothing (at {now})"
        raise RuntimeError(message)

    def abort(self) -> list[Action]:
        """End now; there is no session to leave."""
        self.finished = True
        self._deadline = None
        return []

    def receive(self, data: bytes, now: float) -> None:
        """Take raw characters that arrived by ``now``."""
        if not data or self.finished:
            return
        if not self._raw:
            self._started = now
        self.received += len(data)
        self._raw += data
        self._clean += without_parity(data) if self._software_parity else data
        progress = True
        while progress:
            progress = self._advance(now)
        if not self._body:
            self._deadline = None
        else:
            self._deadline = now + (timing.PUSH_GAP if self._mark < 0 else timing.END_GAP + self.settings.latency)

    # --- one telegram

    def _advance(self, now: float) -> bool:
        """Go one step on; False when more characters are needed."""
        if not self._body:
            return self._find_identification(now)
        if self._mark < 0:
            return self._find_mark(now)
        return self._find_end(now, quiet=False)

    def _find_identification(self, now: float) -> bool:
        match = _START.search(self._clean)
        if match is None:
            self._forget_noise()
            return False
        self._drop(match.start())
        self._started = now
        self._body = match.end() - match.start()
        self._searched = self._body
        self.identification = parse_identification(bytes(self._clean[: self._body]))
        if self.identification is not None:
            self._events.append(Identified(self.identification, now))
        return True

    def _forget_noise(self) -> None:
        start = self._clean.rfind(b"/")
        keep = start if start >= 0 and len(self._clean) - start <= MAX_IDENTIFICATION else len(self._clean)
        self.sample = (self.sample + self._raw[:keep])[-MAX_SAMPLE:]
        self._drop(keep)

    def _drop(self, count: int) -> None:
        del self._raw[:count]
        del self._clean[:count]

    def _find_mark(self, now: float) -> bool:
        begin = max(self._body - 1, self._searched - 1)
        mark = end_of_data(bytes(self._clean[begin:]))
        other = _START.search(self._clean, max(self._body, self._searched - MAX_IDENTIFICATION))
        if other is not None and (mark is None or other.start() < begin + mark):
            self._reject(Failure.CUT, other.start(), now)
            return True
        if mark is not None:
            self._mark = begin + mark
            return True
        self._searched = len(self._clean)
        if len(self._clean) > MAX_MESSAGE:
            self._reject(Failure.TOO_LONG, len(self._clean), now)
            return True
        return False

    def _find_end(self, now: float, *, quiet: bool) -> bool:
        """Find what closes the telegram behind ``!``: CRC, line end, block check, or silence."""
        rest = bytes(self._clean[self._mark + 1 :])
        if (crc := _CRC.match(rest)) is not None:
            self._finish(self._mark + 1 + crc.end(), BlockCheckKind.CRC16, int(crc[0], 16), now)
            return True
        has_stx = self._has_stx
        etx = rest.find(bytes((ETX,)), 0, 4)
        if has_stx and 0 <= etx < len(rest) - 1:
            kind = self._dialect.block_checks[0] if self._dialect.block_checks else None
            self._finish(self._mark + 1 + etx + 2, kind, rest[etx + 1], now)
            return True
        bare_end = rest[:1] in {b"\r", b"\n", b"/"}
        needed = 4 if has_stx else 0 if bare_end else 5
        if not quiet and len(rest) <= needed and not (bare_end and not has_stx):
            return False
        # Anything else behind the mark is a damaged CRC: the telegram had a check and it cannot be right.
        self._finish(self._mark + 1, None if bare_end or has_stx or not rest else BlockCheckKind.CRC16, -1, now)
        return True

    @property
    def _data_start(self) -> int:
        stx = self._clean.find(bytes((STX,)), self._body, self._body + 8)
        return self._body if stx < 0 else stx + 1

    @property
    def _has_stx(self) -> bool:
        return self._data_start != self._body

    @property
    def _dialect(self) -> Dialect:
        if self.settings.dialect is not None:
            return self.settings.dialect
        return self._dialects.match(self.identification)

    def _finish(self, end: int, kind: BlockCheckKind | None, received: int, now: float) -> None:
        telegram = self._telegram(end, kind, received)
        if telegram.proved and telegram.check is BlockCheck.ABSENT and not self._likeness.confirms(telegram.block):
            self._events.append(Rejected(telegram, Failure.UNLIKE, now))
        elif telegram.proved:
            self._crc_expected = self._crc_expected or kind is BlockCheckKind.CRC16
            self._events.append(Received(telegram, self._started, now))
        else:
            self._events.append(Rejected(telegram, Failure.BAD_CHECK, now))
        self._restart(end)

    def _telegram(self, end: int, kind: BlockCheckKind | None, received: int) -> Telegram:
        raw, clean = bytes(self._raw[:end]), bytes(self._clean[:end])
        carried = self._software_parity and parity_carried(raw)
        # An eighth bit that is no parity belongs to the character.
        shown = clean if carried else raw
        check = BlockCheck.ABSENT
        if kind is BlockCheckKind.CRC16:
            check = BlockCheck.OK if crc16(shown[: self._mark + 1]) == received else BlockCheck.BAD
        elif kind is not None:
            covered = clean[self._data_start : end - 1]
            check = BlockCheck.OK if compute(kind, covered) == received else BlockCheck.BAD
        elif (
            self._crc_expected
            or crc_expected(clean, self._body, self._mark)
            or (self._has_stx and self._dialect.block_checks and end == self._mark + 1)
        ):
            check = BlockCheck.BAD
        checked = raw[: end - 1] if kind is not None and kind is not BlockCheckKind.CRC16 else raw
        return Telegram(
            identification=self.identification,
            mode=Mode.D,
            block=shown[self._data_start : self._mark],
            check=check,
            check_kind=kind,
            parity_errors=strip_parity(checked)[1] if carried else 0,
            complete=True,
            raw=raw,
        )

    def _reject(self, failure: Failure, end: int, now: float) -> None:
        telegram = Telegram(
            identification=self.identification,
            mode=Mode.D,
            block=bytes(self._clean[self._body : end]),
            check=BlockCheck.ABSENT,
            check_kind=None,
            parity_errors=0,
            complete=False,
            raw=bytes(self._raw[:end]),
        )
        self._events.append(Rejected(telegram, failure, now))
        self._restart(end)

    def _restart(self, end: int) -> None:
        self._drop(end)
        self._body, self._mark = 0, -1
        self._searched = 0

    def _went_quiet(self, now: float) -> None:
        if self._mark >= 0:
            self._find_end(now, quiet=True)
        elif self._body:
            self._reject(Failure.CUT, len(self._clean), now)
        self._deadline = None
