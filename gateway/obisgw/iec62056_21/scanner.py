"""Finding messages in recorded bytes, in time proportional to their number, whatever the bytes are."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from .block_check import BlockCheck, BlockCheckKind, compute
from .characters import EOT, ETX, strip_parity
from .dialects import Dialect, Dialects
from .framing import MAX_MESSAGE, begins_with_code
from .identification import Identification, Mode, parse_identification
from .p1 import read_end_mark
from .telegram import Telegram


@dataclass(frozen=True, slots=True)
class Captured:
    """One message of a meter. ``request`` is the address that the reader had asked for in programming mode."""

    telegram: Telegram
    dialect: Dialect
    request: str | None = None


# Only where an identification, a request, a command, a frame or a data set can begin.
_START = re.compile(rb"[\x02(]|/(?=[A-Za-z]{3}|[?#0-9])|\x01(?=[A-Z][0-9])")
_IDENTIFICATION = re.compile(rb"/[A-Za-z]{3}[ -~]{0,96}+(?=[\r\n])")
_NEXT_IDENTIFICATION = re.compile(rb"(?<=[\r\n])/[A-Za-z]{3}[ -~]{0,96}+[\r\n]")
_REQUEST = re.compile(rb"/[?#0-9][0-9A-Za-z ]{0,32}!?[\r\n]*")
_COMMAND = re.compile(rb"\x01(?P<command>[A-Z][0-9])(?:\x02(?P<data>[ -~\r\n]*+))?[\x03\x04]")
_FRAME_END = re.compile(rb"[\x03\x04]")
_FRAME_END_WITH_PARITY = re.compile(rb"[\x03\x84]")
"""What noise made of another character shows by its parity."""
_STX = re.compile(rb"\x02")
_MARK = re.compile(rb"(?<=[\r\n)])!")
# The reader's acknowledgement, line ends and noise that stand between an identification and its data.
_BEFORE_DATA = re.compile(rb"(?:\x06[0-9]{3}|[^ -~])*")
_DATA_LINE = re.compile(rb"(?:\A|(?<=[\r\n]))[ -'*-.0-~]*\(")
_CONTROL = re.compile(rb"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]")
_NOT_PRINTABLE = re.compile(rb"[^ -~\r\n]")
_MAX_STARTS = 8

MOST_FOUND = 100_000
"""Messages and identifications that are looked for. Sixteen megabytes of real telegrams hold some fifty thousand."""

MOST_IDENTIFICATIONS = 1000
"""The last ones that are kept: they name the meter that nothing else was heard of."""


class _Next:
    """The next match of a pattern, remembered, so that asking again from further on costs no second search."""

    def __init__(self, pattern: re.Pattern[bytes] | bytes, text: bytes) -> None:
        self._pattern, self._text = pattern, text
        self._from, self._at = 0, -1

    def behind(self, start: int) -> int:
        """Return where the first match at or behind ``start`` begins, the end of the text without one."""
        if not self._from <= start <= self._at:
            self._from, found = start, self._search(start)
            self._at = len(self._text) if found < 0 else found
        return self._at

    def _search(self, start: int) -> int:
        if isinstance(self._pattern, bytes):
            return self._text.find(self._pattern, start)
        match = self._pattern.search(self._text, start)
        return -1 if match is None else match.start()


class Scanner:
    """Walks over a recording once, in time proportional to its size."""

    def __init__(self, raw: bytes, dialects: Dialects, dialect: Dialect | None) -> None:
        self._carried = _parity_carried(raw)
        self._raw = raw
        self._text = strip_parity(raw)[0]
        self._shown = self._text if self._carried else raw
        self._dialects = dialects
        self._forced = dialect
        self._dialect = dialect or dialects.match(None)
        self._identification: Identification | None = None
        self._identified = range(0)
        self._request: str | None = None
        self._next_identification = _Next(_NEXT_IDENTIFICATION, self._text)
        self._next_same = _Next(_NEXT_IDENTIFICATION, self._text)
        self._next_end = _Next(_FRAME_END_WITH_PARITY, raw) if self._carried else _Next(_FRAME_END, self._text)
        self._next_stx = _Next(_STX, self._text)
        self._next_mark = _Next(_MARK, self._text)
        self.identifications: deque[Identification] = deque(maxlen=MOST_IDENTIFICATIONS)
        self.position = 0
        """How far the recording has been walked over."""
        self._found = 0

    def messages(self) -> Iterator[Captured]:
        """Yield the messages in order, until ``MOST_FOUND``."""
        while (start := _START.search(self._text, self.position)) is not None:
            if self._found >= MOST_FOUND:
                return
            at = start.start()
            match self._text[at]:
                case 0x2F:
                    self.position = self._identify(at)
                case 0x01:
                    self.position = self._command(at)
                case 0x02:
                    telegram, self.position = self._framed(at)
                    self._found += 1
                    yield Captured(telegram, self._dialect, self._request)
                case _:
                    telegram, self.position = self._unframed(at, self.position)
                    self._found += 1
                    yield Captured(telegram, self._dialect)
        self.position = len(self._text)

    def _identify(self, at: int) -> int:
        line = _IDENTIFICATION.match(self._text, at)
        if line is not None and (found := parse_identification(line.group())) is not None:
            self._identification, self._identified = found, range(at, line.end())
            self._request = None
            self._dialect = self._forced or self._dialects.match(found)
            self._next_same = _Next(line.group(), self._text)
            self._found += 1
            self.identifications.append(found)
            return line.end()
        request = _REQUEST.match(self._text, at)
        return at + 1 if request is None else request.end()

    def _command(self, at: int) -> int:
        command = _COMMAND.match(self._text, at)
        if command is None:
            return at + 1
        self._request = None
        if command["command"].startswith(b"R") and self._check(at + 1, command.end())[0] is BlockCheck.OK:
            self._request = (command["data"] or b"").partition(b"(")[0].decode("ascii") or None
        return command.end() + 1

    # --- messages between STX and ETX

    def _framed(self, at: int) -> tuple[Telegram, int]:
        """Return the message at STX with the blocks that follow a partial one, and the position behind it."""
        parts: list[bytes] = []
        check, kind, damaged, start, size = BlockCheck.OK, None, 0, at + 1, 0
        while True:
            limit = self._limit(start)
            end = self._frame_end(start, limit)
            if end is None:
                return self._endless(at, start, limit, parts, check, damaged)
            start, found, kind = self._checked(start, end)
            check = found if check is BlockCheck.OK else check
            parts.append(self._shown[start:end])
            damaged += self._damaged(start, end + 1)
            behind = min(end + 2, len(self._raw))
            size += end - start
            following = self._next_stx.behind(behind)
            if self._text[end] != EOT or following >= self._limit(behind) or size > MAX_MESSAGE:
                break
            start = following + 1
        # Any bytes hold an STX and an ETX somewhere, and one in 128 of them a fitting block check. Behind an
        # identification, letters of eight bits are the meter's: who lives there, the unit m³.
        strange = _NOT_PRINTABLE if self._identification is None else _CONTROL
        damaged = damaged or sum(len(strange.findall(part)) for part in parts)
        if check is BlockCheck.ABSENT:
            # A recording of one answer that stops at ETX: parity has proved each character. Elsewhere it was cut.
            alone = self._identification is None and self._carried and len(parts) == 1
            check, kind = BlockCheck.ABSENT if alone else BlockCheck.BAD, None
        telegram = self._telegram(b"".join(parts), check, kind, range(at, behind), self._mode())
        return _with(telegram, damaged=damaged, whole=self._text[end] == ETX), behind

    def _endless(
        self, at: int, start: int, limit: int, parts: list[bytes], check: BlockCheck, damaged: int
    ) -> tuple[Telegram, int]:
        """Return the message at STX that has no ETX."""
        mark = self._next_mark.behind(start)
        marked = mark < limit
        end = mark if marked else limit
        behind = mark + 1 if marked else limit
        block = self._shown[start:end]
        damaged += self._damaged(start, end) or len(_NOT_PRINTABLE.findall(block))
        may_lack = self._mode() is Mode.A or not self._dialect.block_check_required
        telegram = self._telegram(
            b"".join((*parts, block)),
            BlockCheck.ABSENT if check is BlockCheck.OK else check,
            None,
            range(at, behind),
            self._mode(),
        )
        return _with(telegram, damaged=damaged, whole=marked and may_lack and not parts), behind

    def _frame_end(self, start: int, limit: int) -> int | None:
        end = self._next_end.behind(start)
        return end if end < limit else None

    def _checked(self, start: int, end: int) -> tuple[int, BlockCheck, BlockCheckKind | None]:
        """Return where the block begins, and its check. Noise in front may hold an STX: the check tells."""
        first, kind = self._check(start, end + 1)
        begin = start
        for _ in range(_MAX_STARTS if first is BlockCheck.BAD else 0):
            begin = self._text.find(b"\x02", begin, end) + 1
            if not begin or self._text.find(b")", start, begin) >= 0:
                break
            check, other = self._check(begin, end + 1)
            if check is BlockCheck.OK:
                return begin, check, other
        return start, first, kind

    def _check(self, start: int, end: int) -> tuple[BlockCheck, BlockCheckKind | None]:
        """Return the check of the characters from ``start``, whose block check character is at ``end``."""
        if end >= len(self._raw):
            return BlockCheck.ABSENT, None
        covered = self._text[start:end]
        texts = [covered]
        if b"\r" not in covered and b"\n" in covered:
            # An editor or a terminal has made LF of CR LF.
            texts.append(covered.replace(b"\n", b"\r\n"))
        for text in texts:
            for kind in self._dialect.block_checks:
                if compute(kind, text) == self._text[end]:
                    return BlockCheck.OK, kind
        return BlockCheck.BAD, next(iter(self._dialect.block_checks), None)

    # --- messages without STX: mode D, the P1 port, and readouts whose STX was lost or not saved

    def _unframed(self, at: int, behind: int) -> tuple[Telegram, int]:
        """Return the message whose first bracket is at ``at``; nothing in front of ``behind`` belongs to it."""
        identified = bool(self._identified) and behind == self._identified.stop
        if identified:
            before = _BEFORE_DATA.match(self._text, behind, at)
            start = before.end() if before else at
        else:
            line = _DATA_LINE.search(self._text, behind, at + 1)
            start = line.start() if line else at
        limit = self._limit(at)
        end = self._frame_end(start, limit)
        mark = self._next_mark.behind(start)
        if end is not None and (mark > end or self._shown[mark + 1 : end].strip(b"\r\n ") == b""):
            return self._lost_start(start, end, identified=identified)
        if mark >= limit:
            return self._telegram(
                self._shown[start:limit], BlockCheck.ABSENT, None, range(start, limit), self._unframed_mode()
            ), limit
        first = self._identified.start if identified else start
        ending = read_end_mark(self._shown, first, mark)
        block = self._shown[start:mark]
        damaged = self._damaged(first, mark + 1)
        if ending.check is BlockCheck.ABSENT:
            damaged = damaged or len(_NOT_PRINTABLE.findall(block))
        telegram = self._telegram(block, ending.check, ending.kind, range(first, ending.end), self._unframed_mode())
        return _with(telegram, damaged=damaged, whole=identified and ending.whole), ending.end

    def _lost_start(self, start: int, end: int, *, identified: bool) -> tuple[Telegram, int]:
        """Return the message that has ETX but no STX: the block check can still prove it."""
        check, kind = self._check(start, end + 1)
        check = BlockCheck.BAD if check is BlockCheck.ABSENT else check
        behind = min(end + 2, len(self._raw))
        telegram = self._telegram(self._shown[start:end], check, kind, range(start, behind), self._mode())
        whole = identified and begins_with_code(telegram.block)
        return _with(telegram, damaged=self._damaged(start, end + 1), whole=whole), behind

    # --- what all messages share

    def _telegram(
        self, block: bytes, check: BlockCheck, kind: BlockCheckKind | None, where: range, mode: Mode
    ) -> Telegram:
        """Return a telegram of which nothing is known to be whole yet."""
        raw = self._raw[where.start : where.stop]
        return Telegram(self._identification, mode, block, check, kind, 0, complete=False, raw=raw)

    def _mode(self) -> Mode:
        if self._dialect.mode is not None:
            return self._dialect.mode
        return Mode.C if self._identification is None else self._identification.mode

    def _unframed_mode(self) -> Mode:
        return Mode.A if self._mode() is Mode.A else Mode.D

    def _damaged(self, start: int, end: int) -> int:
        return strip_parity(self._raw[start:end])[1] if self._carried else 0

    def _limit(self, start: int) -> int:
        """Return where a message at ``start`` must have ended because the next one begins.

        A telegram that was cut is followed by the same identification, in the middle of a line if need be.
        """
        return min(self._next_identification.behind(start), self._next_same.behind(start), start + MAX_MESSAGE)


def _with(telegram: Telegram, *, damaged: int, whole: bool) -> Telegram:
    return Telegram(
        telegram.identification,
        telegram.mode,
        telegram.block,
        telegram.check,
        telegram.check_kind,
        damaged,
        complete=whole,
        raw=telegram.raw,
    )


def _parity_carried(raw: bytes) -> bool:
    """Whether the eighth bit of a recording is a parity bit."""
    if raw.isascii():
        return False
    # Every other character of text without parity has an odd number of ones.
    return strip_parity(raw)[1] * 4 < len(raw)
