"""Finding a meter's next message of programming mode behind one of ours (IEC 62056-21 clauses 6.3.7 to 6.3.11).

What comes back may be our own message, whole or with holes, noise, and then: a command of the meter's (P0, B0), a data
message, a lone ACK or NAK. A meter sends no other command, and of its data messages the block check is right: what has
neither and consists of our own characters in their order is echo.
"""

from __future__ import annotations

from dataclasses import dataclass

from .block_check import BlockCheck, BlockCheckKind, compute
from .characters import ACK, CR, EOT, ETX, LF, NAK, SOH, STX, strip_parity, without_parity
from .framing import Block, Parity, observe_parity

MAX_ANSWER = 4 * 1024 * 1024
"""Everything that a meter has stored: 400 days of quarter hours in eight columns have some 3 MB."""

MAX_NOISE = 4096
BEL = 0x07
"""NEVA's answer to a password that it does not take."""

_SIGNS = frozenset({ACK, NAK, BEL})
_OF_METERS = (b"P0", b"B0")


@dataclass(frozen=True, slots=True)
class Control:
    """A command that the meter sent: ``P0`` with its operand, or ``B0``. ``kind`` is None where its check is wrong."""

    command: str
    operand: str
    kind: BlockCheckKind | None


class Reception:
    """Takes raw characters that follow ``sent``, a message of ours (seven-bit).

    ``message`` is None until one of the meter's is whole; characters behind it are in ``rest``. ``sign`` is a lone ACK,
    NAK or BEL; something may still follow it. ``echo``: characters of ``sent`` that came back in one piece.
    """

    def __init__(
        self, sent: bytes, kinds: tuple[BlockCheckKind, ...], parity: Parity, *, software_parity: bool
    ) -> None:
        self.parity = parity if software_parity else Parity.ABSENT
        self.message: Block | Control | None = None
        self.sign: int | None = None
        self.echo = 0
        self.rest = b""
        self._sent = sent
        self._kinds = kinds or (BlockCheckKind.XOR,)
        self._software_parity = software_parity
        self._raw = bytearray()
        self._clean = bytearray()
        self._at = 0
        self._gap = 0
        """Where the characters begin that belong to no message so far."""
        self._frame: int | None = None
        self._searched = 0

    @property
    def inside(self) -> bool:
        """Whether a message has begun."""
        return self.message is None and (self._frame is not None or b"(" in self._clean[self._gap : self._at])

    @property
    def size(self) -> int:
        """Characters of the message that has begun."""
        return 0 if self._frame is None else len(self._clean) - self._frame

    @property
    def noise(self) -> int:
        """Characters that belong to no message."""
        return self._at - self._gap

    @property
    def overflow(self) -> bool:
        """Whether this comes to no end."""
        return self.size > MAX_ANSWER or self.noise > MAX_NOISE

    @property
    def alone(self) -> bool:
        """Whether ``sign`` is all that came besides a whole echo."""
        return self._at - self._gap == 1 and self.sign is not None

    @property
    def least(self) -> int:
        """Characters that must still come before the message can end; 0 where nothing is known."""
        if self._frame is None:
            return 0
        text = self._clean
        if text[-1] in (ETX, EOT):
            return 1
        return 3 if text.rfind(b"(") > text.rfind(b")") else 2

    def feed(self, raw: bytes) -> None:
        """Take characters; sets ``message`` when they make one whole."""
        if self.message is not None:
            self.rest += raw
            return
        if self._software_parity and self.parity is Parity.UNKNOWN:
            self.parity = observe_parity(bytes(self._raw[-64:]) + raw)
        self._raw += raw
        self._clean += without_parity(raw)
        while self._advance():
            pass

    def cut(self) -> Block | None:
        """Return what has come of a data message, now that the line is quiet; None where none has begun."""
        if self.message is not None or not self.inside:
            return None
        start = self._gap if self._frame is None else self._frame
        started = self._frame is not None
        if started and self._clean[start] == SOH:
            return None
        return self._block(start + started, len(self._clean), BlockCheck.ABSENT, None, started=started, partial=False)

    # --- inside

    def _advance(self) -> bool:
        """Go on by one character or one message; tell whether there was one."""
        if self.message is not None:
            return False
        if self._frame is not None:
            return self._find_end(self._frame)
        if self._at >= len(self._clean):
            return False
        character = self._clean[self._at]
        if self._damaged(self._at):
            self._at += 1
        elif character in (SOH, STX):
            self._frame, self._searched = self._at, self._at + 1
        elif character in (ETX, EOT):
            if len(self._clean) < self._at + 2:
                return False
            self._close_gap(self._at)
        else:
            if character in _SIGNS:
                self.sign = character
            elif character not in (CR, LF):
                self.sign = None  # It was part of something else, such as the acknowledgement's echo.
            self._at += 1
        return True

    def _find_end(self, start: int) -> bool:
        end = self._next_end()
        while end is not None and self._damaged(end):
            self._searched = end + 1
            end = self._next_end()
        if end is None:
            self._searched = len(self._clean)
            return False
        if len(self._clean) < end + 2:
            return False
        last = self._last_stx(start, end)
        of_meter = self._clean[start + 1 : start + 3] in _OF_METERS
        if self._clean[start] == STX:
            self._close_data(last or start, end)
        elif last is None or of_meter or self._is_echo(start, end):
            self._close_command(start, end)
        else:
            # The end of our echo was lost, and the meter's answer follows in the same breath.
            self._close_data(last, end)
        return True

    def _next_end(self) -> int | None:
        places = (self._clean.find(ETX, self._searched), self._clean.find(EOT, self._searched))
        return min((place for place in places if place >= 0), default=None)

    def _last_stx(self, start: int, end: int) -> int | None:
        place = self._clean.rfind(STX, start + 1, end)
        while place >= 0 and self._damaged(place):
            place = self._clean.rfind(STX, start + 1, place)
        return place if place >= 0 else None

    def _close_command(self, start: int, end: int) -> None:
        body = bytes(self._clean[start + 1 : end])
        if body[:2] in _OF_METERS and self._clean[end] == ETX:
            kind, _ = self._check(start + 1, end)
            operand = body.partition(b"(")[2].rpartition(b")")[0].decode("latin-1")
            errors = self._errors(start + 1, end + 1)
            self._complete(Control(body[:2].decode("ascii"), operand, None if errors else kind), end)
            return
        if self._clean[start : end + 2] == self._sent:
            self.echo = len(self._sent)
        self._pass_over(end)

    def _close_data(self, start: int, end: int) -> None:
        kind, check = self._check(start + 1, end)
        partial = self._clean[end] == EOT
        block = self._block(start + 1, end, check, kind, started=True, partial=partial)
        if (check is BlockCheck.OK and not block.parity_errors) or not self._is_echo(start, end):
            self._complete(block, end)
        else:
            self._pass_over(end)

    def _close_gap(self, end: int) -> None:
        """End a message whose beginning was lost: where its block check is right, only its STX was."""
        start = self._gap
        while start < end and (self._clean[start] < 0x20 or self._damaged(start)):
            start += 1
        kind, check = self._check(start, end)
        whole = check is BlockCheck.OK and b"(" in self._clean[start:end]
        if whole or (b"(" in self._clean[start:end] and not self._is_echo(start, end)):
            partial = self._clean[end] == EOT
            self._complete(self._block(start, end, check, kind, started=False, partial=partial), end)
        else:
            self._pass_over(end)

    def _check(self, start: int, end: int) -> tuple[BlockCheckKind | None, BlockCheck]:
        covered, received = bytes(self._clean[start : end + 1]), self._clean[end + 1]
        for kind in self._kinds:
            if compute(kind, covered) == received:
                return kind, BlockCheck.OK
        return None, BlockCheck.BAD

    def _is_echo(self, start: int, end: int) -> bool:
        """Whether what stands there are characters of ours in their order, some of them lost or damaged."""
        place = 0
        for position in range(start, end + 1):
            if self._damaged(position):
                continue
            place = self._sent.find(self._clean[position], place) + 1
            if not place:
                return False
        return True

    def _block(
        self,
        start: int,
        end: int,
        check: BlockCheck,
        kind: BlockCheckKind | None,
        *,
        started: bool,
        partial: bool,
    ) -> Block:
        text = bytes(self._clean[start:end])
        return Block(
            text=text,
            raw=bytes(self._raw[start - started : end + 2]),
            check=check,
            kind=kind,
            parity_errors=self._errors(start, end + 1),
            started=started,
            marked=text.rstrip(b"\r\n").endswith(b"!"),
            partial=partial,
        )

    def _errors(self, start: int, end: int) -> int:
        return strip_parity(bytes(self._raw[start:end]))[1] if self.parity is Parity.CARRIED else 0

    def _damaged(self, position: int) -> bool:
        return self.parity is Parity.CARRIED and self._raw[position].bit_count() & 1 == 1

    def _complete(self, message: Block | Control, end: int) -> None:
        self.message = message
        self.rest = bytes(self._raw[end + 2 :])
        self._frame, self._at, self._gap = None, end + 2, end + 2

    def _pass_over(self, end: int) -> None:
        self._frame, self._at, self._gap = None, end + 2, end + 2
        self.sign = None
